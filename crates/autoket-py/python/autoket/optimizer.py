"""How parameters move: rules by the names and formulas of NetKet and optax, and stochastic reconfiguration."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from autoket._arguments import left_out as _left_out
from autoket._arguments import real_number, refuse, wrong_type

__all__ = ["SR", "AMSGrad", "AdaGrad", "Adam", "Momentum", "RmsProp", "Sgd"]

Schedule = float | Callable[[int], float]
"""A number, or a function of the step."""


def at_step(name: str, schedule: Any, step: int) -> float:
    """The number of a schedule at a step, counted from 0."""
    return real_number(name, schedule(step) if callable(schedule) else schedule)


@dataclass(frozen=True)
class Rule:
    """A rule that moves parameters along a gradient."""

    learning_rate: Schedule = 0.001

    _fields: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        at_step("learning_rate", self.learning_rate, 0)
        for name in self._fields:
            number = real_number(name, getattr(self, name))
            if number < 0.0:
                refuse(name, "a number that is not negative", number, "leave it out for the default")

    def _numbers(self) -> list[float]:
        return [float(getattr(self, name)) for name in self._fields]


@dataclass(frozen=True)
class Sgd(Rule):
    """θ ← θ - η g."""

    learning_rate: Schedule = 0.01


@dataclass(frozen=True)
class Momentum(Rule):
    """m ← β m + g, θ ← θ - η m; with `nesterov`, θ ← θ - η (g + β m)."""

    learning_rate: Schedule = 0.01
    beta: float = 0.9
    nesterov: bool = False

    _fields = ("beta", "nesterov")

    def __post_init__(self) -> None:
        at_step("learning_rate", self.learning_rate, 0)
        if not 0.0 <= real_number("beta", self.beta) < 1.0:
            refuse("beta", "from 0 to less than 1", self.beta, "0.9 is usual")


@dataclass(frozen=True)
class Adam(Rule):
    """Kingma and Ba, arXiv:1412.6980, with |g|² for complex g."""

    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    _fields = ("b1", "b2", "eps")


@dataclass(frozen=True)
class AMSGrad(Adam):
    """Adam with the largest mean square so far: Reddi, Kale and Kumar, arXiv:1904.09237."""


@dataclass(frozen=True)
class AdaGrad(Rule):
    """G ← G + |g|², θ ← θ - η g/√(G + ε)."""

    epscut: float = 1e-7
    initial_accumulator_value: float = 0.1

    _fields = ("epscut", "initial_accumulator_value")


@dataclass(frozen=True)
class RmsProp(Rule):
    """v ← β v + (1 - β)|g|², θ ← θ - η g/√(v + ε)."""

    beta: float = 0.9
    epscut: float = 1e-7

    _fields = ("beta", "epscut")


@dataclass(frozen=True)
class SR:
    """Stochastic reconfiguration: the gradient times (S + ε)⁻¹, S the quantum geometric tensor.

    Args:
        diag_shift: ε, a number or a function of the step.
        momentum: μ of SPRING (arXiv:2401.10190), from 0 to less than 1; None is plain stochastic reconfiguration.
        form: how the system is solved: "metric", "gram", "layerwise" or "cg", which all give the same; the
            cheapest if None.
    """

    diag_shift: Schedule = 0.01
    momentum: float | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        if at_step("diag_shift", self.diag_shift, 0) < 0.0:
            refuse("diag_shift", "a number that is not negative", self.diag_shift, "0.01 is usual")
        if self.momentum is not None and not 0.0 <= real_number("momentum", self.momentum) < 1.0:
            refuse("momentum", "from 0 to less than 1", self.momentum, "0.8 is usual")
        if self.form not in (None, "metric", "gram", "layerwise", "cg"):
            refuse("form", "metric, gram, layerwise or cg", self.form, "leave it out: the cheapest is taken")

    def _at(self, step: int) -> tuple[float, float | None, str | None]:
        return at_step("diag_shift", self.diag_shift, step), self.momentum, self.form


def as_rule(optimizer: Any) -> Rule:
    """The rule that a user means."""
    if not isinstance(optimizer, Rule):
        wrong_type("optimizer", "a rule of nk.optimizer, such as nk.optimizer.Sgd(0.01)", optimizer)
    return optimizer


__getattr__ = _left_out(
    "optimizer",
    {
        "qgt": "the metric is found in the form that is cheapest; use quantum_geometric_tensor() of the state",
        "solver": "systems are solved by Cholesky or conjugate gradients; use SR(form=...)",
        "LinearOperator": "use quantum_geometric_tensor() of the state",
        "identity_preconditioner": "leave the preconditioner out",
    },
)
