"""Ranges of numbers, stated in the annotation of a field: `strength: Annotated[float, Range(0, 100)]`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints


@dataclass(frozen=True)
class Range:
    """The numbers that a field may have: from `minimum` (not itself, if `open_below`) to `maximum`, both finite.

    unit: for messages. infinity: what an infinite value means, where it means something; else it is refused.
    """

    minimum: float
    maximum: float
    open_below: bool = False
    unit: str = ""
    infinity: str = ""

    def __contains__(self, value: float) -> bool:
        above = value > self.minimum if self.open_below else value >= self.minimum
        return above and (value <= self.maximum or (bool(self.infinity) and value == float("inf")))

    def __str__(self) -> str:
        unit = f" of {self.unit}" if self.unit else ""
        also = f", or inf ({self.infinity})" if self.infinity else ""
        return (
            f"{unit} in {'(' if self.open_below else '['}{_plain(self.minimum)}, {_plain(self.maximum)}]{also}".strip()
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Return the schema of the annotated number, within these bounds, with one message for whatever is wrong."""
        from pydantic_core import core_schema

        kind = "an integer" if source is int else "a number"
        return core_schema.custom_error_schema(
            core_schema.no_info_after_validator_function(self._checked, handler(source)), "must",
            custom_error_message="{must}", custom_error_context={"must": f"{kind} {self}"},
        )  # fmt: skip

    def _checked(self, value: float) -> float:
        if value not in self:
            raise ValueError(f"must be a number {self}, got {value}")
        return value


def check_ranges(instance: Any) -> None:
    """Raise ValueError for the first field of a dataclass that is not in the range of its annotation; None fits any."""
    for name, hint in get_type_hints(type(instance), include_extras=True).items():
        value = getattr(instance, name)
        for part in (hint, *get_args(hint)):
            for limits in getattr(part, "__metadata__", ()):
                if isinstance(limits, Range) and value is not None and not _lies_in(value, limits):
                    raise ValueError(f"{name} must be a number {limits}, got {value!r}")


def _lies_in(value: Any, limits: Range) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value in limits


def _plain(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"
