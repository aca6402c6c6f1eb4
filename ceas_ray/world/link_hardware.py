"""The hardware of links, from their settings."""

from __future__ import annotations

from ceas_ray.config.errors import SettingsError, UnusableSettings
from ceas_ray.config.schema import LinkSettings
from ceas_ray.network.link_parameters import Emission, LinkHardware
from ceas_ray.network.memories import (
    Dephasing,
    Depolarizing,
    Memory,
    Relaxing,
    coherence_of_each,
    pair_decay,
)
from ceas_ray.quantum.emission import Heralded, SingleClick

_TIMES = {"depolarizing": ("coherence",), "dephasing": ("t2",), "relaxation": ("t1", "t2")}


def link_hardware(links: LinkSettings) -> LinkHardware:
    """Return the hardware of a profile; raises SettingsError for what does not fit together."""
    node, hub = _memory(links, ""), _memory(links, "hub_")
    alike = isinstance(node, Depolarizing) and hub == node
    return LinkHardware(
        attempt_base_microseconds=links.attempt_base_microseconds,
        attempt_microseconds_per_km=links.attempt_microseconds_per_km,
        modes=links.modes,
        success_at_1_km=links.success_at_1_km,
        loss_db_per_km=links.loss_db_per_km,
        coherence_seconds=node.coherence_seconds
        if isinstance(node, Depolarizing)
        else coherence_of_each(pair_decay(node, node)),
        swap_werner=links.swap_werner,
        memories=None if alike else (hub, node),
        emission=_emission(links),
        attempt_dephasing=links.attempt_dephasing,
        swap_success=links.swap_success,
    )


def _emission(links: LinkSettings) -> Emission:
    alpha = links.bright_population
    if (links.scheme == "single_click") != (alpha is not None):
        must = "given for links.scheme=single_click" if alpha is None else f"null for links.scheme={links.scheme}"
        raise SettingsError("links.bright_population", must, alpha)
    dark = links.dark_count_probability
    return Heralded(dark) if alpha is None else SingleClick(alpha, dark)


def _memory(links: LinkSettings, side: str) -> Memory:
    """Return the memory of a node (side "") or of the hub ("hub_", whose times default to the node's)."""
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
