"""Networks of autoket's that NetKet does not have."""

from collections.abc import Sequence
from dataclasses import field
from typing import Any

import numpy as np

from autoket import _native
from autoket._arguments import whole_number
from autoket.models._base import Designed
from autoket.nn._masked import pair
from autoket.nn.initializers import glorot_uniform, lecun_normal, zeros

_LECUN_NORMAL = lecun_normal()
_GLOROT_UNIFORM = glorot_uniform()


class ARNNGatedConv2D(Designed):
    """Gated convolutions over a lattice in raster order, without a blind spot: two stacks, one of rows above and one
    of the row itself.

    Args:
        hilbert: the space.
        layers: number of layers.
        features: of each of them.
        kernel_size: rows, and an odd number of columns, at least 3.
        kernel_init: how kernels begin.
        bias_init: how biases begin.
        machine_pow: the power of |ψ| that is normalised.
        param_dtype: of the parameters.
        precision: how float32 products are added up.
        extent: rows and columns of the lattice; a square if None.
        order: `order[k]` is the site drawn k-th; sites in turn if None.
        phase: real parameters, and a phase beside the amplitude.

    >>> import autoket as nk
    >>> model = nk.models.ARNNGatedConv2D(nk.hilbert.Spin(0.5, 9), layers=2, features=4, kernel_size=(2, 3))
    >>> model.init(0, [[1] * 9])["params"]["vertical_0"]["gate"]["kernel"].shape
    (6, 4)
    """

    layers: int
    features: int
    kernel_size: tuple[int, int]
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros
    machine_pow: int = 2
    extent: tuple[int, int] | None = field(default=None, kw_only=True)
    order: Sequence[int] | None = field(default=None, kw_only=True)
    phase: bool = field(default=False, kw_only=True)

    def _build(self) -> _native.Module:
        put = self.__dict__
        put["kernel_size"] = pair("kernel_size", put["kernel_size"])
        put["extent"] = None if put["extent"] is None else pair("extent", put["extent"])
        return _native.gated_network(
            self.hilbert._native,
            whole_number("layers", put["layers"]),
            whole_number("features", put["features"]),
            list(put["kernel_size"]),
            None if put["extent"] is None else list(put["extent"]),
            self._put_order(),
            self._common(),
        )


class TensorGRU2D(Designed):
    """Tensorised gated recurrent units on a lattice.

    Args:
        hilbert: the space.
        extent: rows and columns of the lattice.
        features: of the memories.
        kernel_init: how kernels begin.
        bias_init: how biases begin.
        machine_pow: the power of |ψ| that is normalised.
        param_dtype: of the parameters.
        precision: how float32 products are added up.
        order: `order[k]` is the site drawn k-th; along a snake if None.
        phase: real parameters, and a phase beside the amplitude.

    >>> import autoket as nk
    >>> model = nk.models.TensorGRU2D(nk.hilbert.Spin(0.5, 6), extent=(2, 3), features=4)
    >>> model.reorder(range(6))
    array([0, 1, 2, 5, 4, 3])
    """

    extent: tuple[int, int]
    features: int
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _GLOROT_UNIFORM
    bias_init: Any = zeros
    machine_pow: int = 2
    order: Sequence[int] | None = field(default=None, kw_only=True)
    phase: bool = field(default=False, kw_only=True)

    def _build(self) -> _native.Module:
        put = self.__dict__
        put["extent"] = pair("extent", put["extent"])
        features = whole_number("features", put["features"])
        order = None if put["order"] is None else self._put_order()
        return _native.tensor_gru_network(self.hilbert._native, list(put["extent"]), features, order, self._common())

    def _sites(self) -> list[int]:
        given = super()._sites()
        if given is not None:
            return given
        sites = np.arange(self.hilbert.size).reshape(self.extent)
        sites[1::2] = sites[1::2, ::-1]
        return sites.ravel().tolist()
