"""NetKet's recurrent networks as Flax modules: caches, what can be captured, tables, errors."""

import flax
import jax
import jax.numpy as jnp
import netket as nk
import numpy as np
from netket.utils import HashableArray

from modules import sort_collections
from writing import DATA, write_json, write_tensors

models = nk.experimental.models


def recurrent_cases():
    """(class, its form with a cache, their arguments)."""
    lstm = (models.LSTMNet, models.FastLSTMNet)
    gru = (models.GRUNet1D, models.FastGRUNet1D)
    ones = dict(layers=2, features=3, bias_init=jax.nn.initializers.ones)
    chain = dict(hilbert=nk.hilbert.Spin(0.5, 5), **ones)
    graph = dict(
        hilbert=nk.hilbert.Spin(0.5, 9), graph=nk.graph.Grid([3, 3], pbc=False), **ones
    )
    given = dict(
        reorder_idx=HashableArray(np.array([1, 0, 2, 4, 3])),
        prev_neighbors=HashableArray(np.array([[1], [-1], [0], [4], [2]])),
    )
    return {
        "lstm": (*lstm, chain),
        "lstm_f32": (*lstm, chain | dict(param_dtype=jnp.float32)),
        "lstm_graph": (*lstm, graph | dict(param_dtype=complex)),
        "gru": (*gru, chain),
        "gru_given": (*gru, chain | given | dict(param_dtype=complex)),
    }


def flatten(tree):
    """Arrays by path, tuples of them in order."""
    found = {}
    for path, value in flax.traverse_util.flatten_dict(tree, sep="/").items():
        for i, array in enumerate(jax.tree.leaves(value)):
            found[f"{path}.{i}"] = array
    return found


def error_of(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return None


def generate_recurrent_modules():
    tensors, cases = {}, []
    sort_collections()
    console = {"width": 200, "force_terminal": False, "color_system": None}
    for name, (plain, fast, arguments) in recurrent_cases().items():
        plain, fast = plain(**arguments), fast(**arguments)
        hilbert = arguments["hilbert"]
        sigma = hilbert.random_state(jax.random.key(0), 4, dtype=jnp.int8)
        double = sigma.astype(jnp.float64)
        order = np.asarray(fast.reorder(jnp.arange(hilbert.size)))
        key = jax.random.key(3)
        variables = plain.init(key, sigma)
        out = {f"params.{k}": v for k, v in flatten(variables["params"]).items()}
        out["sigma"] = np.asarray(sigma, np.float64)
        out["log_psi"], captured = plain.apply(
            variables, sigma, capture_intermediates=True, mutable=["intermediates"]
        )
        out["conditionals"] = plain.apply(variables, sigma, method=plain.conditionals)
        intermediates = flatten(captured["intermediates"])
        out |= {f"captured.{k}": v for k, v in intermediates.items()}

        # Site by site, from sites that are no local states yet, as the sampler does.
        method = fast.conditional
        state = fast.init(key, sigma, int(order[0]), method=method)
        partial = jnp.zeros_like(sigma)
        for site in map(int, order):
            p, changed = fast.apply(
                state,
                partial,
                site,
                method=method,
                mutable=["cache", "intermediates"],
                capture_intermediates=True,
            )
            state = {**state, "cache": changed["cache"]}
            out[f"p.{site}"] = p
            out |= {f"cache.{site}.{k}": v for k, v in flatten(changed["cache"]).items()}
            partial = partial.at[:, site].set(sigma[:, site])
        out |= {f"captured_site.{k}": v for k, v in flatten(changed["intermediates"]).items()}
        tensors |= {f"{name}.{k}": v for k, v in out.items()}

        only_params = {"params": variables["params"]}
        half = {"params": {"_layers_0": variables["params"]["_layers_0"]}}
        other = plain.clone(features=4).init(key, sigma)
        cases.append(
            {
                "name": name,
                "order": order,
                "log_psi_dtype": str(out["log_psi"].dtype),
                "log_psi_dtype_of_double": str(plain.apply(variables, double).dtype),
                "params_agree": bool(
                    all(
                        (a == b).all()
                        for a, b in zip(
                            jax.tree.leaves(variables["params"]), jax.tree.leaves(state["params"])
                        )
                    )
                ),
                "cache": {k: f"{v.dtype}{list(v.shape)}" for k, v in flatten(state["cache"]).items()},
                "captured": {k: f"{v.dtype}{list(v.shape)}" for k, v in intermediates.items()},
                "captured_site": {
                    k: f"{v.dtype}{list(v.shape)}"
                    for k, v in flatten(changed["intermediates"]).items()
                },
                "module_paths": {
                    path: type(m).__name__ for path, m in fast.module_paths(key, sigma).items()
                },
                "errors": {
                    "no_params": error_of(lambda: plain.apply({}, sigma)),
                    "half": error_of(lambda: plain.apply(half, sigma)),
                    "other": error_of(lambda: plain.apply(other, sigma)),
                    "no_cache": error_of(
                        lambda: fast.apply(only_params, sigma, 0, method=method)
                    ),
                    "immutable_cache": error_of(
                        lambda: fast.apply(state, sigma, 0, method=method)
                    ),
                },
            }
        )
        table = lambda m, *args, **more: m.tabulate(key, *args, console_kwargs=console, **more)
        for suffix, text in (
            ("", table(plain, sigma)),
            ("_conditional", table(fast, sigma, 3, method="conditional")),
            ("_depth1", table(plain, sigma, depth=1)),
        ):
            (DATA / f"tabulate_{name}{suffix}.txt").write_text(text)
    write_tensors("recurrent_modules", tensors)
    write_json("recurrent_modules", {"seed": 3, "cases": cases})
