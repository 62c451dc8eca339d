"""Copies of a cell, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoket._arguments import Array, refuse, whole_number, wrong_type
from autoket._native import Graph as _Graph
from autoket.graph._base import ColoredEdge, Graph, InvalidSiteError
from autoket.graph._symmetry import Sector, SymmetryGroup


class InvalidWaveVectorError(ValueError):
    """No such wave vector fits the lattice."""


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


def _no_point_group(point_group: Any) -> None:
    if point_group is not None:
        raise NotImplementedError("`point_group`: leave it out; symmetries are found from the geometry")


def _restore_lattice(name: str | None, parts: tuple[Any, ...], edges: list[ColoredEdge]) -> Lattice:
    return Lattice._known(name, _Graph.lattice(*parts).with_edges(edges))
