//! Ctrl-C and SIGTERM.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{autoket, folder, json, stderr};

/// Starts a run with changes, sends a signal once it has gone on for a while; returns its folder, its exit status
/// and what it said.
fn stopped_by(signal: &str, changes: &[&str], after: Duration) -> (TempDir, Option<i32>, String) {
    let folder = folder();
    let mut args = vec!["run", "small.toml", "--out", "out"];
    args.extend(changes.iter().flat_map(|change| ["--set", change]));
    let run = autoket(folder.path(), &args)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The log is there from the moment the handlers are.
    let log = folder.path().join("out/log.json");
    let start = Instant::now();
    while !log.exists() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the run did not start"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(after);
    let kill = std::process::Command::new("kill")
        .args([signal, &run.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let ended = run.wait_with_output().unwrap();
    let said = stderr(&ended);
    (folder, ended.status.code(), said)
}

/// A run of hours keeps the steps done.
fn keeps_the_steps_done(signal: &str, expected: i32) {
    let hours = &["run.steps=100000000"];
    let (folder, code, said) = stopped_by(signal, hours, Duration::from_millis(300));
    assert_eq!(code, Some(expected));
    assert!(said.contains("stopping: "), "{said}");
    let summary = json(&folder.path().join("out/summary.json"));
    let steps = summary["steps"].as_u64().unwrap();
    assert!(steps > 0 && steps < 100_000_000);
    assert_eq!(summary["energy"]["n_samples"], 1024);
    let log = json(&folder.path().join("out/log.json"));
    let logged = log["Energy"]["iters"].as_array().unwrap().len();
    assert_eq!(logged as u64, steps);
}

#[test]
fn ctrl_c_stops_and_keeps_the_results() {
    keeps_the_steps_done("-INT", 130);
}

#[test]
fn sigterm_does_too() {
    keeps_the_steps_done("-TERM", 143);
}

/// A step of many seconds is given up, not done, and the energy before it is measured.
#[test]
fn a_long_step_is_given_up() {
    let long = &[
        "lattice.extent=[10,10]",
        "model.layers=5",
        "model.features=32",
        "model.kernel_size=[3,5]",
        "sampler.n_samples=2048",
        "run.final_samples=64",
    ];
    let (folder, code, said) = stopped_by("-INT", long, Duration::from_secs(1));
    assert_eq!(code, Some(130));
    assert!(said.contains("stopping: "), "{said}");
    let summary = json(&folder.path().join("out/summary.json"));
    assert_eq!(summary["steps"], 0);
    assert_eq!(summary["energy"]["n_samples"], 64);
}

#[test]
fn a_measurement_keeps_what_was_measured() {
    let folder = folder();
    let run = autoket(folder.path(), &["run", "small.toml", "-q", "--out", "out"]);
    assert!({ run }.status().unwrap().success());
    let args = ["evaluate", "out", "--n-samples", "1000000000000"];
    let evaluation = autoket(folder.path(), &args)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let kill = std::process::Command::new("kill")
        .args(["-INT", &evaluation.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let ended = evaluation.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let result = json(&folder.path().join("out/evaluate.json"));
    let n_samples = result["n_samples"].as_u64().unwrap();
    assert!(n_samples > 0 && n_samples < 1_000_000_000_000);
    assert_eq!(result["observables"][0]["n_samples"], n_samples);
}

/// An exact diagonalisation that takes long says how far it was.
#[test]
fn an_exact_diagonalisation_is_given_up() {
    let folder = folder();
    let size = "lattice.extent=[4,4]";
    let args = ["exact", "small.toml", "--k", "500", "--set", size];
    let mut run = autoket(folder.path(), &args)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("product 1") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it did not start");
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(rest.contains("stopped: energy "), "{rest}");
}
