"""What is no Ray cluster is refused in one line within seconds; IPv6 addresses are addresses."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import grpc
import pytest

from ceas_ray.runtime import ray_greeting
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.ray_runtime import access

HTTP2_GREETING = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@contextmanager
def service(answer: bytes | None, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    """A port where somebody answers so to each connection, and closes it; None: stays silent."""
    with socket.socket(family) as listening:
        listening.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):  # the other side hangs up
                connection.recv(64)
                if answer is not None:
                    connection.sendall(answer)
                connection.recv(64)

        threading.Thread(target=serve, daemon=True).start()
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize("answer", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"", None])
def test_another_service_is_refused(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_greeting, "_GREETING_SECONDS", 0.2)
    with service(answer) as port, pytest.raises(RuntimeFailure, match="reachable Ray cluster") as refused:
        access.require_reachable(f"127.0.0.1:{port}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "nowhere.invalid:6379", "::1:6379", "host", ":6379", "host:port", "127.0.0.1:99999", ""]
)
def test_a_closed_port_an_unknown_host_and_no_address_are_refused(address: str) -> None:
    with pytest.raises(RuntimeFailure, match="reachable Ray cluster"):
        access.require_reachable(address)


def test_a_server_of_grpc_is_asked_further() -> None:
    with service(HTTP2_GREETING) as port:
        access.require_reachable(f"127.0.0.1:{port}")


def test_another_service_of_grpc_is_refused() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        access.require_reachable(f"127.0.0.1:{port}")
        with pytest.raises(RuntimeFailure, match="what listens there is no Ray"):
            access.require_ray(f"127.0.0.1:{port}")
    finally:
        server.stop(None)


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="there is no IPv6 here")
def test_ipv6_addresses_are_addresses() -> None:
    with service(HTTP2_GREETING, socket.AF_INET6) as port:
        access.require_reachable(f"[::1]:{port}")
