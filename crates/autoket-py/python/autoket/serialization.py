"""States as bytes, those that Flax makes of NetKet's: `flax.serialization` for the states of this package.

Where Flax is loaded, `flax.serialization` takes them as well.

>>> import autoket as nk
>>> hilbert = nk.hilbert.Spin(0.5, 4)
>>> model = nk.models.ARNNDense(hilbert, layers=1, features=2)
>>> state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=8, seed=0)
>>> twin = nk.serialization.from_bytes(state, nk.serialization.to_bytes(state))
>>> bool((twin.samples == state.samples).all())
True
"""

import sys
from collections.abc import Mapping
from typing import Any

import msgpack
import numpy as np

from autoket._arguments import refuse, wrong_type

__all__ = ["from_bytes", "from_state_dict", "msgpack_restore", "msgpack_serialize", "to_bytes", "to_state_dict"]

_NDARRAY, _COMPLEX, _SCALAR = 1, 2, 3
_CHUNKED = "__msgpack_chunked_array__"
# Bytes of an array that Flax writes in one piece.
_LARGEST = 2**30


def to_state_dict(target: Any) -> Any:
    """Nested dictionaries of what is saved: of a state its variables and what else it goes on with."""
    if hasattr(target, "_state_dict"):
        return target._state_dict()
    if isinstance(target, Mapping):
        return {str(name): to_state_dict(branch) for name, branch in target.items()}
    return target


def from_state_dict(target: Any, state: Any) -> Any:
    """A copy of `target` that goes on as `state` says; dictionaries must have the same names."""
    if hasattr(target, "_from_state_dict"):
        return target._from_state_dict(state)
    if not isinstance(target, Mapping):
        return state
    if not isinstance(state, Mapping) or set(state) != set(target):
        got = sorted(state) if isinstance(state, Mapping) else type(state).__name__
        refuse("state", f"a dictionary of {sorted(target)}", got, "give what was saved of such a target")
    return {name: from_state_dict(branch, state[name]) for name, branch in target.items()}


def to_bytes(target: Any) -> bytes:
    """A state, or a tree of arrays, as the bytes of `flax.serialization.to_bytes`."""
    return msgpack_serialize(to_state_dict(target))


def from_bytes(target: Any, encoded_bytes: bytes) -> Any:
    """A copy of `target` that goes on as the bytes say; they may be Flax's of a state of NetKet's."""
    return from_state_dict(target, msgpack_restore(encoded_bytes))


def msgpack_serialize(pytree: Any) -> bytes:
    """Nested dictionaries of arrays and numbers as msgpack."""
    packed: bytes = msgpack.packb(_in_pieces(pytree), default=_pack, strict_types=True)
    return packed


def msgpack_restore(encoded_pytree: bytes) -> Any:
    """The inverse of `msgpack_serialize`."""
    if not isinstance(encoded_pytree, bytes | bytearray | memoryview):
        wrong_type("encoded_bytes", "bytes", encoded_pytree)
    try:
        tree = msgpack.unpackb(encoded_pytree, ext_hook=_unpack, raw=False)
    except (ValueError, msgpack.UnpackException, TypeError) as error:
        raise ValueError(f"not bytes that Flax, NetKet or autoket wrote: {error}") from error
    return _whole(tree)


def _pack(value: Any) -> Any:
    if isinstance(value, np.generic) or hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype.kind in "biufc":
            kind = _SCALAR if isinstance(value, np.generic) else _NDARRAY
            content = (array.shape, array.dtype.name, array.tobytes())
            return msgpack.ExtType(kind, msgpack.packb(content, use_bin_type=True))
    if isinstance(value, complex):
        return msgpack.ExtType(_COMPLEX, msgpack.packb((value.real, value.imag)))
    if isinstance(value, tuple):
        return list(value)
    wrong_type("target", "a state, or nested dictionaries of arrays and numbers", value)


def _unpack(code: int, content: bytes) -> Any:
    parts = msgpack.unpackb(content, raw=False)
    if code == _COMPLEX:
        return complex(*parts)
    if code not in (_NDARRAY, _SCALAR):
        raise ValueError(f"type {code} is not one of Flax's")
    shape, dtype, values = parts
    array = np.frombuffer(values, dtype=np.dtype(dtype)).reshape(shape)
    return array[()] if code == _SCALAR else array.copy()


def _in_pieces(tree: Any) -> Any:
    """With arrays that are too large for one piece as dictionaries of several."""
    if isinstance(tree, Mapping):
        return {name: _in_pieces(branch) for name, branch in tree.items()}
    if not isinstance(tree, np.ndarray) or tree.nbytes <= _LARGEST:
        return tree
    size = max(1, _LARGEST // tree.itemsize)
    pieces = [tree.ravel()[i : i + size] for i in range(0, tree.size, size)]
    return {
        _CHUNKED: True,
        "shape": {str(axis): n for axis, n in enumerate(tree.shape)},
        "chunks": {str(i): piece for i, piece in enumerate(pieces)},
    }


def _whole(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if _CHUNKED not in tree:
        return {name: _whole(branch) for name, branch in tree.items()}
    shape, chunks = ([tree[name][str(i)] for i in range(len(tree[name]))] for name in ("shape", "chunks"))
    return np.concatenate(chunks).reshape(shape)


def tell_flax(kind: type) -> None:
    """Let `flax.serialization`, if it is loaded, take states of this type."""
    flax = sys.modules.get("flax.serialization")
    if flax is not None:
        flax.register_serialization_state(kind, to_state_dict, from_state_dict, override=True)
