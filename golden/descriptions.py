"""Spaces, graphs and operators from their JSON descriptions."""

import netket as nk
import numpy as np

import strings


def build_hilbert(spec):
    match spec["kind"]:
        case "spin":
            return nk.hilbert.Spin(
                spec["s"], spec["n_sites"], inverted_ordering=spec["inverted_ordering"]
            )
        case "qubit":
            return nk.hilbert.Qubit(spec["n_sites"])
        case "fock":
            return nk.hilbert.Fock(spec["n_max"], spec["n_sites"])
        case "fermions":
            args = {k: v for k, v in spec.items() if k != "kind"}
            if "n_fermions_per_spin" in args:
                args["n_fermions_per_spin"] = tuple(args["n_fermions_per_spin"])
            return nk.hilbert.SpinOrbitalFermions(**args)


def describe_hilbert(spec, hilbert):
    return {**spec, "local_states": [float(x) for x in hilbert.local_states]}


def spin(s, n_sites, inverted_ordering=False):
    return dict(kind="spin", s=s, n_sites=n_sites, inverted_ordering=inverted_ordering)


def fock(n_max, n_sites):
    return dict(kind="fock", n_max=n_max, n_sites=n_sites)


def qubit(n_sites):
    return dict(kind="qubit", n_sites=n_sites)


def build_graph(spec):
    if "edges" in spec:
        return nk.graph.Graph([tuple(e) for e in spec["edges"]])
    return nk.graph.Grid(**spec)


SITE_OPERATORS = {
    "sigmax": nk.operator.spin.sigmax,
    "sigmay": nk.operator.spin.sigmay,
    "sigmaz": nk.operator.spin.sigmaz,
    "sigmap": nk.operator.spin.sigmap,
    "sigmam": nk.operator.spin.sigmam,
    "create": nk.operator.boson.create,
    "destroy": nk.operator.boson.destroy,
    "number": nk.operator.boson.number,
}


def build_expression(hilbert, expression):
    """An operator from a tree of one-key objects; README.md lists the keys."""
    ((key, value),) = expression.items()
    build = lambda e: build_expression(hilbert, e)
    if key in SITE_OPERATORS:
        return SITE_OPERATORS[key](hilbert, value)
    match key:
        case "local":
            matrix = np.asarray(value["matrix"])
            matrix = matrix[..., 0] + 1j * matrix[..., 1]
            if not matrix.imag.any():
                matrix = matrix.real
            return nk.operator.LocalOperator(hilbert, matrix, value["sites"])
        case "constant":
            return nk.operator.LocalOperator(hilbert, constant=value)
        case "sum":
            return sum((build(e) for e in value[1:]), build(value[0]))
        case "difference":
            return build(value[0]) - build(value[1])
        case "product":
            result = build(value[0])
            for factor in value[1:]:
                result = result @ build(factor)
            return result
        case "scale":
            re, im = value["by"]
            return (complex(re, im) if im else re) * build(value["of"])
        case "adjoint":
            return build(value).conjugate(concrete=True).transpose(concrete=True)
        case "conjugate":
            return build(value).conjugate(concrete=True)
        case "transpose":
            return build(value).transpose(concrete=True)


def build_operator(hilbert, spec):
    if spec["kind"] == "local":
        return build_expression(hilbert, spec["expression"])
    graph = build_graph(spec["graph"]) if "graph" in spec else None
    args = {k: v for k, v in spec.items() if k not in ("kind", "graph")}
    match spec["kind"]:
        case "ising":
            return nk.operator.Ising(hilbert, graph, **args)
        case "heisenberg":
            return nk.operator.Heisenberg(hilbert, graph, **args)
        case "bose_hubbard":
            return nk.operator.BoseHubbard(hilbert, graph, **args)
        case _:
            return strings.build(hilbert, graph, spec)


def grid(*extent, pbc=False, **more):
    return dict(extent=list(extent), pbc=pbc, **more)


def ising(graph, h=1.1, J=0.7):
    return dict(kind="ising", graph=graph, h=h, J=J)


def heisenberg(graph, J=1.0, sign_rule=None):
    return dict(kind="heisenberg", graph=graph, J=J, sign_rule=sign_rule)


def random_matrix(seed, dimension, hermitian=True, real=False):
    """A dense matrix as nested lists of [re, im], rounded so that it prints short."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(dimension, dimension, 2)).round(2)
    if real:
        matrix[..., 1] = 0
    if hermitian:
        matrix = matrix + matrix.transpose(1, 0, 2) * [1, -1]
    return matrix.tolist()


def spin_bonds(graph):
    """Sum over edges of S_i . S_j, by products of twice-the-spin matrices, plus a field."""
    bond = lambda i, j: [
        {"scale": {"by": [0.25, 0], "of": {"product": [{p: i}, {p: j}]}}}
        for p in ("sigmax", "sigmay", "sigmaz")
    ]
    terms = [t for i, j in build_graph(graph).edges() for t in bond(i, j)]
    terms.append({"scale": {"by": [-0.3, 0], "of": {"sigmax": 1}}})
    return dict(kind="local", expression={"sum": terms})
