"""One profile for all property tests: the same examples on every run. Tests that start Ray come last, one by one."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, one of them runs all that start Ray, when the rest is done: they need the
    machine's cores, and count the processes of its clusters."""
    on_ray = [item for item in items if item.get_closest_marker("ray") is not None]
    for item in on_ray:
        item.add_marker(pytest.mark.xdist_group("ray"))
    items[:] = [item for item in items if item not in set(on_ray)] + on_ray
