"""Archives of arrays: read under stated rules, or refused in one line."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest

from tests.training.files import X, Y, archive, loaded, refused


def test_an_archive_holds_x_and_y() -> None:
    for y in (Y, Y.astype(float), Y.astype(bool), np.where(Y == 1, "b", "a"), np.where(Y == 1, b"b", b"a")):
        for x in (X, np.asfortranarray(X), X.astype(">f8")):
            features, labels, _, said = loaded(archive(x=x, y=y), "d.npz")
            np.testing.assert_array_equal(features, X)
            assert np.array_equal(labels, Y)
            assert said == ()
    assert loaded(archive(x=X, y=Y, z=X, w=Y), "d.npz").said == ("/data/d.npz: z, w beside x and y is not used",)


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "other names": ({"X": X, "Y": Y}, "it must hold arrays x and y, one each, got X, Y"),
    "imaginary parts": ({"x": X + 0j, "y": Y}, "x must hold real numbers, got complex128"),
    "texts as features": ({"x": X.astype("U8"), "y": Y}, "x must hold real numbers, got <U8"),
    "dates": ({"x": X.astype("M8[s]"), "y": Y}, "x must hold real numbers, got datetime64"),
    "complex labels": ({"x": X, "y": Y + 1j}, "y must hold numbers or texts, got complex128"),
    "objects": (
        {"x": X, "y": np.array(["a", 1] * 10, dtype=object)},
        "y must hold plain numbers or texts, got objects",
    ),
    "fields": ({"x": np.zeros(20, [("a", "f8")]), "y": Y}, "x must hold plain numbers or texts, got [('a', '<f8')]"),
    "one-hot labels": ({"x": X, "y": np.eye(2)[Y]}, "got shapes (20, 3) and (20, 2)"),
    "labels in a column": ({"x": X, "y": Y[:, None]}, "got shapes (20, 3) and (20, 1)"),
    "images": ({"x": X[:, :, None], "y": Y}, "got shapes (20, 3, 1) and (20,)"),
    "a number": ({"x": np.float64(1), "y": np.float64(1)}, "got shapes () and ()"),
    "nothing": ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, "x must hold numbers or texts, got shape (0, 3)"),
    "no features": ({"x": np.zeros((20, 0)), "y": Y}, "x must hold numbers or texts, got shape (20, 0)"),
    "an empty label": ({"x": X, "y": np.where(Y == 1, "", "a")}, "the label of sample 2 is missing"),
    "huge numbers": ({"x": np.where(X[2, 1] == X, 1e101, X), "y": Y}, "sample 3, column x[:, 1]: must be in [-1e+100"),
    "nan": ({"x": np.where(X[2, 1] == X, np.nan, X), "y": Y}, "features must be finite, sample 3 has x[2, 1] = nan"),
    "infinite labels": ({"x": X, "y": np.where(Y == 1, np.inf, 0)}, "labels must be finite"),
}


@pytest.mark.parametrize("what", ODD)
def test_an_archive_of_another_form_is_refused_by_its_array(what: str) -> None:
    arrays, complaint = ODD[what]
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=True, **arrays)
    assert complaint in refused(stream.getvalue(), "d.npz")


def member(shape: str, dtype: str = "<f8", data: bytes = b"") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return stream.getvalue()


def marked_as_encrypted(content: bytes) -> bytes:
    """The archive with the flag of encryption in all of its headers."""
    marked = bytearray(content)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = marked.find(signature)
        while at >= 0:
            marked[at + flags] |= 1
            at = marked.find(signature, at + 1)
    return bytes(marked)


GOOD = archive(x=X, y=Y)


HOSTILE = {
    "cut short": GOOD[:-30],
    "cut in half": GOOD[: len(GOOD) // 2],
    "no archive": b"x" * 1000,
    "empty": b"",
    "a flipped bit": GOOD[:100] + bytes([GOOD[100] ^ 4]) + GOOD[101:],
    "encrypted": marked_as_encrypted(GOOD),
    "a huge shape": zipped({"x.npy": member("(1000000000000, 4)"), "y.npy": member("(4,)", data=bytes(32))}),
    "a shape beyond any": zipped({"x.npy": member(f"({10**300}, 4)"), "y.npy": member("(4,)", data=bytes(32))}),
    "a negative shape": zipped({"x.npy": member("(-1, 4)"), "y.npy": member("(4,)", data=bytes(32))}),
    "more bytes than its shape": zipped({"x.npy": member("(2, 2)", data=bytes(99)), "y.npy": member("(0,)")}),
    "a truth as a shape": zipped(
        {"x.npy": member("(True, 4)", data=bytes(32)), "y.npy": member("(1,)", data=bytes(8))}
    ),
    "an empty shape beyond any": zipped({"x.npy": member(f"({10**30}, 0)"), "y.npy": member("(1,)", data=bytes(8))}),
    "texts of no letters": zipped({"x.npy": member("(9, 9)", "<U0"), "y.npy": member("(9,)", data=bytes(72))}),
    "deep nesting": zipped({"x.npy": member("(" * 3000), "y.npy": member("(0,)")}),
    "a call as a shape": zipped({"x.npy": member("__import__('os').getpid()"), "y.npy": member("(0,)")}),
    "no header": zipped({"x.npy": b"", "y.npy": b""}),
    "a pickle": zipped({"x.npy": b"\x80\x04K\x01.", "y.npy": member("(0,)")}),
    "an unknown version": zipped({"x.npy": b"\x93NUMPY\x09\x00" + bytes(99), "y.npy": member("(0,)")}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_damaged_or_hostile_archive_is_refused_in_one_line(what: str) -> None:
    said = refused(HOSTILE[what], "d.npz")
    assert said.startswith(("it is no whole .npz archive (", "x ", "y ")), "what is wrong with which array"


def test_an_archive_that_unpacks_to_gigabytes_costs_no_memory() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        with made.open("x.npy", "w") as file:
            file.write(member("(50000000, 4)"))
            for _ in range(200):
                file.write(bytes(2**20))
        made.writestr("y.npy", member("(0,)"))
    tracemalloc.start()
    try:
        assert "x claims 200 MB, at most 128 are read" in refused(stream.getvalue(), "d.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_an_array_that_comes_twice_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made, pytest.warns(UserWarning, match="Duplicate name"):
        for name in ("x.npy", "y.npy", "x.npy"):
            made.writestr(name, member("(1,)", data=bytes(8)))
    assert "it must hold arrays x and y, one each" in refused(stream.getvalue(), "d.npz")
