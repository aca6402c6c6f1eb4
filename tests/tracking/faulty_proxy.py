"""A proxy on loopback for requests of HTTP that loses, delays, splits, doubles, cuts and refuses them, or says 500."""

from __future__ import annotations

import random
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

FAULTS = (
    "refused", "request lost", "answer lost", "answer cut", "late", "split", "doubled", "error", "error after all",
    "request cut", "trickle",
)  # fmt: skip
"""`error`: 500 in place of the request; `error after all`: 500 in place of the answer. `request cut`: the server gets
half a request. `trickle`: the answer comes byte by byte, the next one always before the client loses its patience.
"""
LATE_SECONDS = 1.5
"""Longer than a client of a test waits."""
_TRICKLE_SECONDS, _TRICKLED = 0.1, 20
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FaultyProxy:
    """Passes requests on, one a connection; each meets a fault with the probability `share`."""

    error = _ERROR

    def __init__(self, port: int) -> None:
        self._port = port
        self.share, self._generator, self._faults = 0.0, random.Random(0), cycle(FAULTS)
        self.met: list[str] = []
        self._under_way, self._idle = 0, threading.Condition()

    def misbehave(self, seed: int, share: float) -> None:
        """Draw which requests meet faults from this seed, from now on; it also says which fault comes first."""
        self.share, self._generator, self.met = share, random.Random(seed), []
        first = seed % len(FAULTS)
        self._faults = cycle(FAULTS[first:] + FAULTS[:first])

    def behave(self) -> None:
        """Pass everything on, once what is late has arrived."""
        self.share = 0.0
        with self._idle:
            self._idle.wait_for(lambda: self._under_way == 0)

    def serve(self, client: socket.socket) -> None:
        """Take one request."""
        with self._idle:
            self._under_way += 1
        try:
            self._serve(client)
        except OSError:
            self.met.append("the client had left")
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def _serve(self, client: socket.socket) -> None:
        fault = next(self._faults) if self._generator.random() < self.share else ""
        self.met += [fault] if fault else []
        if fault == "refused":
            return
        request = _whole_request(client)
        if fault == "request lost" or not request:
            return
        if fault == "error":
            client.sendall(self.error)
            return
        if fault == "request cut":
            self._passed_on(request[: len(request) // 2], split=False)
            return
        if fault == "late":
            threading.Event().wait(LATE_SECONDS)
        answer = self._passed_on(request, split=fault == "split")
        if fault == "doubled":
            self._passed_on(request, split=False)
        self._answer(client, answer, fault)

    def _answer(self, client: socket.socket, answer: bytes, fault: str) -> None:
        match fault:
            case "answer lost":
                return
            case "error after all":
                client.sendall(self.error)
            case "answer cut":
                client.sendall(answer[: len(answer) // 2])
            case "trickle":
                for at in range(_TRICKLED):
                    client.sendall(answer[at : at + 1])
                    threading.Event().wait(_TRICKLE_SECONDS)
                client.sendall(answer[_TRICKLED:])
            case "split":
                for at in range(0, len(answer), 7):
                    client.sendall(answer[at : at + 7])
            case _:
                client.sendall(answer)

    def _passed_on(self, request: bytes, split: bool) -> bytes:
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            for at in range(0, len(request), 500 if split else len(request)):
                server.sendall(request[at : at + 500] if split else request)
            server.shutdown(socket.SHUT_WR)
            parts = []
            while part := server.recv(2**16):
                parts.append(part)
        return b"".join(parts)


def _whole_request(client: socket.socket) -> bytes:
    """Return a request, which asks for a connection of its own."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(2**16)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))]
    if b"\r\nexpect:" in head.lower():
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += client.recv(2**16)
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body


@contextmanager
def served(proxy: FaultyProxy) -> Iterator[str]:
    """Let a proxy serve a port of this machine; yield its URI."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            proxy.serve(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def faulty_proxy(port: int) -> Iterator[tuple[FaultyProxy, str]]:
    """Yield a proxy of the server at a port of this machine, and its URI."""
    proxy = FaultyProxy(port)
    with served(proxy) as uri:
        yield proxy, uri
