"""The noise of each processor: drawn around the figures of the settings, or listed in a file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.errors import SettingsError, UnusableSettings
from ceas_ray.config.schema import ProcessorSettings
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.kernel.numbers_in_text import whole_number
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.payloads import processor_name
from ceas_ray.quantum.gate_noise import Noise, thermal_relaxation
from ceas_ray.training.tables import Table, read_table
from ceas_ray.world.inputs import RunInputs

Floats = NDArray[np.float64]
_LARGEST = np.array([0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.49])


def processor_noise(settings: ProcessorSettings, qubits: int, streams: Streams, inputs: RunInputs) -> Floats:
    """Return noise of every processor, shape (count, qubits, 7), see `Noise`; raises SettingsError for what no hardware
    can have.
    """
    if settings.noise_file is None:
        noise = _drawn(settings, qubits, streams)
    else:
        noise = _listed(settings, qubits, inputs.read("processors.noise_file", settings.noise_file))
    return _relaxed(settings, noise)


def _drawn(settings: ProcessorSettings, qubits: int, streams: Streams) -> Floats:
    """Return each figure times a log-uniform factor of the processor and one of the qubit, from the processor's own
    stream."""
    means = np.array([getattr(settings, _KEYS[column]) for column in Noise])
    noise = np.empty((settings.count, qubits, len(Noise)))
    for k in range(settings.count):
        generator = streams.generator("processor", processor_name(k), "noise", 0)
        of_processor = generator.uniform(-1, 1, len(Noise)) * np.log(settings.error_spread)
        of_qubit = generator.uniform(-1, 1, (qubits, len(Noise))) * np.log(settings.qubit_error_spread)
        noise[k] = means * np.exp(of_processor + of_qubit)
    return np.minimum(noise, _LARGEST)


def _listed(settings: ProcessorSettings, qubits: int, file: InputFile) -> Floats:
    """Read a table with the columns `processor`, `qubit` and the seven figures, in any order.

    An empty qubit means every qubit without a line of its own.
    """
    try:
        table = read_table(file.content)
        columns = _columns(table)
        noise = np.full((settings.count, qubits, len(Noise)), np.nan)
        figures = np.stack([_figures(table, columns[_KEYS[column]], _LARGEST[column]) for column in Noise], axis=1)
        seats = _seats(table, columns, settings.count, qubits)
        for (processor, qubit), row in sorted(seats.items(), key=lambda seat: (seat[0][0], seat[0][1] is not None)):
            noise[processor, slice(None) if qubit is None else qubit] = figures[row]
        missing = np.argwhere(np.isnan(noise).any(axis=2))
        if len(missing):
            raise ValueError(f"there is no line for processor {missing[0][0]}, qubit {missing[0][1]}")
    except ValueError as error:
        raise UnusableSettings("processors.noise_file", f"{file.path}: {error}") from None
    return noise


def _columns(table: Table) -> dict[str, int]:
    """Return the number of each column by its name."""
    wanted = ("processor", "qubit", *_KEYS.values())
    found = () if table.header is None else table.header
    for name in wanted:
        if found.count(name) != 1:
            which = "no header" if not found else f"no {name}" if name not in found else f"{name} twice"
            raise ValueError(f"its first line must name the columns {', '.join(wanted)}, once each, got {which}")
    for column, name in enumerate(found):
        if name not in wanted:
            raise ValueError(f"column {table.name(column)} must be one of {', '.join(wanted)}")
    return {name: found.index(name) for name in wanted}


def _figures(table: Table, column: int, largest: float) -> Floats:
    """Return a column of figures in [0, largest]."""
    figures = table.numbers(column)
    wrong = np.flatnonzero((figures < 0) | (figures > largest))
    if len(wrong):
        line = table.lines[wrong[0]]
        raise ValueError(
            f"line {line}, column {table.name(column)}: must be in [0, {largest}], got {figures[wrong[0]]}"
        )
    return figures


def _seats(table: Table, columns: Mapping[str, int], processors: int, qubits: int) -> dict[tuple[int, int | None], int]:
    """Return which row holds the figures of a processor and qubit (None: all of its qubits)."""
    seats: dict[tuple[int, int | None], int] = {}
    for row, line in enumerate(table.lines):
        texts = {name: table.cells[row, columns[name]] for name in ("processor", "qubit")}
        processor = whole_number(texts["processor"])
        qubit = whole_number(texts["qubit"]) if texts["qubit"] else None
        if processor is None or not 0 <= processor < processors:
            raise ValueError(f"line {line}: processor must be in 0 to {processors - 1}, got {texts['processor']!r}")
        if texts["qubit"] and (qubit is None or not 0 <= qubit < qubits):
            raise ValueError(f"line {line}: qubit must be in 0 to {qubits - 1} or empty, got {texts['qubit']!r}")
        if (processor, qubit) in seats:
            of = "" if qubit is None else f", qubit {qubit}"
            raise ValueError(f"line {line}: processor {processor}{of} has a line already "
                             f"({table.lines[seats[processor, qubit]]})")  # fmt: skip
        seats[processor, qubit] = row
    return seats


def _relaxed(settings: ProcessorSettings, noise: Floats) -> Floats:
    """Return the noise with thermal relaxation during gates on top, where T1 and T2 are given."""
    if settings.t1_microseconds is None or settings.t2_microseconds is None:
        if (settings.t1_microseconds is None) != (settings.t2_microseconds is None):
            raise SettingsError("processors.t1_microseconds", "given together with t2_microseconds", "only one of them")
        return noise
    if settings.t2_microseconds > 2 * settings.t1_microseconds:
        raise SettingsError("processors.t2_microseconds", "at most 2 T1", settings.t2_microseconds)
    for nanoseconds, damping, dephasing in (
        (settings.one_qubit_gate_nanoseconds, Noise.ONE_QUBIT_DAMPING, Noise.ONE_QUBIT_DEPHASING),
        (settings.two_qubit_gate_nanoseconds, Noise.TWO_QUBIT_DAMPING, Noise.TWO_QUBIT_DEPHASING),
    ):
        more = thermal_relaxation(
            np.array(nanoseconds * 1e-9), np.array(settings.t1_microseconds * 1e-6),
            np.array(settings.t2_microseconds * 1e-6),
        )  # fmt: skip
        for column, strength in zip((damping, dephasing), more, strict=True):
            noise[..., column] = 1 - (1 - noise[..., column]) * (1 - strength)
    return noise


_KEYS = {
    Noise.ONE_QUBIT_DEPOLARIZING: "one_qubit_depolarizing",
    Noise.ONE_QUBIT_DAMPING: "one_qubit_damping",
    Noise.ONE_QUBIT_DEPHASING: "one_qubit_dephasing",
    Noise.TWO_QUBIT_DEPOLARIZING: "two_qubit_depolarizing",
    Noise.TWO_QUBIT_DAMPING: "two_qubit_damping",
    Noise.TWO_QUBIT_DEPHASING: "two_qubit_dephasing",
    Noise.READOUT: "readout_error",
}
