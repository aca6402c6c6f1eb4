"""A host handles its actors' envelopes in total order, and asserts what they promised."""

from __future__ import annotations

import pytest

from ceas_ray.kernel import envelope as envelope_module
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope, Send
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
