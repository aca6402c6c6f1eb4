"""No result depends on what arrays hold before they are filled."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

from tests.quantum.poisoned_memory import findings


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc can fill the memory that it hands out")
def test_no_compiled_pass_depends_on_what_was_in_memory_before() -> None:
    """A sum once began with x - x in place of 0: not a number, where memory happened to hold none."""
    words = [sys.executable, "-m", "tests.quantum.poisoned_memory", "poisoned"]
    settings = os.environ | {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    ran = subprocess.run(words, env=settings, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    wanted = findings()
    assert all(is_finite for _, _, is_finite in wanted)
    assert [tuple(found) for found in json.loads(ran.stdout)] == wanted
