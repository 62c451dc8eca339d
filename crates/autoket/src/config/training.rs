//! The tables `[sampler]`, `[optimizer]`, `[sr]` and `[run]`.

use serde::Serialize;

use super::reader::{Result, Table};

/// The table `[sampler]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SamplerConfig {
    /// Configurations drawn in each step.
    pub n_samples: usize,
}

impl SamplerConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        table.only(&["n_samples"])?;
        let n_samples: usize = table.required("n_samples", "1024")?;
        let help = "an error bar needs two";
        table.check(n_samples >= 2, "n_samples", "at least 2 samples", help)?;
        Ok(Self { n_samples })
    }
}

/// A number that may change from step to step, by Optax's names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ScheduleConfig {
    /// The same in every step.
    Constant(f64),
    /// Changing.
    Changing(ChangingConfig),
}

/// The kinds of change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum ChangingConfig {
    /// A straight line from one value to another.
    Linear {
        /// First value.
        init_value: f64,
        /// Last value.
        end_value: f64,
        /// Steps between them.
        transition_steps: usize,
    },
    /// A factor per `transition_steps` steps.
    Exponential {
        /// First value.
        init_value: f64,
        /// Steps in which the value falls by `decay_rate`.
        transition_steps: usize,
        /// The factor.
        decay_rate: f64,
    },
    /// Half a cosine from the first value to `alpha` times it.
    Cosine {
        /// First value.
        init_value: f64,
        /// Steps of the fall.
        decay_steps: usize,
        /// Last value over first value.
        alpha: f64,
    },
}

impl ScheduleConfig {
    /// A schedule whose values are never negative.
    fn read(table: &Table<'_>, field: &str, example: &str) -> Result<Self> {
        let Some(inner) = table.subtable(field) else {
            let value: f64 = table.required(field, example)?;
            let help = format!("for example `{field} = {example}`");
            table.check(value >= 0.0, field, "a number, 0 or more", help)?;
            return Ok(Self::Constant(value));
        };
        const LINEAR: &[&str] = &["kind", "init_value", "end_value", "transition_steps"];
        const EXPONENTIAL: &[&str] = &["kind", "init_value", "transition_steps", "decay_rate"];
        const COSINE: &[&str] = &["kind", "init_value", "decay_steps", "alpha"];
        let value = |name: &str| -> Result<f64> {
            let value: f64 = inner.required(name, "0.01")?;
            inner.check(value >= 0.0, name, "a number, 0 or more", "")?;
            Ok(value)
        };
        let steps = |name: &str| -> Result<usize> {
            let steps: usize = inner.required(name, "100")?;
            inner.check(steps > 0, name, "at least 1 step", "")?;
            Ok(steps)
        };
        Ok(Self::Changing(
            match inner.name("kind", &["Linear", "Exponential", "Cosine"])? {
                None => return Err(inner.missing("kind", "\"Linear\"")),
                Some("Linear") => {
                    inner.only(LINEAR)?;
                    ChangingConfig::Linear {
                        init_value: value("init_value")?,
                        end_value: value("end_value")?,
                        transition_steps: steps("transition_steps")?,
                    }
                }
                Some("Exponential") => {
                    inner.only(EXPONENTIAL)?;
                    ChangingConfig::Exponential {
                        init_value: value("init_value")?,
                        transition_steps: steps("transition_steps")?,
                        decay_rate: value("decay_rate")?,
                    }
                }
                Some(_) => {
                    inner.only(COSINE)?;
                    let alpha = match inner.node("alpha") {
                        Some(_) => value("alpha")?,
                        None => 0.0,
                    };
                    ChangingConfig::Cosine {
                        init_value: value("init_value")?,
                        decay_steps: steps("decay_steps")?,
                        alpha,
                    }
                }
            },
        ))
    }
}

/// The table `[optimizer]`, kinds by NetKet's names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum OptimizerConfig {
    /// θ ← θ - η δ.
    Sgd {
        /// η.
        learning_rate: ScheduleConfig,
    },
    /// SGD that keeps some of its last direction.
    Momentum {
        /// Step length.
        learning_rate: ScheduleConfig,
        /// How much is kept.
        beta: f64,
        /// Looks ahead, as Nesterov does.
        nesterov: bool,
    },
    /// Adam.
    Adam {
        /// Step length.
        learning_rate: ScheduleConfig,
        /// Decay of the first moment.
        b1: f64,
        /// Decay of the second moment.
        b2: f64,
        /// Added to the denominator.
        eps: f64,
    },
}

impl OptimizerConfig {
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
        let learning_rate = ScheduleConfig::read(table, "learning_rate", "0.05")?;
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

/// The table `[sr]`: stochastic reconfiguration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SrConfig {
    /// Added to the diagonal of the metric.
    pub diag_shift: ScheduleConfig,
}

impl SrConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        table.only(&["diag_shift"])?;
        let diag_shift = match table.node("diag_shift") {
            // NetKet's default.
            None => ScheduleConfig::Constant(0.01),
            Some(_) => ScheduleConfig::read(table, "diag_shift", "0.01")?,
        };
        Ok(Self { diag_shift })
    }
}

/// The table `[run]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSettings {
    /// Steps of the optimiser.
    pub steps: usize,
    /// Where all random numbers come from.
    pub seed: i64,
    /// Fresh samples for the final energy.
    pub final_samples: usize,
    /// The folder for the results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
}

impl RunSettings {
    pub(super) fn read(table: &Table<'_>, n_samples: usize) -> Result<Self> {
        table.only(&["steps", "seed", "final_samples", "out"])?;
        let steps: usize = table.required("steps", "300")?;
        table.check(steps > 0, "steps", "at least 1 step", "")?;
        let default = n_samples.saturating_mul(16).max(1 << 14);
        let final_samples = table.optional("final_samples")?.unwrap_or(default);
        let help = "an error bar needs two";
        table.check(
            final_samples >= 2,
            "final_samples",
            "at least 2 samples",
            help,
        )?;
        let out: Option<String> = table.optional("out")?;
        let named = out.as_ref().is_none_or(|out| !out.is_empty());
        table.check(named, "out", "the name of a folder", "")?;
        Ok(Self {
            steps,
            seed: table.optional("seed")?.unwrap_or(0),
            final_samples,
            out,
        })
    }
}
