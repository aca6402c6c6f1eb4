"""The HTML page of an experiment."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ceas_ray.tracking.files import write_whole


def write_html(folder: Path, title: str, about: Mapping[str, Any], parts: Sequence[str]) -> Path:
    """Write `index.html` to the folder: a title, facts about the run, and parts in HTML."""
    page = folder / "index.html"
    head = f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title>"
    style = (
        "<style>body{font-family:sans-serif}table{border-collapse:collapse}"
        "td,th{border:1px solid #aaa;padding:2px 8px}</style>"
    )
    about_lines = bullets([f"{name}: {value}" for name, value in about.items()])
    write_whole(page, "\n".join([head + style, f"<h1>{html.escape(title)}</h1>", about_lines, *parts]).encode())
    return page


def bullets(lines: Sequence[str]) -> str:
    """Return a list of lines in HTML."""
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def table_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table in HTML, headed by the keys of the first row; an empty text where there are no rows."""
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_text(value))}</td>" for value in row.values()) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
