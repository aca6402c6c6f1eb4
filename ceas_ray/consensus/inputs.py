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
    """What has come in.

    quarantined: processors in quarantine. first_updates: by processor, the digest of the update that it sent to this
    replica first. report: digest of the report that the hub sent here. contents: by digest, wherever they came from.
    """

    quarantined: tuple[int, ...]
    first_updates: dict[int, bytes] = field(default_factory=dict)
    report: bytes | None = None
    contents: dict[bytes, bytes] = field(default_factory=dict)


class Inputs(Stateful):
    """Keeps what processors and the hub sent to this replica, and what others say that they sent."""

    def __init__(self, processors: int, parameters: int, quarantined: tuple[int, ...]) -> None:
        """Start empty; quarantined: processors for which nobody waits, and of which nothing is included."""
        self._processors, self._parameters = processors, parameters
        self.state = InputsState(quarantined)

    @property
    def quarantined(self) -> tuple[int, ...]:
        """Processors in quarantine."""
        return self.state.quarantined

    def quarantine(self, quarantined: tuple[int, ...]) -> None:
        """Put these processors in quarantine, when a missed decision comes to be known."""
        self.state.quarantined = quarantined

    @property
    def first_updates(self) -> Mapping[int, bytes]:
        """The digest of the update that each processor sent to this replica first."""
        return self.state.first_updates

    @property
    def report(self) -> bytes | None:
        """The digest of the report that the hub sent here."""
        return self.state.report

    @property
    def contents(self) -> Mapping[bytes, bytes]:
        """Updates and reports by their digests."""
        return self.state.contents

    def take_update(self, processor: int, content: bytes) -> Item | None:
        """Take an update. Return it as an item of an Echo if it is the processor's first and counts; else None."""
        if processor in self.first_updates or processor in self.quarantined:
            return None
        digest = self.state.first_updates[processor] = digest_of(content)
        self.state.contents[digest] = content
        return update_item(processor, digest)

    def take_report(self, report: TestReport) -> Item | None:
        """Take the hub's tests. Return them as an item of an Echo if they are the first; else None."""
        if self.report is not None:
            return None
        content = encode(report)
        self.state.report = digest_of(content)
        self.state.contents[self.state.report] = content
        return report_item(self.state.report)

    @property
    def complete(self) -> bool:
        """Whether the report and all updates, except those of processors in quarantine, are in."""
        missing = self._processors - len({*self.first_updates, *self.quarantined})
        return self.report is not None and missing == 0

    def items(self) -> list[Item]:
        """Return what came to this replica first-hand, as items of an Echo."""
        items = [
            update_item(k, digest) for k, digest in sorted(self.first_updates.items()) if k not in self.quarantined
        ]
        return items if self.report is None else [*items, report_item(self.report)]

    # --- contents ----------------------------------------------------------

    def keep(self, content: bytes) -> None:
        """Keep what was fetched by its digest, if it is an update or a report."""
        if is_well_formed_update(content, self._parameters) or self._is_report(content):
            self.state.contents[digest_of(content)] = content

    def has(self, digest: bytes) -> bool:
        """Return whether an update or a report with this digest is here."""
        return digest in self.contents

    def _is_report(self, content: bytes) -> bool:
        try:
            report_of(content)
        except ValueError:
            return False
        return True


def report_of(content: bytes) -> TestReport:
    """Return the report behind these bytes. Raises ValueError for anything else."""
    report = decode_untrusted(content)
    if not (isinstance(report, TestReport) and isinstance(report.tested, np.ndarray)):
        raise ValueError("a report must be the hub's tests")
    return report


def is_well_formed_update(body: bytes, parameters: int) -> bool:
    """Return whether this is an update of as many parameters."""
    try:
        decode_update(body, parameters)
    except ValueError:
        return False
    return True
