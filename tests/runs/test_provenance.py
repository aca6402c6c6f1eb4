"""What a run is: its settings, the code that decides results, and the content of its files and own modules."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.kernel.imported_modules import imported_modules
from ceas_ray.runs import provenance
from ceas_ray.runs.folder import read_settings
from ceas_ray.runs.provenance import code_version
from ceas_ray.runtime.platform_fingerprint import LIBRARIES
from ceas_ray.tracking.files import read_journal
from ceas_ray.tracking.snapshots import unpacked
from tests.small_worlds import SMALL

DATA = Path("data/mine.csv")
STOPPED = [*SMALL, "runtime.snapshot_every_rounds=1", "stop.simulated_seconds=1e-3", "output=run"]
NETWORK = """<graphml><key id="l" for="edge" attr.name="length_km"/><graph edgedefault="undirected">
<node id="a"/><node id="b"/><node id="c"/><edge source="a" target="b"><data key="l">1</data></edge>
<edge source="a" target="c"><data key="l">{length}</data></edge></graph></graphml>"""
FIGURES = "one_qubit_depolarizing,one_qubit_damping,one_qubit_dephasing,two_qubit_depolarizing,two_qubit_damping,"
NOISE = f"processor,qubit,{FIGURES}two_qubit_dephasing,readout_error\n" + "".join(
    f"{k},,0,0,0,0,0,0,{{}}\n" for k in range(8)
)


def table(first: float) -> str:
    return "".join(f"{k * 37 % 101 + first},{k * 53 % 97},{k * 11 % 89},{k % 2}\n" for k in range(80))


INPUTS = {
    "training.data.file": (
        ["training.data.name=file", "training.data.classes=[]", "training.data.file=data/mine.csv"],
        "data/mine.csv", table(0.0), table(0.5),
    ),
    "processors.noise_file": (
        ["processors.noise_file=noise.csv"], "noise.csv", NOISE.replace("{}", "0.01"), NOISE.replace("{}", "0.02"),
    ),
    "network.file": (
        ["network=graphml", "network.file=net.graphml"], "net.graphml", NETWORK.format(length=1),
        NETWORK.format(length=1.5),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("key", INPUTS)
def test_another_content_of_an_input_is_refused_by_its_name_and_the_same_is_found_from_anywhere(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides, name, content, other = INPUTS[key]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    assert main([*STOPPED, *overrides]) == 0
    folder = tmp_path / "run"
    settings = read_settings(folder, "resume")
    (digest,) = settings["inputs"].values()
    assert list(settings["inputs"]) == [key]
    assert read_journal(folder / "journal.jsonl")[0]["inputs"] == {key: digest}
    snapshot = unpacked(max((folder / "snapshots").iterdir()).read_bytes())
    assert json.loads(snapshot["settings"][f"inputs.{key}"]) == digest
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path.write_text(other)
    capsys.readouterr()
    for command in ("resume", "verify"):
        assert main([f"{command}={folder}"]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"{key} must be what the run was started with (content {digest})")
        assert str(path) in said
        assert said.count("\n") == 1
    path.unlink()
    assert main([f"resume={folder}"]) == 2
    assert f"{key} must be an existing file, got '{path}'" in capsys.readouterr().err
    path.write_text(content)
    assert main([f"resume={folder}", "stop.simulated_seconds=null"]) == 0
    assert main([f"verify={folder}"]) == 0
    assert json.loads((folder / "summary.json").read_text())["rounds"] == 3


def install(folder: Path, files: dict[str, str]) -> None:
    """An installed package `my_policies`, registered by its entry point."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    info = folder / "my_policies-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-policies\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ceas_ray.policies]\nmine = my_policies\n")


def test_modules_of_ones_own_are_part_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    rule = "from ceas_ray.aggregation.mean import Mean\nfrom my_policies import helper\nclass Mine(Mean):\n    pass\n"
    install(tmp_path, {
        "my_policies/__init__.py": "", "my_policies/helper.py": "share = 1\n", "my_policies/rules/mine.py": rule,
        "my_policies/notes.md": "not code", "my_policies/rules/__pycache__/old.pyc": "not read",
    })  # fmt: skip
    assert main([*STOPPED, "aggregation=mean", "aggregation.rule._target_=my_policies.rules.mine.Mine"]) == 0
    settings = read_settings(tmp_path / "run", "resume")
    assert sorted(settings["inputs"]) == [
        "my_policies/__init__.py",
        "my_policies/helper.py",
        "my_policies/rules/mine.py",
    ]
    (tmp_path / "my_policies/helper.py").write_text("share = 2\n")
    (tmp_path / "my_policies/notes.md").write_text("changed")
    assert main([f"resume={tmp_path / 'run'}"]) == 2
    said = capsys.readouterr().err
    assert "my_policies/helper.py must be what the run was started with" in said
    (tmp_path / "my_policies/helper.py").unlink()
    assert main([f"resume={tmp_path / 'run'}"]) == 2
    assert "my_policies/helper.py must be there as when the run was started" in capsys.readouterr().err


def loaded_by_a_run() -> set[str]:
    """The modules of this package that Python has loaded after a world was built and has run."""
    code = """
    import os, sys
    from tests.small_worlds import SMALL
    from ceas_ray.config.composition import composed
    from ceas_ray.config.schema import RunSettings
    from ceas_ray.config.validation import build
    from ceas_ray.world.builder import build_world
    from ceas_ray.runs.results import Results
    from ceas_ray.kernel.windows import Simulation
    from ceas_ray.runtime.local_runtime import LocalCluster
    own = {"ceas_ray.runtime", "ceas_ray.runtime.local_runtime"}
    names = ("command_line", "composed_configs", "composition", "conf_path")
    own |= {f"ceas_ray.config.{name}" for name in names}
    settings = build(RunSettings, composed([*SMALL, "training.rounds=1", "attacks=alie", "attacks.fraction=0.25"]))
    world = build_world(settings)
    results = Results(settings, world)
    for end in Simulation(LocalCluster(world.one_host())).rounds():
        results.take(end)
    print(*sorted(name for name in set(sys.modules) - own if name.startswith("ceas_ray")))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def targets() -> list[str]:
    from ceas_ray.config.composition import composed
    from ceas_ray.world.inputs import targets_of

    return [*targets_of(composed(["attacks=alie"])).values()]


@pytest.mark.slow
def test_the_code_of_a_run_is_all_that_builds_and_runs_its_world_and_nothing_else() -> None:
    modules = imported_modules((*provenance._ROOTS, *(target.rpartition(".")[0] for target in targets())))
    assert loaded_by_a_run() <= set(modules)
    assert not [name for name in modules if name.startswith(("ceas_ray.runtime", "ceas_ray.tracking"))]
    assert not {"ceas_ray.runs.run", "ceas_ray.cli.run", "ceas_ray.cli.bench"} & set(modules)


def test_the_code_of_a_run_has_another_hash_when_one_module_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = code_version(targets()), Path.read_bytes
    for module in (
        "world/data.py",
        "world/processor_noise.py",
        "world/committee.py",
        "world/model.py",
        "network/star.py",
    ):
        changed = Path(provenance.__file__).parent.parent / module
        monkeypatch.setattr(Path, "read_bytes", lambda path, c=changed: read(path) + (b"\n" if path == c else b""))
        provenance._hash_of.cache_clear()
        assert code_version(targets()) != before, module
    monkeypatch.undo()
    provenance._hash_of.cache_clear()
    assert code_version(targets()) == before


def test_every_library_that_decides_results_is_among_the_versions_of_a_run() -> None:
    import ast

    modules = imported_modules((*provenance._ROOTS, *(target.rpartition(".")[0] for target in targets())))
    imported: set[str] = set()
    for path in modules.values():
        for node in ast.walk(ast.parse(path.read_bytes())):
            names: list[Any] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            imported |= {name.partition(".")[0] for name in names}
    known = packages_distributions()
    needed = {
        known[name][0].lower().replace("_", "-") for name in imported - set(sys.stdlib_module_names) if name in known
    }
    needed -= {"psutil"}  # says how much memory there is, for what is refused; no result rests on it
    assert needed <= set(LIBRARIES)
