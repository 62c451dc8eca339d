"""Rules by the names and formulas of NetKet and optax, and those of optax itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from autoket._arguments import real_number, refuse, wrong_type

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


class Foreign:
    """An optimizer of optax, or any object with `init(params)` and `update(gradient, memory, params)`.

    Arrays go to it and come back as they are; JAX must be in double precision where the parameters are.
    """

    def __init__(self, optimizer: Any):
        self._optimizer = optimizer
        self._memory: Any = None

    def moved(self, gradient: Any, parameters: Any) -> Any:
        """The parameters after a step, which it remembers."""
        if self._memory is None:
            self._memory = self._optimizer.init(parameters)
        changes, memory = self._optimizer.update(gradient, self._memory, parameters)
        moved = _plus(parameters, changes, "params")
        self._memory = memory
        return moved

    def __repr__(self) -> str:
        return repr(self._optimizer)


def _plus(parameters: Any, changes: Any, path: str) -> Any:
    if isinstance(parameters, dict):
        return {name: _plus(branch, changes[name], f"{path}/{name}") for name, branch in parameters.items()}
    array = np.asarray(changes)
    if array.dtype != parameters.dtype:
        cure = "set jax.config.update('jax_enable_x64', True) first"
        raise TypeError(f"`optimizer`: expected a change of {parameters.dtype} for {path}, got {array.dtype}; {cure}")
    if not np.isfinite(array).all():
        raise FloatingPointError(f"the optimizer's change of {path} is not finite; lower the learning rate")
    return parameters + array


def as_rule(optimizer: Any) -> Rule | Foreign:
    """The rule that a user means."""
    if isinstance(optimizer, Rule):
        return optimizer
    if isinstance(optimizer, type) or not all(callable(getattr(optimizer, name, None)) for name in ("init", "update")):
        wrong_type("optimizer", "a rule of nk.optimizer, such as nk.optimizer.Sgd(0.01), or one of optax", optimizer)
    return Foreign(optimizer)
