"""TetraBFT's voting rules alone, against an adversary that lets Byzantine replicas say anything to anyone at any time.

Only honest replicas have a state: the view each has entered, `entered` (honest,), -1 before view 0, and `votes`
(honest, views, 5): 0 for none, else the value (1, 2, ...) voted for in a view and phase (1 to 4; element 0 is unused).
What counts Q replicas needs Q - f honest ones here and what counts B needs one, for the f Byzantine ones help where
they can. What these rules forbid, no message can cause; `conformance` shows that the code does nothing else.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit

PHASES = 4
compiled = njit(cache=True, nogil=True, error_model="numpy")


class Change(IntEnum):
    """A change of the rules that tests plant, to see that it is found; NONE leaves them as specified.

    "two claims" is rule (b2): B members claim one value and B members another one, in a later view.
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
"""Neither unsafe nor not live: nothing may be reported of them."""


@compiled
def _latest_claim(replica, low, value, view, change):  # type: ignore[no-untyped-def]
    """The latest view since which a replica's proof (low = 1) or suggest (2) for `view` claims the value; 0 at least.

    Its vote for the value, if that is its highest one; else its highest vote for another value than the highest one's.
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
    """The latest view since which `needed` members (all in view `members` or later) claim the value."""
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
    """Whether there are x != y and views earlier <= rx < ry with B claims each: x since `earlier`, y since one later.

    since[v]: the latest view since which B members claim v.
    """
    least_x, least_y = earlier, earlier + 1
    if change == Change.TWO_CLAIMS_BEFORE_R2:
        least_x, least_y = 0, max(earlier, 1)
    elif change == Change.TWO_CLAIMS_AFTER_R2:
        least_x, least_y = earlier + 1, earlier + 2
    elif change == Change.TWO_CLAIMS_OF_ONE_VIEW:
        least_y = earlier
    for x in range(1, len(since)):
        for y in range(1, len(since)):
            if x == y and change != Change.TWO_CLAIMS_OF_THE_SAME_VALUE:
                continue
            if change == Change.TWO_CLAIMS_OF_OTHER_VALUES and value in (x, y):
                continue
            if since[x] >= least_x and since[y] >= least_y:
                return True
    return False


@compiled
def safe_values(entered, votes, members, view, values, is_proof, quorum, blocking, change):  # type: ignore[no-untyped-def]
    """The rule safe(M, v, r) for every v, as bits 1 << v; M: all honest replicas in view `members` or later."""
    all_of_them = (2 << values) - 2
    if view == 0 or change == Change.NO_SAFE_CHECK:
        return all_of_them
    shows_proof = is_proof or change == Change.SUGGEST_SHOWS_VOTES_4_AND_1
    high, low = (4, 1) if shows_proof else (3, 2)
    high_view, high_value = np.full(len(entered), -1), np.zeros(len(entered), np.int64)
    shown = unvoted = 0
    for p in range(len(entered)):
        if entered[p] >= members:
            shown += 1
            for earlier in range(view - 1, -1, -1):
                if votes[p, earlier, high]:
                    high_view[p], high_value[p] = earlier, votes[p, earlier, high]
                    break
            unvoted += high_view[p] < 0
    if shown < quorum:
        return 0
    if unvoted >= quorum:
        return all_of_them
    since = np.zeros(values + 1, np.int64)
    since_by_two = np.zeros(values + 1, np.int64)
    less = change == Change.CLAIM_BY_ONE
    for value in range(1, values + 1):
        since[value] = claimed_since(entered, votes, members, low, value, view, blocking - less, change)
        since_by_two[value] = since[value]
        if change in (Change.TWO_CLAIMS_BY_ONE, Change.TWO_CLAIMS_WITHOUT_PREVIOUS):
            without = Change.NO_PREVIOUS if change == Change.TWO_CLAIMS_WITHOUT_PREVIOUS else change
            needed = blocking - (change == Change.TWO_CLAIMS_BY_ONE)
            since_by_two[value] = claimed_since(entered, votes, members, low, value, view, needed, without)
    allows_two = (is_proof and change != Change.NO_TWO_CLAIMS) or change == Change.TWO_CLAIMS_FOR_SUGGESTS
    safe = 0
    for value in range(1, values + 1):
        for earlier in range(view - 1, -1, -1):
            open_to = 0
            for p in range(len(entered)):
                if entered[p] >= members:
                    at = high_view[p]
                    open_to += at < earlier or (at == earlier and high_value[p] == value)
            is_open = open_to >= quorum
            two = allows_two and (is_open or change == Change.TWO_CLAIMS_WHILE_NOT_OPEN)
            if (is_open and since[value] >= earlier) or (two and _two_claims(since_by_two, value, earlier, change)):
                safe |= 1 << value
                break
    return safe


@compiled
def has_quorum(votes, view, phase, value, quorum, change):  # type: ignore[no-untyped-def]
    """Whether so many honest votes of a phase are for the value that Byzantine ones can complete a quorum."""
    count = 0
    for p in range(len(votes)):
        count += votes[p, view, phase] == value
    return count >= quorum - (change == Change.QUORUM_OF_2F)


@compiled
def is_enabled(entered, votes, who, view, phase, value, values, quorum, blocking, change=Change.NONE):  # type: ignore[no-untyped-def]
    """Whether honest replica `who` may enter `view` (phase 0), vote, or decide (phase 5)."""
    if phase == 0:
        return view > entered[who]
    if phase <= PHASES and (view != entered[who] or votes[who, view, phase] != 0):
        return False
    if phase == 1:
        safe = safe_values(entered, votes, view, view, values, True, quorum, blocking, change)
        return (safe >> value) & 1 == 1
    return has_quorum(votes, view, phase - 1, value, quorum, change)


@compiled
def could_be_decided(entered, votes, view, value, quorum):  # type: ignore[no-untyped-def]
    """Whether vote 4 in this view may still reach a quorum for the value: no later vote 1 may be for another one."""
    count = 0
    for p in range(len(entered)):
        vote = votes[p, view, 4]
        count += vote == value or (entered[p] <= view and vote == 0)
    return count >= quorum


@compiled
def decided_values(votes, quorum):  # type: ignore[no-untyped-def]
    """How many different values have a quorum of votes 4."""
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
def is_live(entered, votes, values, faults, quorum, blocking, change):  # type: ignore[no-untyped-def]
    """Whether the next view of an honest leader decides once the network is calm and all honest replicas enter it.

    What the suggests allow its leader to propose with Byzantine help, the honest proofs alone must accept, and the
    honest suggests alone must allow something. (Every value is taken as valid, with its body at hand.)
    """
    view, everybody = votes.shape[1], -1
    proposed = safe_values(entered, votes, everybody, view, values, False, quorum, blocking, change)
    alone, claimed = quorum + faults, blocking + faults
    accepted = safe_values(entered, votes, everybody, view, values, True, alone, claimed, change)
    possible = safe_values(entered, votes, everybody, view, values, False, alone, claimed, change)
    return proposed & ~accepted == 0 and possible != 0
