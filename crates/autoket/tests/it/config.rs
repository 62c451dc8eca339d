//! Run files: defaults, round trips, overrides, places.

use autoket::config::{ConfigError, HamiltonianConfig, RunFile};

const FILE: &str = r#"[lattice]
kind = "grid"
extent = [3, 5]
pbc = [true, false]
[hamiltonian]
kind = "Heisenberg"
[model]
kind = "ARNNConv2D"
layers = 2
features = [6, 2]
kernel_size = [2, 3]
[sampler]
n_samples = 64
[optimizer]
kind = "Adam"
learning_rate = { kind = "cosine", init_value = 0.01, decay_steps = 50 }
[run]
steps = 5
"#;

fn parse(text: &str, overrides: &[&str]) -> Result<RunFile, Box<ConfigError>> {
    let overrides: Vec<String> = overrides.iter().map(|&line| line.into()).collect();
    RunFile::parse("run.toml", text, &overrides)
}

#[test]
fn a_resolved_file_is_a_run_file_of_the_same_run() {
    let terms = "[{sites=[0,3],matrix=[[1,0,0,0],[0,0,[0,-1],0],[0,[0,1],0,0],[0,0,0,1]]}]";
    let local = FILE.replace(
        "\"Heisenberg\"",
        &format!("\"LocalOperator\"\nterms={terms}"),
    );
    let edges = FILE
        .replace(
            "\"grid\"",
            "\"edges\"\nn_sites = 4\nedges = [[0, 1], [2, 3]]",
        )
        .replace("extent = [3, 5]\npbc = [true, false]\n", "");
    for (text, overrides) in [
        (FILE, &[] as &[&str]),
        (
            FILE,
            &[
                "sr.diag_shift=0.1",
                "run.out=some/where",
                "model.dtype=complex64",
            ],
        ),
        (
            FILE,
            &[
                "model.kernel_init={normal=0.1}",
                "model.bias_init={constant=1.0}",
                "model.activation={leaky_relu=0.2}",
            ],
        ),
        (
            FILE,
            &["lattice.max_neighbor_order=2", "hamiltonian.J=[1, 0.5]"],
        ),
        (FILE, &["hilbert.kind=qubit"]),
        (&local, &[]),
        (&edges, &[]),
    ] {
        let config = parse(text, overrides).unwrap().config;
        let resolved = config.to_toml();
        let again = parse(&resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{resolved}"));
        assert_eq!(again.config, config, "{resolved}");
    }
}

#[test]
fn defaults_are_netkets() {
    let config = parse(FILE, &[]).unwrap().config;
    assert_eq!(config.hilbert.local_size(), 2);
    assert!(config.sr.is_none());
    // Periodic over three rows: an odd ring, so no sign rule.
    let HamiltonianConfig::Heisenberg { sign_rule, .. } = config.hamiltonian else {
        panic!("it is a Heisenberg model");
    };
    assert!(!sign_rule);
    let open = parse(FILE, &["lattice.pbc=false"]).unwrap().config;
    let HamiltonianConfig::Heisenberg { sign_rule, .. } = open.hamiltonian else {
        panic!("it is a Heisenberg model");
    };
    assert!(sign_rule);
    assert!(config.to_toml().contains("b2 = 0.999"));
    assert!(config.to_toml().contains("extent = [3, 5]\nlayers = 2"));
}

#[test]
fn overrides_change_add_and_take_bare_words() {
    let overrides = [
        "run.steps = 7",
        "sr.diag_shift=0.001",
        "model.dtype=complex128",
        "lattice.extent=[4, 4]",
    ];
    let config = parse(FILE, &overrides).unwrap().config;
    assert_eq!(config.run.steps, 7);
    assert_eq!(config.lattice.n_sites(), 16);
    let resolved = config.to_toml();
    assert!(resolved.contains("diag_shift = 0.001"), "{resolved}");
    assert!(resolved.contains("dtype = \"complex128\""), "{resolved}");
}

#[test]
fn a_mistake_knows_its_field_its_line_and_its_text() {
    let error = parse(&FILE.replace("layers = 2", "layers = -2"), &[]).unwrap_err();
    assert_eq!((error.field.as_str(), error.line()), ("model.layers", 9));
    assert_eq!(&error.source.text[error.span.clone()], "-2");

    let error = parse(FILE, &["model.layers=0"]).unwrap_err();
    assert_eq!((error.source.name.as_str(), error.line()), ("--set", 1));
    assert_eq!(&error.source.text[error.span.clone()], "0");

    // An error of a constructor, which knows no lines, finds its field too.
    let file = parse(FILE, &[]).unwrap();
    let error = autoket::Error::invalid("kernel_size", "more", "less", "take more");
    assert_eq!(file.locate("model", &error).line(), 11);
    let error = autoket::Error::invalid("n_sites", "more", "less", "take more");
    assert_eq!(file.locate("lattice", &error).line(), 1);
}

#[test]
fn every_prefix_of_a_file_is_an_error_and_never_a_panic() {
    for end in 0..FILE.len() - 3 {
        if let Err(error) = parse(&FILE[..end], &[]) {
            assert!(error.line() <= 1 + FILE.lines().count());
            assert!(error.span.end <= error.source.text.len() + 1);
            assert!(!error.to_string().is_empty());
        }
    }
}
