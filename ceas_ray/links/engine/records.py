"""Records with named fields for compiled code, reached by the address of their array.

A compiled function that gets arrays counts references to them at every turn, which takes longer than what it does with
them; an address is a number. Whoever calls such a function keeps the arrays alive meanwhile.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils
from numba.extending import intrinsic


def records_at(dtype: Any) -> Any:
    """Return a compiled function of (address, index) to the record there, in an array of this dtype."""
    record = from_dtype(dtype)

    @intrinsic  # type: ignore[untyped-decorator]
    def at(typingctx: Any, address: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first, number = arguments
            place = builder.add(first, builder.mul(number, ir.Constant(number.type, dtype.itemsize)))
            return builder.inttoptr(place, context.get_value_type(record))

        return record(types.int64, types.int64), code

    return at


@intrinsic  # type: ignore[untyped-decorator]
def copy_record(typingctx: Any, to: Any, of: Any) -> Any:
    """Copy one record over another of the same kind."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one = ir.Constant(ir.IntType(64), 1)
        cgutils.raw_memcpy(builder, arguments[0], arguments[1], one, to.size)
        return context.get_dummy_value()

    return types.none(to, of), code
