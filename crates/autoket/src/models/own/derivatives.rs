//! Derivatives of log ψ: the user's own, or central differences.

use super::{Own, epsilon};
use crate::error::{Error, Result};
use crate::models::Ansatz;
use crate::module::{Array, Variables};
use crate::scalar::{Scalar, c64};

impl<S: Scalar> Own<S> {
    /// The derivatives of a part of log ψ by all real numbers, `(sample, number)`.
    pub(super) fn rows(&self, theta: &[S], sigma: &[u8], part: usize) -> Result<Vec<f64>> {
        let (n, d) = (self.rules.order.len(), self.rules.hilbert.local_size());
        let p = f64::from(self.rules.machine_pow);
        let mut cotangent = self.log_conditionals(theta, sigma)?;
        for (y, &own) in cotangent.chunks_exact_mut(d).zip(sigma) {
            for (state, y) in y.iter_mut().enumerate() {
                let is_own = f64::from(u8::from(state == usize::from(own)));
                *y = S::from_c64(match part {
                    0 => c64::new(is_own - (p * y.to_c64().re).exp(), 0.0),
                    _ => c64::new(0.0, is_own),
                });
            }
        }
        let n_samples = sigma.len() / n;
        let shape = self.rules.shape(n_samples);
        let cotangents = Array::new(&shape, cotangent.clone())?;
        let variables = self.variables(theta);
        let states = self.states(sigma)?;
        match self.of.pull_back(&variables, &states, &cotangents)? {
            Some(pulled) => self.rows_of(&pulled, n_samples),
            None => self.differences(theta, sigma, &cotangent),
        }
    }

    /// What the user has pulled back, as rows.
    fn rows_of(&self, pulled: &Variables, n_samples: usize) -> Result<Vec<f64>> {
        let n_reals = self.n_reals();
        let planes = n_reals / self.layout.n_parameters().max(1);
        let mut rows = vec![0.0; n_samples * n_reals];
        for leaf in self.layout.leaves() {
            let path = leaf.path();
            let path = path.strip_prefix("params/").unwrap_or(&path);
            let array = pulled.array("params", path)?;
            let shape = [&[n_samples], leaf.shape.as_slice()].concat();
            if array.shape() != shape {
                return Err(Error::invalid(
                    path,
                    format!("a derivative of shape {shape:?}"),
                    array,
                    "give the derivative of each sample apart",
                ));
            }
            let values = array.values::<c64>()?;
            for (row, values) in rows
                .chunks_exact_mut(n_reals)
                .zip(values.chunks_exact(leaf.range.len().max(1)))
            {
                for (i, value) in leaf.range.clone().zip(values) {
                    row[i * planes] = value.re;
                    if planes == 2 {
                        row[i * planes + 1] = value.im;
                    }
                }
            }
        }
        Ok(rows)
    }

    fn differences(&self, theta: &[S], sigma: &[u8], cotangent: &[S]) -> Result<Vec<f64>> {
        let n_reals = self.n_reals();
        let planes = n_reals / self.layout.n_parameters().max(1);
        let per_sample = self.rules.order.len() * self.rules.hilbert.local_size();
        let mut rows = vec![0.0; cotangent.len() / per_sample * n_reals];
        let mut moved = theta.to_vec();
        for (i, &x) in theta.iter().enumerate() {
            for plane in 0..planes {
                let step = epsilon::<S>().cbrt() * x.to_c64().norm().max(1.0);
                let step = match plane {
                    0 => c64::new(step, 0.0),
                    _ => c64::new(0.0, step),
                };
                let mut at = |step: c64| {
                    moved[i] = S::from_c64(x.to_c64() + step);
                    let y = self.raw(&moved, sigma);
                    // What the number has become by rounding.
                    let step = (moved[i].to_c64() - x.to_c64()).norm();
                    moved[i] = x;
                    y.map(|y| (y, step))
                };
                let ((above, up), (below, down)) = (at(step)?, at(-step)?);
                let samples = rows.chunks_exact_mut(n_reals).enumerate();
                for (sample, row) in samples {
                    let entries = sample * per_sample..(sample + 1) * per_sample;
                    let change = entries.map(|k| {
                        let dy = above[k].to_c64() - below[k].to_c64();
                        let c = cotangent[k].to_c64();
                        c.re * dy.re + c.im * dy.im
                    });
                    row[i * planes + plane] = change.sum::<f64>() / (up + down);
                }
            }
        }
        Ok(rows)
    }
}
