"""A host handles its actors' envelopes in total order, and asserts what they promised."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ceas_ray.kernel import envelope as envelope_module
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Answer, Envelope, Send, SharedCall, changed
from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.time import FOREVER
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.kernel.random_actors import RandomActor, Token, add, cluster, world


def test_a_host_handles_no_more_than_so_many_envelopes_in_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.kernel.host.WINDOW_ENVELOPES", 2)
    handled: list[int] = []
    simulation = Simulation(cluster(3, 1), lambda running: handled.append(running.handled))
    list(simulation.rounds())
    assert handled == [*range(2, handled[-1], 2), handled[-1]]


def test_a_payload_that_goes_to_many_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded_payloads: list[object] = []

    def counted(value: object) -> bytes:
        encoded_payloads.append(value)
        return encode(value)

    monkeypatch.setattr(envelope_module, "encode", counted)
    news = Token(0, [1.0])

    class Broadcaster(RandomActor):
        def handle(self, envelope: Envelope) -> list[Send]:  # type: ignore[override]
            if envelope.sender == self.name:
                return []
            return [Send(envelope.deliver_at + 50 + k, self.name, news) for k in range(20)]

    host = Host("host", [Broadcaster(0, 1, 3, marks=False)])
    host.post([Envelope(deliver_at=1, sender="driver", serial=0, receiver="kind0/0", payload=Token(1, [0.5]))])
    list(Simulation(LocalCluster([host])).rounds())
    assert sum(value is news for value in encoded_payloads) == 1


class Liar(RandomActor):
    """Sends at once although its lookahead says otherwise."""

    def __init__(self) -> None:
        super().__init__(0, 2, 1, False)
        self.lookahead, self.closes = 10, 0

    def handle(self, envelope: Envelope) -> list[Send]:  # type: ignore[override]
        return [Send(envelope.deliver_at + 1, "kind1/1", Token(0, 0))]


class PromiseBreaker(Liar):
    """Keeps its lookahead and breaks its promise."""

    def __init__(self) -> None:
        super().__init__()
        self.lookahead = 1

    def promise(self, now: int) -> int:
        return 50


@pytest.mark.parametrize(("actor", "complaint"), [(Liar(), "lookahead"), (PromiseBreaker(), "promise")])
def test_the_kernel_asserts_every_promise_and_lookahead(actor: RandomActor, complaint: str) -> None:
    host = Host("host", [actor, RandomActor(1, 2, 1, False)], {})
    host.post(
        [
            Envelope(deliver_at=5, sender="driver", serial=0, receiver=actor.name, payload=Token(1, 0)),
            Envelope(deliver_at=7, sender="driver", serial=1, receiver=actor.name, payload=Token(1, 0)),
        ]
    )
    with pytest.raises(SimulationError, match=complaint):
        list(Simulation(LocalCluster([host])).rounds())


class Broken(RandomActor):
    """Fails."""

    def handle(self, envelope: Envelope) -> list[Send]:  # type: ignore[override]
        raise KeyError("missing")


def test_an_error_inside_an_actor_names_it_its_simulated_time_and_the_cause() -> None:
    host = Host("host", [Broken(0, 1, 1, False)], {})
    host.post(
        [Envelope(deliver_at=2_000_000_000_000, sender="driver", serial=0, receiver="kind0/0", payload=Token(1, 0))]
    )
    with pytest.raises(SimulationError, match=r"kind0/0 failed at 2\.0+ s of simulated time: KeyError: 'missing'"):
        list(Simulation(LocalCluster([host])).rounds())


def test_a_window_that_is_asked_for_twice_happens_once() -> None:
    actors, first = world(5)
    host = Host("host", actors, {"add": add})
    host.post(first)
    host.connect({a.name: "host" for a in actors}, {"host": 1})
    once = host.step(0, 60, [])
    handled = host.envelopes_handled
    assert host.step(0, 60, []) is once
    assert host.envelopes_handled == handled


def test_two_actors_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^host h: actors must have different names$"):
        Host("h", [RandomActor(0, 2, 1, False), RandomActor(0, 2, 1, False)])


def test_a_lookahead_below_a_picosecond_is_refused() -> None:
    actor = RandomActor(0, 2, 1, False)
    actor.own_lookahead = 0
    with pytest.raises(ValueError, match=r"^kind0/0: lookahead must be at least 1 ps$"):
        Host("h", [actor])


def test_a_host_tells_its_actors_and_their_lookaheads_and_that_nothing_waits() -> None:
    host = Host("h", [RandomActor(0, 2, 1, False), RandomActor(1, 2, 1, False)])
    assert host.actor_names == ("kind0/0", "kind1/1")
    assert list(host.directory()) == ["kind0/0", "kind1/1"]
    status = host.connect(dict.fromkeys(host.actor_names, "h"), {"h": 1})
    assert (status.next_at, status.bound) == (FOREVER, FOREVER)


class Asking(RandomActor):
    """Asks for a call with its number; tells what came of it a picosecond later, to itself."""

    def begin(self, envelope: Envelope) -> Answer:
        if envelope.own:
            return []
        now, number = envelope.deliver_at, envelope.payload.left
        return SharedCall(squares, number, lambda square: [Send(now + 1, self.name, Token(square, []))], number)


CALLS: list[list[int]] = []


def squares(numbers: Sequence[int]) -> list[int]:
    CALLS.append(list(numbers))
    if 13 in numbers:
        raise ValueError("thirteen")
    return [number**2 for number in numbers]


def asked(*envelopes: tuple[int, int, int], other: RandomActor | None = None) -> list[list[int]]:
    """Return the calls that these envelopes cause: (time, index of the receiver, number) each, in their order."""
    actors = [Asking(k, 9, 1, False) for k in range(9) if other is None or other.name != f"kind{k % 3}/{k}"]
    host = Host("host", [*actors, *([other] if other else [])])
    host.post(
        Envelope(deliver_at=at, sender="driver", serial=k, receiver=f"kind{to % 3}/{to}", payload=Token(number, []))
        for k, (at, to, number) in enumerate(envelopes)
    )
    CALLS.clear()
    list(Simulation(LocalCluster([host])).rounds())
    return CALLS


def test_answers_at_one_time_share_their_call() -> None:
    assert asked((5, 1, 10), (5, 0, 20), (6, 2, 30), (6, 1, 40), (7, 4, 50)) == [[10, 20], [30, 40], [50]]


def test_an_actor_takes_part_in_a_shared_call_once() -> None:
    assert asked((5, 1, 10), (5, 2, 20), (5, 1, 30), (5, 3, 40)) == [[10, 20], [30, 40]]


def test_an_actor_that_needs_no_call_is_answered_in_its_turn() -> None:
    assert asked((5, 1, 10), (5, 2, 20), (5, 8, 0), (5, 3, 40), other=RandomActor(8, 9, 1, False)) == [[10, 20], [40]]


def test_a_shared_call_has_so_many_answers_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.kernel.host.WORK_BLOCK", 2)
    assert asked(*((5, k, k) for k in range(5))) == [[0, 1], [2, 3], [4]]


def test_a_shared_call_grows_only_so_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.kernel.host.SHARED_CALL_SIZE", 10)
    assert asked(*((5, k, size) for k, size in enumerate((3, 7, 1, 11, 12, 4, 5)))) == [[3, 7], [1], [11], [12], [4, 5]]


def test_many_answers_each_too_large_to_share_a_call_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.kernel.host.SHARED_CALL_SIZE", 1)
    actors = [Asking(k, 1500, 1, False) for k in range(1500)]
    host = Host("host", actors)
    host.post(
        Envelope(deliver_at=5, sender="driver", serial=k, receiver=actor.name, payload=Token(2, []))
        for k, actor in enumerate(actors)
    )
    CALLS.clear()
    list(Simulation(LocalCluster([host])).rounds())
    assert CALLS == [[2]] * 1500


def test_answers_that_share_a_call_count_as_envelopes_of_their_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.kernel.host.WINDOW_ENVELOPES", 3)
    assert asked(*((5, k, k) for k in range(5))) == [[0, 1, 2], [3, 4]]


def test_a_shared_call_that_fails_names_an_actor_its_time_and_the_cause() -> None:
    with pytest.raises(SimulationError, match=r"^kind0/0 failed at 0.* ValueError: thirteen"):
        asked((5, 0, 1), (5, 1, 13))


class Astonished(Asking):
    """Fails once it knows what came of the call."""

    def begin(self, envelope: Envelope) -> Answer:
        return changed(super().begin(envelope), lambda effects: effects[7:8] or [][0])


def test_an_answer_that_fails_after_a_shared_call_names_its_own_actor() -> None:
    with pytest.raises(SimulationError, match=r"^kind2/8 failed at 0.* IndexError"):
        asked((5, 0, 1), (5, 8, 2), (5, 1, 3), other=Astonished(8, 9, 1, False))
