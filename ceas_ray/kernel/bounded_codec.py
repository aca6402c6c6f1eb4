"""Canonical bytes of somebody else, decoded only if what they hold is small enough."""

from __future__ import annotations

from typing import Any

from ceas_ray.kernel.codec import BIG_INTEGER, decode_untrusted

MAX_BYTES, MAX_VALUES = 2**27, 2**21
_MAX_DEPTH, _MAX_BIG_INTEGERS = 100, 2**14
"""Big integers may be made to collide as keys of a mapping."""

_SIZES = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
}  # fmt: skip
"""Bytes behind the first one, of None, truth values and numbers (https://github.com/msgpack/msgpack/blob/master/spec.md)."""
_LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes that hold the length of bytes and of texts."""
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_CONTAINERS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Bytes that hold the length of sequences and of mappings, and values per entry."""


def decode_bounded(data: bytes) -> Any:
    """Decode as `decode_untrusted` does. Raises ValueError, before anything is built, for what is large or deep."""
    require_bounded(data)
    return decode_untrusted(data)


def require_bounded(data: bytes) -> None:
    """Raise ValueError if the bytes hold more, or deeper nested, values than a snapshot ever does, or are cut short."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"malformed data: more than {MAX_BYTES:,} bytes")
    at = values = big_integers = 0
    open_values = [1]
    try:
        while open_values:
            if not open_values[-1]:
                open_values.pop()
                continue
            open_values[-1] -= 1
            values += 1
            at, within, is_big = _after(data, at)
            big_integers += is_big
            if within:
                open_values.append(within)
            if values > MAX_VALUES or big_integers > _MAX_BIG_INTEGERS or len(open_values) > _MAX_DEPTH:
                raise ValueError("malformed data: too many values, or nested too deep")
            if at + within > len(data):
                raise ValueError("malformed data: cut short")
    except IndexError:
        raise ValueError("malformed data: cut short") from None


def _after(data: bytes, at: int) -> tuple[int, int, bool]:
    """Return where the value ends that begins at `at`, or where its parts begin, how many these are, and whether it is
    a big integer."""
    first, at = data[at], at + 1
    if first <= 0x7F or first >= 0xE0:
        return at, 0, False
    if first <= 0x8F:
        return at, 2 * (first & 0x0F), False
    if first <= 0x9F:
        return at, first & 0x0F, False
    if first <= 0xBF:
        return at + (first & 0x1F), 0, False
    if first in _SIZES:
        return at + _SIZES[first], 0, False
    if first in _LENGTHS:
        at, length = _length(data, at, _LENGTHS[first])
        return at + length, 0, False
    if first in _CONTAINERS:
        width, parts = _CONTAINERS[first]
        at, length = _length(data, at, width)
        return at, parts * length, False
    if first in _FIXED_EXTENSIONS:
        return at + 1 + _FIXED_EXTENSIONS[first], 0, data[at] == BIG_INTEGER
    if first in _EXTENSIONS:
        at, length = _length(data, at, _EXTENSIONS[first])
        return at + 1 + length, 0, data[at] == BIG_INTEGER
    raise ValueError("malformed data: a byte that begins no value")


def _length(data: bytes, at: int, width: int) -> tuple[int, int]:
    return at + width, int.from_bytes(data[at : at + width], "big")
