"""Files of one's own data: read under stated rules, or refused in one line that names what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.training.tables import read_table
from tests.training.files import BODY, ROWS, X, Y, archive, loaded, refused

WRITTEN = {
    "as it is": BODY,
    "with names": "a,b,c,label\n" + BODY,
    "without an end": BODY.rstrip("\n"),
    "of Windows": BODY.replace("\n", "\r\n"),
    "of old Macs": BODY.replace("\n", "\r"),
    "with a byte-order mark": "\ufeff" + BODY,
    "with a byte-order mark and names": "\ufeffa,b,c,label\n" + BODY,
    "in UTF-16": ("a,b,c,label\n" + BODY).encode("utf-16"),
    "in UTF-32": BODY.encode("utf-32"),
    "with semicolons": BODY.replace(",", ";"),
    "with tabs": BODY.replace(",", "\t"),
    "with spaces": BODY.replace(",", " , "),
    "with quotes": "\n".join(",".join(f'"{cell}"' for cell in row.split(",")) for row in ROWS),
    "with empty lines": "\n\r\n" + BODY.replace("\n", "\n\n", 3) + " \n,,,\n",
    "as numpy.savetxt writes names": "# a,b,c,label\n" + BODY,
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_table_is_the_same_however_it_is_written(how: str) -> None:
    features, labels, _, said = loaded(WRITTEN[how])
    np.testing.assert_array_equal(features, X)
    assert np.array_equal(labels, Y)
    assert bool(said) == ("names" in how or how == "in UTF-16"), "a header is told of"


def test_numbers_are_read_to_the_last_bit() -> None:
    values = np.random.default_rng(2).normal(size=200) * 10.0 ** np.random.default_rng(3).integers(-99, 99, 200)
    features, *_ = loaded("".join(f"{value!r},{k % 2}\n" for k, value in enumerate(values.tolist())))
    np.testing.assert_array_equal(features[:, 0], values)


def test_labels_may_be_texts_and_are_numbered_in_their_order() -> None:
    features, labels, classes, _ = loaded("length,width,kind\n1,2,rose\n\n3,4.5,lily\n5,6,rose\n7,8, lily\n")
    np.testing.assert_array_equal(features, [[1, 2], [3, 4.5], [5, 6], [7, 8]])
    assert labels.tolist() == [1, 0, 1, 0] and classes == ("lily", "rose")
    assert loaded("1.5,inf\n2.5,none\n3,inf\n7,none\n")[1].tolist() == [0, 1, 0, 1]


BROKEN = {
    "a word": ("a,b\n1,0\nx,1\n", "line 3, column 'a': must be a number, got 'x'"),
    "a missing cell": (BODY.replace(ROWS[5], ",1,2,0"), "line 6, column 1: a number is missing, got ''"),
    "a missing cell in the first row": ("0.5,,1,0\n" + BODY, "line 1, column 2: a number is missing, got ''"),
    "a question mark in the first row": ("0.5,?,1,0\n" + BODY, "line 1, column 2: a number is missing, got '?'"),
    "a missing label": (BODY + "1,2,3,\n", "line 21, column 4: the label is missing"),
    "commas at the ends": (BODY.replace("\n", ",\n"), "line 1, column 5: the label is missing"),
    "a short row": (BODY + "1,2\n", "line 21, column 3: a number is missing"),
    "a long row": (BODY + "1,2,3,4,0\n", "line 21 has 5 cells, the first row has 4"),
    "a long row behind empty lines": ("\n\n" + BODY + "1,2,3,4,0\n", "line 23 has 5 cells, the first row has 4"),
    "a line behind a cell of two lines": ('"a\nb",b,c,d\n' + BODY + "x,1,1,0\n", "line 23, column"),
    "nan": ("1,0\nnan,1\n2,0\n3,1\n", "line 2, column 1: a number is missing, got 'nan'"),
    "infinity": ("1,0\n2,1\n-inf,0\n3,1\n", "line 3, column 1: must be finite, got '-inf'"),
    "overflow": ("1,0\n2,1\n1e999,0\n3,1\n", "line 3, column 1: must be finite, got '1e999'"),
    "a decimal comma": (BODY.replace(",", ";").replace(".", ","), "line 1, column 1: numbers are written with a point"),
    "an imaginary part": ("1,0\n2+3j,1\n", "must be a number, got '2+3j'"),
    "an underscore": ("1,0\n1_0,1\n", "must be a number, got '1_0'"),
    "names again": (BODY + "a,b,c,label\n" + BODY, "line 21, column 1: must be a number, got 'a'"),
    "a label in front": ("kind,a,b\nham,1,2\nspam,3,4\n", "line 2, column 'kind': must be a number, got 'ham'"),
    "an open quote": ('1,0\n"2,1\n3,0\n', "line 2: a quoted cell does not end"),
    "a lonely class": ("1,0\n2,1\n2,1\n", "at least two classes of at least two samples each are needed, got 1 of 0"),
    "one class": ("1,0\n2,0\n", "at least two classes"),
    "labels of nan": ("1,0\n2,nan\n", "line 2, column 2: the label is missing, got 'nan'"),
    "many classes": ("".join(f"{k * k},{k}\n" for k in range(99)), "and 89 more"),
    "names alone": ("a,b\n", "it has no rows below the names of its columns"),
    "nothing": ("", "it has no rows"),
    "blanks": (" \n\n", "it has no rows"),
    "one column": ("1\n2\n", "line 1 has 1 cell"),
    "spaces between cells": ("1 0\n2 1\n", "has 1 cell, at least a feature and a label"),
    "zero bytes": ("1,0\n\x00,1\n", "a file with zero bytes"),
    "another encoding": ("größe,label\n1,0\n".encode("latin-1"), "a text in UTF-8, line 1 is not"),
    "a cut character": (BODY.encode() + b"\xff", "a text in UTF-8, line 21 is not"),
    "labels of numbers and texts": (BODY + "1,2,3,one\n", "line 21, column 4: labels must be finite numbers or texts"),
    "labels of numbers and infinity": (
        BODY + "1,2,3,inf\n",
        "line 21, column 4: labels must be finite numbers or texts",
    ),
    "labels that floats cannot tell apart": (
        BODY + "1,2,3,9007199254740993\n" * 2,
        "line 21, column 4: labels must be in (-2^53, 2^53), or texts",
    ),
    "a label of nothing among texts": (
        "a,b\n1,x\n2,NA\n3,x\n4,NA\n",
        "line 3, column 'b': the label is missing, got 'NA'",
    ),
    "a huge number": (BODY + "-1e101,0,0,0\n", "sample 21, column 1: must be in [-1e+100, 1e+100], got -1e+101"),
    "a header with a number": (
        "a,2,c,label\n" + BODY,
        "column 1: must be a number, got 'a' (the line names no columns",
    ),
    "one name for two columns": ("a,b,a,label\n" + BODY, "columns 1 and 3 have the same name, 'a'"),
    "the label as a feature, too": ("a,b,label,label\n" + BODY, "columns 3 and 4 have the same name, 'label'"),
    "an index of pandas reset": ("a,index,c,label\n" + BODY, "column 2 is called 'index': an index is no feature"),
    "a nameless index further on": ("a,b,Unnamed: 2,label\n" + BODY, "column 3 is called 'Unnamed: 2': an index is no"),
    "more columns than are read": (
        "0.5," * 100_000 + "1\n",
        "line 1 has 100001 cells, a table may have 100000 columns",
    ),
    "a label in the first column": (
        "label,a,b,c\n" + "".join(f"{row[-1]},{row[:-2]}\n" for row in ROWS),
        "in the last column, where the labels are",
    ),
    "a cell of a million letters": ("a" * 10**6 + ",2,3,1\n" + BODY, "column 1: must be a number, got 'aaa"),
    "a name of a million letters": ("a" * 10**6 + ",b,c,d\nx" + BODY, "line 2, column 'aaa"),
    "a nameless column": ("a,,label\n1,2,0\n", "column 2 has no name in the first line"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_table_is_refused_by_its_line(what: str) -> None:
    content, complaint = BROKEN[what]
    assert complaint in refused(content)


@pytest.mark.parametrize("start", [0, 1, 40])
@pytest.mark.parametrize("header", ["", ",a,b,c,label\n", "Unnamed: 0,a,b,c,label\n", "id,a,b,c,label\n"])
def test_an_index_is_no_feature(start: int, header: str) -> None:
    said = refused(header + "".join(f"{start + k},{row}\n" for k, row in enumerate(ROWS)))
    assert "an index is no feature" in said
    assert ("'id'" if header.startswith("id") else "column 1") in said


def test_an_index_without_order_is_known_by_its_missing_name() -> None:
    assert "column 1 has no name" in refused(
        ",a,b,c,label\n" + "".join(f"{7 * k % 20},{r}\n" for k, r in enumerate(ROWS))
    )


def test_an_index_is_found_when_the_samples_are_shuffled() -> None:
    numbers = np.random.default_rng(4).permutation(20) + 3
    assert "column 'n' only numbers the samples (3 to 22)" in refused(
        "n,a,b,c,label\n" + "".join(f"{n},{row}\n" for n, row in zip(numbers, ROWS, strict=True))
    )
    assert "column 1 only numbers" in refused("".join(f"{20 - k},{row}\n" for k, row in enumerate(ROWS)))


def test_a_whole_number_that_repeats_or_leaves_gaps_is_a_feature() -> None:
    for numbers in ([k // 2 for k in range(20)], [3 * k for k in range(20)], [k * k for k in range(20)]):
        features, *_ = loaded("".join(f"{n},{row}\n" for n, row in zip(numbers, ROWS, strict=True)))
        assert features[:, 0].tolist() == numbers


@pytest.mark.slow
def test_a_table_may_have_many_columns() -> None:
    wide = np.random.default_rng(5).normal(size=(4, 20_000)).round(5)
    text = "".join(",".join(map(repr, row)) + f",{k % 2}\n" for k, row in enumerate(wide.tolist()))
    np.testing.assert_array_equal(loaded(text)[0], wide)
    names = ",".join(f"gene{n}" for n in range(20_000))
    features, _, _, said = loaded(f"{names},kind\n{text}")
    np.testing.assert_array_equal(features, wide)
    assert len(said[0]) < 200


def test_a_name_may_hold_the_separators_of_other_tables_and_a_line_end() -> None:
    features, _, _, said = loaded('"a, in m";"b\nin kg\tor so";c;"kind; or so"\n' + BODY.replace(",", ";"))
    np.testing.assert_array_equal(features, X)
    assert "\n" not in said[0]


def test_whole_numbers_and_decimals_are_the_same_label() -> None:
    assert loaded("1.5,1\n2.5,2\n3,1.0\n7,2.00\n")[1].tolist() == [0, 1, 0, 1]
    assert loaded("1.5,-1\n2.5,1\n3,-1\n7,1\n")[1].tolist() == [0, 1, 0, 1]
    far = "1.5,{0}\n2.5,{1}\n3,{0}\n7,{1}\n".format(2**53 - 1, 2**53 - 2)
    assert loaded(far)[1].tolist() == [1, 0, 1, 0]


def test_an_index_is_found_in_any_column_and_in_archives() -> None:
    assert "column 2 only numbers the samples (5 to 24)" in refused(
        "".join(f"0.{k % 7},{k + 5},{k % 2}\n" for k in range(20))
    )
    assert "column x[:, 3] only numbers the samples" in refused(archive(x=np.c_[X, np.arange(20)], y=Y), "d.npz")


@pytest.mark.parametrize("numbers", ["0,1,2,3", "1,2,3,4", "0,1,2,label", "0,1,2,1", "0.0,1.0,2.0,3.0"])
def test_a_first_line_that_numbers_the_columns_is_no_sample(numbers: str) -> None:
    assert "line 1 seems to number the columns" in refused(f"{numbers}\n{BODY}")
    whole = "".join(f"{k % 5},{k % 3},{k % 7},{k % 2}\n" for k in range(20))
    assert "line 1 seems to number the columns" in refused(f"{numbers}\n{whole}")


def test_a_first_sample_that_happens_to_count_is_a_sample() -> None:
    assert "seems to number" in refused("0,1\n" + "".join(f"{k / 7},{k % 2}\n" for k in range(20)))
    assert len(loaded("0,1\n1,1\n1,0\n0,0\n")[0]) == 4
    assert len(loaded("0,1,1\n0,0,0\n1,0,1\n1,1,0\n")[0]) == 4
    assert len(loaded("1,0\n" + "".join(f"{k / 7},{k % 2}\n" for k in range(20)))[0]) == 21


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.text("0123456789.,;\t\"'\n\r -eE+naif#?", max_size=200).map(str.encode)))
def test_any_bytes_are_a_table_or_one_line(content: bytes) -> None:
    try:
        table = read_table(content)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert table.cells.shape == (len(table.lines), table.width)
