"""How samples are drawn."""

from dataclasses import dataclass

from autoket._arguments import left_out as _left_out
from autoket._arguments import wrong_type
from autoket.hilbert import HomogeneousHilbert

__all__ = ["ARDirectSampler"]


@dataclass(frozen=True)
class ARDirectSampler:
    """Independent samples of an autoregressive model, drawn site by site.

    Spaces may be constrained: every sample obeys.

    Args:
        hilbert: the space.
    """

    hilbert: HomogeneousHilbert

    def __post_init__(self) -> None:
        if not isinstance(self.hilbert, HomogeneousHilbert):
            wrong_type("hilbert", "a space of nk.hilbert", self.hilbert)

    @property
    def is_exact(self) -> bool:
        """Samples are independent."""
        return True

    @property
    def n_chains(self) -> int:
        """All samples are one chain."""
        return 1

    @property
    def machine_pow(self) -> int:
        """Samples are drawn from |ψ|²."""
        return 2

    def __repr__(self) -> str:
        return f"ARDirectSampler(hilbert={self.hilbert})"


_MARKOV = "samples of autoregressive models need no Markov chain; use ARDirectSampler"
__getattr__ = _left_out(
    "sampler",
    dict.fromkeys(
        [
            "Metropolis",
            "MetropolisExchange",
            "MetropolisHamiltonian",
            "MetropolisLocal",
            "MetropolisNumpy",
            "MetropolisSampler",
            "ParallelTemperingLocal",
        ],
        _MARKOV,
    )
    | {"ExactSampler": "samples of ARDirectSampler are independent as well; nk.vqs.FullSumState needs none"},
)
