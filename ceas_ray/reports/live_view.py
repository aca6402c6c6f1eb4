"""Show a run in a notebook while it goes on: the picture is drawn anew from its journal until the run is over."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ceas_ray.reports.charts import LineChart
from ceas_ray.reports.run_files import rounds_of
from ceas_ray.tracking.files import read_journal

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_SHOWN = {"accuracy": "test accuracy", "utilization": "utilization", "on_time": "shots on time"}
"""Numbers of a round that are drawn, with their names."""


@dataclass(frozen=True)
class LiveView:
    """The state of a run according to the journal in its folder, which need not exist yet."""

    folder: Path

    @property
    def is_over(self) -> bool:
        """Whether the run has ended and has not been resumed since. Raises ValueError for a file that is no journal."""
        events = [line["event"] for line in self._journal() if line["event"] in ("ended", "resumed")]
        return bool(events) and events[-1] == "ended"

    def figure(self) -> Figure:
        """Return accuracy, utilization and shots on time by round, as a Plotly figure."""
        from ceas_ray.reports.plotly_charts import figure_of

        lines: dict[str, tuple[list[float], list[float]]] = {}
        rounds = rounds_of(self.folder) if self._journal() else None
        for column, name in _SHOWN.items():
            if rounds is not None and column in rounds:
                known = rounds[column].dropna()
                lines[name] = ([float(number) + 1 for number in known.index], known.astype(float).tolist())
        count = 0 if rounds is None else len(rounds)
        state = "over" if self.is_over else "goes on"
        title = f"{self.folder.name}: {count} rounds, {state}"
        return figure_of(LineChart(key="live", title=title, x_label="round", y_label="share", lines=lines))

    def _journal(self) -> list[dict[str, Any]]:
        try:
            return read_journal(self.folder / "journal.jsonl")
        except FileNotFoundError:
            return []


def watch(folder: str | Path, every_seconds: float = 2.0) -> None:
    """Show a run in a notebook while it goes on elsewhere: in a terminal, on a cluster, or in another thread.

    folder: the run folder, which need not exist yet. every_seconds: how often the figure is drawn anew. Returns when
    the run is over; interrupting the cell ends the view and not the run. Raises ImportError outside of Jupyter's
    environment, and ValueError for times that are not positive.
    """
    if not every_seconds > 0:
        raise ValueError(f"every_seconds must be > 0, got {every_seconds}")
    try:
        from IPython.display import display  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError("ceas_ray.watch needs IPython, which notebooks bring: pip install ipython") from None
    view, pause = LiveView(Path(folder)), threading.Event()
    over = view.is_over  # looked at before each picture, so that the last one shows the end
    shown = display(_bundle(view.figure()), raw=True, display_id=True)
    try:
        while not over:
            pause.wait(every_seconds)
            over = view.is_over
            shown.update(_bundle(view.figure()), raw=True)
    except KeyboardInterrupt:
        return


def _bundle(figure: Figure) -> dict[str, Any]:
    """Return a figure by MIME type, as Plotly's renderer of this environment gives it, with its title as text.

    A notebook replaces what it shows by a bundle; the figure itself would put another picture below.
    """
    return {**figure._repr_mimebundle_(), "text/plain": figure.layout.title.text}
