//! An average over symmetries as a module.

use crate::error::Result;
use crate::module::{Array, CALL, Element, Module, Scope, no_method, with_dtype};
use crate::operator::Symmetries;
use crate::scalar::{Scalar, c64};

/// The average of a wave function over symmetries as a module, whose variables are those of the wave function's.
///
/// As [`Symmetrized`](crate::models::Symmetrized); it has `__call__`, log Ψ(σ), and no conditionals.
#[derive(Clone)]
pub struct Averaged {
    /// log ψ(σ).
    pub module: Box<dyn Module>,
    /// What it is averaged over.
    pub symmetries: Symmetries,
    /// The exponent p of the normalisation Σ|ψ|^p = 1.
    pub machine_pow: u32,
}

impl Averaged {
    /// All images of values of any number of axes before that of sites, as a batch: `(state, element)`, site.
    fn images(&self, sigma: &Array) -> Result<Array> {
        let n_sites = self.symmetries.n_sites();
        let n_states = sigma.size() / n_sites;
        let of_images = [n_states * self.symmetries.order(), n_sites];
        if sigma.is_abstract() {
            return Ok(Array::shape_only(&of_images, sigma.element()));
        }
        match sigma.element() {
            Element::Inexact(dtype) => with_dtype!(dtype, S => {
                let values = sigma.values::<S>()?;
                Array::new::<S>(&of_images, self.symmetries.of_values(&values))
            }),
            integer => {
                let values = sigma.to_integers()?;
                let images = self.symmetries.of_values(&values);
                Array::integers(&of_images, integer, images)
            }
        }
    }
}

impl Module for Averaged {
    fn class(&self) -> &'static str {
        "Symmetrized"
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let elements = format!("{} elements", self.symmetries.order());
        vec![("model", self.module.to_string()), ("symmetries", elements)]
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let fits = |sigma: &Array| sigma.shape().last() == Some(&self.symmetries.n_sites());
        let Some((sigma, rest)) = inputs.split_first().filter(|(sigma, _)| fits(sigma)) else {
            // It refuses them in its words.
            return self.module.call(scope, inputs);
        };
        let images = self.images(sigma)?;
        let order = self.symmetries.order();
        let log_psi = self.module.call(scope, &[&[images], rest].concat())?;
        let batch = match sigma.shape() {
            // A state alone is a batch of one.
            [_] => &[1],
            [batch @ .., _] => batch,
            [] => &[],
        };
        if log_psi.is_abstract() {
            return Ok(Array::shape_only(batch, log_psi.element()));
        }
        let p = f64::from(self.machine_pow);
        let values = log_psi.values::<c64>()?;
        let averages = values.chunks_exact(order).map(|y| super::average(p, y));
        match log_psi.element() {
            Element::Inexact(dtype) => with_dtype!(dtype, S => {
                Array::new::<S>(batch, averages.map(S::from_c64).collect())
            }),
            _ => Array::new::<c64>(batch, averages.collect()),
        }
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match name {
            CALL => self.call(scope, inputs),
            _ => Err(no_method(self.class(), name, self.methods()).into()),
        }
    }
}
