"""A place behind a URL that one process writes to: a file there, `.lock`, names it."""

from __future__ import annotations

import errno
from contextlib import suppress

from ceas_ray.tracking.locks import LOCK, Holder, LockLost, held_by
from ceas_ray.tracking.stores import UrlStore


class HeldStore:
    """A place behind a URL, held from here until `release`.

    Whoever makes the file of the lock holds the place: a store makes one only where there is none (S3: a conditional
    write), and what is read there afterwards decides, so that an answer that was lost does no harm. The file of a
    process of this machine that has ended is replaced; of another machine's processes nothing is known.
    """

    def __init__(self, store: UrlStore) -> None:
        """Raise BlockingIOError, which says who, if another process holds it, and OSError if it cannot be held."""
        self._store, self._content = store, Holder.this_process().content()
        found = self._found()
        if found is not None:
            holder = Holder.of(found)
            if holder is None or not holder.is_dead():
                raise self._held_by(found)
            store.delete(LOCK)
        failure = OSError(errno.EIO, "what is written there is not there afterwards", store.url)
        try:
            store.create(LOCK, self._content)
        except OSError as error:
            failure = error
        try:
            found = self._found()
        except OSError:  # it may be ours, and nobody would ever give it up
            self.release()
            raise
        if found is None:
            raise failure
        if found != self._content:
            raise self._held_by(found)

    def _found(self) -> bytes | None:
        with suppress(FileNotFoundError):
            return self._store.read(LOCK)
        return None

    def _held_by(self, content: bytes) -> BlockingIOError:
        return held_by(self._store.url, content, f"; delete {self._store.url.rstrip('/')}/{LOCK} if that has ended")

    def require_held(self) -> None:
        """Raise LockLost, which says what happened, if the place is not held any more, and OSError if nobody knows."""
        found = self._found()
        if found is None:
            raise LockLost(f"{LOCK} in {self._store.url} was deleted, by which this process held the place")
        if found != self._content:
            holder = Holder.of(found)
            raise LockLost(f"{self._store.url} was taken over by {'another process' if holder is None else holder}")

    def release(self) -> None:
        """Give it up; a file that cannot be deleted now is named by whoever comes next."""
        with suppress(OSError):
            if self._found() == self._content:
                self._store.delete(LOCK)
