"""Files of a folder that others may have written to: plain ones of a bounded size, and no links, pipes or devices."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_NOT_PLAIN = "it is a link, a pipe or a device, and no plain file"


def opened(path: Path, flags: int, mode: int = 0o666) -> int:
    """Return an open file; with os.O_CREAT it is made if need be.

    Raises OSError for whatever is no plain file: no link is followed, and no pipe or device is waited for.
    """
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise OSError(errno.EINVAL, _NOT_PLAIN, str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, _NOT_PLAIN, str(path))
    return file


def require_plain(path: Path) -> None:
    """Raise OSError for anything but a plain file."""
    os.close(opened(path, os.O_RDONLY))


def content_of(path: Path, max_bytes: int) -> bytes:
    """Return what a plain file holds. Raises OSError for any other, and for one that holds more."""
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it holds more than {max_bytes:,} bytes", str(path))
    return content
