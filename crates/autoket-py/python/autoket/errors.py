"""What can go wrong with modules, by the names of `flax.errors`.

All are `ValueError`s, too.

>>> import autoket as nk
>>> model = nk.models.ARNNDense(nk.hilbert.Spin(0.5, 4), layers=2, features=3)
>>> try:
...     model.apply({}, [[1, 1, -1, 1]])
... except nk.errors.ScopeCollectionNotFound as error:
...     print("no parameters")
no parameters
"""

__all__ = [
    "ApplyModuleInvalidMethodError",
    "ApplyScopeInvalidVariablesStructureError",
    "ApplyScopeInvalidVariablesTypeError",
    "AssignSubModuleError",
    "CallCompactUnboundModuleError",
    "CallUnbindOnUnboundModuleError",
    "FlaxError",
    "InvalidFilterError",
    "InvalidRngError",
    "InvalidScopeError",
    "LazyInitError",
    "ModifyScopeVariableError",
    "NameInUseError",
    "PerturbationNotFound",
    "ScopeCollectionNotFound",
    "ScopeParamNotFoundError",
    "ScopeParamShapeError",
    "ScopeVariableNotFoundError",
    "SetAttributeFrozenModuleError",
]


class FlaxError(ValueError):
    """A mistake in a module, in its variables or in how it is called."""


class ApplyModuleInvalidMethodError(FlaxError):
    """What is to be called is no method of the module."""


class ApplyScopeInvalidVariablesStructureError(FlaxError):
    """Variables are `{"params": {"params": ...}}`."""


class ApplyScopeInvalidVariablesTypeError(FlaxError):
    """Variables are no dictionary of dictionaries."""


class AssignSubModuleError(FlaxError):
    """A submodule is made where there is no place for it."""


class CallCompactUnboundModuleError(FlaxError):
    """A module is called that has no variables."""


class CallUnbindOnUnboundModuleError(FlaxError):
    """`unbind` of a module that has no variables."""


class InvalidFilterError(FlaxError):
    """A choice of collections that is none."""


class InvalidRngError(FlaxError):
    """A key is needed and there is no stream to draw it from, or it is no key."""


class InvalidScopeError(FlaxError):
    """A module is used after the call that it was made in."""


class LazyInitError(FlaxError):
    """A variable depends on the values of inputs of which shapes alone are known."""


class ModifyScopeVariableError(FlaxError):
    """A write to a collection that cannot be changed."""


class NameInUseError(FlaxError):
    """Two things in one module have the same name."""


class PerturbationNotFound(FlaxError):  # noqa: N818
    """The collection `perturbations` lacks a variable."""


class ScopeCollectionNotFound(FlaxError):  # noqa: N818 - as in Flax
    """A collection that is needed is not there."""


class ScopeParamNotFoundError(FlaxError):
    """A parameter is missing."""


class ScopeParamShapeError(FlaxError):
    """A parameter has another shape than its module makes it."""


class ScopeVariableNotFoundError(FlaxError):
    """A variable is missing from a collection that cannot be changed."""


class SetAttributeFrozenModuleError(FlaxError):
    """A field is assigned: take `module.clone(field=value)`."""
