"""What a run keeps beside its snapshots behind a URL, so that another machine can go on with it from there alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from ceas_ray.config.errors import SettingsError, UnusableSettings, reason_of
from ceas_ray.runs.folder import claimed, refuse_unwritable
from ceas_ray.tracking.files import write_whole
from ceas_ray.tracking.locks import LOCK, HeldLock
from ceas_ray.tracking.plain_files import content_of, opened
from ceas_ray.tracking.store_lock import HeldStore
from ceas_ray.tracking.stores import FolderStore, Store, UrlStore, store_at

SETTINGS, JOURNAL = "settings.yaml", "journal.jsonl"
KEPT = (SETTINGS, JOURNAL)
BLOCK_BYTES = 2**18
_MAX_BYTES = 2**28
_PASSWORD = re.compile(rb"//[^/\s\"@]*:[^/\s\"@]*@")
_LONGEST_PASSWORD = 4096
"""Bytes around the border of two blocks in which a password is looked for."""


def block_name(number: int) -> str:
    """Return the name of a block of the journal: `journal.jsonl`, `journal.jsonl.1`, ..."""
    return f"{JOURNAL}.{number}" if number else JOURNAL


class KeptFiles:
    """What a run keeps beside its snapshots: its settings, and its journal in blocks.

    A journal only grows: whole blocks are sent once, and the last one with every snapshot until it is whole.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sent: dict[str, bytes] = {}
        self._whole: set[str] = set()
        self._first = 0
        """The first block that is not sent whole."""
        self._holds_password = False

    def unsent(self) -> list[tuple[str, bytes]]:
        """Return what is new or has changed since it was noted as sent, in the order in which it is to be written: of
        blocks the last one first, so that whoever reads them meanwhile finds a beginning of the journal.

        Nothing where a password is in it. Raises OSError for a file that cannot be read.
        """
        while block_name(self._first) in self._whole:
            self._first += 1
        begin = self._first * BLOCK_BYTES
        before = min(begin, _LONGEST_PASSWORD)
        with os.fdopen(opened(self._folder / JOURNAL, os.O_RDONLY), "rb") as file:
            file.seek(begin - before)
            tail = file.read(_MAX_BYTES)
        settings = content_of(self._folder / SETTINGS, _MAX_BYTES)
        self._holds_password = self._holds_password or any(map(_PASSWORD.search, (settings, tail)))
        if self._holds_password:
            return []
        blocks = [tail[at : at + BLOCK_BYTES] for at in range(before, max(len(tail), before + 1), BLOCK_BYTES)]
        named = [(block_name(self._first + number), block) for number, block in enumerate(blocks) if block or not begin]
        found = [(SETTINGS, settings), *reversed(named)]
        return [(name, content) for name, content in found if self._sent.get(name) != _digest(content)]

    def note_sent(self, name: str, content: bytes) -> None:
        """Note that a file is there now."""
        self._sent[name] = _digest(content)
        if len(content) == BLOCK_BYTES and name != SETTINGS:
            self._whole.add(name)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def _journal_in(store: Store) -> bytes:
    """Return the journal that is kept in a store. Raises FileNotFoundError if there is none, and OSError."""
    found = [store.read(JOURNAL)]
    while len(found[-1]) == BLOCK_BYTES and sum(map(len, found)) <= _MAX_BYTES:
        try:
            found.append(store.read(block_name(len(found))))
        except FileNotFoundError:
            break
    return b"".join(found)


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
            found = {SETTINGS: store.read(SETTINGS), JOURNAL: _journal_in(store)}
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
