"""How samples are drawn."""

from dataclasses import dataclass

from autoket._arguments import left_out as _left_out
from autoket._arguments import refuse, wrong_type
from autoket.hilbert import HomogeneousHilbert

__all__ = ["ARDirectSampler", "ExactSampler", "Sampler"]


@dataclass(frozen=True, repr=False)
class Sampler:
    """What samplers have in common: independent samples of |ψ|²."""

    hilbert: HomogeneousHilbert
    machine_pow: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.hilbert, HomogeneousHilbert):
            wrong_type("hilbert", "a space of nk.hilbert", self.hilbert)
        if self.machine_pow != 2:
            refuse("machine_pow", "2: samples are drawn from |ψ|²", self.machine_pow, "leave it out")

    @property
    def is_exact(self) -> bool:
        """Samples are independent."""
        return True

    @property
    def n_chains(self) -> int:
        """All samples are one chain."""
        return 1

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hilbert={self.hilbert})"


class ARDirectSampler(Sampler):
    """Independent samples of an autoregressive model, drawn site by site.

    Spaces may be constrained: every sample obeys.

    Args:
        hilbert: the space.
    """


class ExactSampler(Sampler):
    """Independent samples, drawn by their numbers from a list of all basis states: for small spaces.

    `ARDirectSampler` draws from the same probabilities without the list.

    Args:
        hilbert: the space.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        # Too large a space is refused.
        self.hilbert.n_states  # noqa: B018


_MARKOV = "samples of autoregressive models need no Markov chain; use ARDirectSampler"
__getattr__ = _left_out(
    "sampler",
    dict.fromkeys(
        """Metropolis MetropolisAdjustedLangevin MetropolisCustom MetropolisCustomNumpy MetropolisExchange
        MetropolisFermionHop MetropolisGaussian MetropolisHamiltonian MetropolisHamiltonianNumpy MetropolisLocal
        MetropolisLocalNumpy MetropolisNumpy MetropolisRule MetropolisSampler MetropolisSamplerNumpy
        MetropolisSamplerState ParallelTemperingExchange ParallelTemperingHamiltonian ParallelTemperingLocal
        ParallelTemperingSampler rules""".split(),
        _MARKOV,
    )
    | {"SamplerState": "a sampler's state is a key; use sampler_key of the MCState"},
)
