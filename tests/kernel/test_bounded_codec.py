"""Bytes of somebody else are decoded only if what they hold is small, whatever they claim."""

from __future__ import annotations

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.kernel import bounded_codec
from ceas_ray.kernel.bounded_codec import decode_bounded, require_bounded
from ceas_ray.kernel.codec import decode, encode

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda part: st.lists(part, max_size=20).map(tuple) | st.dictionaries(st.text(), part, max_size=20),
    max_leaves=40,
)


@given(PLAIN)
def test_what_is_small_is_decoded_as_ever(value: object) -> None:
    data = encode(value)
    assert decode_bounded(data) == decode(data) == value


@given(PLAIN, st.data())
def test_what_is_cut_short_is_refused(value: object, data: st.DataObject) -> None:
    whole = encode(value)
    with pytest.raises(ValueError, match="malformed data"):
        decode_bounded(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("length", [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536])
def test_every_length_is_read_as_it_is_written(length: int) -> None:
    for value in ("x" * length, b"x" * length, (0,) * length, dict.fromkeys(map(str, range(length)))):
        assert decode_bounded(encode(value)) == value
    array = np.arange(length, dtype=np.float64)
    np.testing.assert_array_equal(decode_bounded(encode(array)), array)
    require_bounded(msgpack.packb(msgpack.ExtType(9, b"x" * length)))


@pytest.mark.parametrize(
    "data",
    [
        b"\xdd\x00\x40\x00\x00" + b"\xc0" * 2**22,
        b"\xdd\x00\x10\x00\x00" * 90 + b"\xc0" * 2**21,
        b"\xde\xff\xff" * 1000,
        b"\x91" * 1000 + b"\xc0",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xffx",
        b"\xc1",
        b"",
        b"\xdc\xff\xff" + (b"\xc7\x20" + bytes([3]) + b"1" * 32) * 65_535,
    ],
    ids=[
        "many",
        "many in each other",
        "claims",
        "deep",
        "long",
        "large map",
        "bytes",
        "no value",
        "nothing",
        "integers",
    ],
)
def test_bombs_are_refused_before_anything_is_built(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_codec, "decode_untrusted", lambda data: pytest.fail("it was built"))
    with pytest.raises(ValueError, match="malformed data"):
        decode_bounded(data)
