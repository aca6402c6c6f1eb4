"""Snapshots lie in a folder or behind a URL: whole or not at all, kept some deep, whatever the storage does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import known_implementations

from ceas_ray.tracking.files import PARTIAL
from ceas_ray.tracking.snapshots import SnapshotFolder, packed
from ceas_ray.tracking.stores import FolderStore, Store, UrlStore, store_at
from tests.tracking.object_store import object_store


@pytest.fixture(autouse=True)
def objects() -> Iterator[Any]:
    with object_store() as found:
        yield found


MAKERS: list[Callable[[Path], Store]] = [
    lambda path: store_at(path / "snapshots"),
    lambda path: store_at(str(path / "snapshots")),
    lambda path: store_at(f"file://{path}/snapshots"),
    lambda path: store_at("objects://stores/snapshots"),
    lambda path: UrlStore(LocalFileSystem(), str(path / "snapshots"), "a file system that renames"),
]


@pytest.fixture(params=MAKERS, ids=["path", "text", "file URL", "URL of objects", "local by fsspec"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return request.param(tmp_path)


def test_what_is_written_is_read_again_and_may_be_replaced_and_deleted(store: Store) -> None:
    assert store.names() == []
    store.write("b", b"first")
    store.write("a", b"\x00" * 1000)
    store.write("b", b"second")
    assert store.names() == ["a", "b"]
    assert store.read("b") == b"second"
    store.delete("b")
    store.delete("b")
    assert store.names() == ["a"]
    with pytest.raises(OSError):
        store.read("b")


def test_the_newest_stay_and_what_a_crash_left_goes(store: Store) -> None:
    folder = SnapshotFolder(store, kept=2)
    store.write(f"round_00000001.snapshot{PARTIAL}", b"begun, never ended")
    store.write("of somebody else", b"")
    for rounds in (2, 3, 10, 100):
        folder.write(rounds, {"rounds": rounds})
    assert folder.newest_first() == ["round_00000100.snapshot", "round_00000010.snapshot"]
    assert folder.read("round_00000010.snapshot") == {"rounds": 10}
    assert store.names() == ["of somebody else", "round_00000010.snapshot", "round_00000100.snapshot"]


def test_snapshots_of_later_rounds_that_cannot_be_used_do_not_displace_those_of_a_run_that_goes_on(
    store: Store,
) -> None:
    later = [f"round_{rounds:08d}.snapshot" for rounds in (30, 40)]
    for name in later:
        store.write(name, b"damaged")
    folder = SnapshotFolder(store, kept=2)
    for rounds in (3, 6, 9):
        folder.write(rounds, {"rounds": rounds})
    assert folder.newest_first() == [*later[::-1], "round_00000009.snapshot", "round_00000006.snapshot"]
    folder.write(30, {"rounds": 30})
    assert folder.read(later[0]) == {"rounds": 30}


def test_a_damaged_snapshot_is_found_by_its_checksum(store: Store) -> None:
    folder = SnapshotFolder(store, kept=2)
    store.write("round_00000001.snapshot", packed({"rounds": 1})[:-3])
    with pytest.raises(ValueError, match="checksum is wrong"):
        folder.read("round_00000001.snapshot")


def test_a_file_url_is_a_plain_folder(tmp_path: Path) -> None:
    found = store_at(f"file://{tmp_path}/with space")
    assert isinstance(found, FolderStore)
    assert found.path == tmp_path / "with space"


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("nowhere://bucket/run", "nowhere"),
        ("reference::file:///etc/hosts", "a chain of file systems"),
        ("reference::memory://x", "a chain of file systems"),
        ("reference://x", "[a-z]"),
        ("memory://x", "what is kept in memory ends with the process"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_in_one_line(url: str, line: str) -> None:
    with pytest.raises(ValueError, match=line) as refused:
        store_at(url)
    assert "\n" not in str(refused.value)


def test_a_protocol_whose_package_is_missing_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"class": "no_such_package.Files", "err": "Install no_such_package"}
    monkeypatch.setitem(known_implementations, "missing", entry)
    with pytest.raises(ValueError, match="Install no_such_package"):
        store_at("missing://bucket/run")


class Broken:
    """A file system whose every call fails with an error of its own, of several lines."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"{name}\n  is refused")

        return call


@pytest.mark.parametrize(
    "call", [lambda s: s.write("a", b""), lambda s: s.read("a"), lambda s: s.delete("a"), lambda s: s.names()]
)
def test_whatever_a_file_system_raises_becomes_one_line(call: Callable[[Store], Any]) -> None:
    with pytest.raises(OSError, match="is refused") as failed:
        call(UrlStore(Broken(), "/run", "broken://run"))
    assert failed.value.filename == "broken://run"
    assert "\n" not in str(failed.value)


def test_an_old_file_stays_whole_while_the_new_one_is_written(tmp_path: Path) -> None:
    class Crashing(LocalFileSystem):  # type: ignore[misc]
        def mv(self, *_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

    path = str(tmp_path / "snapshots")
    UrlStore(LocalFileSystem(), path, "").write("a", b"old")
    with pytest.raises(KeyboardInterrupt):
        UrlStore(Crashing(), path, "").write("a", b"new")
    assert UrlStore(LocalFileSystem(), path, "").read("a") == b"old"
