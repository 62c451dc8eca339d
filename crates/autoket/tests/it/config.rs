//! Run files: defaults, round trips, overrides, places.

use std::sync::Arc;

use autoket::c64;
use autoket::config::{ConfigError, HamiltonianConfig, PerColor, RunFile};
use autoket::graph::{Graph, order};
use autoket::hilbert::Hilbert;
use autoket::models::{
    Ansatz, Arnn, ArnnDense, Autoregressive, GruNet1d, LstmNet, Recurrence, TensorGru2d,
};
use autoket::nn::Initializer;
use autoket::observables::Measurement;
use autoket::operator::Operator;
use autoket::random::Key;

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

pub fn parse(text: &str, overrides: &[&str]) -> Result<RunFile, Box<ConfigError>> {
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

/// `[lattice]` tables of all kinds but the grids above, with their sites and edges.
const LATTICES: &[(&str, usize, usize)] = &[
    ("kind='triangular'\nextent=[3, 4]", 12, 36),
    ("kind='triangular'\nextent=[4]\npbc=[true, false]", 16, 40),
    (
        "kind='honeycomb'\nextent=[3, 2]\npbc=false\ncolor_edges=true",
        12,
        13,
    ),
    ("kind='kagome'\nextent=[2, 3]", 18, 36),
    ("kind='cubic'\nextent=[3]", 27, 81),
    ("kind='bcc'\nextent=[3]", 27, 108),
    ("kind='fcc'\nextent=[3, 3, 3]", 27, 162),
    ("kind='diamond'\nextent=[3]", 54, 108),
    ("kind='pyrochlore'\nextent=[3]\npbc=true", 108, 324),
    (
        "kind='lattice'\nbasis_vectors=[[1.0]]\nsite_offsets=[[0], [0.5]]\nextent=[4]",
        8,
        8,
    ),
    (
        "kind='lattice'\nbasis_vectors=[[1, 0], [0, 2]]\nextent=[4, 4]\npbc=false",
        16,
        12,
    ),
];

#[test]
fn every_kind_of_lattice_is_built_and_resolved() {
    for (lattice, sites, edges) in LATTICES {
        let square = "kind = \"grid\"\nextent = [3, 5]\npbc = [true, false]";
        assert!(FILE.contains(square));
        let dense = with_model("kind='ARNNDense'\nlayers=1\nfeatures=[2]");
        let text = dense
            .replace(square, lattice)
            .replace("\"Heisenberg\"", "\"Ising\"\nh = 1.0");
        let config = parse(&text, &[])
            .unwrap_or_else(|error| panic!("{error}"))
            .config;
        assert_eq!(config.lattice.n_sites(), *sites, "{lattice}");
        let graph = config.lattice.graph().unwrap();
        assert_eq!(
            (graph.n_nodes(), graph.edges().len()),
            (*sites, *edges),
            "{lattice}"
        );
        let resolved = config.to_toml();
        let again = parse(&resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{resolved}"));
        assert_eq!(again.config, config, "{resolved}");
    }
}

#[test]
fn observables_are_named_and_must_fit_the_lattice() {
    let add = |table: &str| format!("{FILE}[observables]\n{table}\n");
    let text = add("measure = [\"correlations\", \"total_spin\"]");
    let config = parse(&text, &[]).unwrap().config;
    assert_eq!(config.observables.as_ref().unwrap().every, 10);
    assert_eq!(parse(&config.to_toml(), &[]).unwrap().config, config);
    let line = text.lines().count();
    for (table, label) in [
        ("measure = [\"correlation\"]", "one of correlations"),
        ("measure = [\"staggered_magnetization\"]", "bipartite"),
        ("every = 0", "missing"),
    ] {
        let error = parse(&add(table), &[]).unwrap_err();
        assert!(error.label.contains(label), "{error} {}", error.label);
        assert!(error.line() == line || error.line() == line - 1, "{error}");
    }
}

#[test]
fn operators_of_one_s_own_are_observables() {
    let add = |table: &str| format!("{FILE}[observables]\n{table}\n");
    let text = add("every = 3\n[observables.operators]\nzz = \"Z0 Z1\"\nx = [\"X0\", \"0.5*X1\"]");
    let config = parse(&text, &[]).unwrap().config;
    let named = config.observables.as_ref().unwrap();
    assert_eq!((named.measure.len(), named.every), (0, 3));
    assert_eq!(named.operators["x"], ["X0", "0.5*X1"]);
    assert_eq!(parse(&config.to_toml(), &[]).unwrap().config, config);

    // The uniform state: ⟨X⟩ = 1, ⟨ZZ⟩ = 0; ψ = 2^(-N/2) for all states is a model without weights.
    let graph = config.lattice.graph().unwrap();
    let hilbert = config.hilbert.hilbert(graph.n_nodes()).unwrap();
    let observables = named.observables(&hilbert, &graph, false).unwrap();
    let zeros = ArnnDense {
        kernel_init: Initializer::Zeros,
        ..ArnnDense::new(hilbert.clone(), 1, 1)
    };
    let model = zeros.build::<f64>().unwrap();
    let theta = vec![0.0; model.layout().n_parameters()];
    let mut measurement = Measurement::new(observables);
    let states = hilbert.random_states(Key::new(0), 512);
    measurement.fold(&model, &theta, &states).unwrap();
    let [x, zz] = &measurement.results()[..] else {
        panic!("two observables");
    };
    assert_eq!((x.observable.as_str(), zz.observable.as_str()), ("x", "zz"));
    assert!((x.entries[0].mean - 1.5).abs() < 1e-12);
    let expected = states.chunks_exact(hilbert.n_sites()).map(|sigma| {
        let [a, b] = [sigma[0], sigma[1]];
        if a == b { 1.0 } else { -1.0 }
    });
    let expected = expected.sum::<f64>() / 512.0;
    assert!((zz.entries[0].mean - expected).abs() < 1e-12);

    let refused = |table: &str, more: &[&str], label: &str| {
        let error = parse(&add(table), more).unwrap_err();
        let said = format!("{error} {} {}", error.label, error.help);
        assert!(said.contains(label), "{said}");
    };
    refused("operators = { zz = \"Z0 Q1\" }", &[], "X, Y or Z");
    refused("operators = { zz = \"Z0 Z99\" }", &[], "99");
    refused("operators = { zz = [] }", &[], "a sum");
    refused("operators = { energy = \"Z0\" }", &[], "a name of its own");
    refused(
        "operators = { magnetization = \"Z0\" }",
        &[],
        "a name of its own",
    );
    refused("operators = 3", &[], "expected a table");
    refused("operators = {}", &[], "measure");
    let constrained = &["hilbert.parity=\"even\""];
    refused("operators = { x = \"X0\" }", constrained, "leads out of it");
}

#[test]
fn fermions_have_observables_of_their_own_text() {
    let text = "
        lattice = { kind = \"rectangular\", extent = [2, 3], pbc = false }
        hilbert = { kind = \"fermions\", n_fermions = 2 }
        hamiltonian = { kind = \"tV\", V = 1.0 }
        model = { kind = \"ARNNDense\", layers = 1, features = 2 }
        sampler = { n_samples = 16 }
        optimizer = { kind = \"Sgd\", learning_rate = 0.05 }
        run = { steps = 1 }
        [observables.operators]
        hop = \"0^ 1 + 1^ 0\"";
    let config = parse(text, &[]).unwrap().config;
    assert_eq!(config.lattice.rows_and_columns(), Some([2, 3]));
    // One name is written.
    assert!(config.to_toml().contains("kind = \"square\""));
    let error = parse(&text.replace("0^ 1 + 1^ 0", "X0"), &[]).unwrap_err();
    assert_eq!(error.line(), 10, "{error}");
    let leaves = parse(&text.replace("0^ 1 + 1^ 0", "0^"), &[]).unwrap_err();
    assert!(leaves.to_string().contains("leads out of it"), "{leaves}");
}

/// `[model]` tables of all kinds, on 3x5 sites.
const MODELS: &[&str] = &[
    "kind='ARNNDense'\nlayers=2\nfeatures=3\norder='diagonal'",
    "kind='FastARNNDense'\nlayers=1\nfeatures=[2]\nuse_bias=false",
    "kind='ARNNConv1D'\nlayers=2\nfeatures=3\nkernel_size=3\nkernel_dilation=2",
    "kind='FastARNNConv1D'\nlayers=2\nfeatures=3\nkernel_size=3\nactivation={elu=0.5}\norder='snake'",
    "kind='ARNNConv2D'\nlayers=2\nfeatures=3\nkernel_size=[2, 3]\norder='spiral'\nphase=true\ndtype='complex64'",
    "kind='FastARNNConv2D'\nlayers=2\nfeatures=3\nkernel_size=[2, 3]\norder='raster'\nextent=[5, 3]",
    "kind='LSTMNet'\nlayers=2\nfeatures=3\nrecurrence='graph'",
    "kind='LSTMNet'\nlayers=2\nfeatures=3\norder='snake'\nphase=true\ndtype='complex128'",
    "kind='FastLSTMNet'\nlayers=2\nfeatures=[3, 2]\norder=[0, 1, 2, 5, 4, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14]",
    "kind='GRUNet1D'\nlayers=2\nfeatures=3\nreorder_idx=[1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]\n\
     prev_neighbors=[[1], [-1], [0], [2], [3], [4], [5], [6], [7], [8], [9], [10], [11], [12], [13]]",
    "kind='FastGRUNet1D'\nlayers=2\nfeatures=3\nkernel_init='lecun_normal'",
    "kind='ARNNGatedConv2D'\nlayers=2\nfeatures=3\nkernel_size=[2, 3]\norder='snake'",
    "kind='TensorGRU2D'\nfeatures=3\nphase=true\ndtype='complex128'",
    "kind='TensorGRU2D'\nfeatures=3\norder='spiral'",
    "kind='TensorGRU2D'\nfeatures=3\norder=[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]",
];

/// [`FILE`] with another model.
fn with_model(model: &str) -> String {
    let table = "kind = \"ARNNConv2D\"\nlayers = 2\nfeatures = [6, 2]\nkernel_size = [2, 3]";
    assert!(FILE.contains(table));
    FILE.replace(table, model)
}

#[test]
fn every_kind_of_model_is_built_and_resolved() {
    for model in MODELS {
        let config = parse(&with_model(model), &[])
            .unwrap_or_else(|error| panic!("{model}: {error}"))
            .config;
        let resolved = config.to_toml();
        assert!(!resolved.contains("Fast"), "{resolved}");
        let again = parse(&resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{resolved}"));
        assert_eq!(again.config, config, "{resolved}");
        let design = |config: &autoket::config::RunConfig| {
            let hilbert = Hilbert::spin(0.5, 15).unwrap();
            let design = config.model.design(hilbert, &config.lattice).unwrap();
            design.build::<c64>().unwrap()
        };
        let (model, same) = (design(&config), design(&again.config));
        assert_eq!(model.order(), same.order());
        let values = |model: &Arnn<c64>| model.init(Key::new(1)).values;
        assert_eq!(values(&model), values(&same));
    }
}

#[test]
fn symmetries_of_a_model() {
    let of = |list: &str| {
        with_model(&format!(
            "kind='ARNNDense'\nlayers=1\nfeatures=2\nsymmetries={list}"
        ))
    };
    let graph = parse(FILE, &[]).unwrap().config.lattice.graph().unwrap();
    let groups = [
        graph.translations(),
        graph.point_group(),
        graph.space_group(),
    ];
    let [translations, point_group, space_group] = groups.map(|group| group.unwrap().len());
    // Three rows, periodic; five columns, open.
    assert_eq!([translations, point_group, space_group], [3, 4, 12]);
    for (list, order) in [
        ("['translations']", Some(3)),
        ("['point_group']", Some(4)),
        ("['spin_flip']", Some(2)),
        ("['spin_flip', 'translations', 'point_group']", Some(24)),
        ("[]", None),
    ] {
        let config = parse(&of(list), &[]).unwrap().config;
        let again = parse(&config.to_toml(), &[]).unwrap().config;
        assert_eq!(again, config);
        let hilbert = config.hilbert.hilbert(15).unwrap();
        let h: Arc<dyn Operator> = config
            .hamiltonian
            .operator(&hilbert, &graph)
            .unwrap()
            .into();
        let symmetries = config.parts(h).unwrap().symmetries;
        assert_eq!(
            symmetries.map(|symmetries| symmetries.order()),
            order,
            "{list}"
        );
    }
    for (text, says) in [
        (of("['rotations']"), "translations, point_group, spin_flip"),
        (of("'spin_flip'"), "a list"),
        (
            of("['spin_flip']").replace("[model]", "[hilbert]\ntotal_sz=0.5\n[model]"),
            "the constraint breaks",
        ),
        (
            of("['translations', 'spin_flip']").replace("[true, false]", "[false, false]"),
            "of which it has none",
        ),
        // No isometry without a lattice.
        (
            of("['translations']").replace(
                "kind = \"grid\"\nextent = [3, 5]\npbc = [true, false]",
                "kind = \"edges\"\nn_sites = 15\nedges = [[0, 1]]",
            ),
            "lattice",
        ),
    ] {
        let error = parse(&text, &[]).expect_err(says);
        assert_eq!(error.field, "model.symmetries", "{error}");
        assert!(error.to_string().contains(says), "{error}");
        let at = text.lines().nth(error.line() - 1).unwrap();
        assert!(at.starts_with("symmetries"), "{error}: {at}");
    }
    let field = "kind = \"XYZ\"\nJ = [1.0, 1.0, 1.0]\nh = [0.0, 0.0, 0.5]";
    let text = of("['spin_flip']").replace("kind = \"Heisenberg\"", field);
    let error = parse(&text, &[]).unwrap_err();
    assert!(error.to_string().contains("changes it"), "{error}");
}

/// A field's default is the library's, so a run is the model that the library builds.
#[test]
fn a_table_is_the_librarys_model() {
    let hilbert = || Hilbert::spin(0.5, 15).unwrap();
    let graph = Graph::grid(&[3, 5], &[true, false]).unwrap();
    let lstm = LstmNet {
        recurrence: Some(Recurrence::over(&graph).unwrap()),
        ..LstmNet::new(hilbert(), 2, 3)
    };
    let models: [(&str, Arnn<f64>); 5] = [
        (
            "kind='LSTMNet'\nlayers=2\nfeatures=3\nrecurrence='graph'",
            lstm.build().unwrap(),
        ),
        (
            "kind='GRUNet1D'\nlayers=2\nfeatures=3",
            GruNet1d::new(hilbert(), 2, 3).build().unwrap(),
        ),
        (
            "kind='TensorGRU2D'\nfeatures=3",
            TensorGru2d::new(hilbert(), [3, 5], 3).build().unwrap(),
        ),
        (
            "kind='TensorGRU2D'\nfeatures=3\norder='diagonal'",
            TensorGru2d {
                order: Some(order::diagonal([3, 5])),
                ..TensorGru2d::new(hilbert(), [3, 5], 3)
            }
            .build()
            .unwrap(),
        ),
        (
            "kind='ARNNDense'\nlayers=2\nfeatures=3",
            ArnnDense::new(hilbert(), 2, 3).build().unwrap(),
        ),
    ];
    for (table, model) in models {
        let config = parse(&with_model(table), &[]).unwrap().config;
        let design = config.model.design(hilbert(), &config.lattice).unwrap();
        let read = design.build::<f64>().unwrap();
        let theta = model.init(Key::new(1)).values;
        assert_eq!(theta, read.init(Key::new(1)).values, "{table}");
        let sigma = model.sample(&theta, 3, Key::new(2)).unwrap().sigma;
        assert_eq!(
            model.log_psi(&theta, &sigma).unwrap(),
            read.log_psi(&theta, &sigma).unwrap()
        );
    }
}

#[test]
fn a_model_that_cannot_be_is_refused_at_its_line() {
    let sites: Vec<String> = (0..14).map(|site| site.to_string()).collect();
    let order = format!("order = [{}, 3]", sites.join(", "));
    let lists = "prev_neighbors = [[-1], [0], [1], [2], [3], [4], [5], [6], [7], [8], [9], [10], [11], [12], [13]]";
    let dense = "kind = 'ARNNDense'\nlayers = 2\nfeatures = 3\n";
    let lstm = "kind = 'LSTMNet'\nlayers = 2\nfeatures = 3\n";
    let gru = "kind = 'GRUNet1D'\nlayers = 2\nfeatures = 3\n";
    let conv = "kind = 'ARNNConv1D'\nlayers = 2\nfeatures = 3\n";
    let gated = "kind = 'ARNNGatedConv2D'\nlayers = 2\nfeatures = 3\n";
    for (kind, line, field, says) in [
        (
            dense,
            order.as_str(),
            "order",
            "each of the sites 0 to 14 once",
        ),
        (dense, "order = 'snail'", "order", "snake"),
        (dense, "order = [0, 1]", "order", "0 to 14"),
        (dense, "phase = true", "phase", "complex128"),
        (dense, "dtype = 'float65'", "dtype", "float64"),
        (
            dense,
            "kernel_size = [2, 3]",
            "kernel_size",
            "kind = \"ARNNDense\" are kind, layers, features, activation",
        ),
        (conv, "kernel_size = [2, 3]", "kernel_size", "an integer"),
        (conv, "kernel_size = 1", "kernel_size", "at least 2"),
        (conv, "kernel_size = 0", "kernel_size", "a positive integer"),
        (gated, "kernel_size = [2, 2]", "kernel_size", "odd width"),
        (gated, "kernel_size = 3", "kernel_size", "two numbers"),
        (
            lstm,
            "activation = 'tanh'",
            "activation",
            "recurrence, order, reorder_idx",
        ),
        (lstm, "recurrence = 'grph'", "recurrence", "chain, graph"),
        (
            lstm,
            order.as_str(),
            "order",
            "each of the sites 0 to 14 once",
        ),
        (lstm, "order = [0, 2, 1]", "order", "15 sites"),
        (lstm, "order = [0, 99]", "order", "each of the sites"),
        (lstm, lists, "reorder_idx", "missing"),
        (lstm, "reorder_idx = [0, 1]", "prev_neighbors", "missing"),
        (
            lstm,
            "prev_neighbors = [[-2]]\nreorder_idx = [0]",
            "prev_neighbors",
            "-1 for none",
        ),
        (
            lstm,
            "prev_neighbors = [[14], [0], [1], [2], [3], [4], [5], [6], [7], [8], [9], [10], [11], [12], [13]]\n\
             reorder_idx = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]",
            "prev_neighbors",
            "drawn before site 0",
        ),
        (
            lstm,
            "prev_neighbors = [[-1]]\nreorder_idx = [0]",
            "reorder_idx",
            "15 sites",
        ),
        (
            lstm,
            "recurrence = 'graph'\norder = 'snake'",
            "order",
            "order of its own",
        ),
        (
            gru,
            "recurrence = 'graph'",
            "recurrence",
            "one previous neighbour",
        ),
    ] {
        let text = with_model(&format!("{kind}{line}"));
        let error = parse(&text, &[]).expect_err(line);
        assert_eq!(error.field, format!("model.{field}"), "{line}: {error}");
        let told = format!("{error}; {}", error.label);
        assert!(told.contains(says), "{line}: {told}");
        if !told.contains("missing") {
            let at = text.lines().nth(error.line() - 1).unwrap();
            assert!(at.starts_with(field), "{line}: {told}");
        }
    }

    // Names of orders want rows and columns, and a graph wants edges.
    let edges = "kind = \"edges\"\nn_sites = 15\nedges = [[0, 1]]";
    let on_edges = |model: &str| {
        let lattice = "kind = \"grid\"\nextent = [3, 5]\npbc = [true, false]";
        with_model(model).replace(lattice, edges)
    };
    for (model, field, says) in [
        (
            format!("{lstm}recurrence = 'graph'"),
            "recurrence",
            "connected",
        ),
        (format!("{dense}order = 'snake'"), "order", "list all sites"),
        (
            "kind = 'TensorGRU2D'\nfeatures = 3".to_owned(),
            "extent",
            "missing",
        ),
    ] {
        let text = on_edges(&model);
        let error = parse(&text, &[]).expect_err(&model);
        assert_eq!(error.field, format!("model.{field}"), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        if says != "missing" {
            let at = text.lines().nth(error.line() - 1).unwrap();
            assert!(at.starts_with(field), "{error}: {at}");
        }
    }
}

#[test]
fn defaults_are_netkets() {
    let config = parse(FILE, &[]).unwrap().config;
    assert_eq!(config.hilbert.local_size(), 2);
    assert!(config.sr.is_none());
    // Periodic over three rows: an odd ring, so no sign rule.
    let HamiltonianConfig::Heisenberg { sign_rule, .. } = &config.hamiltonian else {
        panic!("it is a Heisenberg model");
    };
    assert_eq!(*sign_rule, PerColor::One(false));
    let open = parse(FILE, &["lattice.pbc=false"]).unwrap().config;
    let HamiltonianConfig::Heisenberg { sign_rule, .. } = &open.hamiltonian else {
        panic!("it is a Heisenberg model");
    };
    assert_eq!(*sign_rule, PerColor::One(true));
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

#[test]
fn constrained_spaces_are_read_and_checked() {
    let space = |lines: &str, overrides: &[&str]| {
        let file = parse(
            &FILE.replace(
                "[hamiltonian]",
                &format!("[hilbert]\n{lines}\n[hamiltonian]"),
            ),
            overrides,
        )?;
        let again = parse(&file.config.to_toml(), &[])?;
        assert_eq!(again.config, file.config);
        Ok::<_, Box<ConfigError>>(file.config.hilbert.hilbert(15).unwrap())
    };
    let spins = Hilbert::spin(0.5, 15).unwrap();
    let sector = space("total_sz = 0.5", &[]).unwrap();
    assert_eq!(sector, spins.clone().with_total_sz(0.5).unwrap());
    let even = space(
        "parity = \"even\"",
        &["hamiltonian.kind=Ising", "hamiltonian.h=0.0"],
    )
    .unwrap();
    assert_eq!(even.n_states(), Some(1 << 14));
    for (lines, line, part) in [
        ("total_sz = 0", 6, "half-integer"),
        ("total_sz = 8.5", 6, "from -7.5 to 7.5"),
        ("n_particles = 3", 6, "n_particles"),
        ("kind = \"qubit\"\nn_particles = 16", 7, "at most 15"),
        (
            "kind = \"fermions\"\nn_fermions = 2\nn_fermions_per_spin = [1, 1]",
            7,
            "either",
        ),
        (
            "kind = \"fermions\"\ns = 0.5\nn_fermions_per_spin = [1, 1, 1]",
            8,
            "2 numbers",
        ),
        ("parity = \"both\"", 6, "parity"),
    ] {
        let error = space(lines, &[]).unwrap_err();
        assert_eq!(error.line(), line, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    // A field leaves the sector: the table of the Hamiltonian is to blame.
    let error = space(
        "total_sz = 0.5",
        &["hamiltonian.kind=Ising", "hamiltonian.h=1.0"],
    )
    .unwrap_err();
    assert!(error.to_string().contains("leads out of it"), "{error}");
}
