"""What is kept of a run beside its snapshots: its journal in blocks, so that each snapshot sends what is new."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.runs import stored_run
from ceas_ray.runs.stored_run import JOURNAL, SETTINGS, KeptFiles
from ceas_ray.tracking.stores import FolderStore

BLOCK = 100


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stored_run, "BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(stored_run, "_LONGEST_PASSWORD", BLOCK)
    (tmp_path / SETTINGS).write_text("seed: 1\n")
    (tmp_path / JOURNAL).write_bytes(b"")
    return tmp_path


def grow(folder: Path, content: bytes) -> None:
    with (folder / JOURNAL).open("ab") as file:
        file.write(content)


def sent(kept: KeptFiles, store: FolderStore) -> list[tuple[str, int]]:
    """Send what is new; the names and sizes."""
    found = kept.unsent()
    for name, content in found:
        store.write(name, content)
        kept.note_sent(name, content)
    return [(name, len(content)) for name, content in found]


@pytest.mark.slow
def test_a_journal_is_sent_once_but_for_its_last_block(folder: Path) -> None:
    kept, store = KeptFiles(folder), FolderStore(folder / "store")
    assert sent(kept, store) == [(SETTINGS, 8), (JOURNAL, 0)]
    assert sent(kept, store) == []
    total = 0
    for number in range(200):
        grow(folder, b"%09d\n" % number)
        total += sum(size for _, size in sent(kept, store))
        assert stored_run._journal_in(store) == (folder / JOURNAL).read_bytes()
    assert total < 200 * BLOCK, "in all of them together: 200 times the whole journal would be 200,000"
    assert store.names()[:3] == [JOURNAL, f"{JOURNAL}.1", f"{JOURNAL}.10"]


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7])
def test_what_is_kept_is_the_whole_journal(folder: Path, size: int) -> None:
    store = FolderStore(folder / "store")
    grow(folder, bytes(range(256))[:7] * (size // 7) + b"x" * (size % 7))
    assert len(sent(KeptFiles(folder), store)) == 1 + max(1, -(-size // BLOCK))
    assert stored_run._journal_in(store) == (folder / JOURNAL).read_bytes()


def test_whoever_reads_while_blocks_are_written_finds_a_beginning(folder: Path) -> None:
    """Also where longer blocks of the journal lie already, as after a journal was cut."""
    store = FolderStore(folder / "store")
    grow(folder, b"old\n" * 100)
    sent(KeptFiles(folder), store)
    new = b"new\n" * 60
    (folder / JOURNAL).write_bytes(new)
    kept = KeptFiles(folder)
    unsent = dict(kept.unsent())
    assert list(unsent) == [SETTINGS, f"{JOURNAL}.2", f"{JOURNAL}.1", JOURNAL]
    for name, content in unsent.items():
        store.write(name, content)
    assert stored_run._journal_in(store) == new


def test_what_could_not_be_written_is_sent_again(folder: Path) -> None:
    kept, store = KeptFiles(folder), FolderStore(folder / "store")
    grow(folder, b"x" * 3 * BLOCK)
    assert [name for name, _ in kept.unsent()][:2] == [SETTINGS, f"{JOURNAL}.2"]
    assert len(sent(kept, store)) == 4
    grow(folder, b"y")
    assert sent(kept, store) == [(f"{JOURNAL}.3", 1)]


@pytest.mark.parametrize("before", [0, BLOCK - 10, BLOCK, 2 * BLOCK - 5])
def test_nothing_is_sent_of_a_run_whose_journal_holds_a_password(folder: Path, before: int) -> None:
    kept, store = KeptFiles(folder), FolderStore(folder / "store")
    grow(folder, b"x" * before)
    sent(kept, store)
    grow(folder, b' "http://me:secret@host" ')
    assert sent(kept, store) == []
    grow(folder, b"z" * 5 * BLOCK)
    assert sent(kept, store) == []
