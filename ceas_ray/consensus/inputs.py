"""The inputs of one round at one replica: updates and the hub's report, as they came, and contents by their digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ceas_ray.consensus.echoes import Item, report_item, update_item
from ceas_ray.kernel.codec import decode_untrusted, encode
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import decode_update, digest_of
from ceas_ray.messages.payloads import TestReport


@dataclass
class InputsState:
    """first: the digest of what a processor told this replica itself, by processor. report: that of what the hub told.
    contents: from anywhere, by digest. without: processors in quarantine."""

    without: tuple[int, ...]
    first: dict[int, bytes] = field(default_factory=dict)
    report: bytes | None = None
    contents: dict[bytes, bytes] = field(default_factory=dict)


class Inputs(Stateful):
    """What processors and the hub told this replica, and what others told it that they said."""

    def __init__(self, processors: int, parameters: int, without: tuple[int, ...]) -> None:
        """without: processors in quarantine; nobody waits for them, and nothing of theirs is included."""
        self._processors, self._parameters = processors, parameters
        self.state = InputsState(without)

    @property
    def without(self) -> tuple[int, ...]:
        """Processors in quarantine."""
        return self.state.without

    def leave_out(self, quarantined: tuple[int, ...]) -> None:
        """These are in quarantine from now on: a missed decision came to be known."""
        self.state.without = quarantined

    @property
    def first(self) -> Mapping[int, bytes]:
        """The digest of what each processor told this replica itself."""
        return self.state.first

    @property
    def report(self) -> bytes | None:
        """The digest of the report that the hub sent here."""
        return self.state.report

    @property
    def contents(self) -> Mapping[bytes, bytes]:
        """Updates and reports by their digests."""
        return self.state.contents

    def take_update(self, processor: int, content: bytes) -> Item | None:
        """The first update of a processor counts; returns it as an item of an Echo, or None if it does not count."""
        if processor in self.first or processor in self.without:
            return None
        digest = self.state.first[processor] = digest_of(content)
        self.state.contents[digest] = content
        return update_item(processor, digest)

    def take_report(self, report: TestReport) -> Item | None:
        """The hub's tests, as `take_update`."""
        if self.report is not None:
            return None
        content = encode(report)
        self.state.report = digest_of(content)
        self.state.contents[self.state.report] = content
        return report_item(self.state.report)

    @property
    def complete(self) -> bool:
        """Whether all updates (but those of processors in quarantine) and the report are in."""
        missing = self._processors - len({*self.first, *self.without})
        return self.report is not None and missing == 0

    def items(self) -> list[Item]:
        """What came here first-hand."""
        items = [update_item(k, digest) for k, digest in sorted(self.first.items()) if k not in self.without]
        return items if self.report is None else [*items, report_item(self.report)]

    # --- contents ----------------------------------------------------------

    def keep(self, content: bytes) -> None:
        """Keep what was fetched by its digest, if it is an update or a report."""
        if is_well_formed_update(content, self._parameters) or self._is_report(content):
            self.state.contents[digest_of(content)] = content

    def has(self, digest: bytes) -> bool:
        """Whether an update or a report with this digest is here."""
        return digest in self.contents

    def _is_report(self, content: bytes) -> bool:
        try:
            report_of(content)
        except ValueError:
            return False
        return True


def report_of(content: bytes) -> TestReport:
    """The report behind these bytes; ValueError for anything else."""
    report = decode_untrusted(content)
    if not (isinstance(report, TestReport) and isinstance(report.tested, np.ndarray)):
        raise ValueError("a report must be the hub's tests")
    return report


def is_well_formed_update(body: bytes, parameters: int) -> bool:
    """Whether an update of this many parameters can be read at all."""
    try:
        decode_update(body, parameters)
    except ValueError:
        return False
    return True
