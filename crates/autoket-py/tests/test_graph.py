"""Graphs and lattices beside NetKet's."""

import copy
import pickle
from collections import Counter

import netket as ref
import numpy as np
import pytest

import autoket as nk

LATTICES = [
    ("Chain", (6,), {}),
    ("Chain", (5,), {"pbc": False}),
    ("Chain", (2,), {}),
    ("Chain", (8,), {"max_neighbor_order": 3}),
    ("Chain", (2,), {"color_edges": True}),
    ("Hypercube", (3,), {"n_dim": 3}),
    ("Hypercube", (4,), {"n_dim": 2, "pbc": False}),
    ("Square", (4,), {}),
    ("Square", (3,), {"pbc": False}),
    ("Square", (2,), {}),
    ("Square", (4,), {"max_neighbor_order": 2}),
    ("Square", (3,), {"color_edges": True}),
    ("Cube", (3,), {}),
    ("Grid", ([2, 5],), {}),
    ("Grid", ([3, 4],), {"pbc": [True, False]}),
    ("Grid", ([3, 4],), {"pbc": [False, True], "color_edges": True}),
    ("Grid", ([2, 3, 2],), {"pbc": False, "color_edges": True}),
    ("Grid", ([4, 4],), {"custom_edges": [(0, 0, [1.0, 1.0], 5), (0, 0, [1.0, -1.0], 2)]}),
    ("Triangular", ([3, 4],), {}),
    ("Triangular", ([3, 3],), {"pbc": False, "max_neighbor_order": 2}),
    ("Honeycomb", ([2, 3],), {}),
    ("Honeycomb", ([3, 3],), {"pbc": [True, False]}),
    ("Kagome", ([2, 2],), {}),
    ("Kagome", ([3, 2],), {"pbc": False}),
    ("KitaevHoneycomb", ([3, 3],), {}),
    ("KitaevHoneycomb", ([2, 3],), {"pbc": False}),
    ("BCC", ([3, 3, 3],), {}),
    ("FCC", ([3, 3, 3],), {}),
    ("Diamond", ([2, 3, 3],), {"pbc": False}),
    ("Pyrochlore", ([2, 2, 2],), {}),
]


def pair(name, args, kwargs):
    return getattr(nk.graph, name)(*args, **kwargs), getattr(ref.graph, name)(*args, **kwargs)


def bonds(graph, **kwargs):
    edges = [tuple(int(x) for x in edge) for edge in graph.edges(**kwargs)]
    return Counter((min(e[:2]), max(e[:2]), *e[2:]) for e in edges)


@pytest.mark.parametrize(("name", "args", "kwargs"), LATTICES)
def test_lattices_are_netkets(name, args, kwargs):
    own, other = pair(name, args, kwargs)
    assert own.n_nodes == other.n_nodes
    assert own.n_edges == other.n_edges
    assert bonds(own, return_color=True) == bonds(other, return_color=True)
    assert bonds(own) == bonds(other)
    for color in set(own.edge_colors):
        assert bonds(own, filter_color=color) == bonds(other, filter_color=color)
    assert list(own.nodes()) == list(other.nodes())
    assert [set(a) for a in own.adjacency_list()] == [set(a) for a in other.adjacency_list()]
    assert own.is_bipartite() == other.is_bipartite()
    assert own.is_connected() == other.is_connected()
    np.testing.assert_array_equal(own.distances(), other.distances())
    for attribute in ("positions", "basis_vectors", "site_offsets", "extent", "pbc", "basis_coords", "ndim"):
        np.testing.assert_allclose(getattr(own, attribute), getattr(other, attribute), atol=1e-14)
    assert repr(own) == repr(other)
    assert str(own) == str(other)
    np.testing.assert_allclose(
        own.distances_euclidean(minimum_image=False), other.distances_euclidean(minimum_image=False), atol=1e-13
    )


@pytest.mark.parametrize(("name", "args", "kwargs"), [lattice for lattice in LATTICES if lattice[0] != "BCC"][:12])
def test_distances_are_netkets(name, args, kwargs):
    own, other = pair(name, args, kwargs)
    np.testing.assert_allclose(own.distances_euclidean(), other.distances_euclidean(), atol=1e-13)


def test_sites_are_found_by_place_and_by_cell():
    own, other = pair("Kagome", ([3, 3],), {})
    assert own.id_from_basis_coords([1, 2, 1]) == other.id_from_basis_coords([1, 2, 1])
    coords = np.asarray(own.basis_coords)[[3, 17, 0]]
    np.testing.assert_array_equal(own.id_from_basis_coords(coords), [3, 17, 0])
    np.testing.assert_array_equal(own.id_from_position(own.positions), np.arange(27))
    shifted = own.positions + 3 * own.basis_vectors[1]
    np.testing.assert_array_equal(own.id_from_position(shifted), other.id_from_position(shifted))
    np.testing.assert_allclose(own.position_from_basis_coords([1, 2, 1]), own.positions[16])
    assert [repr(site) for site in own.sites] == [repr(site) for site in other.sites]
    with pytest.raises(nk.graph.InvalidSiteError, match="expected numbers from 0"):
        own.id_from_basis_coords([3, 0, 0])
    with pytest.raises(nk.graph.InvalidSiteError, match="places of sites"):
        own.id_from_position([0.123, 0.0])
    k = 2 * np.pi * np.linalg.inv(own.basis_vectors) @ [1, 2] / 3
    np.testing.assert_array_equal(own.to_reciprocal_lattice(k), other.to_reciprocal_lattice(k))
    with pytest.raises(nk.graph.InvalidWaveVectorError, match="k·a"):
        own.to_reciprocal_lattice([0.1, 0.0])


def rows(group):
    return {tuple(int(i) for i in row) for row in np.asarray(group.to_array())}


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("Chain", (6,), {}),
        ("Chain", (5,), {"pbc": False}),
        ("Square", (3,), {}),
        ("Grid", ([3, 4],), {"pbc": [True, False]}),
        ("Square", (4,), {"color_edges": True}),
        ("Triangular", ([3, 3],), {}),
        ("Honeycomb", ([3, 3],), {}),
        ("Kagome", ([2, 2],), {}),
    ],
)
def test_symmetries_are_netkets(name, args, kwargs):
    own, other = pair(name, args, kwargs)
    space = rows(other.space_group())
    # Ours are all that geometry and bonds allow: small tori have more than their point group gives.
    assert space <= rows(own.space_group())
    assert rows(own.translation_group()) == rows(other.translation_group())
    if name in ("Square", "Grid") or name == "Chain":
        assert rows(own.point_group()) >= rows(other.point_group())
    identity = own.space_group().permutations[0]
    np.testing.assert_array_equal(identity, np.arange(own.n_nodes))


def test_inverses():
    group = nk.graph.Triangular([3, 3]).space_group()
    elements = np.asarray(group.permutations)
    for g, inverse in zip(elements, elements[group.inverse], strict=True):
        np.testing.assert_array_equal(g[inverse], np.arange(9))
    assert group.shape == elements.shape
    assert group.degree == 9
    with pytest.raises(NotImplementedError, match="in `sectors`"):
        group.character_table()
    assert not hasattr(group, "nonsense")


def test_translations_can_be_chosen():
    own, other = pair("Square", (4,), {})
    assert rows(own.translation_group(dim=0)) == rows(other.translation_group(dim=0))
    assert rows(own.translation_group(strides=2)) == rows(other.translation_group(strides=2))
    assert rows(own.translation_group([0, 1], [1, 2])) == rows(other.translation_group([0, 1], [1, 2]))
    with pytest.raises(ValueError, match="strides"):
        own.translation_group(strides=3)


def test_automorphisms_are_netkets():
    edges = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 4)]
    assert rows(nk.graph.Graph(edges).automorphisms()) == rows(ref.graph.Graph(edges).automorphisms())


def test_sectors_are_representations():
    chain = nk.graph.Chain(6)
    group = chain.space_group()
    assert len(group) == 12
    for sector in group.sectors():
        assert np.isclose(sector.characters[0], 1)
        assert nk.graph.Sector(group, sector.characters).characters == pytest.approx(sector.characters)
    assert nk.graph.SymmetryGroup.generated_by([[1, 2, 3, 0]]).permutations.shape == (4, 4)
    with pytest.raises(ValueError, match=r"χ\(gh\)"):
        nk.graph.Sector(group, [1.0] * 11 + [-1.0])
    with pytest.raises(ValueError, match="a group"):
        nk.graph.SymmetryGroup([[0, 1, 2], [1, 2, 0]])
    with pytest.raises(TypeError, match="whole numbers of shape"):
        nk.graph.SymmetryGroup([[0.5, 1.0]])


def test_graphs_are_netkets():
    for edges, n in [([(0, 1), (1, 2)], None), ([(2, 0), (1, 3)], 6), ([(0, 1, 3), (1, 2, 0)], None), ([], 3)]:
        own, other = nk.graph.Graph(edges, n), ref.graph.Graph(edges, n)
        assert repr(own) == repr(other)
        assert bonds(own, return_color=True) == bonds(other, return_color=True)
        assert own.is_connected() == other.is_connected()
        assert own.is_bipartite() == other.is_bipartite()
        np.testing.assert_array_equal(own.distances(), other.distances())
    assert nk.graph.Edgeless([0, 1, 2]).n_nodes == 3
    own = nk.graph.disjoint_union(nk.graph.Chain(3), nk.graph.Square(2))
    other = ref.graph.disjoint_union(ref.graph.Chain(3), ref.graph.Square(2))
    assert bonds(own) == bonds(other)
    assert bonds(nk.graph.DoubledGraph(nk.graph.Chain(3))) == bonds(ref.graph.DoubledGraph(ref.graph.Chain(3)))
    assert bonds(nk.graph.Graph.from_igraph(own.to_igraph()), return_color=True) == bonds(own, return_color=True)


def test_any_lattice():
    args = ([[1.0, 0.0], [0.5, 1.2]], [3, 4])
    for kwargs in (
        {},
        {"pbc": False},
        {"pbc": [True, False], "site_offsets": [[0.0, 0.0], [0.3, 0.4]], "max_neighbor_order": 2},
        {"site_offsets": [[0.0, 0.0], [0.25, 0.6]], "custom_edges": [(0, 1, [0.25, 0.6]), (1, 0, [0.75, -0.6])]},
    ):
        own, other = nk.graph.Lattice(*args, **kwargs), ref.graph.Lattice(np.array(args[0]), args[1], **kwargs)
        assert bonds(own, return_color=True) == bonds(other, return_color=True)
        np.testing.assert_allclose(own.positions, other.positions, atol=1e-14)
        assert repr(own) == repr(other)


def test_copies_are_equal():
    graphs = [nk.graph.Graph([(0, 1, 2)], 3), nk.graph.Kagome([2, 3], pbc=[True, False])]
    graphs += [nk.graph.Square(4, max_neighbor_order=2), nk.graph.Grid([3, 3], color_edges=True)]
    for graph in graphs:
        for twin in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
            assert type(twin) is type(graph)
            assert repr(twin) == repr(graph)
            assert twin.edges(return_color=True) == graph.edges(return_color=True)
            if isinstance(graph, nk.graph.Lattice):
                np.testing.assert_array_equal(twin.positions, graph.positions)
                assert twin.translation_group() == graph.translation_group()
    sector = nk.graph.Chain(4).sectors([1])[0].with_spin_flip(False)
    twin = pickle.loads(pickle.dumps(sector))
    assert twin.spin_flip == -1
    np.testing.assert_array_equal(twin.characters, sector.characters)


def test_notebooks_show_them():
    svg = nk.graph.Kagome([3, 3])._repr_svg_()
    assert svg.startswith("<svg")
    assert svg.count("<circle") == 27
    assert svg == nk.graph.Kagome([3, 3]).to_svg()


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda g: g.Chain(0), TypeError, "`length`: expected a positive whole number, got 0"),
        (lambda g: g.Chain(3.0), TypeError, "positive whole number"),
        (lambda g: g.Chain(1), ValueError, "a lone site would neighbour itself"),
        (lambda g: g.Grid([3, 4], pbc=[True]), ValueError, "`pbc`: expected True or False, or one per direction"),
        (lambda g: g.Grid([3, 4], pbc=1), ValueError, "`pbc`"),
        (lambda g: g.Grid(3), TypeError, "`extent`: expected one number of cells per direction"),
        (lambda g: g.Grid([3, -4]), ValueError, "`extent`: expected at least 0, got -4"),
        (lambda g: g.Triangular([3]), ValueError, "2 numbers of cells"),
        (lambda g: g.Square(3, max_neighbor_order=0), ValueError, "`max_neighbor_order`: expected at least 1"),
        (lambda g: g.Square(3, max_neighbor_order=9), ValueError, "max_neighbor_order"),
        (lambda g: g.Square(3, colour_edges=True), TypeError, "colour_edges"),
        (lambda g: g.Chain(3, color_edges=True, max_neighbor_order=2), ValueError, "leave one of them out"),
        (lambda g: g.Chain(3, custom_edges=[(0, 1, [1.0])]), ValueError, r"custom_edges\[0\].*sites of a cell"),
        (lambda g: g.Chain(3, custom_edges=[(0, 0, [0.5])]), ValueError, "a vector from a site 0 to a site 0"),
        (lambda g: g.Chain(3, custom_edges=[(0, 0, [3.0])]), ValueError, "within the"),
        (lambda g: g.Chain(3, custom_edges=[(0, 0)]), ValueError, r"\(from, to, vector\)"),
        (lambda g: g.Lattice([[1.0, 0.0]], [3]), ValueError, "basis_vectors"),
        (lambda g: g.Lattice([[1.0, 0.0], [2.0, 0.0]], [3, 3]), ValueError, "linearly independent"),
        (lambda g: g.Lattice([[1.0]], [3], site_offsets=[[0.0], [1.0]]), ValueError, "site_offsets"),
        (lambda g: g.Lattice([[np.nan]], [3]), ValueError, "finite"),
        (lambda g: g.Graph([(0, 0)]), ValueError, "two different sites"),
        (lambda g: g.Graph([(0, 5)], 3), ValueError, "sites from 0 to 2"),
        (lambda g: g.Graph([(0, 1), (1, 2, 0)]), ValueError, "a colour for all bonds or for none"),
        (lambda g: g.Graph([(0, 1.5)]), TypeError, "a whole number, got 1.5"),
        (lambda g: g.Graph(3), TypeError, "a sequence"),
        (lambda g: g.Graph([(0, -1)]), ValueError, "at least 0, got -1"),
        (lambda g: g.Square(3, point_group=1), NotImplementedError, "found from the geometry"),
        (lambda g: g.Square(3).draw(), NotImplementedError, "to_svg"),
        (lambda g: g.Square(3).sectors([1]), ValueError, "momentum"),
        (lambda g: g.space_group, NotImplementedError, "Lattice.space_group"),
        (lambda g: g.Squared, AttributeError, "no attribute 'Squared'"),
    ],
)
def test_nonsense_is_refused(wrong, error, text):
    with pytest.raises(error, match=text):
        wrong(nk.graph)
