"""Tables as text: comma-, semicolon- or tab-separated cells, one line a row, read under stated rules.

A first line is a header if no cell of it is a number. Empty lines count for nothing. Encodings: UTF-8, or UTF-16 and
UTF-32 with a byte-order mark, which belongs to no cell.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.numbers_in_text import is_number

_SEPARATORS = ("\t", ";", ",")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_RECORD = re.compile(r'(?:[^"\r\n]|"[^"]*"|")*')
"""A line, with what is between quotes even where that goes on in the next one."""
MAX_COLUMNS = 100_000
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
        """Return the number of columns."""
        return int(self.cells.shape[1])

    def name(self, column: int) -> str:
        """Return what to call a column: its name in the header, or its number from 1."""
        named = self.header is not None and self.header[column]
        return shortened(self.header[column]) if named and self.header is not None else f"{column + 1}"

    def numbers(self, column: int) -> NDArray[np.float64]:
        """Return a column of finite numbers, shape (rows,).

        Raises ValueError, which names the line and the cell, for a cell that is not a number.
        """
        texts = self.cells[:, column]
        for line, text in zip(self.lines, texts, strict=True):
            if not is_number(text) or not np.isfinite(float(text)):
                where = f"line {line}, column {self.name(column)}"
                raise ValueError(f"{where}: {_complaint(text)}{self._why_no_header(line)}")
        return np.array([float(text) for text in texts], dtype=np.float64)

    def _why_no_header(self, line: int) -> str:
        """Return why a first line that is no row of numbers was not read as names, either."""
        number = next((cell for cell in self.cells[0] if is_number(cell)), None)
        if self.header is not None or line != self.lines[0] or number is None:
            return ""
        return f" (the line names no columns, since {shortened(number)} is a number)"


def shortened(text: str) -> str:
    """Return the text as Python writes it, shortened to 60 characters."""
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}..."


def _complaint(text: str) -> str:
    if text.lower() in _MISSING:
        must = "a number is missing"
    elif re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text):
        must = "numbers are written with a point"
    else:
        must = "must be finite" if is_number(text) else "must be a number"
    return f"{must}, got {shortened(text)}"


def read_table(content: bytes) -> Table:
    """Read the content of a file as a table; raise ValueError, which names the line, for anything else.

    The separator is the one of tab, semicolon and comma that splits the first line into most cells.
    """
    text = _decoded(content)
    if "\0" in text:
        raise ValueError("it must be a text, got a file with zero bytes")
    cells, lines = _rows(text)
    if not len(cells):
        raise ValueError("it has no rows")
    header = None
    if not any(is_number(cell) for cell in cells[0]):
        header, cells, lines = tuple(cells[0]), cells[1:], lines[1:]
    if not len(cells):
        raise ValueError("it has no rows below the names of its columns")
    return Table(header, cells, lines)


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"it must be a text in {encoding.removesuffix('-sig').upper()}, line {line} is not") from None


def _separator(text: str) -> tuple[str, int]:
    """Return the separator, and how many cells it makes of the first line."""
    first = _RECORD.match(text)
    bare = re.sub(r'"[^"]*"?', "", first[0] if first else "")
    best = max(_SEPARATORS, key=bare.count)
    return (best, bare.count(best) + 1) if best in bare else (",", 1)


def _rows(text: str) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return cells (rows, columns) and line numbers (rows,), without empty lines."""
    import pandas as pd

    start = len(text) - len(text.lstrip())  # the reader takes the width of the table from the first line
    start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = len(text[:start].splitlines())
    if not (content := text[start:]).strip():
        return np.empty((0, 0), dtype=object), np.empty(0, dtype=np.int64)
    separator, width = _separator(content)
    if width > MAX_COLUMNS:
        raise ValueError(f"line {before + 1} has {width} cells, a table may have {MAX_COLUMNS} columns")
    try:
        frame = pd.read_csv(
            io.BytesIO(content.encode()), sep=separator, header=None, index_col=False, dtype=object,
            na_filter=False, skip_blank_lines=False, on_bad_lines="error", engine="c",
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise ValueError(_in_one_line(str(error), before)) from None
    cells = frame.to_numpy(dtype=object, copy=True)
    for column in cells.T:
        column[:] = [cell.strip() for cell in column]
    breaks = [sum(cell.count("\n") for cell in row) for row in cells] if '"' in text else [0] * len(cells)
    lines = before + 1 + np.arange(len(cells)) + np.concatenate([[0], np.cumsum(breaks[:-1], dtype=np.int64)])
    filled = (cells != "").any(axis=1)
    return cells[filled], lines[filled]


def _in_one_line(message: str, before: int) -> str:
    """Return the reader's complaint in one line, with the number of the line in the whole file."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        return f"line {int(found[2]) + before} has {found[3]} cells, the first row has {found[1]}"
    if found := re.search(r"EOF inside string starting at row (\d+)", message):
        return f"line {int(found[1]) + 1 + before}: a quoted cell does not end"
    return " ".join(message.split())
