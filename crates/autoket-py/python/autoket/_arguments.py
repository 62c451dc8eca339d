"""What functions are given: looked at, and refused by a message that says what was expected."""

import numbers
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from autoket._native import quarter_of_free_memory
from autoket._ranks import of_first

Array = npt.NDArray[Any]


def refuse(name: str, expected: str, got: object, cure: str) -> NoReturn:
    """Raise `ValueError` as the library words it."""
    raise ValueError(f"`{name}`: expected {expected}, got {got}; {cure}")


def wrong_type(name: str, expected: str, got: object) -> NoReturn:
    """Raise `TypeError`."""
    raise TypeError(f"`{name}`: expected {expected}, got {got!r} ({type(got).__name__})")


def whole_number(name: str, value: object, least: int = 0) -> int:
    """An `int` from anything that is one, not less than `least`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral | np.integer):
        wrong_type(name, "a whole number", value)
    number = int(value)
    if number < least:
        refuse(name, f"at least {least}", number, "raise it")
    return number


def check_memory(name: str, n: int, bytes_each: int) -> None:
    """Raise `MemoryError` before so much is asked for that the process would end."""
    free = 4 * quarter_of_free_memory()
    if n * bytes_each > free:
        raise MemoryError(f"`{name}`: {n} take {n * bytes_each} bytes, and {free} are free; ask for fewer")


def real_number(name: str, value: Any) -> float:
    """A `float` from a real number or an array of one."""
    number = scalar(value)
    if number is None:
        wrong_type(name, "a real number", value)
    if number.imag != 0:
        refuse(name, "a real number", value, "give its real part, or build a complex operator from terms")
    return number.real


def scalar(value: Any) -> complex | None:
    """A number, from Python, NumPy or an array without axes; None if it is something else."""
    if isinstance(value, numbers.Number):
        return complex(value)  # type: ignore[call-overload, no-any-return]
    if hasattr(value, "shape") and hasattr(value, "dtype") and value.shape == ():
        array = np.asarray(value)
        return complex(array) if array.dtype.kind in "biufc" else None
    return None


def is_real(value: Any) -> bool:
    """Whether a number is of a real type."""
    return bool(np.asarray(value).dtype.kind != "c")


def element_dtype(dtype: Any, *values: Any) -> np.dtype[Any]:
    """The dtype of matrix elements: the one asked for, or double precision, complex if a value is."""
    needs_complex = any(not is_real(value) for value in values)
    if dtype is None:
        return np.dtype(np.complex128 if needs_complex else np.float64)
    asked: np.dtype[Any] = np.dtype(dtype)
    if asked.kind in "biu":
        asked = np.dtype(np.float64)
    if asked.kind not in "fc":
        wrong_type("dtype", "a dtype of real or complex numbers", dtype)
    if needs_complex and asked.kind == "f":
        raise TypeError(f"`dtype`: expected a complex dtype for complex elements, got {asked}; leave it out")
    return asked


def key_words(key: Any) -> tuple[int, int]:
    """The two words of a random key: a seed, JAX's old and new keys, their data; None is a new one."""
    if key is None:
        # Of all ranks the same.
        key = int(of_first(str(int.from_bytes(os.urandom(4), "little"))))
    if isinstance(key, numbers.Integral):
        seed = int(key)
        if not -(2**63) <= seed < 2**63:
            refuse("seed", "a number of 64 bits", seed, "take a smaller one")
        return (seed >> 32) & 0xFFFFFFFF, seed & 0xFFFFFFFF
    jax = sys.modules.get("jax")
    if jax is not None and str(getattr(key, "dtype", "")).startswith("key<"):
        key = jax.random.key_data(key)
    words = np.asarray(key)
    if words.shape != (2,) or words.dtype.kind not in "ui":
        wrong_type("key", "a key of two words or a seed", key)
    return int(words[0]) & 0xFFFFFFFF, int(words[1]) & 0xFFFFFFFF


def restore(kind: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Unpickle by constructor arguments."""
    return kind(*args, **keywords)


def left_out(module: str, reasons: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """A module's `__getattr__`: names of NetKet's that are left out on purpose raise with the reason."""
    home = f"autoket.{module}" if module else "autoket"

    def getattr_(name: str) -> NoReturn:
        reason = reasons.get(name)
        if reason is not None:
            raise NotImplementedError(f"autoket leaves out {f'{home}.{name}'.removeprefix('autoket.')}: {reason}")
        raise AttributeError(f"module {home!r} has no attribute {name!r}")

    return getattr_


def sites_of(values: Iterable[Any], name: str, n_sites: int) -> list[int]:
    """Sites of a space, each a whole number below `n_sites`."""
    sites = [whole_number(name, value) for value in values]
    for site in sites:
        if site >= n_sites:
            refuse(name, f"sites from 0 to {n_sites - 1}", site, "number sites from 0")
    return sites
