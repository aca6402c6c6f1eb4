"""Tables of noise: every processor and qubit once, in ranges, or one line that names what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import ProcessorSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.streams import Streams
from ceas_ray.world.inputs import RunInputs
from ceas_ray.world.processor_noise import processor_noise
from tests.composed_settings import composed_once

COLUMNS = (
    "processor,qubit,one_qubit_depolarizing,one_qubit_damping,one_qubit_dephasing,two_qubit_depolarizing,"
    "two_qubit_damping,two_qubit_dephasing,readout_error"
)
FIGURES = "0.001,0,0,0.01,0,0,0.02"
ALL = "".join(f"{k},,{FIGURES}\n" for k in range(3))


def noise_of(folder: Path, content: str | bytes) -> Any:
    path = folder / "noise.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    config = composed_once(["processors.count=3", f"processors.noise_file={path}"])["processors"]
    return processor_noise(build(ProcessorSettings, config, "processors"), 2, Streams(1), RunInputs({}))


@pytest.mark.parametrize("how", [
    f"{COLUMNS}\n{ALL}", f"\ufeff{COLUMNS}\n{ALL}", f"{COLUMNS}\n{ALL}".replace("\n", "\r\n"),
    f"{COLUMNS}\n{ALL}".replace(",", ";"), f"{COLUMNS}\n{ALL}".encode("utf-16"), f"{COLUMNS}\n\n{ALL}\n,,,,,,,,\n",
    f"{COLUMNS}\n" + "".join(f"{k},{q},{FIGURES}\n" for q in (1, 0) for k in (2, 0, 1)),
])  # fmt: skip
def test_a_table_of_noise_is_the_same_however_it_is_written(tmp_path: Path, how: str | bytes) -> None:
    expected = np.tile([float(figure) for figure in FIGURES.split(",")], (3, 2, 1))
    np.testing.assert_array_equal(noise_of(tmp_path, how), expected)


def test_a_qubits_own_line_counts_wherever_it_stands(tmp_path: Path) -> None:
    own = "1,1,0.5,0,0,0,0,0,0\n"
    first, last = noise_of(tmp_path, f"{COLUMNS}\n{own}{ALL}"), noise_of(tmp_path, f"{COLUMNS}\n{ALL}{own}")
    np.testing.assert_array_equal(first, last)
    assert first[1, :, 0].tolist() == [0.001, 0.5]


@pytest.mark.parametrize(("content", "complaint"), [
    (f"{COLUMNS}\n{ALL}-1,,{FIGURES}\n", "line 5: processor must be in 0 to 2, got '-1'"),
    (f"{COLUMNS}\n{ALL}3,,{FIGURES}\n", "line 5: processor must be in 0 to 2, got '3'"),
    (f"{COLUMNS}\n{ALL}1.5,,{FIGURES}\n", "line 5: processor must be in 0 to 2, got '1.5'"),
    (f"{COLUMNS}\n{ALL},,{FIGURES}\n", "line 5: processor must be in 0 to 2, got ''"),
    (f"{COLUMNS}\n{ALL}1,,{FIGURES}\n", "line 5: processor 1 has a line already (3)"),
    (f"{COLUMNS}\n{ALL}1,0,{FIGURES}\n1,0,{FIGURES}\n", "line 6: processor 1, qubit 0 has a line already (5)"),
    (f"{COLUMNS}\n{ALL}1,-1,{FIGURES}\n", "line 5: qubit must be in 0 to 1 or empty, got '-1'"),
    (f"{COLUMNS}\n{ALL}1,2,{FIGURES}\n", "line 5: qubit must be in 0 to 1 or empty, got '2'"),
    (f"{COLUMNS}\n0,,{FIGURES}\n1,0,{FIGURES}\n2,,{FIGURES}\n", "there is no line for processor 1, qubit 1"),
    (f"{COLUMNS}\n", "it has no rows below the names of its columns"),
    (ALL, "its first line must name the columns processor, qubit,"),
    (f"{COLUMNS}\n{ALL}".replace("0.02", "nan"), "line 2, column 'readout_error': a number is missing, got 'nan'"),
    (f"{COLUMNS}\n{ALL}".replace("0.02", "inf"), "line 2, column 'readout_error': must be finite, got 'inf'"),
    (f"{COLUMNS}\n{ALL}".replace("0.02", "0.5"), "line 2, column 'readout_error': must be in [0, 0.49], got 0.5"),
    (f"{COLUMNS}\n{ALL}".replace("0.001", "-1e-9"), "line 2, column 'one_qubit_depolarizing': must be in [0, 0.75]"),
    (f"{COLUMNS}\n{ALL}".replace("0.001", ""), "line 2, column 'one_qubit_depolarizing': a number is missing"),
    (f"{COLUMNS},t1\n{ALL}".replace("\n", ",1\n").replace("t1,1", "t1"), "column 't1' must be one of processor,"),
    (f"{COLUMNS}\n{ALL}".replace("readout_error", "qubit"), "once each, got qubit twice"),
    (f"{COLUMNS}\n{ALL}".replace("readout_error", "other"), "once each, got no readout_error"),
    (f",{COLUMNS}\n0,{ALL}".replace("\n1", "\n1,1").replace("\n2", "\n2,2"), "column 1 must be one of processor,"),
])  # fmt: skip
def test_a_broken_table_of_noise_is_refused_by_its_line(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        noise_of(tmp_path, content)
    assert str(refused.value).startswith(f"processors.noise_file: {tmp_path}/noise.csv: ")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
