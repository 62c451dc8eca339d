//! The past that a layer keeps while sites are drawn.

use crate::error::{Error, Result};
use crate::module::{Array, Element, Scope, with_dtype};
use crate::scalar::Scalar;

/// The form in which a layer's past is kept.
#[derive(Clone, Copy, Debug)]
pub enum Cache {
    /// The inputs at all sites.
    Sites(usize),
    /// The inputs at the last sites, newest last.
    Window(usize),
    /// The inputs in the last rows of the lattice, newest last.
    Rows([usize; 2]),
    /// What a layer of cells remembers.
    Memories,
}

impl Cache {
    /// Puts the input at the site `from`, if there is one, into the cache of a masked layer, when the output at
    /// the site `to` is wanted, unless this is `init`.
    pub(super) fn update(
        self,
        scope: &Scope,
        x: &Array,
        element: Element,
        from: Option<usize>,
        to: usize,
    ) -> Result<()> {
        let [batch, features] = [x.shape()[0], x.shape()[1]];
        let inner = match self {
            Self::Sites(n) | Self::Window(n) => vec![n],
            Self::Rows(rows) => rows.to_vec(),
            Self::Memories => Vec::new(),
        };
        let shape = [&[batch], inner.as_slice(), &[features]].concat();
        let old = variable(scope, "inputs", &shape, element)?;
        if scope.is_initializing() {
            return Ok(());
        }
        let new = match from {
            None => old,
            Some(from) => with_dtype!(super::inexact(old.element())?, S => {
                let (mut values, x) = (old.values::<S>()?, x.values::<S>()?);
                let per_sample = values.len() / batch.max(1);
                let samples = values.chunks_exact_mut(per_sample.max(1));
                for (past, x) in samples.zip(x.chunks_exact(features)) {
                    self.put(past, x, from, to);
                }
                Array::new::<S>(old.shape(), values)?
            }),
        };
        scope.put_variable(COLLECTION, "inputs", new)
    }

    /// Writes the input at the site `from` into the past of a sample, when the output at the site `to` is wanted.
    fn put<S: Scalar>(self, past: &mut [S], x: &[S], from: usize, to: usize) {
        let features = x.len();
        match self {
            Self::Memories => {}
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

/// The collection of what layers keep.
pub(super) const COLLECTION: &str = "cache";

/// An array of the cache, zeros if it is made.
///
/// # Errors
/// There is none and none can be made; it is of another batch.
pub(super) fn variable(
    scope: &Scope,
    name: &str,
    shape: &[usize],
    element: Element,
) -> Result<Array> {
    let array = scope.variable(COLLECTION, name, || Ok(Array::zeros(shape, element)))?;
    match array.shape() == shape {
        true => Ok(array),
        false => Err(Error::invalid(
            COLLECTION,
            format!("{name} of shape {shape:?} at /{}", scope.path().join("/")),
            array,
            "make a new cache by `init` for this batch",
        )),
    }
}
