"""Which actor may send what. An honest actor ignores everything else, whoever sent it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ceas_ray.kernel.envelope import Envelope, WorkDone
from ceas_ray.messages.consensus_payloads import Frame, RoundDecided
from ceas_ray.messages.payloads import (
    DRIVER,
    ENTANGLEMENT_MANAGER,
    HUB,
    Begin,
    KeysDistilled,
    PairsTested,
    PlanFinished,
    RoundGivenUp,
    RoundStarted,
    ShotsDelivered,
    StopWaiting,
    TestOutcomes,
    TestReport,
    Timer,
    TrapCircuitsAnswered,
    processor_link_name,
    processor_name,
)


def _trusted(envelope: Envelope) -> bool:
    return envelope.sender in (ENTANGLEMENT_MANAGER, HUB)


def _itself(envelope: Envelope) -> bool:
    return envelope.sender == envelope.receiver


def _named_link(envelope: Envelope) -> bool:
    return _is(envelope.payload.link, envelope.sender)


def _named_processor(envelope: Envelope) -> bool:
    number = envelope.payload.processor
    return type(number) is int and envelope.sender == processor_name(number)


def _link_of_named_processor(envelope: Envelope) -> bool:
    number = envelope.payload.processor
    return type(number) is int and envelope.sender == processor_link_name(number)


def _is(said: Any, name: str) -> bool:
    return type(said) is str and said == name


_MAY_SEND: dict[type, Callable[[Envelope], bool]] = {
    Frame: lambda envelope: True,  # its tag says who made it
    Timer: _itself,
    WorkDone: _itself,
    Begin: lambda envelope: envelope.sender == DRIVER,
    **dict.fromkeys((RoundStarted, KeysDistilled, RoundGivenUp, StopWaiting, TestReport, PairsTested), _trusted),
    PlanFinished: _named_link,
    ShotsDelivered: lambda envelope: envelope.sender == f"link/{envelope.receiver}",
    TestOutcomes: _link_of_named_processor,
    TrapCircuitsAnswered: _named_processor,
    RoundDecided: lambda envelope: envelope.sender.startswith("replica/"),
}


def may_send(envelope: Envelope) -> bool:
    """Return whether an envelope's sender, which the network vouches for, may say this to an honest actor.

    Return False for whatever belongs to no conversation of honest actors.
    """
    rule = _MAY_SEND.get(type(envelope.payload))
    return rule is not None and rule(envelope)
