"""Random numbers: keys, draws, and what is made of a seed."""

import jax
import netket as nk
import numpy as np
from flax.core.scope import LazyRng

from writing import bits_of, key_words, write_json


def module_key(key, path, counter):
    """The key Flax gives to a parameter: `counter` is 1 for the first of its module."""
    return LazyRng.create(key, *path, counter).as_jax_rng()


def generate_random():
    random = jax.random
    cases = []
    for seed in (0, 1, 42, 1234, -1, -(2**40), 2**32, 2**32 + 7, 2**63 - 1):
        key = random.key(seed)
        draws = dict(
            uniform_f32=random.uniform(key, (9,), np.float32),
            uniform_f64=random.uniform(key, (9,), np.float64),
            uniform_f64_minus2_3=random.uniform(key, (9,), np.float64, -2.0, 3.0),
            normal_f32=random.normal(key, (9,), np.float32),
            normal_f64=random.normal(key, (9,), np.float64),
            normal_c64=random.normal(key, (5,), np.complex64),
            normal_c128=random.normal(key, (5,), np.complex128),
            truncated_normal_f32=random.truncated_normal(key, -2, 2, (9,), np.float32),
            truncated_normal_f64=random.truncated_normal(key, -2, 2, (9,), np.float64),
        )
        cases.append(
            {
                "seed": str(seed),
                "key": key_words(key),
                "split2": key_words(random.split(key)),
                "split5": key_words(random.split(key, 5)),
                "fold_in": [
                    {"data": d, "key": key_words(random.fold_in(key, d))}
                    for d in (0, 1, 2, 77, 2**31, 2**32 - 1)
                ],
                "bits32": np.asarray(random.bits(key, (9,), np.uint32)).tolist(),
                "bits64": [
                    f"{b:016x}" for b in np.asarray(random.bits(key, (9,), np.uint64)).tolist()
                ],
                "bits8": np.asarray(random.bits(key, (9,), np.uint8)).tolist(),
                **{k: bits_of(v) for k, v in draws.items()},
            }
        )
    # Far into the normal's tails, where erf_inv changes branch.
    many = np.asarray(random.normal(random.key(5), (200_000,), np.float64))
    at = np.concatenate([np.argsort(many)[:5], np.argsort(many)[-5:]])
    write_json(
        "random",
        {
            "seeds": cases,
            "normal_f64_tails": {
                "seed": 5,
                "shape": [200_000],
                "index": at,
                "values": bits_of(many[at]),
            },
            "init_keys": [init_keys(seed) for seed in (0, 1234)],
            "lecun_normal": [lecun_normal(seed) for seed in (0, 1234)],
            "sampler": [sampler_keys(seed) for seed in (0, 1234)],
        },
    )


def init_keys(seed):
    key = jax.random.key(seed)
    paths = [f"_layers_{i}" for i in (0, 1, 2, 9, 10, 11)]
    return {
        "seed": seed,
        "keys": {
            f"{p}/{leaf}": key_words(module_key(key, (p,), counter))
            for p in paths
            for counter, leaf in ((1, "kernel"), (2, "bias"))
        },
    }


def lecun_normal(seed):
    """The initialiser itself, before NetKet's mask and rescaling."""
    shape = (2, 3, 2, 3)
    draw = lambda dtype: jax.nn.initializers.lecun_normal()(
        jax.random.key(seed), shape, np.dtype(dtype)
    )
    dtypes = ("float32", "float64", "complex64", "complex128")
    return {"seed": seed, "shape": shape, **{d: bits_of(draw(d)) for d in dtypes}}


def sampler_keys(seed):
    """The chain of keys from a seed to the first uniforms of ARDirectSampler."""
    hilbert = nk.hilbert.Spin(0.5, 4)
    model = nk.models.ARNNConv2D(hilbert=hilbert, layers=2, features=2, kernel_size=(2, 3))
    sampler = nk.sampler.ARDirectSampler(hilbert)
    state = nk.vqs.MCState(sampler, model, n_samples=8, seed=seed)
    key = state.sampler_state.key
    state.sample()
    after_one = state.sampler_state.key
    state.sample()
    after_two = state.sampler_state.key
    new_key, key_init, key_scan = jax.random.split(key, 3)
    assert key_words(new_key) == key_words(after_one)
    sites, carry = [], key_scan
    for _ in range(4):
        carry, site_key = jax.random.split(carry)
        uniforms = jax.random.uniform(site_key, (8, 1))
        sites.append({"key": key_words(site_key), "uniforms": bits_of(uniforms)})
    return {
        "seed": seed,
        "state_key": key_words(key),
        "state_key_after_1": key_words(after_one),
        "state_key_after_2": key_words(after_two),
        "key_init": key_words(key_init),
        "key_scan": key_words(key_scan),
        "sites": sites,
    }
