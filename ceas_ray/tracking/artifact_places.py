"""Where MLflow keeps the files of runs, as a database says that somebody else may have written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit


def require_within(places: Iterable[str], folder: Path) -> None:
    """Raise PermissionError for the first of these URIs that is not within `folder`, whatever links lead there."""
    other = next((place for place in places if not _is_within(place, folder)), None)
    if other is not None:
        raise PermissionError(f"its files lie in {other}, outside of {folder}; --uri with this database confirms that")


def _is_within(place: str, folder: Path) -> bool:
    parts = urlsplit(place)
    is_here = parts.scheme in ("", "file") and not parts.netloc and parts.path.startswith("/")
    return is_here and Path(unquote(parts.path)).resolve().is_relative_to(folder.resolve())
