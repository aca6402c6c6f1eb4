"""The inputs of one round at one replica: updates, the hub's report, echoes, and what may be included."""

from __future__ import annotations

from typing import Any

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import decode_update, digest_of
from ceas_ray.messages.payloads import TestReport

NOTHING = b""


class Inputs:
    """Collects until the inputs close; then echoes tell what the others received.

    An entry may be proposed with Q echoes of its digest, and is accepted with B echoes, one's own included.
    """

    def __init__(self, processors: int, quorum: int, blocking: int) -> None:
        self._processors, self._quorum, self._blocking = processors, quorum, blocking
        self.contents: dict[int, bytes] = {}
        self.test_report: TestReport | None = None
        self.report: bytes | None = None
        """The test report, encoded: values name its digest."""
        self._digests: dict[int, bytes] = {}
        self._echoes: dict[int, tuple[bytes, ...]] = {}
        self._accusations: dict[int, tuple[int, ...]] = {}
        self.closed = False
        self.without: tuple[int, ...] = ()
        """Processors in quarantine: nobody waits for them, and nothing of theirs is included."""

    def take_update(self, processor: int, content: bytes) -> None:
        """The first update of a processor counts; what comes after the close does not."""
        if not self.closed and processor not in self.contents:
            self.contents[processor] = content
            self._digests[processor] = digest_of(content)

    def take_report(self, report: TestReport | None) -> None:
        """The hub's tests."""
        self.test_report, self.report = report, None if report is None else encode(report)

    @property
    def complete(self) -> bool:
        """Whether all updates (but those of processors in quarantine) and the test report are in."""
        missing = [k for k in range(self._processors) if k not in self.contents and k not in self.without]
        return not missing and self.report is not None

    def echo(self) -> tuple[bytes, ...]:
        """The digests of all that was received, by processor."""
        return tuple(self._digests.get(k, NOTHING) for k in range(self._processors))

    def take_echo(self, replica: int, echo: Any, accused: Any = ()) -> None:
        """Another replica's echo (or one's own) and whom it accuses; malformed ones and second ones are ignored."""
        if not (isinstance(echo, tuple) and len(echo) == self._processors and all(isinstance(d, bytes) for d in echo)):
            return
        if isinstance(accused, tuple) and all(isinstance(k, int) and 0 <= k < self._processors for k in accused):
            self._echoes.setdefault(replica, echo)
            self._accusations.setdefault(replica, accused)

    def echo_of(self, replica: int) -> tuple[bytes, ...] | None:
        """What a replica's echo said, if it came."""
        return self._echoes.get(replica)

    def equivocators(self) -> tuple[int, ...]:
        """Processors whom these echoes convict: B replicas report one digest and B another one.

        One honest replica at least is among each of them, so the processor signed both.
        """
        found = []
        for k in range(self._processors):
            seen = [echo[k] for echo in self._echoes.values() if echo[k] != NOTHING]
            if sum(1 for digest in set(seen) if seen.count(digest) >= self._blocking) > 1:
                found.append(k)
        return tuple(found)

    def accused(self, least: int) -> tuple[int, ...]:
        """Processors that at least this many echoes accuse: Q of them to propose a quarantine, B to accept it."""
        heard = list(self._accusations.values())
        return tuple(k for k in range(self._processors) if sum(1 for of in heard if k in of) >= least)

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
            agreed: dict[int, bytes | None] = {k: d for k, d in enumerate(different.pop()) if d != NOTHING}
        else:
            agreed = {k: self._agreed(k, self._quorum) for k in range(self._processors)}
        return {k: digest for k, digest in agreed.items() if digest is not None and k not in self.without}

    def acceptable(self, processor: int, digest: bytes) -> bool:
        """Whether at least B echoes carry this digest."""
        known = 0 <= processor < self._processors and digest != NOTHING
        return known and sum(1 for echo in self._echoes.values() if echo[processor] == digest) >= self._blocking

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

    # --- state ----------------------------------------------------------

    def persistent(self, replica: int) -> dict[str, Any]:
        """What this replica's own echo says that it has, once it is said; and the report, which nobody says again."""
        return {
            "report": self.test_report,
            "contents": dict(sorted(self.contents.items())) if self.closed else {}, "echo": self.echo_of(replica),
        }  # fmt: skip

    def recover(self, persisted: Any, replica: int, accused: tuple[int, ...]) -> None:
        """Closed, as they were; what others echoed is lost."""
        for processor, content in persisted["contents"].items():
            self.take_update(processor, content)
        self.closed = True
        self.take_echo(replica, persisted["echo"], accused)

    def snapshot(self) -> Any:
        """All state, in plain values."""
        return (dict(sorted(self.contents.items())), self.report, dict(sorted(self._echoes.items())), self.closed,
                dict(sorted(self._accusations.items())), self.without)  # fmt: skip

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        contents, self.report, echoes, self.closed, accusations, self.without = state
        self.contents, self._echoes, self._accusations = dict(contents), dict(echoes), dict(accusations)
        self._digests = {k: digest_of(content) for k, content in self.contents.items()}
        self.test_report = None if self.report is None else decode(self.report)


def is_well_formed_update(body: bytes, parameters: int) -> bool:
    """Whether an update of this many parameters can be read at all."""
    try:
        decode_update(body, parameters)
    except ValueError:
        return False
    return True
