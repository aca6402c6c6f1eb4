"""Simulated times that settings fix."""

from __future__ import annotations

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.messages.quorum import Quorums
from ceas_ray.world.times import asking_time, control_delay, message_bound, update_time
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL


def test_settings_in_their_units_become_picoseconds() -> None:
    settings = build(RunSettings, composed_once([
        *SMALL, "entanglement.control_delay_microseconds=2.5", "consensus.delta_microseconds=300",
        "processors.update_milliseconds=4",
    ]))  # fmt: skip
    assert control_delay(settings) == 2_500_000
    assert message_bound(settings) == 300_000_000
    assert update_time(settings) == 4_000_000_000
    # Three of seven answer. Four others may be asked in vain, each for 2 Delta: the fifth request is made 5 * 2 Delta
    # after an update's time, and takes up to Delta.
    assert asking_time(settings, Quorums(7)) == 4_000_000_000 + 11 * 300_000_000
