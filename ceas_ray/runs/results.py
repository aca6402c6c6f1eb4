"""Sums up a run: metrics of each round, and the summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.schema import RunSettings
from ceas_ray.entanglement.unspent_pairs import UnspentPairs
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.state import Stateful
from ceas_ray.kernel.windows import RoundEnd
from ceas_ray.messages.observations import (
    AggregationObserved,
    GradientObserved,
    RoundObserved,
    StallObserved,
    WarmUpObserved,
)
from ceas_ray.messages.pair_books import AUTHENTICATION, BOOK_COLUMNS, GENERATED, STORED, TESTING, TRAINING, USED
from ceas_ray.quantum.contrast import contrast, contrasts_within, weight_profiles
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.runs.detection import Detection
from ceas_ray.scheduling.measures import utilization
from ceas_ray.training.centralized import accuracy_on_test
from ceas_ray.world.world import World

SCHEMA_VERSION = 1
_USES = ("training", "authentication", "testing")


@dataclass
class RunBooks:
    """counts: of pairs by use and column, int64 (3, 5). shots: how many, and how many on time, int64 (2,).

    contrasts: of every round. seconds_by_cause: of simulated_seconds. update_key_pairs: generated for the keys of
    updates and models. stored: pairs in stock. key_bits: distilled. simulated_seconds: with the warm-up and a
    stall; round_seconds: of decided rounds. digest: of the latest round. parameters: of the model, float64 (d,). cause:
    of a stall. waits: for keys. quarantined: processors. detection: of Byzantine rows, over all rounds. link_books: of
    every physical link, as in `PairBooks`.
    """

    parameters: NDArray[np.float64]
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((3, 5), np.int64))
    shots: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    contrasts: list[float] = field(default_factory=list)
    seconds_by_cause: dict[str, float] = field(default_factory=dict)
    update_key_pairs: int = 0
    stored: int = 0
    key_bits: float = 0.0
    simulated_seconds: float = 0.0
    round_seconds: float = 0.0
    rounds: int = 0
    decisions: int = 0
    view_changes: int = 0
    windows: int = 0
    digest: bytes = bytes(16)
    stalled: bool = False
    cause: str = ""
    waits: int = 0
    quarantined: tuple[int, ...] = ()
    detection: Detection = field(default_factory=Detection)
    link_books: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3, 6), np.int64))


class Results(Stateful):
    """Books of a run: what every round brought, and their sum."""

    def __init__(self, settings: RunSettings, world: World) -> None:
        self._settings, self._world = settings, world
        self._unspent = UnspentPairs()
        self.state = RunBooks(world.initial_parameters)

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"unspent": self._unspent}

    def take(self, end: RoundEnd) -> dict[str, Any]:
        """Book a round; returns its line for the journal (plain values)."""
        self.state.digest = end.digest
        self.state.windows += end.windows
        decided: RoundObserved | None = None
        variances: dict[int, float] = {}
        for observation in end.observations:
            match observation.payload:
                case WarmUpObserved() as warm_up:
                    self._book(warm_up)
                case RoundObserved() as decided:
                    self._book(decided)
                    self.state.waits += decided.waits
                case StallObserved() as stall:
                    self._book(stall)
                    self.state.waits += stall.waits
                    self.state.stalled, self.state.cause = True, stall.cause
                case GradientObserved(processor=processor, variance=variance):
                    variances[processor] = variance
        self._unspent.spend(end.accounts)
        if decided is None:
            return {"round": end.mark.round_index, "digest": end.digest.hex(), "stalled": True}
        return self._round_line(end, decided) | _gradient_variance(decided, variances) | self._detected(end)

    def _detected(self, end: RoundEnd) -> dict[str, float]:
        """Book how well Byzantine rows were told from honest ones in a round; return what the journal says of it.

        Nothing where no weights are known: in a round without an aggregate, or for a rule that gives none.
        """
        known = (seen.payload for seen in end.observations if isinstance(seen.payload, AggregationObserved))
        of_round = next((payload for payload in known if payload.round_index == end.mark.round_index), None)
        if of_round is None:
            return {}
        weights = dict(zip(of_round.processors, of_round.effective_weights.tolist(), strict=True))
        found = Detection.of_round(weights, self.state.quarantined, self._world.byzantine)
        self.state.detection += found
        return found.line()

    def _book(self, observed: WarmUpObserved | RoundObserved | StallObserved) -> None:
        books, closed = self.state, observed.books
        books.counts += closed.counts
        books.stored = closed.stored
        books.link_books = _added(books.link_books, np.array(closed.link_books))
        self._unspent.store(closed.key_batches)
        books.key_bits += closed.key_bits
        books.shots += (closed.shots, closed.shots_on_time)
        books.simulated_seconds += observed.simulated_seconds
        books.update_key_pairs += closed.update_key_pairs
        for cause, of_cause in observed.seconds_by_cause.by_name().items():
            books.seconds_by_cause[cause] = books.seconds_by_cause.get(cause, 0.0) + of_cause

    def _round_line(self, end: RoundEnd, decided: RoundObserved) -> dict[str, Any]:
        settings, books, closed = self._settings, self.state, decided.books
        books.rounds += 1
        books.round_seconds += decided.simulated_seconds
        books.decisions += 0 if decided.skipped else 1
        books.view_changes += decided.view
        books.quarantined = tuple(decided.quarantined)
        before, books.parameters = books.parameters, end.mark.model
        books.contrasts.append(self._contrast(before, closed.attenuation))
        line: dict[str, Any] = {
            "round": end.mark.round_index,
            "digest": end.digest.hex(),
            **self.utilizations(),
            "bell_pairs_generated": int(books.counts[:, GENERATED].sum()),
            "on_time": _share(closed.shots_on_time, closed.shots),
            "contrast": books.contrasts[-1],
            "key_bits": closed.key_bits,
            "key_bits_spent": self.key_bits_spent,
            "view_changes": decided.view,
            "skipped": int(decided.skipped),
            "waits": decided.waits,
            "quarantined": len(books.quarantined),
            "simulated_seconds": decided.simulated_seconds,
            "simulated_seconds_elapsed": books.simulated_seconds,
            **{f"seconds_of_{cause}": taken for cause, taken in decided.seconds_by_cause.by_name().items()},
            **{f"pairs_of_{cause}": n for cause, n in _pairs_by_cause(closed.counts, closed.update_key_pairs)},
            "update_norm": float(np.linalg.norm(books.parameters - before)),
            **self._weights(decided),
            "windows": end.windows,
            "host_calls": end.host_calls,
            "envelopes": end.handled,
            "work_seconds": end.work_seconds,
        }
        last = books.rounds == settings.training.rounds
        if books.rounds % settings.training.evaluate_every == 0 or last:
            loss, accuracy, validation_accuracy = self._evaluated()
            line |= {"loss": loss, "accuracy": accuracy}
            line |= {} if validation_accuracy is None else {"validation_accuracy": validation_accuracy}
            line |= {} if self._world.backdoor is None else {"backdoor_success": self._backdoor_success()}
        return line

    def _evaluated(self) -> tuple[float, float, float | None]:
        """Return the loss and accuracy of the latest model on the test set, and its accuracy on the validation set
        (None without one).
        """
        validation, parameters = self._world.validation, self.state.parameters
        loss, accuracy = self._world.evaluation(parameters)
        return float(loss), float(accuracy), None if validation is None else float(validation(parameters)[1])

    def _evaluated_at_end(self) -> tuple[float | None, float, float | None]:
        """Return the same, without a loss of the user's own that failed, which is why the run ended."""
        try:
            return self._evaluated()
        except PolicyError:
            return None, accuracy_on_test(self._world.circuit, self.state.parameters, self._world.data), None

    def _backdoor_success(self) -> float | None:
        """Return the success of the attack's back door in the latest model; None for another attack."""
        backdoor = self._world.backdoor
        return None if backdoor is None else backdoor(self.state.parameters)

    def _contrast(self, parameters: Any, attenuation: Any) -> float:
        """Return the mean contrast at use: of the model that the round ran, under the mean attenuation over processors.

        Of a shared circuit: with all pairs at their mean Werner parameter, m_1."""
        world = self._world
        circuit, shared = world.circuit, world.shared_circuit
        if shared.pairs_within:
            return float(
                contrasts_within(
                    shared,
                    parameters[None],
                    noise=noiseless(1, circuit.qubits),
                    angles=[world.public_angles],
                    werner=np.asarray(attenuation)[1:2],
                )[0]
            )
        if circuit.reuploaded:
            return 1.0
        (profile,) = weight_profiles(circuit, parameters[None], noiseless(1, circuit.qubits), [world.public_angles])
        return contrast(profile, np.asarray(attenuation))

    def _weights(self, decided: RoundObserved) -> dict[str, float]:
        byzantine = np.isin(np.array(decided.processors, dtype=np.int64), self._world.byzantine)
        weights = np.asarray(decided.weights)
        return {
            "weight_honest": float(weights[~byzantine].sum()),
            "weight_byzantine": float(weights[byzantine].sum()),
            "rows": len(weights),
        }

    def _bell_pairs(self) -> dict[str, Any]:
        """Return how many pairs had which fate, in all and by use."""
        counts, stored = self._pairs()
        columns = dict(zip(BOOK_COLUMNS, (int(n) for n in counts.sum(axis=0)), strict=True))
        by_use = {
            use: dict(zip(BOOK_COLUMNS, (int(n) for n in row), strict=True)) | {"stored": int(left)}
            for use, row, left in zip(_USES, counts, stored, strict=True)
        }
        return {
            "generated": columns["generated"],
            "used": dict(zip(_USES, (int(n) for n in counts[:, USED]), strict=True)),
            "late": columns["late"],
            "expired": columns["expired"],
            "sacrificed": columns["sacrificed"],
            "stored": int(stored.sum()),
            "by_use": by_use,
            "by_cause": dict(_pairs_by_cause(self.state.counts, self.state.update_key_pairs)),
        }

    def summary(self, status: str, more: dict[str, Any]) -> dict[str, Any]:
        """Return what `summary.json` holds; accuracies are those of the latest model, whenever the run ended."""
        books = self.state
        loss, accuracy, validation_accuracy = self._evaluated_at_end()
        return {
            "schema_version": SCHEMA_VERSION,
            "status": status,
            "seed": self._settings.seed,
            "processors": self._settings.processors.count,
            "rounds": books.rounds,
            "test_accuracy": accuracy,
            "test_loss": loss,
            "validation_accuracy": validation_accuracy,
            "backdoor_success": self._backdoor_success(),
            "chance_accuracy": self._world.data.chance_accuracy,
            "partition": self._settings.training.partition,
            "processors_per_group": self._world.processors_per_group,
            "byzantine_processors": self._world.byzantine_processors,
            "bell_pairs": self._bell_pairs(),
            **{f"bell_pair_{name}": value for name, value in self.utilizations().items()},
            "demand_on_time": _share(books.shots[1], books.shots[0]),
            "mean_contrast": float(np.mean(books.contrasts)) if books.contrasts else None,
            "rounds_per_simulated_second": books.rounds / books.round_seconds if books.round_seconds else 0.0,
            "decisions": books.decisions,
            "view_changes": books.view_changes,
            "stall_waits": books.waits,
            "quarantined_processors": list(books.quarantined),
            "detection": books.detection.summary(),
            "certification_confidence": self._settings.aggregation.confidence,
            "simulated_seconds": books.simulated_seconds,
            "simulated_seconds_by_cause": books.seconds_by_cause,
            "windows": books.windows,
            "trace_digest": books.digest.hex(),
            **more,
        }

    def _pairs(self) -> tuple[Any, Any]:
        """Return the books of the run up to now: int64 (3 uses, 5 columns), and pairs in stock, int64 (3,).

        Pairs behind key bits are stock until their bits are spent.
        """
        counts, stored = self.state.counts.copy(), np.zeros(3, np.int64)
        stored[TRAINING], stored[AUTHENTICATION] = self.state.stored, self._unspent.pairs
        counts[AUTHENTICATION, USED] -= stored[AUTHENTICATION]
        return counts, stored

    def utilizations(self) -> dict[str, float]:
        """Return the utilization of the run up to now: of all uses; net, without tests among the used; of shots
        alone.
        """
        counts, _ = self._pairs()
        used, generated = counts[:, USED], counts[:, GENERATED]
        shots = [TRAINING, TESTING]
        return {
            "utilization": utilization(used.sum(), generated.sum()),
            "utilization_net": utilization(used.sum() - used[TESTING], generated.sum()),
            "utilization_training": utilization(used[shots].sum(), generated[shots].sum()),
        }

    @property
    def link_books(self) -> NDArray[np.int64]:
        """Books of every physical link and use up to now: generated, used, late, expired, sacrificed, stored; shape
        (links, 3, 6), no links before anything was booked.

        Pairs behind key bits are stored until their bits are spent; those of a path lie equally on its links. Sums over
        all links are those of the run.
        """
        books, network = self.state.link_books.copy(), self._world.outline.blueprint.network
        unspent = np.zeros(len(books))
        for path, pairs in self._unspent.pairs_by_path().items():
            links = network.key_route(*sorted(path, key=party_order)).links
            np.add.at(unspent, list(links), pairs / len(links))
        whole = np.diff(np.round(np.cumsum(unspent)), prepend=0.0).astype(np.int64)
        books[:, AUTHENTICATION, USED] -= whole
        books[:, AUTHENTICATION, STORED] += whole
        return books

    @property
    def key_bits_spent(self) -> int:
        """Key bits that all senders have spent."""
        return self._unspent.bits_spent

    @property
    def key_bits_distilled(self) -> float:
        """Key bits distilled over all pairs of parties, the warm-up included."""
        return self.state.key_bits


def party_order(name: str) -> tuple[str, int]:
    """Return what sorts the names of parties as key paths have them: processors first, then by number."""
    kind, _, number = name.partition("/")
    return kind, int(number)


def _pairs_by_cause(counts: Any, update_key_pairs: int) -> Iterator[tuple[str, int]]:
    """Yield how many pairs were generated for what; keys go to the messages that they authenticate.

    counts: int64 (3, 5). update_key_pairs: for keys between processors and replicas.
    """
    generated = np.asarray(counts)[:, GENERATED]
    yield "shots", int(generated[TRAINING])
    yield "tests", int(generated[TESTING])
    yield "update_keys", update_key_pairs
    yield "consensus_keys", int(generated[AUTHENTICATION]) - update_key_pairs


def _added(before: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of books of links; what is stored is what was stored last."""
    if not len(before):
        return more
    total = before + more
    total[:, :, STORED] = more[:, :, STORED]
    return total


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else 1.0


def _gradient_variance(decided: RoundObserved, variances: Mapping[int, float]) -> dict[str, float]:
    """Return the variance that shots leave in the weighted mean of the round's honest gradients, and with equal
    weights.

    V = sum w_k^2 v_k, summed over the coordinates. v_k: each processor's own estimate (see the estimators) for this
    round's gradient, before its momentum, which averages over rounds. Weights are those of the honest rows, made to sum
    to 1; a processor without an estimate is left out. Trimming and mixing of rows are not in it.
    """
    weights = {
        int(k): float(w)
        for k, w in zip(decided.processors, decided.weights, strict=True)
        if np.isfinite(variances.get(int(k), np.inf))
    }
    total = sum(weights.values())
    if total <= 0:
        return {}
    return {
        "gradient_variance": sum((w / total) ** 2 * variances[k] for k, w in weights.items()),
        "gradient_variance_uniform": sum(variances[k] for k in weights) / len(weights) ** 2,
    }
