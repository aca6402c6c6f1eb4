"""Shows docstrings as they are written: plain text with code in backticks, in which no other sign is markup."""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx

_MARKUP = re.compile(r"[\\*|]|(?<=\w)_(?!\w)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Let every docstring pass through `escape`, and leave out the fields of named tuples, which have none."""
    app.connect("autodoc-process-docstring", escape)
    app.connect("autodoc-skip-member", is_field_of_tuple)
    return {"parallel_read_safe": True}


def escape(app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Escape what reStructuredText would read as markup, outside of backticks and of indented examples."""
    in_code = False
    for i, line in enumerate(lines):
        if line.startswith("    "):
            continue
        parts = []
        for j, part in enumerate(line.split("`")):
            in_code = not in_code if j else in_code
            parts.append(part if in_code else _MARKUP.sub(r"\\\g<0>", part))
        lines[i] = "`".join(parts)


def is_field_of_tuple(app: Sphinx, what: str, name: str, found: Any, skip: bool, options: Any) -> bool | None:
    """Return True for what is left out; None leaves the decision to Sphinx."""
    return True if (inspect.getdoc(found) or "").startswith("Alias for field number") else None
