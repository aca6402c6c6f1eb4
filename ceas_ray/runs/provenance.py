"""The code of this package that decides results, found from what building and running a world imports."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b

from ceas_ray.kernel.imported_modules import PACKAGE, imported_modules
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runs.results import Results
from ceas_ray.world.builder import build_world

_ROOTS = (build_world.__module__, Simulation.__module__, Results.__module__)
"""What builds a world, runs it, and sums it up. Runtimes and tracking change no result: that is a law with tests."""


def code_version(targets: Iterable[str]) -> str:
    """Return a hash of the sources that decide the results of a run.

    targets: the classes that its settings name, as `package.module.Name`; those of other packages are inputs of the
    run and count there.
    """
    own = sorted({target.rpartition(".")[0] for target in targets if target.startswith(f"{PACKAGE.name}.")})
    return _hash_of(tuple(own))


@cache
def _hash_of(modules: tuple[str, ...]) -> str:
    digest = blake2b(digest_size=8)
    for name, path in sorted(imported_modules((*_ROOTS, *modules)).items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
