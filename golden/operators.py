"""Operators as matrices."""

import numpy as np

import strings
from descriptions import (
    build_hilbert,
    build_operator,
    describe_hilbert,
    fock,
    grid,
    heisenberg,
    ising,
    qubit,
    random_matrix,
    spin,
)
from writing import write_json, write_tensors


def write_operators(name, cases):
    """`cases`: name -> (hilbert spec, operator spec)."""
    described, tensors = [], {}
    for key, (hilbert_spec, spec) in cases.items():
        hilbert = build_hilbert(hilbert_spec)
        operator = build_operator(hilbert, spec)
        matrix = np.asarray(operator.to_dense())
        hermitian = bool(np.allclose(matrix, matrix.conj().T))
        entry = {
            "name": key,
            "hilbert": describe_hilbert(hilbert_spec, hilbert),
            "operator": spec,
            "dtype": str(np.dtype(operator.dtype)),
            "is_hermitian": hermitian,
            "netket_is_hermitian": bool(operator.is_hermitian),
            "max_conn_size": int(operator.max_conn_size),
        }
        if hermitian:
            entry["lowest"] = np.linalg.eigvalsh(matrix)[:3]
        described.append(entry)
        tensors[f"{key}.matrix"] = matrix
    write_json(f"operator_{name}", {"cases": described})
    write_tensors(f"operator_{name}", tensors)


def generate_operator_ising():
    cases = {}
    for inverted in (False, True):
        suffix = "_inverted" if inverted else ""
        cases |= {
            "chain4_open" + suffix: (spin(0.5, 4, inverted), ising(grid(4))),
            "chain4_pbc" + suffix: (spin(0.5, 4, inverted), ising(grid(4, pbc=True))),
            "square2x2_open" + suffix: (spin(0.5, 4, inverted), ising(grid(2, 2), 3.04438, 1.0)),
            "square2x3_open" + suffix: (spin(0.5, 6, inverted), ising(grid(2, 3), 0.9, -1.2)),
        }
    cases["square2x2_pbc"] = (spin(0.5, 4), ising(grid(2, 2, pbc=True), 1.0, 1.0))
    cases["chain2_pbc"] = (spin(0.5, 2), ising(grid(2, pbc=True), 1.0, 1.0))
    cases["square2x3_pbc"] = (spin(0.5, 6), ising(grid(2, 3, pbc=True)))
    cases["qubit3_open"] = (qubit(3), ising(grid(3)))
    cases["no_field"] = (spin(0.5, 3), ising(grid(3), 0.0, 1.0))
    write_operators("ising", cases)


def generate_operator_heisenberg():
    chain, ring, square = grid(4), grid(4, pbc=True), grid(2, 3)
    colored = grid(2, 3, color_edges=True)
    triangle = dict(edges=[[0, 1], [1, 2], [0, 2]])
    s4, s6 = spin(0.5, 4), spin(0.5, 6)
    cases = {
        "chain4_default": (s4, heisenberg(chain)),
        "chain4_sign_rule_true": (s4, heisenberg(chain, sign_rule=True)),
        "chain4_sign_rule_false": (s4, heisenberg(chain, sign_rule=False)),
        "chain4_inverted": (spin(0.5, 4, True), heisenberg(chain)),
        "ring4_default": (s4, heisenberg(ring, J=0.8)),
        "ring3_default": (spin(0.5, 3), heisenberg(grid(3, pbc=True))),
        "triangle_default": (spin(0.5, 3), heisenberg(triangle)),
        "square2x3_default": (s6, heisenberg(square, J=1.3)),
        "square2x3_color_default": (s6, heisenberg(colored, J=[1.0, 0.5])),
        "square2x3_color_sign_rule": (
            s6,
            heisenberg(colored, J=[1.0, 0.5], sign_rule=[True, False]),
        ),
        "next_nearest": (
            s6,
            heisenberg(grid(2, 3, max_neighbor_order=2), J=[1.0, 0.4]),
        ),
    }
    write_operators("heisenberg", cases)


def generate_operator_bose_hubbard():
    arguments = dict(U=1.3, V=0.4, J=0.8, mu=0.3)
    make = lambda graph, **more: dict(kind="bose_hubbard", graph=graph, **(arguments | more))
    write_operators(
        "bose_hubbard",
        {
            "chain3": (fock(2, 3), make(grid(3))),
            "ring3": (fock(2, 3), make(grid(3, pbc=True))),
            "square2x2": (fock(1, 4), make(grid(2, 2))),
            "plain": (fock(3, 2), dict(kind="bose_hubbard", graph=grid(2), U=4.0)),
        },
    )


def generate_operator_local():
    local = lambda sites, matrix: {"local": {"sites": sites, "matrix": matrix}}
    scale = lambda re, im, of: {"scale": {"by": [re, im], "of": of}}
    make = lambda expression: dict(kind="local", expression=expression)
    cases = {}
    for label, space in (
        ("spin1_2", spin(0.5, 1)),
        ("spin1_2_inverted", spin(0.5, 1, True)),
        ("spin1", spin(1, 1)),
        ("spin1_inverted", spin(1, 1, True)),
        ("spin3_2", spin(1.5, 1)),
        ("qubit", qubit(1)),
    ):
        for name in ("sigmax", "sigmay", "sigmaz", "sigmap", "sigmam"):
            cases[f"{label}_{name}"] = (space, make({name: 0}))
    for name in ("create", "destroy", "number"):
        cases[f"fock3_{name}"] = (fock(3, 1), make({name: 0}))
    two9 = local([0, 1], random_matrix(11, 9, hermitian=False))
    two9b = local([1, 2], random_matrix(12, 9, hermitian=False))
    skewed = local([2, 0], random_matrix(13, 9, hermitian=False))
    one3 = local([2], random_matrix(14, 3))
    three27 = local([0, 1, 2], random_matrix(15, 27, real=True))
    for label, space in (("spin1", spin(1, 3)), ("fock2", fock(2, 3))):
        cases |= {
            f"{label}_two_site": (space, make(two9)),
            f"{label}_reversed_sites": (space, make(skewed)),
            f"{label}_three_site": (space, make(three27)),
            f"{label}_sum": (space, make({"sum": [two9, two9b, one3]})),
            f"{label}_difference": (space, make({"difference": [two9, skewed]})),
            f"{label}_scaled": (space, make(scale(0.5, -1.5, two9b))),
            f"{label}_constant": (space, make({"sum": [one3, {"constant": 2.5}]})),
            f"{label}_product": (space, make({"product": [two9, two9b]})),
            f"{label}_product_reversed": (space, make({"product": [two9b, two9]})),
            f"{label}_product_same_site": (space, make({"product": [one3, skewed]})),
            f"{label}_adjoint": (space, make({"adjoint": two9})),
            f"{label}_conjugate": (space, make({"conjugate": two9})),
            f"{label}_transpose": (space, make({"transpose": two9})),
            f"{label}_hermitian": (
                space,
                make({"sum": [two9, {"adjoint": two9}, scale(0.3, 0, three27)]}),
            ),
        }
    for label in ("difference", "scaled", "constant", "conjugate", "transpose", "three_site"):
        del cases[f"fock2_{label}"]  # nothing new over spin 1
    half, half_inverted = spin(0.5, 3), spin(0.5, 3, True)
    pauli = {
        "sum": [
            {"product": [{"sigmax": 0}, {"sigmay": 1}]},
            scale(0.5, 0, {"product": [{"sigmaz": 1}, {"sigmaz": 2}]}),
            scale(0, 1.0, {"sigmap": 0}),
            {"product": [{"sigmap": 1}, {"sigmam": 2}]},
            {"constant": -0.75},
        ]
    }
    cases["spin1_2_pauli"] = (half, make(pauli))
    cases["spin1_2_pauli_inverted"] = (half_inverted, make(pauli))
    cases["spin1_2_reversed_sites"] = (
        half,
        make(local([2, 0, 1], random_matrix(16, 8, hermitian=False))),
    )
    hopping = {"product": [{"create": 0}, {"destroy": 2}]}
    cases["fock2_hopping"] = (
        fock(2, 3),
        make({"sum": [hopping, {"adjoint": hopping}, {"number": 1}]}),
    )
    write_operators("local", cases)


def generate_operator_strings():
    write_operators("pauli", strings.pauli_cases(spin, qubit))
    write_operators("fermion", strings.fermion_cases())
    write_operators("graph", strings.graph_cases(spin, fock))
