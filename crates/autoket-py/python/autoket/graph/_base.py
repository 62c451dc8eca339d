"""Sites, and coloured bonds between them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from autoket._arguments import Array, refuse, restore, whole_number, wrong_type
from autoket._native import Graph as _Graph
from autoket.graph._symmetry import SymmetryGroup

Edge = tuple[int, int]


ColoredEdge = tuple[int, int, int]


class InvalidSiteError(ValueError):
    """There is no such site."""


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
