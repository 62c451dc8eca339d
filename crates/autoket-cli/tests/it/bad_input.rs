//! Mistakes of the user: each is refused before anything is written, at its line, with a cure.

use super::{SMALL, folder, json, output, stderr, write};

/// Runs [`SMALL`] with a change to its text; expects a refusal that shows every part.
fn refused(from: &str, to: &str, parts: &[&str]) {
    assert!(SMALL.contains(from), "{from}");
    let folder = folder();
    write(folder.path(), "bad.toml", &SMALL.replacen(from, to, 1));
    let ran = output(folder.path(), &["run", "bad.toml"]);
    let shown = stderr(&ran);
    assert_eq!(ran.status.code(), Some(2), "{to}: {shown}");
    for part in parts {
        assert!(shown.contains(part), "{to}: expected {part:?} in\n{shown}");
    }
    assert!(!shown.contains("panicked"), "{shown}");
    assert!(
        !folder.path().join("runs").exists(),
        "{to}: something was written"
    );
}

#[test]
fn not_toml() {
    refused("[lattice]", "[lattice", &["bad.toml:1:", "not TOML"]);
    refused("h = 3.0", "h = ", &["bad.toml:8:", "not TOML"]);
    refused("h = 3.0", "h = 3.0\nh = 4.0", &["bad.toml:9:", "not TOML"]);
}

#[test]
fn unknown_fields_and_names() {
    refused(
        "layers = 2",
        "layer = 2",
        &["bad.toml:12:1", "`model.layer`", "did you mean `layers`?"],
    );
    refused(
        "[sampler]",
        "[samplers]",
        &["bad.toml:16:2", "did you mean `sampler`?"],
    );
    refused(
        "\"Ising\"",
        "\"ising\"",
        &["bad.toml:7:", "did you mean `Ising`?"],
    );
    refused(
        "\"square\"",
        "\"sqare\"",
        &["bad.toml:2:", "did you mean `square`?"],
    );
    refused(
        "seed = 3",
        "n_samples = 3",
        &["bad.toml:28:1", "belongs to the table [sampler]"],
    );
    for field in ["momentum = 0.5", "form = \"gram\""] {
        refused("seed = 3", field, &["belongs to the table [sr]"]);
    }
    refused(
        "[hamiltonian]",
        "[hilbert]\ns = 1\n[hamiltonian]",
        &["`hamiltonian.kind`", "set `hilbert.s = 0.5`"],
    );
    refused(
        "h = 3.0",
        "h = 3.0\nsign_rule = true",
        &["bad.toml:9:1", "`hamiltonian.sign_rule`"],
    );
    let activation = "features = 4\nactivation = \"sellu\"";
    refused(
        "features = 4",
        activation,
        &["bad.toml:14:", "did you mean `selu`?"],
    );
    let dtype = "features = 4\ndtype = \"float16\"";
    refused("features = 4", dtype, &["bad.toml:14:", "complex128"]);
}

#[test]
fn missing_and_mistyped() {
    refused("h = 3.0\n", "", &["`hamiltonian.h` is missing", "h = 3.0"]);
    refused(
        "[run]\nsteps = 10\nseed = 3\nfinal_samples = 1024",
        "",
        &["[run] is missing"],
    );
    refused(
        "steps = 10",
        "steps = \"10\"",
        &["bad.toml:27:9", "an integer", "\"10\""],
    );
    refused(
        "steps = 10",
        "steps = 1.5",
        &["bad.toml:27:9", "an integer"],
    );
    refused("pbc = false", "pbc = 0", &["bad.toml:4:7", "true or false"]);
    refused("h = 3.0", "h = nan", &["bad.toml:8:5", "a finite number"]);
    refused(
        "extent = [3, 3]",
        "extent = 3",
        &["bad.toml:3:10", "a list"],
    );
    refused("[sr]\n", "sr = 3\n[srr]\n", &["did you mean `sr`?"]);
}

#[test]
fn the_lattice() {
    refused("[3, 3]", "[0, 3]", &["bad.toml:3:10", "at least 1 site"]);
    refused("[3, 3]", "[3, 3, 3]", &["bad.toml:3:10", "[rows, columns]"]);
    refused(
        "[3, 3]",
        "[4294967296, 4294967296]",
        &["bad.toml:3:10", "at most"],
    );
    refused(
        "pbc = false",
        "pbc = [true]",
        &["bad.toml:4:7", "2 of them"],
    );
    // A model laid out as a square cannot guess the rows of fifteen sites in a row.
    let chain = "kind = \"chain\"\nextent = [15]";
    let square = "kind = \"square\"\nextent = [3, 3]";
    refused(square, chain, &["[model]", "[rows, columns]", "15"]);
    let edges = "kind = \"edges\"\nn_sites = 9\nedges = [[0, 9]]";
    let old = format!("{square}\npbc = false");
    refused(&old, edges, &["bad.toml:4:10", "sites from 0 to 8"]);
}

#[test]
fn the_model() {
    refused(
        "layers = 2",
        "layers = 0",
        &["bad.toml:12:10", "at least 1"],
    );
    refused(
        "features = 4",
        "features = [4, 4, 2]",
        &["bad.toml:13:12", "2 numbers"],
    );
    refused(
        "features = 4",
        "features = [4, 4]",
        &["bad.toml:13:12", "ends in 2"],
    );
    refused(
        "features = 4",
        "features = 0",
        &["bad.toml:13:12", "at least 1"],
    );
    refused("[2, 3]", "[0, 3]", &["bad.toml:14:15", "at least 1"]);
    refused("[2, 3]", "[1, 1]", &["bad.toml:14:15", "1x1 kernel"]);
    refused(
        "[2, 3]",
        "[2, 3]\nkernel_dilation = [1, 0]",
        &["bad.toml:15:19", "at least 1"],
    );
    refused(
        "[2, 3]",
        "[2, 3]\nmachine_pow = 0",
        &["bad.toml:15:15", "1 to 64"],
    );
    refused(
        "[2, 3]",
        "[2, 3]\nmachine_pow = 100",
        &["bad.toml:15:15", "1 to 64", "got 100"],
    );
    refused(
        "layers = 2",
        "layers = 1000000",
        &["bad.toml:12:10", "at most 4096", "got 1000000"],
    );
    refused(
        "[2, 3]",
        "[2, 3]\nextent = [2, 4]",
        &["bad.toml:15:10", "9"],
    );
}

#[test]
fn too_many_samples() {
    refused(
        "n_samples = 128",
        "n_samples = 1000000000000000",
        &["at most 2^30"],
    );
}

#[test]
fn the_solver() {
    refused(
        "diag_shift = 0.01",
        "momentum = 1.0",
        &["bad.toml:24:12", "below 1"],
    );
    refused(
        "diag_shift = 0.01",
        "form = \"grams\"",
        &["bad.toml:24:8", "did you mean `gram`?"],
    );
}

#[test]
fn the_hamiltonian() {
    let terms = |terms: &str| format!("kind = \"LocalOperator\"\nterms = {terms}");
    let ising = "kind = \"Ising\"\nh = 3.0";
    let beyond = terms("[{ sites = [8, 9], matrix = [[1]] }]");
    refused(
        ising,
        &beyond,
        &["bad.toml:8:24", "sites from 0 to 8", "9 sites"],
    );
    let small = terms("[{ sites = [0, 1], matrix = [[1, 0], [0, 1]] }]");
    refused(ising, &small, &["4 rows of 4 numbers"]);
    let lowering = terms("[{ sites = [0], matrix = [[0, 1], [0, 0]] }]");
    refused(ising, &lowering, &["Hermitian"]);
    let heisenberg = "kind = \"Heisenberg\"\nJ = [1.0, 0.5]";
    refused(ising, heisenberg, &["bad.toml:8:5", "`hamiltonian.J`"]);
}

#[test]
fn the_training() {
    refused(
        "n_samples = 128",
        "n_samples = 0",
        &["bad.toml:17:13", "at least 2"],
    );
    refused(
        "diag_shift = 0.01",
        "diag_shift = -0.01",
        &["bad.toml:24:14", "0 or more"],
    );
    refused(
        "learning_rate = 0.05",
        "learning_rate = inf",
        &["bad.toml:21:17", "finite"],
    );
    refused("steps = 10", "steps = 0", &["bad.toml:27:9", "at least 1"]);
    let linear = "learning_rate = { kind = \"linear\", init_value = 0.1 }";
    refused(
        "learning_rate = 0.05",
        linear,
        &["bad.toml:21:17", "`optimizer.learning_rate.end_value`"],
    );
}

#[test]
fn overrides_are_shown_as_they_were_given() {
    let folder = folder();
    for (set, part) in [
        ("model.layers=0", "at least 1"),
        ("model.layer=3", "did you mean `layers`?"),
        ("model.layers", "needs `=`"),
        ("layers=3", "does not name a field"),
        ("model.dtype=float65", "did you mean `float64`?"),
    ] {
        let ran = output(folder.path(), &["run", "small.toml", "--set", set]);
        let shown = stderr(&ran);
        assert_eq!(ran.status.code(), Some(2), "{set}: {shown}");
        assert!(
            shown.contains("--> --set:1:") && shown.contains(part),
            "{shown}"
        );
    }
}

#[test]
fn a_file_that_is_not_there() {
    let folder = folder();
    let ran = output(folder.path(), &["run", "none.toml"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(stderr(&ran).contains("none.toml"));
}

#[test]
fn a_folder_that_cannot_be_written() {
    let folder = folder();
    // Below a file there is no folder, not even for root.
    let ran = output(
        folder.path(),
        &["run", "small.toml", "--out", "small.toml/out"],
    );
    assert_eq!(ran.status.code(), Some(2));
    let shown = stderr(&ran);
    assert!(
        shown.contains("cannot write the results to small.toml/out"),
        "{shown}"
    );
    assert!(
        !shown.contains("step "),
        "it is found before any work: {shown}"
    );
}

/// Weights of another network are refused by the array that does not fit, and nothing is written.
#[test]
fn weights_of_another_network() {
    let folder = folder();
    let at = folder.path();
    let train = |out: &str, set: &str| {
        let args = [
            "run",
            "small.toml",
            "-q",
            "--set",
            "run.steps=1",
            "--set",
            set,
        ];
        let ran = output(at, &[&args[..], &["--out", out]].concat());
        assert!(ran.status.success(), "{}", stderr(&ran));
    };
    for (out, set) in [
        ("own", "model.features=4"),
        ("wide", "model.features=5"),
        ("deep", "model.layers=3"),
        ("bare", "model.use_bias=false"),
        ("complex", "model.dtype=complex128"),
    ] {
        train(out, set);
    }
    let file = |of: &str| at.join(of).join("parameters.safetensors");
    let shape = [
        "expected shape [4], got [5]",
        "build the model it was saved from",
    ];
    for (model, weights, array, parts) in [
        ("own", "wide", "`params/_layers_0/bias`", shape),
        (
            "own",
            "deep",
            "`params/_layers_1/bias`",
            ["expected shape [2], got [4]", shape[1]],
        ),
        (
            "own",
            "bare",
            "`params/_layers_0/bias`",
            ["has no array", shape[1]],
        ),
        (
            "bare",
            "own",
            "`params/_layers_0/bias`",
            ["that the model lacks", shape[1]],
        ),
        (
            "own",
            "complex",
            "`params/_layers_0/bias`",
            ["expected float64, got complex128", "dtype"],
        ),
    ] {
        let kept = std::fs::read(file(model)).unwrap();
        std::fs::copy(file(weights), file(model)).unwrap();
        let ran = output(at, &["evaluate", model]);
        let shown = stderr(&ran);
        assert_eq!(ran.status.code(), Some(2), "{weights}: {shown}");
        for part in [array, parts[0], parts[1], "own/parameters.safetensors"] {
            let part = part.replace("own/", &format!("{model}/"));
            assert!(shown.contains(&part), "{weights}: {part:?} in\n{shown}");
        }
        assert!(!shown.contains("panicked"), "{shown}");
        assert!(!at.join(model).join("evaluate.json").exists());
        std::fs::write(file(model), kept).unwrap();
    }
    // Real weights in place of complex ones are exact.
    std::fs::copy(file("own"), file("complex")).unwrap();
    let ran = output(at, &["evaluate", "complex", "--n-samples", "64"]);
    assert!(ran.status.success(), "{}", stderr(&ran));
}

#[test]
fn an_energy_that_is_not_finite_ends_the_run_and_keeps_what_it_had() {
    let folder = folder();
    let args = [
        "run",
        "small.toml",
        "--out",
        "out",
        "--set",
        "optimizer.learning_rate=1e300",
    ];
    let ran = output(folder.path(), &args);
    let shown = stderr(&ran);
    assert_eq!(ran.status.code(), Some(1), "{shown}");
    assert!(
        shown.contains("not finite") && shown.contains("learning rate"),
        "{shown}"
    );

    let out = folder.path().join("out");
    assert!(json(&out.join("log.json")).is_object());
    assert!(!out.join("summary.json").exists());
    let bytes = std::fs::read(out.join("parameters.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for number in bytes[header..].chunks_exact(8) {
        assert!(f64::from_le_bytes(number.try_into().unwrap()).is_finite());
    }
}
