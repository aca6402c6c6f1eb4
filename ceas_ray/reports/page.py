"""The report as one page of HTML that needs nothing else: no server, no network."""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd
import plotly.io
from plotly.offline import get_plotlyjs

from ceas_ray.reports.charts import Chart
from ceas_ray.reports.plotly_charts import figure_of
from ceas_ray.reports.run_files import RunFiles

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
    "td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}caption{text-align:left;color:#555}"
)


def page(
    title: str, runs: Sequence[RunFiles], tables: Sequence[tuple[str, pd.DataFrame]], charts: Sequence[Chart]
) -> str:
    """Return the page as HTML. tables: each with the caption above it."""
    body = [f"<h1>{html.escape(title)}</h1>"]
    for caption, table in tables:
        body += [f"<h2>{html.escape(caption)}</h2>", table.to_html(index=False, border=0, na_rep="", escape=True)]
    for chart in charts:
        shown = plotly.io.to_html(figure_of(chart), full_html=False, include_plotlyjs=False, div_id=chart.key)
        body.append(f"<section>{shown}</section>")
    body.append("<h2>Digests</h2><ul>")
    body += [
        f"<li><code>{html.escape(str(run.summary['trace_digest']))}</code> {html.escape(str(run.folder))}</li>"
        for run in runs
    ]
    body.append("</ul>")
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head><body>{''.join(body)}</body></html>"
    )
