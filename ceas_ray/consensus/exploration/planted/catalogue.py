"""All planted bugs, and the explorers that must catch each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ceas_ray.consensus.exploration.abstract_model import AbstractModel
from ceas_ray.consensus.exploration.abstract_rules import HARMLESS, Change
from ceas_ray.consensus.exploration.calm_scenario import CalmScenario
from ceas_ray.consensus.exploration.conformance import DrivenWalk
from ceas_ray.consensus.exploration.explored_code import ExploredCode
from ceas_ray.consensus.exploration.planted.corners import PREVIOUS_COUNTS, THE_SAME_VALUE_TWICE
from ceas_ray.consensus.exploration.planted.inputs import INPUT_BUGS, ErasesBeforeItPersists
from ceas_ray.consensus.exploration.planted.lagging import LAGGING_BUGS
from ceas_ray.consensus.exploration.planted.links import (
    DeafToProcessors,
    FailureErases,
    FollowsAnyRound,
    HastyManager,
    SlotReused,
    TagWithoutReceiver,
)
from ceas_ray.consensus.exploration.planted.voting import VOTING_BUGS, OneAlternativeForProofs, PersistsTooLate
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.exploration.replica_setting import PLENTY, ReplicaSetting
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_scenario import VotingScenario
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.messages.payloads import replica_name

MAX_WALKS = 200_000
WALK_VIEWS = 4


class CaughtBug(NamedTuple):
    """A catch: the number of scenarios after which an explorer caught a bug, and the invariant that broke."""

    explorer: str
    scenarios: int
    invariant: str


@dataclass(frozen=True)
class Explorer:
    """Scenarios 0, 1, ... of one kind over planted code, at most `max_scenarios` of them."""

    name: str
    max_scenarios: int
    run: Callable[[int], None]

    def hunt(self) -> CaughtBug | None:
        """Return how the first scenario that raises `Violation` caught the bug."""
        for seed in range(self.max_scenarios):
            try:
                self.run(seed)
            except Violation as violation:
                return CaughtBug(self.name, seed + 1, violation.invariant)
        return None


@dataclass(frozen=True)
class WalksOfChangedRules:
    """Walks of the abstract model under changed rules."""

    change: Change
    name: str = "abstract walks, n = 4"
    max_scenarios: int = MAX_WALKS

    def hunt(self) -> CaughtBug | None:
        """See `Explorer`."""
        found = AbstractModel(4, WALK_VIEWS, change=self.change).search(0, self.max_scenarios)
        return None if found.broken is None else CaughtBug(self.name, found.walks, found.broken)


@dataclass(frozen=True)
class PlantedBug:
    """A bug, and the explorers that hunt it: the first one is the surest."""

    name: str
    explorers: tuple[Explorer | WalksOfChangedRules, ...]

    def caught(self) -> Iterator[CaughtBug]:
        """Yield how each explorer catches the bug, if it does."""
        for explorer in self.explorers:
            catch = explorer.hunt()
            if catch is not None:
                yield catch

    def caught_first(self) -> CaughtBug | None:
        """Return how the first explorer that catches the bug does so."""
        return next(self.caught(), None)


def _voting(name: str) -> PlantedBug:
    bug, corners = VOTING_BUGS[name], (PREVIOUS_COUNTS, THE_SAME_VALUE_TWICE)
    return PlantedBug(name, (
        Explorer("conformance, n = 4", 300, lambda seed: _driven(seed, bug).run()),
        Explorer("conformance, corners", 2, lambda seed: _driven(0, bug).run_script(corners[seed])),
        Explorer("voting, n = 4", 1500, lambda seed: VotingScenario(seed, 4, bug).run()),
        Explorer("voting, n = 7", 100, lambda seed: VotingScenario(seed, 7, bug).run()),
    ))  # fmt: skip


def _driven(seed: int, voting: type[TetraBFT]) -> DrivenWalk:
    return DrivenWalk(seed, AbstractModel(4, WALK_VIEWS), voting)


def _whole(
    name: str, max_scenarios: int, code: ExploredCode, *, replicas: int = 4, rounds: int = 1, tagged: bool = False,
    aim: Callable[[ReplicaSetting], ReplicaSetting] = lambda setting: setting,
) -> Explorer:  # fmt: skip
    def run(seed: int) -> None:
        ReplicaScenario(seed, replicas, tagged=tagged, rounds=rounds, code=code, aim=aim).run()

    return Explorer(f"{name}, n = {replicas}", max_scenarios, run)


_CALM_LIARS = {"omniscient": True, "twins": (), "outages": {}, "lost": frozenset(), "hub": "all"}
_GOOD = _CALM_LIARS | {"calm_at": 0.0, "key_bits": PLENTY}
_DECIDES_ALONE = _GOOD | {
    "byzantine": frozenset({0}), "liar_processors": (1,), "halves": True, "drips": False, "floods": False,
    "forged": None, "slow": False, "spread": False, "lost": frozenset({(1, 2), (3, 2)}), "lost_until": 5.0,
}  # fmt: skip
"""Replica 2 lacks the update of processor 1 that replicas 1 and 3 have, and has lost their echoes."""
_LATE_ECHOES_LOST = _GOOD | {
    "byzantine": frozenset({0, 8, 9}), "omniscient": False, "deaf": frozenset(map(replica_name, range(1, 8))),
    "hub": "soon", "slow": False, "spread": False, "time_out": 3.0, "lost_kind": FrameKind.ECHO, "lost_from": 4.0,
}  # fmt: skip
"""Of ten replicas, without the silent ones every honest one is needed; some of what they echo late is lost."""
AIMS: dict[str, tuple[int, dict[str, Any]]] = {
    "accusations not amplified": (
        7,
        _GOOD
        | {
            "byzantine": frozenset({0, 1}),
            "liar_processors": (1,),
            "halves": False,
            "drips": False,
            "floods": False,
            "forged": None,
            "spread": False,
            "slow": False,
        },
    ),
    "echoes stop at the decision": (4, _DECIDES_ALONE),
    "no echoes said again after the decision": (4, _DECIDES_ALONE),
    "SKIP judged at the close": (4, _GOOD | {"byzantine": frozenset({0})}),
    "SKIP counted from view 0": (4, _CALM_LIARS | {"byzantine": frozenset({0}), "hub": "none", "calm_at": 27.0}),
    "SKIP non-monotone": (
        4,
        _GOOD | {"byzantine": frozenset({0}), "hub": "late", "floods": False, "slow": False},
    ),
    "a late report ignored": (4, _GOOD | {"hub": "just late", "spread": False}),
    "late updates ignored": (4, _GOOD | {"slow": True, "spread": False}),
    "a repeated index counts twice": (4, _GOOD | {"byzantine": frozenset({0})}),
    "a question that comes again is not answered": (
        4,
        _GOOD
        | {
            "byzantine": frozenset({0}),
            "omniscient": False,
            "deaf": frozenset(map(replica_name, (1, 2, 3))),
            "lost": frozenset({(2, 1), (3, 2), (1, 3)}),
            "lost_until": 800.0,
        },
    ),
    "the question that comes last counts as the last": (
        4,
        _GOOD
        | {
            "byzantine": frozenset({0}),
            "omniscient": False,
            "lie": 0.0,
            "deaf": frozenset({replica_name(3)}),
            "lost": frozenset({(1, 3), (2, 3)}),
            "lost_until": 800.0,
            "disordered": True,
        },
    ),
    "what is lacking is asked for only after views of more than f leaders": (
        10,
        _LATE_ECHOES_LOST | {"lost": frozenset((j, 1) for j in range(2, 8)), "lost_until": 8.0},
    ),
    "echoes that a leader lacks are asked for only after its own view": (
        10,
        _LATE_ECHOES_LOST | {"lost": frozenset((j % 7 + 1, j) for j in range(1, 8)), "lost_until": 9.0},
    ),
    "what is lacking is asked for only when the own timer runs out": (
        4,
        _GOOD
        | {
            "byzantine": frozenset({0}),
            "hurried": 3,
            "lost": frozenset({(1, 3), (2, 3), (3, 1), (3, 2)}),
            "lost_kind": FrameKind.FETCH,
            "lost_until": 15.0,
        },
    ),
}
"""For bugs that scenarios of the mix rarely meet: the number of replicas, and what to change in the settings drawn."""


def aim_of(changes: dict[str, Any]) -> Callable[[ReplicaSetting], ReplicaSetting]:
    """Return a function that makes these changes to a setting."""
    return lambda setting: replace(setting, **changes)


def _inputs(name: str) -> PlantedBug:
    code = ExploredCode(replica=INPUT_BUGS[name])
    explorers = (
        _whole("replica", 1000, code), _whole("rounds", 300, code, rounds=3), _whole("replica", 200, code, replicas=7),
    )  # fmt: skip
    return PlantedBug(name, explorers if name not in AIMS else (_aimed(name, code), *explorers))


def _lagging(name: str) -> PlantedBug:
    code = ExploredCode(replica=LAGGING_BUGS[name])
    explorers = (
        _whole("rounds", 300, code, rounds=3), _whole("replica", 1000, code), _whole("replica", 200, code, replicas=7),
    )  # fmt: skip
    return PlantedBug(name, explorers if name not in AIMS else (_aimed(name, code), *explorers))


def _aimed(name: str, code: ExploredCode) -> Explorer:
    replicas, changes = AIMS[name]
    return _whole("aimed replica", 1000, code, replicas=replicas, aim=aim_of(changes))


def _of_tags(channel: type[Channel]) -> Explorer:
    return _whole("replica with tags", 300, ExploredCode(channel=channel), tagged=True)


PLANTED_BUGS: tuple[PlantedBug, ...] = (
    *(
        PlantedBug(f"rules: {change.name.lower().replace('_', ' ')}", (WalksOfChangedRules(change),))
        for change in Change if change not in (Change.NONE, *HARMLESS)
    ),
    *map(_voting, VOTING_BUGS),
    PlantedBug("no (b2)", (
        Explorer("calm after a walk, n = 4", 100, lambda seed: CalmScenario(
            seed, AbstractModel(4, WALK_VIEWS), OneAlternativeForProofs, hunt=20_000
        ).run()),
    )),
    PlantedBug("no persist before send", (
        Explorer("voting, n = 4", 3000, lambda seed: PersistsTooLate(seed, 4).run()),
    )),
    *map(_inputs, INPUT_BUGS),
    *map(_lagging, LAGGING_BUGS),
    PlantedBug("a slot erased before its frame is kept", (
        Explorer("rounds, n = 4", 600, lambda seed: ErasesBeforeItPersists(seed, 4, rounds=3).run()),
    )),
    PlantedBug("slot reuse", (_of_tags(SlotReused),)),
    PlantedBug("tag without receiver", (_of_tags(TagWithoutReceiver),)),
    PlantedBug("a failed attempt erases", (_of_tags(FailureErases),)),
    PlantedBug("a reply for a far round counts", (
        _whole("replica", 300, ExploredCode(adoption=FollowsAnyRound)),
        _whole("rounds", 300, ExploredCode(adoption=FollowsAnyRound), rounds=3),
    )),
    PlantedBug("replicas answer no processor", (
        _whole("replica", 300, ExploredCode(replica=DeafToProcessors)),
    )),
    PlantedBug("next round on B decisions", (
        _whole("rounds", 500, ExploredCode(quorums=HastyManager), rounds=3),
    )),
)  # fmt: skip
