"""The committee of a run: how large it may be, who is faulty in it, and how; the faults of its network and its keys."""

from __future__ import annotations

from collections.abc import Callable

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.consensus.faults.crashing_replica import Crash, CrashingReplica
from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.consensus.faults.equivocating_replica import EquivocatingReplica
from ceas_ray.consensus.faults.forging_replica import ForgingReplica
from ceas_ray.consensus.faults.lying_replica import LyingReplica
from ceas_ray.consensus.faults.poisoning_replica import PoisoningReplica
from ceas_ray.consensus.faults.replaying_replica import ReplayingReplica
from ceas_ray.consensus.faults.silent_replica import SilentReplica
from ceas_ray.consensus.faults.slow_replica import SlowReplica
from ceas_ray.consensus.faults.unreliable_network import Loss, NetworkFault, OnUnreliableNetwork, Partition
from ceas_ray.consensus.faults.withholding_replica import WithholdingReplica
from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds
from ceas_ray.links.jammed_link import JammedLink
from ceas_ray.messages.payloads import replica_name
from ceas_ray.messages.quorum import Quorums

RETRANSMIT_DELTAS = 3
_FAULTS: dict[str, type[DistortingReplica]] = {
    "slow": SlowReplica,
    "equivocating": EquivocatingReplica,
    "lying": LyingReplica,
    "poisoned_proposal": PoisoningReplica,
    "withheld_votes": WithholdingReplica,
    "forged_tags": ForgingReplica,
    "replayed_tags": ReplayingReplica,
}


def committee_size(settings: RunSettings, byzantine_processors: int) -> int:
    """n; SettingsError for a committee that cannot be, or that is unsafe from the start."""
    consensus, attacks = settings.consensus, settings.attacks
    size = consensus.committee_size
    if consensus.committee == "processors":
        if size is not None:
            raise SettingsError("consensus.committee_size", "null for consensus.committee=processors", size)
        size = settings.processors.count
        if size < 4:
            raise SettingsError("processors.count", "at least 4 for consensus.committee=processors", size)
        if attacks.replicas:
            must = "0 for consensus.committee=processors: the Byzantine processors are the Byzantine replicas"
            raise SettingsError("attacks.replicas", must, attacks.replicas)
        if byzantine_processors > Quorums(size).faults:
            must = f"such that at most f = {Quorums(size).faults} of the {size} in the committee are Byzantine"
            raise SettingsError("attacks.fraction", must, attacks.fraction)
    elif size is None or size < 4:
        raise SettingsError("consensus.committee_size", "at least 4 (n > 3 f with f >= 1)", size)
    if attacks.replicas > size:
        raise SettingsError("attacks.replicas", f"at most the {size} of the committee", attacks.replicas)
    if attacks.replicas and not attacks.replica_faults:
        raise SettingsError("attacks.replica_faults", "given for attacks.replicas > 0", attacks.replica_faults)
    _check_members(settings, size)
    return size


def _check_members(settings: RunSettings, size: int) -> None:
    consensus = settings.consensus
    for name in ("partition", "crash", "jamming"):
        choice = getattr(consensus, name)
        for member in () if choice is None else choice.replicas:
            if not 0 <= member < size:
                must = f"members of the committee (0 to {size - 1})"
                raise SettingsError(f"consensus.{name}.replicas", must, member)
    split = consensus.partition
    if split is not None and split.heals_seconds <= split.begins_seconds:
        raise SettingsError(
            "consensus.partition.heals_seconds", f"after it begins ({split.begins_seconds})", split.heals_seconds
        )


def faulty_replica(settings: RunSettings, number: int, replica: Replica, streams: Streams) -> Actor:
    """The `number`-th Byzantine member: its fault is the next in turn."""
    faults = settings.attacks.replica_faults
    fault = faults[number % len(faults)]
    return SilentReplica(replica) if fault == "silent" else _FAULTS[fault](replica, streams)


def crashing_replica(settings: RunSettings, index: int, make: Callable[[], Replica]) -> Actor | None:
    """An honest member that crashes, if it is to."""
    crash = settings.consensus.crash
    if crash is None or index not in crash.replicas:
        return None
    after, down = (picoseconds(ms * 1e-3) for ms in (crash.after_milliseconds, crash.down_milliseconds))
    return CrashingReplica(make, Crash(crash.round, after, down))


def on_network(settings: RunSettings, actor: Actor, delta: int, streams: Streams) -> Actor:
    """The actor behind the faults of the classical network, if there are any."""
    consensus = settings.consensus
    faults: list[NetworkFault] = []
    if consensus.loss_probability > 0:
        faults.append(Loss(consensus.loss_probability, streams))
    if consensus.partition is not None:
        members = frozenset(map(replica_name, consensus.partition.replicas))
        begins, heals = consensus.partition.begins_seconds, consensus.partition.heals_seconds
        faults.append(Partition(members, picoseconds(begins), picoseconds(heals)))
    if not faults:
        return actor
    return OnUnreliableNetwork(actor, faults, RETRANSMIT_DELTAS * delta, consensus.retransmissions)


def on_jammed_fiber(settings: RunSettings, manager: Actor) -> Actor:
    """The link manager with an adversary on the fiber, if there is one."""
    jamming = settings.consensus.jamming
    if jamming is None:
        return manager
    members = frozenset(map(replica_name, jamming.replicas))
    return JammedLink(manager, members, jamming.first_round, jamming.last_round, jamming.refills)
