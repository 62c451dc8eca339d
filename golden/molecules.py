"""Integrals of small molecules, `examples/*.fcidump`, and their energies, by PySCF 2.14.0.

    python -m venv .venv && .venv/bin/pip install pyscf==2.14.0
    .venv/bin/python molecules.py
"""

from pathlib import Path

from pyscf import ao2mo, fci, gto, scf, tools

EXAMPLES = Path(__file__).parent.parent / "examples"
MOLECULES = {
    "h2_sto3g": "H 0 0 0; H 0 0 0.7414",
    "lih_sto3g": "Li 0 0 0; H 0 0 1.5949",
}

for name, atoms in MOLECULES.items():
    molecule = gto.M(atom=atoms, basis="sto-3g", verbose=0)
    field = scf.RHF(molecule).run(conv_tol=1e-13)
    path = EXAMPLES / f"{name}.fcidump"
    tools.fcidump.from_scf(field, str(path), tol=1e-12, float_format=" %.16g")
    orbitals = field.mo_coeff
    one = orbitals.T @ field.get_hcore() @ orbitals
    two = ao2mo.kernel(molecule, orbitals)
    sectors = [molecule.nelec] + ([(2, 1), (2, 0)] if name.startswith("h2") else [])
    for electrons in sectors:
        energy, _ = fci.direct_spin1.kernel(
            one, two, orbitals.shape[1], electrons, ecore=molecule.energy_nuc(), conv_tol=1e-14
        )
        print(name, electrons, repr(float(energy)))
