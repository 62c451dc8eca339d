//! First-order rules: stochastic gradient descent, momentum, Adam and its kin.

use num_traits::Float;

use super::Schedule;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::scalar::{Real, Scalar};

/// Names in a checkpoint.
const HALVINGS: &str = "halvings";
const MEAN: &str = "optimizer/mean";
const MEAN_SQUARE: &str = "optimizer/mean_square";
const LARGEST: &str = "optimizer/largest";

/// How a gradient moves θ, by the names and formulas of optax.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// θ ← θ - η g.
    Sgd,
    /// m ← β m + g, θ ← θ - η m; with `nesterov`, θ ← θ - η (g + β m).
    Momentum {
        /// Decay of the momentum, NetKet's default 0.9.
        beta: f64,
        /// Look ahead?
        nesterov: bool,
    },
    /// Kingma and Ba, arXiv:1412.6980, with bias correction; |g|² for complex g.
    Adam {
        /// Decay of the mean.
        b1: f64,
        /// Decay of the mean square.
        b2: f64,
        /// Added to the root of the mean square.
        eps: f64,
    },
    /// Adam with the largest mean square so far, Reddi, Kale and Kumar, arXiv:1904.09237; it never grows its steps.
    AmsGrad {
        /// Decay of the mean.
        b1: f64,
        /// Decay of the mean square.
        b2: f64,
        /// Added to the root of the largest mean square.
        eps: f64,
    },
    /// G ← G + |g|², θ ← θ - η g/√(G + ε): Duchi, Hazan and Singer (2011).
    AdaGrad {
        /// ε.
        eps: f64,
        /// G before the first step, NetKet's default 0.1.
        initial_accumulator_value: f64,
    },
    /// v ← β v + (1 - β)|g|², θ ← θ - η g/√(v + ε): Hinton (2012).
    RmsProp {
        /// Decay of the mean square, NetKet's default 0.9.
        beta: f64,
        /// ε.
        eps: f64,
    },
}

impl Rule {
    /// Has it a memory of means, of mean squares, of the largest of these?
    fn remembers(&self) -> [bool; 3] {
        match self {
            Self::Sgd => [false, false, false],
            Self::Momentum { .. } => [true, false, false],
            Self::Adam { .. } => [true, true, false],
            Self::AmsGrad { .. } => [true, true, true],
            Self::AdaGrad { .. } | Self::RmsProp { .. } => [false, true, false],
        }
    }

    /// Mean squares before the first step.
    fn initial_square(&self) -> f64 {
        match self {
            Self::AdaGrad {
                initial_accumulator_value,
                ..
            } => *initial_accumulator_value,
            _ => 0.0,
        }
    }
}

/// A rule with its learning rate and its memory.
#[derive(Clone, Debug)]
pub struct Optimizer<S: Scalar> {
    rule: Rule,
    learning_rate: Schedule,
    halvings: u32,
    mean: Vec<S>,
    mean_square: Vec<S::Real>,
    largest: Vec<S::Real>,
}

impl<S: Scalar> Optimizer<S> {
    /// A rule without memory of earlier steps.
    pub fn new(rule: Rule, learning_rate: impl Into<Schedule>) -> Self {
        Self {
            rule,
            learning_rate: learning_rate.into(),
            halvings: 0,
            mean: Vec::new(),
            mean_square: Vec::new(),
            largest: Vec::new(),
        }
    }

    /// Another learning rate, for the steps to come.
    pub fn set_learning_rate(&mut self, learning_rate: impl Into<Schedule>) {
        self.learning_rate = learning_rate.into();
    }

    /// Half the learning rate, for the steps to come; whatever it is set to later is halved as well.
    pub fn halve_learning_rate(&mut self) {
        self.halvings += 1;
    }

    /// Keeps what it remembers of the steps so far.
    pub(crate) fn store(&self, checkpoint: &mut Checkpoint) {
        checkpoint.set_note(HALVINGS, self.halvings);
        checkpoint.put(MEAN, &self.mean);
        checkpoint.put(MEAN_SQUARE, &self.mean_square);
        checkpoint.put(LARGEST, &self.largest);
    }

    /// An optimizer like this one, with what a checkpoint remembers of its `steps` for `n` parameters.
    ///
    /// # Errors
    /// It is of a rule that remembers less.
    pub(crate) fn recall(&self, checkpoint: &Checkpoint, steps: usize, n: usize) -> Result<Self> {
        let [means, squares, largest] = self.lengths(if steps == 0 { 0 } else { n });
        let recall = |error: Error| match error {
            Error::Invalid { expected, got, .. } => Error::invalid(
                "optimizer",
                format!("a checkpoint with {expected}"),
                got,
                "keep the optimizer that the run began with, or begin another run",
            ),
            other => other,
        };
        let reals = |name, n| checkpoint.expect::<S::Real>(name, n).map_err(recall);
        Ok(Self {
            halvings: checkpoint.parse(HALVINGS)?,
            mean: checkpoint.expect(MEAN, means).map_err(recall)?,
            mean_square: reals(MEAN_SQUARE, squares)?,
            largest: reals(LARGEST, largest)?,
            ..self.clone()
        })
    }

    /// How long its memories are, for `n` parameters.
    fn lengths(&self, n: usize) -> [usize; 3] {
        self.rule.remembers().map(|has| n * usize::from(has))
    }

    /// Stochastic gradient descent.
    pub fn sgd(learning_rate: impl Into<Schedule>) -> Self {
        Self::new(Rule::Sgd, learning_rate)
    }

    /// Adam with optax's defaults, b1 = 0.9, b2 = 0.999, eps = 1e-8.
    pub fn adam(learning_rate: impl Into<Schedule>) -> Self {
        Self::new(
            Rule::Adam {
                b1: 0.9,
                b2: 0.999,
                eps: 1e-8,
            },
            learning_rate,
        )
    }

    /// Moves θ by a step along `gradient`; steps count from 0.
    ///
    /// False where a number would not be finite: then θ and the memory of earlier steps are as before.
    #[must_use]
    pub fn apply(&mut self, step: usize, theta: &mut [S], gradient: &[S]) -> bool {
        let real = S::Real::from_f64;
        let [means, squares, largest] = self.lengths(theta.len());
        self.mean.resize(means, S::zero());
        self.mean_square
            .resize(squares, real(self.rule.initial_square()));
        self.largest.resize(largest, real(0.0));
        let moved = self.movement(step);
        let next = |this: &Self, i: usize, theta: &[S]| {
            let or_zero = |memory: &[S::Real]| memory.get(i).copied().unwrap_or(real(0.0));
            let before = Entry {
                theta: theta[i],
                mean: this.mean.get(i).copied().unwrap_or_else(S::zero),
                mean_square: or_zero(&this.mean_square),
                largest: or_zero(&this.largest),
            };
            moved(before, gradient[i])
        };
        if !(0..theta.len()).all(|i| next(self, i, theta).is_finite()) {
            return false;
        }
        for i in 0..theta.len() {
            let after = next(self, i, theta);
            theta[i] = after.theta;
            if let Some(mean) = self.mean.get_mut(i) {
                *mean = after.mean;
            }
            if let Some(mean_square) = self.mean_square.get_mut(i) {
                *mean_square = after.mean_square;
            }
            if let Some(largest) = self.largest.get_mut(i) {
                *largest = after.largest;
            }
        }
        true
    }

    /// How a step moves an entry along its gradient.
    fn movement(&self, step: usize) -> impl Fn(Entry<S>, S) -> Entry<S> + use<S> {
        let real = S::Real::from_f64;
        let scale = |x: S::Real| S::new(x, S::Real::from_f64(0.0));
        let rate = self.learning_rate.at(step) * 0.5_f64.powi(self.halvings as i32);
        let minus_rate = scale(real(-rate));
        let rule = self.rule;
        let count = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let (b1, b2) = match rule {
            Rule::Adam { b1, b2, .. } | Rule::AmsGrad { b1, b2, .. } => (b1, b2),
            _ => (0.0, 0.0),
        };
        let bias = [b1, b2].map(|b| real(1.0 - b.powi(count)));
        let square = |g: S| g.re() * g.re() + g.im() * g.im();
        // Means of steps so far, and of their squares, without the bias towards the zeros they began with.
        let adam = move |e: &mut Entry<S>, g: S| {
            e.mean = scale(real(b1)) * e.mean + scale(real(1.0 - b1)) * g;
            e.mean_square = real(b2) * e.mean_square + real(1.0 - b2) * square(g);
            (bias[0], e.mean_square / bias[1])
        };
        move |mut e: Entry<S>, g: S| {
            let along = match rule {
                Rule::Sgd => g,
                Rule::Momentum { beta, nesterov } => {
                    let beta = scale(real(beta));
                    e.mean = g + beta * e.mean;
                    if nesterov { g + beta * e.mean } else { e.mean }
                }
                Rule::Adam { eps, .. } => {
                    let (unbias, square) = adam(&mut e, g);
                    e.mean / scale(unbias * (square.sqrt() + real(eps)))
                }
                Rule::AmsGrad { eps, .. } => {
                    let (unbias, square) = adam(&mut e, g);
                    e.largest = e.largest.max(square);
                    e.mean / scale(unbias * (e.largest.sqrt() + real(eps)))
                }
                Rule::AdaGrad { eps, .. } => {
                    e.mean_square += square(g);
                    match e.mean_square > real(0.0) {
                        true => g / scale((e.mean_square + real(eps)).sqrt()),
                        false => S::zero(),
                    }
                }
                Rule::RmsProp { beta, eps } => {
                    e.mean_square = real(beta) * e.mean_square + real(1.0 - beta) * square(g);
                    g / scale((e.mean_square + real(eps)).sqrt())
                }
            };
            e.theta += minus_rate * along;
            e
        }
    }
}

/// An entry of θ with its memory.
struct Entry<S: Scalar> {
    theta: S,
    mean: S,
    mean_square: S::Real,
    largest: S::Real,
}

impl<S: Scalar> Entry<S> {
    fn is_finite(&self) -> bool {
        let finite = self.theta.is_finite() && self.mean.is_finite();
        finite && Float::is_finite(self.mean_square) && Float::is_finite(self.largest)
    }
}
