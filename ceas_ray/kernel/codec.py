"""One canonical byte form for messages: for the digest, between processes, and in snapshots. Never pickle."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar, dataclass_transform

import msgpack
import numpy as np

_ARRAY, _MESSAGE, _BIG_INTEGER = 1, 2, 3
_message_types: dict[str, type] = {}
_field_names: dict[type, tuple[str, ...]] = {}

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass that can be encoded under its name (which must be unique)."""
    made = dataclass(frozen=True)(cls)
    known = _message_types.get(made.__name__)
    if known is not None and known.__module__ != made.__module__:
        raise ValueError(f"message {made.__name__}: the name is already used in {known.__module__}")
    _message_types[made.__name__] = made
    _field_names[made] = tuple(field.name for field in fields(made))  # type: ignore[arg-type]
    return made


def encode(value: Any) -> bytes:
    """`value` as canonical bytes: msgpack, arrays little-endian with their dtype and shape.

    Takes None, booleans, integers, floats, strings, bytes, tuples, lists, dictionaries, arrays of numbers and
    messages; raises TypeError for anything else (numpy scalars too, whose type would not survive the journey).
    """
    packed: bytes = msgpack.packb(value, default=_extend, use_bin_type=True)
    return packed


def decode(data: bytes) -> Any:
    """The value behind canonical bytes; sequences come back as tuples, arrays as read-only arrays."""
    return msgpack.unpackb(data, ext_hook=_restore, use_list=False, strict_map_key=False)


def _extend(value: Any) -> msgpack.ExtType:
    names = _field_names.get(type(value))
    if names is not None:
        return msgpack.ExtType(_MESSAGE, encode([type(value).__name__, *[getattr(value, name) for name in names]]))
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc":
            raise TypeError(f"an array to encode must hold numbers, got dtype {value.dtype}")
        little = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<"), copy=False))
        return msgpack.ExtType(_ARRAY, encode([little.dtype.str, list(value.shape), little.tobytes()]))
    if isinstance(value, int) and not isinstance(value, bool):
        return msgpack.ExtType(_BIG_INTEGER, str(value).encode())
    what = "dataclass without @message" if is_dataclass(value) else "type"
    raise TypeError(f"cannot encode the {what} {type(value).__name__}")


def _restore(code: int, data: bytes) -> Any:
    if code == _MESSAGE:
        name, *values = decode(data)
        return _message_types[name](*values)
    if code == _ARRAY:
        dtype, shape, content = decode(data)
        return np.frombuffer(content, dtype=np.dtype(dtype)).reshape(shape)
    if code == _BIG_INTEGER:
        return int(data)
    raise ValueError(f"unknown extension code {code} in encoded data")


def freeze(value: Any) -> None:
    """Make every array within a message read-only, so that no receiver can change what another one sees."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, tuple | list):
        for item in value:
            freeze(item)
    elif isinstance(value, dict):
        for item in value.values():
            freeze(item)
    else:
        for name in _field_names.get(type(value), ()):
            freeze(getattr(value, name))
