"""The circuit of the user's own that settings name: read, or made by a function, and compiled."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from ceas_ray.config.errors import SettingsError, UnusableSettings, blame_on
from ceas_ray.config.policies import function_target, imported_function
from ceas_ray.config.schema import RunSettings, TrainingSettings
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.circuit_import import compiled, read_circuit
from ceas_ray.quantum.gate_circuit import GateCircuit, Observable, first_qubits, read_observable
from ceas_ray.quantum.gate_prefix import prepared_at_hub
from ceas_ray.world.inputs import RunInputs

MAX_QUBITS = 20
"""Without noise; with it, and where pairs are spent, fewer: see `checks`."""
_KEY = "training.circuit"
_MUST = "an OpenQASM 3 file, path.py:function or module:function"


def own_circuit_of(settings: RunSettings, inputs: RunInputs) -> GateCircuit | None:
    """Return the circuit that `training.circuit` names, without observables yet; None where it names none.

    Its file, or the module of its function, is an input of the run, and so is what comes of it, whatever else that
    depends on. Raises SettingsError, which names the gate or the parameter, for what cannot be.
    """
    training = settings.training
    if training.circuit is None:
        if training.observables:
            must = "[] without training.circuit: outputs are <Z_k>"
            raise SettingsError("training.observables", must, list(training.observables))
        return None
    _refuse_what_is_for_others(settings)
    made = _made(training.circuit, inputs)
    if training.inputs == "teleported":
        local = made
        made = blame_on(_KEY, lambda: prepared_at_hub(local))
    content = json.dumps(made.description()).encode()
    inputs.take(f"{_KEY} compiled", blake2b(content, digest_size=16).hexdigest(), training.circuit)
    return made


def _refuse_what_is_for_others(settings: RunSettings) -> None:
    """Raise SettingsError for what there is only for the circuits of this package."""
    engine = settings.processors.engine
    if engine != "pauli":
        raise SettingsError("processors.engine", "pauli with training.circuit, a circuit of your own", engine)


def with_qubits(settings: RunSettings, own: GateCircuit | None) -> RunSettings:
    """Return the settings with the qubits that the circuit has."""
    if own is None:
        return settings
    training = settings.training.model_copy(update={"qubits": own.qubits})
    return settings.model_copy(update={"training": training})


def with_observables(own: GateCircuit, training: TrainingSettings, outputs: int) -> GateCircuit:
    """Return the circuit with an observable for each of `outputs` outputs; SettingsError where that cannot be."""
    if training.observables:
        if len(training.observables) != outputs:
            must = f"one for each of {outputs} outputs (one for two classes, else one a class)"
            raise SettingsError("training.observables", must, list(training.observables))
        return replace(own, observables=tuple(_observable(text, own.qubits) for text in training.observables))
    if outputs > own.qubits:
        must = f"given for {outputs} outputs of a circuit of {own.qubits} qubits"
        raise SettingsError("training.observables", must, [])
    return replace(own, observables=first_qubits(own.qubits, outputs))


def _observable(text: str, qubits: int) -> Observable:
    try:
        return read_observable(text, qubits)
    except ValueError as error:
        raise UnusableSettings("training.observables", f"must be {error}") from None


def _made(text: str, inputs: RunInputs) -> GateCircuit:
    target = function_target(text)
    if target is not None:
        return _called(imported_function(target, _KEY), text)
    path, _, name = text.rpartition(":")
    if path.endswith(".py") and name.isidentifier():
        return _called(_function(inputs.read(_KEY, path, f":{name}"), name), text)
    if text.endswith(".py"):
        raise SettingsError(_KEY, _MUST, text)
    file = inputs.read(_KEY, text)
    return blame_on(_KEY, lambda: read_circuit(file, MAX_QUBITS))


def _function(file: InputFile, name: str) -> Callable[..., Any]:
    """Return the function of a Python file, of which just these bytes are run; its folder is where else it may import
    from.
    """
    module = ModuleType(f"circuit_of_{Path(file.path).stem}")
    module.__file__ = file.path
    sys.modules[module.__name__] = module
    folder = str(Path(file.path).parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        exec(compile(file.content, file.path, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise UnusableSettings(_KEY, f"{file.path} cannot be imported: {_said(error)}") from None
    found = getattr(module, name, None)
    if not callable(found):
        raise UnusableSettings(_KEY, f"{file.path} has no function {name}")
    return found  # type: ignore[no-any-return]


def _called(function: Callable[..., Any], text: str) -> GateCircuit:
    must = f"{text} must return a QuantumCircuit, its inputs and its weights (two ParameterVectors)"
    try:
        found = function()
    except (Exception, SystemExit) as error:
        raise UnusableSettings(_KEY, f"{text} failed with {_said(error)}{_where(function, error)}") from None
    if not isinstance(found, tuple) or len(found) != 3:
        raise UnusableSettings(_KEY, f"{must}, got {type(found).__name__}")
    circuit, *vectors = found
    _check_types(circuit, vectors, must)
    return blame_on(_KEY, lambda: compiled(circuit, *map(list, vectors), max_qubits=MAX_QUBITS))


def _where(function: Callable[..., Any], error: BaseException) -> str:
    """Return the innermost line of the function's own file that failed; empty if none did, as without an argument."""
    code = getattr(function, "__code__", None)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename
    ]
    return f" ({Path(code.co_filename).name}:{lines[-1]})" if code is not None and lines else ""


def _check_types(circuit: Any, vectors: Sequence[Any], must: str) -> None:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Parameter, ParameterVector

    if not isinstance(circuit, QuantumCircuit):
        raise UnusableSettings(_KEY, f"{must}, got {type(circuit).__name__} first")
    for vector in vectors:
        if not isinstance(vector, ParameterVector | list | tuple) or not all(isinstance(p, Parameter) for p in vector):
            raise UnusableSettings(_KEY, f"{must}, got {type(vector).__name__} in place of a vector")


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
