"""Activations and their derivatives."""

import json
from functools import partial, wraps

import flax.linen as nn
import jax
import jax.numpy as jnp
import netket as nk
import numpy as np

from writing import write_json, write_tensors


def activation_cases():
    """(name in a run file, function, whether it acts on complex numbers)."""
    nn, reim = jax.nn, nk.nn.activation.reim
    analytic = {
        "gelu": nn.gelu,
        "silu": nn.silu,
        "softplus": nn.softplus,
        "sigmoid": nn.sigmoid,
        "tanh": jnp.tanh,
        "log_cosh": nk.nn.log_cosh,
        "sin": jnp.sin,
        "identity": nn.identity,
    }
    for name, f in analytic.items():
        yield name, f, True
    split = [
        ("selu", nn.selu),
        ("relu", nn.relu),
        ("elu", nn.elu),
        ({"elu": 0.3}, partial(nn.elu, alpha=0.3)),
        ("celu", nn.celu),
        ({"celu": 0.3}, partial(nn.celu, alpha=0.3)),
        ("leaky_relu", nn.leaky_relu),
        ({"leaky_relu": 0.2}, partial(nn.leaky_relu, negative_slope=0.2)),
        ("gelu_exact", partial(nn.gelu, approximate=False)),
    ]
    for name, f in split:
        yield name, f, False
    # `reim` wants a function with a name; of a real number it is the function itself.
    for name, f in split + [("tanh", jnp.tanh), ("softplus", nn.softplus), ("sin", jnp.sin)]:
        if isinstance(name, dict):
            ((name, parameter),) = name.items()
            name = {f"reim_{name}": parameter}
        else:
            name = f"reim_{name}"
        yield name, reim(wraps(nn.relu)(f)), True


def generate_activation():
    rng = np.random.default_rng(7)
    reals = np.concatenate(
        [[0.0, 1e-9, -1e-9, 1e-3, -1e-3, 20, -20, 60, -60], np.linspace(-8, 8, 33), rng.normal(size=8)]
    )
    complexes = np.concatenate(
        [
            rng.normal(size=16) + 1j * rng.normal(size=16),
            3 * rng.normal(size=16) + 5j * rng.normal(size=16),
            [1e-5 - 2e-5j, 30 + 1j, -30 + 1j, 1e-3 + 7j, -2 - 40j, 0.5j],
        ]
    )
    cases, out = [], {}
    for dtype in ("float32", "float64", "complex64", "complex128"):
        is_complex = dtype.startswith("complex")
        x = jnp.asarray(complexes if is_complex else reals, dtype=dtype)
        out[f"{dtype}.x"] = x
        for name, f, on_complex in activation_cases():
            if is_complex and not on_complex:
                continue
            text = json.dumps(name)
            is_reim = "reim_" in text
            if is_reim and not is_complex:
                continue
            key = f"{dtype}.{len(cases)}"
            # Of the parts apart, both slopes as one complex number; else the derivative.
            tangent = jnp.full_like(x, 1 + 1j if is_reim else 1)
            value, slope = jax.jvp(f, (x,), (tangent,))
            out[f"{key}.value"], out[f"{key}.slope"] = value, slope
            cases.append(dict(key=key, dtype=dtype, activation=name))
    write_json("activation", {"cases": cases})
    write_tensors("activation", out)
