"""The ledger of Bell pairs: how many were generated, and what became of them, since the books were last closed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.demand import finite_bits
from ceas_ray.entanglement.key_paths import KeyPath, KeyPaths
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.observations import ClosedPairBooks, KeyBatch
from ceas_ray.messages.pair_books import AUTHENTICATION, EXPIRED, GENERATED, STORED, TRAINING, USED
from ceas_ray.messages.payloads import PlanFinished
from ceas_ray.network.network_plan import NetworkPlan


@dataclass
class PairBooks:
    """Books since they were last closed.

    counts: int64 (3, 5), by use and column of `pair_books`. stored: pairs left in stock. shots: how many, and how many
    on time, int64 (2,). attenuation_sum: over processors, float64 (pairs of a shot + 1,). link_books: of every physical
    link and use generated, used, late, expired, sacrificed, stored, int64 (links, 3, 6); no links where each node has
    its own. key_batches: of every path and plan that gave bits. update_key_pairs: generated for keys between processors
    and replicas, which updates and models spend; all other keys are for consensus.
    """

    counts: NDArray[np.int64]
    shots: NDArray[np.int64]
    attenuation_sum: NDArray[np.float64]
    link_books: NDArray[np.int64]
    stored: int = 0
    key_batches: list[KeyBatch] = field(default_factory=list)
    update_key_pairs: int = 0


class PairLedger(Stateful):
    """Books every report of a link manager."""

    def __init__(self, network: NetworkPlan, paths: KeyPaths, pairs_per_shot: int, finite_keys: bool) -> None:
        """finite_keys: whether key bits are those of finite blocks, a block per path and plan."""
        self._network, self._paths, self._finite_keys = network, paths, finite_keys
        self._pairs_per_shot = pairs_per_shot
        self.state = self._empty()

    def _empty(self) -> PairBooks:
        return PairBooks(
            counts=np.zeros((3, 5), np.int64),
            shots=np.zeros(2, np.int64),
            attenuation_sum=np.zeros(self._pairs_per_shot + 1),
            link_books=np.zeros((self._network.links, 3, 6), np.int64),
        )

    def book(self, finished: PlanFinished) -> list[tuple[KeyPath, float]]:
        """Book a report; return the key bits that its paths distilled, for those that have any."""
        books, links = self.state, list(finished.links)
        books.shots += (finished.shots, finished.shots_on_time)
        if finished.shots and finished.round_index >= 0:
            books.attenuation_sum += finished.attenuation
        books.counts += finished.link_counts.sum(axis=0)
        books.stored += int(finished.link_stored.sum())
        books.link_books[links, :, :5] += finished.link_counts
        books.link_books[links, TRAINING, STORED] += finished.link_stored
        if finished.link.startswith("link/processor/"):
            books.update_key_pairs += int(finished.link_counts[:, AUTHENTICATION, GENERATED].sum())
        return self._book_keys(finished)

    def _book_keys(self, finished: PlanFinished) -> list[tuple[KeyPath, float]]:
        """Keep the bits of every path; the pairs of a block that yields none have expired."""
        books, distilled = self.state, []
        owner = finished.link.removeprefix("link/")
        reported = zip(finished.key_peers, finished.key_pairs.tolist(), finished.key_bits.tolist(), strict=True)
        for peer, pairs, bits in reported:
            path = KeyPath(owner, int(peer.removeprefix("replica/")))
            links = self._paths.links(path)
            if self._finite_keys:
                bits = finite_bits(bits, pairs)
            if bits > 0:
                distilled.append((path, bits))
                books.key_batches.append(KeyBatch(one=owner, other=peer, pairs=pairs * len(links), bits=bits))
                continue
            books.counts[AUTHENTICATION, [USED, EXPIRED]] += np.array([-1, 1]) * pairs * len(links)
            for link in links:
                books.link_books[link, AUTHENTICATION, [USED, EXPIRED]] += np.array([-1, 1]) * pairs
        return distilled

    def close(self) -> ClosedPairBooks:
        """Return the results of all plans since the books were last closed, and open new books.

        What is left in stock is given up when the next plan starts, so it expires in the new books.
        """
        books = self.state
        closed = ClosedPairBooks(
            counts=books.counts,
            stored=books.stored,
            shots=int(books.shots[0]),
            shots_on_time=int(books.shots[1]),
            attenuation=books.attenuation_sum / len(self._network.processor_routes),
            key_bits=math.fsum(batch.bits for batch in books.key_batches),
            key_batches=tuple(books.key_batches),
            link_books=books.link_books,
            update_key_pairs=books.update_key_pairs,
        )
        self.state = self._empty()
        self.state.counts[TRAINING, EXPIRED] = books.stored
        self.state.link_books[:, TRAINING, EXPIRED] = books.link_books[:, TRAINING, STORED]
        return closed
