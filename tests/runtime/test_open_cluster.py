"""A cluster beyond this machine that asks nobody for a token is refused, unless the settings allow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime import test_machines
from tests.runtime.test_machines import HEAD, RUN, machines, summary_of

pytestmark = test_machines.pytestmark
SHORT = [*(word for word in RUN if not word.startswith("training.rounds=")), "training.rounds=3"]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    up = machines("up", "open")
    assert up.returncode == 0, up.stderr.decode()
    yield
    assert machines("down").returncode == 0


def test_a_run_refuses_an_open_cluster_in_one_line(tmp_path: Path) -> None:
    refused = machines("run", "1", *SHORT, f"output={tmp_path / 'run'}")
    assert refused.returncode == 2
    said = refused.stderr.decode()
    assert said.startswith("runtime.address must be a cluster that requires a token")
    assert f"got {HEAD}, which anybody may use; runtime.allow_open_cluster=true" in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_on_a_worker_that_asks_ray_for_the_address_refuses_it_too(tmp_path: Path) -> None:
    words = [word for word in SHORT if not word.startswith("runtime.address")]
    refused = machines("run", "2", *words, "runtime.address=auto", f"output={tmp_path / 'run'}")
    assert refused.returncode == 2
    assert refused.stderr.decode().startswith("runtime.address must be a cluster that requires a token")
    assert list(tmp_path.iterdir()) == []


def test_a_setting_allows_an_open_cluster(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = machines("run", "1", *SHORT, "runtime.allow_open_cluster=true", f"output={folder}")
    assert done.returncode == 0, done.stderr.decode()
    assert summary_of(folder)["machines"] == ["m1", "m2", "m3"]


def test_a_token_does_not_make_an_open_cluster_closed(tmp_path: Path) -> None:
    refused = machines(
        "run", "1", "env", "RAY_AUTH_MODE=token", f"RAY_AUTH_TOKEN={'ab' * 32}", *SHORT, f"output={tmp_path / 'run'}"
    )
    assert refused.returncode == 2
    assert refused.stderr.decode().startswith("runtime.address must be a cluster that requires a token")
