"""Charts as plain values, which `plotly_charts` shows on a page and `matplotlib_charts` draws into a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Floats = Sequence[float]


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Lines by name, each (x, y). references: horizontal dashed lines by name."""

    key: str
    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, tuple[Floats, Floats]]
    references: Mapping[str, float] = field(default_factory=dict)

    def counts(self) -> bool:
        """Return whether x counts something, so that no tick belongs between two integers."""
        return all(float(value).is_integer() for x, _ in self.lines.values() for value in x)


@dataclass(frozen=True, kw_only=True)
class BarChart:
    """Stacked bars: a bar per category, with a part of each name."""

    key: str
    title: str
    y_label: str
    categories: Sequence[str]
    parts: Mapping[str, Floats]


@dataclass(frozen=True, kw_only=True)
class IntervalChart:
    """Means by name, each with half the width of its interval (None: too few values for one)."""

    key: str
    title: str
    x_label: str
    means: Mapping[str, tuple[float, float | None]]


@dataclass(frozen=True, kw_only=True)
class DrawnLink:
    """A link between two nodes, by name. load: pairs that it generated; fidelity: of a new pair, None if unknown."""

    ends: tuple[str, str]
    fidelity: float | None
    load: int


@dataclass(frozen=True, kw_only=True)
class NetworkChart:
    """A network: nodes by name with their place, their kind, and links coloured by fidelity, wide by load."""

    key: str
    title: str
    places: Mapping[str, tuple[float, float]]
    kinds: Mapping[str, str]
    links: Sequence[DrawnLink]

    def scales(self) -> tuple[float, float, int]:
        """Return the minimum and the maximum fidelity, and the maximum load."""
        known = [link.fidelity for link in self.links if link.fidelity is not None]
        loads = [link.load for link in self.links]
        return min(known, default=0.0), max(known, default=1.0), max(loads, default=1)


Chart = LineChart | BarChart | IntervalChart | NetworkChart
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d1f")
"""Colours that all eyes tell apart (Okabe and Ito 2008)."""
KIND_COLOURS = {"hub": "#000000", "processor": "#0072b2", "replica": "#e69f00", "repeater": "#999999"}


def share(value: float, low: float, high: float) -> float:
    """Return where a value lies between two others, in [0, 1]; 1 where these are equal."""
    return 1.0 if high <= low else min(1.0, max(0.0, (value - low) / (high - low)))
