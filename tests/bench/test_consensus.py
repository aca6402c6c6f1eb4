"""The benchmark of consensus times scenarios of every kind, finds no violation, and measures decisions."""

from __future__ import annotations

import pytest

from ceas_ray.bench import consensus


@pytest.mark.slow
def test_every_kind_of_scenario_is_timed_and_none_violates_an_invariant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consensus, "SIZES", (4,))
    figures = consensus.main(["--quick"])
    assert figures["violations"] == []
    assert set(figures["scenarios"]) == {str(kind) for kind in consensus.MIX}
    assert all(found["per_second_and_core"] > 0 for found in figures["scenarios"].values())
    assert figures["decisions"].keys() == {"4"}
