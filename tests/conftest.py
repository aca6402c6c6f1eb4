"""One profile for all property tests: the same examples on every run. Tests with random faults take seeds."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--first-seed", type=int, default=0, help="the first seed of tests with random faults")
    parser.addoption("--seeds", type=int, default=None, help="how many seeds each of them takes")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `fault_seed` as many seeds as its module's `SEEDS` says."""
    if "fault_seed" in metafunc.fixturenames:
        first, chosen = (metafunc.config.getoption(name) for name in ("--first-seed", "--seeds"))
        metafunc.parametrize("fault_seed", range(first, first + (chosen or metafunc.module.SEEDS)))
