"""Find out, without Ray, whether a server at an address greets as a Ray cluster does."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

from ceas_ray.runtime.ray_environment import noted_cluster

_GREETING_SECONDS = 5.0
_PREFACE, _SETTINGS, _FRAME_HEADER_BYTES = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 4, 9
_EMPTY_SETTINGS = bytes([0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0])
_LOOK_SECONDS = 1.0
"""Seconds between two looks at the head, and for its greeting."""


def require_greeting(address: str, patience: float | None = None) -> None:
    """Raise OSError or ValueError unless a server at host:port greets as one of gRPC (Ray is one) does: with a
    SETTINGS frame (RFC 9113, 3.4). patience: seconds that this may take; None: five.
    """
    patience = _GREETING_SECONDS if patience is None else patience
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=patience) as connection:
        if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
            return
        connection.sendall(_PREFACE + _EMPTY_SETTINGS)
        until, greeting = time.monotonic() + patience, b""
        while len(greeting) < _FRAME_HEADER_BYTES:
            connection.settimeout(max(0.01, until - time.monotonic()))
            try:
                received = connection.recv(_FRAME_HEADER_BYTES - len(greeting))
            except TimeoutError:
                raise OSError(f"what listens there said nothing for {patience:.0f} s") from None
            if not received:
                break
            greeting += received
        if len(greeting) < _FRAME_HEADER_BYTES or greeting[3] != _SETTINGS:
            raise OSError("what listens there is no Ray")


def greets(address: str, patience: float | None = None) -> bool:
    """Return whether a server at host:port greets as Ray does; see `require_greeting`."""
    try:
        require_greeting(address, patience)
    except (OSError, ValueError, OverflowError):
        return False
    return True


def running_here() -> str | None:
    """Return the address of a Ray cluster that somebody started on this machine and that answers; None if there is
    none.
    """
    address = noted_cluster()
    return address if address is not None and greets(address) else None


class HeadWatch:
    """A thread that watches the head of a cluster, and reports once if it is silent for too long."""

    def __init__(self, address: str, silence_seconds: float, lost: Callable[[float], object]) -> None:
        """address: host:port of the head. lost: called in the thread, with the seconds since the last greeting."""
        self._address, self._silence_seconds, self._lost = address, silence_seconds, lost
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()

    def _look(self) -> None:
        heard = time.monotonic()
        while not self._over.wait(_LOOK_SECONDS):
            if greets(self._address, _LOOK_SECONDS):
                heard = time.monotonic()
            elif (silent := time.monotonic() - heard) > self._silence_seconds and not self._over.is_set():
                self._lost(silent)
                return
