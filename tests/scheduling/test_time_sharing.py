"""Two schedulers that take turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.just_in_time import JustInTime
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.time_sharing import TimeSharing
from tests.scheduling.measured import PER_PAIR, T1, T4, measured


def test_time_sharing_lies_between_its_two_schedulers() -> None:
    first, second = measured(T4, OnDemand(), bursts=4000), measured(T4, FreshestFirst(), bursts=4000)
    for share in (0.0, 0.3, 1.0):
        found = measured(T4, TimeSharing(OnDemand(), FreshestFirst(), share), bursts=4000)
        np.testing.assert_allclose(found, first + share * (second - first), atol=0.15 if share == 0.3 else 1e-12)


@pytest.mark.parametrize("other", [Clairvoyant(), JustInTime(2.0), PER_PAIR, TimeSharing(OnDemand(), Oblivious(), 0.5)])
def test_time_sharing_takes_schedulers_of_stock_limits_alone(other: Any) -> None:
    with pytest.raises(ValueError, match=r"scheduling\.second must be a scheduler of two stock limits"):
        TimeSharing(OnDemand(), other, 0.5).stock_policy(T1)
