"""Nonsense at every entry of models, layers and their interface: an exception of Python's, or an answer."""

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_nonsense import values

import autoket as nk

SPINS = nk.hilbert.Spin(0.5, 4)
MODEL = nk.models.ARNNDense(SPINS, layers=2, features=2)
FAST = nk.models.FastLSTMNet(SPINS, layers=1, features=2)
LAYER = nk.nn.MaskedDense1D(features=2, exclusive=True)
CACHED = nk.nn.FastMaskedConv2D(L=2, features=2, kernel_size=(2, 3), kernel_dilation=(1, 1), exclusive=True)
STATES = np.ones((2, 4))
VARIABLES = MODEL.init(0, STATES)
BOUND = MODEL.bind(VARIABLES, mutable=["stats"])

INTERFACE = """init init_with_output lazy_init apply bind tabulate module_paths clone copy""".split()
ACCESSORS = """get_variable put_variable has_variable is_mutable_collection has_rng make_rng sow perturb unbind
conditionals conditional conditionals_log_psi reshape_inputs reorder inverse_reorder __call__""".split()

ENTRIES = {
    **{
        f"{kind.__name__}.{name}": partial(getattr(kind, name), SPINS)
        for kind, names in ((nk.models, nk.models.__all__),)
        for name in names
    },
    **{
        f"layers.{name}": partial(getattr(nk.models, name), SPINS, 2, 2)
        for name in nk.models.__all__
        if "RNN" in name or "Net" in name
    },
    **{f"nn.{name}": getattr(nk.nn, name) for name in nk.nn.__all__ if "Masked" in name},
    **{
        f"activation.{name}": getattr(nk.nn.activation, name)
        for name in ("elu", "celu", "leaky_relu", "reim", "custom")
    },
    **{
        f"initializers.{name}": getattr(nk.nn.initializers, name)
        for name in ("constant", "normal", "uniform", "orthogonal", "variance_scaling", "truncated_normal", "zeros")
    },
    **{f"{type(it).__name__}.{name}": getattr(it, name) for it in (MODEL, FAST, LAYER, CACHED) for name in INTERFACE},
    **{
        f"{type(it).__name__}.keyed.{name}": partial(getattr(it, name), 0)
        for it in (MODEL, CACHED)
        for name in INTERFACE[:3]
    },
    "apply.variables": partial(MODEL.apply, VARIABLES),
    "apply.states": partial(MODEL.apply, VARIABLES, STATES),
    **{f"bound.{name}": getattr(BOUND, name) for name in ACCESSORS},
    "wrapped": partial(nk.models.WrappedARNN, SPINS, lambda params, x: np.zeros((len(x), 4, 2))),
}

NAMES = """method mutable rngs depth capture_intermediates layers features kernel_size kernel_dilation extent order phase
activation kernel_init bias_init param_dtype precision machine_pow graph reorder_idx prev_neighbors name index""".split()


@pytest.mark.parametrize("entry", ENTRIES)
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(args=st.lists(values, max_size=3), keywords=st.dictionaries(st.sampled_from(NAMES), values, max_size=2))
def test_no_panic_crosses_the_border(entry, args, keywords):
    try:
        ENTRIES[entry](*args, **keywords)
    except (TypeError, ValueError, IndexError, NotImplementedError, RuntimeError, MemoryError):
        pass
    except AttributeError as error:
        # Of a method that is asked for by its name.
        assert "method" in keywords and "object has no attribute" in str(error)
    except OverflowError as error:
        # Of Python's own numbers, before anything is built.
        assert "too large" in str(error) or "convert" in str(error) or "negative" in str(error)
