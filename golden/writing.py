"""The files that golden data is written to, and how."""

import json
from pathlib import Path

import flax
import jax
import netket as nk
import numpy as np
from jax.flatten_util import ravel_pytree
from safetensors.numpy import save_file

DATA = Path(__file__).parent / "data"

VERSIONS = {
    "netket": nk.__version__,
    "jax": jax.__version__,
    "flax": flax.__version__,
    "numpy": np.__version__,
}


def plain(value):
    """`value` as strict JSON: NaN and infinities become null, numpy types Python ones."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (np.ndarray, jax.Array)):
        return plain(np.asarray(value).tolist())
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value


def write_json(name, value):
    """One line for each key, and for each case where a key holds a list of cases."""
    lines = []
    for key, item in plain({**value, "versions": VERSIONS}).items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            rows = ",\n".join("  " + json.dumps(row) for row in item)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(item)}")
    (DATA / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_tensors(name, tensors):
    arrays = {}
    for key, value in tensors.items():
        value = np.asarray(value)
        if np.iscomplexobj(value):
            key, value = key + ":complex", np.stack([value.real, value.imag], axis=-1)
        arrays[key] = np.ascontiguousarray(value)
    path = DATA / f"{name}.safetensors"
    save_file(arrays, path)
    path.chmod(0o644)


def flat(tree):
    return np.asarray(ravel_pytree(tree)[0])


def bits_of(x):
    """The bits of floats as hexadecimal strings, 8 or 16 digits each."""
    x = np.ascontiguousarray(np.asarray(x)).reshape(-1)
    if x.dtype.kind == "c":
        x = x.view({8: np.float32, 16: np.float64}[x.dtype.itemsize])
    unsigned = {4: np.uint32, 8: np.uint64}[x.dtype.itemsize]
    return [f"{v:0{2 * x.dtype.itemsize}x}" for v in x.view(unsigned).tolist()]


def key_words(key):
    return np.asarray(jax.random.key_data(key)).tolist()
