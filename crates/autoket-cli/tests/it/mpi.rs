//! Runs on many ranks, by mpirun.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{folder, json, output, stderr, stdout};

/// `mpirun -n RANKS autoket ...`
fn mpirun(folder: &Path, ranks: usize, args: &[&str]) -> Command {
    let mut command = Command::new("mpirun");
    command
        .args(["--oversubscribe", "-n", &ranks.to_string()])
        .arg(assert_cmd::cargo::cargo_bin!("autoket"))
        .args(args)
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        // Ranks that wait let others work.
        .env("OMPI_MCA_mpi_yield_when_idle", "1")
        .current_dir(folder);
    command
}

pub const LONGER: [&str; 8] = [
    "--set",
    "run.steps=12",
    "--set",
    "sr.momentum=0.8",
    "--set",
    "run.checkpoint_every=5",
    "--set",
    "sampler.n_samples=300",
];

pub fn completes(mut command: Command) -> String {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
    stdout(&ended)
}

pub fn assert_same(folder: &Path, one: &str, other: &str) {
    let read = |out: &str| std::fs::read(folder.join(out).join("parameters.safetensors")).unwrap();
    assert!(read(one) == read(other), "{one} {other}");
    let [one, other] = [one, other].map(|out| {
        let mut log = json(&folder.join(out).join("log.json"));
        log.as_object_mut().unwrap().remove("wallclock").unwrap();
        let mut summary = json(&folder.join(out).join("summary.json"));
        summary.as_object_mut().unwrap().remove("seconds").unwrap();
        (log, summary)
    });
    assert_eq!(one, other);
}

/// Whatever is made of it, a run on any number of ranks is that on one, bit for bit.
#[test]
fn the_number_of_ranks_does_not_matter() {
    let folder = folder();
    let dense = super::SMALL
        .replace("kernel_size = [2, 3]", "dtype = \"complex128\"")
        .replace("ARNNConv2D", "ARNNDense");
    super::write(folder.path(), "dense.toml", &dense);
    let models: [&[&str]; 3] = [
        &["small.toml"],
        &["dense.toml"],
        &[
            "small.toml",
            "--set",
            "sr.form=gram",
            "--set",
            "model.dtype=float32",
        ],
    ];
    for (m, model) in models.into_iter().enumerate() {
        let of = |ranks: usize| format!("{m}-{ranks}");
        for ranks in 1..=4 {
            let out = of(ranks);
            let args = [&["run", "-q", "--out", &out], &LONGER[..], model].concat();
            completes(mpirun(folder.path(), ranks, &args));
            assert_same(folder.path(), &of(1), &out);
        }
        // Without mpirun too.
        let args = [&["run", "-q", "--out", "alone"], &LONGER[..], model].concat();
        let args = [&args[..], &["--overwrite"]].concat();
        assert!(output(folder.path(), &args).status.success());
        assert_same(folder.path(), &of(1), "alone");
    }
}

/// A run may go on with another number of ranks, and one rank speaks.
#[test]
fn a_run_goes_on_with_other_ranks() {
    let folder = folder();
    let run = |out: &'static str, steps: &'static str| {
        [
            &["run", "small.toml", "--out", out],
            &LONGER[..],
            &["--set", steps],
        ]
        .concat()
    };
    completes(mpirun(folder.path(), 1, &run("whole", "run.steps=20")));
    completes(mpirun(folder.path(), 3, &run("out", "run.steps=11")));
    let said = completes(mpirun(folder.path(), 2, &run("out", "run.steps=20")));
    assert_eq!(said.matches("energy  ").count(), 1, "{said}");
    assert_same(folder.path(), "whole", "out");
    let said = completes(mpirun(folder.path(), 2, &run("out", "run.steps=20")));
    assert_eq!(said.matches("are done").count(), 1, "{said}");

    let measure = |ranks| {
        let args = [
            "evaluate",
            "out",
            "--n-samples",
            "5000",
            "--observable",
            "correlations",
        ];
        completes(mpirun(folder.path(), ranks, &args));
        std::fs::read(folder.path().join("out/evaluate.json")).unwrap()
    };
    assert!(measure(1) == measure(3));
    let said = completes(mpirun(folder.path(), 2, &["exact", "small.toml"]));
    assert_eq!(said.matches("residual").count(), 1, "{said}");
}

/// Waits until the run in `out` has written one.
pub fn wait_for_checkpoint(folder: &Path) {
    let checkpoints = folder.join("out/checkpoints");
    wait_until(|| std::fs::read_dir(&checkpoints).is_ok_and(|mut found| found.next().is_some()));
}

fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it did not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes of a run of hours, once all have begun.
fn begun(folder: &Path, ranks: usize) -> (std::process::Child, Vec<u32>) {
    let args = [
        "run",
        "small.toml",
        "--out",
        "out",
        "--set",
        "run.steps=100000000",
    ];
    let args = [&args[..], &["--set", "run.checkpoint_every=20"]].concat();
    let mut command = mpirun(folder, ranks, &args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    wait_for_checkpoint(folder);
    let children = Command::new("pgrep")
        .args(["-P", &run.id().to_string()])
        .output()
        .unwrap();
    let ids: Vec<u32> = stdout(&children)
        .lines()
        .map(|id| id.parse().unwrap())
        .collect();
    assert_eq!(ids.len(), ranks);
    (run, ids)
}

pub fn ends_within(mut run: std::process::Child, seconds: u64) -> std::process::Output {
    let start = Instant::now();
    while run.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(seconds) {
            run.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    run.wait_with_output().unwrap()
}

pub fn kill(signal: &str, id: u32) {
    let mut kill = Command::new("kill");
    assert!(
        kill.args([signal, &id.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// A rank that dies ends the run, with a message; its last checkpoint is whole.
#[test]
fn a_rank_that_dies_ends_the_run() {
    for victim in [0, 2] {
        let folder = folder();
        let (run, ids) = begun(folder.path(), 3);
        kill("-KILL", ids[victim]);
        let ended = ends_within(run, 20);
        assert!(!ended.status.success());
        let said = stdout(&ended) + &stderr(&ended);
        assert!(said.contains("signal 9"), "{said}");
        let resume = ["resume", "out", "--set", "run.steps=1"];
        let resumed = output(folder.path(), &resume);
        assert!(resumed.status.success(), "{}", stderr(&resumed));
    }
}

/// A rank that fails alone, the first, whose folder is gone: all end, and none hangs.
#[test]
fn a_rank_that_fails_ends_the_run() {
    let folder = folder();
    let (run, _) = begun(folder.path(), 2);
    let out = folder.path().join("out");
    std::fs::rename(&out, folder.path().join("gone")).unwrap();
    std::fs::write(&out, "").unwrap();
    let ended = ends_within(run, 60);
    assert!(!ended.status.success());
    let said = stdout(&ended) + &stderr(&ended);
    assert!(said.contains("error: "), "{said}");
    assert!(said.contains("out/"), "{said}");
}

/// Ctrl-C at mpirun, which passes it on: the steps done are kept.
#[test]
fn ctrl_c_stops_all() {
    let folder = folder();
    let (run, ids) = begun(folder.path(), 3);
    // As a terminal does: to all.
    for id in ids {
        kill("-INT", id);
    }
    let ended = ends_within(run, 30);
    let summary = json(&folder.path().join("out/summary.json"));
    let steps = summary["steps"].as_u64().unwrap();
    assert!((20..100_000_000).contains(&steps), "{}", stderr(&ended));
}

/// A scheduler's warning, which mpirun passes on to all: a checkpoint is written, and all go on.
#[test]
fn sigusr1_asks_for_a_checkpoint() {
    let folder = folder();
    let args =
        "run small.toml --out out --set run.steps=100000000 --set run.checkpoint_every=100000000";
    let args: Vec<&str> = args.split(' ').collect();
    let mut command = mpirun(folder.path(), 3, &args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = command.spawn().unwrap();
    let lines = folder.path().join("out/log.jsonl");
    wait_until(|| lines.metadata().is_ok_and(|lines| lines.len() > 0));
    assert!(!folder.path().join("out/checkpoints").exists());
    kill("-USR1", run.id());
    wait_for_checkpoint(folder.path());
    assert!(run.try_wait().unwrap().is_none(), "it ended");
    kill("-INT", run.id());
    ends_within(run, 30);
    assert!(folder.path().join("out/summary.json").is_file());
}
