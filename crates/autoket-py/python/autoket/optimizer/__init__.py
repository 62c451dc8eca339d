"""How parameters move: rules by NetKet's names, those of optax, and stochastic reconfiguration."""

from autoket._arguments import left_out as _left_out
from autoket.optimizer import qgt, solver
from autoket.optimizer._rules import AdaGrad, Adam, AMSGrad, Momentum, RmsProp, Sgd
from autoket.optimizer._sr import SR
from autoket.optimizer.qgt import LinearOperator

__all__ = [
    "SR",
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "LinearOperator",
    "Momentum",
    "RmsProp",
    "Sgd",
    "qgt",
    "solver",
]

__getattr__ = _left_out(
    "optimizer",
    {
        "identity_preconditioner": "leave the preconditioner out",
        "LinearPreconditioner": "a step is preconditioned by the compiled library; use SR",
        "PreconditionerT": "it is a type hint; use SR or None",
    },
)
