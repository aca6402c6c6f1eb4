"""A circuit of the user's own: it trains, it is part of a run's identity, and what cannot be is one line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.windows import Simulation
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.runs.ending import centralized_results
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world import checks
from ceas_ray.world.builder import build_world, outline_world
from ceas_ray.world.inputs import targets_of, with_inputs
from ceas_ray.world.world import World
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL

PROGRAM = """OPENQASM 3.0;
include "stdgates.inc";
input float x_0; input float x_1;
input float theta_0; input float theta_1;
qubit[3] q;
ry(x_0) q[0]; ry(x_1) q[1]; h q[2];
rx(theta_0) q[0]; rx(theta_0) q[1]; crz(theta_1) q[0], q[2];
cx q[0], q[1]; cx q[1], q[2];
"""
FUNCTION = """
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

def mine():
    x, theta = ParameterVector("x", 2), ParameterVector("theta", 2)
    made = QuantumCircuit(3)
    made.ry(x[0], 0)
    made.ry(x[1], 1)
    made.h(2)
    made.rx(theta[0], 0)
    made.rx(theta[0], 1)
    made.crz(theta[1], 0, 2)
    made.cx(0, 1)
    made.cx(1, 2)
    return made, x, theta
"""


def settings_of(*words: str) -> RunSettings:
    return build(RunSettings, composed_once([*SMALL, "training.inputs=local", *words]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.qasm").write_text(PROGRAM)
    (tmp_path / "circuits_of_mine.py").write_text(FUNCTION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "circuits_of_mine", raising=False)
    return tmp_path


def refusal(*words: str) -> str:
    with pytest.raises(SettingsError) as refused:
        outline_world(settings_of(*words))
    line = str(refused.value)
    assert "\n" not in line
    return line


@pytest.mark.slow
@pytest.mark.parametrize(
    "circuit", ["mine.qasm", "circuits_of_mine.py:mine", "circuits_of_mine:mine"], ids=["program", "file", "module"]
)
def test_a_program_and_a_function_are_the_same_circuit(folder: Path, circuit: str) -> None:
    world = build_world(settings_of(f"training.circuit={circuit}"))
    assert isinstance(world.circuit, GateCircuit)
    assert (world.circuit.qubits, world.circuit.inputs, world.circuit.parameter_count) == (3, 2, 2)
    assert world.circuit.shift_count == 4, "two of a weight that is used twice, two of a controlled rotation"
    assert world.circuit.observables == (((1.0, "IIZ"),),)
    assert world.data.train_angles.shape[1] == 2
    reference = outline_world(settings_of("training.circuit=mine.qasm")).inputs
    key = "training.circuit compiled"
    assert world.inputs.digests[key] == reference.digests[key]


def test_a_circuit_may_have_other_qubits_than_the_settings_say(folder: Path) -> None:
    world = build_world(settings_of("training.circuit=mine.qasm", "training.qubits=7"))
    assert world.outline.blueprint.noise.shape[1] == 3


@pytest.mark.slow
def test_observables_are_weighted_pauli_strings_one_for_each_output(folder: Path) -> None:
    words = ["training.circuit=mine.qasm", "training.observables=['0.5*ZZI + 0.25*IXX']"]
    circuit = build_world(settings_of(*words)).circuit
    assert circuit.observables == (((0.5, "ZZI"), (0.25, "IXX")),)
    np.testing.assert_array_equal(circuit.scales, [0.75])
    assert "one for each of 1 output" in refusal(words[0], "training.observables=[ZZI,IIZ]")
    assert "one letter for each of 3 qubits, got 'ZZ'" in refusal(words[0], "training.observables=[ZZ]")
    assert "[] without training.circuit" in refusal("training.observables=[ZZI]")


def test_a_file_that_changed_is_refused(folder: Path) -> None:
    settings = settings_of("training.circuit=circuits_of_mine.py:mine")
    config = with_inputs(settings.model_dump(), outline_world(settings).inputs)
    assert config["training"]["circuit"] == f"{folder}/circuits_of_mine.py:mine"
    again = build(RunSettings, config)
    outline_world(again)
    (folder / "circuits_of_mine.py").write_text(FUNCTION + "\n# another word\n")
    with pytest.raises(SettingsError, match=r"training\.circuit must be what the run was started with"):
        outline_world(again)


def test_a_function_that_makes_another_circuit_is_refused_though_its_file_is_the_same(folder: Path) -> None:
    (folder / "angle.txt").write_text("0.5")
    text = FUNCTION.replace("made.h(2)", "made.ry(float(open('angle.txt').read()), 2)")
    (folder / "reads.py").write_text(text)
    settings = settings_of("training.circuit=reads.py:mine")
    again = build(RunSettings, with_inputs(settings.model_dump(), outline_world(settings).inputs))
    (folder / "angle.txt").write_text("0.6")
    with pytest.raises(SettingsError, match=r"training\.circuit compiled must be what the run was started with"):
        outline_world(again)


def test_the_module_of_a_function_is_an_input_that_travels(folder: Path) -> None:
    settings = settings_of("training.circuit=circuits_of_mine:mine")
    assert targets_of(settings.model_dump())["training.circuit"] == "circuits_of_mine.mine"
    assert "circuits_of_mine.py" in outline_world(settings).inputs.digests


@pytest.mark.parametrize(
    ("circuit", "line"),
    [
        ("missing.qasm", "must be an existing file"),
        ("circuits_of_mine.py", "an OpenQASM 3 file, path.py:function or module:function"),
        ("circuits_of_mine.py:yours", "has no function yours"),
        ("circuits_of_mine:yours", "has no yours that can be imported"),
        ("nowhere_at_all:mine", "must be a function of a module in the working folder"),
        ("broken.py:mine", "cannot be imported: SyntaxError"),
        ("fails.py:mine", r"failed with ZeroDivisionError: division by zero (fails.py:2)"),
        ("asks.py:mine", "failed with TypeError: mine() missing 1 required positional argument: 'qubits'"),
        ("wrong_qubit.py:mine", "(wrong_qubit.py:5)"),
        ("short.py:mine", "must return a QuantumCircuit, its inputs and its weights (two ParameterVectors), got int"),
        ("wrong.py:mine", "got int in place of a vector"),
    ],
)
def test_what_makes_no_circuit_is_one_line(folder: Path, circuit: str, line: str) -> None:
    (folder / "broken.py").write_text("def mine(:\n")
    (folder / "fails.py").write_text("def mine():\n    return 1 / 0\n")
    (folder / "asks.py").write_text("def mine(qubits):\n    return qubits\n")
    one = (
        "from qiskit import QuantumCircuit\ndef mine():\n    return made(1)\ndef made(n):\n    QuantumCircuit(n).h(7)\n"
    )
    (folder / "wrong_qubit.py").write_text(one)
    (folder / "short.py").write_text("def mine():\n    return 1\n")
    wrong = "from qiskit import QuantumCircuit\ndef mine():\n    return QuantumCircuit(1), 1, 2\n"
    (folder / "wrong.py").write_text(wrong)
    found = refusal(f"training.circuit={circuit}")
    assert found.startswith("training.circuit")
    assert line in found
    assert "own_circuit.py" not in found


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["training.circuit=late.qasm", "training.inputs=teleported"], "comes before the rotation about Y by x_0"),
        (["processors.engine=aer"], "processors.engine must be pauli with training.circuit"),
        (["training=digits_0123", "training.inputs=local"], "given for 4 outputs of a circuit of 3 qubits"),
        (["training.data.features=[1,2,3]"], "2 inputs of the circuit encode 1 to 2 different features"),
        (["training.estimator=full_shift"], "training.circuits_per_round must be at least"),
    ],
)
def test_what_a_circuit_of_ones_own_cannot_do_is_one_line(folder: Path, words: list[str], line: str) -> None:
    (folder / "late.qasm").write_text(PROGRAM + "ry(x_0) q[1];\n")
    assert line in refusal("training.circuit=mine.qasm", *words)


def test_a_hub_prepares_the_inputs_of_a_circuit_and_tests_what_the_processors_do(folder: Path) -> None:
    words = ["training.inputs=teleported", "training.trap_circuit_share=0.25", "aggregation=ceas"]
    world = build_world(settings_of("training.circuit=mine.qasm", *words, "aggregation.weights.min_tests=10"))
    assert isinstance(world.circuit, GateCircuit)
    assert world.circuit.prepared == 2
    assert world.outline.demand.pairs_per_shot == 3


def digest_and_model(world: World, hosts: list[Host]) -> tuple[bytes, bytes]:
    end = list(Simulation(LocalCluster(hosts)).rounds())[-1]
    assert not np.array_equal(end.mark.model, world.initial_parameters), "it was trained"
    return end.digest, np.asarray(end.mark.model).tobytes()


@pytest.mark.parametrize(
    "words",
    [
        ["training.inputs=local"],
        ["training.inputs=local", "training.estimator=exact", "training.observables=['0.5*ZZI - 2*IXX']"],
        ["training.estimator=full_shift", "training.circuits_per_round=512", "training.batch=8"],
        ["training.error_mitigation=probabilistic_error_cancellation", "training.observables=[0.5*ZZI+0.5*IXX]"],
        ["training.trap_circuit_share=0.25", "aggregation=ceas", "aggregation.weights.min_tests=10"],
        ["training=digits_0123", "training.loss=cross_entropy", "training.observables=[ZII,IZI,IIZ,XXX]"],
    ],
    ids=lambda words: ",".join(words)[:60],
)
def test_one_host_and_four_hosts_train_the_same_model(folder: Path, words: list[str]) -> None:
    settings = settings_of("training.circuit=mine.qasm", "training.inputs=teleported", *words)
    one, four = build_world(settings), build_world(settings)
    assert digest_and_model(one, one.one_host()) == digest_and_model(four, four.hosts(3, 1))


@pytest.mark.parametrize("circuit", ["mine.qasm", "null"])
def test_a_loss_may_be_a_policy(folder: Path, circuit: str) -> None:
    squared, named, other = (
        build_world(settings_of(f"training.circuit={circuit}", "training.rounds=1", word))
        for word in (
            "training.loss=squared",
            "training.own_loss={_target_: ceas_ray.quantum.loss.SquaredLoss}",
            "training.own_loss={_target_: ceas_ray.quantum.loss.CrossEntropyLoss, scale: 2.0}",
        )
    )
    digests = [digest_and_model(world, world.one_host()) for world in (squared, named, other)]
    assert digests[0] == digests[1] != digests[2]


def test_exact_gradients_train_to_the_accuracy_of_the_same_circuit_in_one_place() -> None:
    words = ["training.estimator=exact", "training.rounds=40", "processors=noiseless", "attacks=none"]
    tree = Path(__file__).parents[2] / "docs" / "examples" / "my_tree.py"
    settings = settings_of(f"training.circuit={tree}:tree", "training.data.shards=iid", *words)
    world = build_world(settings)
    end = list(Simulation(LocalCluster(world.one_host())).rounds())[-1]
    _, accuracy = world.evaluation(end.mark.model)
    assert accuracy == pytest.approx(centralized_results(settings, world)["centralized_accuracy"], abs=0.06)
    assert accuracy > world.data.chance_accuracy + 0.2


BLOCKS = """
from itertools import combinations
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

def blocks():
    x, theta = ParameterVector("x", 3), ParameterVector("theta", 9)
    made = QuantumCircuit(3)
    for qubit in range(3):
        made.ry(x[qubit], qubit)
    for block in range(3):
        made.barrier()
        for qubit in range(3):
            made.ry(theta[3 * block + qubit], qubit)
        for pair in combinations(range(3), 2):
            made.cz(*pair)
    return made, x, theta
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["training.partition=data"],
        ["training.partition=circuit", "training.distributor=packed"],
        ["training.partition=layer", "training.processors_per_group=3"],
    ],
    ids=lambda words: ",".join(words)[9:],
)
def test_in_every_scheme_a_circuit_trains_to_the_accuracy_that_it_has_in_one_place(
    words: list[str], tmp_path: Path
) -> None:
    """On default hardware and with default error mitigation, from a file elsewhere: in the mean over seeds, within the
    95 % interval of a difference of two shares of as many test samples.
    """
    (tmp_path / "elsewhere.py").write_text(BLOCKS)
    common = [
        f"training.circuit={tmp_path}/elsewhere.py:blocks", "training.inputs=teleported", "training.rounds=20",
        "training.circuits_per_round=1024", "training.forward_circuits=256", "processors.count=12", "attacks=none",
        "training.data.shards=iid", "scheduling=on_demand", "consensus.committee_size=4",
    ]  # fmt: skip
    alone, trained, samples = [], [], 0
    for seed in (1, 2):
        settings = settings_of(*common, *words, f"seed={seed}")
        world = build_world(settings)
        end = list(Simulation(LocalCluster(world.one_host())).rounds())[-1]
        trained.append(world.evaluation(end.mark.model)[1])
        alone.append(centralized_results(settings, world)["centralized_accuracy"])
        samples += len(world.data.test_labels)
    share = float(np.mean(alone))
    assert share > 0.8
    assert np.mean(trained) > share - 1.96 * np.sqrt(2 * share * (1 - share) / samples)


def ladder(qubits: int) -> str:
    """A program with one rotation of an input and one of a weight on each qubit, then CX from each to the next."""
    lines = ["input float x_0; input float theta_0; input float theta_1;", f"qubit[{qubits}] q;"]
    lines += [f"ry(x_0) q[{q}]; rx({'theta_0' if q % 2 else 'theta_1'}) q[{q}];" for q in range(qubits)]
    lines += [f"cx q[{q}], q[{q + 1}];" for q in range(qubits - 1)]
    return 'OPENQASM 3.0;\ninclude "stdgates.inc";\n' + "\n".join(lines)


def test_a_large_circuit_trains_where_gates_are_perfect(folder: Path) -> None:
    (folder / "large.qasm").write_text(ladder(11))
    words = ["training.circuit=large.qasm", "training.batch=2", "training.rounds=1", "processors=noiseless"]
    world = build_world(settings_of(*words))
    digest_and_model(world, world.one_host())


@pytest.mark.parametrize(
    ("qubits", "words", "line"),
    [
        (11, [], "must be at most 10 qubits where gates have noise (processors=noiseless has none), got 11"),
        (11, ["processors=noiseless", "training.inputs=teleported"], "at most 10 qubits, or training.inputs=local and"),
        (12, ["processors=noiseless", "training.partition=circuit"], "training.partition=data, got 12"),
        (20, ["processors=noiseless"], None),
        (21, ["processors=noiseless"], "1 to 20 qubits, got 21"),
    ],
)
def test_large_circuits_are_for_perfect_gates_on_one_processor(
    folder: Path, qubits: int, words: list[str], line: str | None
) -> None:
    (folder / "large.qasm").write_text(ladder(qubits))
    words = ["training.circuit=large.qasm", "aggregation=ceas_uniform", *words]
    if line is None:
        assert outline_world(settings_of(*words)).blueprint.circuit.qubits == qubits
    else:
        assert line in refusal(*words)


def test_a_circuit_that_this_machine_has_no_memory_for_is_refused_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "available_memory", lambda: 2**28)
    lines = ["input float x_0; input float theta_0; qubit[9] q;"]
    lines += [f"ry(x_0) q[{q}]; rx(theta_0) q[{q}]; cx q[{q}], q[{(q + 1) % 9}];" for q in range(9)] * 4
    (folder / "large.qasm").write_text('OPENQASM 3.0;\ninclude "stdgates.inc";\n' + "\n".join(lines))
    line = refusal("training.circuit=large.qasm", "training.circuits_per_round=32")
    assert "training.circuit must be smaller: the run needs about" in line
    assert "9 qubits, 108 gates, processors.threads=1" in line
