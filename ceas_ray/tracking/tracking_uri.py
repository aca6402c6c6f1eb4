"""Validation of `tracking.uri`: checked before a run makes anything, without importing MLflow."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

_SQLITE = ("sqlite:///", "sqlite+pysqlite:///")
_SERVERS = ("http", "https")
_DATABASES = ("postgresql", "mysql", "mssql")


def checked_tracking_uri(uri: str) -> str:
    """Return the URI as MLflow gets it: that of an SQLite database with an absolute path.

    Raises ValueError, with what a URI must be, for a scheme that MLflow does not know, a driver that is not installed
    and a URI in pieces.
    """
    scheme = uri.partition(":")[0]
    kind = scheme.partition("+")[0]
    if not uri.isprintable():
        raise ValueError("a URI without control characters")
    if scheme in _SERVERS:
        return _checked_server(uri)
    if kind == "sqlite":
        return sqlite_uri(_sqlite_path(uri))
    if kind in _DATABASES:
        return _checked_database(uri)
    plugins = {entry.name for entry in entry_points(group="mlflow.tracking_store")}
    if scheme in {*plugins, "databricks"}:
        return uri
    known = ", ".join(f"{name}://" for name in (*_SERVERS, "sqlite", *_DATABASES, "databricks", *sorted(plugins)))
    raise ValueError(f"a URI that begins with one of {known}")


def sqlite_uri(database: Path) -> str:
    """Return the URI of an SQLite database: whatever characters its path has, it is this file and no other.

    A path with characters that URIs quote gets the driver in its scheme: MLflow makes a folder for a database of
    `sqlite:///`, and takes the quoted path for its name.
    """
    path = str(database.resolve())
    plain, driven = (
        URL.create(name, database=path).render_as_string(hide_password=False) for name in ("sqlite", "sqlite+pysqlite")
    )
    return plain if plain == f"sqlite:///{path}" else driven


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite database, None for any other URI."""
    database = make_url(uri).database if uri.startswith(_SQLITE) else None
    return None if database is None else Path(database)


def _checked_server(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"a URI of the form http://host:port ({error})") from None
    if not parts.hostname or port == 0 or " " in uri:
        raise ValueError("a URI of the form http://host:port")
    return uri


def _sqlite_path(uri: str) -> Path:
    """The database of an SQLite URI; one with options is refused, for a `?` in it is more often meant as a name."""
    must = "a URI of the form sqlite:///folder/file.db, in it %25 for %, %3F for ?, %23 for # and no options"
    if not uri.startswith(_SQLITE) or "#" in uri or "?" in uri:
        raise ValueError(must)
    try:
        url = make_url(uri)
    except (SQLAlchemyError, ValueError):
        raise ValueError(must) from None
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:") or "\0" in str(url.database):
        raise ValueError(must)
    path = Path(str(url.database))
    if path.is_dir() or any(parent.exists() and not parent.is_dir() for parent in path.absolute().parents):
        raise ValueError(f"a URI of an SQLite database that can be made ({path} is a folder, or lies in a file)")
    return path


def _checked_database(uri: str) -> str:
    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise ValueError(f"the URI of a database whose driver is installed here ({error.name} is not)") from None
    except (SQLAlchemyError, ValueError) as error:
        raise ValueError(f"a URI of the form {uri.partition(':')[0]}://user@host/database ({error})") from None
    if not url.database:
        raise ValueError(f"a URI of the form {url.drivername}://user@host/database")
    return uri
