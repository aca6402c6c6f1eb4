"""`ceas-ui` serves the store in which runs are recorded, and refuses in a line what it cannot serve."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.ui import main, store_to_serve
from ceas_ray.tracking.database_uri import sqlite_uri


def test_without_a_place_it_serves_the_store_of_the_environment_or_of_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("place must be a run folder or a URI, or left out where ")
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "mlflow.db").touch()
    assert store_to_serve(None, None) == sqlite_uri(tmp_path / "outputs" / "mlflow.db")
    assert store_to_serve(None, "sqlite:///theirs.db") == f"sqlite:///{tmp_path}/theirs.db"
    assert store_to_serve("sqlite:///mine.db", "http://server") == f"sqlite:///{tmp_path}/mine.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    assert main([]) == 0
    assert "http://server:5000 is a server" in capsys.readouterr().out


def test_it_starts_mlflow_on_the_store_unless_the_port_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda program, words, _: started.append(words))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main([f"sqlite:///{tmp_path}/my.db", "--port", str(port)]) == 2
    assert f"--port must be a port of this machine that is free, as 5001, got {port}" in capsys.readouterr().err
    main([f"sqlite:///{tmp_path}/my.db", "--port", str(port)])
    (words,) = started
    assert words[1:6] == ["-m", "mlflow", "ui", "--backend-store-uri", f"sqlite:///{tmp_path}/my.db"]
    assert main([str(tmp_path / "nothing")]) == 2
