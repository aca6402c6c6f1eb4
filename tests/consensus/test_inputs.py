"""Inputs: the first of each processor counts, whatever is in quarantine does not."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.consensus.echoes import report_item, update_item
from ceas_ray.consensus.inputs import Inputs, is_well_formed_update, report_of
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import digest_of, encode_update
from ceas_ray.messages.payloads import TestReport as Report

UPDATES = [encode_update(np.full(2, k), 1, 1) for k in range(4)]
REPORT = Report(round_index=0, tested=np.ones((3, 3)), errors=np.zeros((3, 3)))


def test_the_first_update_of_a_processor_counts_and_no_later_one() -> None:
    inputs = Inputs(3, 2, ())
    assert inputs.take_update(1, UPDATES[1]) == update_item(1, digest_of(UPDATES[1]))
    assert inputs.take_update(1, UPDATES[2]) is None
    assert inputs.items() == [update_item(1, digest_of(UPDATES[1]))]


def test_inputs_are_complete_with_the_report_and_all_updates_but_those_in_quarantine() -> None:
    inputs = Inputs(3, 2, (2,))
    assert inputs.take_update(2, UPDATES[2]) is None
    for k in (0, 1):
        inputs.take_update(k, UPDATES[k])
    assert not inputs.complete
    assert inputs.take_report(REPORT) == report_item(digest_of(encode(REPORT)))
    assert inputs.take_report(REPORT) is None
    assert inputs.complete


def test_what_was_fetched_is_kept_only_if_it_is_an_update_or_a_report() -> None:
    inputs = Inputs(3, 2, ())
    for content in (UPDATES[3], encode(REPORT), b"junk", encode(7), encode_update(np.zeros(3, np.int64), 1, 1)):
        inputs.keep(content)
    assert list(inputs.contents) == [digest_of(UPDATES[3]), digest_of(encode(REPORT))]


def test_a_report_must_be_the_hubs_tests() -> None:
    assert report_of(encode(REPORT)).round_index == 0
    for other in (b"", encode(None), UPDATES[0]):
        with pytest.raises(ValueError, match=r"report|malformed"):
            report_of(other)
    assert not is_well_formed_update(encode(REPORT), 2)


def test_inputs_survive_a_snapshot() -> None:
    one, other = Inputs(3, 2, ()), Inputs(3, 2, ())
    one.take_update(0, UPDATES[0])
    one.take_report(REPORT)
    one.quarantine((2,))
    other.restore(decode(encode(one.snapshot())))
    assert other.state == one.state
