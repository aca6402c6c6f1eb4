"""A peer's gradient is measured in its own environment; one that lacks the package says so."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from ceas_ray.bench import gradient_peers
from ceas_ray.bench.processes import figures_of_peer


def test_a_peer_is_timed_or_names_the_package_that_is_missing() -> None:
    found = figures_of_peer([sys.executable, str(gradient_peers.__file__), "lightning", "2", "1", "2"])
    if find_spec("pennylane") is None:
        assert found == {"failed": "ModuleNotFoundError: No module named 'pennylane'"}
    else:
        assert found["seconds_per_sample"] > 0
