//! Ctrl-C and SIGTERM.
#![cfg(unix)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{autoket, folder, json};

/// Starts a run that would take hours, sends a signal once it steps, returns the exit status.
fn stopped_by(signal: &str, expected: i32) {
    let folder = folder();
    let args = [
        "run",
        "small.toml",
        "--out",
        "out",
        "--set",
        "run.steps=100000000",
    ];
    let mut run = autoket(folder.path(), &args)
        .stderr(Stdio::null())
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
    std::thread::sleep(Duration::from_millis(300));
    let kill = std::process::Command::new("kill")
        .args([signal, &run.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    assert_eq!(run.wait().unwrap().code(), Some(expected));

    let summary = json(&folder.path().join("out/summary.json"));
    let steps = summary["steps"].as_u64().unwrap();
    assert!(steps > 0 && steps < 100_000_000);
    assert_eq!(summary["energy"]["n_samples"], 1024);
    let logged = json(&log)["Energy"]["iters"].as_array().unwrap().len();
    assert_eq!(logged as u64, steps);
}

#[test]
fn ctrl_c_stops_after_the_step_and_keeps_the_results() {
    stopped_by("-INT", 130);
}

#[test]
fn sigterm_does_too() {
    stopped_by("-TERM", 143);
}
