"""`scripts/explore` as its users see it."""

from __future__ import annotations

import json

import pytest

from ceas_ray.cli.explore import main
from ceas_ray.consensus.exploration.planted.catalogue import PLANTED_BUGS


def test_planted_bugs_are_listed_with_the_scenarios_that_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--planted", "far round", "--processes", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [planted["bug"] for planted in told["planted"]] == ["a reply for a far round counts"]
    assert {catch["invariant"] for catch in told["planted"][0]["caught"]} == {"processors adopt what is decided"}
    assert told["not_caught"] == []


def test_planted_bugs_have_names_of_their_own() -> None:
    names = [bug.name for bug in PLANTED_BUGS]
    assert len({*names}) == len(names) > 50


def test_a_table_names_every_planted_bug_and_what_catches_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--planted", "far round", "--processes", "1"]) == 0
    out = capsys.readouterr().out
    assert "a reply for a far round counts" in out
    assert "1 of 1 planted bugs are caught" in out


@pytest.mark.slow
def test_searches_at_random_and_guided_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--compare", "Decide on 1", "--searches", "2", "--scenarios", "200", "--processes", "1"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["bug"], told["limit"]) == ("Decide on 1", 200)
    assert [len(told[name]) for name in ("random", "guided")] == [2, 2]
    assert max(told["random"] + told["guided"]) < 200
    assert main(words) == 0
    assert "2 found it" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--compare", "no such bug"], ["--planted", "no such bug"], ["--processes", "0"], ["--first", "-1"]]
)
def test_bad_arguments_end_with_code_2_and_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "error: --" in capsys.readouterr().err


def test_a_campaign_prints_its_counts_and_where_the_next_one_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--scenarios", "40", "--only", "voting, n = 4", "--first", "256", "--processes", "1", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["first_seed"], told["violations"], told["interrupted"]) == (256, [], False)
    assert told["next_seed"] > 256
    assert told["kinds"]["all"]["scenarios"] >= 40
