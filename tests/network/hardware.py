"""Hardware of links, and how links differ, as tests of several packages share them."""

from __future__ import annotations

from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware

HARDWARE = LinkHardware(
    attempt_base_microseconds=10, attempt_microseconds_per_km=10, modes=16, success_at_1_km=0.012, loss_db_per_km=0.2,
    coherence_seconds=0.06, swap_werner=0.98,
)  # fmt: skip
SPREAD = Heterogeneity(
    min_km=0.5, max_km=5.0, min_fidelity=0.94, mean_fidelity=0.97, max_fidelity=0.985, replica_km=0.5,
    replica_fidelity=0.98,
)  # fmt: skip
