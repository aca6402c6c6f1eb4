"""Former names of settings, each of which is refused with the present name."""

from __future__ import annotations

KEYS = {
    "aggregation.weights.least_tests": "aggregation.weights.min_tests",
    "attacks.attack.guessed": "attacks.announcements.guessed",
    "attacks.attack.withheld": "attacks.announcements.withheld",
    "attacks.attack.jammed_share": "attacks.jammed_share",
    "attacks.attack.timing": "attacks.timing",
    "consensus.most_waits": "consensus.max_waits",
    "consensus.partition": "consensus.network_partition",
    "entanglement.least_fidelity": "entanglement.min_fidelity",
    "links.least_fidelity": "links.min_fidelity",
    "links.least_km": "links.min_km",
    "links.most_fidelity": "links.max_fidelity",
    "links.most_km": "links.max_km",
    "scheduling.least_on_time": "scheduling.min_on_time",
    "scheduling.least_utilization": "scheduling.min_utilization",
    "scheduling.most_classes": "scheduling.max_classes",
    "training.data.least_samples": "training.data.min_samples",
    "training.known_answer_share": "training.trap_circuit_share",
    "training.undo": "training.error_mitigation",
}
"""The present key, by the former one."""
VALUES = {"training.undo": "scalar is rescale, exact is probabilistic_error_cancellation"}
"""What the values of a setting are called now, by its former key, if they were renamed too."""
CHOICES = {("entanglement", "regime_r0"): "scarce_supply"}
"""The present name of a choice, by its group and its former name."""
_INNER_PRODUCT = "ceas_ray.attacks.inner_product.InnerProductManipulation"
TARGETS = {
    "ceas_ray.attacks.delay.Delay": f"{_INNER_PRODUCT} with attacks.timing",
    "ceas_ray.attacks.jamming.Jamming": f"{_INNER_PRODUCT} with attacks.jammed_share",
    "ceas_ray.attacks.silence.Silence": f"{_INNER_PRODUCT} with attacks.timing=never",
}
"""What replaces a policy, by its former target."""
CLASS_ATTRIBUTES = {"MOST_FAULTY_SHARE": "MAX_FAULTY_SHARE"}
"""The present name of an attribute that policy classes declare, by the former one."""
