"""Lattices and graphs: sites, and coloured bonds between them."""

from autoket._arguments import left_out as _left_out
from autoket.graph._base import AbstractGraph, DoubledGraph, Edgeless, Graph, InvalidSiteError, disjoint_union
from autoket.graph._lattice import InvalidWaveVectorError, Lattice, LatticeSite
from autoket.graph._named import (
    BCC,
    FCC,
    Chain,
    Cube,
    Diamond,
    Grid,
    Honeycomb,
    Hypercube,
    Kagome,
    KitaevHoneycomb,
    Pyrochlore,
    Square,
    Triangular,
)
from autoket.graph._symmetry import Sector, SymmetryGroup

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

__getattr__ = _left_out(
    "graph",
    {"space_group": "symmetries are found from the geometry; use Lattice.space_group and nk.graph.SymmetryGroup"},
)
