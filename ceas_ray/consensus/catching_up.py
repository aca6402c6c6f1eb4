"""Catching up: what a replica that missed something asks and follows, and how often the others answer it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.chain_head import LastDecision
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS, Committee
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import replica_name

MAX_CATCH_UPS = 3
"""Number of times that a replica asks in a round what it missed, whatever comes of it, and that it answers each of the
others in the time of a view; both cost keys. After that it asks anew once in a view, and answers where keys for a view
are left. Otherwise it repeats its last question, for those whom it did not reach or whose answers it lost, and asks
anew after waiting twice as long, so that a stall burns no keys. New keys, and a decision that it can report, let it ask
and answer as often again.
"""


@dataclass
class CatchingUpState:
    """What changes while a replica catches up, or helps others to.

    past: the value that B others decided in the round before. past_decides: what each of them says. asked: number of
    questions. asked_in, entered, timed_out: the latest view in which it asked, that it entered, and whose timer ran
    out. answered: number of answers to each of the others, counted from the time in `since`, ps. answered_before:
    number of those before that time.
    """

    past: bytes | None = None
    past_decides: dict[int, bytes] = field(default_factory=dict)
    asked: int = 0
    asked_in: int = -1
    entered: int = -1
    timed_out: int = -1
    answered: Counter[int] = field(default_factory=Counter)
    since: dict[int, int] = field(default_factory=dict)
    answered_before: Counter[int] = field(default_factory=Counter)


class CatchingUp(Stateful):
    """Helps this replica and others to catch up in one round. B replicas that decided the same in the round before are
    believed.
    """

    def __init__(
        self, links: AuthenticatedLinks, committee: Committee, lacked_something_in: Callable[[int], bool]
    ) -> None:
        """Serve one round; lacked_something_in: whether this replica could not do its part in a view."""
        self._lacked_something_in = lacked_something_in
        self._links, self._blocking, self._faults = links, committee.blocking, committee.faults
        self._period = VIEW_TIMER_DELTAS * committee.delta
        self.state = CatchingUpState()

    @property
    def past(self) -> bytes | None:
        """The value that B others decided in the round before."""
        return self.state.past

    # --- one that missed something ----------------------------------------------------------

    def ask(self, now: int, view: int) -> list[Effect]:
        """Ask the others what was missed; view: the one that this replica is in."""
        state = self.state
        state.asked += 1
        due, moved_on = state.asked <= MAX_CATCH_UPS or state.asked.bit_count() == 1, view > state.asked_in
        state.asked_in = max(state.asked_in, view)
        return self._links.ask(now, anew=due or moved_on)

    def skips_views(self, view: int) -> bool:
        """Note that this replica enters a view. Return whether there is one before it that it never was in: others went
        on without it, so that it must have missed what they said.
        """
        before, self.state.entered = self.state.entered, max(view, self.state.entered)
        return view > before + 1

    def is_hurried(self, view: int) -> bool:
        """Return whether others ended the view before this one, so that its timer has not run out here. They may do so
        in every view, since f Byzantine replicas and the fastest honest one suffice.
        """
        return self.state.timed_out < view - 1

    @property
    def has_asked(self) -> bool:
        """Whether it has asked in this round, since new keys came."""
        return self.state.asked > 0

    def take_past_decide(self, sender: int, value: bytes) -> bool:
        """Take what another replica decided in the round before. Return whether it is what B of them say."""
        self.state.past_decides.setdefault(sender, value)
        if list(self.state.past_decides.values()).count(value) == self._blocking:
            self.state.past = value
        return value == self.state.past

    def take_past_decides(self, decides: Mapping[int, bytes]) -> None:
        """Take what the others were heard to decide while the round before, which this replica missed, went on."""
        for sender, value in sorted(decides.items()):
            self.take_past_decide(sender, value)

    def may_have_missed(self, view: int) -> bool:
        """Note that the timer of this view ran out. Return whether this replica may have missed something: the timer
        did so before, so asking for another view did not help; more views have ended without a decision than Byzantine
        leaders account for; or it could not do its part in this one.
        """
        before, self.state.timed_out = self.state.timed_out, view
        lacked = self._lacked_something_in(view)
        return before == view or view + 1 > self._faults or lacked

    def keys_have_come(self) -> None:
        """Count anew, since new keys pay for more questions and answers."""
        self.state.asked = 0
        self.has_news()

    # --- one that is asked ----------------------------------------------------------

    def tell_past(self, decision: LastDecision | None, *, receiver: str, now: int) -> list[Effect]:
        """Say what was decided in the round before, if it is known here."""
        if decision is None:
            return []
        body, round_index = encode(decision.value), decision.round_index
        return self._links.send(
            FrameKind.DECIDE, view=0, receiver=receiver, body=body, now=now, round_index=round_index
        )

    def has_news(self) -> None:
        """Let whoever asked before ask again."""
        self.state.answered.clear()
        self.state.answered_before.clear()

    def may_answer(self, sender: int, now: int) -> bool:
        """Count a question, and return whether its sender has not asked too often. So a liar makes others spend only so
        many keys, and a replica whose answers were lost, however many, is answered again while keys last.
        """
        state = self.state
        if now >= state.since.setdefault(sender, now) + self._period:
            state.answered_before[sender] += state.answered[sender]
            state.answered[sender], state.since[sender] = 0, now
        state.answered[sender] += 1
        if state.answered[sender] + state.answered_before[sender] <= MAX_CATCH_UPS:
            return True
        return state.answered[sender] <= MAX_CATCH_UPS and self._links.good_for_a_view(replica_name(sender))
