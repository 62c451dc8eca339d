//! The tables `[sampler]`, `[optimizer]`, `[sr]` and `[run]`.

use serde::Serialize;

use crate::optimizer::{Changing, Rule, Schedule, Sr, SrForm};

use super::reader::{Result, Table};

/// The table `[sampler]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SamplerConfig {
    /// Configurations drawn in each step.
    pub n_samples: usize,
}

/// More would not fit into any memory.
const MOST_SAMPLES: usize = 1 << 30;

impl SamplerConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        table.only(&["n_samples"])?;
        let n_samples: usize = table.required("n_samples", "1024")?;
        let help = "an error bar needs two";
        table.check(n_samples >= 2, "n_samples", "at least 2 samples", help)?;
        table.check(
            n_samples <= MOST_SAMPLES,
            "n_samples",
            "at most 2^30 samples",
            "",
        )?;
        Ok(Self { n_samples })
    }
}

/// A number, or a table for one that changes; never negative.
fn read_schedule(table: &Table<'_>, field: &str, example: &str) -> Result<Schedule> {
    let Some(inner) = table.subtable(field) else {
        let value: f64 = table.required(field, example)?;
        let help = format!("for example `{field} = {example}`");
        table.check(value >= 0.0, field, "a number, 0 or more", help)?;
        return Ok(Schedule::Constant(value));
    };
    let value = |name: &str| -> Result<f64> {
        let value: f64 = inner.required(name, "0.01")?;
        inner.check(value >= 0.0, name, "a number, 0 or more", "")?;
        Ok(value)
    };
    let steps = |name: &str| -> Result<u32> {
        let steps: usize = inner.required(name, "100")?;
        let fits = u32::try_from(steps).ok().filter(|&steps| steps > 0);
        fits.ok_or_else(|| inner.refuse(name, "at least 1 step", ""))
    };
    let if_given = |name: &str| inner.node(name).map(|_| value(name)).transpose();
    let kind = inner.name("kind", &["linear", "exponential", "cosine"])?;
    Ok(Schedule::Changing(match kind {
        None => return Err(inner.missing("kind", "\"linear\"")),
        Some("linear") => {
            inner.only(&["kind", "init_value", "end_value", "transition_steps"])?;
            Changing::Linear {
                init_value: value("init_value")?,
                end_value: value("end_value")?,
                transition_steps: steps("transition_steps")?,
            }
        }
        Some("exponential") => {
            const FIELDS: [&str; 4] = ["init_value", "decay_rate", "transition_steps", "end_value"];
            inner.only(&[&["kind"], &FIELDS[..]].concat())?;
            Changing::Exponential {
                init_value: value("init_value")?,
                decay_rate: value("decay_rate")?,
                transition_steps: steps("transition_steps")?,
                end_value: if_given("end_value")?,
            }
        }
        Some(_) => {
            inner.only(&["kind", "init_value", "decay_steps", "alpha"])?;
            Changing::Cosine {
                init_value: value("init_value")?,
                decay_steps: steps("decay_steps")?,
                alpha: if_given("alpha")?.unwrap_or(0.0),
            }
        }
    }))
}

/// The table `[optimizer]`, kinds by NetKet's names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum OptimizerConfig {
    /// θ ← θ - η δ.
    Sgd {
        /// η.
        learning_rate: Schedule,
    },
    /// SGD that keeps some of its last direction.
    Momentum {
        /// Step length.
        learning_rate: Schedule,
        /// How much is kept.
        beta: f64,
        /// Looks ahead, as Nesterov does.
        nesterov: bool,
    },
    /// Adam.
    Adam {
        /// Step length.
        learning_rate: Schedule,
        /// Decay of the first moment.
        b1: f64,
        /// Decay of the second moment.
        b2: f64,
        /// Added to the denominator.
        eps: f64,
    },
}

impl OptimizerConfig {
    /// How an update moves the parameters.
    pub fn rule(&self) -> Rule {
        match *self {
            Self::Sgd { .. } => Rule::Sgd,
            Self::Momentum { beta, nesterov, .. } => Rule::Momentum { beta, nesterov },
            Self::Adam { b1, b2, eps, .. } => Rule::Adam { b1, b2, eps },
        }
    }

    /// How far an update moves the parameters.
    pub fn learning_rate(&self) -> Schedule {
        match *self {
            Self::Sgd { learning_rate }
            | Self::Momentum { learning_rate, .. }
            | Self::Adam { learning_rate, .. } => learning_rate,
        }
    }

    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        const SGD: &[&str] = &["kind", "learning_rate"];
        const MOMENTUM: &[&str] = &["kind", "learning_rate", "beta", "nesterov"];
        const ADAM: &[&str] = &["kind", "learning_rate", "b1", "b2", "eps"];
        let kind = table.name("kind", &["Sgd", "Momentum", "Adam"])?;
        table.only(match kind {
            Some("Momentum") => MOMENTUM,
            Some("Adam") => ADAM,
            _ => SGD,
        })?;
        let Some(kind) = kind else {
            return Err(table.missing("kind", "\"Sgd\""));
        };
        let learning_rate = read_schedule(table, "learning_rate", "0.05")?;
        let decay = |field: &str, default: f64| -> Result<f64> {
            let value = table.optional(field)?.unwrap_or(default);
            let inside = (0.0..1.0).contains(&value);
            table.check(inside, field, "a number from 0 to below 1", "")?;
            Ok(value)
        };
        Ok(match kind {
            "Sgd" => Self::Sgd { learning_rate },
            "Momentum" => Self::Momentum {
                learning_rate,
                beta: decay("beta", 0.9)?,
                nesterov: table.optional("nesterov")?.unwrap_or(false),
            },
            _ => {
                let eps = table.optional("eps")?.unwrap_or(1e-8);
                table.check(eps > 0.0, "eps", "a number above 0", "")?;
                Self::Adam {
                    learning_rate,
                    b1: decay("b1", 0.9)?,
                    b2: decay("b2", 0.999)?,
                    eps,
                }
            }
        })
    }
}

/// Forms of the system; layer by layer goes for dense layers only.
const FORMS: &[&str] = &["metric", "gram", "layerwise", "cg"];

/// The table `[sr]`: stochastic reconfiguration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SrConfig {
    /// Added to the diagonal of the metric.
    pub diag_shift: Schedule,
    /// SPRING's momentum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// How the system is solved; the cheapest way where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<SrForm>,
}

impl SrConfig {
    /// The solver.
    pub fn sr(&self) -> Sr {
        Sr {
            diag_shift: self.diag_shift,
            momentum: self.momentum,
            form: self.form,
        }
    }

    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        table.only(&["diag_shift", "momentum", "form"])?;
        let diag_shift = match table.node("diag_shift") {
            // NetKet's default.
            None => Schedule::Constant(0.01),
            Some(_) => read_schedule(table, "diag_shift", "0.01")?,
        };
        let momentum = table.optional("momentum")?;
        table.check(
            momentum.is_none_or(|mu: f64| (0.0..1.0).contains(&mu)),
            "momentum",
            "a number from 0 to below 1",
            "0.8 is a good start; leave it out for plain stochastic reconfiguration",
        )?;
        let form = match table.node("form") {
            None => None,
            Some(_) => Some(table.named("form", FORMS, SrForm::Gram)?),
        };
        Ok(Self {
            diag_shift,
            momentum,
            form,
        })
    }
}

/// The table `[run]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSettings {
    /// Steps of the optimiser.
    pub steps: usize,
    /// Where all random numbers come from.
    pub seed: i64,
    /// Of the free energy ⟨H⟩ - T S that is lowered; without it the energy is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Schedule>,
    /// Fresh samples for the final energy.
    pub final_samples: usize,
    /// The folder for the results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
    /// Steps from one checkpoint to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<usize>,
    /// Minutes from one checkpoint to the next. If neither is given: as often as takes no more than a part in 200 of
    /// the time, but not within two seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_minutes: Option<f64>,
    /// How many checkpoints are kept, beside that of the lowest energy.
    pub checkpoint_keep: usize,
    /// What happens when an energy or an update is not finite.
    pub on_not_finite: OnNotFinite,
}

/// What happens when an energy or an update is not finite; either way the parameters are those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNotFinite {
    /// The run ends.
    Stop,
    /// It goes on with half the learning rate.
    Halve,
}

/// Fields of `[run]` that may differ between a run and one that goes on from it.
pub const FREE_TO_CHANGE: &[&str] = &[
    "steps",
    "final_samples",
    "out",
    "checkpoint_every",
    "checkpoint_minutes",
    "checkpoint_keep",
    "on_not_finite",
];

impl RunSettings {
    pub(super) fn read(table: &Table<'_>, n_samples: usize) -> Result<Self> {
        table.only(&[&["seed", "temperature"], FREE_TO_CHANGE].concat())?;
        let steps: usize = table.required("steps", "300")?;
        table.check(steps > 0, "steps", "at least 1 step", "")?;
        let temperature = table.node("temperature");
        let temperature = temperature.map(|_| read_schedule(table, "temperature", "1.0"));
        let default = n_samples.saturating_mul(16).clamp(1 << 14, MOST_SAMPLES);
        let final_samples = table.optional("final_samples")?.unwrap_or(default);
        let help = "an error bar needs two";
        table.check(
            final_samples >= 2,
            "final_samples",
            "at least 2 samples",
            help,
        )?;
        let help = "`autoket evaluate` measures with more";
        table.check(
            final_samples <= MOST_SAMPLES,
            "final_samples",
            "at most 2^30 samples",
            help,
        )?;
        let out: Option<String> = table.optional("out")?;
        let named = out.as_ref().is_none_or(|out| !out.is_empty());
        table.check(named, "out", "the name of a folder", "")?;
        let checkpoint_every: Option<usize> = table.optional("checkpoint_every")?;
        let counts = checkpoint_every.is_none_or(|n| n > 0);
        table.check(counts, "checkpoint_every", "at least 1 step", "")?;
        let checkpoint_minutes: Option<f64> = table.optional("checkpoint_minutes")?;
        let passes = checkpoint_minutes.is_none_or(|minutes| minutes > 0.0 && minutes <= 1e6);
        table.check(
            passes,
            "checkpoint_minutes",
            "a number above 0, at most 1e6",
            "",
        )?;
        let checkpoint_keep = table.optional("checkpoint_keep")?.unwrap_or(2);
        let help = "with two, one is left if the other is damaged";
        table.check(checkpoint_keep > 0, "checkpoint_keep", "at least 1", help)?;
        let halves = table.name("on_not_finite", &["stop", "halve"])? == Some("halve");
        Ok(Self {
            steps,
            seed: table.optional("seed")?.unwrap_or(0),
            temperature: temperature.transpose()?,
            final_samples,
            out,
            checkpoint_every,
            checkpoint_minutes,
            checkpoint_keep,
            on_not_finite: match halves {
                true => OnNotFinite::Halve,
                false => OnNotFinite::Stop,
            },
        })
    }
}
