"""A store of objects behind a URL of fsspec, `objects://`, which stands for one that outlives the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class ObjectStore(MemoryFileSystem):
    """Objects by name; not writable: as one that can only be read."""

    protocol = "objects"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    writable = True

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("objects://")))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Make or replace an object."""
        if not self.writable:
            raise NotImplementedError("only to be read")
        super().pipe_file(path, value, mode, **kwargs)


@contextmanager
def object_store() -> Iterator[Any]:
    """An empty one, for as long as this lasts."""
    fsspec.register_implementation("objects", ObjectStore, clobber=True)
    found = fsspec.filesystem("objects")
    yield found
    found.store.clear()
