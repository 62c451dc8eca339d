"""Flax's interface of modules: `init`, `apply`, `bind`, variables, tables."""

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import wraps
from html import escape
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

import numpy as np

from autoket import _native, errors
from autoket._arguments import Array
from autoket.nn._calls import DenyList, SubModule, check_variables, collections_of, key_of, streams_of, text_of
from autoket.nn._places import Placed, Variables
from autoket.nn._shapes import ShapeDtypeStruct

_NOT_INTERMEDIATES = DenyList("intermediates")


class _Active(threading.local):
    """The modules that run in this thread, innermost last."""

    def __init__(self) -> None:
        self.modules: list[Module] = []


_ACTIVE = _Active()
_BASE = ("setup", "param", "variable")


def _routed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of Python's that goes through the library: names, captured outputs and tables are kept there."""

    @wraps(function)
    def method(self: "Module", *args: Any, **keywords: Any) -> Any:
        if self.__dict__.get("_raw") == name:
            self.__dict__["_raw"] = None
            return function(self, *args, **keywords)
        if self._scope is None:
            self._unbound_call(name)
        bound = inspect.signature(function).bind(self, *args, **keywords)
        return self._scope.run(self._handle(), name, [_input(x) for x in bound.args[1:]])

    method._routed = True  # type: ignore[attr-defined]
    return method


def _input(value: Any) -> Any:
    return value if type(value).__name__ == "ShapeDtypeStruct" else np.asarray(value)


@dataclass_transform(kw_only_default=False, eq_default=True)
class Module(Placed):
    """A function of inputs and variables, with its fields as hyperparameters. Flax: `nn.Module`.

    A module holds no parameters: `init` makes them, `apply` takes them, `bind` gives a copy that has them.
    A subclass is a dataclass, as in Flax; its `__call__` reaches parameters by `self.param`, and submodules by making
    them. What it computes is NumPy's.

    >>> import numpy as np
    >>> import autoket as nk
    >>> class Gain(nk.nn.Module):
    ...     start: float = 2.0
    ...
    ...     def __call__(self, x):
    ...         gain = self.param("gain", lambda key, shape, dtype: np.full(shape, self.start), (1,), "float64")
    ...         return gain * x
    >>> variables = Gain().init(0, np.ones(3))
    >>> Gain().apply(variables, np.ones(3))
    array([2., 2., 2.])
    """

    name: str | None = field(default=None, kw_only=True, repr=False, compare=False)
    parent: Any = field(default=None, kw_only=True, repr=False, compare=False)

    _methods: ClassVar[tuple[str, ...]] = ("__call__",)
    _made: ClassVar[bool] = False

    def __init_subclass__(cls, **keywords: Any):
        super().__init_subclass__(**keywords)
        own = cls.__dict__.get("_own_methods", ())
        for name, function in list(cls.__dict__.items()):
            if name in own or (name in cls._methods and not cls.__module__.startswith("autoket.")):
                setattr(cls, name, _routed(name, function))
        dataclass(repr=False, eq=True, unsafe_hash=True)(cls)

    # --- what a subclass says ---

    def setup(self) -> None:
        """Submodules as attributes, once for each call, as in Flax."""

    def __post_init__(self) -> None:
        self._prepare()
        self.__dict__["_made"] = True
        if self.parent is None and _ACTIVE.modules:
            active = _ACTIVE.modules[-1]
            if not active.__dict__.get("_in_setup"):
                self.__dict__["_scope"] = active._scope.child(self._handle(), self.name)

    def _prepare(self) -> None:
        """Looks at the fields."""

    def _handle(self) -> _native.Module:
        """The module as the library knows it."""
        return _native.own_module(self, type(self).__name__, self._method_names())

    def _method_names(self) -> list[str]:
        names = {
            name
            for kind in type(self).__mro__
            for name, value in vars(kind).items()
            if callable(value) and not isinstance(value, type) and (name == "__call__" or not name.startswith("_"))
        }
        return sorted(names - _INTERFACE)

    def _unbound_call(self, method: str) -> NoReturn:
        raise errors.CallCompactUnboundModuleError(
            f"{type(self).__name__}.{method} needs variables: call module.apply(variables, inputs, method={method!r}), "
            "or module.bind(variables)"
        )

    def _placeholder(self, shape: ShapeDtypeStruct) -> Array:
        """Inputs where shapes alone are known."""
        return np.zeros(shape.shape, shape.dtype)

    def _call_in(self, scope: _native.Scope, method: str, inputs: list[Any]) -> Any:
        """A method of Python's at a place; called by the library."""
        bound = self._at(scope)
        given = [self._placeholder(x) if isinstance(x, ShapeDtypeStruct) else x for x in inputs]
        _ACTIVE.modules.append(bound)
        try:
            bound._run_setup()
            function = getattr(bound, method)
            if getattr(function, "_routed", False):
                bound.__dict__["_raw"] = method
            return np.asarray(function(*given))
        finally:
            _ACTIVE.modules.pop()

    def _run_setup(self) -> None:
        self.__dict__["_in_setup"] = True
        try:
            self.setup()
        finally:
            self.__dict__["_in_setup"] = False

    def _at(self, scope: Any) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__["_scope"] = scope
        return copy

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("_in_setup"):
            for suffix, module in _modules_in(value):
                module.__dict__["_scope"] = self._scope.child(module._handle(), module.name or f"{name}{suffix}")
        elif self.__dict__.get("_made"):
            raise errors.SetAttributeFrozenModuleError(
                f"{type(self).__name__}.{name} cannot be assigned; take module.clone({name}=...)"
            )
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        raise errors.SetAttributeFrozenModuleError(f"{type(self).__name__}.{name} cannot be deleted")

    # --- within a call ---

    def param(self, name: str, init_fn: Callable[..., Any], *init_args: Any) -> Array:
        """A parameter of this module: the one that is there, or in `init` a new one, `init_fn(key, *init_args)`.

        Args:
            name: its name.
            init_fn: a function of key, shape and dtype, such as `nk.nn.initializers.normal(0.1)`.
            init_args: shape and dtype.
        """
        scope = self._within("param")
        if len(init_args) == 2 and isinstance(init_args[0], Sequence | np.ndarray):
            shape, dtype = [int(n) for n in init_args[0]], np.dtype(init_args[1])
            made = scope.param(name, lambda key, *_: init_fn(key_of(key), tuple(shape), dtype), shape, str(dtype))
            return np.zeros(made.shape, made.dtype) if isinstance(made, ShapeDtypeStruct) else made
        return self.variable("params", name, lambda: init_fn(key_of(scope.make_rng("params")), *init_args))

    def variable(self, col: str, name: str, init_fn: Callable[..., Any] | None = None, *init_args: Any) -> Array:
        """A variable of any collection: the one that is there, or a new one, `init_fn(*init_args)`."""

        def missing() -> NoReturn:
            raise errors.ScopeVariableNotFoundError(f"the collection `{col}` has no `{name}`; pass it")

        made = missing if init_fn is None else lambda: init_fn(*init_args)
        return self._within("variable").variable(col, name, made)

    # --- from outside ---

    def init(
        self,
        rngs: Any,
        *args: Any,
        method: Any = None,
        mutable: Any = _NOT_INTERMEDIATES,
        capture_intermediates: Any = False,
        **kwargs: Any,
    ) -> Variables:
        """Fresh variables, `{"params": {"_layers_0": {"kernel": ..., "bias": ...}, ...}}`.

        Args:
            rngs: a key, or `{"params": key}`.
            args: the inputs, such as σ of shape `(batch, site)`.
            method: the method whose variables are made; `"conditional"` of a Fast model makes its cache.
            mutable: the collections that are made.
            capture_intermediates: keep outputs of submodules in `intermediates`.
        """
        output = self.init_with_output(
            rngs, *args, method=method, mutable=mutable, capture_intermediates=capture_intermediates, **kwargs
        )
        return output[1]

    def init_with_output(
        self,
        rngs: Any,
        *args: Any,
        method: Any = None,
        mutable: Any = _NOT_INTERMEDIATES,
        capture_intermediates: Any = False,
        **kwargs: Any,
    ) -> tuple[Array, Variables]:
        """The output of a method, and fresh variables."""
        name, inputs = self._call_of(method, args, kwargs)
        streams = streams_of(self, rngs)
        captured = capture_intermediates is not False
        given = collections_of(mutable)
        output, made = self._handle().init_with_output(streams, inputs, name, given, captured)
        return output, self._chosen(made, capture_intermediates, args, kwargs)

    def lazy_init(
        self, rngs: Any, *args: Any, method: Any = None, mutable: Any = _NOT_INTERMEDIATES, **kwargs: Any
    ) -> Variables:
        """Fresh variables from inputs of which shape and dtype alone are used: `jax.ShapeDtypeStruct` will do."""
        name, inputs = self._call_of(method, args, kwargs)
        shapes = [x if x.ndim == 0 else ShapeDtypeStruct(x.shape, x.dtype) for x in inputs]
        return self._handle().init_with_output(streams_of(self, rngs), shapes, name, collections_of(mutable), False)[1]

    def apply(
        self,
        variables: Mapping[str, Any],
        *args: Any,
        rngs: Any = None,
        method: Any = None,
        mutable: Any = False,
        capture_intermediates: Any = False,
        **kwargs: Any,
    ) -> Any:
        """The output of a method; with `mutable`, also the collections that it names, as they are left.

        Args:
            variables: what `init` returned, or a mapping like it.
            args: the inputs, such as σ of shape `(batch, site)`.
            rngs: keys by name for `make_rng`.
            method: a name or a method of this class; `__call__`, which is log ψ of a model, if none is given.
            mutable: names of collections that may change.
            capture_intermediates: keep the outputs of `__call__` of all modules in `intermediates`, or those for which
                a function of module and method's name says so.
        """
        check_variables(variables)
        name, inputs = self._call_of(method, args, kwargs)
        captured = capture_intermediates is not False
        given = (variables, streams_of(self, rngs), inputs, name, collections_of(mutable), captured)
        output, changed = self._handle().apply(*given)
        if mutable is False and not captured:
            return output
        return output, self._chosen(changed, capture_intermediates, args, kwargs)

    def bind(self, variables: Mapping[str, Any], *args: Any, rngs: Any = None, mutable: Any = False) -> Self:
        """A copy with these variables, whose methods are called one by one: `model.bind(variables).conditionals(σ)`."""
        check_variables(variables)
        streams = streams_of(self, rngs)
        return self._at(self._handle().bind(variables, streams, collections_of(mutable)))

    def unbind(self) -> tuple[Self, Variables]:
        """The module without variables, and the variables."""
        if self._scope is None:
            raise errors.CallUnbindOnUnboundModuleError("Can't call `unbind()` on unbound modules")
        return self._at(None), self.variables

    def clone(self, *, parent: Any = None, **updates: Any) -> Self:
        """An unbound copy with other values of some fields."""
        known = {f.name for f in fields(self) if f.init}  # type: ignore[arg-type]
        for name in updates:
            if name not in known:
                raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}")
        return replace(self, parent=parent, **updates)  # type: ignore[type-var]

    def copy(self, *, parent: Any = None, name: str | None = None, **updates: Any) -> Self:
        """A copy with other values of some fields."""
        return self.clone(parent=parent, name=name, **updates)

    def module_paths(self, rngs: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """All modules that are called for these inputs, by their paths, names joined by `/`; the top has none."""
        _, inputs = self._call_of(None, args, kwargs)
        own = self._submodules()
        found = self._handle().module_paths(streams_of(self, rngs), inputs)
        return {path: own.get(path, SubModule(path, kind, text)) if path else self for path, kind, text in found}

    def tabulate(
        self,
        rngs: Any,
        *args: Any,
        depth: int | None = None,
        show_repeated: bool = False,
        mutable: Any = _NOT_INTERMEDIATES,
        method: Any = None,
        exclude_methods: Sequence[str] = (),
        console_kwargs: Any = None,
        table_kwargs: Any = None,
        column_kwargs: Any = None,
        compute_flops: bool = False,
        compute_vjp_flops: bool = False,
        **kwargs: Any,
    ) -> str:
        """The modules with shapes and parameters, as a table. Nothing is computed.

        Args:
            rngs: a key, or `{"params": key}`.
            args: the inputs.
            depth: the most names in a path that is shown.
            show_repeated: show a module again where it is called again?
            mutable: the collections that are made.
            method: the method that is called.
            exclude_methods: methods whose calls are not shown.
            console_kwargs: accepted and not needed: there are no colours.
            table_kwargs: the same.
            column_kwargs: the same.
            compute_flops: operations are not counted.
            compute_vjp_flops: the same.
        """
        if compute_flops or compute_vjp_flops:
            raise NotImplementedError(
                "autoket does not count operations; leave out compute_flops and compute_vjp_flops"
            )
        name, inputs = self._call_of(method, args, kwargs)
        return self._handle().tabulate(
            streams_of(self, rngs),
            inputs,
            name,
            collections_of(mutable),
            depth,
            bool(show_repeated),
            [str(method) for method in exclude_methods],
        )

    # --- shared ---

    def _call_of(self, method: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[str, list[Any]]:
        """A method's name and its inputs in order."""
        name = self._method_name(method)
        if keywords:
            signature = inspect.signature(getattr(type(self), name))
            args = signature.bind(self, *args, **keywords).args[1:]
        return name, [_input(x) for x in args]

    def _method_name(self, method: Any) -> str:
        kind = type(self).__name__
        if method is None:
            return "__call__"
        if isinstance(method, str):
            found = getattr(type(self), method, None) or self.__dict__.get(method)
            if found is None:
                raise AttributeError(f"{kind!r} object has no attribute {method!r}")
            if not callable(found):
                raise TypeError(f"'{kind}.{method}' must be a callable, got {type(found)}")
            return method
        name = getattr(method, "__name__", None)
        if not callable(method) or not isinstance(name, str):
            raise errors.ApplyModuleInvalidMethodError(
                f"{method!r} is no method of {kind}; give one of its methods, or its name"
            )
        if not hasattr(type(self), name):
            raise errors.ApplyModuleInvalidMethodError(f"{kind} has no method {name}; give one of its methods")
        return name

    def _submodules(self) -> dict[str, Any]:
        """Submodules by their paths, where they have classes of their own here."""
        return {}

    def _chosen(self, made: Variables, capture: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Variables:
        """Of what has been captured, what is asked for."""
        if capture is False or "intermediates" not in made:
            return made

        def wanted(module: Any, method: str) -> bool:
            return method == "__call__" if capture is True else bool(capture(module, method))

        own = {path: part.clone(name=path.split("/")[-1]) for path, part in self._submodules().items()}
        own[""] = self

        def kept(tree: Variables, path: str) -> Variables:
            out: Variables = {}
            for name, value in tree.items():
                if isinstance(value, dict):
                    below = kept(value, f"{path}/{name}" if path else name)
                    if below:
                        out[name] = below
                elif wanted(own.get(path) or SubModule(path, path, path), name):
                    out[name] = value
            return out

        return {**made, "intermediates": kept(made["intermediates"], "")}

    def _shown(self) -> dict[str, Any]:
        """The fields that are shown, in order; ours only where they are set."""
        shown = {}
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            is_ours = f.kw_only and f.default is not MISSING and (value is None or value is f.default)
            if f.repr and not is_ours:
                shown[f.name] = value
        return shown

    def __repr__(self) -> str:
        lines = [f"{name} = {text_of(value)}".replace("\n", "\n    ") for name, value in self._shown().items()]
        return "\n    ".join([f"{type(self).__name__}(", "# attributes", *lines]) + "\n)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(text_of(value))}</td></tr>"
            for name, value in self._shown().items()
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption>{rows}</table>"

    def __copy__(self) -> Self:
        return self._at(self._scope)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        names = [f.name for f in fields(self) if f.init and f.name != "parent"]  # type: ignore[arg-type]
        return _restore, (type(self), {name: getattr(self, name) for name in names})


def _restore(kind: type[Module], values: dict[str, Any]) -> Module:
    return kind(**values)


def _modules_in(value: Any) -> list[tuple[str, Module]]:
    """The modules of an attribute, by what is added to its name."""
    if isinstance(value, Module):
        return [("", value)]
    if isinstance(value, Mapping):
        return [(f"_{k}{s}", module) for k, item in value.items() for s, module in _modules_in(item)]
    if isinstance(value, list | tuple):
        return [(f"_{i}{s}", module) for i, item in enumerate(value) for s, module in _modules_in(item)]
    return []


_INTERFACE = {
    name for kind in (Placed, Module) for name, value in vars(kind).items() if callable(value) and name != "__call__"
}
dataclass(repr=False, eq=True, unsafe_hash=True)(Module)
