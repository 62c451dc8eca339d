//! `cargo xtask bench`: the same work in autoket and in NetKet, phase by phase, call by call in turn.

mod child;
mod report;
mod work;
mod workload;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::child::Child;
use self::report::{PhaseTimes, Report};
use self::work::Work;
use self::workload::{WORKLOADS, Workload};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Fewest and most calls of a phase.
const CALLS: [usize; 2] = [5, 15];
/// Above [`CALLS`]`[0]`, calls are made as long as the slower program needs no more than this in all.
const PHASE_SECONDS: f64 = 3.0;
/// Between two calls, so that the threads of the program that was called before have gone to sleep.
const REST: Duration = Duration::from_millis(200);
/// Calls are made for so long before the one that counts, unless one takes longer than this, in seconds.
const WARMING: Duration = Duration::from_millis(150);
const LONG_ENOUGH: f64 = 1.0;
/// Where a call takes longer than the first, in seconds, there are as many calls as the second.
const LONG_CALL: (f64, usize) = (10.0, 2);

/// `bench WORKLOAD [--json] [--no-peer]`, given what follows `bench`.
///
/// # Errors
/// The arguments are wrong, there is no Python with NetKet, or a program fails.
pub fn bench(args: &[String]) -> Result<()> {
    let (options, names): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| arg.starts_with("--"));
    let known = |option: &&&String| !["--json", "--no-peer"].contains(&option.as_str());
    if let Some(option) = options.iter().find(known) {
        return Err(format!("no option is called {option}; there are --json and --no-peer").into());
    }
    let has = |option: &str| options.iter().any(|o| *o == option);
    let workload = match names[..] {
        [name] => Workload::named(name),
        _ => None,
    }
    .ok_or_else(|| {
        let letters: Vec<&str> = WORKLOADS.iter().map(|w| w.name).collect();
        format!(
            "usage: cargo xtask bench WORKLOAD [--json] [--no-peer]\nworkloads: {}",
            letters.join(" ")
        )
    })?;

    let argument = serde_json::to_string(&workload)?;
    let binary = build()?;
    let autoket = || {
        let mut command = Command::new(&binary);
        command.arg(&argument);
        command
    };
    let python = if has("--no-peer") || workload.total_sz.is_some() {
        None
    } else {
        Some(python()?)
    };
    let netket = |python: &PathBuf| {
        let mut command = Command::new(python);
        command
            .arg(root().join("bench/netket_peer.py"))
            .arg(&argument)
            .envs(netket_environment());
        command
    };
    let report = measure(
        &workload,
        &autoket,
        python.as_ref().map(|p| move || netket(p)),
    )?;
    if has("--json") {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    Ok(())
}

fn measure(
    workload: &Workload,
    autoket: &dyn Fn() -> Command,
    netket: Option<impl Fn() -> Command>,
) -> Result<Report> {
    let mut ours = Child::start("autoket", autoket())?;
    let mut theirs = match &netket {
        Some(command) => Some(Child::start("NetKet", command())?),
        None => None,
    };
    eprintln!("measuring what the machine reaches ...");
    let mut about = ours.ask("about")?;
    let peer = match &mut theirs {
        Some(child) => child.ask("about")?,
        None => Value::Null,
    };
    let mut measured = Vec::new();
    for &phase in workload.phases {
        eprintln!("{phase} ...");
        // The first call compiles and fills caches.
        let mut warm = || -> Result<_> { call(&mut ours, theirs.as_mut(), phase) };
        warm()?;
        let second = warm()?;
        let slower = second.0.max(second.1.unwrap_or(0.0));
        let mut times = vec![second];
        while times.len() < calls(slower) {
            times.push(warm()?);
        }
        measured.push((phase, times));
    }
    // Other programs can only have lowered the rates.
    let again = ours.ask("about")?;
    for rate in ["gemm_gflops", "exp_gps"] {
        if again[rate].as_f64() > about[rate].as_f64() {
            about[rate] = again[rate].clone();
        }
    }
    drop((ours, theirs));

    if workload.phases.contains(&"step") {
        eprintln!("first_step ...");
        let mut times = Vec::new();
        loop {
            let ours = first_step("autoket", autoket())?;
            let theirs = match &netket {
                Some(command) => Some(first_step("NetKet", command())?),
                None => None,
            };
            times.push((ours, theirs));
            if times.len() >= calls(ours.max(theirs.unwrap_or(0.0))) {
                break;
            }
        }
        measured.push(("first_step", times));
    }

    let rate = |name: &str| about[name].as_f64().unwrap_or(f64::NAN) * 1e9;
    let limit = |phase| {
        let Work { flops, exps } = workload.work(phase);
        flops / rate("gemm_gflops") + exps / rate("exp_gps")
    };
    let phases = measured
        .iter()
        .map(|(phase, times)| PhaseTimes::new(phase, times, limit(phase)))
        .collect();
    Ok(Report {
        workload: workload.name,
        machine: machine(&about, peer),
        phases,
    })
}

/// How many calls, by the seconds of one.
fn calls(seconds: f64) -> usize {
    if seconds > LONG_CALL.0 {
        return LONG_CALL.1;
    }
    ((PHASE_SECONDS / seconds) as usize).clamp(CALLS[0], CALLS[1])
}

/// Seconds of a phase in autoket and, where it has one, in NetKet.
fn call(ours: &mut Child, theirs: Option<&mut Child>, phase: &str) -> Result<(f64, Option<f64>)> {
    let seconds = warm_call(ours, phase)?.ok_or("autoket gave no time")?;
    let peer = match theirs {
        Some(child) => warm_call(child, phase)?,
        None => None,
    };
    Ok((seconds, peer))
}

/// Seconds of a call in the midst of others of the same program, as in a run: what is in the caches is its own,
/// and its threads have found a core each.
fn warm_call(child: &mut Child, phase: &str) -> Result<Option<f64>> {
    std::thread::sleep(REST);
    let start = Instant::now();
    loop {
        let seconds = child.ask(phase)?.as_f64();
        if seconds.is_none_or(|seconds| seconds > LONG_ENOUGH) {
            return Ok(seconds);
        }
        if start.elapsed() > WARMING {
            return Ok(child.ask(phase)?.as_f64());
        }
    }
}

/// Seconds from the start of a program to the end of its first step.
fn first_step(name: &'static str, command: Command) -> Result<f64> {
    let start = Instant::now();
    Child::start(name, command)?.ask("step")?;
    Ok(start.elapsed().as_secs_f64())
}

/// Builds autoket's side and says where it lies.
fn build() -> Result<PathBuf> {
    eprintln!("building ...");
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "--package",
            "autoket",
        ])
        .args(["--example", "bench_phases"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("the build failed".into());
    }
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "bench_phases")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo did not say where it put bench_phases".into())
}

/// The Python that has NetKet.
fn python() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("AUTOKET_BENCH_PYTHON") {
        return Ok(path.into());
    }
    ["bench/.venv/bin/python", "golden/.venv/bin/python"]
        .map(|path| root().join(path))
        .into_iter()
        .find(|path| path.exists())
        .ok_or_else(|| {
            "no Python with NetKet: see bench/README.md, or leave NetKet out with --no-peer".into()
        })
}

/// NetKet on all cores: as many devices as there are cores, or the next lower power of two.
fn netket_environment() -> [(&'static str, String); 5] {
    let devices = 1 << threads().ilog2();
    [
        ("NETKET_EXPERIMENTAL_SHARDING", "1".into()),
        ("NETKET_EXPERIMENTAL_SHARDING_CPU", devices.to_string()),
        ("JAX_PLATFORMS", "cpu".into()),
        ("TF_CPP_MIN_LOG_LEVEL", "3".into()),
        ("PYTHONWARNINGS", "ignore".into()),
    ]
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Processor, cores, SIMD level, measured rates and versions.
fn machine(about: &Value, peer: Value) -> Value {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "))
        .map_or(std::env::consts::ARCH, |(_, model)| model);
    let mut machine = json!({ "cpu": cpu, "cores": threads(), "peer": peer });
    if let (Some(machine), Some(about)) = (machine.as_object_mut(), about.as_object()) {
        machine.extend(about.clone());
    }
    machine
}

/// The root of the repository.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
