"""Hydra composes settings; a signal that comes meanwhile is an interrupt and nothing else."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

import pytest

from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError

WORDS = ["training.rounds=3", "seed=101", "scheduling=oblivious"]
PARTS = 40
MAX_CALLS = 10**9


def interrupted_at(call: int) -> tuple[str, int]:
    """How composing ends with an interrupt at its so-manieth call of a function, and how many calls there were."""
    left = call

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        left -= event == "call"
        if left == 0:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        found = "composed" if composed(WORDS)["seed"] == 101 else "wrong"
    except BaseException as error:
        found = type(error).__name__
    finally:
        sys.setprofile(None)
    return found, call - left


def in_a_process_of_its_own(call: int) -> str:
    """As a command is: what an interrupt leaves of Hydra is never used again."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(writer, interrupted_at(call)[0].encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        found = said.read()
    os.waitpid(child, 0)
    return found


@pytest.mark.slow
def test_an_interrupt_at_any_moment_of_composing_is_an_interrupt() -> None:
    """One that Python itself ignores, as in a destructor, lets it go on to the end."""
    assert interrupted_at(MAX_CALLS)[0] == "composed"  # reads all that is read once
    calls = interrupted_at(MAX_CALLS)[1]
    found = {call: in_a_process_of_its_own(call) for call in range(7, calls, calls // PARTS)}
    assert set(found.values()) <= {"KeyboardInterrupt", "composed"}, found
    assert list(found.values()).count("KeyboardInterrupt") > 0.9 * len(found)


@pytest.mark.parametrize(("word", "line"), [
    ("tracking=null", r"tracking must be one of folder, mlflow \(did you mean folder\?\), got null"),
    ("attacks=null", r"attacks must be one of adaptive, .* \(did you mean none\?\), got null"),
    ("network.paths=2", r"network\.paths must be given with network=graphml or .* alone, got 'network\.paths=2'"),
    ("network.patsh=2", r"network\.patsh must be a known key, got"),
])  # fmt: skip
def test_no_choice_and_a_key_of_another_choice_are_answered_with_what_there_is(word: str, line: str) -> None:
    with pytest.raises(SettingsError, match=line):
        composed([word])
