"""The inputs of one round at one replica: updates and the hub's report, as they came, and contents by their digests."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.consensus.echoes import Item, report_item, update_item
from ceas_ray.kernel.codec import decode_untrusted, encode
from ceas_ray.messages.frames import decode_update, digest_of
from ceas_ray.messages.payloads import TestReport


class Inputs:
    """`first` is what a processor told this replica itself, by processor; contents come from anywhere, by digest."""

    def __init__(self, processors: int, parameters: int, without: tuple[int, ...]) -> None:
        """without: processors in quarantine; nobody waits for them, and nothing of theirs is included."""
        self._processors, self._parameters, self.without = processors, parameters, without
        self.first: dict[int, bytes] = {}
        self.report: bytes | None = None
        """The digest of the report that the hub sent here."""
        self.contents: dict[bytes, bytes] = {}

    def take_update(self, processor: int, content: bytes) -> Item | None:
        """The first update of a processor counts; returns it as an item of an Echo, or None if it does not count."""
        if processor in self.first or processor in self.without:
            return None
        digest = self.first[processor] = digest_of(content)
        self.contents[digest] = content
        return update_item(processor, digest)

    def take_report(self, report: TestReport) -> Item | None:
        """The hub's tests, as `take_update`."""
        if self.report is not None:
            return None
        content = encode(report)
        self.report = digest_of(content)
        self.contents[self.report] = content
        return report_item(self.report)

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
            self.contents[digest_of(content)] = content

    def has(self, digest: bytes) -> bool:
        """Whether an update or a report with this digest is here."""
        return digest in self.contents

    def _is_report(self, content: bytes) -> bool:
        try:
            report_of(content)
        except ValueError:
            return False
        return True

    # --- state ----------------------------------------------------------

    def snapshot(self) -> Any:
        """All state, in plain values."""
        return (dict(sorted(self.first.items())), self.report, dict(sorted(self.contents.items())), self.without)

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        first, self.report, contents, self.without = state
        self.first, self.contents = dict(first), dict(contents)


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
