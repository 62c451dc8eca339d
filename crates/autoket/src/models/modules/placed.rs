//! A design at its place in a tree of modules.

use super::cache::Cache;
use super::inexact;
use super::unit::{Outputs, Site, Unit};
use crate::error::{Error, Result};
use crate::models::{Ansatz, Autoregressive};
use crate::models::{Arnn, Design, Node};
use crate::module::{Array, Element, Scope, with_dtype};
use crate::scalar::{Dtype, Scalar};

/// The form of a layer's cache, by its number and whether it reads σ.
pub(super) type CacheOf<'a> = &'a dyn Fn(usize, bool) -> Cache;

/// A quantity of whole configurations.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    LogPsi,
    LogConditionals,
    Conditionals,
}

/// A design with its parameters.
pub(super) struct Placed<'a> {
    scope: &'a Scope,
    design: Design,
    cache: Option<CacheOf<'a>>,
    units: Vec<Unit>,
    /// Parameters, by unit and name.
    parameters: Vec<Vec<(&'static str, Array)>>,
    /// The type in which σ and parameters meet.
    element: Element,
}

impl<'a> Placed<'a> {
    /// Checks the design, and makes parameters in the order of `method`; σ is `x`.
    pub(super) fn new(
        scope: &'a Scope,
        design: Design,
        cache: Option<CacheOf<'a>>,
        method: &str,
        x: &Array,
    ) -> Result<Self> {
        let has_phase = design.head.phase.is_some();
        if has_phase && design.param_dtype.is_complex() {
            return Err(Error::invalid(
                "param_dtype",
                "float32 or float64: a network with a phase has real parameters",
                design.param_dtype,
                "choose a real type, or leave the phase out",
            ));
        }
        with_dtype!(log_psi_dtype(design.param_dtype, has_phase), S => design.build::<S>().map(drop))?;
        let units = Unit::all(&design.network);
        let mut element = match units.iter().any(Unit::reads_sigma) {
            true => x.element(),
            false => design.param_dtype.into(),
        };
        let mut parameters = Vec::new();
        for (layer, unit) in units.iter().enumerate() {
            let cache = cache.map(|cache| cache(layer, unit.is_first()));
            let arrays = unit.parameters(scope, design.param_dtype, method, cache)?;
            for (name, array) in &arrays {
                element = element.promote(array.element());
                if has_phase && inexact(array.element())?.is_complex() {
                    return Err(Error::invalid(
                        format!("params/{}/{name}", unit.module),
                        "real numbers: the parameters of a network with a phase",
                        array,
                        "pass variables of the network",
                    ));
                }
            }
            parameters.push(arrays);
        }
        Ok(Self {
            scope,
            design,
            cache,
            units,
            parameters,
            element,
        })
    }

    /// A quantity of whole configurations `x`, of which `known` positions are, the others being whatever they are.
    pub(super) fn whole(&self, x: &Array, known: usize, wanted: Wanted) -> Result<Array> {
        let (n_samples, network) = (x.shape()[0], &self.design.network);
        let dtype = self.dtype()?;
        let conditionals = [
            n_samples,
            network.n_positions(),
            network.hilbert().local_size(),
        ];
        if x.is_abstract() {
            self.call(&self.outputs(x, None)?)?;
            return Ok(match wanted {
                Wanted::LogPsi => Array::shape_only(&[n_samples], dtype),
                Wanted::LogConditionals => Array::shape_only(&conditionals, dtype),
                Wanted::Conditionals => Array::shape_only(&conditionals, dtype.real()),
            });
        }
        with_dtype!(dtype, S => {
            let (engine, theta) = self.engine::<S>()?;
            let sigma = self.sigma(x, known)?;
            if self.scope.is_watched() {
                let numbers = |node, activated| features(&engine, &theta, &sigma, node, activated);
                self.call(&self.outputs(x, Some(&numbers))?)?;
            }
            match wanted {
                Wanted::LogPsi => Array::new(&[n_samples], engine.log_psi(&theta, &sigma)?),
                Wanted::LogConditionals => {
                    Array::new(&conditionals, engine.conditionals_log_psi(&theta, &sigma)?)
                }
                Wanted::Conditionals => {
                    let p = Array::new(&conditionals, engine.conditionals(&theta, &sigma)?)?;
                    Ok(p.cast(dtype.real()))
                }
            }
        })
    }

    /// The conditional probabilities of one site, by the way through the cache.
    pub(super) fn cached(&self, x: &Array, at: Site, cache: CacheOf<'_>) -> Result<Array> {
        let shape = [x.shape()[0], self.design.network.hilbert().local_size()];
        let dtype = self.dtype()?;
        if x.is_abstract() {
            self.update_site(at, cache, &self.outputs(x, None)?)?;
            return Ok(Array::shape_only(&shape, dtype.real()));
        }
        with_dtype!(dtype, S => {
            let (engine, theta) = self.engine::<S>()?;
            let sigma = self.sigma(x, at.position)?;
            let numbers = |node, activated| features(&engine, &theta, &sigma, node, activated);
            self.update_site(at, cache, &self.outputs(x, Some(&numbers))?)?;
            let p = engine.conditional(&theta, &sigma, at.site)?;
            Ok(Array::new(&shape, p)?.cast(dtype.real()))
        })
    }

    fn call(&self, outputs: &Outputs<'_>) -> Result<()> {
        for (layer, unit) in self.units.iter().enumerate() {
            let cache = self.cache.map(|cache| cache(layer, unit.is_first()));
            unit.call(self.scope, cache, outputs)?;
        }
        Ok(())
    }

    /// Phases do not matter for a draw.
    fn update_site(&self, at: Site, cache: CacheOf<'_>, outputs: &Outputs<'_>) -> Result<()> {
        let amplitude = self.design.head.amplitude;
        let units = self.units.iter().enumerate();
        for (layer, unit) in units.filter(|(_, unit)| unit.first <= amplitude) {
            unit.update_site(self.scope, cache(layer, unit.is_first()), at, outputs)?;
        }
        Ok(())
    }

    /// The type of log ψ.
    fn dtype(&self) -> Result<Dtype> {
        let has_phase = self.design.head.phase.is_some();
        Ok(log_psi_dtype(inexact(self.element)?, has_phase))
    }

    fn outputs<'b>(
        &'b self,
        x: &Array,
        numbers: Option<&'b dyn Fn(Node, bool) -> Result<Array>>,
    ) -> Result<Outputs<'b>> {
        Ok(Outputs {
            network: &self.design.network,
            x: x.take(1, &self.design.network.order())?,
            element: self.element,
            numbers,
        })
    }

    /// The engine of log ψ of type `S`, and its θ.
    fn engine<S: Scalar>(&self) -> Result<(Arnn<S>, Vec<S>)> {
        let engine = self.design.build::<S>()?;
        let layout = engine.layout();
        let mut theta = vec![S::default(); layout.n_parameters()];
        for (unit, arrays) in self.units.iter().zip(&self.parameters) {
            for (name, array) in arrays {
                if let Some(range) = layout.range(&unit.module, name) {
                    theta[range].copy_from_slice(&array.values::<S>()?);
                }
            }
        }
        Ok((engine, theta))
    }

    /// Local indices, of sites that are not known any.
    fn sigma(&self, x: &Array, known: usize) -> Result<Vec<u8>> {
        let (hilbert, order) = (self.design.network.hilbert(), self.design.network.order());
        let mut values = x.values::<f64>()?;
        for sample in values.chunks_exact_mut(order.len()) {
            for &site in &order[known..] {
                sample[site] = hilbert.local_states()[0];
            }
        }
        hilbert.indices_of(&values)
    }
}

fn features<S: Scalar>(
    engine: &Arnn<S>,
    theta: &[S],
    sigma: &[u8],
    node: Node,
    activated: bool,
) -> Result<Array> {
    let features = engine.features_of(theta, sigma, node, activated);
    Array::new(&[features.len()], features)
}

/// The type of log ψ for parameters of a type.
fn log_psi_dtype(parameters: Dtype, has_phase: bool) -> Dtype {
    match has_phase {
        true => parameters.complex(),
        false => parameters,
    }
}
