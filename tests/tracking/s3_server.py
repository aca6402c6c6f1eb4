"""A server of S3 on loopback (that of moto), and a proxy before it that lists what was there some time ago."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import pytest

from tests.tracking.faulty_proxy import FaultyProxy

BUCKET = "runs"
_BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_LISTS = b"list-type=2"


class S3Proxy(FaultyProxy):
    """Says 503 where it fails; `old_listing`: answers every listing as this one, if there is one."""

    error = b"HTTP/1.1 503 Slow Down\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(_BUSY), _BUSY)
    old_listing = b""

    def remember_listing(self) -> None:
        """Let the next listing be the last one that is true."""
        self.old_listing = _LISTS

    def _passed_on(self, request: bytes, split: bool) -> bytes:
        lists = _LISTS in request.partition(b"\r\n")[0]
        if not lists or not self.old_listing:
            return super()._passed_on(request, split)
        if self.old_listing == _LISTS:
            self.old_listing = super()._passed_on(request, split)
        return self.old_listing


@contextmanager
def s3_server() -> Iterator[int]:
    """Yield the port of a server."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


def use(uri: str, monkeypatch: pytest.MonkeyPatch, secret: str | None = "wJalr/secret+of+a+test") -> None:
    """Let S3 be at this URI, in this process and those that it starts; secret: None for no credentials."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", uri)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    for name, value in (("AWS_ACCESS_KEY_ID", "AKIDOFATEST"), ("AWS_SECRET_ACCESS_KEY", secret)):
        if secret is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, str(value))
    fsspec.get_filesystem_class("s3").clear_instance_cache()
