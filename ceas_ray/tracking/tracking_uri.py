"""Validation of `tracking.uri`: checked before a run makes anything, without importing MLflow.

SQLAlchemy, which takes long to import, is imported only where a database is named.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from urllib.parse import urlsplit

_SERVERS = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")
DATABASE = "mlflow.db"
"""The file of SQLite that holds runs where no other place is named."""
UI_HOST, UI_PORT = "127.0.0.1", 5000
"""Where `ceas-ui` serves a database on this machine."""
NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
"""Environment in which MLflow tells nobody that it is used."""


def checked_tracking_uri(uri: str) -> str:
    """Return the URI as MLflow gets it: that of an SQLite database with an absolute path.

    Raises ValueError, with what a URI must be, for a scheme that MLflow does not know, a driver that is not installed
    (Databricks' package too) and a URI in pieces.
    """
    scheme = uri.partition(":")[0]
    kind = scheme.partition("+")[0]
    if not uri.isprintable():
        raise ValueError("a URI without control characters")
    if scheme in _SERVERS:
        return _checked_server(uri)
    if kind in ("sqlite", *DATABASES):
        from ceas_ray.tracking.database_uri import checked_database, sqlite_path, sqlite_uri

        return sqlite_uri(sqlite_path(uri)) if kind == "sqlite" else checked_database(uri)
    plugins = {entry.name for entry in entry_points(group="mlflow.tracking_store")}
    if kind == "databricks" and not _is_installed("databricks.sdk"):
        raise ValueError("a URI whose package is installed here (databricks-sdk is not)")
    if scheme in {*plugins, "databricks"}:
        return uri
    known = ", ".join(f"{name}://" for name in (*_SERVERS, "sqlite", *DATABASES, "databricks", *sorted(plugins)))
    raise ValueError(f"a URI that begins with one of {known}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that it would be in
        return False


def _checked_server(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"a URI of the form http://host:port ({error})") from None
    if not parts.hostname or port == 0 or " " in uri:
        raise ValueError("a URI of the form http://host:port")
    return uri
