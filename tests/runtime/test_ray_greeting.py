"""A head that greets no more is noticed, and no other."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ceas_ray.runtime.ray_greeting import HeadWatch, greets, require_greeting

SETTINGS_FRAME = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
PATIENCE = 30.0
"""Seconds after which a test fails."""


class Head:
    """A server that greets each time it is asked, with these bytes, until it is closed or silenced."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting, self.silent = greeting, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.greeted = threading.Semaphore(0)
        self._kept: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self.silent:
                    self._kept.append(connection)
                    continue
                with connection:
                    connection.sendall(self._greeting)
                    connection.recv(64)
                self.greeted.release()


@pytest.fixture
def head() -> Iterator[Head]:
    head = Head(SETTINGS_FRAME)
    yield head
    with suppress(OSError):
        head.close()


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.runtime.ray_greeting._LOOK_SECONDS", 0.05)


class Heard:
    """Hears once that a head is lost."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._told = threading.Event()

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._told.set()

    def within(self, seconds: float) -> bool:
        return self._told.wait(seconds)


def test_what_greets_with_settings_is_taken_for_ray(head: Head) -> None:
    assert greets(head.address)


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(9)])
def test_other_servers_are_told_apart(greeting: bytes) -> None:
    head = Head(greeting)
    with pytest.raises(OSError, match="what listens there is no Ray"):
        require_greeting(head.address)
    head.close()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:99999", ""])
def test_nobody_greets_at_an_address_of_nobody(address: str) -> None:
    assert not greets(address)


def test_a_head_that_greets_is_not_lost(head: Head) -> None:
    heard = Heard()
    watch = HeadWatch(head.address, 1000.0, heard)
    for _ in range(3):
        assert head.greeted.acquire(timeout=PATIENCE)
    watch.stop()
    assert heard.seconds == []


@pytest.mark.parametrize("fate", ["closed", "silent"])
def test_a_head_that_greets_no_more_is_lost_once(head: Head, fate: str) -> None:
    heard = Heard()
    HeadWatch(head.address, 0.2, heard)
    assert head.greeted.acquire(timeout=PATIENCE)
    head.silent = True
    if fate == "closed":
        head.close()
    assert heard.within(PATIENCE)
    assert len(heard.seconds) == 1 and heard.seconds[0] > 0.2
