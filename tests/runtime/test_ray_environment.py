"""What Ray's processes find in their environment, and what is put back afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ceas_ray.runtime.ray_environment import (
    authentication,
    is_submitted_job,
    noted_cluster,
    outside_of_job,
    prepare_ray_environment,
    seconds_to_stop_job,
)

JOB, STOP_SECONDS = "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_JOB_STOP_WAIT_TIME_S"
MODE, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without Ray's variables; the environment is as it was afterwards."""
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    for name in (JOB, MODE, TOKEN):
        monkeypatch.delenv(name, raising=False)


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", {"RAY_ROTATION_BACKUP_COUNT": "9"})
        prepare_ray_environment()
        assert os.environ["RAY_ROTATION_BACKUP_COUNT"] == "9"
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
        assert os.environ["NUMBA_NUM_THREADS"] == "1"


@pytest.mark.parametrize(("given", "seconds"), [(None, 3.0), ("20", 20.0), ("soon", 3.0), ("-1", 3.0)])
def test_a_job_has_the_seconds_that_ray_gives_it(
    given: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seconds_to_stop_job() is None
    monkeypatch.setenv(JOB, "{}")
    if given is not None:
        monkeypatch.setenv(STOP_SECONDS, given)
    assert seconds_to_stop_job() == seconds


def test_a_job_is_none_outside_of_it_whatever_happens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOB, "{}")
    with pytest.raises(OSError, match="lost"), outside_of_job():
        assert not is_submitted_job()
        raise OSError("lost")
    assert is_submitted_job()


@pytest.mark.parametrize(
    ("content", "address"), [(b"10.0.0.1:6379\n", "10.0.0.1:6379"), (b"\n", None), (b"\xff", None)]
)
def test_the_address_of_the_last_start_is_read_where_it_is_noted(
    content: bytes, address: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    assert noted_cluster() is None
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_bytes(content)
    assert noted_cluster() == address


def test_a_cluster_has_a_token_of_its_own_and_none_is_left_behind() -> None:
    found: list[str | None] = []
    for _ in range(2):
        with authentication(True, lambda: found.append(os.environ.get(TOKEN))):
            assert os.environ[MODE] == "token"
    assert found[1::2] == [None, None]
    assert found[0] != found[2]


def test_the_users_token_is_taken_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "mine")
    with authentication(True, lambda: None):
        assert os.environ[TOKEN] == "mine"
    assert os.environ[TOKEN] == "mine"
    assert MODE not in os.environ


def test_a_cluster_that_requires_no_token_gets_none() -> None:
    with authentication(False, lambda: None):
        assert MODE not in os.environ
        assert TOKEN not in os.environ
