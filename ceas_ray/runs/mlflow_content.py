"""What MLflow is given of a run: its name, params, tags, metrics, data, files and description, from its folder alone.

So a run that MLflow missed is sent afterwards as it would have been sent while it went on.
"""

from __future__ import annotations

import getpass
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ceas_ray.config.command_line import key_named_by
from ceas_ray.reports.file_names import FIGURES, NETWORK
from ceas_ray.reports.numbers import numbers_in
from ceas_ray.runs.folder import FREE, MLFLOW_STATUS, flat
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedRound, UsedData
from ceas_ray.training.trained_model import DESCRIPTION, PARAMETERS

NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
_ROUND = "round/"
_FILES = {
    "settings.yaml": "", "summary.json": "", "journal.jsonl": "", "timeline.json": "", NETWORK: "",
    PARAMETERS: "model_files", DESCRIPTION: "model_files", "model.qasm": "circuits",
}  # fmt: skip
"""Files of a run folder that MLflow gets at the end of the run, and the folder that it keeps each in."""
_MAX_NAME, _MAX_PARAM = 120, 6000
_URI = "tracking.uri"
"""May hold a password."""
_NO_METRIC = ("round", "time")


def head_of(config: Mapping[str, Any], folder: Path, started: Mapping[str, Any]) -> RunHead:
    """Return what MLflow is given of a run that begins.

    config: as `settings.yaml` holds it. started: the first line of its journal.
    """
    choices = _origin(config)["choices"]
    named = {key_named_by(word) for word in _origin(config)["overrides"]}
    settings = {key: value for key, value in flat(config).items() if not _is_left_out(key, named)}
    params = {_key(key): _text(value)[:_MAX_PARAM] for key, value in (settings | choices).items()}
    commit = started.get("git_commit")
    tags = {
        **{_key(group): choice for group, choice in choices.items()},
        "folder": str(folder),
        "settings_hash": str(started.get("settings_hash")),
        "mlflow.user": _user(),
        "mlflow.source.name": "ceas-ray",
        "mlflow.source.type": "LOCAL",
        **({"git_commit": str(commit), "mlflow.source.git.commit": str(commit)} if commit else {}),
        NOTE: _description(config, folder, None),
    }
    parent = (config.get("tracking") or {}).get("parent_run_id")
    tags |= {} if parent is None else {PARENT: str(parent)}
    data = started.get("data")
    return RunHead(
        name=run_name(config),
        params=params,
        tags=tags,
        began=float(started.get("time", 0.0)),
        data=UsedData(**data) if isinstance(data, dict) else None,
    )


def run_name(config: Mapping[str, Any]) -> str:
    """Return what tells a run apart: the words by which it differs from the default, and its seed."""
    origin = _origin(config)
    pairs = [_pair(word) for word in origin["overrides"]]
    pairs = [(key, value) for key, value in pairs if key != "seed" and key.partition(".")[0] not in FREE]
    last = Counter(key.rpartition(".")[2] for key, _ in pairs)
    words = []
    for key, value in pairs:
        short = key.rpartition(".")[2]
        chosen = key in origin["choices"]
        words.append(value if chosen else f"{short if last[short] == 1 else key}={value}")
    name = " ".join(words or ["default"])
    return f"{name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 3] + '...'} seed {config.get('seed')}"


def round_of(line: Mapping[str, Any]) -> TrackedRound:
    """Return the metrics of a round's line of the journal, each as `round/NAME`."""
    metrics = {f"{_ROUND}{name}": value for name, value in numbers_in(line) if name not in _NO_METRIC}
    return TrackedRound(step=int(line["round"]) + 1, ended=float(line.get("time", 0.0)), metrics=metrics)


def end_of(config: Mapping[str, Any], folder: Path, summary: Mapping[str, Any], ended: float) -> RunEnd:
    """Return what MLflow is given of a run that is over: every number of its summary under its dotted name."""
    files = [(folder / name, place) for name, place in _FILES.items() if (folder / name).exists()]
    if summary["status"] != "interrupted":  # which ends at once
        files += [(path, FIGURES) for path in _figures(folder)]
    has_model = all((folder / name).exists() for name in (DESCRIPTION, PARAMETERS))
    return RunEnd(
        status=MLFLOW_STATUS[summary["status"]],
        tags={
            "status": str(summary["status"]),
            "trace_digest": str(summary["trace_digest"]),
            NOTE: _description(config, folder, summary),
        },
        metrics=dict(numbers_in(summary)),
        step=int(summary["rounds"]),
        ended=ended,
        files=files,
        model=folder if has_model else None,
    )


def how_to_open(page: str, uri: str) -> str:
    """Return the line that says where the page of a run in the store `uri` is."""
    if uri.startswith("http"):
        return f"MLflow: {page}"
    return f"MLflow: {page} while `ceas-ui` runs (scripts/ui)"


def _figures(folder: Path) -> list[Path]:
    """Draw the figures of a run into its folder; none where that cannot be."""
    from ceas_ray.reports.report import draw_figures  # here, because pandas and Matplotlib take long to import

    try:
        return draw_figures(folder)
    except (ValueError, OSError):  # a run without a round, or a folder that cannot be written to
        return []


def _origin(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the settings came about; of a run whose settings do not say, nothing."""
    found = config.get("origin")
    origin = found if isinstance(found, Mapping) else {}
    return {"choices": dict(origin.get("choices") or {}), "overrides": list(origin.get("overrides") or ())}


def _is_left_out(key: str, named: Collection[str]) -> bool:
    """Return whether a setting is no param: what is said otherwise, or not to be shown.

    The folder is a tag. The choice of a group says which class it is, unless the class is one of the keys that were
    named.
    """
    if key.rpartition(".")[2] == "_target_":
        return key not in named
    return key in (_URI, "output") or key.partition(".")[0] in ("origin", "inputs")


def _pair(word: str) -> tuple[str, str]:
    return key_named_by(word), word.partition("=")[2]


def _key(name: str) -> str:
    """Return the name with what MLflow does not allow in one replaced."""
    return re.sub(r"[^\w\-. /:]", "_", name)[:250]


def _text(value: Any) -> str:
    """Return a value as the command line writes it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in some containers
        return "unknown"


def _description(config: Mapping[str, Any], folder: Path, summary: Mapping[str, Any] | None) -> str:
    """Return what the page of a run says of it, in Markdown."""
    origin = _origin(config)
    command = " ".join(["ceas-ray", *(word for word in origin["overrides"] if key_named_by(word) != _URI)])
    lines = [] if summary is None else [*_outcome(summary), ""]
    lines += ["| group | choice |", "|---|---|"]
    lines += [f"| {group} | {choice} |" for group, choice in sorted(origin["choices"].items())]
    return "\n".join([*lines, "", f"Command: `{command}`", "", f"Folder: `{folder}`"])


def _outcome(summary: Mapping[str, Any]) -> Sequence[str]:
    pairs = summary["bell_pairs"]
    centralized = summary.get("centralized_accuracy")
    beside = [f"chance {summary['chance_accuracy']:.3f}"]
    beside += [] if centralized is None else [f"centralized without noise {centralized:.3f}"]
    cause = f": {summary['cause']}" if summary.get("cause") else ""
    return [
        f"**Test accuracy {summary['test_accuracy']:.3f}** ({', '.join(beside)}); {summary['status']} after "
        f"{summary['rounds']} rounds{cause}.",
        "",
        f"{pairs['generated']:,} Bell pairs generated, {summary['bell_pair_utilization']:.1%} of them used; "
        f"{summary['demand_on_time']:.1%} of shots on time; {summary['simulated_seconds']:,.4g} simulated seconds.",
        "",
        f"Digest `{summary['trace_digest']}`",
    ]
