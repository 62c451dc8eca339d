"""Spaces and graphs, looked at."""

from typing import Any

from autoket._arguments import wrong_type
from autoket.graph import Graph
from autoket.hilbert import HomogeneousHilbert, SpinOrbitalFermions


def check_space(hilbert: Any) -> None:
    """Raise `TypeError` unless it is a space."""
    if not isinstance(hilbert, HomogeneousHilbert):
        wrong_type("hilbert", "a space of nk.hilbert", hilbert)


def check_fermions(hilbert: Any) -> None:
    """Raise `TypeError` unless it is a space of fermions."""
    if not isinstance(hilbert, SpinOrbitalFermions):
        wrong_type("hilbert", "a nk.hilbert.SpinOrbitalFermions", hilbert)


def check_graph(graph: Any) -> None:
    """Raise `TypeError` unless it is a graph."""
    if not isinstance(graph, Graph):
        wrong_type("graph", "a graph of nk.graph", graph)
