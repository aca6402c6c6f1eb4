"""Random numbers of compiled loops: Philox4x64-10, a counter-based generator (Salmon et al., SC 2011).

The n-th number of a stream depends on its key and n alone, so the outcome of a link's n-th trial does not depend on
what was done with the ones before, nor on what other links drew. The same numbers as `numpy.random.Philox(key=...)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_INLINE, COMPILED_PART, njit

STREAM = [
    ("key_0", np.uint64), ("key_1", np.uint64), ("blocks", np.uint64), ("left", np.int64),
    ("word_0", np.uint64), ("word_1", np.uint64), ("word_2", np.uint64),
]  # fmt: skip
"""Fields of a stream: its key, blocks of four numbers drawn, and what is left of the last one, word_0 being next."""
_MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_WEYL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ELEVEN, _ONE, _NONE = np.uint64(11), np.uint64(1), np.uint64(0)
_UNIT = 2.0**-53
_STREAM = np.dtype(STREAM, align=True)


@intrinsic  # type: ignore[untyped-decorator]
def _high_half(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the high 64 bits of a product of two 64-bit numbers."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), code


@njit(**COMPILED_PART)
def _next_block(stream):  # type: ignore[no-untyped-def]
    """Draw four numbers; return the first, keep the others."""
    stream.blocks += _ONE
    a, b, c, d = stream.blocks, _NONE, _NONE, _NONE
    key_0, key_1 = stream.key_0, stream.key_1
    for _ in range(10):
        high_a, low_a = _high_half(_MULTIPLIERS[0], a), _MULTIPLIERS[0] * a
        high_c, low_c = _high_half(_MULTIPLIERS[1], c), _MULTIPLIERS[1] * c
        a, b, c, d = high_c ^ b ^ key_0, low_c, high_a ^ d ^ key_1, low_a
        key_0 += _WEYL[0]
        key_1 += _WEYL[1]
    stream.word_0, stream.word_1, stream.word_2, stream.left = b, c, d, 3
    return a


@njit(**COMPILED_INLINE)
def _next_word(stream):  # type: ignore[no-untyped-def]
    """Return the next 64 bits of a stream."""
    if stream.left == 0:
        return _next_block(stream)
    word = stream.word_0
    stream.word_0, stream.word_1 = stream.word_1, stream.word_2
    stream.left -= 1
    return word


@njit(**COMPILED_INLINE)
def uniform(stream):  # type: ignore[no-untyped-def]
    """Return the next number of a stream, uniform in [0, 1)."""
    return float(_next_word(stream) >> _ELEVEN) * _UNIT


@njit(**COMPILED_INLINE)
def failures_before_success(stream, inverse_log_failure):  # type: ignore[no-untyped-def]
    """Return how many trials fail before the next one that succeeds; inverse_log_failure: 1 / log(1 - p), 0 for p = 1.

    Inverse of the geometric distribution.
    """
    return int(np.log(1.0 - uniform(stream)) * inverse_log_failure)


@njit(**COMPILED_INLINE)
def exponential(stream, mean):  # type: ignore[no-untyped-def]
    """Return an exponential waiting time."""
    return -mean * np.log(1.0 - uniform(stream))


def first_words(keys: Sequence[bytes], counts: Sequence[int]) -> list[NDArray[np.uint64]]:
    """Return the first words of streams with these keys (`Streams.key`), so many of each: in one compiled call, which
    takes less time than making a generator of NumPy's for one of them.
    """
    begins = np.cumsum([0, *counts])
    words = np.empty(begins[-1], np.uint64)
    _fill(np.frombuffer(b"".join(keys), "<u8").reshape(-1, 2), begins, np.zeros(1, _STREAM), words)
    return [words[begin:end] for begin, end in pairwise(begins.tolist())]


@njit(**COMPILED)
def _fill(keys, begins, streams, words):  # type: ignore[no-untyped-def]
    """Fill words from one stream after the other. streams (1,): room for the one that is drawn from."""
    for i in range(len(keys)):
        stream = streams[0]
        stream.key_0, stream.key_1 = keys[i, 0], keys[i, 1]
        stream.blocks, stream.left = _NONE, 0
        for n in range(begins[i], begins[i + 1]):
            words[n] = _next_word(stream)
