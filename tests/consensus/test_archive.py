"""The archive: what was decided is found until two later rounds are decided."""

from __future__ import annotations

from ceas_ray.consensus.archive import Archive
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import digest_of


def test_contents_are_found_by_their_digests_until_two_later_rounds_are_decided() -> None:
    archive = Archive()
    for round_index, content in enumerate((b"zero", b"one", b"two")):
        archive.keep(round_index, [content, b"model " + content])
        assert archive.find(digest_of(b"model " + content)) == b"model " + content
    assert archive.find(digest_of(b"zero")) is None
    assert archive.find(digest_of(b"one")) == b"one"


def test_an_archive_survives_a_snapshot() -> None:
    one, other = Archive(), Archive()
    one.keep(3, [b"content"])
    other.restore(decode(encode(one.snapshot())))
    assert other.find(digest_of(b"content")) == b"content"
