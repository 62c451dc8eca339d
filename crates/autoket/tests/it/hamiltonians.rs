//! Run files: every Hamiltonian, and what is told of mistakes in one.

use autoket::c64;
use autoket::config::{ConfigError, RunFile};
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::operator::{PauliStrings, to_dense};

use crate::config::parse;

/// A run of some Hamiltonian on three sites.
fn hamiltonian(space: &str, table: &str) -> Result<RunFile, Box<ConfigError>> {
    let text = format!(
        "lattice = {{ kind = 'chain', extent = [3], pbc = false }}\n\
         model = {{ kind = 'ARNNDense', layers = 1, features = 2 }}\n\
         sampler = {{ n_samples = 64 }}\n\
         optimizer = {{ kind = 'Sgd', learning_rate = 0.1 }}\n\
         run = {{ steps = 5 }}\n\
         hilbert = {{ {space} }}\n\
         [hamiltonian]\n{table}\n"
    );
    parse(&text, &[])
}

const SPINS: &str = "kind = 'spin'";
const BOSONS: &str = "kind = 'fock', n_max = 2, n_particles = 3";
const FERMIONS: &str = "kind = 'fermions'";
const ELECTRONS: &str = "kind = 'fermions', s = 0.5, n_fermions_per_spin = [1, 2]";

#[test]
fn every_kind_of_hamiltonian_is_built_and_resolved() {
    let graph = "kind = 'GraphOperator'\nsite_ops = [[[0, [0, 1]], [[0, -1], 1]]]\nbond_ops = \
                 [[[1, 0, 0, 0], [0, 0, 2, 0], [0, 2, 0, 0], [0, 0, 0, 1]]]\nbond_ops_colors = [0]";
    let texts = "kind = 'PauliStrings'\nterms = ['X0 X1', '-0.5*Y0 Y2', '2*I']";
    for (space, table) in [
        (SPINS, "kind = 'Ising'\nh = 1"),
        (SPINS, "kind = 'Heisenberg'\nJ = [1.5]\nsign_rule = [true]"),
        (SPINS, "kind = 'XYZ'\nJ = [1, 2, 3]\nh = [0, 0, 0.5]"),
        (SPINS, "kind = 'PauliStrings'\nterms = 'X0 X1 + Z2'"),
        ("kind = 'qubit'", texts),
        (SPINS, graph),
        (BOSONS, "kind = 'BoseHubbard'\nU = 4\nV = 0.5\nmu = 0.1"),
        (ELECTRONS, "kind = 'FermiHubbard'\nU = 4"),
        (FERMIONS, "kind = 'tV'\nV = 2\nt = 0.5"),
        (
            FERMIONS,
            "kind = 'FermionOperator'\nterms = \"\"\"\n0.5*0^ 1\n + 0.5*1^ 0\"\"\"",
        ),
    ] {
        let config = hamiltonian(space, table)
            .unwrap_or_else(|error| panic!("{table}: {error}"))
            .config;
        let resolved = config.to_toml();
        let again = parse(&resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{resolved}"));
        assert_eq!(again.config, config, "{resolved}");
    }
    let config = hamiltonian(SPINS, texts).unwrap().config;
    let (hilbert, graph) = (
        Hilbert::spin(0.5, 3).unwrap(),
        Graph::chain(3, false).unwrap(),
    );
    let built = config.hamiltonian.operator(&hilbert, &graph).unwrap();
    let sum = PauliStrings::parse(&hilbert, "X0 X1 - 0.5*Y0 Y2 + 2*I").unwrap();
    assert_eq!(to_dense(&*built).unwrap(), to_dense(&sum).unwrap());
    assert_eq!(built.mean_diagonal(), Some(c64::from(2.0)));
}

#[test]
fn a_mistake_in_a_hamiltonian_is_shown_where_it_is() {
    let pauli = "kind = 'PauliStrings'";
    let fermions = "kind = 'FermionOperator'";
    let graph = "kind = 'GraphOperator'";
    for (space, kind, fields, marked, says) in [
        (
            SPINS,
            pauli,
            "terms = 'X0 Q1'",
            "Q1",
            "X, Y or Z and a site",
        ),
        (
            SPINS,
            pauli,
            "terms = ['X0', '''\n0.5*Z0 Z1\n  + 2.5 X1''']",
            "2.5",
            "write `0.5*`",
        ),
        (SPINS, pauli, "terms = ['X0', \"Z0 Z7\"]", "Z7", "0 to 2"),
        (
            SPINS,
            pauli,
            "terms = 'X0 + 1j*Z1'",
            "'X0 + 1j*Z1'",
            "Hermitian",
        ),
        (SPINS, pauli, "terms = []", "[]", "a sum"),
        (SPINS, pauli, "terms = [3]", "3", "a string"),
        (SPINS, pauli, "", "[hamiltonian]", "is missing"),
        (BOSONS, pauli, "terms = 'X0'", "'PauliStrings'", "3 states"),
        (
            FERMIONS,
            fermions,
            "terms = '0^ 3'",
            "3",
            "sites from 0 to 2",
        ),
        (
            ELECTRONS,
            fermions,
            "terms = '0^ 5 + 5^ 0'",
            "[hamiltonian]",
            "leads out of it",
        ),
        (
            SPINS,
            fermions,
            "terms = '0^ 1 + 1^ 0'",
            "'FermionOperator'",
            "hilbert.kind",
        ),
        (
            FERMIONS,
            "kind = 'FermiHubbard'",
            "U = 4",
            "[hamiltonian]",
            "half of the 3 sites",
        ),
        (
            SPINS,
            "kind = 'XYZ'",
            "J = [1, 2]",
            "[1, 2]",
            "three numbers",
        ),
        (
            SPINS,
            "kind = 'Heisenberg'",
            "J = 1\nsign_rule = [true, true]",
            "[true, true]",
            "1 couplings",
        ),
        (
            SPINS,
            graph,
            "site_ops = [[[1]]]",
            "[[1]]",
            "2 rows of 2 numbers",
        ),
        (
            SPINS,
            graph,
            "site_ops = [[[0, 1], [0, 0]]]\nbond_ops = []",
            "[]",
            "Hermitian",
        ),
        (
            SPINS,
            graph,
            "",
            "[hamiltonian]",
            "a matrix for sites or bonds",
        ),
        (
            SPINS,
            graph,
            "site_ops = [[[0, 1], [1, 0]]]\nbond_ops_colors = [0]",
            "[0]",
            "0 colours",
        ),
        (
            ELECTRONS,
            "kind = 'FCIDUMP'",
            "file = 'none.fcidump'",
            "'none.fcidump'",
            "none.fcidump",
        ),
    ] {
        let error = hamiltonian(space, &format!("{kind}\n{fields}")).expect_err(fields);
        let told = format!("{error}; {}", error.label);
        assert!(told.contains(says), "{fields}: {told}");
        let text = &error.source.text[error.span.clone()];
        assert_eq!(text, marked, "{fields}: {told}");
    }
}

/// A file of integrals is looked for beside the run file, and found again from elsewhere.
#[test]
fn integrals_lie_beside_the_run_file() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let name = format!("{examples}/h2.toml");
    let text = std::fs::read_to_string(&name).unwrap();
    let config = RunFile::parse(&name, &text, &[]).unwrap().config;
    let again = parse(&config.to_toml(), &[]).unwrap().config;
    assert_eq!(again, config);
    let few = RunFile::parse(&name, &text, &["lattice.extent=[3]".into()]).unwrap_err();
    assert!(
        few.to_string().contains("set `lattice.extent = [2]`"),
        "{few}"
    );
    assert_eq!(few.field, "hamiltonian.file");
}
