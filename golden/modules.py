"""Flax modules, initialisers and tables."""

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import netket as nk
import numpy as np

from writing import DATA, bits_of, write_json, write_tensors


def generate_initializers():
    init = jax.nn.initializers
    scaling = init.variance_scaling
    cases = {
        "zeros": init.zeros,
        "ones": init.ones,
        "constant": init.constant(-1.5),
        "normal": init.normal(0.3),
        "uniform": init.uniform(0.7),
        "truncated_normal": init.truncated_normal(0.3, lower=-1.0, upper=2.5),
        "lecun_normal": init.lecun_normal(),
        "lecun_uniform": init.lecun_uniform(),
        "he_normal": init.he_normal(),
        "he_uniform": init.he_uniform(),
        "glorot_normal": init.glorot_normal(),
        "glorot_uniform": init.glorot_uniform(),
        "orthogonal": init.orthogonal(1.3),
        "delta_orthogonal": init.delta_orthogonal(0.7),
        "truncated_above": init.truncated_normal(0.3, lower=0.0, upper=1.5),
        "fan_out_normal": scaling(0.5, "fan_out", "normal"),
        "fan_avg_normal": scaling(2.0, "fan_avg", "normal"),
        "fan_geo_avg_uniform": scaling(1.0, "fan_geo_avg", "uniform"),
        "fan_in_normal_axes": scaling(1.0, "fan_in", "normal", in_axis=0, out_axis=1),
        "embed": scaling(1.0, "fan_in", "normal", out_axis=0),
    }
    rows = []
    for name, initializer in cases.items():
        for shape in ((2, 3, 2, 3), (5, 4), (4, 5), (4, 3, 3), (3,)):
            for dtype in ("float32", "float64", "complex64", "complex128"):
                row = {"name": name, "shape": shape, "dtype": dtype}
                try:
                    row["values"] = bits_of(initializer(jax.random.key(7), shape, np.dtype(dtype)))
                except Exception as error:
                    row["error"] = type(error).__name__
                rows.append(row)
    write_json("initializers", {"seed": 7, "cases": rows})


class Foo(nn.Module):
    @nn.compact
    def __call__(self, x):
        h = nn.Dense(4)(x)
        return nn.Dense(2)(h)


class Inner(nn.Module):
    features: int

    @nn.compact
    def __call__(self, x):
        gain = self.param("gain", nn.initializers.normal(0.5), (x.shape[-1],), jnp.float64)
        x = nn.LayerNorm(param_dtype=jnp.float64, name="norm")(x * gain)
        return nn.Dense(self.features, param_dtype=jnp.float64)(x)


class Outer(nn.Module):
    @nn.compact
    def __call__(self, x):
        twice = Inner(x.shape[-1])
        x = twice(jnp.tanh(twice(x)))
        x = Inner(3)(x)
        offset = self.param("offset", nn.initializers.uniform(0.1), (3,), jnp.float64)
        self.sow("intermediates", "h", x)
        x = self.perturb("h_offset", x)
        count = self.variable("stats", "scale", lambda: jnp.full((1,), 2.0))
        return nn.Dense(2, param_dtype=jnp.float64)(x + offset) * count.value


def module_cases():
    real = lambda *shape: jax.random.normal(jax.random.key(11), shape, jnp.float64)
    f64 = {"param_dtype": jnp.float64}
    wave = real(2, 7, 4)
    image = real(2, 5, 6, 2)
    return {
        "dense_f32": (nn.Dense(4), real(3, 5).astype(jnp.float32)),
        "dense_f64": (nn.Dense(4, **f64), real(2, 3, 5)),
        "dense_c128": (nn.Dense(4, use_bias=False, param_dtype=complex), real(3, 5)),
        "dense_int": (nn.Dense(2), jnp.asarray([[1, -1, 1], [-1, -1, 1]], jnp.int8)),
        "dense_biased": (nn.Dense(2, bias_init=nn.initializers.normal(1.0), **f64), real(3, 5)),
        "conv_same": (nn.Conv(3, (3,), bias_init=nn.initializers.normal(1.0), **f64), wave),
        "conv_f32": (nn.Conv(3, (4,)), wave.astype(jnp.float32)),
        "conv_valid": (nn.Conv(3, (3,), padding="VALID", strides=2, **f64), wave),
        "conv_same_strides": (nn.Conv(3, (4,), strides=3, kernel_dilation=2, **f64), wave),
        "conv_circular": (nn.Conv(3, (4,), padding="CIRCULAR", kernel_dilation=2, **f64), wave),
        "conv_reflect": (nn.Conv(3, (5,), padding="REFLECT", **f64), wave),
        "conv_causal": (nn.Conv(3, (3,), padding="CAUSAL", kernel_dilation=2, **f64), wave),
        "conv_explicit": (nn.Conv(3, (3,), padding=[(0, 2)], input_dilation=2, **f64), wave),
        "conv_groups": (nn.Conv(6, (3,), feature_group_count=2, **f64), wave),
        "conv_one": (nn.Conv(3, (3,), **f64), wave[0]),
        "conv_batches": (nn.Conv(3, (3,), **f64), wave.reshape(1, 2, 7, 4)),
        "conv_2d": (nn.Conv(3, (2, 3), strides=(1, 2), **f64), image),
        "conv_2d_circular": (nn.Conv(3, (3, 2), padding="CIRCULAR", **f64), image),
        "conv_c128": (nn.Conv(3, (2, 3), param_dtype=complex), image),
        "embed": (nn.Embed(5, 3, **f64), jnp.asarray([[0, 1, 4], [-1, -2, 2]], jnp.int32)),
        "embed_one": (nn.Embed(1, 3), jnp.asarray([0, 0], jnp.int32)),
        "layer_norm_f32": (nn.LayerNorm(), real(3, 5).astype(jnp.float32)),
        "layer_norm_f64": (
            nn.LayerNorm(
                scale_init=nn.initializers.normal(1.0), bias_init=nn.initializers.normal(1.0), **f64
            ),
            real(2, 3, 5),
        ),
        "layer_norm_plain": (nn.LayerNorm(use_scale=False, use_bias=False), real(3, 5)),
        "layer_norm_axes": (
            nn.LayerNorm(
                reduction_axes=(1, 2),
                feature_axes=(1, 2),
                scale_init=nn.initializers.normal(1.0),
                **f64,
            ),
            real(2, 3, 5),
        ),
        "layer_norm_c128": (
            nn.LayerNorm(param_dtype=complex),
            real(3, 5) + 1j * real(3, 5)[::-1],
        ),
        "foo": (Foo(), jnp.ones((16, 9), jnp.float32)),
        "outer": (Outer(), real(4, 5)),
    }


def generate_module():
    tensors, cases = {}, []
    for name, (module, x) in module_cases().items():
        output, variables = module.init_with_output(jax.random.key(3), x)
        _, captured = module.apply(
            variables, x, capture_intermediates=True, mutable=["intermediates"]
        )
        tensors[f"{name}.x"] = np.asarray(x, np.float64) if x.dtype.kind == "i" else x
        tensors[f"{name}.y"] = output
        described = {}
        for collection, tree in {**variables, **captured}.items():
            described[collection] = {}
            for path, value in flax.traverse_util.flatten_dict(tree, sep="/").items():
                values = value if isinstance(value, tuple) else (value,)
                for i, array in enumerate(values):
                    tensors[f"{name}.{collection}.{path}.{i}"] = array
                described[collection][path] = [f"{a.dtype}{list(a.shape)}" for a in values]
        cases.append(
            {
                "name": name,
                "x_dtype": str(x.dtype),
                "x_shape": x.shape,
                "y_dtype": str(output.dtype),
                "y_shape": output.shape,
                "variables": described,
                "module_paths": {
                    path: type(m).__name__
                    for path, m in module.module_paths(jax.random.key(3), x).items()
                },
            }
        )
    write_tensors("module", tensors)
    write_json("module", {"seed": 3, "cases": cases})


def generate_fast():
    """The cached networks: `conditional` site by site, with its cache."""
    hilbert = nk.hilbert.Spin(0.5, 9)
    common = dict(hilbert=hilbert, layers=2, features=3, bias_init=jax.nn.initializers.ones)
    models = {
        "dense": nk.models.FastARNNDense(**common),
        "conv1d": nk.models.FastARNNConv1D(kernel_size=3, kernel_dilation=2, **common),
        "conv2d": nk.models.FastARNNConv2D(
            kernel_size=(2, 3), kernel_dilation=(2, 1), param_dtype=complex, **common
        ),
        "conv2d_f32": nk.models.FastARNNConv2D(
            kernel_size=(3, 3), param_dtype=jnp.float32, **common
        ),
    }
    sigma = hilbert.random_state(jax.random.key(0), 4, dtype=jnp.int8)
    tensors = {"sigma": np.asarray(sigma, np.float64)}
    for name, model in models.items():
        variables = model.init(jax.random.key(3), sigma, 0, method=model.conditional)
        for layer in (0, 1):
            for leaf in ("kernel", "bias"):
                tensors[f"{name}.params._layers_{layer}.{leaf}"] = variables["params"][
                    f"_layers_{layer}"
                ][leaf]
        for index in range(9):
            p, changed = model.apply(
                variables, sigma, index, method=model.conditional, mutable=["cache"]
            )
            variables = {**variables, **changed}
            tensors[f"{name}.p.{index}"] = p
            for layer in (0, 1):
                tensors[f"{name}.cache.{index}._layers_{layer}"] = variables["cache"][
                    f"_layers_{layer}"
                ]["inputs"]
    write_tensors("fast", tensors)


def sort_collections():
    """In tables of Flax, which shows them in the order of a set, which changes from run to run."""
    table_init = flax.linen.summary.Table.__init__
    flax.linen.summary.Table.__init__ = lambda self, module, collections, rows: table_init(
        self, module, sorted(collections), rows
    )


def generate_tabulate():
    hilbert = nk.hilbert.Spin(0.5, 16)
    model = nk.models.ARNNConv2D(hilbert=hilbert, layers=3, features=8, kernel_size=(2, 3))
    sigma = hilbert.random_state(jax.random.key(0), 4)
    console = {"width": 120, "force_terminal": False, "color_system": None}
    table = lambda m=model, **args: m.tabulate(
        jax.random.key(0), sigma, console_kwargs=console, **args
    )
    complex_model = model.clone(param_dtype=complex, use_bias=False)
    for name, text in (
        ("tabulate", table(compute_flops=False)),
        ("tabulate_depth0", table(depth=0)),
        ("tabulate_depth1", table(depth=1)),
        ("tabulate_flops", table(compute_flops=True, compute_vjp_flops=True)),
        ("tabulate_complex_no_bias", table(complex_model)),
    ):
        (DATA / f"{name}.txt").write_text(text)
    sort_collections()
    key, x = jax.random.key(0), jnp.ones((16, 9), jnp.float32)
    console = {**console, "width": 200}
    outer = jnp.ones((4, 5), jnp.float64)
    fast = nk.models.FastARNNConv2D(hilbert=hilbert, layers=2, features=3, kernel_size=(2, 3))
    for name, text in (
        ("foo", Foo().tabulate(key, x, console_kwargs=console)),
        ("outer_depth0", Outer().tabulate(key, outer, depth=0, console_kwargs=console)),
        ("outer_depth1", Outer().tabulate(key, outer, depth=1, console_kwargs=console)),
        ("outer_params", Outer().tabulate(key, outer, mutable=["params", "stats"], console_kwargs=console)),
        (
            "outer_repeated",
            Outer().tabulate(key, outer, show_repeated=True, console_kwargs=console),
        ),
        ("conditional", fast.tabulate(key, sigma, 3, method="conditional", console_kwargs=console)),
        ("conditionals", fast.tabulate(key, sigma, method="conditionals", console_kwargs=console)),
        ("reorder", fast.tabulate(key, sigma, method="reorder", console_kwargs=console)),
    ):
        (DATA / f"tabulate_{name}.txt").write_text(text)
