"""The map of when awareness pays: the chain and simulation agree, and the page says what the table says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ceas_ray.studies.utilization.awareness_map import CHECKED, Point, checked, computed, points

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "explanation" / "results" / "awareness_map.csv"


def test_ten_points_of_the_map_are_checked() -> None:
    assert len(set(CHECKED)) == 10
    assert {Point(*place) for place in CHECKED} < set(points())


def test_what_the_chain_computes_is_what_simulation_finds() -> None:
    point = Point(0.5, 4.0, 40.0)
    chain, simulated = computed(point), checked(point, range(1, 5), 500)
    for name in ("known", "unknown"):
        assert simulated[name]["mean"] == pytest.approx(chain[name], rel=0.12)


def test_a_timetable_is_worth_most_where_pairs_are_scarce_and_nothing_where_they_abound() -> None:
    assert computed(Point(0.5, 8.0, 40.0))["gain"] > 1.5
    assert computed(Point(2.0, 8.0, 40.0))["gain"] == pytest.approx(1.0, abs=0.05)


def test_the_table_has_every_point_as_the_chain_computes_it_and_simulation_agrees_within_seven_per_cent() -> None:
    with TABLE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [Point(*(float(row[n]) for n in ("supply", "gap_over_burst", "coherence_ms"))) for row in rows] == points()
    for row in rows[:2]:
        point = Point(*(float(row[name]) for name in ("supply", "gap_over_burst", "coherence_ms")))
        assert float(row["gain"]) == pytest.approx(computed(point)["gain"], rel=1e-3)
    simulated = [row for row in rows if row["simulated_gain"]]
    assert len(simulated) == len(CHECKED)
    for row in simulated:
        for name in ("known", "unknown"):
            assert float(row[f"simulated_{name}"]) == pytest.approx(float(row[name]), rel=0.07)
