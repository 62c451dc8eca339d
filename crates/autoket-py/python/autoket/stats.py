"""Estimates with their errors."""

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from autoket._arguments import left_out as _left_out

__all__ = ["Stats"]


@dataclass(frozen=True, repr=False)
class Stats:
    """The estimate of an expectation value.

    Direct samples are independent: the error of the mean is √(variance/n), `tau_corr` is 0 and there is one
    chain, without an `R_hat`. Of a sum over all states the error is 0.
    """

    mean: Any = math.nan
    error_of_mean: float = math.nan
    variance: float = math.nan
    tau_corr: float = math.nan
    R_hat: float = math.nan

    @property
    def Mean(self) -> Any:
        """The mean."""
        return self.mean

    @property
    def Sigma(self) -> float:
        """The error of the mean."""
        return self.error_of_mean

    @property
    def Variance(self) -> float:
        """The variance of local values."""
        return self.variance

    @property
    def TauCorr(self) -> float:
        """The correlation time, in samples."""
        return self.tau_corr

    def to_dict(self) -> dict[str, Any]:
        """The entries of a log."""
        return {
            "Mean": self.mean,
            "Variance": self.variance,
            "Sigma": self.error_of_mean,
            "R_hat": self.R_hat,
            "TauCorr": self.tau_corr,
        }

    def to_compound(self) -> tuple[str, dict[str, Any]]:
        """The most important entry of a log, and all."""
        return "Mean", self.to_dict()

    def __getitem__(self, name: str) -> Any:
        return self.to_dict()[name]

    def real(self) -> Self:
        """The same of the mean's real part."""
        return replace(self, mean=np.real(self.mean))

    def imag(self) -> Self:
        """The same of the mean's imaginary part."""
        return replace(self, mean=np.imag(self.mean))

    def __repr__(self) -> str:
        return f"{_mean_and_error(self.mean, self.error_of_mean)} [σ²={self.variance:.1e}]"


def _mean_and_error(mean: Any, error: float) -> str:
    """Digits as NetKet gives them: to the first but one of the error."""
    if not (math.isfinite(abs(mean)) and math.isfinite(error)):
        return f"{mean:.2e} ± {error:.2e}"
    if error == 0.0:
        return f"{mean:.3e}"
    if abs(mean) + error >= 1e-2 and error > 1e-7:
        digits = max(math.ceil(-math.log10(error)), 0) + 1
        return f"{mean:.{digits}f} ± {error:.{digits}f}"
    larger = max(np.real(mean), np.imag(mean), key=abs)
    exponent = math.floor(math.log10(abs(larger)))
    digits = max(exponent - math.floor(math.log10(error)), 0) + 1
    width = 12 if isinstance(mean, complex) else 5
    shown = f"{mean / 10**exponent:.{digits}f}".rjust(width), f"{error / 10**exponent:.{digits}f}".rjust(5)
    return f"{shown[0]} ± {shown[1]} e" + f"{larger:e}".split("e")[1]


def of_native(stats: tuple[complex, float, float, int], is_complex: bool) -> Stats:
    """From the compiled library's numbers."""
    mean, error, variance, _ = stats
    return Stats(mean if is_complex else mean.real, error, variance, 0.0, math.nan)


_SAMPLES = "samples are independent, and their statistics come with them; use expect, or local_estimators, of a state"
__getattr__ = _left_out(
    "stats",
    dict.fromkeys(
        """LocalEstimators LocalEstimatorsBatch OnlineStats OnlineStatsBatch StatsBatch online_statistics
        online_statistics_batch statistics""".split(),
        _SAMPLES,
    ),
)
