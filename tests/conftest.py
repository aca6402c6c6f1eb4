"""One profile for all property tests: the same examples on every run. Tests with random faults take seeds. What all
tests share costs little: collections of garbage, files of settings."""

import gc
import itertools
import sys

import pytest
from hypothesis import HealthCheck, settings

from tests.left_behind import mark_what_is_started, use_temporary_folder_of_its_own

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("repeatable")

BETWEEN_FULL_COLLECTIONS = 100
_ended = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: measures what a run takes, so that nothing may run beside it")
    mark_what_is_started()
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker is not None:
        config.add_cleanup(use_temporary_folder_of_its_own(worker))


def pytest_collection_finish() -> None:
    if "hydra.core.global_hydra" in sys.modules:
        from tests.files_of_settings import read_when_changed

        read_when_changed()


def pytest_runtest_logfinish() -> None:
    """Leave what lives between tests (modules, collected tests) out of collections of garbage, but for one in 100.

    A run collects garbage as it begins, which takes as long as the run if it looks through all of that.
    """
    if next(_ended) % BETWEEN_FULL_COLLECTIONS == 0:
        gc.unfreeze()
        gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--first-seed", type=int, default=0, help="the first seed of tests with random faults")
    parser.addoption("--seeds", type=int, default=None, help="how many seeds each of them takes")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `fault_seed` as many seeds as its module's `SEEDS` says."""
    if "fault_seed" in metafunc.fixturenames:
        first, chosen = (metafunc.config.getoption(name) for name in ("--first-seed", "--seeds"))
        metafunc.parametrize("fault_seed", range(first, first + (chosen or metafunc.module.SEEDS)))
