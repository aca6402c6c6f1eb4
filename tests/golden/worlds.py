"""Small worlds whose whole behaviour is pinned, so that a change of structure can be told from one of results.

`python -m tests.golden.worlds` pins them anew (and says which differ). Counts, times and decisions are the same on
every machine; digests and models are pinned for each kind of machine (see `machine`), because bits differ between
processors without FMA or AVX-512 and between BLAS kernels.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.observations import RoundObserved, StallObserved, WarmUpObserved
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.platform_fingerprint import platform_fingerprint
from tests.small_worlds import small_world

PINNED = Path(__file__).parent / "worlds.json"
RESCALED = "training.error_mitigation=rescale"
CIRCUIT = ("training.partition=circuit", "processors.count=8", "training.qubits=4", RESCALED)
ROUTED = (
    "network.link_fidelity=0.995", "processors.count=5", "consensus.committee_size=4", "training.rounds=2",
    "entanglement.multiplexing=3",
)  # fmt: skip
TREE = Path(__file__).parents[2] / "docs" / "examples" / "my_tree.py"
OWN = (f"training.circuit={TREE}:tree",)
COMMITTEE = ("consensus.committee_size=4", "processors.count=5")

WORLDS: dict[str, tuple[str, ...]] = {
    "default": (),
    "seed 2": ("seed=2",),
    "local inputs": ("training.inputs=local",),
    "circuit": CIRCUIT,
    "circuit, local inputs, three a group": (
        *CIRCUIT, "training.inputs=local", "training.processors_per_group=3", "processors.count=9",
    ),
    "own circuit": OWN,
    "own circuit, local inputs, weighted observable": (
        *OWN, "training.inputs=local", "training.observables=['0.5*ZZII - IIXX']",
    ),
    "own circuit, packed": (*OWN, "training.partition=circuit", "training.distributor=packed", RESCALED),
    "own circuit, fewest gates, three a group, local inputs": (
        *OWN, "training.partition=circuit", "training.processors_per_group=3", "processors.count=9", RESCALED,
        "training.inputs=local",
    ),
    "own circuit, layer": (*OWN, "training.partition=layer", RESCALED),
    "layer": ("training.partition=layer", "training.layers=2", RESCALED),
    "oblivious": ("scheduling=oblivious",),
    "on demand": ("scheduling=on_demand",),
    "max weight": ("scheduling=max_weight",),
    "linear program": ("scheduling=linear_program",),
    "two level": ("scheduling=two_level",),
    "freshest first": ("scheduling=freshest_first",),
    "clairvoyant": ("scheduling=clairvoyant",),
    "rotation, mdp per pair": (
        "entanglement=rotation_two_shots", "scheduling=mdp_precision", "scheduling.max_classes=5",
        "links.modes=2",
    ),
    "rotation, just in time": ("entanglement=rotation_four_shots", "scheduling=just_in_time"),
    "rotation of shared circuits, clairvoyant": (
        *CIRCUIT, "entanglement=rotation_one_shot", "scheduling=clairvoyant",
    ),
    "base stock": ("scheduling=base_stock",),
    "time sharing": ("scheduling=time_sharing", "entanglement=rotation_four_shots"),
    "trapped ion links": ("links=trapped_ion",),
    "transducer links": ("links=superconducting_transducer",),
    "complete network": ("network=complete", "attacks=sign_flip"),
    "line": ("network=line", *ROUTED),
    "ring, purified, in order": (
        "network=ring", "entanglement.purification_rounds=1", "entanglement.swapping=in_order", *ROUTED,
    ),
    "grid, failing swaps, few slots": (
        "network=grid", "scheduling=oblivious", "links.swap_success=0.8", "entanglement.slots=6", *ROUTED,
    ),
    "no attack": ("attacks=none",),
    "inner product, best links": ("attacks=inner_product", "attacks.placement=best_links"),
    "min max": ("attacks=min_max",),
    "mimic, colluders know themselves": ("attacks=mimic", "attacks.knowledge=colluders"),
    "label flip": ("attacks=label_flip",),
    "adaptive": ("attacks=adaptive",),
    "last moment": ("attacks=last_moment",),
    "silent processors": ("attacks=silence",),
    "equivocating processors": ("attacks=equivocation", *COMMITTEE),
    "false fidelity": ("attacks=false_fidelity", "aggregation=ceas"),
    "jamming": ("attacks=jamming",),
    "lying and silent replicas": (
        "consensus.committee_size=7", "attacks.replicas=2", "attacks.replica_faults=[lying,silent]",
    ),
    "equivocating replica": (*COMMITTEE, "attacks.replicas=1", "attacks.replica_faults=[equivocating]"),
    "losses": (*COMMITTEE, "consensus.loss_probability=0.2"),
    "crash": (
        *COMMITTEE, "consensus.crash={replicas:[1],round:1,after_milliseconds:0.1,down_milliseconds:2.0}",
    ),
    "committee of all processors": ("consensus=all_processors", "processors.count=5"),
    "finite keys": (*COMMITTEE, "consensus.key_rate=finite"),
    "fresh hash keys": (*COMMITTEE, "consensus.hash_keys=fresh"),
    "trap circuits": (
        "training.trap_circuit_share=0.25", "aggregation=ceas", "aggregation.weights.min_tests=10",
    ),
    "spectral filter with discount": ("aggregation=spectral_filter_discount", "attacks=sign_flip"),
    "geometric median, full shift": (
        "aggregation=weighted_nnm_geometric_median", "training.estimator=full_shift",
        "training.circuits_per_round=2048",
    ),
    "cross entropy, four classes": ("training=digits_0123", "training.loss=cross_entropy", "training.qubits=4"),
    "superconducting processors, error cancellation": (
        "processors=superconducting", "training.error_mitigation=probabilistic_error_cancellation",
    ),
}  # fmt: skip


_NAMES = {WarmUpObserved: "warm_up", RoundObserved: "round", StallObserved: "stalled"}


def behaviour(overrides: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    """Run a world locally on one host; return (what every machine gets, the bits of machines of this kind)."""
    simulation = Simulation(LocalCluster(small_world(*overrides).one_host()))
    rounds: list[Any] = []
    digest, model = b"", np.zeros(0)
    for end in simulation.rounds():
        digest, model = end.digest, np.asarray(end.mark.model)
        for observation in end.observations:
            observed = observation.payload
            if type(observed) in _NAMES:
                decided = {
                    key: getattr(observed, key) for key in ("view", "skipped", "waits") if hasattr(observed, key)
                }
                counts = observed.books.counts.tolist()
                plain = json.loads(json.dumps(decided, default=int))
                rounds.append([_NAMES[type(observed)], observation.time, counts, plain])
    bits = {"digest": digest.hex(), "model": blake2b(model.tobytes(), digest_size=16).hexdigest()}
    return {"rounds": rounds}, bits


def machine() -> str:
    """Return a name for machines that compute the same bits with the same libraries."""
    return blake2b(json.dumps(platform_fingerprint(), sort_keys=True).encode(), digest_size=8).hexdigest()


def pinned() -> dict[str, Any]:
    """Return what is pinned: for each world, `everywhere` and `bits` by machine."""
    content: dict[str, Any] = json.loads(PINNED.read_text(encoding="utf-8"))
    return content


def main() -> None:
    """Pin all worlds anew. Bits of other kinds of machine stay only where nothing else has changed."""
    before = pinned() if PINNED.exists() else {}
    found, here = {}, machine()
    for name, overrides in WORLDS.items():
        everywhere, bits = behaviour(overrides)
        old = before.get(name, {})
        same = old.get("everywhere") == everywhere and old.get("bits", {}).get(here, bits) == bits
        found[name] = {"everywhere": everywhere, "bits": (old.get("bits", {}) if same else {}) | {here: bits}}
        print(f"{'same   ' if same else 'CHANGED'} {name}", flush=True)
    lines = [f"{json.dumps(name)}: {json.dumps(entry, sort_keys=True)}" for name, entry in found.items()]
    PINNED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
