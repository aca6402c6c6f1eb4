"""Generates the reference of settings from their schema and from the comments in `conf/`.

The directive `settings` makes a table of the keys of a group: defaults, what each must be, what it means. The directive
`choices` lists what a group can be set to, and the parameters of policies.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import yaml
from docutils import nodes
from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ceas_ray.config.composition import composed
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.schema import Requirement, RunSettings
from ceas_ray.kernel.ranges import Range

_WITHIN_NULL = object()
"""The default of a key within a mapping that is null by default."""
_COMMENT = re.compile(r"\s#\s+(.*)$")
_MARKUP = re.compile(r"([\\*_\[\]<>$#{}])")


class Setting(NamedTuple):
    """A row of the table. default: in the configuration that `ceas-ray` composes without any override."""

    key: str
    default: Any
    must: str


class SettingsDirective(SphinxDirective):
    """Makes the table of a group, or of `run`: the keys in no group."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the group's docstring and the table."""
        name, defaults = self.arguments[0], composed([])
        if name == "run":
            model: Any = RunSettings
            found = [setting for setting in settings_of(RunSettings, defaults, "") if "." not in setting.key]
        else:
            model = _groups_in(RunSettings.model_fields[name].annotation)[0]
            found = list(settings_of(model, defaults[name], name))
        meanings = meaning_of_keys()
        lines = [
            _escaped(inspect.getdoc(model) or ""),
            "",
            "| key | default | must be | meaning |",
            "|---|---|---|---|",
        ]
        for setting in found:
            cells = (f"`{setting.key}`", _shown(setting.default), setting.must, _escaped(meanings.get(setting.key, "")))
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        return self.parse_text_to_nodes("\n".join(lines))


class ChoicesDirective(SphinxDirective):
    """Lists the files of a group in `conf/`: what they say of themselves, and the parameters of the policies."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a definition list."""
        lines: list[str] = []
        for path in sorted((conf_directory() / self.arguments[0]).glob("*.yaml")):
            first, *others = list(_description(path, self.arguments[0]))
            lines += [f"`{self.arguments[0]}={path.stem}`", f": {first}", *(f"\n  {other}" for other in others), ""]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both directives."""
    app.add_directive("settings", SettingsDirective)
    app.add_directive("choices", ChoicesDirective)
    return {"parallel_read_safe": True}


def settings_of(model: type[BaseModel], defaults: Any, within: str) -> Iterator[Setting]:
    """Yield the settings of a model, those of nested models under dotted keys."""
    for name, hint in get_type_hints(model, include_extras=True).items():
        if name not in model.model_fields:
            continue
        key = f"{within}.{name}" if within else name
        default = defaults[name] if isinstance(defaults, Mapping) else _WITHIN_NULL
        inner = _groups_in(hint)
        if not inner or type(None) in get_args(hint):
            yield Setting(key, default, _requirement(hint))
        for group in inner:
            yield from settings_of(group, default, key)


def _groups_in(hint: Any) -> list[type[BaseModel]]:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]


def _requirement(hint: Any) -> str:
    """Return in words what a value must be."""
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, Requirement):
                return _escaped(extra.text)
            if isinstance(extra, Range):
                return _escaped(f"{'an integer' if inner is int else 'a number'} {extra}")
        return _requirement(inner)
    if get_origin(hint) in (Union, UnionType):
        return " or ".join("null" if option is type(None) else _requirement(option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(f"`{option}`" for option in get_args(hint))
    if get_origin(hint) is tuple:
        return f"a list, each {_requirement(get_args(hint)[0])}"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return "a mapping of what follows"
    return {bool: "true or false", int: "an integer", float: "a number", str: "a text"}.get(hint, "a mapping")


@cache
def meaning_of_keys() -> dict[str, str]:
    """Return the comment behind each key of `conf/`; where several files of a group have one, that of the default."""
    main = conf_directory() / "config.yaml"
    found = dict(_comments(main, ""))
    entries = [entry for entry in yaml.safe_load(main.read_text(encoding="utf-8"))["defaults"] if entry != "_self_"]
    for group, default in (item for entry in entries for item in entry.items()):
        if group.startswith("override") or group == "experiment":
            continue
        files = sorted((conf_directory() / group).glob("*.yaml"), key=lambda path: (path.stem != default, path.stem))
        for path in files:
            found = dict(_comments(path, group)) | found
    return found


def _comments(path: Path, within: str) -> Iterator[tuple[str, str]]:
    """Yield each key that a file writes on a line of its own, with the comment on that line."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()

    def walk(node: Any, prefix: str) -> Iterator[tuple[str, str]]:
        for key, value in node.value:
            name = f"{prefix}.{key.value}" if prefix else str(key.value)
            if comment := _COMMENT.search(lines[key.start_mark.line]):
                yield name, comment[1]
            if isinstance(value, yaml.MappingNode) and not value.flow_style:
                yield from walk(value, name)

    root = yaml.compose(text, yaml.SafeLoader)
    return walk(root, within) if root else iter(())


def _description(path: Path, group: str) -> Iterator[str]:
    """Yield paragraphs on a choice: its comment, its policies, or else how it differs from what it builds on."""
    text = path.read_text(encoding="utf-8")
    content = yaml.safe_load(text) or {}
    comment = " ".join(line[2:] for line in text.splitlines() if line.startswith("# ") and "@package" not in line)
    paragraphs = [_escaped(comment)] if comment else []
    paragraphs += list(_policies_in(content, group.replace("/", "."), dict(_comments(path, group.replace("/", ".")))))
    bases = [entry for entry in content.get("defaults", []) if isinstance(entry, str) and entry != "_self_"]
    values = {name: value for name, value in content.items() if name not in ("defaults", "_target_")}
    if not paragraphs:
        written = ", ".join(f"`{name}: {_written(value)}`" for name, value in values.items())
        parts = [f"Like `{bases[0]}`" if bases else "", f"with {written}" if written else ""]
        paragraphs = [" ".join(part for part in parts if part) + "."]
    yield from paragraphs


def _policies_in(node: Any, key: str, comments: Mapping[str, str]) -> Iterator[str]:
    """Yield a paragraph for every policy of a configuration: its docstring, and a sentence for each parameter."""
    if not isinstance(node, Mapping):
        return
    if "_target_" in node and not node["_target_"].endswith((".UniformWeights", ".Truthful")):
        module, _, name = node["_target_"].rpartition(".")
        policy = getattr(import_module(module), name)
        yield " ".join([_escaped(_first_paragraph(policy)), *_parameters(policy, node, key, comments)])
    for name, value in node.items():
        yield from _policies_in(value, f"{key}.{name}", comments)


def _parameters(policy: type, node: Mapping[str, Any], key: str, comments: Mapping[str, str]) -> Iterator[str]:
    hints = get_type_hints(policy, include_extras=True)
    for name, value in node.items():
        if name == "_target_" or isinstance(value, Mapping) or "${" in str(value):
            continue
        comment = comments.get(f"{key}.{name}", "")
        meaning = f" ({_escaped(comment)})" if comment else ""
        yield f"`{key}.{name}`, {_requirement(hints[name])}, is {_shown(value)}{meaning}."


def _first_paragraph(policy: type) -> str:
    return (inspect.getdoc(policy) or "").partition("\n\n")[0].replace("\n", " ")


def _shown(default: Any) -> str:
    return "" if default is _WITHIN_NULL else f"`{_written(default)}`"


def _written(value: Any) -> str:
    """Return a value as YAML writes it on one line."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping) and "_target_" in value:
        return str(value["_target_"]).rpartition(".")[2]
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()


def _escaped(text: str) -> str:
    """Return a text such that Markdown shows it as it is, code in backticks aside."""
    parts = text.split("`")
    return "`".join(
        re.sub(r"([\\*_\[\]<>$#{}])", r"\\\1", part) if i % 2 == 0 else part for i, part in enumerate(parts)
    )
