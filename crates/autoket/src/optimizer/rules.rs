//! First-order rules: stochastic gradient descent, momentum, Adam.

use num_traits::Float;

use super::Schedule;
use crate::scalar::{Real, Scalar};

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
}

/// A rule with its learning rate and its memory.
#[derive(Clone, Debug)]
pub struct Optimizer<S: Scalar> {
    rule: Rule,
    learning_rate: Schedule,
    mean: Vec<S>,
    mean_square: Vec<S::Real>,
}

impl<S: Scalar> Optimizer<S> {
    /// A rule without memory of earlier steps.
    pub fn new(rule: Rule, learning_rate: impl Into<Schedule>) -> Self {
        Self {
            rule,
            learning_rate: learning_rate.into(),
            mean: Vec::new(),
            mean_square: Vec::new(),
        }
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
        let (n_means, n_squares) = match self.rule {
            Rule::Sgd => (0, 0),
            Rule::Momentum { .. } => (theta.len(), 0),
            Rule::Adam { .. } => (theta.len(), theta.len()),
        };
        self.mean.resize(n_means, S::zero());
        self.mean_square.resize(n_squares, real(0.0));
        let moved = self.movement(step);
        let (mean, mean_square) = (&mut self.mean, &mut self.mean_square);
        let next = |i: usize, theta: &[S], mean: &[S], mean_square: &[S::Real]| {
            let before = Entry {
                theta: theta[i],
                mean: mean.get(i).copied().unwrap_or_else(S::zero),
                mean_square: mean_square.get(i).copied().unwrap_or(real(0.0)),
            };
            moved(before, gradient[i])
        };
        if !(0..theta.len()).all(|i| next(i, theta, mean, mean_square).is_finite()) {
            return false;
        }
        for i in 0..theta.len() {
            let after = next(i, theta, mean, mean_square);
            theta[i] = after.theta;
            if let Some(mean) = mean.get_mut(i) {
                *mean = after.mean;
            }
            if let Some(mean_square) = mean_square.get_mut(i) {
                *mean_square = after.mean_square;
            }
        }
        true
    }

    /// How a step moves an entry along its gradient.
    fn movement(&self, step: usize) -> impl Fn(Entry<S>, S) -> Entry<S> + use<S> {
        let real = S::Real::from_f64;
        let scale = |x: S::Real| S::new(x, S::Real::from_f64(0.0));
        let minus_rate = scale(real(-self.learning_rate.at(step)));
        let rule = self.rule;
        move |Entry {
                  theta,
                  mean,
                  mean_square,
              },
              g| match rule {
            Rule::Sgd => Entry {
                theta: theta + minus_rate * g,
                mean,
                mean_square,
            },
            Rule::Momentum { beta, nesterov } => {
                let beta = scale(real(beta));
                let mean = g + beta * mean;
                let direction = if nesterov { g + beta * mean } else { mean };
                Entry {
                    theta: theta + minus_rate * direction,
                    mean,
                    mean_square,
                }
            }
            Rule::Adam { b1, b2, eps } => {
                let count = step as i32 + 1;
                let (unbias_mean, unbias_square) = (1.0 - b1.powi(count), 1.0 - b2.powi(count));
                let square = g.re() * g.re() + g.im() * g.im();
                let mean = scale(real(b1)) * mean + scale(real(1.0 - b1)) * g;
                let mean_square = real(b2) * mean_square + real(1.0 - b2) * square;
                let root = (mean_square / real(unbias_square)).sqrt() + real(eps);
                Entry {
                    theta: theta + minus_rate * mean / scale(real(unbias_mean) * root),
                    mean,
                    mean_square,
                }
            }
        }
    }
}

/// An entry of θ with its memory.
struct Entry<S: Scalar> {
    theta: S,
    mean: S,
    mean_square: S::Real,
}

impl<S: Scalar> Entry<S> {
    fn is_finite(&self) -> bool {
        let finite = self.theta.is_finite() && self.mean.is_finite();
        finite && Float::is_finite(self.mean_square)
    }
}
