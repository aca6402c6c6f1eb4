"""What a replica's voting knows, and the actions that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ceas_ray.consensus.safety_rule import NO_VOTE, Vote, VoteHistory
from ceas_ray.messages.frames import FrameKind


class Output(NamedTuple):
    """A message to one replica, or to all others (`to` None)."""

    kind: FrameKind
    view: int
    content: Any
    to: int | None = None


class ArmTimer(NamedTuple):
    """A request to call `timeout(view)` after the length of the view timer."""

    view: int


@dataclass(frozen=True)
class Decision:
    """The decision of a value."""

    value: bytes
    view: int


class BodyWanted(NamedTuple):
    """A leader may have to propose this value, and lacks its body or what it names."""

    value: bytes


Action = Output | ArmTimer | Decision | BodyWanted


@dataclass(slots=True)
class VotingState:
    """view: that this replica is in. candidate: what it would propose, unless that is computed. votes, previous: by
    phase its highest vote, and its highest one for another value; element 0 is unused. decided: value and view, if any.
    halted: Q replicas have said that they decided.

    received: votes by view and phase, then by sender. proposals: by view, the first one of its leader. suggests,
    proofs: by view, then by sender. own_suggest: this replica's in the view. view_changes: the latest view that each
    replica asked for. asked_view: that this one asked for. decides: by sender. voted: in which views and phases.
    proposed: in which views. wanted: values whose bodies were asked for in this view.
    """

    view: int = -1
    inputs_closed: bool = False
    candidate: bytes | None = None
    votes: list[Vote] = field(default_factory=lambda: [NO_VOTE] * 5)
    previous: list[Vote] = field(default_factory=lambda: [NO_VOTE] * 5)
    decided: Decision | None = None
    halted: bool = False
    received: dict[tuple[int, int], dict[int, bytes]] = field(default_factory=dict)
    proposals: dict[int, bytes] = field(default_factory=dict)
    suggests: dict[int, dict[int, VoteHistory]] = field(default_factory=dict)
    own_suggest: dict[int, dict[int, VoteHistory]] = field(default_factory=dict)
    proofs: dict[int, dict[int, VoteHistory]] = field(default_factory=dict)
    view_changes: dict[int, int] = field(default_factory=dict)
    asked_view: int = 0
    decides: dict[int, bytes] = field(default_factory=dict)
    voted: set[tuple[int, int]] = field(default_factory=set)
    proposed: set[int] = field(default_factory=set)
    wanted: set[bytes] = field(default_factory=set)
