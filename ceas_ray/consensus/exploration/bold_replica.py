"""A Byzantine leader that computes what would follow if everybody believed its own inputs."""

from __future__ import annotations

from ceas_ray.consensus.agreement import Agreement
from ceas_ray.consensus.replica import Replica
from ceas_ray.consensus.value_store import NamedInputs


class BoldAgreement(Agreement):
    """Proposes all updates that came to this replica itself, whoever else echoes them; the value is right in all
    else.
    """

    def _candidate_of(self, view: int) -> bytes | None:
        entries = tuple(
            (k, d) for k, d in sorted(self.inputs.first_updates.items()) if k not in self.inputs.quarantined
        )
        few = len(entries) < self._protocol.committee.min_entries
        if few or self.inputs.report is None or self._head.behind or not self.phase.closed:
            return None
        return self.values.value_of(NamedInputs(entries, self.inputs.report, ()))

    def _is_proposable(self, digest: bytes) -> bool:
        return self.values.body_of(digest) is not None


class BoldReplica(Replica):
    """A replica whose agreements are bold, see `BoldAgreement`."""

    agreement_type = BoldAgreement
