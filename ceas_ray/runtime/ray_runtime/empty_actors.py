"""Actors that do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ray


@contextmanager
def empty_actors(count: int) -> Iterator[None]:
    """Make this many Ray actors that do nothing, within `ray_cluster`: the floor to compare memory with."""
    shell = ray.remote(_Empty)
    actors = [shell.options(num_cpus=0).remote() for _ in range(count)]
    ray.get([actor.ready.remote() for actor in actors])
    yield


class _Empty:
    """Does nothing."""

    def ready(self) -> bool:
        """Answer that the actor is there."""
        return True
