"""Sphinx builds these pages: python -m sphinx -W -b html docs docs/_build."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "ceas_ray"
author = "the ceas_ray developers"
release = version = version_of("ceas-ray")

extensions = ["myst_parser", "sphinx.ext.autodoc", "plain_docstrings", "settings_reference"]
exclude_patterns = ["_build"]
default_role = "code"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_title = f"ceas_ray {release}"
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # the theme complains on the console where it is left out
html_theme_options = {"navigation_with_keys": False, "show_toc_level": 2, "secondary_sidebar_items": ["page-toc"]}
