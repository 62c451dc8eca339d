"""Flax's interface beside Flax: calls, accessors, errors, tables, layers."""

import re
import threading

import flax.core
import flax.errors
import jax
import netket as nk
import numpy as np
import pytest
from test_runs import assert_trees_close

import autoket as ak

KEY = jax.random.PRNGKey(0)
STATES = np.where(np.random.default_rng(0).integers(0, 2, (3, 4)), 1.0, -1.0)


def model(lib, **fields):
    return lib.models.ARNNDense(lib.hilbert.Spin(0.5, 4), **{"layers": 2, "features": 3, **fields})


OURS, THEIRS = model(ak), model(nk)
VARIABLES = jax.tree.map(np.asarray, THEIRS.init(KEY, STATES))


def shapes(tree):
    return jax.tree.map(np.shape, tree)


def outcome(call):
    """What a call gives, or the name of its error."""
    try:
        return jax.tree.map(np.asarray, call())
    except Exception as error:
        return type(error).__name__


CALLS = {
    "apply": lambda m: m.apply(VARIABLES, STATES),
    "frozen": lambda m: m.apply(flax.core.freeze(VARIABLES), STATES),
    "method": lambda m: m.apply(VARIABLES, STATES, method="conditionals"),
    "keyword": lambda m: m.apply(VARIABLES, inputs=STATES, index=2, method=m.conditional),
    "mutable": lambda m: m.apply(VARIABLES, STATES, mutable=["cache"]),
    "mutable_all": lambda m: m.apply(VARIABLES, STATES, mutable=True),
    "captured": lambda m: m.apply(VARIABLES, STATES, capture_intermediates=True),
    "chosen": lambda m: m.apply(
        VARIABLES, STATES, capture_intermediates=lambda it, name: (it.name or "").endswith("1") and name == "__call__"
    ),
    "init": lambda m: m.init(KEY, STATES),
    "init_rngs": lambda m: m.init({"params": KEY}, STATES, method="conditionals"),
    "init_mutable": lambda m: m.init(KEY, STATES, mutable=["cache"]),
    "with_output": lambda m: m.init_with_output(KEY, STATES),
    "lazy": lambda m: m.lazy_init(KEY, jax.ShapeDtypeStruct((2, 4), np.float64)),
    "no_method": lambda m: m.apply(VARIABLES, STATES, method="nope"),
    "no_function": lambda m: m.apply(VARIABLES, STATES, method="layers"),
    "number_as_method": lambda m: m.apply(VARIABLES, STATES, method=3),
    "no_params": lambda m: m.apply({}, STATES),
    "doubled": lambda m: m.apply({"params": VARIABLES}, STATES),
    "missing": lambda m: m.apply({"params": {"_layers_0": VARIABLES["params"]["_layers_0"]}}, STATES),
    "misshapen": lambda m: m.clone(features=4).apply(VARIABLES, STATES),
    "no_key": lambda m: m.init("x", STATES),
    "unbound_call": lambda m: m(STATES),
    "unbound_method": lambda m: m.conditionals(STATES),
    "unbound_variables": lambda m: m.variables,
    "unbound_path": lambda m: m.path,
    "unbound_unbind": lambda m: m.unbind(),
    "unbound_get": lambda m: m.get_variable("params", "x"),
    "unbound_put": lambda m: m.put_variable("params", "x", 1),
    "unbound_has": lambda m: m.has_variable("params", "x"),
    "unbound_rng": lambda m: m.has_rng("params"),
    "unbound_make": lambda m: m.make_rng(),
    "unbound_init": lambda m: m.is_initializing(),
    "unbound_mutable": lambda m: m.is_mutable_collection("params"),
    "unbound_sow": lambda m: m.sow("a", "b", 1.0),
    "unbound_perturb": lambda m: m.perturb("a", 1.0),
    "assigned": lambda m: setattr(m.bind(VARIABLES), "layers", 3),
    "unknown_field": lambda m: m.clone(colour=3),
    "bound": lambda m: m.bind(VARIABLES).conditionals(STATES),
    "bound_variables": lambda m: m.bind(VARIABLES).variables,
    "bound_unbind": lambda m: m.bind(VARIABLES).unbind()[1],
    "bound_call": lambda m: m.bind(VARIABLES)(STATES),
    "bound_default": lambda m: m.bind(VARIABLES).get_variable("params", "x", 5),
    "bound_immutable": lambda m: m.bind(VARIABLES).put_variable("params", "x", np.ones(2)),
    "bound_no_key": lambda m: m.bind(VARIABLES).make_rng(),
    "bound_perturb": lambda m: m.bind(VARIABLES).perturb("x", np.ones(2)),
    "bound_bad": lambda m: m.bind([]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_give_what_flax_gives(name):
    ours, theirs = outcome(lambda: CALLS[name](OURS)), outcome(lambda: CALLS[name](THEIRS))
    if name == "no_key":
        assert ours == theirs == "InvalidRngError"
    elif name == "bound_bad":
        # Flax stumbles over it later.
        assert ours == "ApplyScopeInvalidVariablesTypeError"
    elif isinstance(theirs, str):
        assert ours == theirs
    else:
        assert shapes(ours) == shapes(theirs)
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            assert np.asarray(a).dtype == np.asarray(b).dtype
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_bound_modules_have_places_keys_and_variables():
    streams = {"params": jax.random.PRNGKey(1), "noise": jax.random.PRNGKey(2)}
    for m in (OURS, THEIRS):
        bound = m.bind(VARIABLES, rngs=streams, mutable=["stats"])
        assert (bound.path, bound.name, bound.is_initializing()) == ((), None, False)
        assert bound.scope is not None
        assert m.scope is None
        assert [bound.has_rng(name) for name in ("params", "noise", "other")] == [True, True, False]
        assert [bound.is_mutable_collection(name) for name in ("params", "stats")] == [False, True]
        bound.put_variable("stats", "x", np.ones(2))
        assert bound.has_variable("stats", "x")
        assert not bound.has_variable("params", "x")
        assert bound.sow("stats", "y", np.float64(1.0))
        assert not bound.sow("other", "y", np.float64(1.0))
        assert shapes(bound.variables["stats"]) == {"x": (2,), "y": ((),)}
        np.testing.assert_array_equal(bound.get_variable("stats", "x"), np.ones(2))
        module, variables = bound.unbind()
        assert module.scope is None
        assert set(variables) == {"params", "stats"}
    ours, theirs = (m.bind(VARIABLES, rngs=streams) for m in (OURS, THEIRS))
    for stream in ("noise", "params", "noise", "other"):
        np.testing.assert_array_equal(ours.make_rng(stream), jax.random.key_data(theirs.make_rng(stream)))


def test_bound_modules_go_to_other_threads():
    bound, found = OURS.bind(VARIABLES), []
    threads = [threading.Thread(target=lambda: found.append(bound(STATES))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all((it == bound(STATES)).all() for it in found)


def test_errors_have_flaxs_names():
    for name in ak.errors.__all__:
        if name != "PerturbationNotFound":
            assert issubclass(getattr(ak.errors, name), ValueError)
            assert hasattr(flax.errors, name)
    with pytest.raises(ak.errors.ScopeParamShapeError, match=r"\[4,4\].*\[4,3\]|expected shape"):
        OURS.clone(features=4).apply(VARIABLES, STATES)


def cells(table):
    """The words of a table, without colours and lines."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", table)
    return [words for line in plain.splitlines() if (words := re.sub(r"[┏━┳┓┃┡╇┩│├─┼┤└┴┘]", " ", line).split())]


TABLES = [{}, {"depth": 0}, {"method": "conditionals"}, {"mutable": ["params"]}]


@pytest.mark.parametrize("options", TABLES)
def test_tables_have_the_cells_of_flaxs(options):
    wide = {"console_kwargs": {"width": 300, "force_terminal": False}}
    ours = cells(OURS.tabulate(KEY, STATES, **options, **wide))
    theirs = cells(THEIRS.tabulate(KEY, STATES, **options, **wide))
    assert ours == theirs


def test_module_paths_are_flaxs():
    ours, theirs = (m.module_paths(KEY, STATES) for m in (OURS, THEIRS))
    assert list(ours) == list(theirs)
    for path, module in ours.items():
        assert type(module).__name__ == type(theirs[path]).__name__
        assert module.features == theirs[path].features
    cells = ak.models.LSTMNet(OURS.hilbert, layers=1, features=2).module_paths(KEY, STATES)
    assert [it.kind for it in list(cells.values())[1:]] == ["RNNLayer", "LSTMCell"]


DENSE = {"features": 3, "exclusive": True}
CONV1D = {"features": 3, "kernel_size": 3, "kernel_dilation": 2, "exclusive": False}
CONV2D = {"features": 3, "kernel_size": (2, 3), "kernel_dilation": (1, 1), "exclusive": True}
LAYERS = {
    "dense": ("MaskedDense1D", DENSE, (2, 5, 2)),
    "dense_single": ("MaskedDense1D", {**DENSE, "use_bias": False}, (5, 2)),
    "dense_complex": ("MaskedDense1D", {**DENSE, "param_dtype": complex, "exclusive": False}, (2, 5, 1)),
    "conv1d": ("MaskedConv1D", CONV1D, (2, 5, 2)),
    "conv1d_exclusive": ("MaskedConv1D", {**CONV1D, "exclusive": True, "param_dtype": np.float32}, (2, 6, 1)),
    "conv2d": ("MaskedConv2D", CONV2D, (2, 3, 4, 2)),
    "conv2d_single": ("MaskedConv2D", {**CONV2D, "exclusive": False, "kernel_dilation": (2, 1)}, (4, 4, 1)),
    "fast_conv1d": ("FastMaskedConv1D", CONV1D, (2, 5, 2)),
    "fast_conv2d": ("FastMaskedConv2D", {**CONV2D, "L": 3}, (2, 3, 3, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_alone_are_netkets(name):
    kind, fields, shape = LAYERS[name]
    ours, theirs = getattr(ak.nn, kind)(**fields), getattr(nk.nn, kind)(**fields)
    x = np.random.default_rng(1).normal(size=shape)
    y, variables = theirs.init_with_output(KEY, x)
    assert_trees_close(ours.init(KEY, x), variables, rtol=2e-6 if "exclusive" in name else 1e-12, atol=1e-7)
    single = fields.get("param_dtype") is np.float32
    got = ours.apply(variables, x)
    assert got.dtype == y.dtype
    np.testing.assert_allclose(got, y, rtol=1e-5 if single else 1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.bind(variables)(x), got)
    wide = {"console_kwargs": {"width": 300, "force_terminal": False}}
    assert cells(ours.tabulate(KEY, x)) == cells(theirs.tabulate(KEY, x, **wide))
    shown = [re.sub(r"(kernel_init|bias_init|param_dtype) = .*", r"\1", repr(it)) for it in (ours, theirs)]
    assert shown[0] == shown[1]
    with pytest.raises(ak.errors.CallCompactUnboundModuleError):
        ours(x)


@pytest.mark.parametrize("name", ["conv1d", "conv2d"])
def test_layers_update_sites_as_netkets(name):
    kind, fields, shape = LAYERS[f"fast_{name}"]
    ours, theirs = getattr(ak.nn, kind)(**fields), getattr(nk.nn, kind)(**fields)
    x = np.random.default_rng(1).normal(size=shape).reshape(2, -1, 2)
    variables = theirs.init(KEY, x[:, 0], 0, method=theirs.update_site)
    assert_trees_close(ours.init(KEY, x[:, 0], 0, method=ours.update_site), variables, rtol=1e-12, atol=1e-14)
    all_ours = all_theirs = variables
    for site in range(4):
        given = x[:, site - fields["exclusive"]]
        y, own = ours.apply(all_ours, given, site, method=ours.update_site, mutable=["cache"])
        z, ref = theirs.apply(all_theirs, given, site, method=theirs.update_site, mutable=["cache"])
        np.testing.assert_allclose(y, z, rtol=1e-12, atol=1e-14)
        assert_trees_close(own, ref, rtol=1e-12, atol=1e-14)
        all_ours, all_theirs = {**variables, **own}, {**variables, **ref}


class Inner(ak.nn.Module):
    features: int

    def __call__(self, x):
        kernel = self.param("kernel", ak.nn.initializers.lecun_normal(), (x.shape[-1], self.features), "float64")
        self.sow("intermediates", "seen", x)
        return x @ kernel


class Outer(ak.nn.Module):
    def setup(self):
        self.first = Inner(3)
        self.rest = [Inner(2), Inner(4)]

    def __call__(self, x):
        for layer in (self.first, *self.rest):
            x = layer(x)
        return x + Inner(4)(x)


class FlaxInner(flax.linen.Module):
    features: int

    @flax.linen.compact
    def __call__(self, x):
        kernel = self.param("kernel", jax.nn.initializers.lecun_normal(), (x.shape[-1], self.features), np.float64)
        self.sow("intermediates", "seen", x)
        return x @ kernel


class FlaxOuter(flax.linen.Module):
    def setup(self):
        self.first = FlaxInner(3)
        self.rest = [FlaxInner(2), FlaxInner(4)]

    @flax.linen.compact
    def __call__(self, x):
        for layer in (self.first, *self.rest):
            x = layer(x)
        return x + FlaxInner(4, name="Inner_0")(x)


def test_modules_of_ones_own_are_flaxs():
    x = np.random.default_rng(2).normal(size=(5, 2))
    y, variables = FlaxOuter().init_with_output(KEY, x)
    own, made = Outer().init_with_output(KEY, x)
    assert_trees_close(made, variables, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(own, y, rtol=1e-12)
    _, ours = Outer().apply(variables, x, mutable=["intermediates"])
    _, theirs = FlaxOuter().apply(variables, x, mutable=["intermediates"])
    assert shapes(ours) == shapes(theirs)
    table = cells(Outer().tabulate(KEY, x))
    assert table[2] == ["Outer", "float64[5,2]", "float64[5,4]"]
    assert table[-1] == ["Total", "Parameters:", "36", "(288", "B)"]
    with pytest.raises(ak.errors.CallCompactUnboundModuleError):
        Inner(3)(x)
    with pytest.raises(ak.errors.ScopeParamShapeError):
        Inner(3).apply({"params": {"kernel": np.ones((2, 2))}}, x)
    with pytest.raises(ZeroDivisionError):
        Failing().init(KEY, x)


class Failing(ak.nn.Module):
    def __call__(self, x):
        return x / (1 // 0)
