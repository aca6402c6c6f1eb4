"""Pages of which scripts write the parts between two marks, `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""

from __future__ import annotations

from pathlib import Path


def write_between_marks(page: Path, name: str, text: str) -> None:
    """Put the text, with an empty line before and after it, between the marks of this name.

    Raises ValueError for a page without these marks.
    """
    content = page.read_text(encoding="utf-8")
    begin, end = (f"<!-- {name}: {mark} -->\n" for mark in ("begin", "end"))
    before, begins, rest = content.partition(begin)
    _, ends, after = rest.partition(end)
    if not (begins and ends):
        raise ValueError(f"{page} has no marks {begin.strip()} and {end.strip()}")
    page.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
