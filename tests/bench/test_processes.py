"""Cases of benchmarks in processes of their own: their figures, or why there are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ceas_ray.bench.processes import figures_of_module, figures_of_peer


def peer(script: str, folder: Path | None = None) -> dict[str, object]:
    return figures_of_peer([sys.executable, "-S", "-c", script], folder)


def test_the_figures_of_a_peer_are_the_last_line_that_it_prints(tmp_path: Path) -> None:
    script = "import json, os; print('warming up'); print(json.dumps({'folder': os.getcwd()}))"
    assert peer(script, tmp_path) == {"folder": str(tmp_path)}


def test_a_peer_that_fails_says_why_in_one_line() -> None:
    assert peer("import peer_that_is_not_installed") == {
        "failed": "ModuleNotFoundError: No module named 'peer_that_is_not_installed'"
    }
    assert peer("raise SystemExit(3)") == {"failed": "no message"}


def test_a_module_prints_its_figures_or_ends_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "case.py").write_text("import json, sys; print(json.dumps({'words': sys.argv[1:]}))")
    (tmp_path / "broken.py").write_text("raise ValueError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert figures_of_module("case", "krum", "50") == {"words": ["krum", "50"]}
    with pytest.raises(subprocess.CalledProcessError):
        figures_of_module("broken")
