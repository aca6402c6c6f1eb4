"""Declared state: what must survive a snapshot is a dataclass, which is saved and restored by the names of its fields.

The annotation of a field says how its value travels: numbers, texts, bytes, enums, literals and messages as they are
(`codec`), arrays with their dtype, containers item by item, dataclasses and named tuples field by field. Restoring
checks all of it.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from ceas_ray.kernel.codec import is_message

S = TypeVar("S")
_SCALARS = (bool, int, str, bytes, type(None))


class Stateful:
    """Something whose changing state is the dataclass `state`; whatever else it holds is fixed when it is made.

    Parts with a state of their own are named by `parts`; their names depend on nothing that changes. Nobody but its
    owner writes a state.
    """

    state: Any = None

    def parts(self) -> Mapping[str, Stateful]:
        """Return what else has a state, by name."""
        return {}

    def rebuild(self) -> None:
        """Make the parts that the state just restored calls for; they are restored next. By default nothing is made."""

    def snapshot(self) -> Any:
        """Return the whole state in plain values, messages and arrays, as `codec.encode` takes them."""
        return {
            "state": saved(self.state),
            "parts": {name: part.snapshot() for name, part in self.parts().items()},
        }

    def restore(self, snapshot: Any) -> None:
        """Go back to what `snapshot` returned; raises ValueError if it is the snapshot of something else."""
        names = set(self.parts())
        if not isinstance(snapshot, dict) or set(snapshot) != {"state", "parts"} or set(snapshot["parts"]) != names:
            raise ValueError(f"a snapshot of {type(self).__name__} must have its state and its parts {sorted(names)}")
        state = restored(type(self.state), snapshot["state"])
        if state is not None:
            self.state = state
        self.rebuild()
        for name, part in self.parts().items():
            part.restore(snapshot["parts"][name])


def saved(value: Any) -> Any:
    """Return a declared state (or None) in plain values, dataclasses as dictionaries by the names of their fields.

    What is saved does not change with the state afterwards.
    """
    return _form_of(type(value)).save(value)


def restored(declared: type[S], plain: Any) -> S:
    """Return the state behind `saved`; its arrays can be written.

    Raises ValueError, the field named, for values that do not have the declared types.
    """
    made: S = _form_of(declared).load(plain, declared.__name__)
    return made


@dataclass(frozen=True)
class _Form:
    """The form in which values of one declared type travel. load takes the plain value and where it stands, for its
    error."""

    save: Callable[[Any], Any]
    load: Callable[[Any, str], Any]


_forms: dict[Any, _Form] = {}


def _form_of(declared: Any) -> _Form:
    if declared not in _forms:
        _forms[declared] = _made_form(declared)
    return _forms[declared]


def _made_form(declared: Any) -> _Form:
    """Return the form of a declared type; raises TypeError for one that no state may have."""
    origin, arguments = get_origin(declared), get_args(declared)
    if declared is None:
        return _form_of(type(None))
    if declared is Any:
        return _Form(_as_it_is, lambda plain, _: plain)
    if declared in _SCALARS or is_message(declared):
        return _Form(_as_it_is, _checked(lambda plain: type(plain) is declared, declared.__name__))
    if declared is float:
        return _Form(_as_it_is, _checked(lambda plain: type(plain) in (float, int), "float"))
    if isinstance(declared, type) and issubclass(declared, Enum):
        return _Form(lambda member: member.value, _member_of(declared))
    if origin is Literal:
        return _Form(_as_it_is, _checked(lambda plain: plain in arguments, f"one of {arguments}"))
    if origin is np.ndarray:
        return _array_form(arguments)
    if origin in (Union, types.UnionType):
        return _optional_form(arguments)
    if origin in (list, tuple, set, frozenset):
        return _sequence_form(origin, arguments)
    if isinstance(declared, type) and issubclass(declared, tuple) and hasattr(declared, "_fields"):
        return _named_tuple_form(declared)
    if isinstance(origin, type) and issubclass(origin, dict):
        return _mapping_form(origin, arguments)
    if is_dataclass(declared):
        return _dataclass_form(declared)
    raise TypeError(f"a state must not have a field of type {declared}")


def _as_it_is(value: Any) -> Any:
    return value


def _refused(where: str, must: str, plain: Any) -> ValueError:
    return ValueError(f"{where} must be {must}, got {type(plain).__name__}")


def _checked(fits: Callable[[Any], bool], must: str) -> Callable[[Any, str], Any]:
    def load(plain: Any, where: str) -> Any:
        if not fits(plain):
            raise _refused(where, must, plain)
        return plain

    return load


def _member_of(declared: type[Enum]) -> Callable[[Any, str], Any]:
    def load(plain: Any, where: str) -> Any:
        try:
            return declared(plain)
        except ValueError:
            raise _refused(where, f"a {declared.__name__}", plain) from None

    return load


def _array_form(arguments: tuple[Any, ...]) -> _Form:
    (scalar,) = get_args(arguments[1]) or (Any,)
    dtypes = [] if scalar is Any else [np.dtype(scalar)]  # compared in a list: a dtype equals None if it is float64

    def load(plain: Any, where: str) -> Any:
        if not isinstance(plain, np.ndarray) or (dtypes and plain.dtype not in dtypes):
            raise _refused(where, f"an array of {dtypes[0] if dtypes else 'numbers'}", plain)
        return np.array(plain)

    return _Form(np.array, load)


def _optional_form(arguments: tuple[Any, ...]) -> _Form:
    """Return the form of something that may be None, or that is one of several messages."""
    if all(is_message(argument) for argument in arguments):
        return _Form(_as_it_is, _checked(lambda plain: type(plain) in arguments, "one of several messages"))
    others = [_form_of(argument) for argument in arguments if argument is not type(None)]
    if len(others) != 1 or len(arguments) != 2:
        raise TypeError(f"a state must not have a field of one of several types, got {arguments}")
    (form,) = others
    return _Form(
        lambda value: None if value is None else form.save(value),
        lambda plain, where: None if plain is None else form.load(plain, where),
    )


def _sequence_form(origin: type, arguments: tuple[Any, ...]) -> _Form:
    """Return the form of items of one type, or of a tuple of a fixed length."""
    if origin is tuple and arguments[-1] is not Ellipsis:
        return _record_form([_form_of(argument) for argument in arguments])
    item = _form_of(arguments[0])
    in_order: Callable[[Any], Any] = sorted if origin in (set, frozenset) else _as_it_is

    def save(values: Any) -> Any:
        return tuple(map(item.save, in_order(values)))

    def load(plain: Any, where: str) -> Any:
        if not isinstance(plain, tuple | list):
            raise _refused(where, f"a {origin.__name__}", plain)
        return origin(item.load(value, where) for value in plain)

    return _Form(save if item.save is not _as_it_is else lambda values: tuple(in_order(values)), load)


def _record_form(forms: list[_Form]) -> _Form:
    def load(plain: Any, where: str) -> Any:
        if not isinstance(plain, tuple | list) or len(plain) != len(forms):
            raise _refused(where, f"{len(forms)} values", plain)
        return tuple(form.load(value, where) for form, value in zip(forms, plain, strict=True))

    if all(form.save is _as_it_is for form in forms):
        return _Form(_as_it_is, load)
    return _Form(lambda values: tuple(form.save(value) for form, value in zip(forms, values, strict=True)), load)


def _named_tuple_form(declared: Any) -> _Form:
    hints = get_type_hints(declared)
    forms = {name: _form_of(hints[name]) for name in declared._fields}

    def save(value: Any) -> dict[str, Any]:
        return {name: form.save(item) for (name, form), item in zip(forms.items(), value, strict=True)}

    return _Form(save, _load_fields(declared, forms))


def _mapping_form(origin: type, arguments: tuple[Any, ...]) -> _Form:
    """Return the form of a mapping; one whose keys are named tuples, saved by their fields, travels as its items."""
    if hasattr(arguments[0], "_fields"):
        return _items_form(origin, _record_form([_form_of(arguments[0]), _value_form(arguments)]))
    key, value = _form_of(arguments[0]), _value_form(arguments)

    def save(values: Any) -> Any:
        return {key.save(k): value.save(v) for k, v in values.items()}

    def load(plain: Any, where: str) -> Any:
        if not isinstance(plain, dict):
            raise _refused(where, "a dict", plain)
        return origin({key.load(k, where): value.load(v, where) for k, v in plain.items()})

    return _Form(dict if key.save is value.save is _as_it_is else save, load)


def _value_form(arguments: tuple[Any, ...]) -> _Form:
    """Return the form of a mapping's values; those of a Counter, which declares its keys alone, are counts."""
    return _form_of(arguments[1] if len(arguments) == 2 else int)


def _items_form(origin: type, item: _Form) -> _Form:
    def load(plain: Any, where: str) -> Any:
        if not isinstance(plain, tuple | list):
            raise _refused(where, "the items of a mapping", plain)
        return origin(item.load(value, where) for value in plain)

    return _Form(lambda values: tuple(map(item.save, values.items())), load)


def _dataclass_form(declared: Any) -> _Form:
    hints = get_type_hints(declared)
    forms = {field.name: _form_of(hints[field.name]) for field in fields(declared)}
    changed = {name: form.save for name, form in forms.items() if form.save is not _as_it_is}
    cached = {name for of in declared.__mro__ for name, value in vars(of).items() if isinstance(value, cached_property)}
    several: Callable[[Any], Any] | None = attrgetter(*forms) if len(forms) > 1 else None  # of one it is no tuple

    def save(value: Any) -> dict[str, Any]:
        extra = getattr(value, "__dict__", {}).keys() - forms.keys() - cached
        assert not extra, f"{declared.__name__} has attributes that are not declared: {sorted(extra)}"
        values = several(value) if several is not None else (getattr(value, name) for name in forms)
        plain = dict(zip(forms, values, strict=True))
        for name, saves in changed.items():
            plain[name] = saves(plain[name])
        return plain

    return _Form(save, _load_fields(declared, forms))


def _load_fields(declared: Any, forms: Mapping[str, _Form]) -> Callable[[Any, str], Any]:
    def load(plain: Any, where: str) -> Any:
        if not isinstance(plain, dict) or set(plain) != set(forms):
            raise ValueError(f"{where} must have the fields {sorted(forms)}, got {_names(plain)}")
        return declared(**{name: form.load(plain[name], f"{where}.{name}") for name, form in forms.items()})

    return load


def _names(plain: Any) -> Any:
    return sorted(map(str, plain)) if isinstance(plain, dict) else type(plain).__name__
