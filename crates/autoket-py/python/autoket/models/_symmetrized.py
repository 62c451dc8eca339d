"""Averages over symmetries."""

from dataclasses import field
from typing import Any, NoReturn

import numpy as np

from autoket import _native
from autoket._arguments import Array, refuse, wrong_type
from autoket.graph import SymmetryGroup
from autoket.hilbert import HomogeneousHilbert
from autoket.models._base import AbstractARNN, Native


class Symmetrized(Native):
    """The average of an autoregressive wave function over symmetries, in the sector where they change nothing.

    |Ψ(σ)|ᵖ = Σ_g |ψ(gσ)|ᵖ/|G| and arg Ψ(σ) = arg Σ_g exp(i arg ψ(gσ)). It has the parameters of ψ, is normalised as ψ
    is, and is drawn from directly: a draw from ψ is moved by a random g. It has no conditionals. Elements of rows of a
    Hamiltonian cost as many times more as there are symmetries; images of one state are evaluated once.
    Whether a Hamiltonian has the symmetry is not looked at. Kin of NetKet's `SymmExpSum`, which is not normalised.

    Args:
        model: the wave function ψ, a network of `nk.models`.
        symm_group: permutations of sites, such as `graph.space_group()` or `graph.point_group()`.
        spin_flip: the flip of all spins, and its products with those.

    >>> import autoket as nk
    >>> graph = nk.graph.Square(4)
    >>> hilbert = nk.hilbert.Spin(0.5, 16, total_sz=0)
    >>> network = nk.models.ARNNConv2D(hilbert, layers=2, features=4, kernel_size=(3, 3))
    >>> model = nk.models.Symmetrized(network, graph.space_group(), spin_flip=True)
    >>> state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=64, seed=0)
    >>> bool(np.all(state.log_value(state.samples[0, :2]) == state.log_value(-state.samples[0, :2])))
    True
    """

    hilbert: HomogeneousHilbert = field(init=False)
    model: AbstractARNN  # type: ignore[misc]
    symm_group: SymmetryGroup  # type: ignore[misc]
    spin_flip: bool = False

    def _prepare(self) -> None:
        put: dict[str, Any] = self.__dict__
        if not isinstance(put["model"], Native) or isinstance(put["model"], Symmetrized):
            wrong_type("model", "a network of nk.models", put["model"])
        if not isinstance(put["symm_group"], SymmetryGroup):
            wrong_type("symm_group", "a group of symmetries, such as graph.space_group()", put["symm_group"])
        if not isinstance(put["spin_flip"], bool | np.bool_):
            wrong_type("spin_flip", "True or False", put["spin_flip"])
        put["spin_flip"] = bool(put["spin_flip"])
        put["hilbert"] = put["model"].hilbert
        super()._prepare()

    def _build(self) -> _native.Module:
        return _native.symmetrized(self.model._handle(), self.symm_group._native, self.spin_flip)

    def _sites(self) -> list[int] | None:
        return self.model._order()

    @property
    def machine_pow(self) -> int:
        """The power of |ψ| that is normalised."""
        return self.model._pow()

    def conditionals(self, inputs: Any) -> Array:
        """There are none."""
        self._refuse()

    def conditional(self, inputs: Any, index: int) -> Array:
        """There is none."""
        self._refuse()

    def conditionals_log_psi(self, inputs: Any) -> Array:
        """There are none."""
        self._refuse()

    def reshape_inputs(self, inputs: Any) -> Array:
        """Layers see images of σ: there is no one shape."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        refuse("model", "a product of conditionals", "an average over symmetries", "ask the network: `model.model`")
