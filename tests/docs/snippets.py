"""The fenced snippets of a Markdown page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS = ("index", "first_run", "result", "comparison", "own_scheduler")
TUTORIAL = tuple(ROOT / "docs" / "tutorial" / f"{name}.md" for name in STEPS)
"""The steps of the tutorial build on one another."""

_FENCE = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>.+?) -->\n)?"
    r"^(?P<indent> *)```(?:\{code-block\} )?(?P<language>[\w{}-]+)[^\n`]*\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_CAPTION = re.compile(r"\A:caption: (\S+)\n\n?")


@dataclass(frozen=True)
class Snippet:
    """A snippet of a page. reason: why it is not run, if it is not. file: what it is saved as, if it is a file."""

    page: str
    language: str
    text: str
    reason: str | None
    file: str | None

    @property
    def commands(self) -> list[list[str]]:
        """The words of every command, without comments."""
        return [words for line in self.text.splitlines() if (words := shlex.split(line, comments=True))]


def snippets_of(path: Path) -> Iterator[Snippet]:
    """Yield the snippets of a page, in order."""
    for match in _FENCE.finditer(path.read_text(encoding="utf-8")):
        indent = match["indent"]
        body = "".join(line.removeprefix(indent) for line in match["body"].splitlines(keepends=True))
        caption = _CAPTION.match(body)
        text = body[caption.end() :] if caption else body
        name = path.relative_to(ROOT).as_posix()
        yield Snippet(name, match["language"], text, match["reason"], caption[1] if caption else None)


def chapters() -> list[tuple[Path, ...]]:
    """Return the pages with snippets, those together that build on one another."""
    alone = sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - set(TUTORIAL))
    return [TUTORIAL, *((page,) for page in alone if any(snippets_of(page)))]
