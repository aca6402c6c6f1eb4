"""Digests change with whatever they cover, and with nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.kernel.digest import EMPTY_DIGEST, extended, round_digest
from ceas_ray.kernel.envelope import Envelope


def envelope(**other: object) -> Envelope:
    fields = {"deliver_at": 5, "sender": "hub", "serial": 1, "receiver": "replica/0", "payload": (1, 2.0)}
    return Envelope(**{**fields, **other})  # type: ignore[arg-type]


def test_an_actor_s_digest_depends_on_the_order_of_what_it_handled() -> None:
    one, other = envelope(), envelope(serial=2)
    forward = extended(extended(EMPTY_DIGEST, one), other)
    backward = extended(extended(EMPTY_DIGEST, other), one)
    assert forward != backward
    assert forward == extended(extended(EMPTY_DIGEST, envelope()), envelope(serial=2))


@pytest.mark.parametrize(
    ("field", "value"),
    [("deliver_at", 6), ("sender", "hut"), ("serial", 2), ("receiver", "replica/1"), ("payload", (1, 2.5))],
)
def test_every_field_of_an_envelope_is_covered(field: str, value: object) -> None:
    assert extended(EMPTY_DIGEST, envelope(**{field: value})) != extended(EMPTY_DIGEST, envelope())


def test_a_round_s_digest_does_not_depend_on_the_order_in_which_actors_are_listed() -> None:
    actors, model = [("hub", b"h"), ("replica/0", b"r")], np.arange(3.0)
    assert round_digest(EMPTY_DIGEST, 4, actors, model) == round_digest(EMPTY_DIGEST, 4, actors[::-1], model)


def test_a_round_s_digest_covers_the_one_before_the_round_the_actors_and_the_model() -> None:
    actors, model = [("hub", b"h")], np.arange(3.0)
    found = {
        round_digest(EMPTY_DIGEST, 4, actors, model),
        round_digest(b"x" * 16, 4, actors, model),
        round_digest(EMPTY_DIGEST, 5, actors, model),
        round_digest(EMPTY_DIGEST, 4, [("hub", b"i")], model),
        round_digest(EMPTY_DIGEST, 4, actors, np.nextafter(model, 9.0)),
    }
    assert len(found) == 5
