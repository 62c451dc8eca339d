//! The layers of a network as modules: what is shown of them; their numbers come from the network.

use super::cache::Cache;
use crate::error::{Error, Result};
use crate::module::{Array, CALL, Module, Scope, no_method};

/// A layer as a module.
#[derive(Clone)]
pub(super) struct Layer {
    class: &'static str,
    is_fast: bool,
}

/// The name of the method by which a cached layer takes a site.
pub(super) const UPDATE_SITE: &str = "update_site";

impl Layer {
    /// A layer whose class is this where it has no cache.
    pub(super) fn new(class: &'static str, cache: Option<Cache>) -> Self {
        Self {
            class: match (class, cache) {
                ("MaskedDense1D", Some(_)) => "FastMaskedDense1D",
                ("MaskedConv1D", Some(_)) => "FastMaskedConv1D",
                ("MaskedConv2D", Some(_)) => "FastMaskedConv2D",
                ("RNNLayer", Some(_)) => "FastRNNLayer",
                (class, _) => class,
            },
            is_fast: cache.is_some(),
        }
    }
}

impl Module for Layer {
    fn class(&self) -> &'static str {
        self.class
    }

    fn call(&self, _: &Scope, _: &[Array]) -> Result<Array> {
        Err(Error::invalid(
            "module",
            "a network",
            format!("a {} without one", self.class),
            "the numbers of a layer come from its network: call that",
        ))
    }

    fn methods(&self) -> Vec<&'static str> {
        match self.is_fast {
            true => vec![CALL, UPDATE_SITE],
            false => vec![CALL],
        }
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match self.methods().contains(&name) {
            true => self.call(scope, inputs),
            false => Err(no_method(self.class, name, self.methods()).into()),
        }
    }
}
