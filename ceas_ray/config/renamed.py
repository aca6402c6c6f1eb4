"""Settings that have another name now: refused with the new one."""

from __future__ import annotations

KEYS = {
    "attacks.attack.guessed": "attacks.announcements.guessed",
    "attacks.attack.withheld": "attacks.announcements.withheld",
    "attacks.attack.jammed_share": "attacks.jammed_share",
    "attacks.attack.timing": "attacks.timing",
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
_INNER_PRODUCT = "ceas_ray.attacks.inner_product.InnerProductManipulation"
TARGETS = {
    "ceas_ray.attacks.delay.Delay": f"{_INNER_PRODUCT} with attacks.timing",
    "ceas_ray.attacks.jamming.Jamming": f"{_INNER_PRODUCT} with attacks.jammed_share",
    "ceas_ray.attacks.silence.Silence": f"{_INNER_PRODUCT} with attacks.timing=never",
}
