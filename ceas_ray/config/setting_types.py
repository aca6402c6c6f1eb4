"""The types of settings: numbers with their units and ranges, texts, paths and addresses, each stated once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, core_schema

from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class Requirement:
    """What a value must be, in words; the message whatever is wrong with the value."""

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return core_schema.custom_error_schema(
            handler(source), "must", custom_error_message="{must}", custom_error_context={"must": self.text}
        )


_PRINTED = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
_NO_RELAXATION = "it never decays"

Text = Annotated[str, Field(max_length=500, pattern=_PRINTED), Requirement("a text of 1 to 500 printed characters")]
Texts = Annotated[
    tuple[Text, ...],
    Field(strict=False, max_length=1000),
    Requirement("a list of texts of 1 to 500 printed characters"),
]
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def _no_url(path: str) -> str:
    """Raise ValueError for a URL, and for one that lost a slash (`s3:/bucket`): nobody means a folder called `s3:`."""
    if _URL.match(path):
        raise ValueError("a URL")
    return path


def _whole_url(place: str) -> str:
    """Raise ValueError for a URL that lost a slash."""
    return place if "://" in place else _no_url(place)


_PLACE = Field(max_length=2000, pattern=_PRINTED)
PathText = Annotated[str, _PLACE, Requirement("a path of 1 to 2000 printed characters")]
FolderText = Annotated[
    str, _PLACE, AfterValidator(_no_url),
    Requirement("a folder of this machine: a path of 1 to 2000 printed characters, no URL"),
]  # fmt: skip
FolderOrUrl = Annotated[
    str, _PLACE, AfterValidator(_whole_url),
    Requirement("a folder, or a URL as in s3://bucket/run, of 1 to 2000 printed characters"),
]  # fmt: skip


_PORT = r"0*(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
_HOST_AND_PORT = re.compile(rf"(?:\[[0-9a-fA-F:.%\w]+\]|[^\s:\[\]/]+):{_PORT}")


def _of_a_head(address: str) -> str:
    """Raise ValueError for the other addresses of a Ray cluster, and say what to use instead."""
    scheme, found, rest = address.partition("://")
    host = rest.rpartition(":")[0] or rest or "HOST"
    must = {
        "ray": f"auto or host:port of the head, from a machine of the cluster: {host}:6379, not its Ray Client server",
        "http": "auto or host:port of the head; to go through the job server: "
        f"ray job submit --address {address} -- ceas-ray ...",
    }
    scheme = "http" if scheme == "https" else scheme
    if found:
        raise PydanticCustomError("must", "{must}", {"must": must.get(scheme, "auto or host:port of the head")})
    if address != "auto" and not _HOST_AND_PORT.fullmatch(address):
        brackets = ", an IPv6 host in brackets: [::1]:6379" if address.count(":") > 1 else ""
        raise PydanticCustomError("must", "{must}", {"must": f"auto or host:port of the head{brackets}"})
    return address


Address = Annotated[
    str, Field(max_length=500, pattern=_PRINTED), Requirement("an address of 1 to 500 printed characters"),
    AfterValidator(_of_a_head),
]  # fmt: skip
Share = Annotated[float, Range(0, 1)]
Probability = Annotated[float, Range(0, 1, open_below=True)]
GateError = Annotated[float, Range(0, 0.5)]
Fidelity = Annotated[float, Range(0.25, 1)]
Rounds = Annotated[int, Range(1, 1_000_000, unit="rounds")]
RoundIndex = Annotated[int, Range(0, 1_000_000)]
Seconds = Annotated[float, Range(1e-6, 1e9, unit="seconds")]
Milliseconds = Annotated[float, Range(1e-9, 1e6, unit="milliseconds")]
Microseconds = Annotated[float, Range(1e-6, 1e9, unit="microseconds")]
MemoryMilliseconds = Annotated[float, Range(1e-6, 1e12, unit="milliseconds", infinity=_NO_RELAXATION)]
MemoryMicroseconds = Annotated[float, Range(1e-3, 1e15, unit="microseconds", infinity=_NO_RELAXATION)]
ShotPeriods = Annotated[float, Range(1e-3, 10_000, unit="shot periods")]
Kilometres = Annotated[float, Range(1e-6, 40_000, unit="kilometres")]
Members = Annotated[
    tuple[int, ...],
    Field(strict=False, max_length=2000),
    Requirement("a list of members of the committee, by their numbers"),
]
Labels = Annotated[
    tuple[Annotated[int, Range(0, 1_000_000)], ...], Field(strict=False, max_length=1000),
    Requirement("a list of up to 1000 integers in [0, 1000000]"),
]  # fmt: skip
Target = Annotated[dict[str, Any], Requirement("a mapping with _target_")]
ReplicaFault = Literal[
    "silent", "slow", "equivocating", "lying", "poisoned_proposal", "withheld_votes", "forged_tags", "replayed_tags"
]
