"""Random numbers of compiled loops: NumPy's Philox, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from ceas_ray.links.engine import draws
from ceas_ray.links.engine.draws import STREAM


@njit
def uniform(stream):  # type: ignore[no-untyped-def]
    return draws.uniform(stream)


@njit
def failures_before_success(stream, inverse_log_failure):  # type: ignore[no-untyped-def]
    return draws.failures_before_success(stream, inverse_log_failure)


def stream(key: tuple[int, int]) -> np.ndarray:
    made = np.zeros(1, np.dtype(STREAM, align=True))
    made["key_0"], made["key_1"] = key
    return made


@settings(max_examples=30)
@given(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), st.integers(1, 23))
def test_a_stream_is_numpy_s_philox_of_its_key(key: tuple[int, int], count: int) -> None:
    ours = stream(key)
    words = np.random.Philox(key=np.array(key, np.uint64)).random_raw(count)
    assert [uniform(ours[0]) for _ in range(count)] == [float(int(word) >> 11) * 2.0**-53 for word in words]


def test_failures_before_success_are_geometric() -> None:
    ours = stream((1, 2))
    tries = np.array([failures_before_success(ours[0], 1 / np.log(0.9)) + 1 for _ in range(40000)])
    assert abs(tries.mean() - 10) < 4 * np.sqrt(0.9) / 0.1 / 200
    assert (tries <= 20).mean() == pytest.approx(0.878423345, abs=4 * np.sqrt(0.88 * 0.12 / 40000))


def test_what_always_succeeds_never_fails() -> None:
    ours = stream((3, 4))
    assert not any(failures_before_success(ours[0], 0.0) for _ in range(100))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 13)), min_size=1, max_size=5))
def test_the_first_words_of_streams_are_those_of_numpy_s_philox(asked: list[tuple[bytes, int]]) -> None:
    found = draws.first_words([key for key, _ in asked], [count for _, count in asked])
    for (key, count), words in zip(asked, found, strict=True):
        of_numpy = np.random.Philox(key=np.frombuffer(key, "<u8")).random_raw(count)
        assert words.tolist() == of_numpy.tolist()
