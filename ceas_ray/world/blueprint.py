"""The common parts of a world's actors: settled before the first of them is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.evidence import Weights
from ceas_ray.aggregation.rule import Rule
from ceas_ray.aggregation.rule_identity import rule_identity
from ceas_ray.attacks.announcements import Announcer
from ceas_ray.attacks.attack import Attack, RowMaker
from ceas_ray.attacks.checked_announcer import CheckedAnnouncer
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import Channel
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.processors.processor import Shard
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.world.counts import Counts
from ceas_ray.world.inputs import RunInputs


@dataclass(frozen=True)
class Policies:
    """The policies that settings name, which may be anybody's own; attack: None where nobody is Byzantine.

    identity: of rule and weights with their arguments and files, which every decided value names.
    """

    attack: CheckedAttack | None
    announcer: Announcer
    rule: Rule
    weights: Weights
    identity: bytes


def policies_of(settings: RunSettings, inputs: RunInputs) -> Policies:
    """Make them; raises SettingsError for one that cannot be made, PolicyError for one that is wrong from the start."""
    attacks, choice = settings.attacks, settings.aggregation
    announcer = instantiate(attacks.announcements, "attacks.announcements", Announcer, inputs.read)
    return Policies(
        attack=None if attacks.attack is None else _attack_of(attacks.attack, inputs),
        announcer=CheckedAnnouncer(announcer),
        rule=instantiate(choice.rule, "aggregation.rule", Rule, inputs.read),
        weights=instantiate(choice.weights, "aggregation.weights", Weights, inputs.read),
        identity=rule_identity(choice.model_dump(), inputs.digests),
    )


def _attack_of(chosen: Mapping[str, Any], inputs: RunInputs) -> CheckedAttack:
    made = instantiate(chosen, "attacks.attack", RowMaker, inputs.read)
    for method, key in _SETTINGS_NOW.items():
        if hasattr(made, method):
            raise SettingsError("attacks.attack", f"without a method {method}, which is now the setting {key}", made)
    return CheckedAttack(made)


_SETTINGS_NOW = {
    "when_sent": "attacks.timing",
    "announcements": "attacks.announcements",
    "share_jammed": "attacks.jammed_share",
}
"""What attacks once decided themselves: one of a user's own that still does would be ignored without a word."""


@dataclass(frozen=True)
class Blueprint:
    """One world, before it has actors.

    circuit: as one processor runs it; shared_circuit: with its parts and teleportations where a party is a group.
    noise: of every processor, shape (processors, qubits, 7). byzantine: indices of parties, ascending. link_quality: of
    what serves each party, shape (parties,): fidelity first, rate second. initial_parameters: shape (d,), in rad.
    places, all_reply: once the demand is checked, of parties among those that are served together, and of `Demand`.
    public_angles: inputs that anybody may know, shape (64, qubits), in rad.
    """

    settings: RunSettings
    counts: Counts
    streams: Streams
    policies: Policies
    noise: NDArray[np.float64]
    circuit: VariationalCircuit
    shared_circuit: VariationalCircuit
    network: NetworkPlan
    shards: tuple[Shard, ...]
    byzantine: tuple[int, ...]
    link_quality: NDArray[np.float64]
    initial_parameters: NDArray[np.float64]
    public_angles: NDArray[np.float64]
    places: tuple[int, ...] = ()
    all_reply: bool = False

    @property
    def attack(self) -> Attack:
        """The attack of Byzantine parties; there must be one."""
        assert self.policies.attack is not None, "Byzantine processors without an attack"
        return self.policies.attack

    @property
    def chain(self) -> bytes:
        """Return what tells this world's messages from those of another: every tag covers it."""
        return encode(("ceas_ray", self.settings.seed))

    @property
    def spends_pairs(self) -> bool:
        """Return whether shots spend pairs."""
        return shots_spend_pairs(self.settings, self.counts)

    def channel(self, name: str, peer: str) -> Channel:
        """Return the end of the authenticated channel to `peer` that `name` holds."""
        return Channel(
            name,
            peer,
            chain=self.chain,
            streams=self.streams,
            fresh_hash_keys=self.settings.consensus.hash_keys == "fresh",
        )


def shots_spend_pairs(settings: RunSettings, counts: Counts) -> bool:
    """Decide whether shots spend pairs: on teleported inputs, or between processors that share a circuit."""
    return counts.group_size > 1 or settings.training.inputs == "teleported"
