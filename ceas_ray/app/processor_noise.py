"""The noise of each processor: drawn around the figures of the settings, or listed in a file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import ProcessorSettings
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.payloads import processor_name
from ceas_ray.quantum.gate_noise import Noise, thermal_relaxation

Floats = NDArray[np.float64]
_LARGEST = np.array([0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.49])


def processor_noise(settings: ProcessorSettings, qubits: int, streams: Streams) -> Floats:
    """Noise of every processor, shape (count, qubits, 7), see `Noise`; SettingsError for what no hardware can have."""
    noise = _drawn(settings, qubits, streams) if settings.noise_file is None else _listed(settings, qubits)
    return _relaxed(settings, noise)


def _drawn(settings: ProcessorSettings, qubits: int, streams: Streams) -> Floats:
    """Each figure times a log-uniform factor of the processor and one of the qubit, from the processor's own stream."""
    means = np.array([getattr(settings, _KEYS[column]) for column in Noise])
    noise = np.empty((settings.count, qubits, len(Noise)))
    for k in range(settings.count):
        generator = streams.generator("processor", processor_name(k), "noise", 0)
        of_processor = generator.uniform(-1, 1, len(Noise)) * np.log(settings.error_spread)
        of_qubit = generator.uniform(-1, 1, (qubits, len(Noise))) * np.log(settings.qubit_error_spread)
        noise[k] = means * np.exp(of_processor + of_qubit)
    return np.minimum(noise, _LARGEST)


def _listed(settings: ProcessorSettings, qubits: int) -> Floats:
    """From a CSV file with columns `processor`, `qubit` and the seven figures; an empty qubit means all of them."""
    key, wanted = "processors.noise_file", f"a CSV file with the columns processor, qubit, {', '.join(_KEYS.values())}"
    noise = np.full((settings.count, qubits, len(Noise)), np.nan)
    path = Path(str(settings.noise_file))
    try:
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                which = slice(None) if not row["qubit"] else int(row["qubit"])
                noise[int(row["processor"]), which] = [float(row[_KEYS[column]]) for column in Noise]
    except (OSError, KeyError, TypeError, ValueError, IndexError, csv.Error) as error:
        raise SettingsError(key, wanted, f"{path}: {error}") from None
    if np.isnan(noise).any():
        missing = int(np.argwhere(np.isnan(noise))[0][0])
        raise SettingsError(key, f"{wanted}, with every qubit of every processor", f"nothing for processor {missing}")
    if np.any(noise < 0) or np.any(noise > _LARGEST):
        raise SettingsError(key, "figures between 0 and .75 (readout .49)", f"{noise.min():g} to {noise.max():g}")
    return noise


def _relaxed(settings: ProcessorSettings, noise: Floats) -> Floats:
    """The noise with thermal relaxation during gates on top, where T1 and T2 are given."""
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
