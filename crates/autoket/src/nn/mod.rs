//! Layers of autoregressive networks: masked so that a site sees only what comes before it.

mod activation;
mod initializers;
mod masked_conv2d;

pub use activation::Activation;
pub use initializers::Initializer;
pub use masked_conv2d::{MaskedConv2d, MaskedConv2dOptions};

use crate::params::LeafSpec;
use crate::random::Key;
use crate::scalar::{Real, Scalar};
use crate::simd::{Row, Tiles};

/// Where a backward pass puts ∂L/∂θ: real numbers, one for each part of each entry of θ that is not masked.
#[derive(Debug)]
pub enum Grad<'a> {
    /// The sum over samples: a vector-Jacobian product.
    Sum(&'a mut [f64]),
    /// A row for each sample, `(sample, parameter)`: the Jacobian.
    PerSample(&'a mut [f64]),
}

/// [`Grad`] for the samples of one block.
#[derive(Debug)]
pub struct GradBlock<'a> {
    /// Where to.
    pub grad: Grad<'a>,
    /// Real parameters: the length of a row.
    pub n_reals: usize,
    /// Samples in the block; lanes beyond them are padding.
    pub n_samples: usize,
}

impl GradBlock<'_> {
    /// Puts the derivative by real parameter `k`, one number a sample.
    pub fn put<R: Real>(&mut self, k: usize, lanes: &R::Row) {
        let lanes = &lanes[..self.n_samples];
        match &mut self.grad {
            Grad::Sum(sum) => sum[k] += lanes.iter().map(|x| x.widen()).sum::<f64>(),
            Grad::PerSample(rows) => {
                for (row, x) in rows.chunks_exact_mut(self.n_reals).zip(lanes) {
                    row[k] = x.widen();
                }
            }
        }
    }
}

/// A layer's weights as its kernels read them: real, complex ones as 2 x 2 real blocks.
#[derive(Clone, Debug)]
pub struct Packed<R> {
    /// `(block, features in, features out)`, in real features.
    pub weights: Vec<R>,
    /// `(block, features out, features in)`.
    pub transposed: Vec<R>,
    /// One for each real feature out.
    pub bias: Vec<R>,
    /// As many zeros as there are real features in.
    pub no_bias: Vec<R>,
}

/// A map from features at sites to features at sites whose output at a site depends on the input
/// at earlier sites and, unless it is exclusive, at the site itself.
///
/// A layer owns no parameters: it is a function of its part of θ. It works on blocks of lanes:
/// rows are `[site][feature]`, a complex feature being two real ones, real part first.
/// The input of a stack's first layer is real whatever the scalar.
pub trait CausalLayer<S: Scalar>: Send + Sync + std::fmt::Debug {
    /// The class by which Flax would show it.
    fn class(&self) -> &'static str;
    /// Its arrays of parameters.
    fn leaves(&self) -> Vec<LeafSpec>;
    /// Initial values of the array `name`; `key` gives the n-th key drawn in this layer's scope, from 1.
    fn init(&self, name: &str, key: &dyn Fn(u32) -> Key) -> Vec<S>;
    /// Scalar features in and out.
    fn features(&self) -> [usize; 2];
    /// Real features in: as many as scalar ones for a first layer, [`Scalar::PLANES`] times those otherwise.
    fn real_features_in(&self) -> usize;
    /// The output sites that read an input site, ascending.
    fn readers(&self, site: usize) -> &[u32];
    /// Weights for the kernels; `array` gives the layer's part of θ by name.
    fn pack(&self, array: &dyn Fn(&str) -> Option<Vec<S>>) -> Packed<S::Real>;
    /// One output site, for all lanes; `row` gives the first row of an input site.
    fn forward_site(
        &self,
        tiles: Tiles,
        packed: &Packed<S::Real>,
        site: usize,
        x: &[<S::Real as Real>::Row],
        row: &[u32],
        y: &mut [<S::Real as Real>::Row],
    );
    /// The whole layer backward: ∂L/∂θ into `grad` and, if asked for, ∂L/∂x into `dx`.
    ///
    /// `k` gives the place in `grad` of entry `i` of an array, by the array's name.
    #[allow(clippy::type_complexity)]
    fn backward(
        &self,
        tiles: Tiles,
        packed: &Packed<S::Real>,
        x: &[<S::Real as Real>::Row],
        dy: &[<S::Real as Real>::Row],
        dx: Option<&mut [<S::Real as Real>::Row]>,
        k: &dyn Fn(&str, usize) -> Option<usize>,
        grad: &mut GradBlock,
    );
}

/// One row with the lane-wise sum of `a` and `sign` times `b`.
fn combine<R: Real>(a: &R::Row, sign: R, b: &R::Row) -> R::Row {
    let mut out = *a;
    for (out, &b) in out.iter_mut().zip(b.iter()) {
        *out += sign * b;
    }
    out
}

/// A row of zeros.
fn zero_row<R: Real>() -> R::Row {
    R::Row::splat(R::zero())
}
