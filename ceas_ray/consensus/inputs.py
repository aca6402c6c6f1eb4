"""The inputs of one round at one replica: updates, the hub's report, echoes, and what may be included."""

from __future__ import annotations

from typing import Any

from ceas_ray.messages.frames import digest_of

NOTHING = b""


class Inputs:
    """Collects until the inputs close; then echoes tell what the others received.

    An entry may be proposed with Q echoes of its digest, and is accepted with B echoes, one's own included.
    """

    def __init__(self, processors: int, quorum: int, blocking: int) -> None:
        self._processors, self._quorum, self._blocking = processors, quorum, blocking
        self.contents: dict[int, bytes] = {}
        self.report: bytes | None = None
        self._digests: dict[int, bytes] = {}
        self._echoes: dict[int, tuple[bytes, ...]] = {}
        self.closed = False

    def take_update(self, processor: int, content: bytes) -> None:
        """The first update of a processor counts; what comes after the close does not."""
        if not self.closed and processor not in self.contents:
            self.contents[processor] = content
            self._digests[processor] = digest_of(content)

    @property
    def complete(self) -> bool:
        """Whether all updates and the test report are in."""
        return len(self.contents) == self._processors and self.report is not None

    def echo(self) -> tuple[bytes, ...]:
        """The digests of all that was received, by processor."""
        return tuple(self._digests.get(k, NOTHING) for k in range(self._processors))

    def take_echo(self, replica: int, echo: Any) -> None:
        """Another replica's echo (or one's own); malformed ones and second ones are ignored."""
        if isinstance(echo, tuple) and len(echo) == self._processors and all(isinstance(d, bytes) for d in echo):
            self._echoes.setdefault(replica, echo)

    def _agreed(self, processor: int, least: int) -> bytes | None:
        seen = [echo[processor] for echo in self._echoes.values() if echo[processor] != NOTHING]
        for digest in sorted(set(seen)):
            if seen.count(digest) >= least:
                return digest
        return None

    def includable(self) -> dict[int, bytes]:
        """Processors whose update's digest has Q echoes, with the digest."""
        if len(self._echoes) < self._quorum:
            return {}
        if len(different := set(self._echoes.values())) == 1:  # the usual case
            return {k: digest for k, digest in enumerate(different.pop()) if digest != NOTHING}
        agreed = {k: self._agreed(k, self._quorum) for k in range(self._processors)}
        return {k: digest for k, digest in agreed.items() if digest is not None}

    def acceptable(self, processor: int, digest: bytes) -> bool:
        """Whether at least B echoes carry this digest."""
        return sum(1 for echo in self._echoes.values() if echo[processor] == digest) >= self._blocking

    def holders(self, processor: int, digest: bytes) -> list[int]:
        """Replicas whose echo says that they have this content."""
        return sorted(replica for replica, echo in self._echoes.items() if echo[processor] == digest)

    def content_of(self, processor: int, digest: bytes) -> bytes | None:
        """The update with this digest, if it is here."""
        return self.contents.get(processor) if self._digests.get(processor) == digest else None

    def take_fetched(self, processor: int, content: bytes) -> None:
        """Content that was asked for by its digest replaces what a processor told only us."""
        self.contents[processor] = content
        self._digests[processor] = digest_of(content)

    def snapshot(self) -> Any:
        """All state, in plain values."""
        return (dict(sorted(self.contents.items())), self.report, dict(sorted(self._echoes.items())), self.closed)

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        contents, self.report, echoes, self.closed = state
        self.contents, self._echoes = dict(contents), dict(echoes)
        self._digests = {k: digest_of(content) for k, content in self.contents.items()}
