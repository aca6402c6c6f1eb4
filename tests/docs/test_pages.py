"""The pages in docs/ build without a warning, and the reference has every setting."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ceas_ray.config.conf_path import conf_directory
from tests.browser import browser, needs_chromium
from tests.config.schema_leaves import LEAVES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built pages; warnings, such as a link within them that leads nowhere, are errors."""
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_every_setting_is_in_the_reference(pages: Path) -> None:
    page = (pages / "reference" / "settings.html").read_text(encoding="utf-8")
    shown = set(re.findall(r'<span class="pre">([a-z0-9_.]+)</span>', page))
    assert {key for key, _, _ in LEAVES} - shown == set()


@pytest.mark.slow
def test_every_choice_is_in_the_reference(pages: Path) -> None:
    page = (pages / "reference" / "choices.html").read_text(encoding="utf-8")
    files = [path.relative_to(conf_directory()) for path in conf_directory().rglob("*.yaml")]
    choices = {f"{path.parent.as_posix()}={path.stem}" for path in files if path.name != "config.yaml"}
    assert choices - set(re.findall(r'<span class="pre">([\w/]+=\w+)</span>', page)) == set()


@pytest.mark.slow
@needs_chromium
def test_every_page_renders_without_an_error(pages: Path, tmp_path: Path) -> None:
    with browser(tmp_path) as tab:
        for page in sorted(page for page in pages.rglob("*.html") if "_static" not in page.parts):
            shown = tab.open(page.as_uri())
            assert shown.errors == [], page
            assert len(shown.text) > 100, page


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere(pages: Path) -> None:
    for page in pages.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|link)[^>]*?(?:src|href)="(https?://[^"]+)"', page.read_text("utf-8"))
        assert loaded == [], page


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)[^)]*\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_figure_shows_something() -> None:
    figures = [*(ROOT / "docs").rglob("*.svg"), *(ROOT / "docs").rglob("*.png")]
    assert [figure for figure in figures if figure.stat().st_size < 1000] == []
