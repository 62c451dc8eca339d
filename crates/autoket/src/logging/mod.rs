//! The history of a run as JSON, in the layout of NetKet's `JsonLog`.
//!
//! ```json
//! {"Energy": {"iters": [0, 1], "Mean": [-3.8, -4.7], "Variance": [5.5, 0.02],
//!  "Sigma": [0.24, 0.01], "R_hat": [null, null], "TauCorr": [0.0, 0.0]},
//!  "wallclock": {"iters": [0, 1], "value": [0.1, 0.2]}}
//! ```
//!
//! Beside it each step is a line of its own, `{"step": 0, "Energy": {"Mean": -3.8, ...}, ...}`, appended as it ends: what a run that
//! was killed has logged is there, and a run that goes on begins behind the lines of its checkpoint.
//!
//! A complex quantity is `{"real": [...], "imag": [...]}`, and NaN is `null`, as NetKet writes them.
//! `R_hat` is always `null` and `TauCorr` always 0: direct samples are independent.

mod lines;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{Error, Result, c64};

use lines::{Line, Lines};

/// One number of a record.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A real number.
    Real(f64),
    /// A complex number.
    Complex(c64),
}

/// The values of one column, all real or all complex.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    real: Vec<f64>,
    imag: Option<Vec<f64>>,
}

/// One quantity over the steps.
#[derive(Clone, Debug)]
struct History {
    name: String,
    iters: Vec<usize>,
    columns: Vec<Column>,
}

/// A log that is kept in memory, appended step by step, and written whole when asked.
///
/// The whole file is replaced in one motion, so that it is complete at any instant. The lines are in a file of the
/// same name that ends in `.jsonl`.
/// NetKet: `nk.logging.JsonLog`.
///
/// ```
/// use autoket::logging::{JsonLog, Value};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("log.json");
/// let mut log = JsonLog::create(&path)?;
/// for step in 0..3 {
///     log.record(step, "Energy", &[("Mean", Value::Real(-0.5))]);
///     log.end_step()?;
/// }
/// drop(log);
/// // It was killed after its checkpoint of step 2.
/// let mut log = JsonLog::resume(&path, 2)?;
/// assert_eq!(log.steps(), 2);
/// log.write()?;
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonLog {
    path: PathBuf,
    histories: Vec<History>,
    lines: Lines,
    /// Of the step that has not ended.
    line: Line,
    steps: usize,
}

impl JsonLog {
    /// An empty log that will be written to `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let lines = Lines::create(path.with_extension("jsonl"))?;
        let mut log = Self::of(path, lines);
        log.write()?;
        Ok(log)
    }

    /// The log of a run that goes on after so many steps: lines behind them, and one that was cut short, are removed.
    ///
    /// # Errors
    /// The files cannot be read or written.
    pub fn resume(path: impl Into<PathBuf>, steps: usize) -> Result<Self> {
        let path = path.into();
        let mut histories = Vec::new();
        let (lines, kept) = Lines::resume(path.with_extension("jsonl"), steps, |line| {
            for (name, values) in &line.entries {
                let values: Vec<(&str, Value)> = values
                    .iter()
                    .map(|(name, value)| (name.as_str(), *value))
                    .collect();
                push(&mut histories, line.step, name, &values);
            }
        })?;
        if kept < steps && path.exists() {
            // It may hold what the lines do not.
            let aside = path.with_extension("json.damaged");
            std::fs::copy(&path, &aside).map_err(|error| Error::io(&aside, error))?;
        }
        let mut log = Self {
            histories,
            steps: kept,
            ..Self::of(path, lines)
        };
        log.write()?;
        Ok(log)
    }

    fn of(path: PathBuf, lines: Lines) -> Self {
        Self {
            path,
            histories: Vec::new(),
            lines,
            line: Line::default(),
            steps: 0,
        }
    }

    /// Steps that have ended.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Adds the values of one quantity at one step.
    ///
    /// A quantity has the same columns at every step.
    pub fn record(&mut self, step: usize, name: &str, values: &[(&str, Value)]) {
        push(&mut self.histories, step, name, values);
        self.line.step = step;
        let values = values.iter().map(|&(name, value)| (name.to_owned(), value));
        self.line.entries.push((name.to_owned(), values.collect()));
    }

    /// Appends the line of what was recorded since the last step ended.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end_step(&mut self) -> Result<()> {
        let line = std::mem::take(&mut self.line);
        self.steps += 1;
        self.lines.append(&line)
    }

    /// Waits until the lines are on the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn sync(&self) -> Result<()> {
        self.lines.sync()
    }

    /// Adds an estimate from independent samples, as NetKet logs its `Stats`.
    ///
    /// `mean` decides whether the column `Mean` is complex.
    pub fn record_estimate(
        &mut self,
        step: usize,
        name: &str,
        mean: Value,
        variance: f64,
        sigma: f64,
    ) {
        let columns = [
            ("Mean", mean),
            ("Variance", Value::Real(variance)),
            ("Sigma", Value::Real(sigma)),
            ("R_hat", Value::Real(f64::NAN)),
            ("TauCorr", Value::Real(0.0)),
        ];
        self.record(step, name, &columns);
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self) -> Result<()> {
        let text = serde_json::to_vec(self).expect("numbers and strings have a JSON form");
        write_atomically(&self.path, &text)
    }
}

/// How names of files begin that were not yet whole when a program was killed.
pub const TEMPORARY: &str = ".tmp-";

/// Replaces a file in one motion: whoever reads it sees the old text or the new one, whole.
///
/// # Errors
/// The file or its folder cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let replace = || {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        readable_by_all(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    replace().map_err(|error| Error::io(path, error))
}

/// A rename is on the disk once its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Temporary files are private; results should have the mode of any other file.
#[cfg(unix)]
fn readable_by_all(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

impl History {
    fn new(name: &str, values: &[(&str, Value)]) -> Self {
        let column = |&(name, value): &(&str, Value)| Column {
            name: name.to_owned(),
            real: Vec::new(),
            imag: matches!(value, Value::Complex(_)).then(Vec::new),
        };
        Self {
            name: name.to_owned(),
            iters: Vec::new(),
            columns: values.iter().map(column).collect(),
        }
    }

    fn push(&mut self, step: usize, values: &[(&str, Value)]) {
        self.iters.push(step);
        for column in &mut self.columns {
            let given = values.iter().find(|(name, _)| *name == column.name);
            let z = match given {
                Some(&(_, Value::Real(x))) => c64::new(x, 0.0),
                Some(&(_, Value::Complex(z))) => z,
                None => c64::new(f64::NAN, f64::NAN),
            };
            column.real.push(z.re);
            if let Some(imag) = &mut column.imag {
                imag.push(z.im);
            }
        }
    }
}

fn push(histories: &mut Vec<History>, step: usize, name: &str, values: &[(&str, Value)]) {
    let known = histories.iter().position(|h| h.name == name);
    let at = known.unwrap_or_else(|| {
        histories.push(History::new(name, values));
        histories.len() - 1
    });
    histories[at].push(step, values);
}

impl Serialize for JsonLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.histories.iter().map(|h| (&h.name, h)))
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.columns.len()))?;
        map.serialize_entry("iters", &self.iters)?;
        for column in &self.columns {
            map.serialize_entry(&column.name, column)?;
        }
        map.end()
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // serde_json writes NaN and infinity as null, which is NetKet's way too.
        match &self.imag {
            None => self.real.serialize(serializer),
            Some(imag) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("real", &self.real)?;
                map.serialize_entry("imag", imag)?;
                map.end()
            }
        }
    }
}
