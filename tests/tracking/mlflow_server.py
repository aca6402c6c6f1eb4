"""MLflow's own server on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SERVER = """
import logging, sys
logging.getLogger("werkzeug").setLevel(logging.ERROR)
from werkzeug.serving import make_server
from mlflow.server import app
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def mlflow_server(place: Path) -> Iterator[int]:
    """Yield the port of a server that keeps everything in this folder."""
    settings = {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{place}/server.db", "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/", "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"{place}/files",
        "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
    }  # fmt: skip
    with open(place / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVER], env=os.environ | settings, stdout=subprocess.PIPE, stderr=log, cwd=place
        )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()
