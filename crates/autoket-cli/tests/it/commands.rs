//! What the three commands print and write.

use std::collections::HashSet;

use super::{SMALL, autoket, folder, json, output, stderr, stdout, write};

#[test]
fn a_run_reaches_the_exact_energy_and_writes_its_files() {
    let folder = folder();
    let args = [
        "run",
        "small.toml",
        "--set",
        "run.steps=60",
        "--set",
        "model.kernel_size=[3,5]",
    ];
    let ran = output(folder.path(), &args);
    assert!(ran.status.success(), "{}", stderr(&ran));

    let out = folder.path().join("runs/small");
    let summary = json(&out.join("summary.json"));
    let energy = summary["energy"]["mean"].as_f64().unwrap();
    let exact = summary["exact"].as_f64().unwrap();
    assert!(
        (energy - exact).abs() < 2e-3 * exact.abs(),
        "{energy} {exact}"
    );
    assert_eq!(summary["energy"]["n_samples"], 1024);
    assert!(summary["energy"]["error_of_mean"].as_f64().unwrap() > 0.0);
    assert!(summary["energy"]["variance"].as_f64().unwrap() > 0.0);
    assert!(summary["v_score"].as_f64().unwrap() > 0.0);
    assert_eq!(summary["steps"], 60);
    assert!(summary["n_parameters"].as_u64().unwrap() > 0);
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);

    let log = json(&out.join("log.json"));
    for column in ["iters", "Mean", "Variance", "Sigma", "R_hat", "TauCorr"] {
        assert_eq!(
            log["Energy"][column].as_array().unwrap().len(),
            60,
            "{column}"
        );
    }
    assert!(log["Energy"]["R_hat"][0].is_null());
    assert_eq!(log["wallclock"]["value"].as_array().unwrap().len(), 60);
    assert!(out.join("parameters.safetensors").metadata().unwrap().len() > 100);

    let shown = stdout(&ran);
    for part in [
        "energy ",
        "exact ",
        "variance ",
        "V-score ",
        "results in runs/small",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn without_a_terminal_there_are_few_and_plain_lines() {
    let folder = folder();
    let ran = output(
        folder.path(),
        &["run", "small.toml", "--set", "run.steps=100"],
    );
    let shown = stderr(&ran);
    assert!(shown.lines().count() <= 25, "{shown}");
    // 4·4 + 4 and 5·4·2 + 2 parameters that are not masked, in a matrix of whole rows of lanes.
    let first = "solving by parameters, Cholesky of 64 x 64, 94.0 KiB\nstep 1/100  energy ";
    assert!(shown.starts_with(first), "{shown}");
    assert!(shown.contains("step 100/100"), "{shown}");
    assert!(!shown.contains('\x1b') && !shown.contains('\r'), "{shown}");
}

/// Little memory makes another way the cheapest; the energies agree to rounding.
#[test]
fn memory_bounds_what_is_kept() {
    let folder = folder();
    let energies: Vec<f64> = ["1GiB", "40KiB", "1kB"]
        .map(|memory| {
            let args = ["run", "small.toml", "--out", memory, "--memory", memory];
            let ran = output(folder.path(), &args);
            let shown = stderr(&ran);
            assert!(ran.status.success(), "{shown}");
            assert_eq!(memory != "1GiB", shown.contains("computed anew"), "{shown}");
            assert_eq!(
                memory == "1kB",
                shown.contains("conjugate gradients"),
                "{shown}"
            );
            let summary = json(&folder.path().join(memory).join("summary.json"));
            summary["energy"]["mean"].as_f64().unwrap()
        })
        .to_vec();
    for energy in &energies[1..] {
        assert!((energy - energies[0]).abs() < 1e-6, "{energies:?}");
    }
    let ran = output(folder.path(), &["run", "small.toml", "--memory", "much"]);
    assert_eq!(ran.status.code(), Some(2));
    for part in ["--memory <SIZE>", "a number and its unit"] {
        assert!(stderr(&ran).contains(part), "{}", stderr(&ran));
    }
}

/// Four samples span three directions of 62: without a shift the rest is left out, and it is said once.
#[test]
fn a_singular_system_is_said() {
    let folder = folder();
    let args = [
        "run",
        "small.toml",
        "--set",
        "sr.diag_shift=0.0",
        "--set",
        "sampler.n_samples=4",
    ];
    let ran = output(folder.path(), &args);
    let shown = stderr(&ran);
    assert_eq!(shown.matches("raise `sr.diag_shift`").count(), 1, "{shown}");
}

/// An operator that is 0 has every state for an eigenstate: no score, no error, no NaN.
#[test]
fn an_energy_of_zero_is_reported() {
    let folder = folder();
    let args = ["run", "small.toml", "--out", "out", "--set"];
    let args = [
        &args[..],
        &["hamiltonian.h=0.0", "--set", "hamiltonian.J=0.0"],
    ]
    .concat();
    let ran = output(folder.path(), &args);
    assert!(ran.status.success(), "{}", stderr(&ran));
    assert!(!stdout(&ran).contains("NaN"), "{}", stdout(&ran));
    let summary = json(&folder.path().join("out/summary.json"));
    for field in ["v_score", "exact"] {
        assert_eq!(summary[field], 0.0, "{summary}");
    }
}

#[test]
fn the_simd_level_can_be_chosen() {
    let folder = folder();
    let run = |level: &str| {
        let mut command = autoket(folder.path(), &["run", "small.toml", "--overwrite"]);
        command.env("AUTOKET_SIMD", level).output().unwrap()
    };
    assert!(run("plain").status.success());
    // Empty is unset.
    assert!(run("").status.success());
    let ran = run("mmx");
    assert_eq!(ran.status.code(), Some(2));
    assert!(stderr(&ran).contains("it has plain, "), "{}", stderr(&ran));
}

#[test]
fn another_power_than_two_is_warned_of() {
    let folder = folder();
    let args = ["run", "small.toml", "--set", "model.machine_pow=1"];
    let shown = stderr(&output(folder.path(), &args));
    assert!(shown.starts_with("warning: with `machine_pow`"), "{shown}");
}

#[test]
fn quiet_is_quiet() {
    let folder = folder();
    let ran = output(
        folder.path(),
        &["run", "small.toml", "--quiet", "--out", "here"],
    );
    assert!(ran.status.success());
    assert_eq!(stdout(&ran) + &stderr(&ran), "");
    assert!(folder.path().join("here/summary.json").exists());
}

#[test]
fn the_resolved_file_runs_again_to_the_same_numbers() {
    let folder = folder();
    let at = folder.path();
    assert!(
        output(at, &["run", "small.toml", "-q", "--out", "first"])
            .status
            .success()
    );
    let resolved = std::fs::read_to_string(at.join("first/run.toml")).unwrap();
    for default in [
        "inverted_ordering = true",
        "J = 1.0",
        "activation = \"selu\"",
    ] {
        assert!(resolved.contains(default), "{resolved}");
    }
    let args = [
        "run",
        "first/run.toml",
        "-q",
        "--threads",
        "1",
        "--out",
        "second",
    ];
    assert!(output(at, &args).status.success());
    let read = |run: &str| json(&at.join(run).join("log.json"))["Energy"].clone();
    assert_eq!(read("first"), read("second"));
    let parameters =
        |run: &str| std::fs::read(at.join(run).join("parameters.safetensors")).unwrap();
    assert_eq!(parameters("first"), parameters("second"));
}

#[test]
fn a_run_is_not_overwritten_unless_told() {
    let folder = folder();
    let at = folder.path();
    assert!(output(at, &["run", "small.toml", "-q"]).status.success());
    let before = std::fs::read(at.join("runs/small/summary.json")).unwrap();

    let other = ["run", "small.toml", "-q", "--set", "hamiltonian.h=2"];
    let refused = output(at, &other);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("--overwrite"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(
        std::fs::read(at.join("runs/small/summary.json")).unwrap(),
        before
    );

    let args = [
        "run",
        "small.toml",
        "-q",
        "--overwrite",
        "--set",
        "run.steps=2",
    ];
    assert!(output(at, &args).status.success());
    assert_eq!(json(&at.join("runs/small/summary.json"))["steps"], 2);
}

#[test]
fn every_scalar_runs_and_complex_ones_log_complex_energies() {
    let folder = folder();
    for dtype in ["float32", "float64", "complex64", "complex128"] {
        let set = format!("model.dtype={dtype}");
        let args = ["run", "small.toml", "-q", "--set", &set, "--out", dtype];
        let ran = output(folder.path(), &args);
        assert!(ran.status.success(), "{dtype}: {}", stderr(&ran));
        let log = json(&folder.path().join(dtype).join("log.json"));
        let mean = &log["Energy"]["Mean"];
        match dtype.starts_with("complex") {
            true => assert!(mean["real"].is_array() && mean["imag"].is_array(), "{mean}"),
            false => assert!(mean.is_array(), "{mean}"),
        }
    }
}

#[test]
fn observables_are_measured_in_a_run_and_after_it() {
    let folder = folder();
    let at = folder.path();
    let table = "[observables]\nmeasure = [\"magnetization\", \"structure_factor\"]\nevery = 4\n";
    write(at, "small.toml", &format!("{SMALL}\n{table}"));
    let ran = output(at, &["run", "small.toml"]);
    assert!(ran.status.success(), "{}", stderr(&ran));
    assert!(stdout(&ran).contains("binder"), "{}", stdout(&ran));
    let out = at.join("runs/small");
    let log = json(&out.join("log.json"));
    assert_eq!(log["magnetization"]["iters"], serde_json::json!([0, 4, 8]));
    assert_eq!(
        log["magnetization"]["|m| Sigma"].as_array().unwrap().len(),
        3
    );
    let summary = json(&out.join("summary.json"));
    assert_eq!(
        summary["observables"][0]["entries"]
            .as_array()
            .unwrap()
            .len(),
        5
    );

    // Measuring takes nothing from the run: its energies are the same without.
    write(at, "plain.toml", SMALL);
    assert!(output(at, &["run", "plain.toml", "-q"]).status.success());
    let plain = json(&at.join("runs/plain/log.json"));
    assert_eq!(plain["Energy"], log["Energy"]);

    let args = [
        "evaluate",
        "runs/small",
        "--observable",
        "correlations",
        "--n-samples",
        "9000",
    ];
    let evaluated = output(at, &args);
    assert!(evaluated.status.success(), "{}", stderr(&evaluated));
    let result = json(&out.join("evaluate.json"));
    assert_eq!(
        (&result["n_samples"], &result["seed"]),
        (&9000.into(), &4.into())
    );
    let names = result["observables"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|o| o["observable"].as_str().unwrap()).collect();
    assert_eq!(names, ["energy", "correlations"]);
    let energy = &result["observables"][0]["entries"][0];
    let apart = energy["mean"].as_f64().unwrap() - summary["energy"]["mean"].as_f64().unwrap();
    let error = summary["energy"]["error_of_mean"].as_f64().unwrap();
    assert!(apart.abs() < 5.0 * (error + energy["error_of_mean"].as_f64().unwrap()));
    let picture = std::fs::read_to_string(out.join("correlations.svg")).unwrap();
    assert!(picture.starts_with("<svg"));

    let again = output(
        at,
        &[
            "evaluate",
            "runs/small",
            "--seed",
            "4",
            "--out",
            "there",
            "-q",
        ],
    );
    assert!(
        again.status.success() && stdout(&again).is_empty(),
        "{}",
        stderr(&again)
    );
    assert!(at.join("there/structure_factor.svg").exists());

    let missing = output(at, &["evaluate", "runs"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        stderr(&missing).contains("holds no finished run"),
        "{}",
        stderr(&missing)
    );
    // Numbers stand below each other, however long a label is.
    let wide = [
        "--observable",
        "structure_factor",
        "--observable",
        "magnetization",
    ];
    let wide = output(at, &[&["evaluate", "runs/small"], &wide[..]].concat());
    let lines = stdout(&wide);
    let lines = lines.lines().filter(|line| line.contains('±'));
    let columns = lines.map(|line| {
        let before = line.split(" ± ").next().unwrap();
        let label = before.trim_end_matches(|c: char| !c.is_whitespace());
        label.chars().count() + usize::from(before[label.len()..].starts_with('-'))
    });
    let columns: Vec<usize> = columns.collect();
    assert!(
        columns.len() > 8 && columns.iter().all(|&at| at == columns[0]),
        "{columns:?}"
    );

    let unknown = output(at, &["evaluate", "runs/small", "--observable", "spin"]);
    assert!(
        stderr(&unknown).contains("the names are correlations"),
        "{}",
        stderr(&unknown)
    );
}

/// An operator of one's own that is the Hamiltonian has its energy, in the run and after it.
#[test]
fn operators_of_one_s_own_are_measured() {
    let folder = folder();
    let at = folder.path();
    let ring = SMALL.replace(
        "kind = \"square\"\nextent = [3, 3]\npbc = false",
        "kind = \"chain\"\nextent = [3]",
    );
    let ring = ring.replace("extent = [3]", "extent = [3]\npbc = false");
    let ring = ring.replace(
        "kind = \"ARNNConv2D\"\nlayers = 2\nfeatures = 4\nkernel_size = [2, 3]",
        "kind = \"ARNNDense\"\nlayers = 2\nfeatures = 4",
    );
    let own = "[observables.operators]\nchain = [\"Z0 Z1 + Z1 Z2\", \"-3.0*X0 - 3.0*X1 - 3.0*X2\"]\nz = \"Z0\"\n";
    write(
        at,
        "ring.toml",
        &format!("{ring}\n[observables]\nevery = 5\n\n{own}"),
    );
    let ran = output(at, &["run", "ring.toml"]);
    assert!(ran.status.success(), "{}", stderr(&ran));
    let log = json(&at.join("runs/ring/log.json"));
    assert_eq!(log["chain"]["iters"], serde_json::json!([0, 5]));
    for i in 0..2 {
        let energy = log["Energy"]["Mean"][5 * i].as_f64().unwrap();
        let own = log["chain"]["mean Mean"][i].as_f64().unwrap();
        assert!((own - energy).abs() < 1e-12, "{own} {energy}");
    }
    let measured = |args: &[&str]| -> Vec<(String, f64)> {
        let ran = output(at, &[&["evaluate", "runs/ring", "-q"], args].concat());
        assert!(ran.status.success(), "{}", stderr(&ran));
        let result = json(&at.join("runs/ring/evaluate.json"));
        let observables = result["observables"].as_array().unwrap().iter();
        let number = |o: &serde_json::Value| {
            let name = o["observable"].as_str().unwrap().to_owned();
            (name, o["entries"][0]["mean"].as_f64().unwrap())
        };
        observables.map(number).collect()
    };
    let all = measured(&[]);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["energy", "chain", "z"]);
    assert!((all[0].1 - all[1].1).abs() < 1e-12);
    let some = measured(&["--observable", "magnetization", "--observable", "chain"]);
    assert_eq!((some.len(), some[2].0.as_str()), (3, "chain"));
    let unknown = output(at, &["evaluate", "runs/ring", "--observable", "spin"]);
    assert!(
        stderr(&unknown).contains("total_spin, chain, z"),
        "{}",
        stderr(&unknown)
    );
}

#[test]
fn draw_makes_a_picture() {
    let folder = folder();
    let at = folder.path();
    let shown = output(at, &["draw", "small.toml"]);
    assert!(stdout(&shown).starts_with("<svg"), "{}", stderr(&shown));
    let args = [
        "draw",
        "small.toml",
        "-o",
        "lattice.svg",
        "--set",
        "lattice.pbc=true",
    ];
    assert!(output(at, &args).status.success());
    let picture = std::fs::read_to_string(at.join("lattice.svg")).unwrap();
    assert_eq!(picture.matches("<circle").count(), 9);
    assert_eq!(picture.matches("dasharray").count(), 12);
}

#[test]
fn exact_prints_energies_and_residuals() {
    let folder = folder();
    // Four sites in a ring, H = Σ σ·σ: -8.
    let set = [
        "exact",
        "small.toml",
        "--set",
        "lattice={kind=\"chain\",extent=[4]}",
    ];
    assert_eq!(output(folder.path(), &set).status.code(), Some(2));
    let ring = SMALL
        .replace(
            "kind = \"square\"\nextent = [3, 3]\npbc = false",
            "kind = \"chain\"\nextent = [4]",
        )
        .replace("kind = \"Ising\"\nh = 3.0", "kind = \"Heisenberg\"");
    write(folder.path(), "ring.toml", &ring);
    let energies = |more: &[&str]| -> Vec<f64> {
        let ran = output(folder.path(), &[&["exact", "ring.toml"], more].concat());
        let shown = stderr(&ran);
        assert!(ran.status.success(), "{shown}");
        let how = match more.contains(&"--momentum") {
            true => "the matrix is stored",
            false => "products go by terms",
        };
        assert!(shown.contains(how), "{shown}");
        assert!(shown.contains("product 1"), "{shown}");
        let lines = stdout(&ran);
        let read = |line: &str| {
            let (energy, residual) = line.split_once("  (residual ").unwrap();
            assert!(residual.trim_end_matches(')').parse::<f64>().unwrap() < 1e-7);
            energy.parse().unwrap()
        };
        lines.lines().map(read).collect()
    };
    let close = |found: Vec<f64>, expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        let pairs = found.iter().zip(expected);
        assert!(
            pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-9),
            "{found:?}"
        );
    };
    close(energies(&[]), &[-8.0]);
    // A singlet, then a triplet.
    close(energies(&["--k", "4"]), &[-8.0, -4.0, -4.0, -4.0]);
    // The triplet has momentum π; the singlet has it in no state.
    close(energies(&["--momentum", "2"]), &[-4.0]);
    close(energies(&["--momentum", "0", "--irrep", "0"]), &[-8.0]);

    let refused = |more: &[&str], word: &str| {
        let ran = output(folder.path(), &[&["exact", "ring.toml"], more].concat());
        assert_eq!(ran.status.code(), Some(2), "{word}");
        assert!(stderr(&ran).contains(word), "{}", stderr(&ran));
    };
    refused(&["--memory", "100B"], "4 vectors of 16 states would need");
    refused(&["--momentum", "4"], "each below its extent");
    refused(&["--momentum", "0", "--irrep", "2"], "2 one-dimensional");
    refused(&["--irrep", "0"], "--momentum");
    refused(&["--k", "0"], "1 to 16");
}

/// [`SMALL`] with a model of each kind, and a word of its formula.
fn of_each_kind() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let kinds = [
        ("ARNNDense", "masked", "layers = 2\nfeatures = 3"),
        (
            "ARNNConv1D",
            "⋆",
            "layers = 2\nfeatures = 3\nkernel_size = 3\norder = \"snake\"",
        ),
        (
            "ARNNConv2D",
            "⋆",
            "layers = 2\nfeatures = 4\nkernel_size = [2, 3]",
        ),
        (
            "LSTMNet",
            "tanh c'",
            "layers = 2\nfeatures = 3\nrecurrence = \"graph\"",
        ),
        (
            "GRUNet1D",
            "+ z h",
            "layers = 2\nfeatures = 3\norder = \"snake\"\nphase = true\ndtype = \"complex128\"",
        ),
        (
            "ARNNGatedConv2D",
            "gate",
            "layers = 2\nfeatures = 3\nkernel_size = [2, 3]",
        ),
        ("TensorGRU2D", "[s, s']", "features = 3"),
    ];
    let table = "kind = \"ARNNConv2D\"\nlayers = 2\nfeatures = 4\nkernel_size = [2, 3]";
    assert!(SMALL.contains(table));
    kinds.into_iter().map(move |(kind, formula, fields)| {
        let text = SMALL.replace(table, &format!("kind = \"{kind}\"\n{fields}"));
        (kind, formula, text)
    })
}

#[test]
fn every_kind_runs_and_its_resolved_file_runs_again() {
    let folder = folder();
    let at = folder.path();
    for (kind, _, text) in of_each_kind() {
        write(at, "kind.toml", &text);
        let mut energies = Vec::new();
        for (file, out) in [
            ("kind.toml".to_owned(), "first"),
            (format!("{kind}first/run.toml"), "second"),
        ] {
            let out = format!("{kind}{out}");
            let args = ["run", &file, "-q", "--set", "run.steps=3", "--out", &out];
            let ran = output(at, &args);
            assert!(ran.status.success(), "{kind}: {}", stderr(&ran));
            energies.push(json(&at.join(out).join("log.json"))["Energy"].clone());
        }
        assert_eq!(energies[0], energies[1], "{kind}");
    }
}

#[test]
fn inspect_shows_every_kind() {
    let folder = folder();
    for (kind, formula, text) in of_each_kind() {
        write(folder.path(), "kind.toml", &text);
        let shown = stdout(&output(folder.path(), &["inspect", "kind.toml"]));
        let first = shown.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("log ψ(σ) = Σᵢ") && first.contains(formula),
            "{shown}"
        );
        for part in [
            kind,
            "Total",
            "multiply-adds",
            " free",
            "flip of a site",
            "│ # ",
        ] {
            assert!(shown.contains(part), "{kind}: {part} in\n{shown}");
        }
        let ordered = ["ARNNConv1D", "LSTMNet", "GRUNet1D", "TensorGRU2D"].contains(&kind);
        assert_eq!(shown.contains(" 5 4 3\n"), ordered, "{shown}");
        assert_eq!(shown.contains("i φᵢ(σᵢ)"), kind == "GRUNet1D", "{shown}");
        // Where a flip reaches all that is drawn later, it is said.
        let masked = ["ARNNConv1D", "ARNNConv2D"].contains(&kind);
        assert_eq!(shown.contains("of all later sites"), !masked, "{shown}");
        assert_eq!(shown.contains("of the 4.0 later sites"), masked, "{shown}");
    }
    // 4·4 + 4 and 5·4·2 + 2 parameters that are not masked, of a kernel of 6 entries; taps by hand:
    // 20 pairs of sites, and 9 sites themselves.
    let shown = stdout(&output(folder.path(), &["inspect", "small.toml"]));
    for part in ["78, 62 of them free", "312 multiply-adds", "_layers_1"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(
        shown.ends_with("it conserves no charge that was looked for\n"),
        "{shown}"
    );
    let hubbard = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/fermi_hubbard_2x3.toml"
    );
    let shown = stdout(&output(folder.path(), &["inspect", hubbard]));
    let charges = "the number of particles, the number of particles with m = -1/2, the number of particles with m = 1/2\n";
    assert!(
        shown.contains("Hermitian and real") && shown.ends_with(charges),
        "{shown}"
    );
}

#[test]
fn help_reads_like_a_page() {
    let folder = folder();
    let page = stdout(&output(folder.path(), &["--help"]));
    for table in [
        "[lattice]",
        "[hamiltonian]",
        "[model]",
        "TensorGRU2D",
        "[sr]",
        "[run]",
        "EXAMPLES",
    ] {
        assert!(page.contains(table), "{page}");
    }
    let page = stdout(&output(folder.path(), &["run", "--help"]));
    for part in [
        "summary.json",
        "EXIT STATUS",
        "--overwrite",
        "--set",
        "GRUNet1D",
    ] {
        assert!(page.contains(part), "{page}");
    }
    assert_eq!(
        autoket(folder.path(), &["walk"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn the_examples_are_valid() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut n_valid = 0;
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        autoket::config::RunFile::parse(&name, &text, &[]).unwrap();
        n_valid += 1;
    }
    assert!(n_valid > 10);
}

#[test]
fn the_help_has_every_field() {
    let folder = folder();
    let help = stdout(&output(folder.path(), &["--help"]));
    let words: HashSet<&str> = help
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .collect();
    for (table, fields) in autoket::config::tables() {
        assert!(help.contains(&format!("[{table}]")), "{table}");
        for field in fields {
            assert!(words.contains(field), "{field} of {table}");
        }
    }
}
