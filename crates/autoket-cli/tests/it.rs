//! The program as a user meets it: one test binary, one file per subject.

#[path = "it/bad_input.rs"]
mod bad_input;
#[path = "it/commands.rs"]
mod commands;
#[path = "it/examples.rs"]
mod examples;
#[cfg(feature = "mpi")]
#[path = "it/hosts.rs"]
mod hosts;
#[cfg(feature = "mpi")]
#[path = "it/mpi.rs"]
mod mpi;
#[path = "it/resuming.rs"]
mod resuming;
#[path = "it/stopping.rs"]
mod stopping;

use std::path::Path;
use std::process::{Command, Output};

/// A run of a second: 3x3 Ising.
const SMALL: &str = r#"[lattice]
kind = "square"
extent = [3, 3]
pbc = false

[hamiltonian]
kind = "Ising"
h = 3.0

[model]
kind = "ARNNConv2D"
layers = 2
features = 4
kernel_size = [2, 3]

[sampler]
n_samples = 128

[optimizer]
kind = "Sgd"
learning_rate = 0.05

[sr]
diag_shift = 0.01

[run]
steps = 10
seed = 3
final_samples = 1024
"#;

/// A folder of its own for a test, with [`SMALL`] as `small.toml`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "small.toml", SMALL);
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file in a temporary folder");
}

/// The program in a folder, its output not a terminal.
fn autoket(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("autoket"));
    command.current_dir(folder).args(args);
    command
}

fn output(folder: &Path, args: &[&str]) -> Output {
    autoket(folder, args).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read(path).expect("the file was written");
    serde_json::from_slice(&text).expect("it is JSON")
}
