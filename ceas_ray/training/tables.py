"""Tables as text: comma-, semicolon- or tab-separated cells, one line a row, read under stated rules.

A first line is a header if no cell of it is a number. Empty lines count for nothing. Encodings: UTF-8, or UTF-16 and
UTF-32 with a byte-order mark, which belongs to no cell.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SEPARATORS = ("\t", ";", ",")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_NUMBER = re.compile(r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)\s*", re.IGNORECASE)
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,15}\s*")
_MISSING = ("", "?", "na", "n/a", "nan", "null", "none", "-")


@dataclass(frozen=True)
class Table:
    """Rows of a file below its header. header: the names of columns, or None; cells: (rows, columns) of text, stripped;
    lines: of each row, the number of its line in the file.
    """

    header: tuple[str, ...] | None
    cells: NDArray[np.object_]
    lines: NDArray[np.int64]

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.cells.shape[1])

    def name(self, column: int) -> str:
        """What to call a column: its name in the header, or its number from 1."""
        named = self.header is not None and self.header[column]
        return f"{self.header[column]!r}" if named and self.header is not None else f"{column + 1}"

    def numbers(self, column: int) -> NDArray[np.float64]:
        """A column of finite numbers, shape (rows,); ValueError that names the line and the cell if one is none."""
        texts = self.cells[:, column]
        for line, text in zip(self.lines, texts, strict=True):
            if not is_number(text) or not np.isfinite(float(text)):
                raise ValueError(f"line {line}, column {self.name(column)}: {_complaint(text)}")
        return np.array([float(text) for text in texts], dtype=np.float64)


def is_number(text: str) -> bool:
    """Whether a cell is a number as tables write it: digits with a point, an exponent, inf and nan; no underscores."""
    return _NUMBER.fullmatch(text) is not None


def whole_number(text: str) -> int | None:
    """The whole number in a cell, or None if it holds anything else."""
    return int(text) if _WHOLE.fullmatch(text) else None


def _complaint(text: str) -> str:
    if text.lower() in _MISSING:
        return f"a number is missing, got {text!r}"
    if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text):
        return f"numbers are written with a point, got {text!r}"
    return f"{'must be finite' if is_number(text) else 'must be a number'}, got {text!r}"


def read_table(content: bytes) -> Table:
    """Read the content of a file as a table; ValueError, naming the line, for what is none.

    The separator is the one of tab, semicolon and comma that splits the first line into most cells.
    """
    text = _decoded(content)
    if "\0" in text:
        raise ValueError("it must be a text, got a file with zero bytes")
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), None)
    if first is None:
        raise ValueError("it has no samples")
    cells, lines = _rows(text, _separator(first))
    if not len(cells):
        raise ValueError("it has no samples")
    header = None
    if not any(is_number(cell) for cell in cells[0]):
        header, cells, lines = tuple(cells[0]), cells[1:], lines[1:]
    if not len(cells):
        raise ValueError("it has no samples")
    return Table(header, cells, lines)


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"it must be a text in {encoding.removesuffix('-sig').upper()}, line {line} is not") from None


def _separator(line: str) -> str:
    def cells(separator: str) -> int:
        return len(next(csv.reader([line.strip("\r\n")], delimiter=separator), []))

    try:
        best = max(_SEPARATORS, key=cells)
        return best if cells(best) > 1 else ","
    except csv.Error as error:
        raise ValueError(f"the first line is no row of a table ({error})") from None


def _rows(text: str, separator: str) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Cells (rows, columns) and line numbers (rows,), without empty lines."""
    import pandas as pd

    start = len(text) - len(text.lstrip())  # the reader takes the width of the table from the first line
    start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = len(text[:start].splitlines())
    try:
        frame = pd.read_csv(
            io.BytesIO(text[start:].encode()), sep=separator, header=None, index_col=False, dtype=object,
            na_filter=False, skip_blank_lines=False, on_bad_lines="error", engine="c",
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise ValueError(_in_one_line(str(error), before)) from None
    cells = np.array([[cell.strip() for cell in row] for row in frame.to_numpy(dtype=object)], dtype=object)
    breaks = [sum(cell.count("\n") for cell in row) for row in cells] if '"' in text else [0] * len(cells)
    lines = before + 1 + np.arange(len(cells)) + np.concatenate([[0], np.cumsum(breaks[:-1], dtype=np.int64)])
    filled = (cells != "").any(axis=1)
    return cells[filled], lines[filled]


def _in_one_line(message: str, before: int) -> str:
    """What the reader complains of, with the number of the line in the whole file."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        return f"line {int(found[2]) + before} has {found[3]} cells, the first row has {found[1]}"
    if found := re.search(r"EOF inside string starting at row (\d+)", message):
        return f"line {int(found[1]) + 1 + before}: a quoted cell does not end"
    return " ".join(message.split())
