"""A place behind a URL that one process writes to: a file there, `.lock`, names it."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ceas_ray.tracking.locks import LOCK, Holder, LockLost, held_by
from ceas_ray.tracking.stores import S3Store, UrlStore

LEASE_SECONDS = 30.0
"""Whoever holds a place on S3 for so long without a sign has lost it to the next one who wants it."""
_SIGNS_PER_LEASE, _LOOKS_PER_LEASE = 5, 15


def _say(line: str) -> None:
    print(line, file=sys.stderr)


class HeldStore:
    """A place behind a URL, held from here until `release`.

    Whoever makes the file of the lock holds the place: a store makes one only where there is none (S3: a conditional
    write), and what is read there afterwards decides, so that an answer that was lost does no harm. The file of a
    process of this machine that has ended is replaced.

    On S3 the file is a lease besides: its holder gives a sign in it five times a lease, and a file without a sign for a
    whole lease, by the clock of whoever waits for one, is replaced whatever it says. A file is replaced only as long as
    it is the one that was seen, so that of several at once one holds the place. On other stores of other machines'
    processes nothing is known.
    """

    def __init__(self, store: UrlStore, say: Callable[[str], None] = _say) -> None:
        """say: hears of a wait for a sign of the holder.

        Raises BlockingIOError, which says who, if another process holds it, and OSError if it cannot be held.
        """
        self._store, self._own = store, Holder.this_process().content()
        self._leased = store if isinstance(store, S3Store) else None
        self._signs, self._is_over = 0, threading.Event()
        self._take(self._version_to_replace(say))
        self._signing = threading.Thread(target=self._give_signs, daemon=True)
        if self._leased is not None:
            self._signing.start()

    def _version_to_replace(self, say: Callable[[str], None]) -> str | None:
        """Return the version of a file that stands for nobody any more; None if there is none."""
        version, found = self._seen()
        if found is None:
            return None
        holder = _holder_of(found)
        if holder is not None and holder.is_dead():
            return version
        if self._leased is None or (holder is not None and holder.is_here()):
            raise self._held_by(found)
        who = "a process that did not say which" if holder is None else str(holder)
        say(f"{self._store.url} is held by {who}: waiting up to {LEASE_SECONDS:g} s for a sign of it")
        until = time.monotonic() + LEASE_SECONDS
        while time.monotonic() < until:
            time.sleep(LEASE_SECONDS / _LOOKS_PER_LEASE)
            now, found = self._seen()
            if found is None:
                return None
            if now != version:
                raise self._held_by(found)
        return version

    def _take(self, version: str | None) -> None:
        """Write the file; version: of the one that it replaces."""
        failure = OSError(errno.EIO, "what is written there is not there afterwards", self._store.url)
        try:
            if version is None:
                self._store.create(LOCK, self._own)
            elif self._leased is not None:
                self._leased.replace(LOCK, self._own, version)
            else:
                self._store.delete(LOCK)
                self._store.create(LOCK, self._own)
        except OSError as error:
            failure = error
        try:
            _, found = self._seen()
        except OSError:  # it may be ours, and nobody would ever give it up
            self._delete()
            raise
        if found is None:
            raise failure
        if not self._is_ours(found):
            raise self._held_by(found)

    def _seen(self) -> tuple[str, bytes | None]:
        """Return the version and the content of the file, the version first: nothing newer is replaced by it."""
        with suppress(FileNotFoundError):
            return "" if self._leased is None else self._leased.version(LOCK), self._store.read(LOCK)
        return "", None

    def _is_ours(self, content: bytes) -> bool:
        return content.startswith(self._own)

    def _give_signs(self) -> None:
        while not self._is_over.wait(LEASE_SECONDS / _SIGNS_PER_LEASE):
            with suppress(OSError):  # the next one may get there
                self._give_sign()

    def _give_sign(self) -> None:
        assert self._leased is not None, "only a lease has signs"
        version, found = self._seen()
        if found is not None and self._is_ours(found):  # whoever writes next finds out if not
            self._signs += 1
            self._leased.replace(LOCK, self._own + b"%d\n" % self._signs, version)

    def _held_by(self, content: bytes) -> BlockingIOError:
        url = self._store.url
        advice = f"; delete {url.rstrip('/')}/{LOCK} if that has ended" if self._leased is None else ""
        return held_by(url, _first_line(content), advice)

    def require_held(self) -> None:
        """Raise LockLost, which says what happened, if the place is not held any more, and OSError if nobody knows."""
        _, found = self._seen()
        if found is None:
            raise LockLost(f"{LOCK} in {self._store.url} was deleted, by which this process held the place")
        if not self._is_ours(found):
            holder = _holder_of(found)
            raise LockLost(f"{self._store.url} was taken over by {'another process' if holder is None else holder}")

    def release(self) -> None:
        """Give it up; a file that cannot be deleted now is named by whoever comes next, or replaced."""
        self._is_over.set()
        if self._leased is not None:
            self._signing.join(LEASE_SECONDS / _SIGNS_PER_LEASE)
        self._delete()

    def _delete(self) -> None:
        with suppress(OSError):
            version, found = self._seen()
            if found is None or not self._is_ours(found):
                return
            if self._leased is not None:
                self._leased.delete_version(LOCK, version)
            else:
                self._store.delete(LOCK)


def _first_line(content: bytes) -> bytes:
    return content.partition(b"\n")[0]


def _holder_of(content: bytes) -> Holder | None:
    return Holder.of(_first_line(content))
