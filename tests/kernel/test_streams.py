"""Random streams: each depends on its key alone."""

from __future__ import annotations

import numpy as np

from ceas_ray.kernel.streams import Streams

KEY = ("link", "a-b", "attempts", 3)


def test_a_stream_begins_anew_with_the_same_draws() -> None:
    one, other = (Streams(7).generator(*KEY) for _ in range(2))
    assert one.random(5).tolist() == other.random(5).tolist()


def test_every_part_of_the_key_gives_another_stream() -> None:
    keys = [(7, *KEY), (8, *KEY), (7, "hub", *KEY[1:]), (7, "link", "a-c", *KEY[2:]), (7, *KEY[:3], 4),
            (7, "link", "a-b", "births", 3)]  # fmt: skip
    assert len({Streams(key[0]).generator(*key[1:]).integers(2**63) for key in keys}) == len(keys)


def test_a_stream_is_numpy_s_philox_with_its_counter_at_zero() -> None:
    found = Streams(7).generator(*KEY).bit_generator
    assert isinstance(found, np.random.Philox)
    assert not found.state["state"]["counter"].any()
