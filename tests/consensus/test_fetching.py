"""Contents by their digests: what a replica asks of the others, and what they ask of it."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.chain_head import AgreedModel
from ceas_ray.consensus.fetching import BODY, CONTENT, MODEL, Fetching, decoded_model
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import FrameKind, digest_of
from tests.consensus.parts import DELTA, contents_in, frames_in, links_of_replica_0

CONTENTS = [b"one", b"two", b"three", b"four"]
DIGESTS = [digest_of(content) for content in CONTENTS]


def fetching_of(here: dict[bytes, bytes], max_waiting: int = 10) -> Fetching:
    return Fetching(
        links_of_replica_0(), Pacing(DELTA), max_waiting, find=here.get, has=lambda digest, what: digest in here
    )


def asked(fetching: Fetching, now: int) -> list[bytes]:
    """Return what leaves for every other replica when the timer that is armed now fires."""
    at = fetching.arm(now, 0)
    if at is None:
        return []
    said = contents_in(fetching.fires(at, 0))
    assert len(said) == 3
    assert len({*said.values()}) == 1
    return list(said["replica/1"])


def test_all_that_is_lacking_is_asked_for_in_one_frame_and_once() -> None:
    fetching = fetching_of({})
    for digest in (*DIGESTS[:2], DIGESTS[0]):
        fetching.want(digest, CONTENT)
    assert asked(fetching, 0) == DIGESTS[:2]
    fetching.want(DIGESTS[0], CONTENT)
    assert asked(fetching, 5 * DELTA) == []
    fetching.ask_again()
    assert asked(fetching, 10 * DELTA) == DIGESTS[:2]


def test_what_is_here_is_not_asked_for() -> None:
    fetching = fetching_of({DIGESTS[0]: CONTENTS[0]})
    fetching.want(DIGESTS[0], CONTENT)
    assert asked(fetching, 0) == []


def test_only_what_was_asked_for_is_taken_and_taken_once() -> None:
    fetching = fetching_of({})
    fetching.want(DIGESTS[0], MODEL)
    assert fetching.take(DIGESTS[1]) == ()
    assert fetching.take(DIGESTS[0]) == (MODEL,)
    assert fetching.take(DIGESTS[0]) == ()
    fetching.ask_again()
    assert asked(fetching, 0) == []


def test_what_is_here_as_one_thing_is_asked_for_as_another() -> None:
    fetching = Fetching(
        links_of_replica_0(), Pacing(DELTA), 10, find={DIGESTS[0]: CONTENTS[0]}.get,
        has=lambda digest, what: what == BODY,
    )  # fmt: skip
    fetching.want(DIGESTS[0], CONTENT)
    assert asked(fetching, 0) == DIGESTS[:1]


def test_one_digest_may_be_wanted_as_several_things_and_each_is_served() -> None:
    fetching = fetching_of({})
    for what in (BODY, CONTENT, BODY):
        fetching.want(DIGESTS[0], what)
    assert not fetching.stop(DIGESTS[0], MODEL)
    fetching.want(DIGESTS[0], MODEL)
    assert fetching.stop(DIGESTS[0], BODY)
    assert fetching.take(DIGESTS[0]) == (CONTENT, MODEL)


def test_a_new_view_forgets_the_bodies_that_its_leader_does_not_lack() -> None:
    fetching = fetching_of({})
    for digest, what in zip(DIGESTS, (BODY, BODY, CONTENT, MODEL), strict=True):
        fetching.want(digest, what)
    fetching.forget_bodies({DIGESTS[1], None})
    assert asked(fetching, 0) == DIGESTS[1:]


def test_a_question_is_answered_with_what_is_here_and_the_rest_when_it_comes() -> None:
    here = {DIGESTS[0]: CONTENTS[0]}
    fetching = fetching_of(here)
    (answer,) = frames_in(fetching.answer(2, 0, (DIGESTS[0], DIGESTS[1]), 5))
    assert (answer.receiver, answer.kind, decode(answer.body)) == ("replica/2", FrameKind.CONTENT, (CONTENTS[0],))
    assert fetching.answer_waiting(6) == []
    here[DIGESTS[1]] = CONTENTS[1]
    (late,) = frames_in(fetching.answer_waiting(7))
    assert (late.receiver, decode(late.body)) == ("replica/2", (CONTENTS[1],))
    assert fetching.answer_waiting(8) == []


def test_an_answer_belongs_to_the_round_that_the_asker_is_in() -> None:
    fetching = fetching_of({DIGESTS[0]: CONTENTS[0]})
    (answer,) = frames_in(fetching.answer(2, 3, (DIGESTS[0],), 5))
    assert answer.round_index == 3


def test_who_waits_for_too_many_gives_up_the_oldest() -> None:
    here: dict[bytes, bytes] = {}
    fetching = fetching_of(here, max_waiting=2)
    assert fetching.answer(1, 0, tuple(DIGESTS[:3]), 0) == []
    here |= dict(zip(DIGESTS, CONTENTS, strict=True))
    (answer,) = frames_in(fetching.answer_waiting(1))
    assert decode(answer.body) == tuple(CONTENTS[1:3])


@pytest.mark.parametrize("digests", [b"digest", 7, None, (b"digest", 7), [b"digest"]])
def test_a_question_for_anything_but_digests_is_malformed(digests: object) -> None:
    with pytest.raises(ValueError, match="must name digests"):
        fetching_of({}).answer(1, 0, digests, 0)


def test_after_a_crash_all_that_is_open_is_asked_for_again() -> None:
    fetching = fetching_of({})
    fetching.want(DIGESTS[0], CONTENT)
    assert asked(fetching, 0) == DIGESTS[:1]
    back = fetching_of({})
    back.restore(decode(encode(fetching.snapshot())))
    back.recover()
    assert asked(back, 5 * DELTA) == DIGESTS[:1]


def test_a_fetched_model_is_the_one_that_was_sent() -> None:
    model = AgreedModel((1.5, 3), (2,))
    assert decoded_model(model.encoded).digest == model.digest
