"""What a run keeps beside its snapshots behind a URL, so that another machine can go on with it from there alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ceas_ray.config.errors import SettingsError, UnusableSettings, reason_of
from ceas_ray.runs.folder import claimed, refuse_unwritable
from ceas_ray.tracking.files import write_whole
from ceas_ray.tracking.locks import LOCK, HeldLock
from ceas_ray.tracking.plain_files import content_of
from ceas_ray.tracking.store_lock import HeldStore
from ceas_ray.tracking.stores import FolderStore, Store, UrlStore, store_at

KEPT = ("settings.yaml", "journal.jsonl")
_MAX_BYTES = 2**28
_PASSWORD = re.compile(rb"//[^/\s\"@]*:[^/\s\"@]*@")


def kept_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a run folder that are kept; none where one of them holds a password. Raises OSError."""
    found = {name: content_of(folder / name, _MAX_BYTES) for name in KEPT}
    return {} if any(map(_PASSWORD.search, found.values())) else found


@contextmanager
def fetched(url: str, output: str | None) -> Iterator[Path]:
    """Make a run folder of what is kept behind a URL, and yield it; if what follows raises, it is not left behind.

    output: where; None: in `outputs/`, named as the last part of the URL. Raises SettingsError.
    """
    store = _store_at(url)
    folder = Path("outputs", url.rstrip("/").rpartition("/")[2]) if output is None else Path(output)
    folder = folder.absolute()
    with held_place("resume", url, store):
        try:
            found = {name: store.read(name) for name in KEPT}
        except FileNotFoundError as error:
            reason = f"{url} holds no run that can go on from there alone: {error.strerror}"
            raise UnusableSettings("resume", reason) from None
        except OSError as error:
            raise UnusableSettings("resume", f"{url} cannot be read: {error.strerror}") from None
    refuse_unwritable(folder, "output")
    with claimed(folder, by_default=False):
        try:
            for name, content in found.items():
                write_whole(folder / name, content)
            yield folder
        except BaseException as error:
            for name in KEPT:
                (folder / name).unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise UnusableSettings("output", f"{folder} cannot be written to: {reason_of(error)}") from None
            raise


def _store_at(url: str) -> Store:
    try:
        return store_at(url)
    except ValueError as error:
        raise UnusableSettings("resume", f"the URL cannot be used: {error}") from None


@contextmanager
def held_place(key: str, place: str, store: Store) -> Iterator[HeldLock | HeldStore | None]:
    """Hold the place of snapshots for this run alone.

    Raises SettingsError (of `key`) while another run keeps its snapshots there, and for a URL that cannot be held; a
    folder that cannot be written to is not held (None): whoever writes there says why that cannot be.
    """
    lock: HeldLock | HeldStore | None = None
    try:
        if isinstance(store, UrlStore):
            lock = HeldStore(store)
        elif isinstance(store, FolderStore):
            store.path.mkdir(parents=True, exist_ok=True)
            lock = HeldLock(store.path / LOCK, lambda line: None)
    except BlockingIOError as error:
        raise SettingsError(key, f"a folder that no other run writes to ({error.strerror})", place) from None
    except OSError as error:
        if isinstance(store, UrlStore):
            raise UnusableSettings(key, f"{place} cannot be written to: {error.strerror}") from None
    try:
        yield lock
    finally:
        if lock is not None:
            lock.release()
