"""A run is shown while it goes on, from its journal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ceas_ray
from ceas_ray.reports.live_view import LiveView


def write(folder: Path, *events: dict[str, object]) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / "journal.jsonl").open("a") as journal:
        for event in events:
            journal.write(json.dumps({"run": "r", "time": 0.0} | event) + "\n")


def round_line(number: int, **values: float) -> dict[str, object]:
    return {"event": "round", "round": number, "digest": "d", "utilization": 0.9, "on_time": 1.0, **values}


def lines_of(figure: Any) -> dict[str, list[float]]:
    return {line.name: [*line.x] for line in figure.data}


def test_a_figure_has_the_rounds_so_far_and_says_whether_the_run_goes_on(tmp_path: Path) -> None:
    view = LiveView(tmp_path / "run")
    assert lines_of(view.figure()) == {} and view.figure().layout.title.text == "run: 0 rounds, goes on"
    write(view.folder, {"event": "started"}, round_line(0), round_line(1, accuracy=0.5))
    assert lines_of(view.figure()) == {"test accuracy": [2], "utilization": [1, 2], "shots on time": [1, 2]}
    write(view.folder, {"event": "ended", "status": "interrupted"})
    assert view.is_over and view.figure().layout.title.text == "run: 2 rounds, over"
    write(view.folder, {"event": "resumed"})
    assert not view.is_over


class Shown:
    """Stands in for what Jupyter shows: keeps the title of each picture, and lets the run go on after each."""

    def __init__(self, after: list[Callable[[], None]]) -> None:
        self.titles: list[str] = []
        self._after = after

    def display(self, bundle: dict[str, Any], raw: bool, display_id: bool) -> Shown:
        assert display_id
        self.update(bundle, raw)
        return self

    def update(self, bundle: dict[str, Any], raw: bool) -> None:
        """A Plotly figure is not replaced: it shows itself anew."""
        assert raw and all("/" in kind for kind in bundle)
        self.titles.append(bundle["text/plain"])
        if self._after:
            self._after.pop(0)()


def notebook(monkeypatch: pytest.MonkeyPatch, *after: Callable[[], None]) -> Shown:
    shown, package, module = Shown([*after]), ModuleType("IPython"), ModuleType("IPython.display")
    module.display = shown.display  # type: ignore[attr-defined]
    package.get_ipython = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_a_run_is_watched_until_it_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    shown = notebook(
        monkeypatch,
        lambda: write(folder, {"event": "started"}, round_line(0)),
        lambda: write(folder, round_line(1), {"event": "ended", "status": "completed"}),
    )
    ceas_ray.watch(folder, every_seconds=0.001)
    assert shown.titles == ["run: 0 rounds, goes on", "run: 1 rounds, goes on", "run: 2 rounds, over"]


def test_interrupting_the_cell_ends_the_view_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    shown = notebook(monkeypatch, lambda: None, interrupted)
    ceas_ray.watch(tmp_path, every_seconds=0.001)
    assert len(shown.titles) == 2


def test_what_it_needs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(ImportError, match=r"ceas_ray\.watch needs IPython"):
        ceas_ray.watch(tmp_path)
    with pytest.raises(ValueError, match="every_seconds must be > 0, got 0"):
        ceas_ray.watch(tmp_path, 0)
