"""Random command lines over the schema: valid, on the border, out of range, of a wrong type, and no settings at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ceas_ray.config.conf_path import conf_directory
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.kernel.ranges import Range
from tests.config.schema_leaves import LEAVES, POLICIES, leaves_of

Texts = SearchStrategy[str]

GROUPS = {
    group.name: sorted(path.stem for path in group.glob("*.yaml"))
    for group in sorted(conf_directory().iterdir())
    if group.is_dir()
}
CHARACTERS = "aZ09 _-.,:;=+~?*/\\'\"`$@!#%&|<>()[]{}\t\néß漢\U0001f600\u202e\ud7ff\x00"
NOT_NUMBERS = [
    "inf", "-inf", "nan", "NaN", "1e999", "-1e999", "1" * 400, "0x10", "1_000", "1e", "", "null", "true", "many", "[]",
    "[1]", "[1,2]", "{}", "{a:1}", "'3'", '"3"', "1,2", "range(1,3)", "choice(1,2)", "${seed}", "${no.such}",
    "${oc.env:HOME}",
    "3+4j", "½", "٣", "\u22121", "1e-400", "-0.0", "08", "1__0", ".", "~", "None", "0b1", "1/2",
]  # fmt: skip
NOT_WORDS = [
    "", " ", "null", "true", "3", "1.5", "[]", "[a]", "{a:b}", "'", '"', "\\", "é", "漢字", "a" * 3000, "a b", "a\tb",
    "a\nb", "${seed}", "${training}", "???", "a=b", "../..", "/", ".", "file:///x", "http://x", "%", "?", "*", "-1",
    "/dev/null", "/dev/zero", "/dev/stdin", "/proc/self/mem", "/nowhere/x", "~", "\u202eabc", "interval(1,2)", "nan",
]  # fmt: skip
ODD = [
    "", "=", "==", "a", "a=", "=a", "-", "--", "-x", "+", "++", "~", "+=", "~=", "+a=1", "++a=1", "~a", "a.b.c.d=1",
    ".=1", "..=1", ".a=1", "a.=1", "a..b=1", "training=", "training=null", "training=3", "training={}", "training=[]",
    "~training", "~seed", "~training.rounds", "+seed=3", "++seed=3", "training.data=null", "training.data={}",
    "training.data.classes=3", "+training.new=3", "links@x=nv", "training@=digits_38", "training@_global_=digits_38",
    "+training=digits_38", "+links=nv", "~links", "~links=nv", "hydra=x", "hydra.run.dir=x", "hydra/launcher=basic",
    "+hydra.x=1", "hydra={}", "experiment=headline", "experiment=null", "experiment=[none,oblivious]",
    "network=[line,grid]", "links=[]", "stop={}", "stop.wall_seconds=", "stop=null", "study.name=headline",
    "study.name=utilization", "study.design={a:1}", "inputs={a:b}", "inputs.x=1", "+inputs.x=y", "inputs=3",
    "resume=.", "resume=/nowhere", "verify=.", "verify=/dev/null", "output=/dev/null/x", "output=.", "output='a b'",
    "attacks.attack=3", "attacks.attack={}", "attacks.attack={_target_:os.system}", "network._target_=os.system",
    "network={_target_:ceas_ray.network.star.Star}", "scheduling=null", "scheduling={_target_:3}", "network=null",
    "+network.x=1", "aggregation.rule=null", "aggregation.rule={_target_:ceas_ray.aggregation.krum.Krum}",
    "consensus.crash=3", "consensus.crash={}", "consensus.network_partition=[]", "consensus.jamming=true",
    "seed=1 seed=2",
    "consensus.crash={replicas:[0],round:1,after_milliseconds:0,down_milliseconds:1}",
    "consensus.network_partition={replicas:[0,1],begins_seconds:0,heals_seconds:1}",
    "consensus.jamming={replicas:[0],first_round:0,last_round:1,refills:1}",
    "consensus.jamming={replicas:[0,0],first_round:5,last_round:1,refills:0}", "seed=${seed}", "seed=${output}",
    "output=${resume}", "training.rounds=${processors.count}", "training=${processors}", "a" * 5000, "é=1", "\x00=1",
    "seed=\x00", "seed='", 'seed="', "seed=[", "seed={", "seed=}", "seed=$", "seed=${", "seed=\\", "seed=1#", "#", "@",
    "training.data.file=.", "training.data.name=file", "network=graphml", "processors.noise_file=/dev/null",
    "dry_run=maybe", "dry_run=1", "quiet=2", "timeline=null", "runtime.address=[::1]:80", "tracking.uri=x://y",
]  # fmt: skip


@dataclass(frozen=True)
class Key:
    """A key of the schema or of a policy: what it may be (one leaf for every type), and the group choice it needs."""

    name: str
    leaves: tuple[tuple[Any, tuple[Any, ...]], ...]
    choice: str = ""


def _keys_of_schema() -> list[Key]:
    names = dict.fromkeys(name for name, _, _ in LEAVES)
    return [Key(name, tuple((hint, extras) for key, hint, extras in LEAVES if key == name)) for name in names]


def _keys_of_policies() -> list[Key]:
    found = []
    for group, place in (("network", ""), ("scheduling", ""), ("aggregation", "rule"), ("aggregation", "weights"),
                         ("attacks", "attack")):  # fmt: skip
        for choice in GROUPS[group]:
            content = yaml.safe_load((conf_directory() / group / f"{choice}.yaml").read_text())
            node = content.get(place) if place else content
            for name in node or {}:
                policy = next((p for p in POLICIES if f"{p.__module__}.{p.__name__}" == node["_target_"]), None)
                if policy is None or name == "_target_":
                    continue
                key = ".".join(filter(None, (group, place, name)))
                hint = get_type_hints(policy, include_extras=True)[name]
                of_field = tuple((plain, extras) for _, plain, extras in leaves_of(hint, name))
                found.append(Key(key, of_field, f"{group}={choice}"))
    return found


KEYS = _keys_of_schema() + _keys_of_policies()


def valid(hint: Any, extras: tuple[Any, ...]) -> Texts:
    """A value that the leaf allows, as text; numbers mostly near either end of their range on a logarithmic scale."""
    limits = next((extra for extra in extras if isinstance(extra, Range)), None)
    if hint is bool:
        return st.sampled_from(["true", "false"])
    if hint is int and limits is not None:
        low, high = int(limits.minimum), int(limits.maximum)
        return st.one_of(_spread(low, high).map(lambda x: str(round(x))), st.sampled_from([str(low), str(high)]))
    if hint is float and limits is not None:
        return st.one_of(
            _spread(limits.minimum, limits.maximum).map(lambda x: repr(float(x))),
            st.sampled_from([limits.maximum, limits.maximum if limits.open_below else limits.minimum]).map(str),
            st.just("inf" if limits.infinity else "0.5"),
        )
    if get_origin(hint) is Literal:
        return st.sampled_from([str(choice) for choice in get_args(hint)])
    if get_origin(hint) is tuple:
        return st.lists(st.sampled_from(["0", "1", "2", "3", "silent", "slow"]), max_size=4).map(
            lambda items: f"[{','.join(items)}]"
        )
    if hint is str or hint is InputFile:
        return st.sampled_from(["abc", "outputs/x", "'a b'", "127.0.0.1:6379", "sqlite:///x.db", "/dev/null"])
    return st.sampled_from(["null", "{}"])


def _spread(low: float, high: float) -> SearchStrategy[float]:
    """Between the ends: so many decades (up to 12) above the lower one, or anywhere."""
    room = high - low
    near = st.floats(-12, 0).map(lambda decades: min(high, max(low, low + room * 10**decades)))
    return st.one_of(near, st.floats(low, high))


def wrong(hint: Any, extras: tuple[Any, ...]) -> Texts:
    """A value that the leaf should not allow, as far as one can tell."""
    limits = next((extra for extra in extras if isinstance(extra, Range)), None)
    if limits is None:
        return st.sampled_from(NOT_WORDS)
    step: float = 1 if hint is int else max(abs(limits.minimum), 1) * 1e-9
    outside = [limits.minimum - step, limits.maximum + max(1, abs(limits.maximum) * 1e-6), -limits.maximum, 1e300]
    return st.one_of(st.sampled_from([str(value) for value in outside]), st.sampled_from(NOT_NUMBERS))


def _assigned(key: Key, value: Callable[[Any, tuple[Any, ...]], Texts]) -> SearchStrategy[list[str]]:
    values = st.one_of(*(value(hint, extras) for hint, extras in key.leaves))
    return values.map(lambda text: [*([key.choice] if key.choice else []), f"{key.name}={text}"])


CHOICES = st.sampled_from([f"{group}={choice}" for group, choices in GROUPS.items() for choice in choices])
RIGHT = st.one_of(CHOICES.map(lambda choice: [choice]), st.sampled_from(KEYS).flatmap(lambda k: _assigned(k, valid)))
MISTYPED = st.sampled_from(KEYS).flatmap(
    lambda key: st.tuples(st.integers(0, len(key.name) - 1), st.sampled_from("x_.é")).map(
        lambda change: [key.name[: change[0]] + change[1] + key.name[change[0] + 1 :] + "=1"]
    )
)
WRONG = st.one_of(
    st.sampled_from(KEYS).flatmap(lambda key: _assigned(key, wrong)),
    MISTYPED,
    st.tuples(st.sampled_from(sorted(GROUPS)), st.sampled_from(NOT_WORDS)).map(lambda pair: [f"{pair[0]}={pair[1]}"]),
    st.sampled_from(ODD).map(lambda word: [word]),
    st.text(CHARACTERS, max_size=12).map(lambda word: [word]),
    st.tuples(st.sampled_from(KEYS), st.text(CHARACTERS, max_size=8)).map(lambda p: [f"{p[0].name}={p[1]}"]),
)


def _line(parts: list[list[str]]) -> list[str]:
    """The words of all parts; of a group the last choice alone, since Hydra takes one."""
    words: dict[str, str] = {}
    for word in (word for part in parts for word in part):
        name, _, _ = word.partition("=")
        words[name if name in GROUPS else word] = word
    return list(words.values())


RIGHT_LINES = st.lists(RIGHT, max_size=4).map(_line)
LINES = st.one_of(
    RIGHT_LINES,
    RIGHT_LINES,
    st.tuples(st.lists(RIGHT, max_size=2), st.lists(WRONG, min_size=1, max_size=3)).flatmap(
        lambda both: st.permutations([*both[0], *both[1]]).map(_line)
    ),
)
"""The words of a command line."""
