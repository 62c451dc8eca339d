//! Chores of the project, without a shell: `cargo xtask test`, `bench`, `fuzz`, `pictures`.

mod bench;
mod fuzz;
mod python;

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("test") if args.len() == 1 => test(),
        Some("pictures") if args.len() == 1 => run(&[PICTURES], &[]),
        Some("bench") => ended(bench::bench(&args[1..])),
        Some("fuzz") => ended(fuzz::fuzz(&args[1..])),
        _ => {
            eprintln!("usage: cargo xtask test");
            eprintln!("       cargo xtask bench WORKLOAD [--json] [--no-peer]");
            eprintln!("       cargo xtask fuzz READER SECONDS");
            eprintln!("       cargo xtask pictures");
            eprintln!();
            eprintln!(
                "  test      formatting, lints, all tests, documentation, the Python package"
            );
            eprintln!("  bench     autoket and NetKet side by side; see bench/README.md");
            eprintln!("  fuzz      feeds a reader of files what libFuzzer makes of fuzz/corpus");
            eprintln!("  pictures  draws the pictures of the documentation anew");
            ExitCode::from(2)
        }
    }
}

fn ended(result: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A call of cargo.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    cargo: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

const fn laws(level: &'static [(&'static str, &'static str)]) -> Step {
    Step {
        name: "laws",
        cargo: &[
            "test",
            // The packages of all tests: fewer would have fewer features, and all be built anew.
            "--workspace",
            "--test",
            "it",
            "--locked",
            "--quiet",
            "--",
            "models::",
            "networks::",
            "the_level_is",
        ],
        env: level,
    }
}

const LAWS: [Step; 4] = [
    laws(&[("AUTOKET_SIMD", "plain")]),
    laws(&[("AUTOKET_SIMD", "sse2")]),
    laws(&[("AUTOKET_SIMD", "sse4.2")]),
    laws(&[("AUTOKET_SIMD", "avx2")]),
];

const STEPS: &[Step] = &[
    Step {
        name: "format",
        cargo: &["fmt", "--all", "--check"],
        env: &[],
    },
    Step {
        name: "lints",
        cargo: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
        env: &[],
    },
    // Library, program, golden data, and every example in the docs and the README.
    Step {
        name: "tests",
        cargo: &["test", "--workspace", "--locked", "--quiet"],
        env: &[],
    },
    // The laws of the models again, on each lesser SIMD level; a level that the machine lacks is its best.
    LAWS[0],
    LAWS[1],
    LAWS[2],
    LAWS[3],
    Step {
        name: "docs",
        cargo: &["doc", "--workspace", "--no-deps", "--locked", "--quiet"],
        env: &[("RUSTDOCFLAGS", "-D warnings")],
    },
];

const PICTURES: Step = Step {
    name: "pictures",
    cargo: &[
        "run",
        "--package",
        "autoket",
        "--example",
        "pictures",
        "--locked",
        "--quiet",
        "--",
        "crates/autoket/pictures",
    ],
    env: &[],
};

/// What the tests on many ranks need: without it all is built for one rank.
const MPI: &str = "--features=autoket-cli/mpi";

/// Can MPI programs be built and run here?
fn has_mpi() -> bool {
    let answers = |program: &str| {
        let mut command = Command::new(program);
        let silent = command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        silent.status().is_ok_and(|status| status.success())
    };
    ["mpicc", "mpirun", "clang"].into_iter().all(answers)
}

/// What must pass.
fn test() -> ExitCode {
    let mpi = has_mpi();
    let features: &[&str] = match mpi {
        true => &[MPI],
        false => {
            println!(
                "== mpi: SKIPPED, the tests on many ranks need mpicc, mpirun and clang \
                 (Debian: libopenmpi-dev openmpi-bin clang libclang-dev)"
            );
            &[]
        }
    };
    let rust = run(STEPS, features);
    if rust != ExitCode::SUCCESS {
        return rust;
    }
    println!("== python: the wheel in target/python, beside NetKet");
    let begin = Instant::now();
    let ended = python::test(mpi);
    let seconds = begin.elapsed().as_secs_f64();
    match ended {
        Ok(()) => {
            println!("== python: passed, {seconds:.1} s");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}\n== python: FAILED, {seconds:.1} s");
            ExitCode::FAILURE
        }
    }
}

/// Calls one after the other, as far as they succeed; those on the whole workspace with these features.
fn run(steps: &[Step], features: &[&str]) -> ExitCode {
    let start = Instant::now();
    for step in steps {
        let env: Vec<String> = step.env.iter().map(|(k, v)| format!("{k}={v} ")).collect();
        let mut args = step.cargo.to_vec();
        if let Some(workspace) = args.iter().position(|arg| *arg == "--workspace") {
            args.splice(workspace + 1..workspace + 1, features.iter().copied());
        }
        println!("== {}: {}cargo {}", step.name, env.concat(), args.join(" "));
        let begin = Instant::now();
        // Cargo tells its children which cargo it is: the one that runs this very program.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let ended = Command::new(cargo)
            .args(&args)
            .envs(step.env.iter().copied())
            .status();
        let seconds = begin.elapsed().as_secs_f64();
        match ended {
            Ok(status) if status.success() => println!("== {}: passed, {seconds:.1} s", step.name),
            Ok(_) => {
                eprintln!("== {}: FAILED, {seconds:.1} s", step.name);
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("== {}: cargo could not be started: {error}", step.name);
                return ExitCode::FAILURE;
            }
        }
    }
    println!("== all passed, {:.1} s", start.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
