"""Stochastic reconfiguration."""

from dataclasses import dataclass
from typing import Any

from autoket._arguments import real_number, refuse, wrong_type
from autoket.optimizer import qgt as _qgt
from autoket.optimizer import solver as _solver
from autoket.optimizer._rules import Schedule, at_step

_FORMS = (None, "metric", "gram", "layerwise", "cg")


@dataclass(frozen=True)
class SR:
    """Stochastic reconfiguration: the gradient times (S + ε)⁻¹, S the quantum geometric tensor.

    Every solver finds the same update, and so does every form of S: which is taken is a matter of time and memory.

    Args:
        qgt: accepted, one of `nk.optimizer.qgt`: S is found in the form that is cheapest.
        solver: one of `nk.optimizer.solver`, or a `cg`, which solves by conjugate gradients; the cheapest if None.
        diag_shift: ε, a number or a function of the step.
        diag_scale: None or 0: there is no shift in proportion to S.
        solver_restart: accepted: every solve starts from zero.
        momentum: μ of SPRING (arXiv:2401.10190), from 0 to less than 1; None is plain stochastic reconfiguration.
        form: how the system is solved: "metric", "gram", "layerwise" or "cg", which all give the same; the
            cheapest if None.
        holomorphic: accepted: derivatives are by real and imaginary parts, which holds for all.

    >>> import autoket as nk
    >>> nk.optimizer.SR(diag_shift=0.01, solver=nk.optimizer.solver.cholesky).form
    """

    qgt: Any = None
    solver: Any = None
    diag_shift: Schedule = 0.01
    diag_scale: float | None = None
    solver_restart: bool = False
    momentum: float | None = None
    form: str | None = None
    holomorphic: bool | None = None

    def __post_init__(self) -> None:
        _qgt.check_kind(self.qgt)
        if at_step("diag_shift", self.diag_shift, 0) < 0.0:
            refuse("diag_shift", "a number that is not negative", self.diag_shift, "0.01 is usual")
        if callable(self.diag_scale) or (self.diag_scale is not None and real_number("diag_scale", self.diag_scale)):
            refuse("diag_scale", "None or 0", self.diag_scale, "use diag_shift")
        if self.momentum is not None and not 0.0 <= real_number("momentum", self.momentum) < 1.0:
            refuse("momentum", "from 0 to less than 1", self.momentum, "0.8 is usual")
        if not isinstance(self.form, str | None):
            wrong_type("form", "metric, gram, layerwise or cg", self.form)
        if self.form not in _FORMS:
            refuse("form", "metric, gram, layerwise or cg", self.form, "leave it out: the cheapest is taken")
        asked = _solver.form_of(self.solver)
        if asked is not None and self.form not in (None, asked):
            refuse("form", f"{asked}, as the solver says", self.form, "give one of `form` and `solver`")
        object.__setattr__(self, "form", self.form or asked)

    def _at(self, step: int) -> tuple[float, float | None, str | None]:
        shift = at_step("diag_shift", self.diag_shift, step)
        return shift, None if self.momentum is None else float(self.momentum), self.form
