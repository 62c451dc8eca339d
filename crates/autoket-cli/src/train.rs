//! The steps of a run, with its log and its checkpoints.

use std::time::Instant;

use anyhow::Result;
use autoket::Error;
use autoket::checkpoint::Checkpoint;
use autoket::config::{OnNotFinite, RunFile};
use autoket::logging::{JsonLog, Value};
use autoket::observables::Measured;
use autoket::stats::Stats;

use crate::checkpoints::Checkpoints;
use crate::folder::Folder;
use crate::progress::Progress;
use crate::run::observables;
use crate::session::Session;
use crate::stop::CheckpointAsked;

/// Halvings of the learning rate in a row, after which a run ends.
const MOST_HALVINGS: usize = 30;

/// What the rank that writes keeps of a run.
struct Books<'a> {
    folder: &'a Folder,
    log: JsonLog,
    checkpoints: Checkpoints,
    clock: Clock,
    asked: &'a CheckpointAsked,
    config: String,
    energy: f64,
}

/// Time over all processes of a run.
#[derive(Clone, Copy)]
pub struct Clock {
    before: f64,
    start: Instant,
}

impl Clock {
    /// Goes on from so many seconds.
    pub fn from(before: f64) -> Self {
        Self {
            before,
            start: Instant::now(),
        }
    }

    /// Seconds by now.
    pub fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }
}

/// The note of a checkpoint that says how long the run had taken.
const SECONDS: &str = "seconds";

/// The note of a checkpoint that holds the run file as resolved.
pub const CONFIG: &str = "run";

/// The clock of the run of a checkpoint.
pub fn clock_of(checkpoint: &Checkpoint) -> Result<Clock> {
    Ok(Clock::from(checkpoint.parse(SECONDS)?))
}

/// Steps until the planned number is done or the user asks to stop.
///
/// However it ends, the log and the last good parameters are written.
pub fn train(
    file: &RunFile,
    session: &mut Session,
    folder: Option<&Folder>,
    clock: Clock,
    mut progress: Progress,
    asked: &CheckpointAsked,
    is_stopped: impl Fn() -> bool,
) -> Result<()> {
    let settings = &file.config.run;
    let mut books = match folder {
        Some(folder) => Some(Books::open(folder, file, session.steps(), clock, asked)?),
        None => None,
    };
    let logged = books.as_ref().map_or(usize::MAX, |books| books.log.steps());
    if logged < session.steps() {
        let begun = session.steps();
        progress.say(&format!(
            "warning: the log is damaged: of {begun} steps it holds {logged}"
        ));
    }
    let observables = observables(file)?;
    let named = file.config.observables.as_ref();
    let every = named.map_or(1, |named| named.every);
    let (mut warned, mut halvings) = (false, 0);
    let ended = loop {
        let step = session.steps();
        if step >= settings.steps || is_stopped() {
            break Ok(());
        }
        let wanted = match step % every {
            0 => &observables[..],
            _ => &[],
        };
        let (record, measured) = match session.advance(wanted) {
            Ok(done) => done,
            Err(Error::Interrupted) => break Ok(()),
            Err(error @ Error::NotFinite { .. }) => {
                if settings.on_not_finite == OnNotFinite::Stop || halvings == MOST_HALVINGS {
                    break Err(error.into());
                }
                halvings += 1;
                session.halve_learning_rate();
                progress.say(&format!(
                    "warning: {error}; going on with half the learning rate"
                ));
                continue;
            }
            Err(error) => break Err(error.into()),
        };
        halvings = 0;
        if !warned && record.solution.is_some_and(|solution| solution.fallback) {
            warned = true;
            progress.say(&unsolved(step));
        }
        progress.step(step + 1, &record.energy);
        let noted = match &mut books {
            Some(books) => books.note(session, step, &record.energy, &measured),
            None => Ok(()),
        };
        if noted.is_err() {
            break noted;
        }
    };
    progress.finish();
    let Some(mut books) = books else {
        return ended;
    };
    let ended = ended.and_then(|()| match books.checkpoints.lacks(session.steps()) {
        true => books.checkpoint(session),
        false => Ok(()),
    });
    let written = books.write(session);
    ended.and(written).map_err(|error| {
        error.context(format!(
            "the run ended after {} of {} steps; {} holds its log and its last good parameters",
            session.steps(),
            settings.steps,
            books.folder.path().display()
        ))
    })
}

impl<'a> Books<'a> {
    /// Those of a run that begins, or goes on, after so many steps.
    fn open(
        folder: &'a Folder,
        file: &RunFile,
        begun: usize,
        clock: Clock,
        asked: &'a CheckpointAsked,
    ) -> Result<Self> {
        Ok(Self {
            log: match begun {
                0 => JsonLog::create(folder.log())?,
                step => JsonLog::resume(folder.log(), step)?,
            },
            checkpoints: Checkpoints::new(folder.checkpoints(), &file.config.run, begun),
            config: file.config.to_toml(),
            asked,
            energy: f64::INFINITY,
            folder,
            clock,
        })
    }

    /// Logs a step that has been done, and writes what is due.
    fn note(
        &mut self,
        session: &Session,
        step: usize,
        energy: &Stats,
        measured: &[Measured],
    ) -> Result<()> {
        self.energy = energy.mean.re;
        let mean = match session.is_complex() {
            true => Value::Complex(energy.mean),
            false => Value::Real(energy.mean.re),
        };
        let log = &mut self.log;
        log.record_estimate(step, "Energy", mean, energy.variance, energy.error_of_mean);
        let seconds = Value::Real(self.clock.seconds());
        log.record(step, "wallclock", &[("value", seconds)]);
        for observable in measured {
            record_observable(log, step, observable);
        }
        log.end_step()?;
        if self.asked.take() || self.checkpoints.due(step + 1) {
            let start = Instant::now();
            self.checkpoint(session)?;
            self.write(session)?;
            self.checkpoints.done(start);
        }
        Ok(())
    }

    /// Lines of the log first: whatever the checkpoint goes on from has been logged.
    fn checkpoint(&mut self, session: &Session) -> Result<()> {
        self.log.sync()?;
        let mut checkpoint = session.checkpoint()?;
        checkpoint.set_note(SECONDS, self.clock.seconds());
        checkpoint.set_note(CONFIG, &self.config);
        self.checkpoints
            .write(checkpoint, session.steps(), self.energy)
    }

    /// The log as a whole and the parameters, for others to read.
    fn write(&mut self, session: &Session) -> Result<()> {
        self.log.write()?;
        session.save_parameters(&self.folder.parameters())?;
        Ok(())
    }
}

/// Said once: an update that is not what was asked for.
fn unsolved(step: usize) -> String {
    format!(
        "warning: at step {step} the system of sr was singular to rounding or did not converge, so the \
         update is not exact; raise `sr.diag_shift`"
    )
}

/// Each number of an observable as a column, and its error.
fn record_observable(log: &mut JsonLog, step: usize, measured: &Measured) {
    let names: Vec<[String; 2]> = (measured.entries.iter())
        .map(|entry| {
            [
                format!("{} Mean", entry.label),
                format!("{} Sigma", entry.label),
            ]
        })
        .collect();
    let pairs = names.iter().zip(&measured.entries);
    let columns: Vec<(&str, Value)> = pairs
        .flat_map(|([mean, sigma], entry)| {
            [
                (mean.as_str(), Value::Real(entry.mean)),
                (sigma.as_str(), Value::Real(entry.error_of_mean)),
            ]
        })
        .collect();
    log.record(step, &measured.observable, &columns);
}
