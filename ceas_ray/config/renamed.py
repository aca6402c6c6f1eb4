"""Settings that had another name: whoever uses the old one is told the new one."""

from __future__ import annotations

RENAMED = {
    "consensus.most_waits": "consensus.max_waits",
    "entanglement.least_fidelity": "entanglement.min_fidelity",
    "links.least_fidelity": "links.min_fidelity",
    "links.least_km": "links.min_km",
    "links.most_fidelity": "links.max_fidelity",
    "links.most_km": "links.max_km",
    "scheduling.least_on_time": "scheduling.min_on_time",
    "scheduling.least_utilization": "scheduling.min_utilization",
    "scheduling.most_classes": "scheduling.max_classes",
}
"""The present name of every setting that was renamed, by its former one."""
