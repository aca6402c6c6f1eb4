"""Compiled passes over density matrices in the Pauli basis; `pauli_engine` is their front, `pauli_tiles` says how a
state, a map and a pass look.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.quantum.lanes import aligned_lanes
from ceas_ray.quantum.pauli_maps import (
    before_encoding,
    compose,
    contract,
    encoding_maps,
    gather,
    input_state,
    new_owners,
)
from ceas_ray.quantum.pauli_tiles import GATE_NOISE_ROWS, apply_layer, apply_layer_adjoint


def workspace_rows(layers: int, gates: int, coefficients: int, keep_all: bool) -> int:
    """Return the rows of lanes for the states of a forward pass, the one after it, and h; `gates` in each layer."""
    return coefficients * (2 + (layers * gates if keep_all else gates + layers))


class Problem(NamedTuple):
    """A circuit and its lanes, as all passes take them.

    gates (L, G, 4), strides (n,), weights (4^n,), hops (Q, L, n): the Werner parameter of the pair that teleports a
    qubit on before a layer, 1 where none does; angles (B, n), noise (Q, L, n, 7), attenuation (Q, n + 1), owner (B,),
    rotations (Q, L, n, 1 + 2 R, 12), gate_rows (Q, L, G, 18).
    """

    gates: Any
    strides: Any
    weights: Any
    is_cz: bool
    reuploaded: bool
    hops: Any
    angles: Any
    noise: Any
    attenuation: Any
    owner: Any
    rotations: Any
    gate_rows: Any


class Block(NamedTuple):
    """A block of lanes, each with the parameters and noise of its owner.

    turned (L, n, 1 + 2 R, 12, lanes): rotations and their derivatives. encoding (L, n, 12, lanes). maps (L, n + 1, 12,
    lanes): both, composed. noise_rows (L, G, 18, lanes): of gates. owners (lanes,): whose `turned` and `noise_rows` are
    there.
    """

    turned: Any
    encoding: Any
    maps: Any
    noise_rows: Any
    owners: Any


@njit(**COMPILED)
def _room_for_a_block(problem, empty):  # type: ignore[no-untyped-def]
    layers, n, orders = problem.rotations.shape[1:4]
    return Block(
        aligned_lanes((layers, n, orders, 12), empty),
        aligned_lanes((layers, n, 12), empty),
        aligned_lanes((layers, n + 1, 12), empty),
        aligned_lanes((layers, problem.gates.shape[1], GATE_NOISE_ROWS), empty),
        np.full(empty.shape[1], -1),
    )


@njit(**COMPILED)
def _enter_block(problem, start, block):  # type: ignore[no-untyped-def]
    """Fill the block of the lanes from `start` on."""
    lanes, rotations, gate_rows = block.turned.shape[4], problem.rotations, problem.gate_rows
    if new_owners(problem.owner, start, block.owners):
        gather(rotations.reshape(len(rotations), -1), problem.owner, start, block.turned.reshape(-1, lanes))
        gather(gate_rows.reshape(len(gate_rows), -1), problem.owner, start, block.noise_rows.reshape(-1, lanes))
    encoding_maps(problem.reuploaded, problem.hops, problem.angles, problem.noise, problem.owner, start, block.encoding)
    compose(block.turned, block.encoding, block.maps)


@njit(**COMPILED)
def reverse_mode(  # type: ignore[no-untyped-def]
    problem, cotangent, first_block, block_step, keep_all, empty, workspace, found
):
    """Compute all outputs, and the derivatives of sum_k cotangent_k z_k, for every block_step-th block of lanes.

    cotangent (B, K). found: values (B, K), first (B, P) and, unless it has no rows, second (B, P) are filled. keep_all:
    keep all states of the forward pass; if not, those at the start of each layer, and run each layer again. empty: an
    array (0, lanes) of the dtype to compute in; workspace: as many rows as `workspace_rows` says.
    """
    gates, strides, weights, is_cz, reuploaded, _, angles, _, attenuation, owner, rotations, _ = problem
    values, first, second = found
    layers, count = gates.shape[0], gates.shape[1]
    n, size, lanes = len(strides), len(weights), empty.shape[1]
    orders = rotations.shape[3]
    parts = workspace.reshape(-1, size, lanes)
    end, h, kept = parts[0], parts[1], count * (layers if keep_all else 1)
    states, starts = parts[2 : 2 + kept], parts[2 + kept :]
    block = _room_for_a_block(problem, empty)
    turned, encoding, maps, noise_rows, _ = block
    correlations = aligned_lanes((n + 1, 12), empty)
    scratch = aligned_lanes((4,), empty), aligned_lanes((n + 1,), empty)
    derivatives = aligned_lanes((orders - 1,), empty)
    for start in range(first_block * lanes, len(owner), block_step * lanes):
        _enter_block(problem, start, block)
        input_state(reuploaded, angles, attenuation, weights, owner, start, scratch, states[0])
        for layer in range(layers):
            last = layer == layers - 1
            if keep_all:
                into = end if last else states[(layer + 1) * count]
                apply_layer(states[layer * count :], into, gates[layer], strides, maps[layer], noise_rows[layer], is_cz)
            else:
                starts[layer] = states[0]
                apply_layer(states, end, gates[layer], strides, maps[layer], noise_rows[layer], is_cz)
                if not last:
                    states[0] = end
        filled = min(lanes, len(owner) - start)
        h[:] = 0.0
        for k in range(values.shape[1]):
            for w in range(filled):
                values[start + w, k] = end[3 * strides[k], w]
                h[3 * strides[k], w] = cotangent[start + w, k]
        for layer in range(layers - 1, -1, -1):
            if not keep_all and layer < layers - 1:
                states[0] = starts[layer]
                apply_layer(states, end, gates[layer], strides, maps[layer], noise_rows[layer], is_cz)
            offset = layer * count if keep_all else 0
            apply_layer_adjoint(
                h, states[offset:], gates[layer], strides, maps[layer], noise_rows[layer], is_cz, correlations
            )
            for q in range(n):
                before_encoding(correlations[q], encoding[layer, q])
                for d in range(orders - 1):
                    contract(correlations[q], turned[layer, q, d + 1], derivatives, d)
                angle = (layer * n + q) * ((orders - 1) // 2)
                for w in range(filled):
                    for r in range((orders - 1) // 2):
                        first[start + w, angle + r] = derivatives[2 * r, w]
                if len(second) > 0:
                    for w in range(filled):
                        for r in range((orders - 1) // 2):
                            second[start + w, angle + r] = derivatives[2 * r + 1, w]


@njit(**COMPILED)
def forward(problem, first_block, block_step, empty, values):  # type: ignore[no-untyped-def]
    """Compute all outputs only; arguments as `reverse_mode`."""
    gates, strides, weights, is_cz, reuploaded, _, angles, _, attenuation, owner, _, _ = problem
    layers, count = gates.shape[0], gates.shape[1]
    n, size, lanes = len(strides), len(weights), empty.shape[1]
    states = aligned_lanes((1, size), empty)
    block = _room_for_a_block(problem, empty)
    maps, noise_rows = block.maps, block.noise_rows
    scratch = aligned_lanes((4,), empty), aligned_lanes((n + 1,), empty)
    for start in range(first_block * lanes, len(owner), block_step * lanes):
        _enter_block(problem, start, block)
        input_state(reuploaded, angles, attenuation, weights, owner, start, scratch, states[0])
        for layer in range(layers):
            for g in range(count):
                apply_layer(
                    states, states[0], gates[layer, g : g + 1], strides, maps[layer], noise_rows[layer, g : g + 1],
                    is_cz,
                )  # fmt: skip
        for k in range(values.shape[1]):
            for w in range(min(lanes, len(owner) - start)):
                values[start + w, k] = states[0, 3 * strides[k], w]


@njit(**COMPILED)
def pull_back(problem, cotangent, empty, pulled):  # type: ignore[no-untyped-def]
    """Fill pulled (B, 4^n): sum_k cotangent_k Z_k pulled back to the input of each lane; see `reverse_mode`."""
    gates, strides, weights, is_cz, _, _, _, _, _, owner, _, _ = problem
    layers, count = gates.shape[0], gates.shape[1]
    n, size, lanes = len(strides), len(weights), empty.shape[1]
    h = aligned_lanes((1, size), empty)
    block = _room_for_a_block(problem, empty)
    maps, noise_rows = block.maps, block.noise_rows
    correlations = aligned_lanes((n + 1, 12), empty)
    for start in range(0, len(owner), lanes):
        _enter_block(problem, start, block)
        filled = min(lanes, len(owner) - start)
        h[:] = 0.0
        for k in range(cotangent.shape[1]):
            for w in range(filled):
                h[0, 3 * strides[k], w] = cotangent[start + w, k]
        for layer in range(layers - 1, -1, -1):
            for g in range(count - 1, -1, -1):
                apply_layer_adjoint(
                    h[0], h, gates[layer, g : g + 1], strides, maps[layer], noise_rows[layer, g : g + 1], is_cz,
                    correlations,
                )  # fmt: skip
        for w in range(filled):
            pulled[start + w] = h[0, :, w]
