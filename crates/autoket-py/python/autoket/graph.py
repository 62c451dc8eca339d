"""Lattices and graphs: sites, and coloured bonds between them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoket._arguments import Array, left_out, refuse, restore, whole_number, wrong_type
from autoket._native import Graph as _Graph
from autoket._native import Sector as _Sector
from autoket._native import SymmetryGroup as _SymmetryGroup

__all__ = [
    "BCC",
    "FCC",
    "AbstractGraph",
    "Chain",
    "Cube",
    "Diamond",
    "DoubledGraph",
    "Edgeless",
    "Graph",
    "Grid",
    "Honeycomb",
    "Hypercube",
    "InvalidSiteError",
    "InvalidWaveVectorError",
    "Kagome",
    "KitaevHoneycomb",
    "Lattice",
    "LatticeSite",
    "Pyrochlore",
    "Sector",
    "Square",
    "SymmetryGroup",
    "Triangular",
    "disjoint_union",
]

Edge = tuple[int, int]
ColoredEdge = tuple[int, int, int]


class InvalidSiteError(ValueError):
    """There is no such site."""


class InvalidWaveVectorError(ValueError):
    """No such wave vector fits the lattice."""


class AbstractGraph(ABC):
    """What all graphs have."""

    @property
    @abstractmethod
    def n_nodes(self) -> int:
        """The number of sites."""


class Graph(AbstractGraph):
    """Sites 0, 1, ... and bonds between pairs of them, each with a colour.

    Args:
        edges: Bonds `(i, j)`, or `(i, j, colour)`.
        n_nodes: The number of sites; by default as many as the bonds name.

    Raises:
        ValueError: A bond names a site that is not there, or joins one to itself; some bonds have colours and some
            have none.

    Example:
        >>> import autoket as nk
        >>> graph = nk.graph.Graph([(0, 1), (1, 2), (2, 0)])
        >>> graph
        Graph(n_nodes=3, n_edges=3)
        >>> graph.edges(return_color=True)
        [(0, 1, 0), (1, 2, 0), (0, 2, 0)]
    """

    _native: _Graph

    def __init__(self, edges: Sequence[Edge] | Sequence[ColoredEdge], n_nodes: int | None = None):
        colored = _colored(edges)
        if n_nodes is None:
            n_nodes = max((max(i, j) + 1 for i, j, _ in colored), default=0)
        self._native = _Graph.from_edges(whole_number("n_nodes", n_nodes), colored)

    @classmethod
    def from_igraph(cls, graph: Any) -> "Graph":
        """The same graph as one of the package igraph, colours from the edges' attribute `color`."""
        if not hasattr(graph, "get_edgelist"):
            wrong_type("graph", "a graph of igraph", graph)
        if graph.is_directed():
            raise ValueError("`graph`: expected an undirected graph, got a directed one; drop the directions")
        edges = graph.get_edgelist()
        colors = graph.es["color"] if "color" in graph.edge_attributes() else [0] * len(edges)
        return Graph([(i, j, c) for (i, j), c in zip(edges, colors, strict=True)], graph.vcount())

    def to_igraph(self) -> Any:
        """The same graph as one of the package igraph, which has to be installed."""
        import igraph

        graph = igraph.Graph(n=self.n_nodes, edges=self._native.edges, directed=False)
        graph.es["color"] = self.edge_colors
        return graph

    @classmethod
    def from_networkx(cls, graph: Any) -> "Graph":
        """The same graph as one of the package networkx; nodes are numbered in its order."""
        if not hasattr(graph, "nodes") or not hasattr(graph.nodes, "__iter__"):
            wrong_type("graph", "a graph of networkx", graph)
        number = {node: i for i, node in enumerate(graph.nodes)}
        edges = [(number[i], number[j], data.get("color", 0)) for i, j, data in graph.edges(data=True)]
        return Graph(edges, len(number))

    def to_networkx(self) -> Any:
        """The same graph as one of the package networkx, which has to be installed."""
        import networkx

        graph = networkx.Graph()
        graph.add_nodes_from(self.nodes())
        graph.add_edges_from((i, j, {"color": c}) for i, j, c in self.edges(return_color=True))
        return graph

    @property
    def n_nodes(self) -> int:
        """The number of sites."""
        return self._native.n_nodes

    @property
    def n_edges(self) -> int:
        """The number of bonds."""
        return len(self._native.edges)

    def nodes(self) -> Sequence[int]:
        """The sites."""
        return range(self.n_nodes)

    def edges(self, *, return_color: bool = False, filter_color: int | None = None) -> list[Any]:
        """The bonds `(i, j)`, i < j.

        Their order is the library's own: compare them with NetKet's as sets.

        Args:
            return_color: Whether to return `(i, j, colour)`.
            filter_color: Return the bonds of this colour only.
        """
        pairs = zip(self._native.edges, self._native.colors, strict=True)
        kept = [(i, j, c) for (i, j), c in pairs if filter_color is None or c == filter_color]
        return kept if return_color else [(i, j) for i, j, _ in kept]

    @property
    def edge_colors(self) -> list[int]:
        """The colour of every bond, in the order of `edges`."""
        return self._native.colors

    def adjacency_list(self) -> list[list[int]]:
        """The neighbours of every site, ascending."""
        return self._native.adjacency_list

    def is_connected(self) -> bool:
        """Whether bonds lead from every site to every other."""
        return bool(np.all(np.isfinite(self.distances())))

    def is_bipartite(self) -> bool:
        """Whether the sites are of two sorts with bonds only from one to the other."""
        return self._native.is_bipartite

    def sublattices(self) -> Array | None:
        """1 and -1 on two sorts of sites with nearest-neighbour bonds only from one to the other, shape `(site,)`."""
        sublattices = self._native.sublattices
        return None if sublattices is None else np.asarray(sublattices)

    def distances(self) -> Array:
        """The least number of bonds from each site to each, shape `(site, site)`; inf where there is no way."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import shortest_path

        edges = np.asarray(self._native.edges, dtype=np.int64).reshape(-1, 2)
        shape = (self.n_nodes, self.n_nodes)
        bonds = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=shape).tocsr()
        steps = np.asarray(shortest_path(bonds, directed=False, unweighted=True))
        return steps.astype(np.int64) if np.all(np.isfinite(steps)) else steps

    def automorphisms(self) -> "SymmetryGroup":
        """All permutations of sites that map bonds on bonds of the same colour; needs the package igraph."""
        try:
            graph = self.to_igraph()
        except ImportError as error:
            raise NotImplementedError(
                "automorphisms of any graph need the package igraph; a lattice has `space_group`"
            ) from error
        colors = self.edge_colors
        found = graph.get_isomorphisms_vf2(edge_color1=colors, edge_color2=colors)
        return SymmetryGroup(sorted(found))

    def to_svg(self) -> str:
        """The graph as a picture in SVG: numbered sites, bonds in their colours. A notebook shows it."""
        return self._native.to_svg()

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_nodes={self.n_nodes}, n_edges={self.n_edges})"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (Graph, (self.edges(return_color=True), self.n_nodes), {})


@dataclass
class LatticeSite:
    """A site of a lattice: its number, place, and cell with its label there."""

    id: int
    position: Array
    basis_coord: Array

    def __repr__(self) -> str:
        return f"LatticeSite({self.id}, {self.basis_coord})"


class Lattice(Graph):
    """Copies of a unit cell along basis vectors, each direction open or periodic, with bonds between sites.

    Cells are numbered row by row, the last direction fastest, and the sites of a cell follow each other.

    Args:
        basis_vectors: The basis vectors, shape `(dim, dim)`, a vector a row.
        extent: The number of cells in each direction.
        pbc: Whether directions are periodic: one value, or one per direction.
        site_offsets: The places of a cell's sites, shape `(sites, dim)`; by default one site at its corner.
        distance_atol: Taken as NetKet's, and not needed: lengths are compared relative to the basis vectors.
        point_group: To be left out: symmetries are found from the geometry.
        max_neighbor_order: Bonds up to so many orders of neighbours, their colour the order less one; 1 by default.
        custom_edges: Bonds of every cell, `(from, to, vector)` or `(from, to, vector, colour)`, in place of neighbours.

    Raises:
        ValueError: Arguments that do not fit each other; a site would neighbour itself.

    Example:
        >>> import autoket as nk
        >>> square = nk.graph.Lattice([[1.0, 0.0], [0.0, 1.0]], [3, 4], pbc=False, max_neighbor_order=2)
        >>> square.n_nodes, len(square.edges(filter_color=0)), len(square.edges(filter_color=1))
        (12, 17, 12)
    """

    def __init__(
        self,
        basis_vectors: Any,
        extent: Any,
        *,
        pbc: bool | Sequence[bool] = True,
        site_offsets: Any = None,
        distance_atol: float = 1e-5,
        point_group: Any = None,
        max_neighbor_order: int | None = None,
        custom_edges: Sequence[Any] | None = None,
        _known_name: str | None = None,
    ):
        basis = _vectors("basis_vectors", basis_vectors)
        cells = _extent(extent)
        offsets = [[0.0] * len(cells)] if site_offsets is None else _vectors("site_offsets", site_offsets)
        native = _Graph.lattice(basis, offsets, cells, _pbc(pbc, len(cells)))
        self._finish(native, _known_name, max_neighbor_order, custom_edges, point_group)

    def _finish(
        self,
        native: _Graph,
        name: str | None,
        max_neighbor_order: int | None,
        custom_edges: Sequence[Any] | None,
        point_group: Any,
    ) -> None:
        if point_group is not None:
            raise NotImplementedError("`point_group`: leave it out; symmetries are found from the geometry")
        if custom_edges is not None:
            if max_neighbor_order is not None:
                refuse("custom_edges", "either these or `max_neighbor_order`", "both", "leave one of them out")
            native = native.with_custom_edges(_custom_edges(custom_edges))
        elif max_neighbor_order is not None:
            native = native.with_neighbors(whole_number("max_neighbor_order", max_neighbor_order))
        self._native = native
        self._known_name = name

    @classmethod
    def _known(
        cls,
        name: str | None,
        native: _Graph,
        *,
        max_neighbor_order: int | None = None,
        custom_edges: Sequence[Any] | None = None,
        point_group: Any = None,
        distance_atol: float = 1e-5,
    ) -> "Lattice":
        lattice = cls.__new__(cls)
        lattice._finish(native, name, max_neighbor_order, custom_edges, point_group)
        return lattice

    @property
    def basis_vectors(self) -> Array:
        """The basis vectors, shape `(dim, dim)`, a vector a row."""
        return np.asarray(self._native.basis_vectors)

    @property
    def site_offsets(self) -> Array:
        """The places of a cell's sites, shape `(sites, dim)`."""
        return np.asarray(self._native.site_offsets)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.extent)

    @property
    def extent(self) -> Array:
        """The number of cells in each direction."""
        return np.asarray(self._native.extent)

    @property
    def pbc(self) -> Array:
        """Which directions are periodic."""
        return np.asarray(self._native.pbc)

    @property
    def positions(self) -> Array:
        """Where the sites are, shape `(site, dim)`."""
        return np.asarray(self._native.positions)

    @property
    def basis_coords(self) -> Array:
        """The cell of every site, and last its label within the cell, shape `(site, dim + 1)`."""
        return np.asarray(self._native.basis_coords)

    @property
    def sites(self) -> list[LatticeSite]:
        """All sites with their places."""
        places = zip(self.positions, self.basis_coords, strict=True)
        return [LatticeSite(i, position, coord) for i, (position, coord) in enumerate(places)]

    def distances_euclidean(self, *, minimum_image: bool = True) -> Array:
        """The distance of each site from each, shape `(site, site)`.

        Args:
            minimum_image: Whether to go around periodic directions where that is shorter.
        """
        if minimum_image:
            return np.asarray(self._native.distances_euclidean())
        return np.asarray(np.linalg.norm(self.positions[:, None] - self.positions[None], axis=-1))

    def id_from_basis_coords(self, basis_coords: Any) -> Any:
        """The number of the site of a cell and label, or of each row of them.

        Raises:
            InvalidSiteError: There is no such site.
        """
        coords = np.asarray(basis_coords)
        if coords.dtype.kind not in "iu" or coords.shape[-1:] != (self.ndim + 1,):
            wrong_type("basis_coords", f"whole numbers of shape (..., {self.ndim + 1})", basis_coords)
        shape = [*self.extent.tolist(), len(self.site_offsets)]
        if np.any(coords < 0) or np.any(coords >= shape):
            raise InvalidSiteError(f"`basis_coords`: expected numbers from 0, below {shape}, got {coords.tolist()}")
        return np.ravel_multi_index(tuple(np.moveaxis(coords, -1, 0)), shape)

    def id_from_position(self, position: Any) -> Any:
        """The number of the site at a place, or of each row of them; around periodic directions.

        Raises:
            InvalidSiteError: There is no site.
        """
        places = np.asarray(position, dtype=float)
        if places.shape[-1:] != (self.ndim,):
            refuse(
                "position",
                f"shape (..., {self.ndim})",
                f"shape {places.shape}",
                "give a place or rows of them",
            )
        box = self.extent[:, None] * self.basis_vectors
        apart = (places[..., None, :] - self.positions) @ np.linalg.inv(box)
        apart = np.where(self.pbc, apart - np.rint(apart), apart) @ box
        distance = np.linalg.norm(apart, axis=-1)
        if np.any(distance.min(axis=-1) > 1e-5):
            raise InvalidSiteError(f"`position`: expected places of sites, got {places.tolist()}")
        return np.asarray(distance.argmin(axis=-1))[()]

    def position_from_basis_coords(self, basis_coords: Any) -> Array:
        """Where the site of a cell and label is."""
        return np.asarray(self.positions[self.id_from_basis_coords(basis_coords)])

    def to_reciprocal_lattice(self, ks: Any) -> Array:
        """Wave vectors, shape `(..., dim)`, in units of the reciprocal lattice of all cells: whole numbers.

        Raises:
            InvalidWaveVectorError: A wave vector does not fit the lattice.
        """
        box = self.extent[:, None] * self.basis_vectors
        turns = np.atleast_2d(np.asarray(ks, dtype=float)) @ box.T / (2 * np.pi)
        whole = np.rint(turns)
        if np.any(np.abs(turns - whole) > 1e-6) or np.any(~self.pbc & (whole != 0)):
            raise InvalidWaveVectorError(
                f"`ks`: expected k·a = 2π m/extent, and 0 along open directions, got {np.asarray(ks).tolist()}"
            )
        return np.asarray(whole, dtype=int)

    def translation_group(
        self, dim: int | Sequence[int] | None = None, strides: int | Sequence[int] | None = None
    ) -> "SymmetryGroup":
        """The translations by cells along periodic directions.

        Args:
            dim: The directions; by default all that are periodic.
            strides: Translate by multiples of so many cells, one number or one per direction of `dim`.

        Raises:
            ValueError: A direction that is open or not there; a stride that does not divide the extent.
        """
        periodic = [d for d in range(self.ndim) if self.pbc[d]]
        axes = periodic if dim is None else [dim] if isinstance(dim, int) else list(dim)
        steps = [1] * len(axes) if strides is None else [strides] if isinstance(strides, int) else list(strides)
        if len(steps) == 1:
            steps = steps * len(axes)
        if len(steps) != len(axes) or any(d not in periodic for d in axes):
            refuse("dim", f"periodic directions, of {periodic}, with a stride each", axes, "choose among them")
        stride = dict(zip(axes, steps, strict=True))
        for d, step in stride.items():
            if step < 1 or self.extent[d] % step:
                refuse("strides", f"a divisor of {self.extent[d]}", step, "choose another")
        coords = self.basis_coords
        group = SymmetryGroup._of(self._native.translations())
        if dim is None and strides is None:
            return group

        def belongs(permutation: Array) -> bool:
            shift = coords[permutation[0]]
            return all(shift[d] % stride[d] == 0 if d in stride else shift[d] == 0 for d in range(self.ndim))

        return SymmetryGroup([p for p in group.permutations.tolist() if belongs(p)])

    @property
    def full_translation_group(self) -> "SymmetryGroup":
        """All translations by cells along periodic directions."""
        return self.translation_group()

    @property
    def default_space_group(self) -> "SymmetryGroup":
        """All isometries, as of `space_group`."""
        return self.space_group()

    def point_group(self, point_group: Any = None) -> "SymmetryGroup":
        """The rotations and reflections that keep one point in place, found from geometry and bonds."""
        _no_point_group(point_group)
        return SymmetryGroup._of(self._native.point_group())

    def space_group(self, point_group: Any = None) -> "SymmetryGroup":
        """All isometries that map sites on sites and bonds on bonds of the same colour.

        Example:
            >>> import autoket as nk
            >>> len(nk.graph.Square(4).space_group())
            128
        """
        _no_point_group(point_group)
        return SymmetryGroup._of(self._native.space_group())

    def rotation_group(self, point_group: Any = None) -> "SymmetryGroup":
        """Left out: use `point_group`, of which it is a part."""
        raise NotImplementedError("autoket leaves out Lattice.rotation_group: use point_group, of which it is a part")

    def draw(self, *args: Any, **kwargs: Any) -> None:
        """Left out: use `to_svg`; a notebook shows a lattice that is the last value of a cell."""
        raise NotImplementedError("autoket leaves out Lattice.draw: use to_svg, or let a notebook show the lattice")

    def sectors(self, momentum: Sequence[int]) -> "list[Sector]":
        """The sectors of a momentum k·a = 2π m/extent, of all one-dimensional representations of its little group.

        Args:
            momentum: m, a whole number per direction.

        Example:
            >>> import autoket as nk
            >>> chain = nk.graph.Chain(8)
            >>> hamiltonian = nk.operator.Heisenberg(nk.hilbert.Spin(0.5, 8), chain)
            >>> energies = nk.exact.full_ed(hamiltonian, sector=chain.sectors([0])[0])
            >>> round(float(energies[0]), 4)
            -14.6044
        """
        return [Sector._of(native) for native in self._native.sectors([whole_number("momentum", m) for m in momentum])]

    def __str__(self) -> str:
        if self._known_name is None:
            return repr(self)
        return f"{self._known_name}(extent={self.extent.tolist()}, pbc={self._repr_pbc()})"

    def __repr__(self) -> str:
        if self._known_name is not None:
            return f"{str(self)[:-1]}, n_nodes={self.n_nodes})"
        indent = "\n" + " " * 8
        basis, offsets = (str(v).replace("\n", indent) for v in (self.basis_vectors, self.site_offsets))
        return (
            f"Lattice(\n    n_nodes={self.n_nodes},\n    extent={self.extent},\n    basis_vectors={indent}{basis},\n"
            f"    site_offsets={indent}{offsets},\n)\n"
        )

    def _repr_pbc(self) -> Any:
        pbc = self.pbc.tolist()
        return pbc[0] if len(set(pbc)) == 1 else pbc

    def __reduce__(self) -> tuple[Any, ...]:
        native = self._native
        parts = (native.basis_vectors, native.site_offsets, native.extent, native.pbc)
        return _restore_lattice, (self._known_name, parts, self.edges(return_color=True))


class SymmetryGroup:
    """A group of permutations of sites, the identity first. NetKet: `PermutationGroup`.

    Args:
        permutations: The permutations g, shape `(permutation, site)`: site i goes to `g[i]`.

    Raises:
        ValueError: They are no permutations, or no group.

    Example:
        >>> import autoket as nk
        >>> reflection = nk.graph.SymmetryGroup([[0, 1, 2], [2, 1, 0]])
        >>> [sector.characters.real.tolist() for sector in reflection.sectors()]
        [[1.0, 1.0], [1.0, -1.0]]
    """

    _native: _SymmetryGroup

    def __init__(self, permutations: Any):
        lists = np.asarray(permutations)
        if lists.ndim != 2 or lists.dtype.kind not in "iu" or np.any(lists < 0):
            wrong_type("permutations", "whole numbers of shape (permutation, site)", permutations)
        self._native = _SymmetryGroup(lists.shape[1], lists.tolist())

    @classmethod
    def _of(cls, native: _SymmetryGroup) -> "SymmetryGroup":
        group = cls.__new__(cls)
        group._native = native
        return group

    @classmethod
    def generated_by(cls, generators: Any) -> "SymmetryGroup":
        """All products of some permutations, shape `(generator, site)`."""
        lists = np.asarray(generators)
        if lists.ndim != 2 or lists.dtype.kind not in "iu" or np.any(lists < 0):
            wrong_type("generators", "whole numbers of shape (generator, site)", generators)
        return cls._of(_SymmetryGroup.generated_by(lists.shape[1], lists.tolist()))

    @property
    def permutations(self) -> Array:
        """The permutations, shape `(permutation, site)`: site i goes to `[g, i]`."""
        return np.asarray(self._native.permutations)

    def to_array(self) -> Array:
        """The inverses of the permutations, shape `(permutation, site)`: `σ[..., to_array()[g]]` is gσ, as NetKet's."""
        return np.argsort(self.permutations, axis=-1)

    def sectors(self) -> "list[Sector]":
        """All one-dimensional irreducible representations, the trivial one first."""
        return [Sector._of(native) for native in self._native.sectors()]

    @property
    def shape(self) -> tuple[int, int]:
        """The number of permutations, and of sites."""
        return len(self), self._native.n_sites

    @property
    def degree(self) -> int:
        """The number of sites."""
        return self._native.n_sites

    @property
    def inverse(self) -> Array:
        """The place of the inverse of each permutation."""
        place = {tuple(g): i for i, g in enumerate(self._native.permutations)}
        return np.asarray([place[tuple(g)] for g in self.to_array().tolist()])

    def __getattr__(self, name: str) -> Any:
        if name in _OF_NETKETS_GROUPS:
            raise NotImplementedError(
                f"autoket leaves out {name} of groups: one-dimensional representations are in `sectors`, and "
                "those of a momentum in `Lattice.sectors`"
            )
        raise AttributeError(f"'SymmetryGroup' object has no attribute {name!r}")

    def __len__(self) -> int:
        return len(self._native.permutations)

    def __iter__(self) -> Iterator[Array]:
        return iter(self.permutations)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SymmetryGroup) and self._native.permutations == other._native.permutations

    def __hash__(self) -> int:
        return hash(tuple(map(tuple, self._native.permutations)))

    def __repr__(self) -> str:
        return f"SymmetryGroup({len(self)} permutations of {self._native.n_sites} sites)"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (SymmetryGroup, (self._native.permutations,), {})


class Sector:
    """A one-dimensional representation of a group, and what a spin flip does: g|ψ⟩ = χ(g)|ψ⟩.

    Args:
        group: The group.
        characters: χ of each permutation.

    Raises:
        ValueError: χ(gh) is not χ(g)χ(h).
    """

    _native: _Sector

    def __init__(self, group: SymmetryGroup, characters: Any):
        if not isinstance(group, SymmetryGroup):
            wrong_type("group", "a nk.graph.SymmetryGroup", group)
        values = np.asarray(characters, dtype=complex)
        self._native = _Sector(group._native.permutations, values.ravel().tolist(), None)

    @classmethod
    def _of(cls, native: _Sector) -> "Sector":
        sector = cls.__new__(cls)
        sector._native = native
        return sector

    def with_spin_flip(self, even: bool) -> "Sector":
        """The same sector, of states that are even or odd when all spins are flipped."""
        return Sector._of(self._native.with_spin_flip(bool(even)))

    @property
    def permutations(self) -> Array:
        """The permutations of the group, shape `(permutation, site)`."""
        return np.asarray(self._native.permutations)

    @property
    def characters(self) -> Array:
        """χ of each."""
        return np.asarray(self._native.characters)

    @property
    def spin_flip(self) -> int | None:
        """1 or -1; None where it is not asked."""
        return self._native.spin_flip

    def __repr__(self) -> str:
        flip = "" if self.spin_flip is None else f", spin_flip={self.spin_flip}"
        return f"Sector({len(self.characters)} permutations of {self.permutations.shape[1]} sites{flip})"

    def __reduce__(self) -> tuple[Any, ...]:
        native = self._native
        return _restore_sector, (native.permutations, native.characters, native.spin_flip)


# Representations of more dimensions, and what they are made of.
_OF_NETKETS_GROUPS = frozenset(
    """apply_to_id character_table character_table_by_class character_table_readable check_multiplier
    conjugacy_classes conjugacy_table elems full_translation_group irrep_matrices is_subgroup lattice little_group
    little_group_irreps_readable little_group_multipliers one_arm_irreps point_group product_table
    projective_characters_by_class remove_duplicates replace rotation_group space_group space_group_irreps
    translation_group""".split()
)


def Grid(
    extent: Sequence[int],
    *,
    pbc: bool | Sequence[bool] = True,
    color_edges: bool = False,
    point_group: Any = None,
    **kwargs: Any,
) -> Lattice:
    """A hypercubic lattice.

    Args:
        extent: The number of sites in each direction.
        pbc: Whether directions are periodic: one value, or one per direction.
        color_edges: Whether bonds have the number of their direction as colour.
        point_group: To be left out.
        kwargs: `max_neighbor_order`, `custom_edges` as of `Lattice`.

    Example:
        >>> import autoket as nk
        >>> nk.graph.Grid([5, 10], pbc=[True, False]).n_edges
        95
    """
    cells = _extent(extent)
    name = kwargs.pop("_known_name", None)
    if color_edges:
        if "custom_edges" in kwargs:
            refuse("color_edges", "either this or `custom_edges`", "both", "leave one of them out")
        kwargs["custom_edges"] = [(0, 0, vector) for vector in np.eye(len(cells))]
    native = _Graph.grid(cells, _pbc(pbc, len(cells)))
    return Lattice._known(name, native, point_group=point_group, **kwargs)


def Hypercube(length: int, n_dim: int = 1, *, pbc: bool = True, **kwargs: Any) -> Lattice:
    """A hypercubic lattice of the same length in all directions.

    Args:
        length: The number of sites in each direction.
        n_dim: The number of directions.
        pbc: Whether it is periodic.
        kwargs: As of `Grid`.

    Example:
        >>> import autoket as nk
        >>> nk.graph.Hypercube(4, n_dim=3).n_nodes
        64
    """
    if isinstance(length, bool) or not isinstance(length, int | np.integer) or length <= 0:
        raise TypeError(f"`length`: expected a positive whole number, got {length!r}")
    kwargs.setdefault("_known_name", "Hypercube")
    return Grid([int(length)] * whole_number("n_dim", n_dim, least=1), pbc=pbc, **kwargs)


def Chain(length: int, *, pbc: bool = True, **kwargs: Any) -> Lattice:
    """A chain of sites, a ring if it is periodic.

    Args:
        length: The number of sites.
        pbc: Whether it is periodic.
        kwargs: As of `Grid`.

    Example:
        >>> import autoket as nk
        >>> nk.graph.Chain(4).edges()
        [(0, 1), (1, 2), (2, 3), (0, 3)]
    """
    return Hypercube(length, pbc=pbc, n_dim=1, _known_name="Chain", **kwargs)


def Square(length: int, *, pbc: bool = True, **kwargs: Any) -> Lattice:
    """A square lattice of `length` × `length` sites.

    Args:
        length: The number of sites in each direction.
        pbc: Whether it is periodic.
        kwargs: As of `Grid`.

    Example:
        >>> import autoket as nk
        >>> nk.graph.Square(4, max_neighbor_order=2)
        Square(extent=[4, 4], pbc=True, n_nodes=16)
    """
    return Hypercube(length, pbc=pbc, n_dim=2, _known_name="Square", **kwargs)


def Cube(length: int, *, pbc: bool = True, **kwargs: Any) -> Lattice:
    """A cubic lattice of `length`³ sites.

    Args:
        length: The number of sites in each direction.
        pbc: Whether it is periodic.
        kwargs: As of `Grid`.
    """
    return Hypercube(length, pbc=pbc, n_dim=3, _known_name="Cube", **kwargs)


def Triangular(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A triangular lattice, one site per cell.

    Args:
        extent: The number of cells in the two directions.
        pbc: Whether directions are periodic.
        kwargs: As of `Lattice`.

    Example:
        >>> import autoket as nk
        >>> nk.graph.Triangular([3, 4]).n_edges
        36
    """
    return _named("Triangular", _Graph.triangular, 2, extent, pbc, kwargs)


def Honeycomb(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A honeycomb lattice, two sites per cell.

    Args:
        extent: The number of cells in the two directions.
        pbc: Whether directions are periodic.
        kwargs: As of `Lattice`.
    """
    return _named("Honeycomb", _Graph.honeycomb, 2, extent, pbc, kwargs)


def Kagome(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A kagome lattice, three sites per cell.

    Args:
        extent: The number of cells in the two directions.
        pbc: Whether directions are periodic.
        kwargs: As of `Lattice`.
    """
    return _named("Kagome", _Graph.kagome, 2, extent, pbc, kwargs)


def KitaevHoneycomb(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A honeycomb lattice whose bonds are coloured by direction, 0, 1 and 2.

    Args:
        extent: The number of cells in the two directions.
        pbc: Whether directions are periodic.
        kwargs: As of `Lattice`, but for its bonds.
    """
    x, y = 0.5, 0.5 / 3**0.5
    kwargs["custom_edges"] = [(0, 1, [x, y]), (0, 1, [-x, y]), (0, 1, [0.0, -2 * y])]
    return _named("KitaevHoneycomb", _Graph.honeycomb, 2, extent, pbc, kwargs)


def BCC(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A body-centred cubic lattice by its primitive cells. Args as of `Triangular`, in three directions."""
    return _named("BCC", _Graph.bcc, 3, extent, pbc, kwargs)


def FCC(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A face-centred cubic lattice by its primitive cells. Args as of `Triangular`, in three directions."""
    return _named("FCC", _Graph.fcc, 3, extent, pbc, kwargs)


def Diamond(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A diamond lattice, two sites per primitive cell. Args as of `Triangular`, in three directions."""
    return _named("Diamond", _Graph.diamond, 3, extent, pbc, kwargs)


def Pyrochlore(extent: Sequence[int], *, pbc: bool | Sequence[bool] = True, **kwargs: Any) -> Lattice:
    """A pyrochlore lattice, four sites per primitive cell. Args as of `Triangular`, in three directions."""
    return _named("Pyrochlore", _Graph.pyrochlore, 3, extent, pbc, kwargs)


def Edgeless(n_nodes: int | Sequence[int]) -> Graph:
    """Sites without bonds.

    Args:
        n_nodes: The number of sites.
    """
    return Graph([], len(n_nodes) if isinstance(n_nodes, Sequence) else n_nodes)


def disjoint_union(*graphs: Graph) -> Graph:
    """Graphs side by side: the sites of the first, then those of the second, and so on."""
    if not graphs:
        raise ValueError("`graphs`: expected at least one graph, got none; give some")
    if len(graphs) == 1:
        return graphs[0]
    edges, first = [], 0
    for graph in graphs:
        edges += [(i + first, j + first, c) for i, j, c in _graph(graph).edges(return_color=True)]
        first += graph.n_nodes
    return Graph(edges, first)


def DoubledGraph(graph: Graph) -> Graph:
    """A graph twice, side by side."""
    return disjoint_union(graph, graph)


def _graph(graph: Any) -> Graph:
    if not isinstance(graph, Graph):
        wrong_type("graph", "a graph of nk.graph", graph)
    return graph


def _named(
    name: str,
    build: Any,
    n_dim: int,
    extent: Sequence[int],
    pbc: bool | Sequence[bool],
    kwargs: dict[str, Any],
) -> Lattice:
    cells = _extent(extent)
    if len(cells) != n_dim:
        refuse("extent", f"{n_dim} numbers of cells", cells, f"a {name} lattice has {n_dim} directions")
    return Lattice._known(name, build(cells, _pbc(pbc, n_dim)), **kwargs)


def _extent(extent: Any) -> list[int]:
    if not isinstance(extent, Sequence | np.ndarray) or isinstance(extent, str):
        wrong_type("extent", "one number of cells per direction", extent)
    return [whole_number("extent", cells) for cells in extent]


def _pbc(pbc: Any, n_dim: int) -> list[bool]:
    if isinstance(pbc, bool | np.bool_):
        return [bool(pbc)] * n_dim
    values = list(pbc) if isinstance(pbc, Sequence | np.ndarray) else [pbc]
    if len(values) != n_dim or not all(isinstance(value, bool | np.bool_) for value in values):
        refuse("pbc", f"True or False, or one per direction ({n_dim})", pbc, "say which directions are periodic")
    return [bool(value) for value in values]


def _vectors(name: str, vectors: Any) -> list[list[float]]:
    array = np.asarray(vectors)
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        refuse(name, "real vectors, shape (vector, dim)", f"shape {array.shape}", "give a list of vectors")
    rows: list[list[float]] = array.astype(float).tolist()
    return rows


def _custom_edges(edges: Sequence[Any]) -> list[tuple[int, int, list[float], int]]:
    cleaned = []
    for k, edge in enumerate(edges):
        if len(edge) not in (3, 4):
            cure = "a vector leads from the one site of a cell to the other"
            refuse(f"custom_edges[{k}]", "(from, to, vector) or (from, to, vector, colour)", edge, cure)
        name = f"custom_edges[{k}]"
        color = edge[3] if len(edge) == 4 else k
        vector = [float(x) for x in edge[2]]
        ends = [whole_number(name, end) for end in edge[:2]]
        cleaned.append((ends[0], ends[1], vector, whole_number(name, color)))
    return cleaned


def _colored(edges: Any) -> list[tuple[int, int, int]]:
    if not isinstance(edges, Sequence | np.ndarray) or isinstance(edges, str):
        wrong_type("edges", "a sequence of (i, j) or (i, j, colour)", edges)
    for edge in edges:
        if not isinstance(edge, Sequence | np.ndarray) or len(edge) not in (2, 3):
            refuse("edges", "tuples (i, j), or (i, j, colour)", edge, "give the two sites of each bond")
    if len({len(edge) for edge in edges}) > 1:
        refuse("edges", "a colour for all bonds or for none", "some with one", "give every bond a colour")
    whole = [[whole_number("edges", x) for x in edge] for edge in edges]
    return [(edge[0], edge[1], edge[2] if len(edge) == 3 else 0) for edge in whole]


def _no_point_group(point_group: Any) -> None:
    if point_group is not None:
        raise NotImplementedError("`point_group`: leave it out; symmetries are found from the geometry")


def _restore_lattice(name: str | None, parts: tuple[Any, ...], edges: list[ColoredEdge]) -> Lattice:
    return Lattice._known(name, _Graph.lattice(*parts).with_edges(edges))


def _restore_sector(permutations: list[list[int]], characters: list[complex], flip: int | None) -> Sector:
    return Sector._of(_Sector(permutations, characters, flip))


__getattr__ = left_out(
    "graph",
    {"space_group": "symmetries are found from the geometry; use Lattice.space_group and nk.graph.SymmetryGroup"},
)
