"""A known vulnerability fails the audit; a service that cannot be asked is told apart from a clean lock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.audit import BROKEN, CLEAN, UNREACHABLE, VULNERABLE, judged, main

FINE = {"name": "numpy", "version": "2.3", "vulns": []}
SKIPPED = {"name": "ray", "skip_reason": "not found"}
FLAW = {"id": "PYSEC-1", "fix_versions": ["3.1", "3.2"], "aliases": [], "description": "..."}
VULNERABLE_PACKAGE = {"name": "old", "version": "3.0", "vulns": [FLAW, FLAW | {"id": "PYSEC-2", "fix_versions": []}]}
TRACEBACK = "Traceback (most recent call last):\n  ...\n"


@pytest.mark.parametrize(
    ("packages", "code", "lines"),
    [
        ([FINE, FINE], CLEAN, ["audit: no vulnerability is known in 2 packages"]),
        (
            [FINE, SKIPPED, VULNERABLE_PACKAGE],
            VULNERABLE,
            ["old 3.0: PYSEC-1, fixed in 3.1, 3.2", "old 3.0: PYSEC-2, fixed in no version"],
        ),
        ([FINE, SKIPPED], UNREACHABLE, ["audit: 1 of 2 packages could not be looked up"]),
    ],
)
def test_a_report_is_judged(packages: list[dict[str, Any]], code: int, lines: list[str]) -> None:
    found, said = judged(json.dumps({"dependencies": packages, "fixes": []}), "")
    assert found == code
    assert [line.startswith(start) for line, start in zip(said, lines, strict=True)] == [True] * len(lines)


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        (TRACEBACK + "requests.exceptions.ConnectionError: Failed to resolve", UNREACHABLE),
        (TRACEBACK + "requests.exceptions.ReadTimeout: timed out", UNREACHABLE),
        ("ERROR:pip_audit._cli:requirement has no hash", BROKEN),
        ("", BROKEN),
    ],
)
def test_without_a_report_the_last_line_says_why(errors: str, code: int) -> None:
    found, (line,) = judged("", errors)
    assert found == code
    assert (errors.splitlines() or ["it said nothing"])[-1] in line


def test_where_nothing_was_looked_up_nothing_is_said_of_others() -> None:
    packages = [{"name": name, "skip_reason": "no answer"} for name in ("a", "b")]
    assert judged(json.dumps({"dependencies": packages}), "") == (
        UNREACHABLE, ["audit: 2 of 2 packages could not be looked up from here, so nothing is known"]
    )  # fmt: skip


@pytest.mark.slow
def test_a_service_that_cannot_be_asked_has_an_exit_code_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pip_audit")
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"numpy==2.0.0 --hash=sha256:{'0' * 64}\n")
    assert main(["-s", "osv", "--osv-url", "http://127.0.0.1:9"], lock) == UNREACHABLE
    assert capsys.readouterr().err.count("\n") == 1
    lock.write_text("numpy==2.0.0\n")
    assert main(["-s", "osv", "--osv-url", "http://127.0.0.1:9"], lock) == BROKEN
