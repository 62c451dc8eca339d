//! The Python package: a wheel in an environment of its own, looked at and tested beside NetKet.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What an environment is made of; it is made anew when this changes.
const REQUIREMENTS: &str = "crates/autoket-py/tests/requirements.txt";

const PYTEST: [&str; 3] = ["-m", "pytest", "--quiet"];
/// One for each core, as far as memory for JAX goes; what XLA compiles takes most of the time, on one core.
const PROCESSES: [&str; 6] = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"];

/// Builds the wheel, installs it, and runs all checks; with MPI if the library has been built so for other tests.
pub fn test(mpi: bool) -> Result<(), String> {
    let python = environment(Path::new("target/python"))?;
    let run = |args: &[&str]| run(Command::new(&python).args(args));
    let wheels = "target/wheels";
    if Path::new(wheels).exists() {
        std::fs::remove_dir_all(wheels).map_err(|error| format!("{wheels}: {error}"))?;
    }
    // The tests' profile: optimised, and what other tests have built is used again.
    let build = [
        "-m",
        "maturin",
        "build",
        "--profile",
        "dev",
        "--quiet",
        "--auditwheel",
        "skip",
        "--out",
        wheels,
    ];
    let features: &[&str] = if mpi { &["--features", "mpi"] } else { &[] };
    run(&[&build[..], features].concat())?;
    let wheel = std::fs::read_dir(wheels)
        .and_then(|mut files| files.next().transpose())
        .map_err(|error| format!("{wheels}: {error}"))?
        .ok_or("maturin made no wheel")?;
    let wheel = wheel.path().display().to_string();
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--force-reinstall",
        "--no-deps",
    ];
    run(&[&install[..], &[&wheel]].concat())?;
    let sources = ["crates/autoket-py", "examples/python"];
    run(&[&["-m", "ruff", "check", "--quiet"], &sources[..]].concat())?;
    run(&[
        &["-m", "ruff", "format", "--check", "--quiet"],
        &sources[..],
    ]
    .concat())?;
    run(&["-m", "mypy", "--no-error-summary"])?;
    // Of the installed module: what it has is what its stub says.
    run(&[
        "-m",
        "mypy.stubtest",
        "--mypy-config-file",
        "pyproject.toml",
        // That extension types have a layout of their own is nothing that a stub need say.
        "--ignore-disjoint-bases",
        "--concise",
        "autoket._native",
    ])?;
    run(&[&PYTEST[..], &PROCESSES, &["crates/autoket-py/tests"]].concat())?;
    run(&[&PYTEST[..], &["--doctest-modules", "--pyargs", "autoket"]].concat())
}

/// The interpreter of an environment with all that the tests need.
fn environment(folder: &Path) -> Result<PathBuf, String> {
    let python = folder.join("bin/python");
    let stamp = folder.join("requirements");
    let wanted = ["golden/requirements.txt", REQUIREMENTS]
        .map(|path| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}")));
    let wanted: String = wanted.into_iter().collect::<Result<_, _>>()?;
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    let base = ["python3.11", "python3", "python3.12", "python3.13"];
    let base = base.into_iter().find(|name| is_new_enough(name));
    let base = base.ok_or("no Python 3.11 or later was found; install it")?;
    run(Command::new(base)
        .args(["-m", "venv", "--clear"])
        .arg(folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]))?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

fn is_new_enough(python: &str) -> bool {
    let asks = "import sys, venv; sys.exit(sys.version_info < (3, 11))";
    let asked = Command::new(python).args(["-c", asks]).output();
    asked.is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("failed: {shown}")),
        Err(error) => Err(format!("could not be started: {shown}: {error}")),
    }
}
