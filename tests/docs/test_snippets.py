"""Every command and every Python snippet of the pages and of the README works, in small worlds.

Commands are those of the installed wheel, each page's in an empty folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ceas_ray
from ceas_ray.cli import distribute, report
from ceas_ray.config.composition import composed, jobs
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs import python_run, python_sweep
from tests.cli.warm_commands import WarmProcess, warm_process
from tests.docs.snippets import ROOT, Snippet, chapters, snippets_of
from tests.small_worlds import SMALL

RUNS = ("scripts/run", "ceas-ray")
OTHERS = {"ceas-distribute": distribute.main, "scripts/report": report.main}
ALWAYS_SMALL = ("training.rounds", "runtime", "tracking")
"""Settings that a small world has whatever the page says; others are those of the page."""
OF_AN_OLD_RUN = ("resume", "verify")
MAX_CPU_SECONDS = 60
CHAPTERS = chapters()
SNIPPETS = [snippet for chapter in CHAPTERS for page in chapter for snippet in snippets_of(page)]
NOT_RUN = [snippet for snippet in SNIPPETS if snippet.language == "sh" and snippet.reason]


def key_of(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def in_a_small_world(words: list[str]) -> list[str]:
    """The command's words for a small world; a run that is resumed or verified stays what it was."""
    named = {key_of(word) for word in words if "=" in word}
    if named & set(OF_AN_OLD_RUN):
        return words
    kept = [word for word in words if key_of(word) not in ALWAYS_SMALL]
    return [*kept, *(word for word in SMALL if key_of(word) in ALWAYS_SMALL or key_of(word) not in named)]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, environment: Path) -> Iterator[WarmProcess]:
    folder, python = tmp_path_factory.mktemp("pages"), str(environment / "bin" / "python")
    with warm_process(folder, MAX_CPU_SECONDS, [*SMALL, "output=first_run"], python) as process:
        yield process


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter[0].relative_to(ROOT).as_posix())
def test_snippets_run(chapter: tuple[Path, ...], warm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    warm.clear()
    monkeypatch.chdir(warm.folder)
    monkeypatch.setattr(ceas_ray, "run", small(python_run.run), raising=False)
    monkeypatch.setattr(ceas_ray, "sweep", small(python_sweep.sweep), raising=False)
    for page in chapter:
        names: dict[str, Any] = {}
        for snippet in snippets_of(page):
            run_snippet(snippet, warm, names)


def run_snippet(snippet: Snippet, warm: WarmProcess, names: dict[str, Any]) -> None:
    """Save a file, run commands or Python; names: of the page's Python snippets so far."""
    if snippet.file is not None:
        Path(snippet.file).parent.mkdir(parents=True, exist_ok=True)
        Path(snippet.file).write_text(snippet.text, encoding="utf-8")
    elif snippet.reason is None and snippet.language == "sh":
        for words in snippet.commands:
            run_command(words, warm)
    elif snippet.reason is None and snippet.language == "python":
        exec(compile(snippet.text, snippet.page, "exec"), names)


def run_command(words: list[str], warm: WarmProcess) -> None:
    program, *arguments = words
    if program in OTHERS:
        assert OTHERS[program](arguments) == 0
        return
    assert program in RUNS, f"{program} is no command that a test can run: say why in <!-- not run: ... -->"
    ended = warm.run(in_a_small_world(arguments))
    assert ended.code == 0, f"{' '.join(words)}: {ended.err}"


def small(function: Callable[..., Any]) -> Callable[..., Any]:
    """`ceas_ray.run` or `ceas_ray.sweep` in small worlds."""

    def in_small_worlds(*overrides: str, **settings: Any) -> Any:
        named = {key_of(word) for word in overrides} | set(settings)
        kept = [word for word in overrides if key_of(word) not in ALWAYS_SMALL]
        settings = {name: value for name, value in settings.items() if name != "training"}
        words = [word for word in SMALL if key_of(word) in ALWAYS_SMALL or key_of(word) not in named]
        return function(*kept, *words, **settings)

    return in_small_worlds


@pytest.mark.parametrize("snippet", NOT_RUN, ids=lambda snippet: f"{snippet.page}: {snippet.commands[0]}")
def test_commands_that_are_not_run_could_be(snippet: Snippet) -> None:
    for words in snippet.commands:
        scripts = [word for word in words[:1] if word.startswith("scripts/")]
        assert all((ROOT / script).exists() for script in scripts), words
        if words[0] in RUNS:
            overrides = [word for word in words[1:] if "=" in word and key_of(word) not in OF_AN_OLD_RUN]
            for job in jobs(overrides):
                build(RunSettings, composed(job))


def test_every_snippet_has_a_language_that_is_checked() -> None:
    directives = {"{toctree}", "{settings}", "{choices}", "{glossary}", "{eval-rst}"}
    known = {"sh", "python", "yaml", "xml", "text", "toml", *directives}
    assert {snippet.language for snippet in SNIPPETS} <= known
