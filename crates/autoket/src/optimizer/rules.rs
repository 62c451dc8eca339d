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

    /// θ after a step along `gradient`; steps count from 0.
    pub fn apply(&mut self, step: usize, theta: &mut [S], gradient: &[S]) {
        let real = S::Real::from_f64;
        let scale = |x: S::Real| S::new(x, real(0.0));
        let minus_rate = scale(real(-self.learning_rate.at(step)));
        if self.rule != Rule::Sgd {
            self.mean.resize(theta.len(), S::zero());
        }
        match self.rule {
            Rule::Sgd => {
                for (theta, &g) in theta.iter_mut().zip(gradient) {
                    *theta += minus_rate * g;
                }
            }
            Rule::Momentum { beta, nesterov } => {
                let beta = scale(real(beta));
                for ((theta, &g), m) in theta.iter_mut().zip(gradient).zip(&mut self.mean) {
                    *m = g + beta * *m;
                    *theta += minus_rate * if nesterov { g + beta * *m } else { *m };
                }
            }
            Rule::Adam { b1, b2, eps } => {
                self.mean_square.resize(theta.len(), real(0.0));
                let count = step as i32 + 1;
                let (unbias_mean, unbias_square) = (1.0 - b1.powi(count), 1.0 - b2.powi(count));
                let moments = self.mean.iter_mut().zip(&mut self.mean_square);
                for ((theta, &g), (m, v)) in theta.iter_mut().zip(gradient).zip(moments) {
                    let square = g.re() * g.re() + g.im() * g.im();
                    *m = scale(real(b1)) * *m + scale(real(1.0 - b1)) * g;
                    *v = real(b2) * *v + real(1.0 - b2) * square;
                    let root = (*v / real(unbias_square)).sqrt() + real(eps);
                    *theta += minus_rate * *m / scale(real(unbias_mean) * root);
                }
            }
        }
    }
}
