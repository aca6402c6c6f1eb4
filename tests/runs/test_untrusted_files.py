"""Settings and snapshots are untrusted: whatever is in the files, one line and an exit code, nothing executed."""

from __future__ import annotations

import importlib
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.config import policies
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.codec import decode_untrusted, encode
from ceas_ray.runs.folder import read_settings
from ceas_ray.runs.resume import config_of_run, resumed
from ceas_ray.tracking.snapshots import packed, unpacked
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL

MUTATIONS, MUTATED_SETTINGS = 10_000, 2_000
WORDS = (
    b"!!python/object/apply:os.system ['touch hacked']", b"_target_: os.system", b"&a", b"*a", b"[[[[", b"{", b"null",
    b".nan", b"1e999", b"-1", b"99999999999999999999", b"true", b"\x00", b"\xff", b"'", b'"', b"? ", b"- ", b": ",
    b"\t", b"2001-99-99", b"0x", b"ceas_ray.runs.run.Path", b"<<: {a: b}", b"%YAML 9.9\n", b"---\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("runs") / "run"
    assert main([*SMALL, f"output={made}", "runtime.snapshot_every_rounds=1", "stop.simulated_seconds=2.5"]) == 0
    return made


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails the test run if the block hangs: a hang is a bug here, not a slow machine."""
    import faulthandler

    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def mutated(content: bytes, generator: random.Random) -> bytes:
    """One to four changes: a flipped bit, a cut, a doubled or a moved piece, a hostile word."""
    data = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        at, to = sorted(generator.randrange(len(data) + 1) for _ in range(2))
        match generator.randrange(6):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << generator.randrange(8)
            case 1:
                del data[at : min(to, at + 40)]
            case 2:
                data[at:at] = data[at : min(to, at + 40)]
            case 3:
                data[at:at] = generator.choice(WORDS)
            case 4:
                data[at : at + 8] = generator.randbytes(8)
            case 5 if generator.random() < 0.1:
                del data[at:]
    return bytes(data)


@pytest.mark.slow
def test_thousands_of_mutated_settings_are_refused_in_one_line_or_make_settings(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good, generator = (folder / "settings.yaml").read_bytes(), random.Random(1)
    refused = 0
    for _ in range(MUTATED_SETTINGS):
        (tmp_path / "settings.yaml").write_bytes(mutated(good, generator))
        with within(30):
            try:
                settings = build(RunSettings, read_settings(tmp_path, "resume"))
                for node, key in (
                    (settings.network, "network"), (settings.scheduling, "scheduling"),
                    (settings.aggregation.rule, "aggregation.rule"),
                    (settings.aggregation.weights, "aggregation.weights"),
                ):  # fmt: skip
                    instantiate(node, key)
            except SettingsError as error:
                assert "\n" not in str(error)
                refused += 1
    assert refused > MUTATED_SETTINGS / 4
    assert [path.name for path in tmp_path.iterdir()] == ["settings.yaml"]


@pytest.mark.slow
def test_ten_thousand_mutated_snapshot_files_are_passed_over(folder: Path) -> None:
    good, generator = sorted((folder / "snapshots").iterdir())[-1].read_bytes(), random.Random(2)
    for _ in range(MUTATIONS):
        data = mutated(good, generator)
        with within(30):
            try:
                found = unpacked(data)
            except ValueError as error:
                assert "\n" not in str(error)
            else:
                assert data == good, found


@pytest.mark.slow
def test_ten_thousand_forged_contents_are_values_or_refused(folder: Path) -> None:
    good = encode(unpacked(sorted((folder / "snapshots").iterdir())[-1].read_bytes()))
    generator = random.Random(3)
    for _ in range(MUTATIONS):
        with within(30):
            try:
                decode_untrusted(mutated(good[: generator.choice((2000, len(good)))], generator))
            except ValueError as error:
                assert "\n" not in str(error)


def changed(value: Any, generator: random.Random) -> Any:
    """The value with one part of it, somewhere below, replaced by something else."""
    if isinstance(value, dict) and value and generator.random() < 0.9:
        name = generator.choice(sorted(value, key=str))
        kept = {n: v for n, v in value.items() if n != name}
        return kept if generator.random() < 0.1 else kept | {name: changed(value[name], generator)}
    if isinstance(value, tuple) and value and generator.random() < 0.9:
        at = generator.randrange(len(value))
        return (*value[:at], changed(value[at], generator), *value[at + 1 :])
    return generator.choice((None, -1, 2**70, 0.5, "x", b"", b"\x91" * 50, (), {}, {"a": ()}, True))


@pytest.mark.slow
def test_forged_snapshots_with_right_checksums_never_get_past_a_line(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    (copy / "summary.json").unlink()
    config = config_of_run(config_with(resume=str(copy)), [])
    settings = build(RunSettings, config)
    files = sorted((copy / "snapshots").iterdir())
    good, generator = unpacked(files[-1].read_bytes()), random.Random(4)
    for path in files[:-1]:
        path.unlink()
    passed_over = 0
    for _ in range(60):
        files[-1].write_bytes(packed(changed(good, generator)))
        with within(60):
            try:
                passed_over += resumed(settings, config, copy).cut is None
            except SettingsError as error:
                assert "\n" not in str(error)
    assert passed_over > 8


def config_with(**entries: Any) -> dict[str, Any]:

    return composed_once(SMALL) | entries


def test_deep_nesting_and_long_claims_are_refused() -> None:
    for data in (b"\x91" * 10**6, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b""):
        with pytest.raises(ValueError, match="malformed data"):
            decode_untrusted(data)


@pytest.mark.parametrize(
    "target",
    [
        "os.system", "subprocess.Popen", "ceas_ray.runs.run.Path", "ceas_ray.runs.run.subprocess.Popen", "ceas_ray",
        "ceas_rayx.Thing", "yaml.YAMLObject", "ceas_ray.cli.run.main", "builtins.eval", "", 7, None,
    ],
)  # fmt: skip
def test_targets_outside_of_registered_packages_are_refused_by_name(target: Any) -> None:
    with pytest.raises(SettingsError) as refused:
        instantiate({"_target_": target}, "scheduling")
    assert str(refused.value).startswith("scheduling._target_ must be a")
    assert ("null" if target is None else repr(target)) in str(refused.value)


def test_an_installed_package_can_register_its_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "newly_installed.py").write_text(
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Mine:\n    limit: int = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match=r"a class within ceas_ray, .*got 'newly_installed\.Mine'"):
        instantiate({"_target_": "newly_installed.Mine"}, "scheduling")
    info = tmp_path / "newly_installed-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: newly-installed\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ceas_ray.policies]\nmine = newly_installed\n")
    importlib.invalidate_caches()  # of folders, which are known by the times of their last changes
    policies._registered.cache_clear()  # as at a start
    made = instantiate({"_target_": "newly_installed.Mine", "limit": 4}, "scheduling")
    assert made.limit == 4


@pytest.mark.slow
def test_a_hostile_journal_is_refused_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("[" * 10**5 + "\n", "{}\n", "nonsense\n", '{"event": 3}\n', json.dumps([1]) + "\n", "\x00\n"):
        (tmp_path / "settings.yaml").write_bytes((folder / "settings.yaml").read_bytes())
        (tmp_path / "journal.jsonl").write_text(text)
        assert main([f"resume={tmp_path}"]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"resume: {tmp_path / 'journal.jsonl'} cannot be read: ")
        assert said.count("\n") == 1
