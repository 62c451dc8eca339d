//! A masked layer as a submodule, and the past that it keeps.

use std::sync::Arc;

use super::{inexact, site};
use crate::error::{Error, Result};
use crate::module::{Array, CALL, Module, Scope, no_method, with_dtype};
use crate::nn::MaskedLayer;
use crate::random::Key;
use crate::scalar::{Dtype, Scalar};

/// A layer as a submodule: parameters and cache; its output is given to it.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) class: &'static str,
    /// Those that share its scope: a cell may have several.
    pub(super) masked: Arc<[MaskedLayer]>,
    pub(super) param_dtype: Dtype,
    pub(super) is_first: bool,
    pub(super) cache: Option<Cache>,
    pub(super) output: Option<Array>,
}

/// The name of the method by which a cached layer takes a site.
pub(super) const UPDATE_SITE: &str = "update_site";

impl Module for Layer {
    fn class(&self) -> &'static str {
        self.class
    }

    fn call(&self, scope: &Scope, _: &[Array]) -> Result<Array> {
        self.parameters(scope, CALL)?;
        self.given_output()
    }

    fn methods(&self) -> Vec<&'static str> {
        match self.cache {
            Some(_) => vec![CALL, UPDATE_SITE],
            None => vec![CALL],
        }
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match (name, self.cache) {
            (CALL, _) => self.call(scope, inputs),
            (UPDATE_SITE, Some(cache)) => {
                self.parameters(scope, UPDATE_SITE)?;
                self.update_cache(cache, scope, inputs)?;
                self.given_output()
            }
            _ => Err(no_method(self.class, name, self.methods()).into()),
        }
    }
}

impl Layer {
    /// Makes or checks the parameters, in the order in which the reference draws their keys.
    pub(super) fn parameters(&self, scope: &Scope, method: &str) -> Result<()> {
        for masked in self.masked.iter() {
            let mut arrays: Vec<_> = masked.keys().collect();
            arrays.sort_by_key(|&(_, key)| key);
            // The reference's cached convolutions make kernel and bias in the other order when they update a site.
            if method == UPDATE_SITE && !matches!(self.cache, Some(Cache::Sites(_))) {
                arrays.reverse();
            }
            for (name, _) in arrays {
                let init = |key: Key, shape: &[usize], dtype: Dtype| with_dtype!(dtype, S => Array::new(shape, masked.init::<S>(name, key)?));
                let mut leaves = masked.leaves().into_iter();
                if let Some(leaf) = leaves.find(|leaf| leaf.name == name) {
                    scope.param(name, init, &leaf.shape, self.param_dtype)?;
                }
            }
        }
        Ok(())
    }

    /// Puts the input of a site into the cache, unless this is `init`.
    fn update_cache(&self, cache: Cache, scope: &Scope, inputs: &[Array]) -> Result<()> {
        let (x, index) = match inputs {
            [x, index] if x.ndim() == 2 => (x, site(index)?),
            _ => return Err(self.without_network()),
        };
        let element = self.given_output()?.element();
        let [batch, features] = [x.shape()[0], x.shape()[1]];
        let inner = match cache {
            Cache::Sites(n) | Cache::Window(n) => vec![n],
            Cache::Rows(rows) => rows.to_vec(),
        };
        let shape = [&[batch], inner.as_slice(), &[features]].concat();
        let old = scope.variable("cache", "inputs", || Ok(Array::zeros(&shape, element)))?;
        if old.shape() != shape {
            return Err(Error::invalid(
                "cache",
                format!("inputs of shape {shape:?} at /{}", scope.path().join("/")),
                old,
                "make a new cache by `init` for this batch",
            ));
        }
        if scope.is_initializing() {
            return Ok(());
        }
        let new = match index.checked_sub(usize::from(self.is_first)) {
            None => old,
            Some(from) => with_dtype!(inexact(old.element())?, S => {
                let (mut values, x) = (old.values::<S>()?, x.values::<S>()?);
                let per_sample = values.len() / batch.max(1);
                let samples = values.chunks_exact_mut(per_sample.max(1));
                for (past, x) in samples.zip(x.chunks_exact(features)) {
                    cache.put(past, x, from, index);
                }
                Array::new::<S>(old.shape(), values)?
            }),
        };
        scope.put_variable("cache", "inputs", new)
    }

    fn given_output(&self) -> Result<Array> {
        self.output.clone().ok_or_else(|| self.without_network())
    }

    fn without_network(&self) -> Error {
        Error::invalid(
            "module",
            "a network",
            format!("a {} without one", self.class),
            "the numbers of a masked layer come from its network: call that",
        )
    }
}

/// The form in which a layer's past inputs are kept.
#[derive(Clone, Copy)]
pub(crate) enum Cache {
    /// All sites.
    Sites(usize),
    /// The last sites, newest last.
    Window(usize),
    /// The last rows of the lattice, newest last.
    Rows([usize; 2]),
}

impl Cache {
    /// Writes the input at the site `from` into the past of a sample, when the output at the site `to` is wanted.
    fn put<S: Scalar>(self, past: &mut [S], x: &[S], from: usize, to: usize) {
        let features = x.len();
        match self {
            Self::Sites(_) => past[from * features..][..features].copy_from_slice(x),
            Self::Window(_) => {
                past.copy_within(features.., 0);
                let last = past.len() - features;
                past[last..].copy_from_slice(x);
            }
            Self::Rows([height, width]) => {
                let row = width * features;
                let next_row = |past: &mut [S]| {
                    past.copy_within(row.., 0);
                    past[(height - 1) * row..].fill(S::default());
                };
                let column = from % width;
                let starts_row = to.is_multiple_of(width);
                if starts_row && column == 0 {
                    next_row(past);
                }
                past[(height - 1) * row + column * features..][..features].copy_from_slice(x);
                if starts_row && column != 0 {
                    next_row(past);
                }
            }
        }
    }
}
