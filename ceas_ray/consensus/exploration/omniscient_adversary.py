"""An omniscient adversary: Byzantine replicas that run no protocol, know everything, and say anything to anyone."""

from __future__ import annotations

from typing import Any

from ceas_ray.consensus.chain_head import AgreedModel, ChainHead
from ceas_ray.consensus.committee import ProtocolParameters
from ceas_ray.consensus.echoes import SKIP, Echoes, Item, ItemKind, accusation_item
from ceas_ray.consensus.exploration.adversary import SendAsLiar
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.replica_lies import MALFORMED
from ceas_ray.consensus.exploration.replica_setting import PROCESSORS, ReplicaSetting
from ceas_ray.consensus.inputs import Inputs, is_well_formed_update
from ceas_ray.consensus.tetrabft import FUTURE_VIEWS
from ceas_ray.consensus.value_store import NamedInputs, ValueStore
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of

_VOTES = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4)
_ASIDE = (FrameKind.FETCH, FrameKind.CONTENT, FrameKind.CATCH_UP, FrameKind.DECIDE, FrameKind.ECHO, FrameKind.PROOF)
_NO_VOTE = (-1, b"")
_FAR_VIEW = 10**6
_BUDGET = 4
"""Number of Echoes that a view allows, which a flood makes a replica use up."""


class OmniscientAdversary:
    """All Byzantine replicas of a scenario as one adversary. Times are in Delta."""

    def __init__(
        self,
        draws: Draws,
        setting: ReplicaSetting,
        *,
        protocol: ProtocolParameters,
        initial: AgreedModel,
        say: SendAsLiar,
    ) -> None:
        self._draws, self._setting, self._protocol, self._say = draws, setting, protocol, say
        self._drips, self._busy = draws.uniform() < 0.3, draws.choice((0.5, 0.85))
        self.agreed, self._liars = initial, sorted(setting.byzantine)
        self._begin(-1)

    def _begin(self, round_index: int) -> None:
        self._round, self._silent = round_index, False
        self._inputs = Inputs(PROCESSORS, self._protocol.model_size, ())
        self._values = ValueStore(
            self._protocol,
            round_index,
            inputs=self._inputs,
            echoes=Echoes(self._protocol.committee),
            head=ChainHead(self.agreed),
        )
        self._digests: dict[int, list[bytes]] = {k: [] for k in range(PROCESSORS)}
        self._report: bytes | None = None
        self._items: dict[Item, None] = dict.fromkeys([SKIP, *map(accusation_item, range(PROCESSORS))])
        self._seen: list[bytes] = []
        self._items_of: dict[bytes, tuple[Item, ...]] = {}
        self._said: dict[int, set[Item]] = {j: set() for j in self._setting.honest}

    # --- what they know ----------------------------------------------------------

    def begin(self, round_index: int) -> None:
        """Begin a round with hasty requests for views, empty Echoes and early proposals."""
        self._begin(round_index)
        draws = self._draws
        if self._setting.hurried is not None:
            self._hurry()
        for liar in self._liars:
            for target in self._setting.honest:
                if draws.uniform() < 0.4:
                    view = draws.choice((1, 1, 2, 5))
                    self._say(
                        6.0 * draws.uniform(),
                        liar=liar,
                        target=target,
                        kind=FrameKind.VIEW_CHANGE,
                        view=view,
                        body=encode(None),
                    )
                if draws.uniform() < 0.4:
                    self._say(
                        6.0 * draws.uniform(), liar=liar, target=target, kind=FrameKind.ECHO, view=0, body=encode(())
                    )

    def _hurry(self) -> None:
        """Ask for a far view at once, so that the fastest honest timer ends every view, and mostly say no more."""
        for target in self._setting.honest:
            self._to(target, within=1.0, kind=FrameKind.VIEW_CHANGE, view=_FAR_VIEW, content=None)
        self._silent = self._draws.uniform() < 0.7

    def learn(self, item: Item, content: bytes) -> None:
        """Learn an input that anybody was told."""
        kind, k, digest = item
        self._items[item] = None
        if kind == ItemKind.REPORT:
            self._report = digest
            self._inputs.keep(content)
        elif digest not in self._inputs.contents and is_well_formed_update(content, self._protocol.model_size):
            self._inputs.keep(content)
            self._digests[k].append(digest)

    def overhear(self, replica: int, frame: Frame) -> None:
        """Learn what an honest replica says to anyone."""
        if frame.kind == FrameKind.ECHO:
            self._said[replica] |= {*decode(frame.body)}
        elif frame.kind == FrameKind.PROPOSAL:
            value = self._values.learn(decode(frame.body))
            if value not in self._seen:
                self._seen.append(value)

    # --- what they say ----------------------------------------------------------

    def act(self, view: int) -> None:
        """Say things about a view that an honest replica has entered, to everybody and for some time.

        To each replica all liars say the same, of one value that they want, or of any.
        """
        draws = self._draws
        if self._silent or draws.uniform() >= self._busy:
            return
        if self._setting.floods and draws.uniform() < 0.5:
            self._flood(draws.choice(self._setting.honest))
        if draws.uniform() < 0.15:
            self._convict_alone(draws.choice(self._setting.honest))
        if self._setting.poisons:
            self._poison_contents(draws.choice(self._setting.honest), view)
        values = self._some_values()
        wants_one = draws.uniform() < 0.5
        if wants_one:
            values = [draws.choice(values)]
            if draws.uniform() < 0.4:
                return self._lock(view, values[0])
        for target in self._setting.honest:
            value = draws.choice(values)
            favoured = draws.choice(self._seen) if not wants_one and self._seen and draws.uniform() < 0.8 else value
            self._echo_something(target, value)
            self._pull(target, view, value, values)
            for kind in _VOTES[: draws.below(5)]:
                self._to(target, within=9.0, kind=kind, view=view, content=favoured)
        return None

    def _lock(self, view: int, value: bytes) -> None:
        """Let as many honest replicas lock a value as make a quorum with the liars, and perhaps one decide it alone.

        Then the liars may keep silent for the rest of the round, since whatever they say may help the others.
        """
        setting, draws = self._setting, self._draws
        rest = list(setting.honest)
        for _ in range(setting.committee.quorum - setting.committee.faults):
            target = rest.pop(draws.below(len(rest)))
            self._echo_something(target, value)
            self._pull(target, view, value, [value])
            for kind in _VOTES[:3]:
                self._to(target, within=3.0, kind=kind, view=view, content=value)
        if draws.uniform() < 0.5:
            self._to(draws.choice(setting.honest), within=3.0, kind=FrameKind.VOTE4, view=view, content=value)
        self._silent = draws.uniform() < 0.5

    def _to(self, target: int, *, within: float, kind: FrameKind, view: int, content: Any) -> None:
        """Let every liar say this to a replica, each at a time of its own."""
        body = encode(content)
        for liar in self._liars:
            self._say(within * self._draws.uniform(), liar=liar, target=target, kind=kind, view=view, body=body)

    def _echo_something(self, target: int, value: bytes) -> None:
        chance = self._draws.uniform
        if chance() < 0.5:
            items = self._items_of.get(value, ())
            self._to(
                target,
                within=3.0,
                kind=FrameKind.ECHO,
                view=0,
                content=items if items and chance() < 0.7 else self._some_items(),
            )
        if self._drips:
            for item in self._some_items() * 2:
                self._to(target, within=4.0, kind=FrameKind.ECHO, view=0, content=(item,))

    def _pull(self, target: int, view: int, value: bytes, values: list[bytes]) -> None:
        """Send a proposal from its leader, a history that suits it, requests for other views, and strange things."""
        chance, leader = self._draws.uniform, self._protocol.committee.leader(self._round, view)
        if leader in self._setting.byzantine and chance() < 0.9:
            self._propose(3.0 * chance(), liar=leader, target=target, view=view, value=value)
        if chance() < 0.2:
            self._to(target, within=9.0, kind=FrameKind.VIEW_CHANGE, view=view + 1, content=None)
        if view > 0 and chance() < 0.9:
            self._to(target, within=3.0, kind=FrameKind.PROOF, view=view, content=self._evidence(view, values))
        if view > 0 and leader == target and chance() < 0.9:
            self._to(target, within=2.5, kind=FrameKind.SUGGEST, view=view, content=self._evidence(view, values))
        if chance() < 0.1:
            self._say_aside(self._draws.choice(self._liars), target, view, value)

    def _say_aside(self, liar: int, target: int, view: int, value: bytes) -> None:
        kind, draws = self._draws.choice(_ASIDE), self._draws
        known = list(self._inputs.contents)
        bodies = {
            FrameKind.FETCH: tuple(draws.choice([value, digest_of(b"unknown"), *known]) for _ in range(3)),
            FrameKind.CONTENT: tuple(self._inputs.contents.values())[:2], FrameKind.DECIDE: value,
        }  # fmt: skip
        malformed = kind not in bodies or draws.uniform() < 0.3
        body = draws.choice(MALFORMED) if malformed else encode(bodies[kind])
        self._say(9.0 * draws.uniform(), liar=liar, target=target, kind=kind, view=view, body=body)

    def _propose(self, after: float, *, liar: int, target: int, view: int, value: bytes) -> None:
        body = self._values.body_of(value)
        if body is not None:
            self._say(after, liar=liar, target=target, kind=FrameKind.PROPOSAL, view=view, body=encode(body))

    def _flood(self, target: int) -> None:
        """Bring one item after the other to B echoes at a replica, so that it has to echo each of them, too."""
        among = [item for item in self._items if item not in self._said[target] and item != SKIP]
        items = [item for item in among if any(item in said for said in self._said.values())]
        spacing = self._draws.choice((0.3, 1.0))
        for number, item in enumerate(items[: _BUDGET + 1]):
            for liar in self._liars:
                self._say(
                    spacing * (number + 0.1),
                    liar=liar,
                    target=target,
                    kind=FrameKind.ECHO,
                    view=0,
                    body=encode((item,)),
                )

    def _convict_alone(self, target: int) -> None:
        """Let one replica see that a processor contradicted itself; the others hear of it from that one."""
        items = [item for item in self._items if item[0] == ItemKind.UPDATE and len(self._digests[item[1]]) > 1]
        if items:
            self._to(target, within=1.0, kind=FrameKind.ECHO, view=0, content=items)

    def _poison_contents(self, target: int, view: int) -> None:
        """Send a replica updates and the report as proposals of later views, those first that it has not echoed."""
        known = [item[2] for item in self._items if item[2] in self._inputs.contents]
        lacking = [digest for digest in known if all(item[2] != digest for item in self._said[target])]
        for later in range(view, view + FUTURE_VIEWS + 1):
            leader = self._protocol.committee.leader(self._round, later)
            if leader in self._setting.byzantine and known:
                content = self._inputs.contents[self._draws.choice(lacking or known)]
                after = 2.0 * self._draws.uniform()
                body = encode(content)
                self._say(after, liar=leader, target=target, kind=FrameKind.PROPOSAL, view=later, body=body)

    # --- what they make up ----------------------------------------------------------

    def _some_items(self) -> tuple[Item, ...]:
        items = list(self._items)
        return tuple(self._draws.choice(items) for _ in range(1 + self._draws.below(3)))

    def _some_values(self) -> list[bytes]:
        """Return what somebody proposed, two values of their own, and SKIP; perhaps an input in place of a value."""
        made = [self._composed(), self._composed()] if self._report is not None else []
        inputs = [*self._inputs.contents][:1] if self._setting.poisons else []
        return [*self._seen[-2:], *(value for value in made if value is not None), self._values.skip(), *inputs]

    def _composed(self) -> bytes | None:
        """Return a right value over inputs that anybody was told, whoever echoes them; sometimes one entry counts
        twice.
        """
        draws, min_entries = self._draws, self._protocol.committee.min_entries
        entries = [(k, draws.choice(digests)) for k, digests in self._digests.items() if digests]
        while len(entries) > min_entries and draws.uniform() < 0.4:
            entries.pop(draws.below(len(entries)))
        if entries and draws.uniform() < 0.15:
            place = draws.below(len(entries))
            entries[place:] = [entries[place], *entries[place:]]
            del entries[min_entries if draws.uniform() < 0.5 else len(entries) :]
        liars = self._setting.liar_processors
        accused = tuple(k for k in range(PROCESSORS) if draws.uniform() < (0.3 if k in liars else 0.03))
        if len(entries) < min_entries or self._report is None:
            return None
        named = NamedInputs(tuple(entries), self._report, accused)
        value = self._values.value_of(named)
        self._items_of[value] = tuple(named.items())
        return value

    def _evidence(self, view: int, values: list[bytes]) -> list[Any]:
        """Return votes in earlier views, or a lure: the last view locked a value that suits nobody else."""
        draws, value = self._draws, self._draws.choice([*values, *self._seen])
        if draws.uniform() < 0.4:
            return [(view - 1, value), _NO_VOTE, (view - 1, value)]
        return [self._vote(view, values, chance) for chance in (1.0, 0.5, 0.7)]

    def _vote(self, view: int, values: list[bytes], chance: float) -> Any:
        return (self._draws.below(view), self._draws.choice(values)) if self._draws.uniform() < chance else _NO_VOTE
