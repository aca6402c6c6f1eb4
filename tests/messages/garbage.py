"""Whatever a Byzantine party may put on the network: every type of message, and anything in its fields."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ceas_ray.consensus.faults.crashing_replica import CrashTimer
from ceas_ray.consensus.timers import ReplicaTimer
from ceas_ray.entanglement.hub import HubTimer
from ceas_ray.entanglement.round_controller import ControllerTimer
from ceas_ray.kernel.codec import encode, is_message
from ceas_ray.kernel.envelope import WorkDone
from ceas_ray.messages import attack_payloads, consensus_payloads, payloads
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind
from ceas_ray.processors.adversary import AdversaryTimer
from ceas_ray.processors.byzantine_processor import ByzantineTimer

NUMBERS = st.sampled_from([-1, 0, 1, 2, 3, 7, 2**20, 10**6, 2**31, 2**62, 2**63, 2**64, 2**70, -(2**63), 10**400])
ODD = st.sampled_from(
    [None, True, False, 0.0, 1.0, 1.5, float("nan"), float("inf"), -float("inf"), "", "x", "replica/1", b"", b"x",
     np.zeros(0), np.zeros(3), np.full(3, np.nan), np.ones((2, 3)), np.arange(3), np.float64(1), np.int64(1), 1 + 2j,
     np.array(["x"]), np.array([None]), object, {1}]
)  # fmt: skip
LEAVES: Any = NUMBERS | ODD | st.integers() | st.binary(max_size=20) | st.text(max_size=5)
ANYTHING: Any = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.integers(0, 3) | st.binary(max_size=2), inner, max_size=2)
    ),
    max_leaves=8,
)
ENCODED: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.binary(max_size=20)
    | st.sampled_from([b"\0" * 16, np.zeros(2), np.full(2, np.nan), np.zeros((0, 3)), np.arange(2), "text"]),
    lambda inner: (
        st.lists(inner, max_size=5).map(tuple) | st.dictionaries(st.integers(0, 3), inner, max_size=2)
    ),
    max_leaves=10,
)  # fmt: skip
"""Values that can be encoded: what stands within a frame with a right tag."""
BODIES: Any = st.binary(max_size=40) | ENCODED.map(encode)
MESSAGE_TYPES = [
    made
    for module in (payloads, consensus_payloads, attack_payloads)
    for _, made in sorted(inspect.getmembers(module, inspect.isclass))
    if made.__module__ == module.__name__ and is_message(made)
] + [WorkDone]  # fmt: skip
NAMES = st.sampled_from(
    ["replica/0", "replica/1", "replica/3", "replica/77", "processor/0", "processor/1", "link/processor/0", "hub",
     "entanglement_manager", "adversary", "driver", "", "replica/", "replica/x", "processor/-1"]
)  # fmt: skip
TIMERS = (AdversaryTimer, ByzantineTimer, ControllerTimer, CrashTimer, HubTimer, ReplicaTimer)
PURPOSES = st.sampled_from([purpose for kind in TIMERS for purpose in kind])
BYZANTINE = st.sampled_from(["replica/3", "processor/1", "adversary", "replica/77", "stranger", "link/replica/3"])


def of_type(made: type) -> Any:
    """A message of this type with anything in its fields, every so often with what may well stand there."""
    likely = {
        "round_index": st.integers(-1, 2), "processor": st.integers(0, 2), "replica": st.integers(0, 4),
        "sender": NAMES, "receiver": NAMES, "kind": st.sampled_from(list(FrameKind)).map(int), "view": NUMBERS,
        "counter": NUMBERS, "tag": NUMBERS, "chain": st.just(b"chain"), "body": BODIES, "purpose": PURPOSES,
    }  # fmt: skip
    other = {"purpose": ANYTHING.filter(lambda value: type(value) is not str)}  # no timer has another text
    return st.builds(made, **{f.name: likely.get(f.name, ANYTHING) | other.get(f.name, ANYTHING) for f in fields(made)})


MESSAGES: Any = st.sampled_from(MESSAGE_TYPES).flatmap(of_type) | ANYTHING
"""Every type of message, and what is no message at all."""
FRAMES: Any = of_type(Frame)
