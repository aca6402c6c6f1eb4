"""Messages of the simulation: facts in the past tense, requests in the imperative. Frames and the adversary's messages
have files of their own.

Times are picoseconds. Indices of processors and replicas count from 0. Bell-diagonal weights come in the order (Phi+,
Psi-, Psi+, Phi-).
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.codec import message

Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]
Flags = NDArray[np.bool_]

DRIVER = "driver"
ENTANGLEMENT_MANAGER = "entanglement_manager"
HUB = "hub"
ADVERSARY = "adversary"


@cache
def processor_name(index: int) -> str:
    """Return the name of processor `index`."""
    return f"processor/{index}"


@cache
def replica_name(index: int) -> str:
    """Return the name of consensus replica `index`."""
    return f"replica/{index}"


def processor_link_name(index: int) -> str:
    """Return the name of the link manager between the hub and processor `index`."""
    return f"link/processor/{index}"


def replica_link_name(index: int) -> str:
    """Return the name of the link manager of replica `index`'s leg."""
    return f"link/replica/{index}"


@message
class Begin:
    """Driver to entanglement manager, once: warm up the keys, then run the rounds."""


class TimerPurpose(StrEnum):
    """The purpose for which an actor wakes itself; each kind of actor has its own purposes, which no other kind has."""

    @staticmethod
    def of(text: str) -> TimerPurpose:
        """Return the purpose of this text; raises ValueError if no actor has it."""
        for kind in TimerPurpose.__subclasses__():
            if text in kind._value2member_map_:
                return kind(text)
        raise ValueError(f"no timer is for {text!r}")


@message
class Timer:
    """An actor's message to itself: do what `purpose` says. Raises ValueError for an unknown purpose."""

    purpose: TimerPurpose
    round_index: int
    number: int = 0

    def __post_init__(self) -> None:
        """Take the text that a purpose is in a snapshot."""
        if type(self.purpose) is str:
            object.__setattr__(self, "purpose", TimerPurpose.of(self.purpose))


# --- entanglement manager, link managers, hub: trusted control -----------------------------------------------------


@message(kw_only=True)
class BirthTables:
    """The most births of every slot, by phase and stock, of one or two policies between which chance decides.

    gap_births, burst_births: uint8 (policies, phases, states) as `scheduling.perishable_chain.Solution` has them.
    second_share: of the second policy, drawn when a gap begins. gap_slots, gap_stock, classes: of the chain.
    """

    gap_births: NDArray[np.uint8]
    burst_births: NDArray[np.uint8]
    second_share: float
    gap_slots: int
    gap_stock: int
    classes: int


@message(kw_only=True)
class StockPolicy:
    """The decision of a scheduler for a link: generate while fewer pairs than the limit are in stock, `gap_limit`
    between bursts, `burst_limit` within.

    demand_driven: within a burst never hold more than its remaining shots need. freshest_first: shots take the freshest
    pairs, else the oldest. clairvoyant: of all pairs that could be, make those that `links.consumers.foresight` lists.
    tables: hold instead of the limits. Keys are distilled on demand whatever the policy.
    """

    gap_limit: int
    burst_limit: int
    demand_driven: bool
    freshest_first: bool = False
    clairvoyant: bool = False
    tables: BirthTables | None = None

    @property
    def has_limits_alone(self) -> bool:
        """Return whether the two limits and the order of use say all."""
        return type(self) is StockPolicy and self.tables is None and not self.clairvoyant


@message(kw_only=True)
class JustInTimePolicy(StockPolicy):
    """A stock policy for gaps whose end is known: nothing is made in one until `lead_periods` shot periods before."""

    lead_periods: float


@message(kw_only=True)
class TimeSharedPolicy(StockPolicy):
    """Two stock policies, both without tables: chance decides when a gap begins, for it and the burst that follows.

    second_share: how often `second` holds. Key paths follow the first alone.
    """

    second: StockPolicy
    second_share: float


@message(kw_only=True)
class GeneratePairs:
    """A plan: one party's whole demand of one round (round -1 is the warm-up), and its leases.

    starts_at: when generation may start. releases: of the shots, relative to `starts_at`, ascending, int64 (shots,),
    in bursts of `burst_shots`, `shot_period` apart. is_test: which shots the hub secretly tests, bool (shots,).
    A shot needs pairs of one route or (between the processors that share a circuit) of several: of route r
    pairs_per_shot[r] at once, at most `shot_deadline` after the release, and pair_offsets[r] after the shot begins;
    policies[r]: of every leg. useful_age: how long after emission a leg's pair may be used. min_fidelity: of end-to-end
    pairs, 0 for none. slots: the lease of memory slots at each end of every leg of every route.
    Path i distils key_bits_wanted[i] bits with key_peers[i]; it begins key_starts[i] after `starts_at` and has
    key_lengths[i]. Swapping and purification are the route's.
    """

    round_index: int
    starts_at: int
    releases: Int64s
    is_test: Flags
    pairs_per_shot: tuple[int, ...]
    pair_offsets: tuple[int, ...]
    shot_deadline: int
    shot_period: int
    burst_shots: int
    policies: tuple[StockPolicy, ...]
    useful_age: int
    min_fidelity: float
    slots: int
    key_starts: tuple[int, ...]
    key_lengths: tuple[int, ...]
    key_peers: tuple[str, ...]
    key_bits_wanted: Floats
    key_useful_age: int


@message(kw_only=True)
class GeneratePairsInParallel:
    """A plan whose shots are divided over several routes: of each route what would be asked of it alone.

    All parts have one round, one start and one lease. The first one holds the keys.
    """

    parts: tuple[GeneratePairs, ...]


@message(kw_only=True)
class ServeRequests:
    """A plan of another kind: from `starts_at` on, for `length`, requests for single pairs come at random (Poisson,
    mean distance `mean_wait`), each to be served at once by a pair no older than `useful_age`, or lost. slots: the
    lease."""

    round_index: int
    starts_at: int
    length: int
    mean_wait: int
    useful_age: int
    slots: int


@message(kw_only=True)
class RequestsServed:
    """Link manager to whoever asked: what became of `ServeRequests`.

    counts: of each leg generated, used, late, expired, sacrificed, int64 (legs, 5). stored: left in stock, int64
    (legs,). requests: how many came. fidelity: mean at use. trace: hash of use times and fidelities.
    """

    round_index: int
    link: str
    counts: Int64s
    stored: Int64s
    requests: int
    fidelity: float
    trace: bytes


@message(kw_only=True)
class PlanFinished:
    """Link manager to entanglement manager: what became of a plan, booked by physical link.

    links: their numbers. link_counts: int64 (links, 3, 5), of this plan alone: rows training, authentication, testing;
    columns generated, used (of authentication: behind key bits, spent or not), late, expired, sacrificed; an end-to-end
    pair of N links is one pair on each. link_stored: left in stock, int64 (links,). shots, shots_on_time: training and
    tests. key_pairs: end to end, behind the bits of each path, int64 (paths,). key_bits: distilled, float64 (paths,).
    attenuation: as in `ShotsDelivered`. trace: hash of all times and fidelities at use.
    """

    round_index: int
    link: str
    links: tuple[int, ...]
    link_counts: Int64s
    link_stored: Int64s
    shots: int
    shots_on_time: int
    key_peers: tuple[str, ...]
    key_pairs: Int64s
    key_bits: Floats
    attenuation: Floats
    trace: bytes


@message(kw_only=True)
class ShotsDelivered:
    """Link manager to processor: which of the round's training shots got their pairs in time, and how good they were.

    on_time: bool, shape (training shots,). attenuation: m_s, s = 0..n: what teleportation leaves of an input Pauli
    coefficient of weight s, mean over the on-time training shots (all ones for s = 0; ones if there was no such shot).
    Of circuits that processors share attenuation is empty: their mean output over those shots is sum_j coefficients[j]
    z(werner[j]), werner (J, places) the Werner parameters of the pairs inside the circuit (`quantum.mixed_pairs`).
    """

    round_index: int
    on_time: Flags
    attenuation: Floats
    werner: Floats
    coefficients: Floats


@message(kw_only=True)
class TestOutcomes:
    """Link manager to hub: the pairs tested in this plan, at the age of use, per basis X, Y, Z; int64 (3,).

    announced: number of them for which the processor announced its outcome before the hub revealed the basis. (The
    processor is asked only once both halves are stored, so it cannot choose what is tested.) errors: number of wrong
    outcomes among the announced.
    """

    round_index: int
    processor: int
    tested: Int64s
    announced: Int64s
    errors: Int64s


@message(kw_only=True)
class TrapCircuitsAnswered:
    """Processor to hub: its outcomes of trap circuits in a round, announced before the hub reveals which circuits these
    are.

    asked: trap circuits whose pairs came in time, as the hub counts them. answered: how many of these have an outcome.
    wrong: how many of the answered are wrong.
    """

    round_index: int
    processor: int
    asked: int
    answered: int
    wrong: int


@message(kw_only=True)
class RoundStarted:
    """Entanglement manager to processors, replicas, hub and adversary: the schedule of a round.

    plan_ends_at: all shots are over. inputs_open_until: no replica closes its inputs before; inputs_time_out_at: it
    closes them then at the latest. key_bits: bits newly distilled with each peer, to send with and to receive with: for
    a processor shape (2, replicas), for a replica shape (2, processors + replicas), empty for the others.
    """

    round_index: int
    plan_ends_at: int
    inputs_open_until: int
    inputs_time_out_at: int
    key_bits: Int64s


@message
class KeysDistilled:
    """Entanglement manager to processors and replicas, in a round that waits for keys: `key_bits` as in
    `RoundStarted`.
    """

    round_index: int
    key_bits: Int64s


@message
class RoundGivenUp:
    """Entanglement manager to replicas: this round took too long. From now on SKIP is valid, and should be
    agreed on.
    """

    round_index: int


@message
class StopWaiting:
    """Entanglement manager to replicas: nothing more will come of this round, so let its timers run out. To processors:
    the last round is over, so ask for its model if it is lacking.
    """

    round_index: int


@message(kw_only=True)
class PairsTested:
    """Hub to processor: the tests of its link in the forgetting window; tested and errors, float64 (3,) per basis."""

    round_index: int
    tested: Floats
    errors: Floats


@message(kw_only=True)
class TestReport:
    """Hub to replicas: the tests of every processor's link in the forgetting window, float64 (processors, 3) per basis.

    Where the hub asks trap circuits, a fourth column counts those of earlier rounds.
    """

    round_index: int
    tested: Floats
    errors: Floats
