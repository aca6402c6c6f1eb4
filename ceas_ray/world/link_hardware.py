"""From the settings of links to their hardware; refuses profiles whose pairs are good for nothing."""

from __future__ import annotations

import numpy as np

from ceas_ray.config.errors import SettingsError, UnusableSettings
from ceas_ray.config.schema import LinkSettings
from ceas_ray.entanglement.plan import Demand
from ceas_ray.kernel.time import seconds
from ceas_ray.network.link_parameters import Emission, LinkHardware
from ceas_ray.network.memories import (
    Dephasing,
    Depolarizing,
    Memory,
    Relaxing,
    coherence_of_each,
    fidelity_at,
    pair_decay,
)
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.quantum.bell_pairs import decayed_fidelity, depolarized_state, key_rate_of_state, swapped_state
from ceas_ray.quantum.emission import Heralded, SingleClick

_TIMES = {"depolarizing": ("coherence",), "dephasing": ("t2",), "relaxation": ("t1", "t2")}


def link_hardware(links: LinkSettings) -> LinkHardware:
    """The hardware of a profile; SettingsError for what does not fit together."""
    node, hub = _memory(links, ""), _memory(links, "hub_")
    alike = isinstance(node, Depolarizing) and hub == node
    return LinkHardware(
        links.attempt_base_microseconds, links.attempt_microseconds_per_km, links.modes, links.success_at_1_km,
        links.loss_db_per_km,
        node.coherence_seconds if isinstance(node, Depolarizing) else coherence_of_each(pair_decay(node, node)),
        links.swap_werner, None if alike else (hub, node), _emission(links), links.attempt_dephasing,
        links.swap_success,
    )  # fmt: skip


def _emission(links: LinkSettings) -> Emission:
    alpha = links.bright_population
    if (links.scheme == "single_click") != (alpha is not None):
        must = "given for links.scheme=single_click" if alpha is None else f"null for links.scheme={links.scheme}"
        raise SettingsError("links.bright_population", must, alpha)
    dark = links.dark_count_probability
    return Heralded(dark) if alpha is None else SingleClick(alpha, dark)


def _memory(links: LinkSettings, side: str) -> Memory:
    """The memory of a node (side "") or of the hub ("hub_", whose times default to the node's)."""
    wanted = _TIMES[links.memory]
    for name in ("coherence", "t1", "t2"):
        key = f"{side}{name}_milliseconds"
        value = getattr(links, key)
        if value is not None and name not in wanted:
            raise SettingsError(f"links.{key}", f"null for links.memory={links.memory}", value)
        if value is None and name in wanted and not side:
            raise SettingsError(f"links.{key}", f"given for links.memory={links.memory}", value)
    times = []
    for name in wanted:
        own = getattr(links, f"{side}{name}_milliseconds")
        times.append((getattr(links, f"{name}_milliseconds") if own is None else own) * 1e-3)
    try:
        return {"depolarizing": Depolarizing, "dephasing": Dephasing, "relaxation": Relaxing}[links.memory](*times)
    except ValueError as error:
        raise UnusableSettings(f"links.{side}t2_milliseconds", str(error)) from None


def refuse_without_key(links: LinkSettings, network: NetworkPlan) -> None:
    """SettingsError if a path that authentication needs yields no key even from pairs that were just emitted."""
    processors, replicas = (
        np.array([link.birth_weights() for link in ends]) for ends in (network.processor_links, network.replica_links)
    )
    if network.swapped:
        ends = np.concatenate([processors, replicas])
        paths = depolarized_state(swapped_state(ends[:, None], replicas), links.swap_werner).reshape(-1, 4)
    else:
        paths = np.array([link.birth_weights() for link in network.direct_links.values()])
    rates = key_rate_of_state(paths)
    worst = int(np.argmin(rates))
    if rates[worst] <= 0:
        raise UnusableSettings(
            "links", f"end-to-end pairs must yield a key (Werner pairs do above a fidelity of .835), those of "
            f"{links.profile} have {paths[worst, 0]:.3f}",
        )  # fmt: skip


def refuse_without_shots(links: LinkSettings, network: NetworkPlan, demand: Demand) -> None:
    """SettingsError if a link can hardly hold the pairs of a shot at once, or they are no longer entangled by then."""
    for link in network.processor_links:
        alive = link.rate * seconds(demand.useful_age(link))
        gathering = (demand.pairs_per_shot - 1) / link.rate + seconds(link.latency)
        left = float(fidelity_at(link.birth_weights(), link.decay, np.array(gathering)))
        if alive < demand.pairs_per_shot or left <= 0.5:
            raise UnusableSettings(
                "links", f"a shot needs {demand.pairs_per_shot} entangled pairs at once, {links.profile} has "
                f"{alive:.3g} of useful age at {link.length_km:.3g} km, the oldest of a shot's at fidelity {left:.3f}",
            )  # fmt: skip


def refuse_without_shared_shots(links: LinkSettings, network: NetworkPlan, demand: Demand) -> None:
    """As `refuse_without_shots`, for the routes between processors that share a circuit."""
    for group in network.groups:
        alive = seconds(demand.useful_age(group))
        for part in group.routes:
            route, memory = part.route, part.route.coherence_seconds / 2
            gathering = np.array((part.pairs - 1) / route.rate + seconds(route.latency))
            left = float(decayed_fidelity(route.fidelity, gathering, memory))
            if route.rate * alive < part.pairs or left <= 0.5:
                raise UnusableSettings(
                    "links", f"a shared shot needs {part.pairs} entangled end-to-end pairs at once, {links.profile} "
                    f"has {route.rate * alive:.3g} of useful age between {route.nodes[0]} and {route.nodes[-1]}, the "
                    f"oldest of a shot's at fidelity {left:.3f}",
                )  # fmt: skip
