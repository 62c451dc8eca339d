//! The two-dimensional tensorised gated recurrent unit.

use super::arnn::{Before, Head, Network, Node, Operand, Term};
use super::{Arnn, Design};
use crate::error::Result;
use crate::graph::order;
use crate::hilbert::Hilbert;
use crate::nn::{Activation, Function, Initializer, MaskedLayer};
use crate::scalar::{Dtype, Scalar};
use crate::simd::Precision;

/// Autoregressive wave function of one layer of tensorised gated recurrent units over a lattice, in snake order or
/// any other.
///
/// With s, s' the one-hot states and h, h' the hidden memories of the neighbours drawn before, in the row and in
/// the column (0 where there is none, and of two the one drawn last):
///
/// n = tanh(\[s, s'\] T \[h, h'\] + b), u = sigmoid(\[s, s'\] T' \[h, h'\] + b'), output u n + (1 - u) W \[h, h'\],
///
/// with one matrix of T for each pair of a one-hot entry and a memory. Log-amplitudes are U h + c and, with
/// `phase`, phases V h + d: see [`ArnnSequential`](super::ArnnSequential).
/// Hibat-Allah, Melko and Carrasquilla, arXiv:2207.14314, there with amplitudes of the same form and phases
/// π softsign(V h + d). NetKet has no counterpart.
///
/// A site (orange) reads all that are drawn before (blue), and so a flip changes the conditionals of all later
/// sites. States and memories go along the snake and down:
///
#[doc = include_str!("../../pictures/tensor_gru.svg")]
///
/// So it is in every order that goes from neighbour to neighbour, such as a spiral. Row by row from the left, or along
/// diagonals, a site reads those up to the left only, and one that is drawn before its neighbours reads nothing:
/// [`seen`](Arnn::seen) tells.
///
#[doc = include_str!("../../pictures/tensor_gru_spiral.svg")]
#[doc = include_str!("../../pictures/tensor_gru_diagonal.svg")]
///
/// The unit as a [picture](Arnn::flow_svg), with one product of a state and a memory for each matrix of T:
///
#[doc = include_str!("../../pictures/tensor_gru_flow.svg")]
///
/// With f features and d local states there are 2 (4 d f² + f) + 2 f² + f d + d parameters, none masked. If of R x C
/// sites a read a neighbour in the row, b one in the column and c both (in all orders by rows or diagonals
/// a = R (C - 1), b = (R - 1) C and c = (R - 1) (C - 1)), a sample costs 2 (a + b + 2 c) d f² + (a + b) f² + R C f d
/// [multiply-adds](Arnn::multiply_adds), and with `phase` R C f d more.
///
/// ```
/// use autoket::{hilbert::Hilbert, models::{Ansatz, TensorGru2d}};
/// let model = TensorGru2d::new(Hilbert::spin(0.5, 12)?, [3, 4], 5).build::<f64>()?;
/// // T and T' are (2 · 2 · 2 · 5, 5) with a bias, W (2 · 5, 5), U (5, 2) with a bias.
/// assert_eq!(model.layout().n_parameters(), 2 * (40 * 5 + 5) + 10 * 5 + 5 * 2 + 2);
/// // 9 pairs of neighbours in rows, 8 in columns, and 6 sites with both.
/// assert_eq!(model.multiply_adds(), 2 * (9 + 8 + 2 * 6) * 2 * 25 + (9 + 8) * 25 + 12 * 5 * 2);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TensorGru2d {
    /// The space of σ.
    pub hilbert: Hilbert,
    /// Rows and columns.
    pub extent: [usize; 2],
    /// Features of the hidden memory.
    pub features: usize,
    /// How kernels begin.
    pub kernel_init: Initializer,
    /// How biases begin.
    pub bias_init: Initializer,
    /// The exponent p of the normalisation Σ|ψ|^p = 1; estimators of physics need 2.
    pub machine_pow: u32,
    /// The type of the parameters, where it is not chosen by [`build`](Self::build)'s type: in [modules](crate::module).
    pub param_dtype: Dtype,
    /// How products of single-precision numbers are accumulated.
    pub precision: Precision,
    /// `order[k]` is the site drawn k-th; `None`: along a snake.
    pub order: Option<Vec<usize>>,
    /// Is there a phase beside the amplitude?
    pub phase: bool,
}

impl TensorGru2d {
    /// Defaults for what is not given.
    pub fn new(hilbert: Hilbert, extent: [usize; 2], features: usize) -> Self {
        Self {
            hilbert,
            extent,
            features,
            kernel_init: Initializer::GlorotUniform,
            bias_init: Initializer::Zeros,
            machine_pow: 2,
            param_dtype: Dtype::Float64,
            precision: Precision::default(),
            order: None,
            phase: false,
        }
    }

    /// The network of its one layer.
    ///
    /// # Errors
    /// An `extent` of another number of sites; no features; an order that is no permutation.
    pub fn design(&self) -> Result<Design> {
        let extent = super::configs::rows_and_columns(&self.hilbert, Some(self.extent))?;
        crate::nn::positive("features", &[self.features])?;
        let order = self.order.clone().unwrap_or_else(|| order::snake(extent));
        let mut network = Network::new(self.hilbert.clone()).with_order(&order)?;
        let [in_row, in_column] = neighbours(extent, &order);
        let (f, d) = (self.features, self.hilbert.local_size());
        // Each pair of a neighbour's state and a neighbour's memory, then n, u, W, and the memory itself.
        let hidden = network.ahead(2 * d * 2 + 3);
        let mut products: Vec<Node> = Vec::new();
        let mut factors: Vec<[&Before; 2]> = Vec::new();
        for state_of in [&in_row, &in_column] {
            for state in 0..d {
                for memory_of in [&in_row, &in_column] {
                    let memory = Operand {
                        node: hidden,
                        first: 0,
                        before: Some(memory_of.clone()),
                    };
                    let term = Term::of(memory).when(state, state_of.clone());
                    products.push(network.mix(f, vec![term], Activation::IDENTITY));
                    factors.push([state_of, memory_of]);
                }
            }
        }
        let n_products = products.len();
        // A product with a neighbour that is missing is 0.
        let own = |k: usize| {
            let is_there = |pair: &[&Before; 2]| pair.iter().all(|before| before[k].is_some());
            let factors = factors.iter();
            factors
                .map(|pair| vec![is_there(pair).then_some(k)])
                .collect()
        };
        let n = self.dense(&network, &vec![f; n_products], f, own)?;
        let u = n.clone();
        let n = network.linear("candidate", n, &products, Function::Tanh.into());
        let u = network.linear("update", u, &products, Function::Sigmoid.into());
        let read = |before: &Before, k: usize| before[k].map(|p| p as usize);
        let memories = |k: usize| vec![vec![read(&in_row, k), read(&in_column, k)]];
        let w = self.dense(&network, &[f], f, memories)?.without_bias();
        let w = network.linear("memory", w, &[hidden], Activation::IDENTITY);
        let terms = vec![
            Term::product(u, n),
            Term::of(w),
            Term::product(u, w).times(-1.0),
        ];
        let hidden = network.mix(f, terms, Activation::IDENTITY);
        let head = Head::of(self.phase, |name| {
            let layer = self.dense(&network, &[f], d, |k| vec![vec![Some(k)]])?;
            Ok(network.linear(name, layer, &[hidden], Activation::IDENTITY))
        })?;
        Ok(Design {
            network,
            head,
            class: "TensorGRU2D",
            machine_pow: self.machine_pow,
            precision: self.precision,
            param_dtype: self.param_dtype,
        })
    }

    /// The model with log ψ of type `S`: parameters are of the same type or, with a phase, real.
    ///
    /// # Errors
    /// As [`design`](Self::design) and [`Network::build`].
    pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
        self.design()?.build()
    }

    fn dense(
        &self,
        network: &Network,
        features_in: &[usize],
        features: usize,
        reads: impl Fn(usize) -> Vec<Vec<Option<usize>>>,
    ) -> Result<MaskedLayer> {
        let init = [&self.kernel_init, &self.bias_init];
        network.layer_of(features_in, features, "Dense", init, reads)
    }
}

/// For each position the one of a neighbouring site in its row, and of one in its column, that is drawn before; of two
/// the one drawn last.
fn neighbours([rows, columns]: [usize; 2], order: &[usize]) -> [Before; 2] {
    let mut position = vec![0; order.len()];
    for (k, &site) in order.iter().enumerate() {
        position[site] = k;
    }
    let last_before = |k: usize, sites: [Option<usize>; 2]| {
        let positions = sites.into_iter().flatten().map(|site| position[site]);
        positions.filter(|&p| p < k).max().map(|p| p as u32)
    };
    let in_row = |(k, &site): (usize, &usize)| {
        let column = site % columns;
        let left = (column > 0).then(|| site - 1);
        let right = (column + 1 < columns).then_some(site + 1);
        last_before(k, [left, right])
    };
    let in_column = |(k, &site): (usize, &usize)| {
        let below = (site / columns + 1 < rows).then_some(site + columns);
        last_before(k, [site.checked_sub(columns), below])
    };
    [
        order.iter().enumerate().map(in_row).collect(),
        order.iter().enumerate().map(in_column).collect(),
    ]
}
