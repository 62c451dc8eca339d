//! Runs that are killed, and go on.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use autoket::checkpoint::Checkpoint;

use super::{autoket, folder, json, output, stderr, stdout};

const CHANGES: [&str; 6] = [
    "optimizer.kind=Adam",
    "optimizer.learning_rate=0.01",
    "sr.momentum=0.8",
    "run.checkpoint_every=3",
    "observables.measure=[\"magnetization\"]",
    "observables.every=4",
];

/// Arguments of a run of so many steps.
fn args(out: &str, steps: usize) -> Vec<String> {
    let mut args: Vec<String> = ["run", "small.toml", "-q", "--out", out]
        .map(str::to_owned)
        .into();
    let steps = format!("run.steps={steps}");
    let changes = CHANGES.iter().copied().chain([steps.as_str()]);
    args.extend(changes.flat_map(|change| ["--set".to_owned(), change.to_owned()]));
    args
}

fn command(folder: &Path, out: &str, steps: usize) -> Command {
    let args = args(out, steps);
    autoket(folder, &args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn completes(mut command: Command) {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
}

/// What a run leaves must be the same, whatever happened to it; but for the time it took.
fn assert_same(folder: &Path, one: &str, other: &str) {
    let read = |out: &str, file: &str| std::fs::read(folder.join(out).join(file)).unwrap();
    let parameters = "parameters.safetensors";
    assert!(read(one, parameters) == read(other, parameters));
    let log = |out: &str| {
        let mut log = json(&folder.join(out).join("log.json"));
        log.as_object_mut().unwrap().remove("wallclock").unwrap();
        log
    };
    assert_eq!(log(one), log(other));
    let lines = |out: &str| -> Vec<serde_json::Value> {
        let text = String::from_utf8(read(out, "log.jsonl")).unwrap();
        let lines = text.lines().map(|line| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            line.as_object_mut().unwrap().remove("wallclock").unwrap();
            line
        });
        lines.collect()
    };
    assert_eq!(lines(one), lines(other));
    let summary = |out: &str| {
        let mut summary = json(&folder.join(out).join("summary.json"));
        summary.as_object_mut().unwrap().remove("seconds").unwrap();
        summary
    };
    assert_eq!(summary(one), summary(other));
}

/// Kills a run again and again until it comes to its end; how often.
fn killed(steps: usize, longest: u64) -> usize {
    let folder = folder();
    completes(command(folder.path(), "whole", steps));
    let mut kills = 0;
    let mut random: u64 = 12345;
    loop {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // Longer and longer, for machines on which a start takes long.
        let pause = (random >> 33) % longest + kills as u64 / 4;
        let mut run = command(folder.path(), "killed", steps).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        if let Some(status) = run.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        run.kill().unwrap();
        run.wait().unwrap();
        kills += 1;
    }
    assert_same(folder.path(), "whole", "killed");
    // Nothing is left of what was not written to its end.
    let left = [
        folder.path().join("killed"),
        folder.path().join("killed/checkpoints"),
    ];
    for entry in left
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
    {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with(".tmp"), "{name}");
    }
    kills
}

#[test]
fn a_killed_run_goes_on_to_the_last_bit() {
    let kills = killed(500, 80);
    assert!(kills >= 10, "only {kills} kills");
}

/// `cargo test --package autoket-cli -- --ignored hundreds`
#[test]
#[ignore = "takes minutes"]
fn hundreds_of_kills() {
    let kills: usize = (0..10).map(|_| killed(3000, 60)).sum();
    println!("{kills} kills survived");
    assert!(kills >= 300, "only {kills} kills");
}

/// The disk is full: the run says so and ends; with more space it goes on.
#[test]
fn a_full_disk_loses_nothing() {
    let folder = folder();
    completes(command(folder.path(), "whole", 60));
    // Files of at most 16 blocks, which is less than the lines of the log.
    let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    let program = assert_cmd::cargo::cargo_bin!("autoket");
    let ended = Command::new("sh")
        .args(["-c", limited])
        .arg(program)
        .args(args("full", 60))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = stderr(&ended);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("full/log.json"), "{said}");
    completes(command(folder.path(), "full", 60));
    assert_same(folder.path(), "whole", "full");
}

fn checkpoints(folder: &Path, out: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join(out).join("checkpoints")).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("step-")
    });
    found.sort();
    found
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_taken() {
    let folder = folder();
    completes(command(folder.path(), "whole", 31));
    type Damage = fn(&mut Vec<u8>);
    let flip: Damage = |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    };
    let cut: Damage = |bytes| bytes.truncate(bytes.len() / 2);
    for (i, damage) in [flip, cut].into_iter().enumerate() {
        let out = format!("out{i}");
        completes(command(folder.path(), &out, 20));
        let found = checkpoints(folder.path(), &out);
        assert_eq!(found.len(), 2);
        let mut bytes = std::fs::read(&found[1]).unwrap();
        damage(&mut bytes);
        std::fs::write(&found[1], &bytes).unwrap();
        let ended = output(folder.path(), &["resume", &out, "--set", "run.steps=31"]);
        let said = stderr(&ended);
        assert!(ended.status.success(), "{said}");
        assert!(said.contains("step-00000020.safetensors"), "{said}");
        assert!(said.contains("is damaged"), "{said}");
        assert!(said.contains("going on after step 18 of 31"), "{said}");
        assert_same(folder.path(), "whole", &out);
    }
    // None is left.
    for path in checkpoints(folder.path(), "out0") {
        std::fs::write(path, "nothing").unwrap();
    }
    let ended = output(folder.path(), &["resume", "out0", "--set", "run.steps=40"]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        stderr(&ended).contains("none of the 2 checkpoints"),
        "{}",
        stderr(&ended)
    );
}

#[test]
fn a_run_goes_on_longer_and_from_earlier() {
    let folder = folder();
    completes(command(folder.path(), "whole", 25));
    completes(command(folder.path(), "out", 12));
    // Again, it is done.
    let mut again = command(folder.path(), "out", 12);
    assert!(again.output().unwrap().status.success());
    let kept = checkpoints(folder.path(), "out");
    let early = folder.path().join("early.safetensors");
    std::fs::copy(&kept[0], &early).unwrap();
    let longer = ["resume", "out", "-q", "--set", "run.steps=25"];
    completes(autoket(folder.path(), &longer));
    assert_same(folder.path(), "whole", "out");
    let from = ["resume", "out", "-q", "--from", "early.safetensors"];
    completes(autoket(folder.path(), &from));
    assert_same(folder.path(), "whole", "out");
    let best = folder.path().join("out/checkpoints/best.safetensors");
    assert!(best.is_file());
}

#[test]
fn what_cannot_go_on_is_refused() {
    let folder = folder();
    completes(command(folder.path(), "out", 12));
    let refused = |args: &[&str], expected: &str| {
        let ended = output(folder.path(), args);
        assert_eq!(ended.status.code(), Some(2), "{}", stderr(&ended));
        assert!(stderr(&ended).contains(expected), "{}", stderr(&ended));
    };
    refused(&["resume", "nowhere"], "nowhere holds no run");
    assert!(!folder.path().join("nowhere").exists());
    refused(
        &["run", "small.toml", "--out", "out"],
        "out already holds another run: `observables.every` differs",
    );
    refused(
        &["resume", "out", "--set", "model.features=5"],
        "one of this model, with params/_layers_0/bias [5]",
    );
    refused(
        &["resume", "out", "--set", "model.dtype=float32"],
        "float32",
    );
    std::fs::remove_dir_all(folder.path().join("out/checkpoints")).unwrap();
    refused(&["resume", "out"], "out holds no checkpoint");
    let mut again = command(folder.path(), "out", 12);
    let said = stderr(&again.output().unwrap());
    assert!(
        said.contains("already holds a run without checkpoints"),
        "{said}"
    );
}

/// A run of hours in its folder, from the moment it has begun.
fn begun(folder: &Path) -> std::process::Child {
    let mut command = command(folder, "out", 100_000_000);
    command.args(["--set", "run.checkpoint_every=100000000"]);
    let run = command.stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    let lines = folder.join("out/log.jsonl");
    while !std::fs::metadata(&lines).is_ok_and(|lines| lines.len() > 0) {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it did not begin"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    run
}

fn signal(run: &std::process::Child, name: &str) {
    let mut kill = Command::new("kill");
    let kill = kill.args([name, &run.id().to_string()]);
    assert!(kill.status().unwrap().success());
}

#[test]
fn a_folder_has_one_owner() {
    let folder = folder();
    let mut run = begun(folder.path());
    let mut second = command(folder.path(), "out", 10);
    let ended = second.output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let expected = format!("out is in use by process {}", run.id());
    assert!(stderr(&ended).contains(&expected), "{}", stderr(&ended));
    let resumed = output(folder.path(), &["resume", "out"]);
    assert!(stderr(&resumed).contains(&expected), "{}", stderr(&resumed));
    // It is nobody's once its owner is gone, however it went.
    run.kill().unwrap();
    run.wait().unwrap();
    let ended = output(folder.path(), &["resume", "out"]);
    assert!(
        stderr(&ended).contains("out holds no checkpoint"),
        "{}",
        stderr(&ended)
    );
}

/// Schedulers warn before they end a job: a checkpoint is written, and the run goes on.
#[test]
fn sigusr1_asks_for_a_checkpoint() {
    let folder = folder();
    let mut run = begun(folder.path());
    signal(&run, "-USR1");
    let start = Instant::now();
    while !folder.path().join("out/checkpoints").is_dir()
        || checkpoints(folder.path(), "out").is_empty()
    {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no checkpoint came"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(run.try_wait().unwrap().is_none(), "it ended");
    run.kill().unwrap();
    run.wait().unwrap();
    let resume = ["resume", "out", "--set", "run.steps=1"];
    let ended = output(folder.path(), &resume);
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(stdout(&ended).contains(" steps, "), "{}", stdout(&ended));
}

/// Ctrl-C, and the same command again.
#[test]
fn a_stopped_run_goes_on() {
    let folder = folder();
    let run = begun(folder.path());
    signal(&run, "-INT");
    let ended = run.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", stderr(&ended));
    let steps = json(&folder.path().join("out/summary.json"))["steps"]
        .as_u64()
        .unwrap() as usize;
    completes(command(folder.path(), "out", steps + 20));
    completes(command(folder.path(), "whole", steps + 20));
    assert_same(folder.path(), "whole", "out");
}

/// A learning rate that leads to numbers that are none ends a run, or is halved until it does not.
#[test]
fn a_run_halves_its_learning_rate() {
    let folder = folder();
    let wild = [
        "--set",
        "optimizer.learning_rate=1e156",
        "--set",
        "run.steps=20",
    ];
    let mut args = vec!["run", "small.toml", "--out", "out"];
    args.extend(wild);
    let ended = output(folder.path(), &args);
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        stderr(&ended).contains("is not finite at step"),
        "{}",
        stderr(&ended)
    );
    args.extend(["--set", "run.on_not_finite=halve", "--overwrite"]);
    let ended = output(folder.path(), &args);
    assert!(
        stderr(&ended).contains("half the learning rate"),
        "{}",
        stderr(&ended)
    );
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert_eq!(json(&folder.path().join("out/summary.json"))["steps"], 20);
}

/// A run that was replaced by another, and killed in the midst of it, is not gone on with as if it were the other.
#[test]
fn a_checkpoint_knows_its_run() {
    let folder = folder();
    completes(command(folder.path(), "out", 12));
    let at = folder.path().join("out/run.toml");
    let other = std::fs::read_to_string(&at)
        .unwrap()
        .replace("h = 3.0", "h = 2.0");
    std::fs::write(&at, other).unwrap();
    let mut again = command(folder.path(), "out", 20);
    again.args(["--set", "hamiltonian.h=2.0"]);
    let ended = again.output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = stderr(&ended);
    assert!(
        said.contains("checkpoints of another run: `hamiltonian.h` differs"),
        "{said}"
    );
    // To go back on purpose is allowed, and said.
    let back = ["resume", "out", "--set", "run.steps=20"];
    let ended = output(folder.path(), &back);
    assert!(ended.status.success());
    assert!(stderr(&ended).contains("the checkpoint is of a run in which `hamiltonian.h` differs"));
}

/// A run that goes back to a checkpoint can be killed at once, and still go on.
#[test]
fn going_back_loses_nothing() {
    let folder = folder();
    completes(command(folder.path(), "whole", 40));
    completes(command(folder.path(), "out", 12));
    let early = folder.path().join("early.safetensors");
    completes(command(folder.path(), "early", 6));
    std::fs::copy(&checkpoints(folder.path(), "early")[1], &early).unwrap();
    let rare = "run.checkpoint_every=1000000";
    let args = [
        "resume",
        "out",
        "--from",
        "early.safetensors",
        "--set",
        rare,
    ];
    let args = [&args[..], &["--set", "run.steps=100000000"]].concat();
    let mut run = autoket(folder.path(), &args).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    run.kill().unwrap();
    run.wait().unwrap();
    completes(command(folder.path(), "out", 40));
    assert_same(folder.path(), "whole", "out");

    // The best is one of the run's own steps.
    let best = || {
        let path = folder.path().join("out/checkpoints/best.safetensors");
        Checkpoint::read(&path)
            .unwrap()
            .parse::<usize>("step")
            .unwrap()
    };
    assert!(best() > 8, "{}", best());
    let back = [
        "resume",
        "out",
        "--from",
        "early.safetensors",
        "--set",
        "run.steps=8",
    ];
    let back = autoket(folder.path(), &back).output().unwrap();
    assert!(back.status.success(), "{}", stderr(&back));
    assert!((6..=8).contains(&best()), "{}", best());

    // Random numbers go on from the checkpoint.
    let seed = ["resume", "out", "--set", "run.seed=5"];
    let seed = autoket(folder.path(), &seed).output().unwrap();
    assert!(!seed.status.success());
    assert!(stderr(&seed).contains("run.seed"), "{}", stderr(&seed));
}

/// Thousands of steps with a checkpoint each: files that are open, files in the folder and bytes of a line of the log
/// stay as many.
#[test]
fn a_long_run_holds_no_more_files() {
    let folder = folder();
    let mut run = autoket(
        folder.path(),
        &[
            "run",
            "small.toml",
            "-q",
            "--out",
            "out",
            "--set",
            "run.steps=100000000",
            "--set",
            "run.checkpoint_every=1",
            "--set",
            "sampler.n_samples=16",
        ],
    )
    .spawn()
    .unwrap();
    let out = folder.path().join("out");
    let count = |folder: &Path| std::fs::read_dir(folder).map_or(0, Iterator::count);
    let log = || {
        let text = std::fs::read_to_string(out.join("log.jsonl")).unwrap_or_default();
        (text.len(), text.lines().count())
    };
    let begin = Instant::now();
    let until = |steps: usize| {
        while log().1 < steps {
            assert!(
                begin.elapsed() < Duration::from_secs(120),
                "{steps} steps were not done"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        let open = count(Path::new(&format!("/proc/{}/fd", run.id())));
        (open, count(&out), count(&out.join("checkpoints")), log())
    };
    let early = until(50);
    let late = until(1000);
    run.kill().unwrap();
    run.wait().unwrap();
    // One more may be open, and one more be there, while a file is written.
    assert!(late.0 <= early.0 + 2, "{early:?} {late:?}");
    assert!(late.1 <= early.1 + 2, "{early:?} {late:?}");
    assert!(late.2 <= early.2 + 2, "{early:?} {late:?}");
    let per_line = |(bytes, lines): (usize, usize)| bytes as f64 / lines as f64;
    assert!(
        per_line(late.3) < 1.1 * per_line(early.3),
        "{early:?} {late:?}"
    );
}
