"""The processors and links of a GraphML file, for circuits that are distributed over them."""

from __future__ import annotations

import re

from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.network.graphml import read_graphml

MAX_QUBITS = 1_000_000


def read_network(file: InputFile) -> ProcessorNetwork:
    """Read a network; a node's attribute `qubits` says how many it holds (none: 0, it only swaps).

    Raises ValueError, which names the file and the node, for what is wrong with it.
    """
    nodes, edges = read_graphml(file)
    capacities = []
    for node in nodes:
        text = node.get("qubits", "0")
        if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) > MAX_QUBITS:
            must = f"the qubits of {node['id']} must be a whole number from 0 to {MAX_QUBITS:,}"
            raise ValueError(f"{file.path}: {must}, got {text!r}")
        capacities.append(int(text))
    if not any(capacities):
        raise ValueError(f"{file.path}: at least one node must have the attribute qubits (how many it holds), got none")
    try:
        names, links = tuple(node["id"] for node in nodes), tuple((first, second) for first, second, _ in edges)
        return ProcessorNetwork(names, tuple(capacities), links)
    except ValueError as error:
        raise ValueError(f"{file.path}: {error}") from None
