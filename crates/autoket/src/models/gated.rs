//! A convolutional network without a blind spot: vertical and horizontal stacks with gates.

use super::arnn::{Head, Network, Node, Term};
use super::{Arnn, Design};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::nn::{Activation, Function, Initializer, MaskedLayer};
use crate::scalar::{Dtype, Scalar};
use crate::simd::Precision;

/// Autoregressive wave function of gated convolutions over a lattice in raster order, which sees every earlier
/// site that its kernels can reach: masked convolutions are blind to some of the sites up to the right.
///
/// A vertical stack v reads the rows above, as wide as the kernel on both sides; a horizontal stack h reads the
/// row to the left, and v. With gate(a, b) = tanh a ⊙ sigmoid b and ⋆ a convolution with a bias:
///
/// v₀ = gate(V₀ ⋆ σ, V₀' ⋆ σ), vₗ = gate(Vₗ ⋆ vₗ₋₁, Vₗ' ⋆ vₗ₋₁),
/// gₗ = gate(Hₗ ⋆ (hₗ₋₁, vₗ), Hₗ' ⋆ (hₗ₋₁, vₗ)), h₀ = g₀ and hₗ = hₗ₋₁ + Rₗ gₗ,
///
/// with σ in place of h₋₁. The outputs are O h of the last layer and, with `phase`, P h: see
/// [`ArnnSequential`](super::ArnnSequential). Height h of the kernel counts rows: layer 0 reads h rows above,
/// later ones the rows above as seen from h rows, their own among them.
///
/// van den Oord et al., arXiv:1606.05328. NetKet has no counterpart.
///
/// What a site (orange) reads (blue) by one layer of 2x3 kernels, two rows above and one site to the left, and by
/// three, which leave nothing out:
///
#[doc = include_str!("../../pictures/gated_1.svg")]
#[doc = include_str!("../../pictures/gated_3.svg")]
///
/// Two layers of 4 features as a [picture](crate::models::Arnn::flow_svg): layers with weights, and products and
/// sums of features. The sum is that of a residual block.
///
#[doc = include_str!("../../pictures/gated_flow.svg")]
///
/// From f₋₁ = 1 feature, later f, layer l has 2 (h w fₗ₋₁ f + f) parameters in its vertical stack,
/// 2 (⌊w/2⌋ fₗ₋₁ f + f² + f) in its horizontal one, where later ones read the site itself too: 2 f² more, and
/// f² + f in R; none is masked. A weight that reads u rows up and v columns aside costs a sample a
/// [multiply-add](crate::models::Arnn::multiply_adds) at each of the (R - u) (C - v) of R x C sites at which it reads a
/// site of the lattice; weights that read their own site, those of H for v, of R and of O, one at each site.
///
/// ```
/// use autoket::{hilbert::Hilbert, models::{Ansatz, ArnnGatedConv2d}};
/// let model = ArnnGatedConv2d::new(Hilbert::spin(0.5, 16)?, 2, 4, [2, 3]).build::<f64>()?;
/// let seen = model.seen(9);
/// assert!((0..9).all(|earlier| seen[earlier]));
/// let first = 2 * (6 * 4 + 4) + 2 * (4 + 16 + 4);
/// let second = 2 * (6 * 16 + 4) + 2 * (2 * 16 + 16 + 4) + 16 + 4;
/// assert_eq!(model.layout().n_parameters(), first + second + 4 * 2 + 2);
/// // Three columns wide, 10 places in each of the rows that are read, of which 3 + 2 are one and two rows up.
/// let first = 2 * ((3 + 2) * 10 * 4 + 12 * 4 + 16 * 16);
/// let second = 2 * ((4 + 3) * 10 * 16 + (12 + 16) * 16 + 16 * 16) + 16 * 16;
/// assert_eq!(model.multiply_adds(), first + second + 16 * 4 * 2);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ArnnGatedConv2d {
    /// The space of σ.
    pub hilbert: Hilbert,
    /// Rows and columns; `None`: a square lattice.
    pub extent: Option<[usize; 2]>,
    /// Number of layers.
    pub layers: usize,
    /// Features of each stack.
    pub features: usize,
    /// Height and width of the kernels; the width is odd and at least 3.
    pub kernel_size: [usize; 2],
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
    /// `order[k]` is the site drawn k-th; `None`: sites in turn. The lattice is that of the order.
    pub order: Option<Vec<usize>>,
    /// Is there a phase beside the amplitude?
    pub phase: bool,
}

impl ArnnGatedConv2d {
    /// Defaults for what is not given.
    pub fn new(hilbert: Hilbert, layers: usize, features: usize, kernel_size: [usize; 2]) -> Self {
        Self {
            hilbert,
            extent: None,
            layers,
            features,
            kernel_size,
            kernel_init: Initializer::LecunNormal,
            bias_init: Initializer::Zeros,
            machine_pow: 2,
            param_dtype: Dtype::Float64,
            precision: Precision::default(),
            order: None,
            phase: false,
        }
    }

    /// The network of both stacks.
    ///
    /// # Errors
    /// An `extent` that does not fit; no layers or features; a kernel without height, or of even width or less
    /// than 3; an order that is no permutation.
    pub fn design(&self) -> Result<Design> {
        let [rows, columns] = super::configs::rows_and_columns(&self.hilbert, self.extent)?;
        let [height, width] = self.kernel_size;
        if height == 0 || width < 3 || width.is_multiple_of(2) {
            return Err(Error::invalid(
                "kernel_size",
                "a height of at least 1 and an odd width of at least 3",
                format!("[{height}, {width}]"),
                "take [2, 3]",
            ));
        }
        crate::nn::positive("kernel_size", &self.kernel_size)?;
        crate::nn::layers(self.layers)?;
        crate::nn::positive("features", &[self.features])?;
        let at = |row: Option<usize>, column: Option<usize>| {
            let (row, column) = (row?, column?);
            (row < rows && column < columns).then_some(row * columns + column)
        };
        let half = width / 2;
        // Positions of a row and its columns from `left` steps to the left on.
        let around = |row: Option<usize>, column: usize, steps: std::ops::RangeInclusive<usize>| {
            steps
                .map(|step| at(row, (column + step).checked_sub(half)))
                .collect::<Vec<_>>()
        };
        let above = |position: usize, first: usize| -> Vec<Option<usize>> {
            let (row, column) = (position / columns, position % columns);
            let up = first..first + height;
            up.flat_map(|up| around(row.checked_sub(up), column, 0..=2 * half))
                .collect()
        };
        let left = |position: usize, own: bool| -> Vec<Option<usize>> {
            let (row, column) = (position / columns, position % columns);
            let last = if own { half } else { half - 1 };
            around(Some(row), column, 0..=last)
        };

        let mut network = Network::new(self.hilbert.clone());
        if let Some(order) = &self.order {
            network = network.with_order(order)?;
        }
        let f = self.features;
        let (mut v, mut h) = (Network::INPUT, Network::INPUT);
        for l in 0..self.layers {
            let first = usize::from(l == 0);
            v = self.gate(&mut network, &format!("vertical_{l}"), &[v], |k| {
                vec![above(k, first)]
            })?;
            let name = format!("horizontal_{l}");
            let g = self.gate(&mut network, &name, &[h, v], |k| {
                vec![left(k, l > 0), vec![Some(k)]]
            })?;
            h = if l == 0 {
                g
            } else {
                let residual = self.linear(&network, &[g], f, |k| vec![vec![Some(k)]])?;
                let name = format!("residual_{l}");
                let residual = network.linear(name, residual, &[g], Activation::IDENTITY);
                network.mix(
                    f,
                    vec![Term::of(h), Term::of(residual)],
                    Activation::IDENTITY,
                )
            };
        }
        let d = self.hilbert.local_size();
        let head = Head::of(self.phase, |name| {
            let layer = self.linear(&network, &[h], d, |k| vec![vec![Some(k)]])?;
            Ok(network.linear(name, layer, &[h], Activation::IDENTITY))
        })?;
        Ok(Design {
            network,
            head,
            class: "ARNNGatedConv2D",
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

    fn linear(
        &self,
        network: &Network,
        sources: &[Node],
        features: usize,
        reads: impl Fn(usize) -> Vec<Vec<Option<usize>>>,
    ) -> Result<MaskedLayer> {
        let init = [&self.kernel_init, &self.bias_init];
        let features_in: Vec<usize> = sources.iter().map(|&node| network.features(node)).collect();
        network.layer_of(&features_in, features, "GatedConv2D", init, reads)
    }

    /// tanh of one convolution times sigmoid of another.
    fn gate(
        &self,
        network: &mut Network,
        name: &str,
        sources: &[Node],
        reads: impl Fn(usize) -> Vec<Vec<Option<usize>>>,
    ) -> Result<Node> {
        let f = self.features;
        let a = self.linear(network, sources, f, &reads)?;
        let b = self.linear(network, sources, f, &reads)?;
        let a = network.linear(
            format!("{name}/features"),
            a,
            sources,
            Function::Tanh.into(),
        );
        let b = network.linear(format!("{name}/gate"), b, sources, Function::Sigmoid.into());
        Ok(network.mix(f, vec![Term::product(a, b)], Activation::IDENTITY))
    }
}
