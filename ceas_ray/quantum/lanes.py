"""Explicit SIMD for Numba: a value of this type holds as many numbers as a vector register, one per sample.

Numba does not vectorise loops over samples by itself; with this type, `+`, `-`, `*` and unary `-` on lanes compile to
one vector instruction each (LLVM splits them where registers are narrower), so kernels read as scalar code does.
Fast-math is `contract, nsz` only: a product and a sum may become one fused instruction, nothing is reordered.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from ceas_ray.kernel.compiled_code import COMPILED_PART, njit

LANE_BYTES = 64
_FAST_MATH = ("contract", "nsz")


def lane_count(dtype: Any) -> int:
    """Return how many numbers of this dtype are in a value of lanes: 8 of float64, 16 of float32."""
    return LANE_BYTES // np.dtype(dtype).itemsize


def aligned_rows(rows: int, dtype: Any) -> Any:
    """Return an array (rows, lanes), not filled, that begins at a whole vector.

    NumPy asks for huge pages where arrays are large, which Numba does not: with small ones speed depends on where the
    pages happen to lie (a factor of 1.5 was seen between processes).
    """
    size, numbers = np.dtype(dtype).itemsize, rows * lane_count(dtype)
    whole = np.empty(numbers + LANE_BYTES // size, dtype)
    start = -whole.ctypes.data % LANE_BYTES // size
    return whole[start : start + numbers].reshape(rows, -1)


@njit(**COMPILED_PART)
def aligned_lanes(shape, like):  # type: ignore[no-untyped-def]
    """Return an array (*shape, lanes), not filled, with the dtype and lanes of `like`, (rows, lanes), that begins at a
    whole vector.

    Numba's own arrays begin anywhere, and a vector that lies across two lines of the cache is loaded twice.
    """
    size, lanes = like.itemsize, like.shape[1]
    numbers = lanes
    for length in shape:
        numbers *= length
    whole = np.empty(numbers + LANE_BYTES // size, like.dtype)
    start = -whole.ctypes.data % LANE_BYTES // size
    return whole[start : start + numbers].reshape((*shape, lanes))


class Lanes(types.Type):
    """The Numba type of a vector of numbers of one dtype."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype, self.count = dtype, LANE_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype} x {self.count})")

    @property
    def vector(self) -> ir.VectorType:
        """The LLVM type."""
        return ir.VectorType(ir.DoubleType() if self.dtype == types.float64 else ir.FloatType(), self.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, lanes.vector)


class _Binary(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], Lanes) and args[0] == args[1]:
            return signature(args[0], *args)
        return None


class _Unary(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(args[0], *args) if len(args) == 1 and isinstance(args[0], Lanes) else None


def _register_binary(operation: Any, instruction: str) -> None:
    infer_global(operation)(type(f"Lanes_{instruction}", (_Binary,), {}))

    @lower_builtin(operation, Lanes, Lanes)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(args[0], args[1], flags=_FAST_MATH)


for _operation, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _register_binary(_operation, _instruction)

infer_global(operator.neg)(type("LanesNegation", (_Unary,), {}))


@lower_builtin(operator.neg, Lanes)
def _negate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(args[0])


def _pointer(context: Any, builder: Any, *, array_type: Any, array: Any, row: Any, lanes: Lanes) -> Any:
    view = context.make_array(array_type)(context, builder, array)
    zero = context.get_constant(types.intp, 0)
    pointer = cgutils.get_item_pointer2(
        context, builder, view.data, cgutils.unpack_tuple(builder, view.shape),
        cgutils.unpack_tuple(builder, view.strides), "C", [row, zero],
    )  # fmt: skip
    return builder.bitcast(pointer, lanes.vector.as_pointer())


@intrinsic
def load(typing_context, array, row):  # type: ignore[no-untyped-def]
    """Return array[row], shape (rows, lanes), C-contiguous, as lanes."""
    lanes = Lanes(array.dtype)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        index = context.cast(builder, args[1], sig.args[1], types.intp)
        pointer = _pointer(context, builder, array_type=sig.args[0], array=args[0], row=index, lanes=lanes)
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return lanes(array, row), generate


@intrinsic
def store(typing_context, array, row, value):  # type: ignore[no-untyped-def]
    """Store lanes as array[row]."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        index = context.cast(builder, args[1], sig.args[1], types.intp)
        pointer = _pointer(context, builder, array_type=sig.args[0], array=args[0], row=index, lanes=value)
        builder.store(args[2], pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, row, value), generate


@intrinsic
def zero_lanes(typing_context, array):  # type: ignore[no-untyped-def]
    """Return lanes of zeros of the array's dtype."""
    lanes = Lanes(array.dtype)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(lanes.vector, None)

    return lanes(array), generate
