"""Warnings of runs whose settings do not do what somebody may expect of them."""

from __future__ import annotations

from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount
from ceas_ray.aggregation.rule import Rule, ignores_weights, max_faults
from ceas_ray.aggregation.similarity_discount import SimilarityDiscount
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.messages.quorum import Quorums
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.world.counts import counts_of

MAX_FORESEEN_LOSS = 0.5
"""Share of frames that are lost, up to which views end in time, as forecasts take for granted."""


def warnings_of(settings: RunSettings) -> tuple[str, ...]:
    """Return a line on the committee and one on the rule, where more parties are Byzantine than are tolerated, one each
    on a discount and on a scheduler that change nothing in a run, and one on a network that loses most frames."""
    rule: Rule = instantiate(settings.aggregation.rule, "aggregation.rule", Rule)
    rules = _of_rule(settings, rule), _of_discount(settings, rule)
    found = (_of_committee(settings), *rules, _of_scheduler(settings), _of_loss(settings))
    return tuple(line for line in found if line is not None)


def _of_committee(settings: RunSettings) -> str | None:
    size, bad = settings.consensus.committee_size, settings.attacks.replicas
    if size is None or bad <= Quorums(size).faults:
        return None
    tolerated = Quorums(size).faults
    return (
        f"warning: attacks.replicas={bad} is more than the f = {tolerated} Byzantine members that a committee of "
        f"{size} tolerates: it may stall, and nothing that it decides can be trusted"
    )


def _of_rule(settings: RunSettings, rule: Rule) -> str | None:
    counts = counts_of(settings)
    parties, bad = counts.parties, counts.byzantine_parties
    share, bound = settings.aggregation.byzantine_fraction, max_faults(rule, parties)
    if bad > bound:
        limit = f"than the {bound} of {parties} that {type(rule).__name__} can tolerate"
    elif bad > counts.tolerated_rows:
        setting = f"aggregation.byzantine_fraction={share}"
        limit = f"than the {counts.tolerated_rows} of {parties} that the rule is set to tolerate ({setting})"
    else:
        return None
    one = "processor" if counts.group_size == 1 else "group of processors"
    several = "processors" if counts.group_size == 1 else "groups of processors"
    who = f"1 Byzantine {one} is" if bad == 1 else f"{bad} Byzantine {several} are"
    return f"warning: {who} more {limit}: the model may be theirs"


def _of_discount(settings: RunSettings, discount: Rule) -> str | None:
    counts = counts_of(settings)
    if not isinstance(discount, DuplicateDiscount | SimilarityDiscount) or counts.tolerated_rows == 0:
        return None
    faults = min(counts.tolerated_rows, max_faults(discount.rule, counts.parties))
    try:
        if not ignores_weights(discount.rule, counts.parties, faults):
            return None
    except PolicyError:  # random rows are not what it was made for; a run says so if its own rows fail too
        return None
    inner, outer = type(discount.rule).__name__, type(discount).__name__
    return f"warning: {inner} takes all rows as equal, so that {outer} around it changes nothing"


def _of_scheduler(settings: RunSettings) -> str | None:
    scheduler = instantiate(settings.scheduling, "scheduling", Scheduler)
    if not hasattr(scheduler, "channel_rule"):
        return None
    return (
        f"warning: {type(scheduler).__name__} chooses between links that share channels; in a run each link has its "
        "own while it is served, and results are those of scheduling=on_demand (experiment=utilization compares them)"
    )


def _of_loss(settings: RunSettings) -> str | None:
    share = settings.consensus.loss_probability
    if share <= MAX_FORESEEN_LOSS:
        return None
    return (
        f"warning: consensus.loss_probability={share} loses most frames: views end before their quorums are "
        "there, and a round takes many times what the forecast says, or stalls"
    )
