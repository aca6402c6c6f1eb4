"""The command `ceas-ui`: serve MLflow's pages of the runs that are recorded here."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED
from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.tracking_choice import checked_uri, default_store
from ceas_ray.tracking.mlflow_pages import runs_page
from ceas_ray.tracking.tracking_uri import DATABASE, NO_TELEMETRY, UI_HOST, UI_PORT


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the pages until stopped. Return 2 for a place without runs or a port that is taken."""
    parser = argparse.ArgumentParser(prog="ceas-ui", description="Serves MLflow's pages of the runs recorded here.")
    parser.add_argument(
        "place", nargs="?", help="a run folder, or the URI of a database (default: MLFLOW_TRACKING_URI, or "
        "outputs/mlflow.db)"
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=UI_PORT)
    chosen = parser.parse_args(arguments)
    try:
        uri = store_to_serve(chosen.place, os.environ.get("MLFLOW_TRACKING_URI"))
        if uri.startswith("http"):
            print(f"{uri} is a server, which serves its own pages: open it in a browser")
            return COMPLETED
        _refuse_taken(chosen.port)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    words = ["ui", "--backend-store-uri", uri, "--host", UI_HOST, "--port", str(chosen.port), "--workers", "1"]
    print(f"{runs_page(f'http://{UI_HOST}:{chosen.port}', uri)} shows {uri} (Ctrl-C ends it)", flush=True)
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", *words], {**os.environ, **NO_TELEMETRY})


def store_to_serve(place: str | None, of_environment: str | None) -> str:
    """Return the URI of the MLflow store to serve.

    place: a run folder, or the URI of a store; None: the store that the environment names, or else that of the working
    folder. of_environment: the value of MLFLOW_TRACKING_URI. Raises SettingsError for a place without a run, and where
    there is no database.
    """
    if place is not None and "://" not in place:
        return _store_of_run(Path(place).absolute())
    uri = place or of_environment
    if uri is not None:
        return str(checked_uri(uri, "place" if place else "MLFLOW_TRACKING_URI"))
    return _database(default_store())


def _store_of_run(folder: Path) -> str:
    from ceas_ray.runs.folder import read_settings
    from ceas_ray.runs.mlflow_copy import store_of

    tracking = read_settings(folder, "place").get("tracking")
    uri = tracking.get("uri") if isinstance(tracking, dict) else None
    return _database(store_of(folder)) if uri is None else str(checked_uri(uri, "place"))


def _database(folder: Path) -> str:
    from ceas_ray.tracking.database_uri import sqlite_uri

    if not (folder / DATABASE).exists():
        must = f"a run folder or a URI, or left out where {folder} has a database: a run makes it"
        raise SettingsError("place", must, str(folder / DATABASE))
    return sqlite_uri(folder / DATABASE)


def _refuse_taken(port: int) -> None:
    """Raise SettingsError if this process cannot listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((UI_HOST, port))
        except (OSError, OverflowError):
            raise SettingsError("--port", "a port of this machine that is free, as 5001", port) from None


if __name__ == "__main__":
    sys.exit(main())
