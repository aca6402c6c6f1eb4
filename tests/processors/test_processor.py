"""What a processor does with its pairs, and what it lets the others tell it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope, Observation, Send, Work, WorkDone
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.fixed_point import to_fixed_point
from ceas_ray.messages.frames import Channel, FrameKind, ModelAdoption, encode_update
from ceas_ray.messages.payloads import (
    ADVERSARY,
    ENTANGLEMENT_MANAGER,
    HUB,
    PairsTested,
    RoundStarted,
    ShotsDelivered,
    StopWaiting,
    Timer,
    processor_link_name,
    replica_name,
)
from ceas_ray.processors.gradient_work import GRADIENT
from ceas_ray.processors.processor import Connections, Learning, Processor, ProcessorTimer, Shard, certified_werner
from tests.messages.garbage import BODIES, BYZANTINE, MESSAGES

NAMES = [replica_name(j) for j in range(4)]
DELTA = 100
KINDS, VIEWS = st.sampled_from(list(FrameKind)), st.integers(0, 2**62)


class Heard:
    """A processor of a committee of four, of which the last is Byzantine."""

    def __init__(self, local_circuits: int | None = None) -> None:
        streams = Streams(5)
        channels = [
            Channel("processor/0", name, chain=b"chain", streams=streams, fresh_hash_keys=True) for name in NAMES
        ]
        self.replicas = [
            Channel(name, "processor/0", chain=b"chain", streams=streams, fresh_hash_keys=True) for name in NAMES
        ]
        latencies = dict.fromkeys([*NAMES, ADVERSARY, HUB], 10)
        shard = Shard(np.zeros((2, 2)), np.ones((2, 1)))
        self.processor = Processor(
            0,
            shard,
            noise=np.zeros((2, 7)),
            learning=Learning(2, 0.9, "none", 10, local_circuits),
            connections=Connections(channels, 0, latencies, DELTA),
            adoption=ModelAdoption(2),
            initial_parameters=np.zeros(2),
            streams=streams,
        )
        for channel in self.replicas:
            channel.add_key_bits(10**6, 10**6)

    def hears(self, sender: str, payload: Any) -> Any:
        return self.processor.handle(
            Envelope(deliver_at=5, sender=sender, serial=0, receiver="processor/0", payload=payload)
        )

    def start(self, round_index: int) -> Any:
        bits = np.full((2, 4), 10**6 if round_index == 0 else 0)
        return self.hears(
            ENTANGLEMENT_MANAGER,
            RoundStarted(
                round_index=round_index, plan_ends_at=9, inputs_open_until=9, inputs_time_out_at=9, key_bits=bits
            ),
        )

    def reply(
        self, replica: int, round_index: int, body: bytes, kind: FrameKind = FrameKind.MODEL, view: int = 0
    ) -> Any:
        return self.hears(
            NAMES[replica], self.replicas[replica].seal(kind, round_index=round_index, view=view, now=3, body=body)
        )

    def take_shots(self, on_time: list[bool]) -> Any:
        shots = ShotsDelivered(
            round_index=0, on_time=np.array(on_time), attenuation=np.ones(3), werner=np.ones((1, 0)),
            coefficients=np.ones(1),
        )  # fmt: skip
        return self.hears(processor_link_name(0), shots)

    def finish(self, gradient: list[float]) -> Any:
        """Return the effects of work that is done."""
        output = {"gradient": np.array(gradient), "variance": 0.5}
        return self.hears("processor/0", WorkDone(GRADIENT, output))

    @property
    def parameters(self) -> list[float]:
        return self.processor.state.parameters.tolist()


def model(value: float) -> bytes:
    return encode(np.full(2, value))


def test_shots_start_a_gradient_that_is_ready_when_the_plan_and_the_update_are_over() -> None:
    heard = Heard()
    heard.start(0)
    (work,) = heard.take_shots([True, False, True])
    assert isinstance(work, Work)
    assert work.ready_at == 9 + 10
    assert work.inputs.usable.tolist() == [True, False, True]


def test_a_finished_gradient_goes_to_every_replica_as_the_momentum_with_the_number_of_usable_shots() -> None:
    heard = Heard()
    heard.start(0)
    heard.take_shots([True, False, True])
    *sent, observed = heard.finish([1.0, -2.0])
    assert isinstance(observed, Observation)
    assert all(isinstance(send, Send) and send.deliver_at == 5 + 10 for send in sent)
    assert [send.receiver for send in sent] == NAMES
    bodies = {channel.open(send.payload) for channel, send in zip(heard.replicas, sent, strict=True)}
    (body,) = bodies
    assert body == encode_update(to_fixed_point(0.1 * np.array([1.0, -2.0])), 2, 2)


def test_without_a_usable_shot_the_momentum_stays() -> None:
    heard = Heard()
    heard.start(0)
    heard.take_shots([False, False])
    heard.finish([1.0, 1.0])
    assert heard.processor.state.momentum.tolist() == [0.0, 0.0]


def test_the_hub_s_tests_certify_the_link_s_werner_parameter() -> None:
    heard = Heard()
    heard.start(0)
    heard.hears(HUB, PairsTested(round_index=0, tested=np.full(3, 10.0), errors=np.array([1.0, 2.0, 0.0])))
    assert heard.processor.state.werner == pytest.approx(1 - 2 * 3 / 30)
    assert certified_werner(np.zeros(3), np.zeros(3)) is None
    assert certified_werner(np.ones(3), np.ones(3)) == pytest.approx(1 / 3)


@pytest.mark.parametrize("far", [1, 2, 10**6, 2**62])
def test_a_reply_for_a_far_round_stops_nothing(far: int) -> None:
    """One Byzantine replica's was remembered as the latest, and no honest model was ever adopted again."""
    heard = Heard()
    for round_index in range(4):
        heard.start(round_index)
        heard.reply(3, round_index + far, model(666.0))
        for j in range(3):
            heard.reply(j, round_index, model(1.0 + round_index))
        assert heard.parameters == [1.0 + round_index] * 2


def test_only_the_model_of_the_scheduled_round_is_adopted_on_f_plus_1_replies_and_costs_key() -> None:
    heard = Heard()
    for j in range(4):
        heard.reply(j, 0, model(5.0))
    assert heard.parameters == [0.0, 0.0], "before any round"
    heard.start(0)
    for j in range(4):
        heard.reply(j, 1, model(7.0))
    assert heard.parameters == [0.0, 0.0]
    assert all(channel.incoming.spent == 0 for channel in heard.processor._channels.values())
    heard.reply(0, 0, model(1.0))
    assert heard.parameters == [0.0, 0.0], "one reply is not enough"
    heard.reply(1, 0, model(1.0))
    assert heard.parameters == [1.0, 1.0]
    heard.start(1)
    for j in range(4):
        heard.reply(j, 0, model(9.0))
    assert heard.parameters == [1.0, 1.0], "a round that is over"


def test_one_that_was_told_no_model_in_a_round_adopts_that_of_the_next_one() -> None:
    """Replies are omitted where keys are spent, and not repeated: the next one holds the whole model."""
    heard = Heard()
    heard.start(0)
    heard.reply(0, 0, model(1.0))
    heard.start(1)
    assert heard.parameters == [0.0, 0.0]
    for j in (0, 1):
        heard.reply(j, 1, model(2.0))
    assert heard.parameters == [2.0, 2.0]


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(BYZANTINE, MESSAGES), max_size=8), st.lists(st.tuples(KINDS, VIEWS, BODIES), max_size=8))
def test_garbage_of_any_type_with_or_without_a_right_tag_is_silence(said: Any, tagged: Any) -> None:
    heard = Heard()
    heard.start(0)
    for sender, payload in said:
        assert heard.hears(sender, payload) == []
    for kind, view, body in tagged:
        assert heard.reply(3, 0, body, kind, view) == []
    for j in range(3):
        heard.reply(j, 0, model(4.0))
    assert heard.parameters == [4.0, 4.0]


def test_a_model_of_another_shape_is_none_even_if_many_say_so() -> None:
    heard = Heard()
    heard.start(0)
    for j in range(4):
        heard.reply(j, 0, encode(np.zeros(3)))
    assert heard.parameters == [0.0, 0.0]


# --- a model that is late ----------------------------------------------------------


def late(heard: Heard, round_index: int) -> list[Any]:
    """The timer fires after which a model is late."""
    return list(heard.hears("processor/0", Timer(ProcessorTimer.MODEL_IS_LATE, round_index - 1)))


def test_who_lacks_the_model_of_the_last_round_asks_others_one_by_one_and_last_those_that_owed_it() -> None:
    heard = Heard()
    heard.start(0)
    heard.reply(1, 0, model(3.0))
    (timer,) = heard.start(1)
    assert (timer.receiver, timer.deliver_at) == ("processor/0", 5 + 10 + 2 * DELTA)
    for replica, more in ((2, True), (3, True), (0, False)):  # 0 and 1 send it unasked, and 1 did
        request, *again = late(heard, 1)
        assert request.receiver == NAMES[replica]
        assert (request.payload.kind, request.payload.round_index) == (FrameKind.MODEL_WANTED, 0)
        assert heard.replicas[replica].open(request.payload) == b""
        assert [(send.receiver, send.deliver_at) for send in again] == [("processor/0", 5 + 2 * DELTA)] * more
    assert late(heard, 1) == []


def test_as_many_are_asked_at_once_as_replies_are_missing() -> None:
    heard = Heard()
    heard.start(0)
    heard.start(1)
    assert [send.receiver for send in late(heard, 1)] == [NAMES[2], NAMES[3], "processor/0"]


def test_who_lacks_the_last_model_when_the_run_ends_asks_for_it() -> None:
    heard = Heard()
    heard.start(0)
    heard.reply(1, 0, model(3.0))
    (timer,) = heard.hears(ENTANGLEMENT_MANAGER, StopWaiting(0))
    assert timer.payload == Timer(ProcessorTimer.MODEL_IS_LATE, 0)
    assert [send.receiver for send in late(heard, 1)] == [NAMES[2], "processor/0"]
    heard.reply(2, 0, model(3.0))
    assert heard.parameters == [3.0, 3.0]
    assert heard.hears(ENTANGLEMENT_MANAGER, StopWaiting(0)) == []


def test_a_reply_for_the_last_round_counts_in_the_next_one() -> None:
    heard = Heard()
    heard.start(0)
    heard.reply(1, 0, model(3.0))
    heard.start(1)
    assert heard.processor.promise(5) == 0
    heard.reply(2, 0, model(3.0))
    assert heard.parameters == [3.0, 3.0]
    assert heard.processor.promise(5) == 9 + 10 + 10
    assert late(heard, 1) == []


def test_nobody_asks_who_has_the_model_or_before_the_second_round() -> None:
    heard = Heard()
    assert heard.start(0) == []
    for replica in (0, 1):
        heard.reply(replica, 0, model(3.0))
    assert heard.start(1) == []


def test_a_reply_for_the_round_before_the_last_one_is_ignored() -> None:
    heard = Heard()
    for round_index in range(3):
        heard.start(round_index)
    for replica in (0, 1):
        heard.reply(replica, 0, model(3.0))
    assert heard.parameters == [0.0, 0.0]


def test_who_needs_no_pairs_begins_its_gradient_when_the_model_comes() -> None:
    heard = Heard(local_circuits=6)
    (work,) = heard.start(0)
    assert isinstance(work, Work)
    heard.reply(1, 0, model(3.0))
    _, ends = heard.start(1)
    assert (ends.payload, ends.deliver_at) == (Timer(ProcessorTimer.PLAN_ENDS, 1), 9)
    (work,) = heard.reply(2, 0, model(3.0))
    assert work.inputs.parameters.tolist() == [3.0, 3.0]
    assert heard.hears("processor/0", ends.payload) == []


def test_who_needs_no_pairs_and_lacks_the_model_begins_its_gradient_when_the_plan_ends() -> None:
    heard = Heard(local_circuits=6)
    heard.start(0)
    _, ends = heard.start(1)
    (work,) = heard.hears("processor/0", ends.payload)
    assert (work.ready_at, work.inputs.usable.tolist()) == (9 + 10, [True] * 6)
    assert heard.hears("processor/0", ends.payload) == []
