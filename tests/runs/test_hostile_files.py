"""Journals, data sets and networks are untrusted too: whatever is in these files, values or one line, and nothing made.

Settings and snapshots: `test_untrusted_files`.
"""

from __future__ import annotations

import io
import json
import random
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.network.graphml import GraphML
from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.runs.folder import digests_of, journal_of
from ceas_ray.training.sources import load_file
from tests.network.hardware import HARDWARE, SPREAD
from tests.runs.test_untrusted_files import mutated, within

MUTATIONS = 300
"""Of each kind; 10,000 were tried by hand."""
MAX_SECONDS, MAX_KILOBYTES = 10, 500_000
HOSTILE = (
    b'<!DOCTYPE g [<!ENTITY a "b">]>', b"&a;", b"<graph>", b"</graph>", b"<edge/>", b'source="', b"1e308", b"-0",
    b"nan", b"inf", b'"', b"'", b",,,,", b";", b"\t", b"\r\n", b"\x00", b"\xff\xfe", b"[" * 2000, b'{"a":' * 500,
    b"9" * 5000, b'"event": "round"', b'"round": -1', b'"run": null', b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"|O",
    b"<f8", b"(99999999, 9)", b"__reduce__", "\u202e\u2028\udcff".encode("utf-8", "surrogatepass"),
)  # fmt: skip


def journal() -> bytes:
    lines = [{"event": "started", "run": "a", "time": 1.5, "seed": 1}]
    lines += [{"event": "round", "run": "a", "round": n, "digest": f"{n:032x}", "accuracy": 0.5} for n in range(6)]
    lines += [{"event": "ended", "run": "a", "status": "completed", "cause": "", "trace_digest": "0" * 32}]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def archive() -> bytes:
    generator, content = np.random.default_rng(1), io.BytesIO()
    np.savez(content, x=generator.normal(size=(20, 3)), y=np.arange(20) % 2)
    return content.getvalue()


def table() -> bytes:
    rows = np.random.default_rng(2).normal(size=(20, 3))
    return (
        "a,b,c,label\n" + "".join(f"{a:.3f},{b:.3f},{c:.3f},{n % 2}\n" for n, (a, b, c) in enumerate(rows))
    ).encode()


def network() -> bytes:
    nodes = "".join(f'<node id="n{n}"/>' for n in range(5))
    edges = "".join(
        f'<edge source="n{n}" target="n{(n + 1) % 5}"><data key="l">{n + 1}</data><data key="f">0.9</data></edge>'
        for n in range(5)
    )
    keys = "".join(
        f'<key id="{key}" for="edge" attr.name="{name}" attr.type="double"/>'
        for key, name in (("l", "length_km"), ("f", "fidelity"))
    )
    return (
        f'<?xml version="1.0"?><graphml>{keys}<graph edgedefault="undirected">{nodes}{edges}</graph></graphml>'.encode()
    )


def read_journal(content: bytes) -> None:
    Path("journal.jsonl").write_bytes(content)
    digests_of(journal_of(Path(), "resume"))


def read_archive(content: bytes) -> None:
    load_file(InputFile("/data.npz", content))


def read_table(content: bytes) -> None:
    load_file(InputFile("/data.csv", content))


def read_network(content: bytes) -> None:
    draws = LinkDraws(HARDWARE, SPREAD, np.random.default_rng(1))
    GraphML(InputFile("/net.graphml", content), None, "rate").build(4, 4, draws)


def hostile(good: bytes, generator: random.Random) -> bytes:
    """The file, changed, and sometimes with a word that is meant to do harm."""
    content = mutated(good, generator)
    if generator.random() < 0.4:
        at = generator.randrange(len(content) + 1)
        content = content[:at] + generator.choice(HOSTILE) + content[at:]
    return content


@pytest.mark.parametrize(
    ("good", "read"),
    [(journal, read_journal), (archive, read_archive), (table, read_table), (network, read_network)],
    ids=["journals", "archives", "tables", "networks"],
)
def test_hostile_files_are_values_or_one_line(
    good: Callable[[], bytes], read: Callable[[bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    generator, content, refused = random.Random(5), good(), 0
    read(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MUTATIONS):
        data = hostile(content, generator)
        with within(MAX_SECONDS):
            try:
                read(data)
            except (ValueError, SettingsError) as error:
                assert "\n" not in str(error), data
                refused += 1
    assert refused > MUTATIONS / 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + MAX_KILOBYTES
    assert {path.name for path in tmp_path.iterdir()} <= {"journal.jsonl"}
