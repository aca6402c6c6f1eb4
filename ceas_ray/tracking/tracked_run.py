"""A run as MLflow is given it: plain values, whatever sends them. Times are seconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class UsedData:
    """The data set of a run. digest: at most 36 characters. source: where it is from. profile: its sizes."""

    name: str
    digest: str
    source: str
    profile: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class RunHead:
    """What is known of a run when it begins, at `began`."""

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    began: float
    data: UsedData | None = None


@dataclass(frozen=True, kw_only=True)
class TrackedRound:
    """The metrics of a round that ended at `ended`; the first one has step 1."""

    step: int
    ended: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class TrackedModel:
    """A trained model, whose files lie in the folder of its run.

    metrics: those of the run at its end that say how good the model is, or what it took. on_data: the names of those
    that were measured on the data set of the run. note: what its page says of it, in Markdown.
    """

    folder: Path
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    on_data: Collection[str]
    note: str


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """What is known of a run when it is over, at `ended`.

    status: FINISHED, FAILED or KILLED. metrics: of the whole run, at step `step`; those of the model are among them.
    files: artifacts, each with the folder that it is kept in (empty: none). model: None without one.
    """

    status: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    step: int
    ended: float
    files: Sequence[tuple[Path, str]] = ()
    model: TrackedModel | None = None
