"""Who may use a cluster: what is not there, refuses our token, or takes anybody, is refused in one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ceas_ray.runtime.failure import RuntimeFailure, one_line
from ceas_ray.runtime.ray_environment import is_submitted_job, noted_cluster

_GREETING_SECONDS = 5.0
_ASK_SECONDS = 20.0
_PREFACE, _SETTINGS, _FRAME_HEADER_BYTES = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 4, 9
_EMPTY_SETTINGS = bytes([0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0])


def require_reachable(address: str) -> None:
    """Refuse what is no Ray cluster within seconds: Ray itself would try for a minute or for ever."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        _require_http2(host.strip("[]"), int(port))
    except (OSError, ValueError, OverflowError) as error:
        raise RuntimeFailure(
            f"runtime.address must be host:port of a reachable Ray cluster, got {address!r}: {one_line(error)}"
        ) from error


def _require_http2(host: str, port: int) -> None:
    """Raise OSError unless a server greets as one of gRPC (Ray is one) does: with a SETTINGS frame (RFC 9113, 3.4)."""
    with socket.create_connection((host, port), timeout=_GREETING_SECONDS) as connection:
        if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
            return
        connection.sendall(_PREFACE + _EMPTY_SETTINGS)
        until, greeting = time.monotonic() + _GREETING_SECONDS, b""
        while len(greeting) < _FRAME_HEADER_BYTES:
            connection.settimeout(max(0.01, until - time.monotonic()))
            try:
                received = connection.recv(_FRAME_HEADER_BYTES - len(greeting))
            except TimeoutError:
                raise OSError(f"what listens there said nothing for {_GREETING_SECONDS:.0f} s") from None
            if not received:
                break
            greeting += received
        if len(greeting) < _FRAME_HEADER_BYTES or greeting[3] != _SETTINGS:
            raise OSError("what listens there is no Ray")


def require_ray(address: str) -> None:
    """Raise RuntimeFailure, at once, for a gRPC service that is no Ray or does not take this process's token: Ray would
    try it twenty times.
    """
    answer = None if address == "auto" else _asked(address, os.environ)
    if answer == "no ray":
        raise RuntimeFailure(
            f"runtime.address must be host:port of a reachable Ray cluster, got {address!r}: "
            "what listens there is no Ray"
        )
    if answer == "unauthenticated":
        raise RuntimeFailure(
            f"RAY_AUTH_TOKEN must be the token of the cluster at {address} (with RAY_AUTH_MODE=token), "
            f"which refused the one of this process"
        )


def refuse_open_cluster(address: str) -> None:
    """Raise RuntimeFailure if a cluster beyond loopback answers a process that has no token.

    A job that was submitted to it says so and goes on: whoever reaches the cluster runs code there anyway.
    """
    if _is_loopback(address.rpartition(":")[0].strip("[]")):
        return
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    if _asked(address, bare | {"RAY_AUTH_MODE": "disabled"}) != "open":
        return
    if is_submitted_job():
        print(f"anybody may use the cluster at {address}: it requires no token", file=sys.stderr)
        return
    raise RuntimeFailure(
        f"runtime.address must be a cluster that requires a token (RAY_AUTH_MODE=token on every machine), got "
        f"{address}, which anybody may use; runtime.allow_open_cluster=true uses it all the same"
    )


def running_here() -> str | None:
    """Return the address of a Ray cluster that somebody started on this machine and that answers; None if there is
    none.
    """
    address = noted_cluster()
    host, _, port = (address or "").rpartition(":")
    try:
        _require_http2(host.strip("[]"), int(port))
    except (OSError, ValueError, OverflowError):
        return None
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_ASK = """
import sys
from ray._raylet import GcsClient
GcsClient(address=sys.argv[1]).internal_kv_keys(b"", None, 10)
print("open", flush=True)
"""


_ANSWERS = {"open\n": "open", "Unauthenticated": "unauthenticated", "Method not found": "no ray"}
"""What is printed then, in Ray's words, and what it means."""


def _asked(address: str, environment: Mapping[str, str]) -> str | None:
    """Return what a cluster says to a process of this environment: one of _ANSWERS, or None for nothing known.

    Ray reads tokens once in a process, so that it takes another one to ask.
    """
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, "-c", _ASK, address], env=dict(environment), **pipes) as asking:
        assert asking.stdout is not None
        patience = threading.Timer(_ASK_SECONDS, asking.kill)
        patience.start()
        said = (answer for line in asking.stdout for words, answer in _ANSWERS.items() if words in line)
        found = next(said, None)
        patience.cancel()
        asking.kill()
    return found
