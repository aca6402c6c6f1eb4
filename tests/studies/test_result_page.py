"""The HTML page of an experiment."""

from __future__ import annotations

from pathlib import Path

from ceas_ray.studies.result_page import bullets, table_of, write_html


def test_texts_are_escaped_wherever_they_stand(tmp_path: Path) -> None:
    assert bullets(["a < b"]) == "<ul><li>a &lt; b</li></ul>"
    table = table_of([{"a & b": "<i>"}])
    assert table == "<table><tr><th>a &amp; b</th></tr><tr><td>&lt;i&gt;</td></tr></table>"
    page = write_html(tmp_path, "R & D", {"form": "<quick>"}, [table]).read_text()
    assert "<title>R &amp; D</title>" in page
    assert "form: &lt;quick&gt;" in page
    assert table in page


def test_numbers_have_four_digits_and_no_rows_make_no_table() -> None:
    assert "<td>0.1235</td><td>7</td>" in table_of([{"share": 0.123456, "count": 7}])
    assert table_of([]) == ""
