"""Snapshots on S3, from a server on loopback through a proxy: one writer, nothing half written, errors in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs.stored_run import KEPT
from ceas_ray.tracking import store_lock, stores
from ceas_ray.tracking.locks import LOCK, Holder, LockLost
from ceas_ray.tracking.snapshots import SnapshotFolder
from ceas_ray.tracking.store_lock import HeldStore
from ceas_ray.tracking.stores import S3Store, UrlStore, store_at
from tests.runs.test_resume import OFTEN, SIX, same, whole
from tests.small_worlds import SMALL
from tests.tracking.faulty_proxy import served
from tests.tracking.object_store import object_store
from tests.tracking.s3_server import BUCKET, S3Proxy, s3_server, use

__all__ = ["whole"]
SHORT = [*SIX, *OFTEN, "stop.simulated_seconds=12"]
ON = "stop.simulated_seconds=null"
SECRET = "wJalr/secret+of+a+test"
OTHER = Holder(7, "other", "another boot", "today", "a")
FAULTS = ("request lost", "answer lost", "answer cut", "error", "error after all", "request cut", "doubled", "split")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with s3_server() as found:
        yield found


@pytest.fixture
def s3(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """A proxy of the server, with an empty bucket behind it."""
    proxy = S3Proxy(port)

    with served(proxy) as uri:
        use(uri, monkeypatch, SECRET)
        files = filesystem()
        files.mkdir(BUCKET)
        yield proxy
        proxy.behave()
        proxy.old_listing = b""
        files.rm(BUCKET, recursive=True)


def filesystem() -> Any:
    store = place()
    return store._filesystem


def place(name: str = "run") -> S3Store:
    store = store_at(f"s3://{BUCKET}/{name}")
    assert isinstance(store, S3Store)
    return store


def said_when_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


@pytest.fixture
def objects() -> Iterator[UrlStore]:
    with object_store():
        store = store_at("objects://runs/run")
        assert isinstance(store, UrlStore)
        yield store


def test_a_place_behind_a_url_has_one_writer_and_a_second_one_is_told_who(objects: UrlStore) -> None:
    lock = HeldStore(objects)
    with pytest.raises(BlockingIOError, match=rf"held by process {os.getpid()} on .*; delete objects://runs/run/.lock"):
        HeldStore(objects)
    lock.require_held()
    lock.release()
    assert objects.names() == []
    HeldStore(objects).release()


def test_a_lock_that_a_dead_process_of_this_machine_left_is_taken_over_and_no_other(objects: UrlStore) -> None:
    here = Holder.this_process()
    for content in (b"", OTHER.content()):
        objects.write(LOCK, content + b" " * (not content))
        with pytest.raises(BlockingIOError, match="held by"):
            HeldStore(objects)
    objects.write(LOCK, Holder(2**22 + 1, here.machine, here.world, "today", "a").content())
    HeldStore(objects).release()


@pytest.mark.parametrize(("content", "line"), [(None, "was deleted"), (OTHER.content(), "taken over by process 7 on")])
def test_a_lock_that_is_lost_is_noticed_and_not_given_up_twice(
    objects: UrlStore, content: bytes | None, line: str
) -> None:
    lock = HeldStore(objects)
    objects.delete(LOCK)
    if content is not None:
        objects.write(LOCK, content)
    with pytest.raises(LockLost, match=line):
        lock.require_held()
    lock.release()
    assert objects.names() == ([] if content is None else [LOCK])


def test_a_run_that_loses_its_place_fails_with_a_summary_and_writes_no_snapshot_there(
    objects: UrlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require_held = HeldStore.require_held

    def taken(lock: HeldStore) -> None:
        objects.write(LOCK, OTHER.content())
        require_held(lock)

    monkeypatch.setattr(HeldStore, "require_held", taken)
    words = [*SMALL, "runtime.snapshot_every_rounds=1", "runtime.snapshot_folder=objects://runs/run"]
    assert main([*words, f"output={tmp_path / 'run'}"]) == 1
    assert "was taken over by process 7 on other since today; resume=" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "run" / "summary.json").exists()
    assert objects.names() == [LOCK]


def test_a_url_with_a_password_is_refused_and_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for url in ("s3://key:se/cret@bucket/run", "sftp://me:secret@host/run"):
        words = [*SMALL, f"output={tmp_path / 'run'}", f'runtime.snapshot_folder="{url}"']
        assert "its URL has a password" in said_when_refused(words, capsys)
        assert "has a password" in said_when_refused([f'resume="{url}"', f"output={tmp_path / 'run'}"], capsys)
    assert list(tmp_path.iterdir()) == []
    stores.refuse_password("webhdfs://host:9870/runs/a:b@c")


@pytest.mark.slow
def test_a_run_goes_on_from_its_store_alone(
    whole: Path, objects: UrlStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SHORT, f"output={tmp_path / 'first'}", "runtime.snapshot_folder=objects://runs/run"]
    assert main(words) == 0
    (tmp_path / "first").rename(tmp_path / "gone")
    again = ["resume=objects://runs/run", f"output={tmp_path / 'again'}", ON]
    objects.write(LOCK, OTHER.content())
    assert "held by process 7 on other since today; delete objects" in said_when_refused(again, capsys)
    objects.delete(LOCK)
    assert "training.rounds must be" in said_when_refused([*again, "training.rounds=9"], capsys)
    assert not (tmp_path / "again").exists()
    assert main(again) == 0
    same(tmp_path / "again", whole)
    assert "output must be a folder without a run" in said_when_refused(again, capsys)
    assert "holds no run" in said_when_refused(["resume=objects://runs/other", f"output={tmp_path / 'other'}"], capsys)


@pytest.mark.slow
def test_a_run_goes_on_from_s3_alone_to_the_same_digest_and_no_credentials_are_written(
    whole: Path, s3: S3Proxy, tmp_path: Path
) -> None:
    assert main([*SHORT, f"output={tmp_path / 'first'}", f"runtime.snapshot_folder=s3://{BUCKET}/run"]) == 0
    kept = place().names()
    assert [name for name in kept if not name.startswith("round_")] == sorted(KEPT)
    assert len(kept) == 3 + len(KEPT)
    (tmp_path / "first").rename(tmp_path / "gone")
    assert main([f"resume=s3://{BUCKET}/run", f"output={tmp_path / 'again'}", ON]) == 0
    same(tmp_path / "again", whole)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    written += [place().read(name) for name in place().names()]
    assert not any(word.encode() in content for word in (SECRET, "AKIDOFATEST") for content in written)


@pytest.mark.slow
def test_a_second_writer_to_s3_is_refused_with_who_holds_it_though_the_listing_is_old(
    s3: S3Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.remember_listing()
    words = [*SMALL, f"runtime.snapshot_folder=s3://{BUCKET}/run"]
    lock = HeldStore(place())
    said = said_when_refused([*words, f"output={tmp_path / 'run'}"], capsys)
    assert (
        f"runtime.snapshot_folder must be a folder that no other run writes to (held by process {os.getpid()}" in said
    )
    with pytest.raises(OSError, match="pre-condition"):
        place().create(LOCK, b"by one who saw no lock a moment ago")
    lock.require_held()
    lock.release()
    place().write("journal.jsonl", b"{}\n")
    said = said_when_refused([*words, f"output={tmp_path / 'run'}"], capsys)
    assert "a folder without snapshots of another run (it has journal.jsonl)" in said
    assert list(tmp_path.iterdir()) == []


def lease_of(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lock, "LEASE_SECONDS", seconds)


def dead_holder() -> Holder:
    """A process of this machine that has ended."""
    here = Holder.this_process()
    return Holder(2**22 + 1, here.machine, here.world, "today", "a")


@pytest.mark.slow
def test_a_lock_on_s3_without_a_sign_for_a_lease_is_taken_over_whoever_held_it(
    s3: S3Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease_of(0.5, monkeypatch)
    said: list[str] = []
    for content in (OTHER.content(), b"of nobody"):
        place().write(LOCK, content)
        lock = HeldStore(place(), said.append)
        lock.require_held()
        lock.release()
    assert said[0] == (
        f"s3://{BUCKET}/run is held by process 7 on other since today: waiting up to 0.5 s for a sign of it"
    )
    assert "a process that did not say which" in said[1]
    assert place().names() == []


@pytest.mark.slow
def test_a_lock_on_s3_whose_holder_gives_a_sign_is_not_taken_over(s3: S3Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    lease_of(60.0, monkeypatch)
    monkeypatch.setattr(store_lock, "_LOOKS_PER_LEASE", 1000)
    place().write(LOCK, OTHER.content())
    with pytest.raises(BlockingIOError) as refused:
        HeldStore(place(), lambda _: place().write(LOCK, OTHER.content() + b"1\n"))
    assert refused.value.strerror == "held by process 7 on other since today"


@pytest.mark.slow
def test_a_holder_gives_signs_and_notices_when_another_machine_took_over(
    s3: S3Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = HeldStore(place())
    before = place().version(LOCK)
    lock._give_sign()
    assert place().version(LOCK) != before
    lock.require_held()
    place().write(LOCK, OTHER.content())
    lock._give_sign()
    assert place().read(LOCK) == OTHER.content(), "what is another's is left to it"
    with pytest.raises(LockLost, match="taken over by process 7 on"):
        lock.require_held()
    lock.release()
    assert place().read(LOCK) == OTHER.content()


@pytest.mark.slow
@pytest.mark.parametrize("left", ["by a dead process", "by nobody, after a lease"])
def test_of_two_that_take_over_a_lock_at_once_one_holds_it(
    s3: S3Proxy, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have seen the same file, and decided that it stands for nobody, when the first one replaces it."""
    lease_of(0.2, monkeypatch)
    place().write(LOCK, (dead_holder() if left == "by a dead process" else OTHER).content())
    replace, first = S3Store.replace, list[HeldStore]()

    def second(store: S3Store, name: str, content: bytes, version: str) -> None:
        if not first:
            first.append(None)  # type: ignore[arg-type]
            first[0] = HeldStore(place(), lambda _: None)
        replace(store, name, content, version)

    monkeypatch.setattr(S3Store, "replace", second)
    with pytest.raises(BlockingIOError, match=f"held by process {os.getpid()} on "):
        HeldStore(place(), lambda _: None)
    first[0].require_held()
    first[0].release()


@pytest.mark.slow
def test_an_old_listing_costs_rounds_and_no_result(whole: Path, s3: S3Proxy, tmp_path: Path) -> None:
    words = [*SHORT, f"output={tmp_path / 'run'}", f"runtime.snapshot_folder=s3://{BUCKET}/run"]
    s3.remember_listing()  # nothing is ever listed
    assert main(words) == 0
    assert main([f"resume={tmp_path / 'run'}", ON]) == 0
    same(tmp_path / "run", whole)
    s3.old_listing = b""
    assert len([name for name in place().names() if name.startswith("round_")]) == 5


@pytest.mark.slow
@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_a_lock_is_held_once_and_a_snapshot_is_whole_or_not_there_whatever_is_lost(s3: S3Proxy, first: int) -> None:
    rotated = iter((FAULTS[first:] + FAULTS[:first]) * 100)
    s3.misbehave(first, share=0.5)
    s3._faults = rotated  # type: ignore[assignment]
    held = []
    for _ in range(2):
        try:
            held.append(HeldStore(place()))
        except OSError as error:
            assert "\n" not in str(error)
    written = set[int]()
    for rounds in range(3):
        try:
            SnapshotFolder(place(), kept=9).write(rounds, {"rounds": rounds, "more": b"x" * 10_000})
            written.add(rounds)
        except OSError as error:
            assert "\n" not in str(error)
    s3.behave()
    assert len(held) <= 1
    folder = SnapshotFolder(place(), kept=9)
    assert {folder.read(name)["rounds"] for name in folder.newest_first()} >= written
    assert filesystem().call_s3("list_multipart_uploads", Bucket=BUCKET).get("Uploads", []) == []
    for lock in held:
        lock.require_held()


@pytest.mark.slow
def test_what_is_wrong_with_s3_is_said_in_one_line_before_anything_is_made(
    s3: S3Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, f"output={tmp_path / 'run'}", f"runtime.snapshot_folder=s3://{BUCKET}/run"]
    there = os.environ["AWS_ENDPOINT_URL"]
    missing = [*words[:-1], "runtime.snapshot_folder=s3://no-such-bucket/run"]
    line = "runtime.snapshot_folder: s3://no-such-bucket/run cannot be written to: The specified bucket does not exist"
    assert line in said_when_refused(missing, capsys)
    monkeypatch.setattr(stores, "_DEADLINE_SECONDS", 1.0)
    s3.misbehave(0, share=1.0)
    s3._faults = iter(["request lost"] * 100)  # type: ignore[assignment]
    assert "cannot be read: there was no answer in time" in said_when_refused(words, capsys)
    s3.behave()
    monkeypatch.setattr(stores, "_DEADLINE_SECONDS", 60.0)
    use(there, monkeypatch, secret=None)
    assert "cannot be read: Unable to locate credentials" in said_when_refused(words, capsys)
    use("http://127.0.0.1:9", monkeypatch, SECRET)
    said = said_when_refused(words, capsys)
    assert "cannot be read: Could not connect to the endpoint URL" in said
    assert SECRET not in said
    assert list(tmp_path.iterdir()) == []
    use(there, monkeypatch, SECRET)
