"""The benchmark of sweeps refuses what its jobs refuse, before it starts any."""

from __future__ import annotations

import pytest

from ceas_ray.bench import sweep
from ceas_ray.config.errors import SettingsError


def test_a_bad_setting_is_refused_before_the_sweep_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_sweep", lambda *_: pytest.fail("the sweep began"))
    with pytest.raises(SettingsError, match=r"training\.layers must be"):
        sweep.main(["training.layers=0"])
