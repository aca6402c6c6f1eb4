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
from ceas_ray.runs.folder import FREE, FREE_GROUPS, MLFLOW_STATUS, flat
from ceas_ray.runs.mlflow_model_content import has_model, model_of
from ceas_ray.tracking.mlflow_pages import NOTE
from ceas_ray.tracking.tracked_run import RunEnd, RunHead, TrackedModel, TrackedRound, UsedData

PARENT = "mlflow.parentRunId"
_ROUND = "round/"
_FILES = {
    "settings.yaml": "", "summary.json": "", "journal.jsonl": "", "timeline.json": "", NETWORK: "",
    "model.qasm": "circuits",
}  # fmt: skip
"""Files of a run folder that MLflow gets at the end of the run, and the folder that it keeps each in."""
_MAX_NAME, _MAX_PARAM = 120, 6000
_URI = "tracking.uri"
"""May hold a password."""
_SAID_IN_TAGS = ("runtime", "stop")
"""Settings that change no result: tags where they were named, since the params are what is compared."""
_NO_PARAM = (*FREE, "inputs", "study")
_NO_METRIC = ("round", "time")


def head_of(config: Mapping[str, Any], folder: Path, started: Mapping[str, Any]) -> RunHead:
    """Return what MLflow is given of a run that begins.

    config: as `settings.yaml` holds it. started: the first line of its journal.
    """
    choices = _origin(config)["choices"]
    commit = started.get("git_commit")
    tags = {
        **{_key(group): choice for group, choice in choices.items()},
        **_free_choices(config),
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
        params=params_of(config),
        tags=tags,
        began=float(started.get("time", 0.0)),
        data=UsedData(**data) if isinstance(data, dict) else None,
    )


def params_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return what may change a result: the choices of groups, then the seed, then all other settings.

    In this order, because MLflow's pages keep it.
    """
    choices, named = _origin(config)["choices"], _named(config)
    settings = {key: value for key, value in flat(config).items() if not _is_left_out(key, named)}
    chosen = {group: choice for group, choice in choices.items() if group not in FREE_GROUPS}
    first = {"seed": config.get("seed")}
    return {_key(key): _text(value)[:_MAX_PARAM] for key, value in (chosen | first | settings).items()}


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
    metrics = dict(numbers_in(summary))
    return RunEnd(
        status=MLFLOW_STATUS[summary["status"]],
        tags={
            "status": str(summary["status"]),
            "trace_digest": str(summary["trace_digest"]),
            NOTE: _description(config, folder, summary),
        },
        metrics=metrics,
        step=int(summary["rounds"]),
        ended=ended,
        files=files,
        model=_model(config, folder, summary, metrics) if has_model(folder) else None,
    )


def _model(
    config: Mapping[str, Any], folder: Path, summary: Mapping[str, Any], metrics: Mapping[str, float]
) -> TrackedModel:
    params = params_of(config)
    named = {key: params[key] for key in map(_key, _named(config)) if key in params}
    return model_of(folder, run_name(config), summary, params=params, metrics=metrics, named=named)


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


def _named(config: Mapping[str, Any]) -> list[str]:
    """Return the keys and groups that the command line named, in its order."""
    return [key_named_by(word) for word in _origin(config)["overrides"]]


def _is_left_out(key: str, named: Collection[str]) -> bool:
    """Return whether a setting is no param: what changes no result, or is said otherwise.

    The choice of a group says which class it is, unless the class is one of the keys that were named.
    """
    if key.rpartition(".")[2] == "_target_":
        return key not in named
    return key.partition(".")[0] in _NO_PARAM


def _free_choices(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that were named though they change no result, and tell runs apart nevertheless."""
    settings = flat({group: config.get(group) or {} for group in _SAID_IN_TAGS})
    return {_key(key): _text(settings[key]) for key in _named(config) if key in settings}


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
