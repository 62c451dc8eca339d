//! Numbers that change from step to step.

/// A number for each step, counted from 0, by the names of optax's schedules.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Schedule {
    /// The same at every step.
    Constant(f64),
    /// One of the changing ones.
    Changing(Changing),
}

/// A number that changes.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Changing {
    /// From `init_value` to `end_value` in `transition_steps` steps of equal size.
    Linear {
        /// At step 0.
        init_value: f64,
        /// From step `transition_steps` on.
        end_value: f64,
        /// Steps in between.
        transition_steps: u32,
    },
    /// `init_value · decay_rate^(step/transition_steps)`, not beyond `end_value` if given.
    Exponential {
        /// At step 0.
        init_value: f64,
        /// Factor for each `transition_steps` steps.
        decay_rate: f64,
        /// Steps of one factor.
        transition_steps: u32,
        /// Where it stops.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end_value: Option<f64>,
    },
    /// Half a cosine from `init_value` to `alpha · init_value` in `decay_steps` steps.
    Cosine {
        /// At step 0.
        init_value: f64,
        /// Steps of the descent.
        decay_steps: u32,
        /// What remains, as a fraction.
        #[serde(default)]
        alpha: f64,
    },
}

impl Schedule {
    /// The number at a step.
    pub fn at(&self, step: usize) -> f64 {
        let t = step as f64;
        match *self {
            Self::Constant(value) => value,
            Self::Changing(Changing::Linear {
                init_value,
                end_value,
                transition_steps,
            }) => {
                let done = (t / f64::from(transition_steps.max(1))).min(1.0);
                init_value + (end_value - init_value) * done
            }
            Self::Changing(Changing::Exponential {
                init_value,
                decay_rate,
                transition_steps,
                end_value,
            }) => {
                let value = init_value * decay_rate.powf(t / f64::from(transition_steps.max(1)));
                match end_value {
                    Some(end) if decay_rate < 1.0 => value.max(end),
                    Some(end) => value.min(end),
                    None => value,
                }
            }
            Self::Changing(Changing::Cosine {
                init_value,
                decay_steps,
                alpha,
            }) => {
                let done = (t / f64::from(decay_steps.max(1))).min(1.0);
                let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
                init_value * ((1.0 - alpha) * cosine + alpha)
            }
        }
    }

    /// The numbers it is made of, to check them.
    pub fn extremes(&self) -> [f64; 2] {
        match *self {
            Self::Constant(value) => [value, value],
            Self::Changing(Changing::Linear {
                init_value,
                end_value,
                ..
            }) => [init_value, end_value],
            Self::Changing(Changing::Exponential {
                init_value,
                end_value,
                ..
            }) => [init_value, end_value.unwrap_or(init_value)],
            Self::Changing(Changing::Cosine {
                init_value, alpha, ..
            }) => [init_value, alpha * init_value],
        }
    }
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}
