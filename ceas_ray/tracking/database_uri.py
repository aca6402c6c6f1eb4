"""URIs of databases, as SQLAlchemy reads them."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from ceas_ray.tracking.tracking_uri import DATABASES

_SQLITE = ("sqlite:///", "sqlite+pysqlite:///")
_ROOM_BYTES = 2**22
"""What an empty database of MLflow takes, a few times over."""


def sqlite_uri(database: Path) -> str:
    """Return the URI of an SQLite database: whatever characters its path has, it is this file and no other.

    A path with characters that URIs quote gets the driver in its scheme: MLflow makes a folder for a database of
    `sqlite:///`, and takes the quoted path for its name.
    """
    path = str(database.resolve())
    plain, driven = (
        URL.create(name, database=path).render_as_string(hide_password=False) for name in ("sqlite", "sqlite+pysqlite")
    )
    return plain if plain == f"sqlite:///{path}" else driven


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite database, None for any other URI."""
    database = make_url(uri).database if uri.startswith(_SQLITE) else None
    return None if database is None else Path(database)


def sqlite_path(uri: str) -> Path:
    """Return the file that the URI of an SQLite database names.

    Raises ValueError, with what the URI must be, for any other; one with options is refused, since a `?` in it is more
    often meant as a part of a name.
    """
    must = "a URI of the form sqlite:///folder/file.db, in it %25 for %, %3F for ?, %23 for # and no options"
    if not uri.startswith(_SQLITE) or "#" in uri or "?" in uri:
        raise ValueError(must)
    try:
        url = make_url(uri)
    except (SQLAlchemyError, ValueError):
        raise ValueError(must) from None
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:") or "\0" in str(url.database):
        raise ValueError(must)
    path = Path(str(url.database))
    try:
        taken = path.is_dir() or any(parent.exists() and not parent.is_dir() for parent in path.absolute().parents)
    except OSError as error:
        raise ValueError(f"a URI of an SQLite database that can be made ({error.strerror})") from None
    if taken:
        raise ValueError(f"a URI of an SQLite database that can be made ({path} is a folder, or lies in a file)")
    return path


def checked_database(uri: str) -> str:
    """Return the URI of a database on a server. Raises ValueError, with what it must be, if it is in pieces, or if the
    driver is not installed.
    """
    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise ValueError(f"the URI of a database whose driver is installed here ({error.name} is not)") from None
    except (SQLAlchemyError, ValueError) as error:
        raise ValueError(f"a URI of the form {uri.partition(':')[0]}://user@host/database ({error})") from None
    if not url.database:
        raise ValueError(f"a URI of the form {url.drivername}://user@host/database")
    return uri


def require_database(uri: str) -> None:
    """Raise OSError, at once, for a database that cannot be opened or written to, or for which a disk of this machine
    has no room: MLflow would try for two minutes.

    A URI of anything else is not looked at.
    """
    from sqlalchemy import create_engine, text

    file, kind = sqlite_file(uri), uri.partition(":")[0].partition("+")[0]
    if file is None and kind not in DATABASES:
        return
    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            connection.execute(text("select 1" if file is None else "begin immediate"))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        raise OSError(errno.EIO, f"the database cannot be opened: {' '.join(reason.split())}") from None
    finally:
        engine.dispose()
    if file is not None:
        _require_room(file.parent)


def _require_room(folder: Path) -> None:
    """Raise OSError where the disk of a folder is full, or this user's share of it."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"the disk of the database has no room for {_ROOM_BYTES >> 20} MB ({error.strerror})"
            raise OSError(errno.ENOSPC, reason) from None
