//! The table of a built network.

use super::stack::{ScopedLayers, Stack, scoped};
use crate::error::Result;
use crate::models::{Ansatz, Arnn};
use crate::module::{Array, CALL, Element, Module, Scope, TabulateOptions};
use crate::nn::Activation;
use crate::random::Key;
use crate::scalar::{Dtype, Scalar};

/// A built network, for its shapes.
#[derive(Clone)]
struct Built {
    class: &'static str,
    layers: Vec<ScopedLayers>,
    param_dtype: Dtype,
    /// Of log ψ.
    dtype: Dtype,
}

impl Module for Built {
    fn class(&self) -> &'static str {
        self.class
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let x = &inputs[0];
        let stack = Stack::new(scope, self.layers.clone(), self.param_dtype, |_| None, CALL)?;
        let outputs = stack.shapes(x.shape()[0], x);
        stack.call(x, outputs, &Activation::IDENTITY)?;
        Ok(Array::shape_only(&x.shape()[..1], self.dtype))
    }
}

/// The table of a built network, for a batch of configurations.
pub(in crate::models) fn tabulate<S: Scalar>(model: &Arnn<S>, n_samples: usize) -> String {
    let built = Built {
        class: model.class(),
        layers: scoped(model),
        param_dtype: model.param_dtype(),
        dtype: S::DTYPE,
    };
    let x = Array::shape_only(&[n_samples, model.hilbert().n_sites()], Element::Int8);
    built
        .tabulate(Key::new(0), &[x], TabulateOptions::default())
        .expect("the shapes of a built network fit")
}
