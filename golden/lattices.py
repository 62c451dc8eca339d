"""Lattices and their symmetries, for generate.py."""

import numpy as np
import netket as nk


def lattice_cases():
    planes = ([True, True], [False, False], [True, False], [False, True])
    for pbc in planes:
        for extent in ([3, 3], [3, 4], [2, 3]):
            for name in ("Triangular", "Honeycomb", "Kagome"):
                yield name, dict(extent=extent, pbc=pbc)
    for pbc in ([True, True], [True, False]):
        for order in (2, 3):
            for name in ("Triangular", "Honeycomb", "Kagome"):
                yield name, dict(extent=[5, 6], pbc=pbc, max_neighbor_order=order)
        yield "KitaevHoneycomb", dict(extent=[3, 4], pbc=pbc)
        yield "Grid", dict(extent=[6, 7], pbc=pbc, max_neighbor_order=3)
    yield "Cube", dict(length=3, pbc=True)
    yield "Cube", dict(length=2, pbc=False)
    for name in ("BCC", "FCC", "Diamond", "Pyrochlore"):
        for extent, pbc in (([3, 3, 3], True), ([2, 3, 2], [True, True, False]), ([2, 2, 2], False)):
            yield name, dict(extent=extent, pbc=pbc)
        yield name, dict(extent=[5, 5, 5], pbc=True, max_neighbor_order=2)
    skew = dict(basis_vectors=[[1.0, 0.0], [0.3, 1.4]], site_offsets=[[0.0, 0.0], [0.4, 0.5]])
    for pbc in planes:
        yield "Lattice", dict(extent=[4, 3], pbc=pbc, max_neighbor_order=2, **skew)


def symmetry_cases():
    for length in (3, 4, 6):
        yield "Chain", dict(length=length, pbc=True)
    yield "Chain", dict(length=5, pbc=False)
    yield "Square", dict(length=4, pbc=True)
    yield "Square", dict(length=3, pbc=False)
    yield "Grid", dict(extent=[3, 4], pbc=True)
    yield "Grid", dict(extent=[3, 4], pbc=[True, False])
    yield "Grid", dict(extent=[4, 4], pbc=True, color_edges=True)
    yield "Triangular", dict(extent=[3, 3], pbc=True)
    yield "Triangular", dict(extent=[4, 4], pbc=True)
    yield "Honeycomb", dict(extent=[3, 3], pbc=True)
    yield "Kagome", dict(extent=[3, 3], pbc=True)
    yield "Cube", dict(length=3, pbc=True)
    yield "FCC", dict(extent=[3, 3, 3], pbc=True)
    yield "Diamond", dict(extent=[3, 3, 3], pbc=True)
    yield "Pyrochlore", dict(extent=[3, 3, 3], pbc=True)


def describe(name, arguments):
    graph = getattr(nk.graph, name)(**arguments)
    return graph, {
        "constructor": name,
        "arguments": arguments,
        "n_nodes": graph.n_nodes,
        "positions": np.asarray(graph.positions),
        "edges": [list(map(int, edge)) for edge in graph.edges()],
        "edge_colors": [int(color) for color in graph.edge_colors],
    }


def images(group):
    """Permutations by the image of every site, sorted."""
    return sorted(np.argsort(row).tolist() for row in np.asarray(group.to_array()))


def characters(group, k):
    """One-dimensional representations of the whole group at a wave vector that it leaves as it is."""
    rows = np.asarray(group.space_group_irreps(np.asarray(k)))
    order = [np.argsort(row).tolist() for row in np.asarray(group.to_array())]
    order = sorted(range(len(order)), key=lambda i: order[i])
    return [row[order].astype(complex) for row in rows if abs(row[0] - 1) < 1e-9]


def describe_symmetry(name, arguments):
    graph, case = describe(name, arguments)
    group = graph.space_group()
    case |= {
        "translations": images(graph.translation_group()),
        "n_point_group": len(group.point_group),
        "n_space_group": len(images(group)),
    }
    if case["n_space_group"] <= 150:
        case |= {"point_group": images(group.point_group), "space_group": images(group)}
        # NetKet has no wave vectors of lattices without a translation.
        if graph.pbc.any():
            case["at_zero"] = characters(group, [0.0] * graph.ndim)
    return case


def cases():
    return {
        "lattices": [describe(name, arguments)[1] for name, arguments in lattice_cases()],
        "symmetries": [describe_symmetry(name, arguments) for name, arguments in symmetry_cases()],
    }
