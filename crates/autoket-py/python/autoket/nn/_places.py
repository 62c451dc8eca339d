"""A module's place in a tree of variables."""

from typing import Any, ClassVar

import numpy as np

from autoket import _native, errors
from autoket._arguments import Array
from autoket.nn._calls import key_of

Variables = dict[str, Any]
_UNBOUND = "unbound modules"


class Placed:
    """What bound modules have: variables, keys, a path."""

    _scope: ClassVar[Any] = None

    def _within(self, what: str) -> _native.Scope:
        if self._scope is None:
            raise errors.CallCompactUnboundModuleError(
                f"{type(self).__name__}.{what} needs variables: use it within a method that is called by init, apply "
                "or a bound module"
            )
        scope: _native.Scope = self._scope
        return scope

    def _bound(self, what: str) -> _native.Scope:
        if self._scope is None:
            raise ValueError(f"Can't {what} {_UNBOUND}; take module.bind(variables)")
        scope: _native.Scope = self._scope
        return scope

    @property
    def scope(self) -> Any:
        """The place of a bound module; None if it is not bound."""
        return self._scope

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the top to this module."""
        return tuple(self._bound("access module paths on").path())

    @property
    def variables(self) -> Variables:
        """The collections of a bound module."""
        return self._bound("access variables on").variables()

    def get_variable(self, col: str, name: str, default: Any = None) -> Any:
        """A variable of a bound module, or `default`."""
        found = self._bound("access variables on").get_variable(col, name)
        return default if found is None else found

    def put_variable(self, col: str, name: str, value: Any) -> None:
        """Set a variable of a bound module."""
        self._bound("access variables on").put_variable(col, name, value)

    def has_variable(self, col: str, name: str) -> bool:
        """Does a bound module have this variable?"""
        return self._bound("access variables on").has_variable(col, name)

    def is_mutable_collection(self, col: str) -> bool:
        """May a bound module change this collection?"""
        return self._bound("check mutability on").is_mutable_collection(col)

    def is_initializing(self) -> bool:
        """Is this a run of `init`?"""
        return self._bound("check if running under init() on").is_initializing()

    def has_rng(self, name: str) -> bool:
        """Is there a stream of keys of this name?"""
        return self._bound("query for RNGs on").has_rng(name)

    def make_rng(self, name: str = "params") -> Array:
        """The next key of a stream, or of `params` if there is no such stream."""
        return key_of(self._bound("use RNGs on").make_rng(name))

    def sow(self, col: str, name: str, value: Any) -> bool:
        """Append a value to the tuple `name` of a collection; False, and nothing is done, if it is immutable."""
        return self._bound("store variables on").sow(col, name, value)

    def perturb(self, name: str, value: Any) -> Array:
        """`value` plus the variable `name` of the collection `perturbations`, if there is one."""
        return self._bound("store variables on").perturb(name, np.asarray(value))
