"""Charts: a scenario as a readable sequence, one column for each replica and one line for each event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ceas_ray.consensus.exploration.kinds import kind_of, run_scenario
from ceas_ray.consensus.voting_state import ArmTimer, Decision, Output
from ceas_ray.kernel.codec import decode
from ceas_ray.messages.frames import FrameKind

_WIDTH = 4
_NAMES: dict[int, str] = {int(kind): kind.name.lower().replace("_", "-") for kind in FrameKind}


class Chart:
    """Writes down a scenario: the time in Delta, columns (sender `o`, receiver `>`), the message that came, and what it
    caused.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def happened(self, now: float, entity: int, *, sender: int, kind: int, view: int, content: Any) -> None:
        """See `Record`."""
        if sender < 0:
            self._line(now, entity, None, f"timer of view {view} runs out" if sender == -1 else "looks again")
        else:
            description = _NAMES.get(kind, f"kind {kind}")
            self._line(now, entity, sender, f"{description} in view {view} {_short(content)}")

    def acted(self, now: float, entity: int, actions: Sequence[Any]) -> None:
        """See `Record`."""
        for action in actions:
            if isinstance(action, Output):
                to = "all" if action.to is None else str(action.to)
                name = _NAMES[action.kind]
                self._line(
                    now, entity, None, f"    sends {name} in view {action.view} to {to} {_short(action.content)}"
                )
            elif isinstance(action, Decision):
                self._line(now, entity, None, f"    DECIDES {_short(action.value)} (view {action.view})")
            elif not isinstance(action, ArmTimer):
                self._line(now, entity, None, f"    {action}")

    def note(self, now: float, entity: int, text: str) -> None:
        """See `Record`."""
        self._line(now, entity, None, text)

    def _line(self, now: float, entity: int, sender: int | None, text: str) -> None:
        columns = ["."] * (1 + max(entity, sender or 0))
        if sender is not None:
            columns[sender] = "o"
        columns[entity] = ">" if sender is not None else "*"
        marks = "".join(mark.ljust(_WIDTH) for mark in columns)
        self.lines.append(f"{now:8.2f}  {marks:<44}{entity} {'' if sender is None else f'<- {sender} '}{text}".rstrip())


def chart_of(seed: int) -> str:
    """Return the chart of a seed's scenario, and how it ended."""
    chart = Chart()
    outcome = run_scenario(seed, chart)
    end = "no violation" if outcome.violation is None else f"VIOLATION: {outcome.violation}"
    head = f"scenario {seed}: {kind_of(seed)}; columns: replicas, then twins; o sends, > receives, * acts"
    return "\n".join([head, *chart.lines, end])


def _short(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, bytes) and len(content) <= 16:
        return content.decode() if content.isalpha() and len(content) < 8 else content.hex()[:8]
    if isinstance(content, bytes):
        try:
            return f"({_short(decode(content))})"
        except ValueError:
            return f"{len(content)} malformed bytes"
    if isinstance(content, tuple):
        return "(" + ", ".join(_short(item) for item in content[:4]) + (", ...)" if len(content) > 4 else ")")
    return str(content)[:40]
