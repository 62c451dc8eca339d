"""What calls of modules are given: keys, choices of collections, variables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autoket import errors
from autoket._arguments import Array, key_words, wrong_type

Names = tuple[bool, list[str]]


class DenyList:
    """All collections but these, for the argument `mutable`."""

    def __init__(self, deny: Any):
        self.deny = deny

    def __repr__(self) -> str:
        return f"DenyList(deny={self.deny!r})"


def collections_of(mutable: Any) -> Names:
    """Whether all but the names are meant, and the names."""
    if mutable is None or isinstance(mutable, bool | np.bool_):
        return bool(mutable), []
    if isinstance(mutable, str):
        return False, [mutable]
    if type(mutable).__name__ == "DenyList" and hasattr(mutable, "deny"):
        all_but, names = collections_of(mutable.deny)
        return not all_but, names
    if isinstance(mutable, Sequence | set | frozenset | Mapping) and all(isinstance(name, str) for name in mutable):
        return False, sorted(mutable)
    raise errors.InvalidFilterError(
        f"`mutable`: expected a bool, a name, names or DenyList, got {mutable!r}; name the collections that may change"
    )


def streams_of(module: Any, rngs: Any) -> list[tuple[str, tuple[int, int]]]:
    """Keys by name; one key is that of `params`."""
    if rngs is None:
        return []
    given = rngs if isinstance(rngs, Mapping) else {"params": rngs}
    streams = []
    for name, key in given.items():
        if not isinstance(name, str):
            wrong_type("rngs", "keys by name", rngs)
        try:
            streams.append((name, key_words(key)))
        except TypeError:
            raise errors.InvalidRngError(
                f"rngs of {type(module).__name__}: expected a key of two words, a seed, or a dictionary of them, "
                f"got {key!r}; take nk.random.PRNGKey(0)"
            ) from None
    return streams


def key_of(words: tuple[int, int]) -> Array:
    return np.asarray(words, dtype=np.uint32)


def check_variables(variables: Any) -> None:
    if not isinstance(variables, Mapping):
        raise errors.ApplyScopeInvalidVariablesTypeError(
            f"`variables`: expected a dictionary of collections, got {type(variables).__name__}; pass what init returns"
        )


class SubModule:
    """A part of a module that has no class here: its path, its class by name, its fields as text."""

    def __init__(self, path: str, kind: str, text: str):
        self.name = path.split("/")[-1]
        self.path = tuple(path.split("/"))
        self.kind = kind
        self._text = text

    def __repr__(self) -> str:
        return self._text


def text_of(value: Any) -> str:
    return str(getattr(value, "__name__", None) or value) if callable(value) and not _has_repr(value) else str(value)


def _has_repr(value: Any) -> bool:
    return type(value).__module__.startswith("autoket")
