"""A Byzantine leader that computes what would follow if everybody believed its own inputs."""

from __future__ import annotations

from ceas_ray.consensus.agreement import Agreement
from ceas_ray.consensus.inputs import NOTHING
from ceas_ray.consensus.replica import Replica
from ceas_ray.messages.payloads import RoundStarted


class BoldAgreement(Agreement):
    """Proposes all updates that came to itself, whoever else echoes them; a right value but for that."""

    def _candidate(self, waiting: bool = True) -> bytes | None:
        echo = self.inputs.echo_of(self._index)
        if self.voting.candidate is not None or echo is None or self._standing.behind or self.inputs.report is None:
            return None
        entries = tuple((k, digest) for k, digest in enumerate(echo) if digest != NOTHING)
        entries = tuple((k, digest) for k, digest in entries if self.inputs.content_of(k, digest) is not None)
        if len(entries) < self._terms.committee.least_entries:
            return None
        return self.values.value_of(entries, self._standing.model.quarantined)


class BoldReplica(Replica):
    """See `BoldAgreement`."""

    def agreement(self, schedule: RoundStarted | None) -> Agreement:
        """See `Replica`."""
        return BoldAgreement(self.index, self._terms, self._links, self._standing, schedule)
