"""Who may use a cluster: what is not there, refuses our token, or takes anybody, is refused in one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ceas_ray.runtime.failure import RuntimeFailure, one_line


def require_reachable(address: str) -> None:
    """Refuse an address at which nothing listens at once: Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        raise RuntimeFailure(
            f"runtime.address must be host:port of a reachable Ray cluster, got {address!r}: {one_line(error)}"
        ) from error


def refuse_wrong_token(address: str) -> None:
    """RuntimeFailure, at once, if a cluster does not take this process's token: Ray would try it twenty times."""
    if address != "auto" and _asked(address, os.environ) == "unauthenticated":
        raise RuntimeFailure(
            f"RAY_AUTH_TOKEN must be the token of the cluster at {address} (with RAY_AUTH_MODE=token), "
            f"which refused the one of this process"
        )


def refuse_open_cluster(address: str) -> None:
    """RuntimeFailure if a cluster beyond loopback answers a process that has no token."""
    if _is_loopback(address.rpartition(":")[0].strip("[]")):
        return
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    if _asked(address, bare | {"RAY_AUTH_MODE": "disabled"}) == "open":
        raise RuntimeFailure(
            f"runtime.address must be a cluster that requires a token (RAY_AUTH_MODE=token on every machine), got "
            f"{address}, which anybody may use; runtime.allow_open_cluster=true uses it all the same"
        )


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


def _asked(address: str, environment: Mapping[str, str]) -> str:
    """What a cluster says to a process of this environment: open, unauthenticated, or nothing known.

    Ray reads tokens once in a process, so that it takes another one to ask.
    """
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, "-c", _ASK, address], env=dict(environment), **pipes) as asking:
        assert asking.stdout is not None
        said = next((line for line in asking.stdout if line == "open\n" or "Unauthenticated" in line), "")
        asking.kill()
    return "unauthenticated" if "Unauthenticated" in said else said.strip() or "unknown"
