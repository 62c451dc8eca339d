"""Operators known by their strings, and sums over graphs: cases, and how NetKet builds them.

`operators.py` writes what they are; README.md says what the keys mean.
"""

import netket as nk
import numpy as np
from netket.operator import fermion


def number(re_im):
    """A complex number, real where it can be: NetKet's dtype follows."""
    re, im = re_im
    return complex(re, im) if im else re


def build_factors(hilbert, spec, make):
    result = None
    for factor in spec["factors"]:
        weights = [number(weight) for weight in factor["weights"]]
        operator = make(hilbert, factor["terms"], weights)
        result = operator if result is None else result @ operator
    return result


def build(hilbert, graph, spec):
    match spec["kind"]:
        case "pauli_strings":
            return build_factors(hilbert, spec, nk.operator.PauliStrings)
        case "fermions":
            return build_factors(hilbert, spec, nk.operator.FermionOperator2nd)
        case "graph_operator":
            bonds = {k: spec[k] for k in ("site_ops", "bond_ops", "bond_ops_colors") if k in spec}
            bonds = {
                k: v if k == "bond_ops_colors" else [np.asarray(m) for m in v]
                for k, v in bonds.items()
            }
            return nk.operator.GraphOperator(hilbert, graph, **bonds)
        case "fermi_hubbard":
            return nk.operator.FermiHubbardJax(hilbert, graph, t=spec["t"], U=spec["U"])
        case "t_v":
            create, destroy = fermion.create, fermion.destroy
            total = 0.0
            for i, j in graph.edges():
                hop = create(hilbert, i) @ destroy(hilbert, j)
                total = total - spec["t"] * (hop + create(hilbert, j) @ destroy(hilbert, i))
                pair = fermion.number(hilbert, i) @ fermion.number(hilbert, j)
                total = total + spec["V"] * pair
            return total


def strings(kind, *factors):
    """A product of sums {text: weight}."""
    split = lambda w: [complex(w).real, complex(w).imag]
    return dict(
        kind=kind,
        factors=[dict(terms=list(f), weights=[split(w) for w in f.values()]) for f in factors],
    )


def fermions(n_orbitals, s=None, **more):
    return dict(kind="fermions", n_orbitals=n_orbitals, s=s, **more)


def pauli_cases(spin, qubit):
    half, inverted = spin(0.5, 4), spin(0.5, 4, True)
    mixed = {"XXII": 0.5, "YYII": 0.5, "IIZZ": -1.5, "ZXYI": 2.0, "IIII": 0.25, "ZIII": 1.0}
    skew = {"XYZI": 0.5 - 1j, "IZXY": 2j, "YIII": 1.0}
    long = {"XZZX": 1.0, "YZZY": 1.0, "IXXI": 0.3, "IYYI": -0.3}
    return {
        "qubit_mixed": (qubit(4), strings("pauli_strings", mixed)),
        "spin_mixed": (half, strings("pauli_strings", mixed)),
        "spin_inverted_mixed": (inverted, strings("pauli_strings", mixed)),
        "qubit_skew": (qubit(4), strings("pauli_strings", skew)),
        "spin_inverted_skew": (inverted, strings("pauli_strings", skew)),
        "qubit_long": (qubit(4), strings("pauli_strings", long)),
        "qubit_product": (qubit(4), strings("pauli_strings", mixed, skew)),
    }


def fermion_cases():
    hops = {"0^ 2": 0.5 - 0.3j, "2^ 0": 0.5 + 0.3j, "1^ 3": 1.0, "3^ 1": 1.0}
    pairs = {"0^ 1^ 3 2": 1.0, "2^ 3^ 1 0": 1.0, "0^ 0 3^ 3": 2.5, "2 2^": 1.5, "": 0.75}
    skew = {"0": 1.0, "3^": 2j, "1^ 2": 0.5, "0 1": -1.0, "1^ 0^ 2^ 3": 0.2}
    dressed = {"0^ 1 2^ 2": 1.0, "1^ 0 2 2^": 0.5, "3^ 2^ 1^ 0": 1.0, "0^ 1^ 2 3": 1.0}
    graph, colored = dict(extent=[2, 2], pbc=False), dict(extent=[3], pbc=True)
    hubbard = dict(kind="fermi_hubbard", graph=graph, t=1.3, U=4.0)
    return {
        "hops": (fermions(4), strings("fermions", hops)),
        "pairs": (fermions(4), strings("fermions", pairs)),
        "skew": (fermions(4), strings("fermions", skew)),
        "dressed": (fermions(4), strings("fermions", dressed)),
        "product": (fermions(4), strings("fermions", hops, skew)),
        "product_pairs": (fermions(4), strings("fermions", pairs, dressed)),
        "hops_3": (fermions(4, n_fermions=3), strings("fermions", hops)),
        "spin_hops": (fermions(2, 0.5), strings("fermions", hops, pairs)),
        "hubbard": (fermions(4, 0.5, n_fermions_per_spin=[2, 2]), hubbard),
        "hubbard_doped": (fermions(4, 0.5, n_fermions_per_spin=[1, 2]), hubbard),
        "t_v": (fermions(3), dict(kind="t_v", graph=colored, t=0.7, V=1.9)),
    }


def graph_cases(spin, fock):
    x, z = [[0, 1], [1, 0]], [[1, 0], [0, -1]]
    zz, yy = np.kron(z, z).tolist(), np.kron([[0, 1], [-1, 0]], [[0, -1], [1, 0]]).tolist()
    hop = np.arange(16).reshape(4, 4).tolist()
    colored = dict(extent=[2, 2], pbc=False, color_edges=True)
    chain = dict(extent=[3], pbc=False)
    sites9 = [[0, 1, 0], [1, 0, 2], [0, 2, 1]]
    make = lambda **more: dict(kind="graph_operator", **more)
    return {
        "sites_and_bonds": (spin(0.5, 3), make(graph=chain, site_ops=[x, z], bond_ops=[zz])),
        "colors": (
            spin(0.5, 4),
            make(graph=colored, site_ops=[x], bond_ops=[zz, yy, hop], bond_ops_colors=[0, 1, 0]),
        ),
        "fock": (
            fock(2, 3),
            make(graph=chain, site_ops=[sites9], bond_ops=[np.kron(sites9, sites9).tolist()]),
        ),
    }
