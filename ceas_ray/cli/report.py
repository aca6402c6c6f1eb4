"""The command `ceas-report RUN... | SWEEP`: the results of runs as a page, figures for papers and tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED
from ceas_ray.config.errors import SettingsError, UnusableSettings
from ceas_ray.config.nearest import or_nearest
from ceas_ray.reports.file_names import FORMATS
from ceas_ray.runtime.interruption import answered


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report and print its comparison of settings. Return 0, or 2 for folders without runs."""
    parser = argparse.ArgumentParser(
        prog="ceas-report", description="Reports what runs came to: settings compared over seeds, charts, tables."
    )
    parser.add_argument("folder", nargs="+", help="of a run or of a sweep")
    parser.add_argument("--output", metavar="FOLDER", help="where to write (default: the run's or sweep's, or report)")
    parser.add_argument("--formats", default="html", help=f"any of {','.join(FORMATS)}, with commas (default: html)")
    chosen = parser.parse_args(arguments)
    return answered(lambda _: _reported(chosen))


def _reported(chosen: argparse.Namespace) -> int:
    from ceas_ray.reports.comparison_table import print_comparison
    from ceas_ray.reports.report import Report

    try:
        formats = _formats(chosen.formats)
        folders = [Path(word).absolute() for word in chosen.folder]
        output = Path(chosen.output) if chosen.output else folders[0] if len(folders) == 1 else Path("report")
        try:
            report = Report.of(folders)
            files = report.write(output.absolute(), formats)
        except ValueError as error:
            raise UnusableSettings("folder", " ".join(str(error).split())) from None
        except OSError as error:
            raise UnusableSettings("--output", f"{output} cannot be written: {error.strerror}") from None
        except Exception as error:  # files of runs are untrusted: a value of another type may surface anywhere
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise UnusableSettings("folder", f"the files of these runs hold what no run writes ({what})") from None
    except SettingsError as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    print_comparison(report.title, report.comparison)
    for file in files:
        print(file)
    return COMPLETED


def _formats(text: str) -> list[str]:
    formats = [word.strip() for word in text.split(",") if word.strip()]
    wrong = next((word for word in formats if word not in FORMATS), None)
    if wrong is not None or not formats:
        must = or_nearest(f"any of {', '.join(FORMATS)}", wrong or "", FORMATS)
        raise SettingsError("--formats", must, wrong or text)
    return formats


if __name__ == "__main__":
    sys.exit(main())
