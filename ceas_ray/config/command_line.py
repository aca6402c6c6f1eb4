"""The words of a command line, each checked by itself, so that an error names the wrong word."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from ceas_ray.config.errors import NOTHING, SettingsError
from ceas_ray.config.nearest import or_nearest

_LINE = "command line"
_FLAGS = {"-m": "--multirun", "-r": "--run", "--resolve": "--resolve", "--hydra-help": "--hydra-help"}
_WITH_VALUE = {"-c": "--cfg", "-p": "--package", "-cd": "--config-dir", "-i": "--info"}
_VALUES = {
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
_COMPLETION = ("-sc", "--shell-completion")
_REFUSED = {
    "--config-name": "--config-dir FOLDER, which adds configurations of your own to the one that ceas-ray has",
    "--config-path": "--config-dir FOLDER, which adds configurations of your own to those of ceas-ray",
    "--experimental-rerun": "resume=RUN, which goes on with a run, or verify=RUN, which replays it",
}
_SHORT_REFUSED = {"-cn": "--config-name", "-cp": "--config-path"}
_OTHERS = ("--help", "--version", "--shell-completion")
_LONG = (*_FLAGS.values(), *_WITH_VALUE.values(), *_OTHERS)
_PLAIN = re.compile(r"[A-Za-z0-9_./:*%@?|+-]")
_KEY = re.compile(r"(?:\+{1,2}|~)?[\w./@:$-]+")
_UNREADABLE = (HydraException, ValueError, TypeError, AssertionError, RecursionError)
"""Exceptions that Hydra's parser raises for a word that it cannot read."""
_MAX_CHARACTERS = 20_000
"""Maximum for all words of a command together: Hydra takes 2 s for a list of this length, and 8 s for twice that."""
_MAX_KEY = 200
_MAX_SHOWN = 200
"""Maximum number of characters of a value that an error repeats."""
_SAME_FOLDER = {False: "hydra.run.dir", True: "hydra.sweep.dir"}
"""Hydra's name for `output`, in a run and in a sweep."""
_LISTS = ("hydra.sweeper.objective", "hydra.sweeper.direction")
"""Settings of a sweeper for which `a,b` is one list, and not two values to try."""


@dataclass(frozen=True)
class CommandLine:
    """Options for Hydra, overrides (in their order), and whether they make a sweep.

    runs: whether anything is to be run, as opposed to shown.
    """

    options: tuple[str, ...]
    overrides: tuple[str, ...]
    sweep: bool
    runs: bool

    @classmethod
    def of(cls, words: Sequence[str]) -> CommandLine:
        """Read the words after the command's name. Raises SettingsError for the first wrong one.

        `--config-dir` becomes an entry of `hydra.searchpath`. What Hydra calls `hydra.run.dir`, and in a sweep
        `hydra.sweep.dir`, is `output` here; either name may be given.
        """
        if any(word in _COMPLETION for word in words):
            return cls(tuple(words), (), False, False)
        _refuse_too_long(words)
        options, overrides, folders = _divided(words)
        parsed = [parsed_word(word) for word in overrides]
        sweep = "--multirun" in options
        for override in parsed:
            _refuse_several_values(override, sweep)
        overrides = _with_search_path(_with_lists(_with_one_output(overrides, parsed, sweep)), folders)
        shown = {"--cfg", "--info", "--hydra-help"} & set(options)
        return cls(tuple(options), tuple(overrides), sweep, not shown)


def _refuse_too_long(words: Sequence[str]) -> None:
    length = sum(map(len, words))
    if length > _MAX_CHARACTERS:
        must = f"of at most {_MAX_CHARACTERS:,} characters in all; what is longer goes into a file of a group"
        raise SettingsError("command line", must, length)


def _refuse_long_key(word: str) -> None:
    """Raise SettingsError for a key that Hydra would look for among files, whose names are shorter."""
    if len(key_named_by(word)) > _MAX_KEY:
        raise SettingsError(_LINE, f"words key=value whose key has at most {_MAX_KEY} characters", word)


def key_named_by(word: str) -> str:
    """Return the key of an override, without the signs that add or delete it."""
    return word.lstrip("+~").partition("=")[0]


def parsed_word(word: str) -> Override:
    """Return an override as Hydra reads it. Raises SettingsError, which says how to write it, if Hydra cannot."""
    _refuse_long_key(word)
    try:
        return _parsed(word)
    except _UNREADABLE as error:
        raise _unreadable(word, error) from None


def _parsed(word: str) -> Override:
    return OverridesParser.create().parse_overrides([word])[0]


def _divided(words: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Divide words into options by their long names, overrides, and folders of configurations."""
    options: list[str] = []
    overrides: list[str] = []
    folders: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            overrides.append(word)
            continue
        name, given, value = word.partition("=")
        name = _FLAGS.get(name) or _WITH_VALUE.get(name) or _SHORT_REFUSED.get(name) or name
        if name in _REFUSED:
            raise SettingsError(_LINE, _REFUSED[name], word)
        if name in _WITH_VALUE.values():
            value = _value_of(name, value if given else None, waiting)
            if name == "--config-dir":
                folders.append(value)
            else:
                options += [name, value]
        elif name in _FLAGS.values() and not given:
            options.append(name)
        else:
            raise SettingsError(_LINE, or_nearest("key=value or an option that --help shows", name, _LONG), word)
    return options, overrides, folders


def _value_of(name: str, value: str | None, waiting: list[str]) -> str:
    """Return the value of an option: the text after its `=`, or else the next word."""
    choices = _VALUES.get(name, ())
    if value is None and name == "--info" and (not waiting or waiting[0] not in choices):
        return "all"
    if value is None and not waiting:
        raise SettingsError(name, f"followed by {' or '.join(choices) if choices else 'a name'}", NOTHING)
    value = waiting.pop(0) if value is None else value
    if choices and value not in choices:
        raise SettingsError(name, or_nearest(f"one of {', '.join(choices)}", value, choices), value)
    if name == "--config-dir" and not os.path.isdir(value):  # False for a name that is too long, too
        raise SettingsError(name, "an existing folder", value)
    return value


def _refuse_several_values(override: Override, sweep: bool) -> None:
    if sweep or not override.is_sweep_override() or override.input_line is None:
        return
    key, _, value = override.input_line.partition("=")
    is_text = override.is_choice_sweep() and _can_be_shown(value)
    quote = f"; a text with a comma is written {_quoted(key, value)}" if is_text else ""
    raise SettingsError(key, f"one value, or with -m several{quote}", value)


def _with_one_output(overrides: Sequence[str], parsed: Sequence[Override], sweep: bool) -> list[str]:
    """Name the folder by the key for this kind of command. Raises SettingsError if its two keys name two folders."""
    theirs = _SAME_FOLDER[sweep]
    kept, ours = (theirs, "output") if sweep else ("output", theirs)
    named = [override for override in parsed if override.key_or_group in ("output", theirs)]
    found = {override.key_or_group: str(override.input_line).partition("=")[2] for override in named}
    if len(found) == 2 and found["output"] != found[theirs]:
        raise SettingsError(theirs, f"left out, or the same as output={found['output']}", found[theirs])
    made = [word for word, o in zip(overrides, parsed, strict=True) if o.key_or_group not in ("output", theirs)]
    return [*made, *(f"{kept}={value}" for value in [found.get(kept, found.get(ours))] if value is not None)]


def _with_lists(overrides: Sequence[str]) -> list[str]:
    words = [word.partition("=") for word in overrides]
    return [
        f"{key}=[{value}]" if key in _LISTS and "," in value and not value.startswith("[") else f"{key}{sign}{value}"
        for key, sign, value in words
    ]


def _with_search_path(overrides: list[str], folders: Sequence[str]) -> list[str]:
    if not folders:
        return overrides
    key = "hydra.searchpath="
    given = [word.removeprefix(key).strip("[]") for word in overrides if word.startswith(key)]
    places = [*(f'"file://{Path(folder).absolute()}"' for folder in folders), *(place for place in given if place)]
    return [*(word for word in overrides if not word.startswith(key)), f"{key}[{','.join(places)}]"]


def _unreadable(word: str, error: Exception) -> SettingsError:
    key, given, value = word.partition("=")
    if not given:
        return SettingsError(
            _LINE, f"words of the form key=value, as in {key if _KEY.fullmatch(key) else 'seed'}=VALUE", word
        )
    if not _KEY.fullmatch(key) or not key.isascii():
        return SettingsError(_LINE, "words key=value whose key is made of letters, digits, dots and slashes", word)
    odd = "".join(dict.fromkeys(c for c in value if not _PLAIN.fullmatch(c)))
    unquoted = odd and value[:1] not in ("'", '"') and _can_be_shown(value)
    if unquoted and _is_readable(f"{key}={_marked_text(value)}"):
        holds = " and ".join(map(repr, odd[:3]))
        return SettingsError(key, f"written {_quoted(key, value)}, since it holds {holds}", value)
    why = " ".join(str(error).split())[:120].encode(errors="backslashreplace").decode()
    return SettingsError(key, f"a value that Hydra can read ({why})", value)


def _can_be_shown(value: str) -> bool:
    """Return whether advice that repeats this value fits on a line."""
    return value.isprintable() and len(value) <= _MAX_SHOWN


def _is_readable(word: str) -> bool:
    try:
        _parsed(word)
    except _UNREADABLE:
        return False
    return True


def hydra_text(value: str, mark: str = "'") -> str:
    """Return a value as quoted text that Hydra takes literally."""
    escaped = re.sub(rf"(\\*)({mark}|\Z)", lambda found: found[1] * 2 + (f"\\{mark}" if found[2] else ""), value)
    return f"{mark}{escaped}{mark}"


def _marked_text(value: str) -> str:
    """Return the value as quoted text, in quotation marks that need no escape where possible."""
    return hydra_text(value, "'" if '"' in value and "'" not in value else '"')


def _quoted(key: str, value: str) -> str:
    """Return the override quoted for Hydra and for the shell."""
    return shlex.quote(f"{key}={_marked_text(value)}")
