"""Content by its digest: what a replica asks of others, and what others ask of it."""

from __future__ import annotations

from typing import Any

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.standing import AgreedModel, Standing
from ceas_ray.consensus.values import Values
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import replica_name

A_BODY, A_MODEL = -1, -2
"""In place of a processor's number: what follows is a value, or a model."""


class Fetching:
    """Once a view: updates are asked of those whose echoes say that they have them, values and models of everybody."""

    def __init__(
        self, index: int, links: AuthenticatedLinks, inputs: Inputs, values: Values, standing: Standing
    ) -> None:
        self._index, self._links, self._inputs, self._values, self._standing = index, links, inputs, values, standing
        self._asked: set[bytes] = set()

    def ask_for_updates(self, now: int) -> list[Effect]:
        """Those that a value needs and that are not here."""
        effects: list[Effect] = []
        for processor, digest in self._values.take_wanted():
            wanted = encode((processor, digest))
            if wanted in self._asked:
                continue
            self._asked.add(wanted)
            for holder in self._inputs.holders(processor, digest):
                if holder != self._index:
                    effects += self._links.send(FrameKind.FETCH, 0, replica_name(holder), wanted, now)
        return effects

    def ask_for(self, digest: bytes, round_index: int, now: int) -> list[Effect]:
        """A value, or a model; round_index: who still is in it can answer."""
        if digest in self._asked:
            return []
        self._asked.add(digest)
        return self._links.broadcast(FrameKind.FETCH, 0, encode(digest), now, round_index)

    def ask_again(self) -> None:
        """From now on: no answer came."""
        self._asked = set()

    def answer(self, sender: int, round_index: int, wanted: Any, now: int) -> list[Effect]:
        """wanted: a digest, or a processor with the digest of its update; ValueError for anything else."""
        found = self._found(wanted)
        if found is None:
            return []
        return self._links.send(FrameKind.CONTENT, 0, replica_name(sender), encode(found), now, round_index)

    def _found(self, wanted: Any) -> tuple[int, bytes] | None:
        last, model = self._standing.last, self._standing.model
        if not isinstance(wanted, bytes):
            processor, digest = pair_of(wanted, int, bytes)
            content = self._inputs.content_of(processor, digest)
            return None if content is None else (processor, content)
        if wanted == model.digest:
            return A_MODEL, model.encoded
        if last is not None and wanted == last.value:
            return A_BODY, last.body
        body = self._values.body_of(wanted)
        return None if body is None else (A_BODY, body)

    def snapshot(self) -> dict[str, Any]:
        """All state, in plain values."""
        return {"fetching": sorted(self._asked)}

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self._asked = set(state["fetching"])


def decoded_model(data: bytes) -> AgreedModel:
    """A model that was fetched by its digest."""
    return AgreedModel(*decode(data))


def pair_of(content: Any, first: type, second: type) -> tuple[Any, Any]:
    """A message's two values; ValueError for anything else."""
    if isinstance(content, tuple) and len(content) == 2:
        a, b = content
        if isinstance(a, first) and isinstance(b, second):
            return a, b
    raise ValueError(f"a message must hold two values, of type {first.__name__} and {second.__name__}")
