"""The candidate: the value that a leader would propose of its own, given its echoes at that moment."""

from __future__ import annotations

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.echoes import SKIP, ItemKind
from ceas_ray.consensus.input_phase import InputPhase
from ceas_ray.consensus.quarantine import accusations_to_propose
from ceas_ray.consensus.value_store import NamedInputs, ValueStore


class Candidate:
    """Computes the candidate: N - f_processors or more entries with Q echoes form the round; otherwise SKIP does, if it
    has Q echoes.
    """

    def __init__(self, committee: Committee, phase: InputPhase, values: ValueStore) -> None:
        self._committee, self._phase, self._values = committee, phase, values

    def of_view(self, view: int) -> bytes | None:
        """Return the digest of the value to propose in this view; None if there is none, or if in view 0 a better one
        may come.
        """
        if self._values.behind or (view == 0 and not (self._phase.waited or self._phase.has_all())):
            return None
        if self._phase.has_enough():
            named = self._named()
            if named is not None:
                return self._values.value_of(named)
            if not self._phase.given_up:
                return None  # what it lacks is on its way
        return self._values.skip() if self._phase.echoes.is_proposable(SKIP) else None

    def _named(self) -> NamedInputs | None:
        """Return the inputs that the round would consist of, if enough contents are here."""
        phase, inputs = self._phase, self._phase.inputs
        reports = phase.echoes.digests(ItemKind.REPORT, 0, self._committee.quorum)
        report = next(filter(inputs.has, reports), None)
        entries = self._entries()
        if report is None or len(entries) < self._committee.min_entries:
            return None
        accused = accusations_to_propose(self._committee.processors, inputs.quarantined, phase.echoes)
        return NamedInputs(tuple(sorted(entries.items())), report, accused)

    def _entries(self) -> dict[int, bytes]:
        """Return the entries whose contents are here. Of a processor with two digests at B echoes take none if enough
        entries remain; otherwise take the smallest digest with Q echoes.
        """
        here = {
            k: [digest for digest in digests if self._phase.inputs.has(digest)]
            for k, digests in self._phase.processors_with_a_quorum().items()
        }
        single = {k: here[k][0] for k in self._phase.honest_so_far() if here.get(k)}
        if len(single) >= self._committee.min_entries:
            return single
        return {k: digests[0] for k, digests in here.items() if digests}
