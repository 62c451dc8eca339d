"""Networks of cells with memories."""

from collections.abc import Iterable
from dataclasses import field
from typing import Any, ClassVar

import numpy as np

from autoket import _native
from autoket._arguments import Array, refuse, whole_number, wrong_type
from autoket.models._base import Designed
from autoket.models._sequential import ARNNSequential, FastARNNSequential
from autoket.nn.initializers import orthogonal, zeros

_ORTHOGONAL = orthogonal()


class Indices(tuple[Any, ...]):
    """Whole numbers, shown as NetKet shows them."""

    def __repr__(self) -> str:
        array = np.asarray(self, dtype=np.int64)
        return f"HashableArray({array},\n shape={array.shape}, dtype={array.dtype})"

    __str__ = __repr__


def _indices(name: str, values: Any, ndim: int) -> Any:
    if values is None:
        return None
    array = np.asarray(getattr(values, "wrapped", values))
    if array.dtype.kind not in "iu":
        wrong_type(name, "an array of whole numbers", values)
    if array.ndim != ndim:
        refuse(name, f"an array of {ndim} axes", f"one of {array.ndim}", "see the arguments of LSTMNet")
    return Indices(map(tuple, array.tolist())) if ndim == 2 else Indices(array.tolist())


def _inverse(name: str, order: tuple[int, ...]) -> Indices:
    if sorted(order) != list(range(len(order))):
        refuse(name, f"each of 0 to {len(order) - 1} once", order, "give an order of all sites")
    return Indices(int(k) for k in np.argsort(order))


class RNN(ARNNSequential):
    """What networks of cells have in common.

    Args:
        hilbert: the space.
        layers: number of layers.
        features: of every layer but the last, or of each.
        reorder_idx: the site drawn k-th.
        inv_reorder_idx: its inverse; one of the two is enough.
        prev_neighbors: whose memory each site reads, `(site, neighbour)`, -1 for none.
        graph: a graph that these are made from.
        param_dtype: of the parameters.
        kernel_init: how kernels begin.
        bias_init: how biases begin.
        machine_pow: the power of |ψ| that is normalised.
        phase: real parameters, and a phase beside the amplitude.

    Without order, neighbours and graph, memories go along a chain.
    """

    layers: int
    features: Iterable[int] | int
    reorder_idx: Any = None
    inv_reorder_idx: Any = None
    prev_neighbors: Any = None
    graph: Any = None
    param_dtype: Any = np.float64
    kernel_init: Any = _ORTHOGONAL
    bias_init: Any = zeros
    machine_pow: int = 2
    phase: bool = field(default=False, kw_only=True)

    _cell: ClassVar[str] = ""

    def _build(self) -> _native.Module:
        put = self.__dict__
        if not self._cell:
            raise NotImplementedError("RNN has no cell: take LSTMNet or GRUNet1D")
        features, uniform = self._put_features()
        recurrence = self._recurrence()
        common = self._common()
        layers = whole_number("layers", put["layers"])
        kind = f"Fast{self._cell}" if self._fast else self._cell
        return _native.recurrent_network(kind, self.hilbert._native, layers, features, uniform, recurrence, common)

    def _recurrence(self) -> tuple[list[int], list[list[int]]] | None:
        put = self.__dict__
        order = _indices("reorder_idx", put["reorder_idx"], 1)
        inverse = _indices("inv_reorder_idx", put["inv_reorder_idx"], 1)
        previous = _indices("prev_neighbors", put["prev_neighbors"], 2)
        graph = put["graph"]
        if graph is not None and not hasattr(graph, "_native"):
            wrong_type("graph", "a graph of nk.graph", graph)
        if inverse is None and graph is not None:
            made = Indices(_native.recurrence(graph._native, None)[0])
            inverse = _inverse("graph", made)
        if order is None and inverse is not None:
            order = _inverse("inv_reorder_idx", inverse)
        if inverse is None and order is not None:
            inverse = _inverse("reorder_idx", order)
        if order is None:
            if previous is not None:
                raise ValueError(
                    "`prev_neighbors`: expected `reorder_idx` or `inv_reorder_idx` beside it, got neither; give one"
                )
            return None
        if _inverse("reorder_idx", order) != inverse:
            refuse("inv_reorder_idx", "the inverse of `reorder_idx`", inverse, "leave one of them out")
        if previous is None:
            if graph is None:
                raise ValueError("`reorder_idx`: expected `prev_neighbors` or `graph` beside it, got neither; give one")
            previous = Indices(map(tuple, _native.recurrence(graph._native, list(order))[1]))
        for site, neighbours in enumerate(previous):
            for other in neighbours:
                if other >= 0 and (site >= len(order) or other >= len(order) or order[other] >= order[site]):
                    refuse("prev_neighbors", f"earlier sites before site {site}", other, "fill short lists with -1")
        put["reorder_idx"], put["inv_reorder_idx"], put["prev_neighbors"] = order, inverse, previous
        return list(order), [list(row) for row in previous]

    def _sites(self) -> list[int] | None:
        order = self.__dict__["reorder_idx"]
        return None if order is None else list(order)

    def _submodules(self) -> dict[str, Any]:
        return {}

    def reorder(self, inputs: Any, axis: int = 0) -> Array:
        """An array along an axis of sites, in the order in which they are drawn."""
        return Designed.reorder(self, inputs, axis)


class FastRNN(RNN, FastARNNSequential):
    """`RNN` with the reference's cache in `conditional`. All models draw by caches here."""

    _fast = True


class LSTMNet(RNN):
    """Long short-term memory cells. Arguments as of `RNN`.

    >>> import autoket as nk
    >>> model = nk.models.LSTMNet(nk.hilbert.Spin(0.5, 4), layers=2, features=3)
    >>> model.init(0, [[1, 1, -1, 1]])["params"]["_layers_0"]["cell"]["kernel"].shape
    (4, 12)
    """

    _cell = "LSTMNet"


class GRUNet1D(RNN):
    """Gated recurrent units, each of which reads the memory of one site. Arguments as of `RNN`.

    >>> import autoket as nk
    >>> model = nk.models.GRUNet1D(nk.hilbert.Spin(0.5, 4), layers=2, features=3)
    >>> sorted(model.init(0, [[1, 1, -1, 1]])["params"]["_layers_0"]["cell"])
    ['n_bias', 'n_kernel', 'rz_bias', 'rz_kernel']
    """

    _cell = "GRUNet1D"


class FastLSTMNet(LSTMNet, FastRNN):
    """`LSTMNet` with the reference's cache in `conditional`. All models draw by caches here."""


class FastGRUNet1D(GRUNet1D, FastRNN):
    """`GRUNet1D` with the reference's cache in `conditional`. All models draw by caches here."""
