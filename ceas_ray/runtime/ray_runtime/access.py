"""Access to clusters: one that is not there, refuses our token or admits anybody is refused in one line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from ceas_ray.runtime.failure import RuntimeFailure, one_line
from ceas_ray.runtime.ray_environment import is_submitted_job
from ceas_ray.runtime.ray_greeting import require_greeting

_ASK_SECONDS = 20.0


def require_reachable(address: str) -> None:
    """Raise RuntimeFailure within seconds for what is no Ray cluster; Ray itself would try for a minute or for ever."""
    if address == "auto":
        return
    try:
        require_greeting(address)
    except (OSError, ValueError, OverflowError) as error:
        raise RuntimeFailure(
            f"runtime.address must be host:port of a reachable Ray cluster, got {address!r}: {one_line(error)}"
        ) from error


def require_ray(address: str) -> None:
    """Raise RuntimeFailure, at once, for a gRPC service that is not Ray or refuses this process's token; Ray would
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


def refuse_open_cluster(address: str, say: Callable[[str], object]) -> None:
    """Raise RuntimeFailure if a cluster beyond loopback answers a process that has no token.

    A job that was submitted to it says so and goes on: whoever reaches the cluster runs code there anyway.
    """
    if _is_loopback(address.rpartition(":")[0].strip("[]")):
        return
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    if _asked(address, bare | {"RAY_AUTH_MODE": "disabled"}) != "open":
        return
    if is_submitted_job():
        say(f"anybody may use the cluster at {address}: it requires no token")
        return
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


_ANSWERS = {"open\n": "open", "Unauthenticated": "unauthenticated", "Method not found": "no ray"}
"""What is printed then, in Ray's words, with its meaning."""


def _asked(address: str, environment: Mapping[str, str]) -> str | None:
    """Return what a cluster answers a process with this environment: a meaning in _ANSWERS; None if it is unknown.

    Ray reads tokens once in a process, so another process has to ask.
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
