//! The folder of a run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use autoket::logging::write_atomically;
use autoket::observables::Measured;
use autoket::stats::Stats;
use serde::Serialize;

use crate::report::Refused;

/// The folder that holds the results of one run.
pub struct Folder {
    path: PathBuf,
}

/// The run file as resolved.
const RUN: &str = "run.toml";
/// The history of the run.
const LOG: &str = "log.json";
/// The parameters after the last step.
const PARAMETERS: &str = "parameters.safetensors";
/// The outcome.
const SUMMARY: &str = "summary.json";

const FILES: [&str; 4] = [RUN, LOG, PARAMETERS, SUMMARY];

impl Folder {
    /// Takes a folder for a run and writes the run file into it, before anything is computed.
    ///
    /// The files of an older run are removed only when the first new one could be written.
    pub fn claim(path: &Path, overwrite: bool, run_file: &str) -> Result<Self> {
        let shown = path.display();
        let holds_run = FILES.iter().any(|file| path.join(file).exists());
        if holds_run && !overwrite {
            return Err(Refused::new(
                format!("{shown} already holds a run"),
                "choose another folder with `--out DIR`, or replace the run with `--overwrite`",
            )
            .into());
        }
        let refuse = |error: &dyn std::fmt::Display| {
            Refused::new(
                format!("cannot write the results to {shown}: {error}"),
                "choose another folder with `--out DIR`",
            )
        };
        fs::create_dir_all(path).map_err(|error| refuse(&error))?;
        write_atomically(&path.join(RUN), run_file.as_bytes()).map_err(|error| match error {
            autoket::Error::Io { source, .. } => refuse(&source),
            other => refuse(&other),
        })?;
        for old in &FILES[1..] {
            match fs::remove_file(path.join(old)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(refuse(&error).into());
                }
                _ => {}
            }
        }
        Ok(Self {
            path: path.to_owned(),
        })
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

    /// Writes the outcome.
    pub fn write_summary(&self, summary: &Summary) -> Result<()> {
        let mut text = serde_json::to_string_pretty(summary)?;
        text.push('\n');
        Ok(write_atomically(&self.path.join(SUMMARY), text.as_bytes())?)
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
