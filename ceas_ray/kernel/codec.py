"""The canonical byte form of messages: for the digest, between processes, and in snapshots. Never pickle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

import msgpack
import numpy as np

_ARRAY, _MESSAGE, BIG_INTEGER = 1, 2, 3
"""Codes of extensions."""
_message_types: dict[str, type] = {}
_field_names: dict[type, tuple[str, ...]] = {}
_by_keyword: set[type] = set()
_marks: dict[type, msgpack.ExtType] = {}
_values_of: dict[type, Callable[[Any], tuple[Any, ...]]] = {}
_WITHOUT_ARRAYS = frozenset((int, str, bytes, float, bool, type(None)))
_names_of_little_dtypes: dict[np.dtype[Any], str] = {}
_ARRAY_MARK = msgpack.ExtType(_ARRAY, b"")
_KEPT_BYTES = 2**20
_KEPT = "_canonical_bytes"

T = TypeVar("T")


@overload
def message(cls: type[T]) -> type[T]: ...


@overload
def message(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True)
def message(cls: type[T] | None = None, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make `cls` a frozen dataclass that can be encoded under its name (which must be unique).

    kw_only: it is built with keywords, as whatever has many fields should be.
    """
    if cls is None:
        return lambda of: _made(of, kw_only)
    return _made(cls, kw_only)


def _made(cls: type[T], kw_only: bool) -> type[T]:
    made = dataclass(frozen=True, kw_only=kw_only)(cls)
    known = _message_types.get(made.__name__)
    if known is not None and known.__module__ != made.__module__:
        raise ValueError(f"message {made.__name__}: the name is already used in {known.__module__}")
    _message_types[made.__name__] = made
    _field_names[made] = tuple(field.name for field in fields(made))  # type: ignore[arg-type]
    _marks[made] = msgpack.ExtType(_MESSAGE, made.__name__.encode())
    _values_of[made] = _getter(_field_names[made])
    if kw_only:
        _by_keyword.add(made)
    return made


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads these attributes of a value."""
    if len(names) > 1:
        several: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
        return several
    return lambda value: tuple(getattr(value, name) for name in names)


def is_message(of: Any) -> bool:
    """Return whether this is a type that `message` made."""
    return of in _field_names


def encode(value: Any) -> bytes:
    """Return `value` as canonical bytes: msgpack, arrays little-endian with their dtype and shape.

    Takes None, booleans, integers, floats, strings, bytes, tuples, lists, dictionaries, arrays of numbers and
    messages; raises TypeError for anything else (numpy scalars too, whose type would not survive the journey).
    """
    packed: bytes = _packers.pack(value)
    if len(packed) > _KEPT_BYTES:
        _packers.renew()
    return packed


def beginning_of(message_type: type) -> bytes:
    """Return the bytes before the first value of each message of a type, which has more than two values and under 15.

    Whoever has the bytes of the values need not encode the message.
    """
    values = len(_field_names[message_type])
    return encode([_marks[message_type], *[None] * values])[:-values]


def keep_bytes(made: Any, canonical: bytes) -> None:
    """Let a message know its canonical bytes, which its maker has; they must be what `encode` would return."""
    object.__setattr__(made, _KEPT, canonical)


def kept_bytes(value: Any) -> bytes | None:
    """Return the canonical bytes of a message that knows them; None for any other value."""
    kept: bytes | None = getattr(value, _KEPT, None)
    return kept


class _Packers(threading.local):
    """A packer for each thread: making one takes five times as long as packing a short message."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Give back the memory of what was packed: a packer keeps that of its longest message."""
        self.pack = msgpack.Packer(default=_extend, use_bin_type=True).pack


def decode(data: bytes) -> Any:
    """Return the value behind canonical bytes; sequences come back as tuples, arrays as read-only arrays.

    Raises ValueError for bytes that `encode` never makes: they may come from an adversary.
    """
    try:
        return msgpack.unpackb(data, ext_hook=_restore, list_hook=_assemble, use_list=False, strict_map_key=False)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"malformed bytes: {error}") from error


def decode_untrusted(data: bytes) -> Any:
    """Decode as `decode` does; whatever is wrong with the bytes, the error is a ValueError of one line.

    Nothing is executed.
    """
    try:
        return decode(data)
    except Exception as error:
        raise ValueError(f"malformed data: {type(error).__name__}: {' '.join(str(error).split())[:120]}") from None


def _extend(value: Any) -> Any:
    """Return what msgpack does not know: arrays and messages become sequences that begin with a mark of their type."""
    made = type(value)
    values_of = _values_of.get(made)
    if values_of is not None:
        return [_marks[made], *values_of(value)]
    if made is np.ndarray:
        name = _names_of_little_dtypes.get(value.dtype)
        if name is None:
            value, name = _little(value)
        return [_ARRAY_MARK, name, list(value.shape), value.tobytes()]
    if made is int:
        return msgpack.ExtType(BIG_INTEGER, str(value).encode())
    what = "dataclass without @message" if is_dataclass(value) else "type"
    raise TypeError(f"cannot encode the {what} {made.__name__}")


_packers = _Packers()


def _little(array: Any) -> tuple[Any, str]:
    """Return an array with little-endian numbers, and the name of its dtype; remember the dtypes that are so."""
    if array.dtype.kind not in "biufc":
        raise TypeError(f"an array to encode must hold numbers, got dtype {array.dtype}")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if little is array:
        _names_of_little_dtypes[array.dtype] = array.dtype.str
    return little, little.dtype.str


def _restore(code: int, data: bytes) -> Any:
    if code == _MESSAGE:
        return _Mark(_message_types[data.decode()])
    if code == _ARRAY:
        return _Mark(np.ndarray)
    if code == BIG_INTEGER:
        return int(data)
    raise ValueError(f"unknown extension code {code} in encoded data")


class _Mark:
    """Met at the beginning of a sequence: the sequence stands for a value of this type."""

    __slots__ = ("of",)

    def __init__(self, of: type) -> None:
        self.of = of


def _assemble(items: tuple[Any, ...]) -> Any:
    if not items or type(items[0]) is not _Mark:
        return items
    of = items[0].of
    if of is np.ndarray:
        _, dtype, shape, content = items
        made = np.dtype(dtype)
        if made.kind not in "biufc":
            raise ValueError(f"an array must hold numbers, got dtype {made}")
        return np.frombuffer(content, dtype=made).reshape(shape)
    if of in _by_keyword:
        names = _field_names[of]
        if len(items) != len(names) + 1:
            raise TypeError(f"{of.__name__} must have {len(names)} values, got {len(items) - 1}")
        return of(**dict(zip(names, items[1:], strict=True)))
    return of(*items[1:])


def freeze(value: Any) -> None:
    """Make every array within a message read-only, so that no receiver can change what another one sees.

    Arrays are found by what they are, in whichever field: a Byzantine party's may be anywhere.
    """
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
        return
    values_of = _values_of.get(type(value))
    parts: Iterable[Any]
    if values_of is not None:
        parts = values_of(value)
    elif isinstance(value, tuple | list):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    else:
        return
    for part in parts:
        if type(part) not in _WITHOUT_ARRAYS:
            freeze(part)
