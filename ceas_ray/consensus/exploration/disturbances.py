"""Disturbances of whole replicas by the network and by outsiders without any key: lost, altered and replayed frames,
and junk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.participants import CHAIN, Participants
from ceas_ray.consensus.exploration.replica_setting import ReplicaSetting
from ceas_ray.consensus.exploration.timeline import Timeline
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.messages.payloads import replica_name

JUNK_EACH, JUNK_SLOTS, MAX_LOST = 16, 6, 100
_ALTERED = 0.05
"""Share of all frames in tagged scenarios."""


class Disturbances:
    """Loses and alters frames and makes junk, with draws from a stream of its own."""

    def __init__(self, setting: ReplicaSetting, draws: Draws, participants: Participants, timeline: Timeline) -> None:
        self._setting, self._draws, self._participants, self._timeline = setting, draws, participants, timeline
        self._questions: dict[tuple[int, int], list[Frame]] = {}

    def carried(self, sender: int, receiver: int, frame: Frame) -> tuple[Frame, ...]:
        """Return what arrives of a frame between these replicas, and in which order: nothing where it is lost now."""
        setting = self._setting
        if not setting.lost or not setting.lost_from <= self._timeline.now < setting.lost_until:
            return (frame,)
        if (sender, receiver) in setting.lost:
            return () if setting.lost_kind in (None, frame.kind) else (frame,)
        if setting.disordered and frame.kind == FrameKind.CATCH_UP and (receiver, sender) in setting.lost:
            return self._disordered(self._questions.setdefault((sender, receiver), []), frame)
        return (frame,)

    def _disordered(self, before: list[Frame], question: Frame) -> tuple[Frame, ...]:
        """Hold every second question back until the next one has arrived, and lose what is repeated."""
        if question in before:
            return ()
        before.append(question)
        return (question, before[-2]) if len(before) % 2 == 0 else ()

    def begin_round(self, round_index: int) -> None:
        """Send junk at random times, and lose up to a hundred honest frames in a row."""
        if self._setting.junk:
            for _ in range(2):
                self._junk(round_index)
        for sender, receiver in sorted(self._setting.lost)[:2]:
            if sender not in self._setting.outages and self._draws.uniform() < 0.5:
                self._lose_in_a_row(self._participants.channels[sender][replica_name(receiver)], round_index)

    def _lose_in_a_row(self, channel: Channel, round_index: int) -> None:
        for _ in range(1 + self._draws.below(MAX_LOST)):
            channel.seal(FrameKind.CATCH_UP, round_index=round_index, view=0, now=0, body=b"")

    def _junk(self, round_index: int) -> None:
        """Send wrong tags in the name of one honest replica to another, without any key, at the next slots and the
        last.
        """
        sender, receiver = (self._draws.choice(self._setting.honest) for _ in range(2))
        if sender == receiver:
            return
        pool = self._participants.channels[receiver][replica_name(sender)].incoming
        last = pool.distilled // TAG_BITS - 1
        first = pool.spent // TAG_BITS
        made = Frame(
            kind=int(FrameKind.VOTE1), chain=CHAIN, round_index=round_index, view=0, sender=replica_name(sender),
            receiver=replica_name(receiver), counter=0, sent_at=0, body=b"", tag=0,
        )  # fmt: skip
        start = self._timeline.now + 10.0 * self._draws.uniform()
        for slot in (last, *range(first, first + JUNK_SLOTS)):
            for _ in range(JUNK_EACH):
                junk = replace(made, counter=max(slot, 0), tag=self._draws.below(2**61 - 1))
                self._timeline.push(start + self._draws.uniform(), receiver, made.sender, junk)

    def alter(self, target: int, frame: Frame) -> None:
        """Let a forger send an altered or replayed copy now and then, before or after the frame itself."""
        if not self._setting.tagged or self._draws.uniform() >= _ALTERED:
            return
        draws, names = self._draws, self._participants.names
        changes: tuple[dict[str, Any], ...] = (
            {}, {"tag": draws.below(2**61 - 1)}, {"view": frame.view + 1}, {"kind": frame.kind ^ 1},
            {"body": frame.body + b"\0"}, {"receiver": draws.choice(names)},
            {"sender": frame.receiver, "receiver": frame.sender},
        )  # fmt: skip
        made = replace(frame, **draws.choice(changes))
        for entity in self._participants.copies_of.get(made.receiver, ()):
            self._timeline.push(self._timeline.now + 2 * draws.uniform(), entity, made.sender, made)
