"""Records with named fields for compiled code, reached by the address of their array, and arrays that nobody counts.

A compiled function that gets arrays counts references to them at every turn, which takes longer than what it does with
them; an address is a number, and `uncounted` arrays have no counter. Whoever calls such a function keeps the arrays
alive meanwhile.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils
from numba.extending import intrinsic


def record_at(dtype: Any) -> Any:
    """Return a compiled function of an address to the record of this dtype there."""
    record = from_dtype(dtype)

    @intrinsic  # type: ignore[untyped-decorator]
    def at(typingctx: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(record))

        return record(types.int64), code

    return at


def records_of(owner_dtype: Any, field: str, dtype: Any) -> Any:
    """Return a compiled function of (owner, index) to a record in the array whose address the owner has in a field.

    owner_dtype: of the owner, a record. dtype: of the array.
    """
    owner, record = from_dtype(owner_dtype), from_dtype(dtype)

    @intrinsic  # type: ignore[untyped-decorator]
    def of(typingctx: Any, owner_record: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer, number = arguments
            first = builder.load(cgutils.get_record_member(builder, pointer, owner.offset(field), number.type))
            place = builder.add(first, builder.mul(number, ir.Constant(number.type, dtype.itemsize)))
            return builder.inttoptr(place, context.get_value_type(record))

        return record(owner, types.int64), code

    return of


def function_of(owner_dtype: Any, field: str) -> Any:
    """Return a compiled function of (owner, int64) to int64 whose machine code is where the owner's field says.

    It is called there, not compiled into who calls it. owner_dtype: of the owner, a record. See `address_of`.
    """
    owner = from_dtype(owner_dtype)
    called = types.int64(owner, types.int64)

    @intrinsic  # type: ignore[untyped-decorator]
    def of(typingctx: Any, owner_record: Any, argument: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = context.call_conv.get_function_type(called.return_type, called.args)
            place = cgutils.get_record_member(builder, arguments[0], owner.offset(field), ir.IntType(64))
            function = builder.inttoptr(builder.load(place), kind.as_pointer())
            status, found = context.call_conv.call_function(
                builder, function, called.return_type, called.args, arguments
            )
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return found

        return called, code

    return of


def address_of(function: Any, owner_dtype: Any) -> int:
    """Return where the machine code of a compiled function of (owner, int64) is; it is made when first asked for."""
    arguments = (from_dtype(owner_dtype), types.int64)
    function.compile(arguments)
    compiled = function.overloads[arguments]
    address: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return address


@intrinsic  # type: ignore[untyped-decorator]
def reached_by_nothing_else(typingctx: Any, record: Any) -> Any:
    """Promise that the record that is a function's first argument is reached there only through it.

    Its fields need not be read anew after each write to other records then.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        context.call_conv.get_arguments(builder.function)[0].add_attribute("noalias")
        return context.get_dummy_value()

    return types.none(record), code


@intrinsic  # type: ignore[untyped-decorator]
def copy_record(typingctx: Any, to: Any, of: Any) -> Any:
    """Copy one record over another of the same kind."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one = ir.Constant(ir.IntType(64), 1)
        cgutils.raw_memcpy(builder, arguments[0], arguments[1], one, to.size)
        return context.get_dummy_value()

    return types.none(to, of), code


@intrinsic  # type: ignore[untyped-decorator]
def uncounted(typingctx: Any, value: Any) -> Any:
    """Return a tuple with the same arrays, references to which are not counted, in tuples within it either.

    For the arguments of a function that Python calls: they live as long as it runs.
    """

    def without(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        if isinstance(kind, types.BaseTuple):
            parts = zip(kind.types, cgutils.unpack_tuple(builder, value), strict=True)
            return context.make_tuple(builder, kind, [without(context, builder, *part) for part in parts])
        if isinstance(kind, types.Array):
            array = cgutils.create_struct_proxy(kind)(context, builder, value)
            array.meminfo = cgutils.get_null_value(array.meminfo.type)
            return array._getvalue()
        return value

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return without(context, builder, value, arguments[0])

    return value(value), code
