//! The checkpoints of a run: when one is due, which are kept, which is the last whole one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use autoket::Error;
use autoket::checkpoint::Checkpoint;
use autoket::config::RunSettings;

use crate::report::{self, Refused};

/// The checkpoints of a folder.
pub struct Checkpoints {
    folder: PathBuf,
    every: Option<usize>,
    pause: Option<Duration>,
    keep: usize,
    last: Instant,
    cost: Duration,
    best: f64,
    written_at: usize,
}

/// Seconds between two at least, where the run file does not say.
const PAUSE: Duration = Duration::from_secs(2);
/// They may take one part in so many of the time of a run, where the run file does not say.
const SHARE: u32 = 200;
/// The one of the lowest energy.
const BEST: &str = "best.safetensors";
const PREFIX: &str = "step-";
const SUFFIX: &str = ".safetensors";
/// The note that holds the energy of the step before.
const ENERGY: &str = "energy";

impl Checkpoints {
    /// Those of a run that begins, or goes on, at a step.
    pub fn new(folder: PathBuf, settings: &RunSettings, step: usize) -> Self {
        let minutes = settings.checkpoint_minutes;
        let best = Checkpoint::read(&folder.join(BEST)).and_then(|best| best.parse(ENERGY));
        Self {
            every: settings.checkpoint_every,
            pause: minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes)),
            keep: settings.checkpoint_keep,
            last: Instant::now(),
            cost: Duration::ZERO,
            best: best.unwrap_or(f64::INFINITY),
            written_at: step,
            folder,
        }
    }

    /// Is it time for one after so many steps?
    pub fn due(&self, step: usize) -> bool {
        let by_steps = self.every.is_some_and(|every| step.is_multiple_of(every));
        let pause = match (self.pause, self.every) {
            (None, Some(_)) => return by_steps,
            (pause, _) => pause.unwrap_or(PAUSE.max(self.cost * SHARE)),
        };
        by_steps || self.last.elapsed() >= pause
    }

    /// Is there none of this step yet?
    pub fn lacks(&self, step: usize) -> bool {
        self.written_at != step
    }

    /// Writes one; of those before, as many as are kept stay.
    pub fn write(&mut self, mut checkpoint: Checkpoint, step: usize, energy: f64) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|error| Error::io(&self.folder, error))?;
        checkpoint.set_note(ENERGY, energy);
        checkpoint.write(&place(&self.folder, step))?;
        if energy < self.best {
            checkpoint.write(&self.folder.join(BEST))?;
            self.best = energy;
        }
        let found = in_folder(&self.folder)?;
        for (_, old) in found.iter().rev().skip(self.keep) {
            fs::remove_file(old).map_err(|error| Error::io(old, error))?;
        }
        self.written_at = step;
        Ok(())
    }

    /// Says that all that is written with one was, since `start`.
    pub fn done(&mut self, start: Instant) {
        self.last = Instant::now();
        self.cost = start.elapsed();
    }
}

/// The last whole one, with a warning of each that is not.
pub fn last_whole(folder: &Path, quiet: bool) -> Result<Option<Checkpoint>> {
    let found = in_folder(folder)?;
    for (_, path) in found.iter().rev() {
        match Checkpoint::read(path) {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(error) if quiet => drop(error),
            Err(error) => report::warn(&format!("{error}; looking for one before it")),
        }
    }
    match found.last() {
        // Of a run that was killed when it went back to it.
        None => Ok(Checkpoint::read(&folder.join(BEST)).ok()),
        Some((_, path)) => Err(Refused::new(
            format!(
                "none of the {} checkpoints in {} is whole; the last is {}",
                found.len(),
                folder.display(),
                path.display()
            ),
            "begin anew with `autoket run FILE --overwrite`",
        )
        .into()),
    }
}

/// Removes those of steps behind this one, of a run that goes on from an earlier one; were there any? If the best is one
/// of them, the best is from now on that of what follows.
pub fn remove_after(folder: &Path, step: usize) -> Result<bool> {
    let mut found = in_folder(folder)?;
    found.retain(|(at, _)| *at > step);
    for (_, path) in &found {
        // One that cannot be read may be of a newer version, or of a disk that comes back.
        let gone = match Checkpoint::read(path) {
            Ok(_) => fs::remove_file(path),
            Err(_) => fs::rename(path, path.with_extension("unreadable")),
        };
        gone.map_err(|error| Error::io(path, error))?;
    }
    let best = folder.join(BEST);
    let is_behind = Checkpoint::read(&best).is_ok_and(|best| {
        let at = best.parse::<usize>("step");
        at.is_ok_and(|at| at > step)
    });
    if is_behind {
        fs::remove_file(&best).map_err(|error| Error::io(&best, error))?;
    }
    Ok(!found.is_empty())
}

/// Makes sure that the one a run goes on from is among them.
pub fn keep(folder: &Path, checkpoint: &Checkpoint, step: usize) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    let path = place(folder, step);
    let is_there = Checkpoint::read(&path).is_ok_and(|found| found == *checkpoint);
    if !is_there {
        checkpoint.write(&path)?;
    }
    Ok(())
}

fn place(folder: &Path, step: usize) -> PathBuf {
    folder.join(format!("{PREFIX}{step:08}{SUFFIX}"))
}

/// Steps and files, in order; none if there is no such folder.
fn in_folder(folder: &Path) -> Result<Vec<(usize, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| Error::io(folder, error))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Error::io(folder, error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        if let Some(step) = number.and_then(|number| number.parse().ok()) {
            found.push((step, path));
        }
    }
    found.sort();
    Ok(found)
}
