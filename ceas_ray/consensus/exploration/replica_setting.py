"""The setting of a whole-replica scenario, which its seed draws before anything happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.network import CALM_AT
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import replica_name
from ceas_ray.messages.quorum import Quorums

DELTA, PROCESSORS, PROCESSOR_FAULTS = 1000, 4, 1
OPEN_UNTIL = 1.5
"""Time after the start of a round, in Delta, by which what honest processors and the hub send has come in a calm
network.
"""
TIME_OUTS = (3.0, 3.0, 8.0)
PLENTY, SCARCE = 10**6, 3_000
"""Numbers of key bits of every pair and round."""
_LATE_CALM_AT = (0.0, 10.0, 25.0, 50.0)
"""Times at which the calm may begin in scenarios of several rounds, in Delta."""
_DOWN = (0.5, 5.0, 20.0, 50.0)
_LONG = (40.0, 1000.0)
"""Between these times after the calm a long loss of frames may end, in Delta."""
_LOST_KINDS = (FrameKind.FETCH, FrameKind.CONTENT, FrameKind.ECHO, FrameKind.CATCH_UP, FrameKind.PROPOSAL, None)


@dataclass(frozen=True)
class Outage:
    """After `after` of its events an honest replica is down for `down` Delta.

    sends: whether the frames of that event still leave. keeps_timers: whether its old timers wake the new one.
    """

    after: int
    down: float
    sends: bool
    keeps_timers: bool


@dataclass(frozen=True)
class ReplicaSetting:
    """Times in Delta. tagged: with real tags and keys; else channels give what tags give.

    Byzantine replicas run no protocol where the adversary is `omniscient` (`OmniscientAdversary`); otherwise each runs
    a real replica, or two (`twins`), behind channels that lie with probability `lie` and say nothing to `deaf`
    replicas. floods: the adversary echoes one item after the other, to use up what a view allows.

    Processors: `liar_processors` say different things to different replicas; with `halves` this to the even replicas
    and that to the odd ones, and with `drips` to each at a time of its own. `forged`: an honest processor in whose name
    Byzantine replicas hold an update of their own.

    hub: which replicas the report reaches, and when. slow: honest updates come just after the inputs close. time_out:
    of the inputs, after the start of a round; `spread`: everybody has a time-out of its own. gives_up: the manager
    gives up on rounds that take long. lost: ordered pairs of replicas on whose links frames are lost,
    between `lost_from` and `lost_until`. disordered: those who hear nothing there ask in vain out of order.
    junk: frames with wrong tags in the name of honest replicas, at slots to come and at the last stored one. poisons:
    Byzantine replicas send updates and the report as proposals, as if they were the bodies of values. apart: f honest
    replicas that miss what the others decide with the help of f Byzantine ones (`RoundDivider`).
    """

    replicas: int
    rounds: int
    tagged: bool
    byzantine: frozenset[int]
    omniscient: bool
    floods: bool
    twins: tuple[int, ...]
    lie: float
    deaf: frozenset[str]
    calm_at: float
    liar_processors: tuple[int, ...]
    halves: bool
    drips: bool
    forged: int | None
    hub: str
    slow: bool
    time_out: float
    spread: bool
    gives_up: bool
    key_bits: int
    outages: dict[int, list[Outage]]
    lost: frozenset[tuple[int, int]]
    lost_until: float
    junk: bool
    poisons: bool = False
    apart: frozenset[int] = frozenset()
    hurried: int | None = None
    lost_kind: FrameKind | None = None
    lost_from: float = 0.0
    disordered: bool = False
    unequal: bool = False

    @classmethod
    def drawn(cls, draws: Draws, replicas: int, tagged: bool, rounds: int) -> ReplicaSetting:
        """Draw a setting. In scenarios of several rounds there may be fewer Byzantine replicas than f."""
        several, faults, chance = rounds > 1, Quorums(replicas).faults, draws.uniform
        byzantine = frozenset(draws.sample(replicas, draws.below(faults + 1) if several else faults))
        honest = [j for j in range(replicas) if j not in byzantine]
        free = bool(byzantine) and chance() < 0.4
        liars = draws.sample(PROCESSORS, 1) if chance() < 0.6 else ()
        believers = [k for k in range(PROCESSORS) if k not in liars]
        scarce = tagged and not several and chance() < 0.2
        crashes = several or chance() < 0.15
        outages = {j: _outages(draws, rounds) for j in honest} if crashes else {}
        calm_at = draws.choice(_LATE_CALM_AT if several else CALM_AT)
        return cls(
            replicas, rounds, tagged, byzantine, free,
            floods=free and chance() < 0.25,
            twins=tuple(sorted(byzantine)) if not free and chance() < 0.6 else (),
            lie=draws.choice((0.0, 0.3, 0.8)),
            deaf=frozenset(replica_name(j) for j in honest if chance() < 0.4) if chance() < 0.2 else frozenset(),
            calm_at=calm_at,
            liar_processors=liars, halves=chance() < (0.5 if several else 0.25), drips=chance() < 0.5,
            forged=draws.choice(believers) if chance() < 0.3 else None,
            hub=draws.choice(("all", "all", "some", "just late", "late", "mixed", "none")),
            slow=chance() < 0.1, time_out=draws.choice(TIME_OUTS), spread=chance() < 0.3,
            gives_up=several and chance() < 0.5,
            key_bits=SCARCE if scarce else PLENTY, outages={j: of for j, of in outages.items() if of},
            lost=_lost(draws, honest) if chance() < 0.1 else frozenset(),
            lost_until=max(calm_at, draws.choice((0.0, 25.0))), junk=tagged and chance() < 0.3,
        )  # fmt: skip

    def with_attacks(self, draws: Draws) -> ReplicaSetting:
        """Return this setting with what a few scenarios have besides: contents sent as proposals, long losses, views
        that end too soon for one replica, links of unequal delay, and liars who keep honest replicas a round apart.
        """
        chance = draws.uniform
        attacks: dict[str, Any] = {}
        if self.byzantine and chance() < 0.25:
            attacks["poisons"] = True
        if self.rounds > 1 and chance() < 0.3:
            attacks |= self._rounds_apart(draws)
        elif chance() < 0.05:
            attacks |= self._long_loss(draws)
        elif self.byzantine and chance() < 0.08:
            attacks |= self._hurry(draws)
        elif self.byzantine and chance() < 0.04:
            attacks |= self._late_echoes_lost(draws)
        elif chance() < 0.1:
            attacks["unequal"] = True
        return replace(self, **attacks) if attacks else self

    def _long_loss(self, draws: Draws) -> dict[str, Any]:
        """Draw an attack in which, for long, one honest replica or two hear nothing of the others, who may hear them,
        or each honest replica nothing of the next, or any links lose frames; Byzantine replicas may be silent.
        """
        chance, honest = draws.uniform, self.honest
        victims, form = {draws.choice(honest), draws.choice(honest)}, chance()
        if form < 0.2:
            lost = _lost(draws, honest)
        elif form < 0.4:
            lost = frozenset(zip(honest[1:] + honest[:1], honest, strict=True))
        else:
            both_ways = chance() < 0.3
            lost = frozenset(
                (a, b) for a in honest for b in honest if a != b and (b in victims or (both_ways and a in victims))
            )
        attack: dict[str, Any] = {"lost": lost, "lost_until": self.calm_at + _long(draws)}
        if chance() < 0.2:
            attack["disordered"] = True
        if chance() < 0.5:
            attack |= {"omniscient": False, "floods": False, "twins": (), "deaf": frozenset(map(replica_name, honest))}
        return attack

    def _hurry(self, draws: Draws) -> dict[str, Any]:
        """Draw an attack in which one honest replica lacks something and loses frames of one kind until after the calm,
        and others end its views.
        """
        victim = draws.choice(self.honest)
        others = [j for j in self.honest if j != victim]
        return {
            "omniscient": True, "twins": (), "hub": "all", "hurried": victim, "lost_kind": draws.choice(_LOST_KINDS),
            "lost": frozenset((victim, j) for j in others) | frozenset((j, victim) for j in others),
            "lost_until": self.calm_at + draws.choice((0.0, 5.0, 15.0, 40.0)),
        }  # fmt: skip

    def _late_echoes_lost(self, draws: Draws) -> dict[str, Any]:
        """Draw an attack in which the report comes a little late, one honest replica loses what is echoed of it, or
        each of them what the next one echoes, and without them nothing has a quorum.
        """
        victim, honest = draws.choice(self.honest), self.honest
        begins, to_victim = self.time_out + 1.0, [(j, victim) for j in honest if j != victim]
        ring = zip(honest[1:] + honest[:1], honest, strict=True)
        return {
            "omniscient": False, "floods": False, "twins": (), "deaf": frozenset(map(replica_name, honest)),
            "outages": {}, "spread": False, "hub": "soon", "lost_kind": FrameKind.ECHO, "lost_from": begins,
            "lost": frozenset(ring if draws.uniform() < 0.3 else to_victim),
            "lost_until": max(self.calm_at, begins + draws.choice((4.0, 10.0, 20.0))),
        }  # fmt: skip

    def _rounds_apart(self, draws: Draws) -> dict[str, Any]:
        """Draw an attack in which f of the honest replicas hear little of the others until late, who decide with all f
        Byzantine ones.
        """
        faults = Quorums(self.replicas).faults
        byzantine = frozenset(draws.sample(self.replicas, faults))
        honest = [j for j in range(self.replicas) if j not in byzantine]
        apart = frozenset(honest[place] for place in draws.sample(len(honest), faults))
        share = draws.choice((0.6, 1.0))
        lost = frozenset(
            (a, b) for a in honest for b in honest if (a in apart) != (b in apart) and draws.uniform() < share
        )
        return {
            "byzantine": byzantine, "omniscient": True, "twins": (), "floods": False, "apart": apart, "lost": lost,
            "lost_until": self.calm_at + _long(draws),
            "outages": {j: of for j, of in self.outages.items() if j not in byzantine},
        }  # fmt: skip

    @property
    def honest(self) -> list[int]:
        """Return the replicas that follow the protocol."""
        return [j for j in range(self.replicas) if j not in self.byzantine]

    @property
    def committee(self) -> Committee:
        """The committee as replicas know it."""
        return Committee(self.replicas, PROCESSORS, PROCESSOR_FAULTS, DELTA)

    @property
    def is_troubled(self) -> bool:
        """Whether one view of an honest leader may be lost after the calm, but not two in a row: a crash or lost frames
        must be made good, or a flood used up what a view allows."""
        return bool(self.outages or self.floods or self.lost)

    @property
    def judges_views(self) -> bool:
        """Whether views are judged at all: keys that are spent come back late, and then only the end counts."""
        return self.key_bits == PLENTY

    @property
    def is_good(self) -> bool:
        """Whether in round 0 all honest inputs reach everybody before anybody may close, or while the first Echoes are
        on their way: then it must not be skipped.
        """
        just_late = self.slow or self.hub == "just late"
        in_time = self.hub in ("all", "just late") and not (just_late and self.spread)
        return self.calm_at == 0.0 and in_time and self.judges_views and not (self.outages or self.lost)


def _outages(draws: Draws, rounds: int) -> list[Outage]:
    return [
        Outage(1 + draws.below(50 * rounds), draws.choice(_DOWN), draws.uniform() < 0.5, draws.uniform() < 0.5)
        for _ in range(draws.choice((0, 0, 1, 2)))
    ]


def _long(draws: Draws) -> float:
    shortest, longest = _LONG
    return shortest + (longest - shortest) * draws.uniform()


def _lost(draws: Draws, honest: list[int]) -> frozenset[tuple[int, int]]:
    return frozenset((a, b) for a in honest for b in honest if a != b and draws.uniform() < 0.4)
