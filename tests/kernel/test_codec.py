"""The canonical byte form."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ceas_ray.kernel.codec import decode, encode, freeze
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.payloads import BirthTables, StockPolicy
from tests.kernel.random_actors import Token

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_plain_values_survive_the_journey(value: Any) -> None:
    assert decode(encode(value)) == value


@given(hnp.arrays(st.sampled_from(["<f8", ">f8", "<i8", "|b1", "<c16", "<u4"]), hnp.array_shapes(max_dims=3)))
def test_arrays_survive_the_journey_little_endian_and_read_only(array: np.ndarray) -> None:
    back = decode(encode(Token(1, array))).data
    assert back.shape == array.shape
    assert np.array_equal(back, array, equal_nan=array.dtype.kind in "fc")
    assert not back.flags.writeable
    assert encode(Token(1, array.astype(array.dtype.newbyteorder(">")))) == encode(Token(1, array))


def test_what_would_not_survive_is_refused() -> None:
    for value in (object(), np.float64(1.0) * np.ones(1, dtype=object), {1, 2}):
        with pytest.raises(TypeError):
            encode(value)


def test_a_value_that_is_refused_leaves_nothing_behind() -> None:
    expected = encode((1, "after"))
    with pytest.raises(TypeError):
        encode((2, "before", object()))
    assert encode((1, "after")) == expected


def test_threads_encode_at_the_same_time() -> None:
    values = [tuple(Token(number, (other, "x" * other)) for other in range(200)) for number in range(8)]
    expected = [encode(value) for value in values]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(encode, values * 4)) == expected * 4


def test_freezing_a_message_makes_its_arrays_read_only() -> None:
    array = np.ones(3)
    freeze(Token(1, (array, {"inner": array})))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 2


def test_arrays_are_frozen_wherever_they_are_in_a_message_and_in_messages_within_it() -> None:
    births = np.zeros((1, 1, 1), np.uint8)
    tables = BirthTables(
        gap_births=births, burst_births=births.copy(), second_share=0.0, gap_slots=1, gap_stock=0, classes=1
    )
    where_a_number_should_be = np.ones(2)
    freeze(Token(where_a_number_should_be, StockPolicy(gap_limit=1, burst_limit=1, demand_driven=True, tables=tables)))  # type: ignore[arg-type]
    for array in (births, tables.burst_births, where_a_number_should_be):
        assert not array.flags.writeable


def test_a_message_with_many_fields_is_built_with_keywords_and_survives_the_journey() -> None:
    with pytest.raises(TypeError):
        BirthTables(np.zeros(1), np.zeros(1), 0.5, 1, 0, 1)  # type: ignore[call-arg, misc]
    tables = BirthTables(
        gap_births=np.zeros(1, np.uint8), burst_births=np.ones(1, np.uint8), second_share=0.5, gap_slots=3,
        gap_stock=4, classes=5,
    )  # fmt: skip
    back = decode(encode(tables))
    assert (back.burst_births.tolist(), back.second_share, back.gap_slots, back.classes) == ([1], 0.5, 3, 5)


def test_a_message_with_too_few_or_too_many_values_is_malformed() -> None:
    tables = encode(
        BirthTables(
            gap_births=np.zeros(0), burst_births=np.zeros(0), second_share=0.5, gap_slots=3, gap_stock=4, classes=5
        )
    )
    size = tables[0] & 15
    for wrong in (bytes([0x90 | (size - 1)]) + tables[1:-1], bytes([0x90 | (size + 1)]) + tables[1:] + b"\x01"):
        with pytest.raises(ValueError, match="malformed"):
            decode(wrong)


@given(st.integers(0, 2**40), st.integers(-1, 1000))
def test_streams_depend_on_their_whole_key_and_on_nothing_else(seed: int, round_index: int) -> None:
    keys = {
        ("link", "a", "pairs", round_index),
        ("link", "b", "pairs", round_index),
        ("link", "a", "demand", round_index),
    }
    draws = [Streams(seed).generator(*key).random() for key in sorted(keys)]
    assert len(set(draws)) == len(draws)
    assert draws == [Streams(seed).generator(*key).random() for key in sorted(keys)]
    assert Streams(seed + 1).generator("link", "a", "pairs", round_index).random() not in draws


def test_a_stream_is_that_of_philox_with_the_digest_of_its_name_as_key() -> None:
    key = blake2b(encode([7, "link", "a", "pairs", 3]), digest_size=16).digest()
    by_key = np.random.Generator(np.random.Philox(key=np.frombuffer(key, dtype="<u8")))
    assert Streams(7).generator("link", "a", "pairs", 3).random(100).tolist() == by_key.random(100).tolist()
