"""The space that a search looks through, as overrides in Hydra's grammar give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from ceas_ray.config.errors import SettingsError

_LOG = "log"


@dataclass(frozen=True)
class Choices:
    """A dimension with several values, written as in overrides."""

    values: tuple[str, ...]

    def ends(self) -> tuple[str, ...]:
        """Return all values, because each may be wrong by itself."""
        return self.values


@dataclass(frozen=True)
class Numbers:
    """A dimension of numbers from low to high, both included; whole if both are. step: None for any number between.
    log: whether small numbers are as likely as large ones by their logarithm."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether all values are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def ends(self) -> tuple[str, ...]:
        """Return the minimum and the maximum, written as in overrides."""
        return repr(self.low), repr(self.high)


@dataclass(frozen=True)
class SearchSpace:
    """The space of a search. fixed: overrides of all trials. dimensions: what a trial chooses, by override key."""

    fixed: tuple[str, ...]
    dimensions: Mapping[str, Choices | Numbers]

    def ends(self) -> Iterator[dict[str, str]]:
        """Yield trials at the ends of each dimension, all others at their first end: enough to find a wrong value."""
        first = {key: dimension.ends()[0] for key, dimension in self.dimensions.items()}
        yield first
        for key, dimension in self.dimensions.items():
            yield from ({**first, key: value} for value in dimension.ends()[1:])

    def overrides(self, chosen: Mapping[str, object]) -> list[str]:
        """Return the overrides of the trial with these values."""
        return [*self.fixed, *(f"{key}={value}" for key, value in chosen.items())]


def search_space(parsed: Sequence[Override]) -> SearchSpace:
    """Return the space of these overrides: `a,b`, `choice`, `range`, `glob`, `interval`, `tag(log, ...)`.

    Raises SettingsError for an override that cannot be searched, and if there is nothing to search.
    """
    fixed, dimensions = [], {}
    for override in parsed:
        key = override.get_key_element()
        if override.is_sweep_override():
            dimensions[key] = _dimension(override)
        else:
            fixed.append(f"{key}={override.get_value_element_as_str()}")
    if not dimensions:
        must = "overrides with values to search among, as in training.learning_rate=interval(0.01,1)"
        raise SettingsError("command line", must, " ".join(fixed))
    return SearchSpace(tuple(fixed), dimensions)


def _dimension(override: Override) -> Choices | Numbers:
    value: Any = override.value()
    tags = set(getattr(value, "tags", ()))
    if tags - {_LOG}:
        raise _refused(override, f"tagged by nothing but {_LOG}, as in tag(log, interval(0.001,1))")
    found: Choices | Numbers
    if isinstance(value, IntervalSweep):
        found = Numbers(value.start, value.end, log=_LOG in tags)
    elif isinstance(value, RangeSweep) and not value.shuffle:
        found = _range(value, _LOG in tags)
    else:
        found = Choices(tuple(override.sweep_string_iterator()))
    if isinstance(found, Choices):
        if not found.values:
            raise _refused(override, "at least one value to try")
        if tags:
            raise _refused(override, "an interval or a range where it is tagged log")
        return found
    if found.low > found.high:
        raise _refused(override, "an interval or a range whose end lies above its start")
    if found.log and found.low <= 0:
        raise _refused(override, "an interval or a range above 0 where it is tagged log")
    if found.log and found.step not in (None, 1):
        raise _refused(override, "a range of step 1 where it is tagged log")
    return found


def _range(value: RangeSweep, log: bool) -> Numbers:
    """Return the numbers of a range in ascending order, without its stop."""
    start, stop, step = value.start, value.stop, value.step
    assert start is not None and stop is not None and step
    count = -(-(stop - start) // step)
    last = start + (count - 1) * step
    low, high = (start, last) if step > 0 else (last, start)
    whole = all(isinstance(number, int) for number in (start, stop, step))
    if whole:
        return Numbers(int(low), int(high), int(abs(step)), log)
    return Numbers(float(low), float(high), float(abs(step)), log)


def _refused(override: Override, must: str) -> SettingsError:
    return SettingsError(override.get_key_element(), must, str(override.input_line).partition("=")[2])
