//! The layers of a network at their places in the tree of modules.

use std::sync::Arc;

use super::layer::{Cache, Layer, UPDATE_SITE};
use crate::error::Result;
use crate::models::{Ansatz, Arnn};
use crate::module::{Array, Bound, Element, Scope, Variable};
use crate::nn::{Activation, MaskedLayer};
use crate::params::Params;
use crate::scalar::{Dtype, Scalar};

/// The layers of one scope, and its path.
pub(super) type ScopedLayers = (String, Arc<[MaskedLayer]>);

/// The layers of a network by their scopes.
pub(super) fn scoped<S: Scalar>(model: &Arnn<S>) -> Vec<ScopedLayers> {
    let layers: Vec<_> = model.layers().collect();
    let scopes = layers.chunk_by(|(a, _), (b, _)| a == b);
    let scope = |layers: &[(&str, &MaskedLayer)]| {
        let masked = layers.iter().map(|(_, layer)| (*layer).clone());
        (layers[0].0.to_owned(), masked.collect())
    };
    scopes.map(scope).collect()
}

/// The layers of a network at their places, parameters made.
pub(super) struct Stack {
    layers: Vec<Bound<Layer>>,
}

impl Stack {
    /// The layers as submodules, each with a `cache` where there is one, and parameters made in the order of `method`.
    pub(super) fn new(
        scope: &Scope,
        layers: Vec<ScopedLayers>,
        param_dtype: Dtype,
        cache: impl Fn(bool) -> Option<Cache>,
        method: &str,
    ) -> Result<Self> {
        let enter = |(l, (path, masked)): (usize, ScopedLayers)| {
            let cache = cache(l == 0);
            let layer = Layer {
                class: match (masked[0].class(), cache) {
                    ("MaskedDense1D", Some(_)) => "FastMaskedDense1D",
                    ("MaskedConv1D", Some(_)) => "FastMaskedConv1D",
                    ("MaskedConv2D", Some(_)) => "FastMaskedConv2D",
                    (class, _) => class,
                },
                masked,
                param_dtype,
                is_first: l == 0,
                cache,
                output: None,
            };
            let bound = scope.named(&path, layer)?;
            bound
                .module()
                .parameters(&bound.scope().rewound(), method)?;
            Ok(bound)
        };
        Ok(Self {
            layers: layers
                .into_iter()
                .enumerate()
                .map(enter)
                .collect::<Result<_>>()?,
        })
    }

    /// θ in the type of the computation.
    pub(super) fn theta<S: Scalar>(&self, engine: &Arnn<S>) -> Result<Params<S>> {
        let mut params = Params {
            layout: engine.layout().clone(),
            values: vec![S::default(); engine.layout().n_parameters()],
        };
        for (layer, (path, masked)) in self.layers.iter().zip(scoped(engine)) {
            for leaf in masked.iter().flat_map(MaskedLayer::leaves) {
                let variable = layer.scope().get_variable("params", leaf.name);
                let range = engine.layout().range(&path, leaf.name);
                if let (Some(variable), Some(range)) = (variable, range) {
                    params.values[range].copy_from_slice(&variable.array()?.values::<S>()?);
                }
            }
        }
        Ok(params)
    }

    /// The type in which inputs and parameters meet.
    pub(super) fn element(&self, x: &Array) -> Element {
        let mut element = x.element();
        for layer in &self.layers {
            let masked = layer.module().masked.iter();
            for leaf in masked.flat_map(MaskedLayer::leaves) {
                if let Some(Variable::Array(array)) =
                    layer.scope().get_variable("params", leaf.name)
                {
                    element = element.promote(array.element());
                }
            }
        }
        element
    }

    /// The outputs of the layers for `n_samples`, as shapes.
    pub(super) fn shapes(&self, n_samples: usize, x: &Array) -> Vec<Array> {
        let element = self.element(x);
        let shape = |layer: &Bound<Layer>| {
            let masked = &layer.module().masked;
            let last = &masked[masked.len() - 1];
            let shape = [&[n_samples], last.lattice(), &[last.features()[1]]].concat();
            Array::shape_only(&shape, element)
        };
        self.layers.iter().map(shape).collect()
    }

    /// The engine's outputs as arrays of the layers' shapes.
    pub(super) fn outputs<S: Scalar>(&self, x: &Array, values: Vec<Vec<S>>) -> Result<Vec<Array>> {
        let shapes = self.shapes(x.shape()[0], x);
        let arrays = shapes.iter().zip(values);
        arrays
            .map(|(shape, values)| Array::new(shape.shape(), values))
            .collect()
    }

    /// Calls each layer, for those who look at calls: `outputs` go through it.
    pub(super) fn call(
        self,
        x: &Array,
        outputs: Vec<Array>,
        activation: &Activation,
    ) -> Result<()> {
        let lattice = self.layers[0].module().masked[0].lattice();
        let mut x = x.reshape(&[&[x.shape()[0]], lattice, &[1]].concat())?;
        for (layer, output) in self.layers.into_iter().zip(outputs) {
            let next = output.activate(activation);
            with_output(&layer, output).call(&[x])?;
            x = next;
        }
        Ok(())
    }

    /// Gives each layer the site `index`: `outputs` are those of all sites.
    pub(super) fn update_site(
        self,
        x: &Array,
        index: usize,
        outputs: Vec<Array>,
        activation: &Activation,
    ) -> Result<()> {
        let n_sites = x.shape()[1];
        let at = |outputs: &Array, site: usize| {
            let shape = outputs.shape();
            let shape = [shape[0], n_sites, shape[shape.len() - 1]];
            outputs.reshape(&shape)?.at(1, site)
        };
        let mut input = at(
            &x.reshape(&[x.shape(), &[1]].concat())?,
            (index + n_sites - 1) % n_sites,
        )?;
        for (layer, output) in self.layers.into_iter().zip(outputs) {
            let output = at(&output, index)?;
            let next = output.activate(activation);
            with_output(&layer, output).method(UPDATE_SITE, &[input, Array::index(index)])?;
            input = next;
        }
        Ok(())
    }
}

/// The layer at its place, now that its output is known.
fn with_output(layer: &Bound<Layer>, output: Array) -> Bound<Layer> {
    let module = Layer {
        output: Some(output),
        ..layer.module().clone()
    };
    Bound::new(module, layer.scope().rewound())
}
