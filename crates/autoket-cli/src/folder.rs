//! The folder of a run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use autoket::logging::{TEMPORARY, write_atomically};
use autoket::observables::Measured;
use autoket::stats::Stats;
use serde::Serialize;

use crate::report::Refused;

/// The folder that holds the results of one run, which no other process writes to as long as this lives.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// The run file as resolved.
const RUN: &str = "run.toml";
/// The history of the run.
const LOG: &str = "log.json";
/// The same, step by step.
const LINES: &str = "log.jsonl";
/// The parameters after the last step.
const PARAMETERS: &str = "parameters.safetensors";
/// The outcome.
const SUMMARY: &str = "summary.json";
/// What the run can go on from.
const CHECKPOINTS: &str = "checkpoints";
/// Locked by the process that writes, whose number it holds.
const LOCK: &str = ".lock";

const FILES: [&str; 6] = [RUN, LOG, LINES, PARAMETERS, SUMMARY, CHECKPOINTS];

impl Folder {
    /// Takes a folder for a run, before anything is computed.
    pub fn open(path: &Path) -> Result<Self> {
        let refuse = |error: std::io::Error| cannot_write(path, &error);
        fs::create_dir_all(path).map_err(refuse)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut lock = options.open(path.join(LOCK)).map_err(refuse)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder).map_err(refuse)?;
                let title = format!("{} is in use by process {holder}", path.display());
                let cure = "wait for it or stop it, or choose another folder with `--out DIR`";
                return Err(Refused::new(title, cure).into());
            }
            Err(TryLockError::Error(error)) => return Err(refuse(error).into()),
        }
        lock.set_len(0).map_err(refuse)?;
        write!(lock, "{}", std::process::id()).map_err(refuse)?;
        let folder = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        for place in [path.to_owned(), folder.checkpoints()] {
            remove_unfinished(&place).map_err(refuse)?;
        }
        Ok(folder)
    }

    /// Does it hold a run?
    pub fn holds_run(&self) -> bool {
        FILES.iter().any(|file| self.path.join(file).exists())
    }

    /// Is the run that it holds measured to its end?
    pub fn holds_summary(&self) -> bool {
        self.path.join(SUMMARY).exists()
    }

    /// Writes the run file, and then removes what an older run left.
    pub fn begin(&self, run_file: &str) -> Result<()> {
        self.write_run_file(run_file)?;
        for old in &FILES[1..] {
            let old = self.path.join(old);
            let removed = match old.is_dir() {
                true => fs::remove_dir_all(&old),
                false => fs::remove_file(&old),
            };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(cannot_write(&self.path, &error).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the run file.
    pub fn write_run_file(&self, run_file: &str) -> Result<()> {
        let written = write_atomically(&self.run_file(), run_file.as_bytes());
        Ok(written.map_err(|error| match error {
            autoket::Error::Io { source, .. } => cannot_write(&self.path, &source),
            other => cannot_write(&self.path, &other),
        })?)
    }

    /// Where the run file is.
    pub fn run_file(&self) -> PathBuf {
        self.path.join(RUN)
    }

    /// Where the checkpoints go.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the log goes.
    pub fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// Where the parameters go.
    pub fn parameters(&self) -> PathBuf {
        self.path.join(PARAMETERS)
    }

    /// Removes the outcome of a run that goes on.
    pub fn remove_summary(&self) -> Result<()> {
        let path = self.path.join(SUMMARY);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(autoket::Error::io(path, error).into())
            }
            _ => Ok(()),
        }
    }

    /// Writes the outcome.
    pub fn write_summary(&self, summary: &Summary) -> Result<()> {
        let mut text = serde_json::to_string_pretty(summary)?;
        text.push('\n');
        Ok(write_atomically(&self.path.join(SUMMARY), text.as_bytes())?)
    }
}

fn cannot_write(path: &Path, error: &dyn std::fmt::Display) -> Refused {
    Refused::new(
        format!("cannot write the results to {}: {error}", path.display()),
        "choose another folder with `--out DIR`",
    )
}

/// Removes files that a process which was killed had not written to their ends.
fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The run file of a run that has begun.
pub fn run_file(path: &Path) -> Result<PathBuf> {
    let run_file = path.join(RUN);
    match run_file.is_file() {
        true => Ok(run_file),
        false => Err(Refused::new(
            format!("{} holds no run: {RUN} is missing", path.display()),
            "give the folder of the results of `autoket run`",
        )
        .into()),
    }
}

/// The run file and the parameters of a finished run.
pub fn finished(path: &Path) -> Result<[PathBuf; 2]> {
    let files = [RUN, PARAMETERS].map(|file| path.join(file));
    match files.iter().find(|file| !file.is_file()) {
        None => Ok(files),
        Some(missing) => Err(Refused::new(
            format!(
                "{} holds no finished run: {} is missing",
                path.display(),
                missing.display()
            ),
            "give the folder of the results of `autoket run`",
        )
        .into()),
    }
}

/// The outcome of a run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The total energy on fresh samples after the last step.
    pub energy: Energy,
    /// N Var / (E - E∞)²; none where the energy is E∞ and varies.
    pub v_score: Option<f64>,
    /// The exact ground-state energy, where it is quick to compute.
    pub exact: Option<f64>,
    /// Steps done.
    pub steps: usize,
    /// Number of parameters, complex ones counted once.
    pub n_parameters: usize,
    /// Time of the steps and the final measurement.
    pub seconds: f64,
    /// What else was measured on fresh samples.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observables: Vec<Measured>,
}

/// An energy with its error.
#[derive(Debug, Serialize)]
pub struct Energy {
    /// Mean of the local energies, its real part.
    pub mean: f64,
    /// Standard error of the mean.
    pub error_of_mean: f64,
    /// Variance of the local energies.
    pub variance: f64,
    /// Number of samples.
    pub n_samples: usize,
}

impl From<&Stats> for Energy {
    fn from(energy: &Stats) -> Self {
        Self {
            mean: energy.mean.re,
            error_of_mean: energy.error_of_mean,
            variance: energy.variance,
            n_samples: energy.n_samples,
        }
    }
}
