"""Hilbert spaces and graphs."""

import warnings

import netket as nk
import numpy as np

from descriptions import build_hilbert, describe_hilbert, fock, qubit, spin
from writing import write_json


def generate_hilbert():
    specs = [
        spin(s, n, inverted) for s in (0.5, 1, 1.5) for n in (2, 3) for inverted in (False, True)
    ]
    specs += [qubit(2), qubit(3), fock(1, 3), fock(2, 3), fock(3, 2)]
    cases = []
    for spec in specs:
        hilbert = build_hilbert(spec)
        states = np.asarray(hilbert.all_states())
        cases.append(
            {
                **describe_hilbert(spec, hilbert),
                "local_size": hilbert.local_size,
                "n_states": hilbert.n_states,
                "dtype": str(states.dtype),
                "all_states": states.astype(float),
                "numbers": hilbert.states_to_numbers(states),
                "local_indices": hilbert.states_to_local_indices(states),
            }
        )
    constrained = []
    for label, hilbert in (
        ("spin 1/2, 4 sites, total_sz 0", nk.hilbert.Spin(0.5, 4, total_sz=0)),
        (
            "spin 1/2, 4 sites, total_sz 1, inverted",
            nk.hilbert.Spin(0.5, 4, total_sz=1, inverted_ordering=True),
        ),
        ("fock 2, 3 sites, 2 particles", nk.hilbert.Fock(2, 3, n_particles=2)),
    ):
        constrained.append(
            {
                "label": label,
                "n_states": hilbert.n_states,
                "all_states": np.asarray(hilbert.all_states()).astype(float),
            }
        )
    write_json("hilbert", {"cases": cases, "constrained": constrained})


def describe_graph(call, **spec):
    """What NetKet makes of a constructor call, or the error it raises."""
    constructor = getattr(nk.graph, call)
    entry = {"constructor": call, "arguments": spec}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            graph = constructor(**spec)
        except Exception as error:
            return {**entry, "error": f"{type(error).__name__}: {str(error).strip()}"}
    colors = list(graph.edge_colors)
    return {
        **entry,
        "n_nodes": graph.n_nodes,
        "edges": [list(map(int, e)) for e in graph.edges()],
        "edge_colors": [int(c) for c in colors],
        "is_bipartite": graph.is_bipartite(),
        "is_connected": graph.is_connected(),
        "warnings": sorted({type(w.message).__name__ for w in caught}),
    }


def generate_graph():
    cases = []
    for length in (1, 2, 3, 4, 5):
        for pbc in (False, True):
            cases.append(describe_graph("Chain", length=length, pbc=pbc))
    for length in (1, 2, 3, 4):
        for pbc in (False, True):
            cases.append(describe_graph("Square", length=length, pbc=pbc))
            cases.append(describe_graph("Hypercube", length=length, n_dim=2, pbc=pbc))
    for pbc in (False, True):
        cases.append(describe_graph("Hypercube", length=3, n_dim=3, pbc=pbc))
        cases.append(describe_graph("Hypercube", length=2, n_dim=3, pbc=pbc))
        for extent in ([2, 3], [1, 4], [4, 1], [2, 2], [3, 4], [2, 2, 3], [1, 1], [5]):
            for color_edges in (False, True):
                cases.append(
                    describe_graph("Grid", extent=extent, pbc=pbc, color_edges=color_edges)
                )
    for extent, pbc in (([3, 4], [True, False]), ([3, 2], [False, True]), ([4, 3], [False, True])):
        cases.append(describe_graph("Grid", extent=extent, pbc=pbc, color_edges=True))
    for order in (2, 3):
        for pbc in (False, True):
            cases.append(
                describe_graph("Grid", extent=[4, 4], pbc=pbc, max_neighbor_order=order)
            )
        cases.append(describe_graph("Chain", length=6, pbc=True, max_neighbor_order=order))
    for length, pbc in ((2, False), (3, True)):
        cases.append(describe_graph("Triangular", extent=[length, length], pbc=pbc))
        cases.append(describe_graph("Honeycomb", extent=[length, length], pbc=pbc))
        cases.append(describe_graph("Kagome", extent=[length, length], pbc=pbc))
    write_json("graph", {"cases": cases})
