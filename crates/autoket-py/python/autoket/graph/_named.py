"""Lattices that have a name."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from autoket._arguments import refuse, whole_number
from autoket._native import Graph as _Graph
from autoket.graph._lattice import Lattice, _extent, _pbc


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
