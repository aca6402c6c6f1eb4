"""TetraBFT's voting rules alone, against an adversary that lets Byzantine replicas say anything to anyone at any time.

Only honest replicas have a state: the view that each has entered, `entered` (honest,), -1 before view 0, and `votes`
(honest, views, 5): 0 for none, else the value (1, 2, ...) voted for in a view and phase (1 to 4; element 0 is unused).
What counts Q replicas needs Q - f honest ones here, and what counts B needs one, because the f Byzantine replicas help
where they can. No message can cause what these rules forbid; `conformance` shows that the code does nothing else.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from ceas_ray.kernel.compiled_code import njit

PHASES = 4
compiled = njit(cache=True, nogil=True, error_model="numpy")
inlined = njit(cache=True, nogil=True, error_model="numpy", inline="always")
"""For parts of a hot loop: a call of their own would cost a third of a walk's time."""


class Change(IntEnum):
    """A change of the rules that tests plant, to see that it is found; NONE leaves them as specified.

    "two claims" is the second alternative for proofs: B members claim one value, and B members another one in a later
    view.
    """

    NONE = 0
    NO_SAFE_CHECK = 1
    CLAIM_BY_ONE = 2
    NO_PREVIOUS = 3
    PREVIOUS_OF_ANY_VALUE = 4
    QUORUM_OF_2F = 5
    SUGGEST_SHOWS_VOTES_4_AND_1 = 6
    NO_TWO_CLAIMS = 7
    TWO_CLAIMS_OF_THE_SAME_VALUE = 8
    TWO_CLAIMS_BEFORE_R2 = 9
    TWO_CLAIMS_BY_ONE = 10
    TWO_CLAIMS_WHILE_NOT_OPEN = 11
    TWO_CLAIMS_AFTER_R2 = 12
    TWO_CLAIMS_WITHOUT_PREVIOUS = 13
    TWO_CLAIMS_FOR_SUGGESTS = 14
    TWO_CLAIMS_OF_ONE_VIEW = 15
    TWO_CLAIMS_OF_OTHER_VALUES = 16


HARMLESS = (Change.TWO_CLAIMS_FOR_SUGGESTS, Change.TWO_CLAIMS_OF_ONE_VIEW, Change.TWO_CLAIMS_OF_OTHER_VALUES)
"""Changes that are neither unsafe nor not live: nothing may be reported of them."""


class Rules(NamedTuple):
    """The numbers that the rules depend on.

    values: how many there are, 1 .. values. faults: f. quorum, blocking: how many honest replicas Q and B take, with
    the f Byzantine ones helping. change: a `Change`, as an integer.
    """

    values: int
    faults: int
    quorum: int
    blocking: int
    change: int


@compiled
def _latest_claim(replica, low, value, view, change):  # type: ignore[no-untyped-def]
    """Return the latest view, at least 0, since which a replica's proof (low = 1) or suggest (2) for `view` claims the
    value.

    That is the view of its highest vote if that is for the value; else the one of its highest vote for another value
    than the highest one's.
    """
    latest = highest = 0
    for earlier in range(view - 1, -1, -1):
        vote = replica[earlier, low]
        if vote == 0:
            continue
        if highest == 0:
            highest, latest = vote, earlier
            if vote == value:
                return latest
        elif vote != highest or change == Change.PREVIOUS_OF_ANY_VALUE:
            return 0 if change == Change.NO_PREVIOUS else earlier
    return 0


@compiled
def claimed_since(entered, votes, members, low, value, view, needed, change):  # type: ignore[no-untyped-def]
    """Return the latest view since which `needed` members (in view `members` or later) claim the value; -1 for none."""
    if needed <= 0:
        return view - 1
    latest, chosen = view, 0
    while chosen < needed:  # the next largest of the members' latest claims
        best = -1
        for p in range(len(entered)):
            if entered[p] >= members:
                claim = _latest_claim(votes[p], low, value, view, change)
                if claim < latest and claim > best:
                    best = claim
        if best < 0:
            return -1
        latest = best
        chosen = 0
        for p in range(len(entered)):
            if entered[p] >= members and _latest_claim(votes[p], low, value, view, change) >= latest:
                chosen += 1
    return latest


@compiled
def _two_claims(since, value, earlier, change):  # type: ignore[no-untyped-def]
    """Return whether there are values x != y and views earlier <= rx < ry such that B members claim x since rx, and y
    since ry.

    since[v]: the latest view since which B members claim v.
    """
    min_x, min_y = earlier, earlier + 1
    if change == Change.TWO_CLAIMS_BEFORE_R2:
        min_x, min_y = 0, max(earlier, 1)
    elif change == Change.TWO_CLAIMS_AFTER_R2:
        min_x, min_y = earlier + 1, earlier + 2
    elif change == Change.TWO_CLAIMS_OF_ONE_VIEW:
        min_y = earlier
    for x in range(1, len(since)):
        for y in range(1, len(since)):
            if x == y and change != Change.TWO_CLAIMS_OF_THE_SAME_VALUE:
                continue
            if change == Change.TWO_CLAIMS_OF_OTHER_VALUES and value in (x, y):
                continue
            if since[x] >= min_x and since[y] >= min_y:
                return True
    return False


@inlined
def _highest_votes(entered, votes, members, view, phase):  # type: ignore[no-untyped-def]
    """Return the view and value of every member's highest vote of a phase before `view`; view -1 for none."""
    of_view, of_value = np.full(len(entered), -1), np.zeros(len(entered), np.int64)
    for p in range(len(entered)):
        if entered[p] >= members:
            for earlier in range(view - 1, -1, -1):
                if votes[p, earlier, phase]:
                    of_view[p], of_value[p] = earlier, votes[p, earlier, phase]
                    break
    return of_view, of_value


@inlined
def _claims(entered, votes, members, low, view, rules):  # type: ignore[no-untyped-def]
    """Return by value the latest view since which B members claim it, for one claim and for a pair of claims."""
    change = rules.change
    since = np.zeros(rules.values + 1, np.int64)
    since_by_two = np.zeros(rules.values + 1, np.int64)
    for value in range(1, rules.values + 1):
        needed = rules.blocking - (change == Change.CLAIM_BY_ONE)
        since[value] = claimed_since(entered, votes, members, low, value, view, needed, change)
        since_by_two[value] = since[value]
        if change in (Change.TWO_CLAIMS_BY_ONE, Change.TWO_CLAIMS_WITHOUT_PREVIOUS):
            without = Change.NO_PREVIOUS if change == Change.TWO_CLAIMS_WITHOUT_PREVIOUS else change
            fewer = rules.blocking - (change == Change.TWO_CLAIMS_BY_ONE)
            since_by_two[value] = claimed_since(entered, votes, members, low, value, view, fewer, without)
    return since, since_by_two


@compiled
def safe_values(entered, votes, members, view, is_proof, rules):  # type: ignore[no-untyped-def]
    """Return the values that the proofs (or suggests) of all honest replicas in view `members` or later call safe in
    `view`: bit 1 << v is set for every safe value v.
    """
    change, all_of_them = rules.change, (2 << rules.values) - 2
    if view == 0 or change == Change.NO_SAFE_CHECK:
        return all_of_them
    shows_proof = is_proof or change == Change.SUGGEST_SHOWS_VOTES_4_AND_1
    high, low = (4, 1) if shows_proof else (3, 2)
    high_view, high_value = _highest_votes(entered, votes, members, view, high)
    shown = unvoted = 0
    for p in range(len(entered)):
        if entered[p] >= members:
            shown += 1
            unvoted += high_view[p] < 0
    if shown < rules.quorum:
        return 0
    if unvoted >= rules.quorum:
        return all_of_them
    since, since_by_two = _claims(entered, votes, members, low, view, rules)
    allows_two = (is_proof and change != Change.NO_TWO_CLAIMS) or change == Change.TWO_CLAIMS_FOR_SUGGESTS
    safe = 0
    for value in range(1, rules.values + 1):
        for earlier in range(view - 1, -1, -1):
            open_to = 0
            for p in range(len(entered)):
                if entered[p] >= members:
                    at = high_view[p]
                    open_to += at < earlier or (at == earlier and high_value[p] == value)
            is_open = open_to >= rules.quorum
            two = allows_two and (is_open or change == Change.TWO_CLAIMS_WHILE_NOT_OPEN)
            if (is_open and since[value] >= earlier) or (two and _two_claims(since_by_two, value, earlier, change)):
                safe |= 1 << value
                break
    return safe


@compiled
def has_quorum(votes, view, phase, value, rules):  # type: ignore[no-untyped-def]
    """Return whether this many honest votes of a phase are for the value that Byzantine ones can complete a quorum."""
    count = 0
    for p in range(len(votes)):
        count += votes[p, view, phase] == value
    return count >= rules.quorum - (rules.change == Change.QUORUM_OF_2F)


@compiled
def is_enabled(entered, votes, who, view, phase, value, rules):  # type: ignore[no-untyped-def]
    """Return whether honest replica `who` may enter `view` (phase 0), vote, or decide (phase 5)."""
    if phase == 0:
        return view > entered[who]
    if phase <= PHASES and (view != entered[who] or votes[who, view, phase] != 0):
        return False
    if phase == 1:
        return (safe_values(entered, votes, view, view, True, rules) >> value) & 1 == 1
    return has_quorum(votes, view, phase - 1, value, rules)


@compiled
def could_be_decided(entered, votes, view, value, quorum):  # type: ignore[no-untyped-def]
    """Return whether vote 4 in this view may still reach a quorum for the value, so that no later vote 1 may be for
    another one.
    """
    count = 0
    for p in range(len(entered)):
        vote = votes[p, view, 4]
        count += vote == value or (entered[p] <= view and vote == 0)
    return count >= quorum


@compiled
def decided_values(votes, quorum):  # type: ignore[no-untyped-def]
    """Return how many different values have a quorum of votes 4."""
    found = 0
    for view in range(votes.shape[1]):
        for p in range(len(votes)):
            value = votes[p, view, 4]
            if value:
                count = 0
                for q in range(len(votes)):
                    count += votes[q, view, 4] == value
                if count >= quorum:
                    found |= 1 << value
    different = 0
    while found:
        different += found & 1
        found >>= 1
    return different


@compiled
def is_live(entered, votes, rules):  # type: ignore[no-untyped-def]
    """Return whether the next view of an honest leader decides once the network is calm and all honest replicas enter
    it.

    What the suggests allow its leader to propose with Byzantine help, the honest proofs alone must accept, and the
    honest suggests alone must allow something. (Every value is taken as valid, with its body at hand.)
    """
    view, everybody = votes.shape[1], -1
    alone = Rules(rules.values, rules.faults, rules.quorum + rules.faults, rules.blocking + rules.faults, rules.change)
    proposed = safe_values(entered, votes, everybody, view, False, rules)
    accepted = safe_values(entered, votes, everybody, view, True, alone)
    possible = safe_values(entered, votes, everybody, view, False, alone)
    return proposed & ~accepted == 0 and possible != 0
