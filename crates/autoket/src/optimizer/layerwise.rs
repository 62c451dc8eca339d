//! The Gram matrix of log-derivatives layer by layer, without the log-derivatives.
//!
//! In a layer where every pair of sites has weights of its own, the derivative of sample n by the weights
//! from site i to site j is the outer product of the input x_n(i) and the cotangent d_n(j). Their scalar
//! products need no derivative:
//!
//! ⟨O_n, O_m⟩ = Σ_j ⟨d_n(j), d_m(j)⟩ (1 + Σ_{i ≤ j} ⟨x_n(i), x_m(i)⟩), the 1 for the bias;
//!
//! of complex numbers the real part of the product of ⟨d_n, d_m⟩ and the conjugate of ⟨x_n, x_m⟩.

use std::ops::Range;

use faer::Mat;
use rayon::prelude::*;

use super::{Pool, Symmetric};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::models::{Autoregressive, RowOf};
use crate::ranks::Ranks;
use crate::scalar::{Real, Scalar};
use crate::simd::{Across, Precision, Row, Start, Tap, Tiles, add_columns, add_elementwise, level};
use crate::vqs::Estimate;

/// A layer where every pair of sites has weights of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Sites.
    pub n_sites: usize,
    /// Real features in.
    pub inputs: usize,
    /// Real features out.
    pub outputs: usize,
    /// Is the input complex, with real and imaginary parts side by side?
    pub complex_input: bool,
    /// Does a site see itself, or only those before?
    pub inclusive: bool,
    /// Has it a bias?
    pub bias: bool,
}

impl Layer {
    /// Rows of lanes that hold its inputs and cotangents.
    pub fn rows(&self) -> usize {
        self.n_sites * (self.inputs + self.outputs)
    }
}

/// AAᵀ, the neural tangent kernel, layer by layer: that of
/// [`LogDerivatives::gram`](super::LogDerivatives::gram), without A. `None` where the model has not such layers.
///
/// # Errors
/// As [`Estimate::check`].
pub fn gram<S: Scalar>(
    model: &dyn Autoregressive<S>,
    theta: &[S],
    estimate: &Estimate<S>,
) -> Result<Option<Mat<f64>>> {
    let Some(layers) = model.layerwise() else {
        return Ok(None);
    };
    let (mut factors, mut out) = (Factors::default(), Symmetric::default());
    factors.compute(&layers, model, theta, estimate)?;
    factors.gram_into(&layers, &mut out, model.ranks(), &Interrupt::default());
    Ok(Some(out.to_mat(factors.epsilon.len())))
}

/// Lines that a thread works on at once.
const LINES: usize = 128;

/// Inputs and cotangents of all layers for all samples.
#[derive(Debug)]
pub(super) struct Factors<S: Scalar> {
    /// For each part of log ψ of each block of samples, for each layer: inputs, then cotangents.
    panels: Vec<RowOf<S>>,
    rows: usize,
    /// w and √w of each lane, 0 for those left over; √w ΔE by (block, part, lane).
    weights: Vec<f64>,
    epsilon: Vec<f64>,
    /// The weight and the part of log ψ of each line, and Σ_m w_m ⟨O_m, O_n⟩ for each part of the sum.
    lines: Vec<(f64, usize)>,
    mean: Vec<[f64; 2]>,
    cotangent: Vec<S>,
    tiles: Pool<Tile<S>>,
}

impl<S: Scalar> Default for Factors<S> {
    fn default() -> Self {
        Self {
            panels: Vec::new(),
            rows: 0,
            weights: Vec::new(),
            epsilon: Vec::new(),
            lines: Vec::new(),
            mean: Vec::new(),
            cotangent: Vec::new(),
            tiles: Pool::default(),
        }
    }
}

impl<S: Scalar> Factors<S> {
    const LANES: usize = <S::Real as Real>::Row::LANES;

    pub fn compute(
        &mut self,
        layers: &[Layer],
        model: &dyn Autoregressive<S>,
        theta: &[S],
        estimate: &Estimate<S>,
    ) -> Result<()> {
        estimate.check(model, theta)?;
        self.rows = layers.iter().map(Layer::rows).sum();
        let n_blocks = estimate.weights.len().div_ceil(Self::LANES);
        let n_panels = n_blocks * S::PLANES;
        self.panels
            .resize(n_panels * self.rows, Row::splat(S::Real::from_f64(0.0)));
        model.layerwise_factors(theta, &estimate.samples.sigma, &mut self.panels)?;
        self.weights.clear();
        self.weights.extend_from_slice(&estimate.weights);
        self.weights.resize(n_blocks * Self::LANES, 0.0);
        self.epsilon.clear();
        self.epsilon.resize(n_panels * Self::LANES, 0.0);
        for (sample, value) in estimate.local_values.iter().enumerate() {
            let deviation = value - estimate.stats.mean;
            for (plane, part) in [deviation.re, deviation.im][..S::PLANES].iter().enumerate() {
                let line = self.line(sample, plane);
                self.epsilon[line] = self.weights[sample].sqrt() * part;
            }
        }
        Ok(())
    }

    /// The line of a sample and a part of log ψ.
    fn line(&self, sample: usize, plane: usize) -> usize {
        (sample / Self::LANES * S::PLANES + plane) * Self::LANES + sample % Self::LANES
    }

    /// The weight and the part of log ψ of a line.
    fn of_line(&self, line: usize) -> (f64, usize) {
        let (panel, lane) = (line / Self::LANES, line % Self::LANES);
        let weight = self.weights[panel / S::PLANES * Self::LANES + lane];
        (weight, panel % S::PLANES)
    }

    /// √w ΔE by lines.
    pub fn epsilon(&self) -> &[f64] {
        &self.epsilon
    }

    /// AAᵀ; ends early where it is asked to.
    pub fn gram_into(
        &mut self,
        layers: &[Layer],
        out: &mut Symmetric,
        ranks: &Ranks,
        interrupt: &Interrupt,
    ) {
        let n = self.epsilon.len();
        out.reset(n, ranks);
        if n == 0 || self.rows == 0 {
            return;
        }
        let own: Vec<bool> = (0..n).map(|column| out.is_own(column)).collect();
        let (columns, stride) = out.columns_mut();
        columns
            .par_chunks_mut(Self::LANES * stride)
            .zip(self.panels.par_chunks_exact(self.rows))
            .enumerate()
            .filter(|(c, _)| own[c * Self::LANES])
            .for_each(|(c, (columns, right))| {
                self.tiles.with(|tile| {
                    tile.turn(layers, right);
                    let lefts = self.panels.chunks_exact(self.rows).enumerate().skip(c);
                    for (r, left) in lefts.take_while(|_| !interrupt.is_raised()) {
                        tile.products(layers, left, right);
                        for (column, sums) in columns.chunks_exact_mut(stride).zip(&tile.sums) {
                            column[r * Self::LANES..][..Self::LANES]
                                .copy_from_slice(&sums[..Self::LANES]);
                        }
                    }
                });
            });
        out.gather();
        self.center(out);
    }

    /// From ⟨O_n, O_m⟩ to √w_n √w_m ⟨ΔO_n, ΔO_m⟩.
    fn center(&mut self, gram: &mut Symmetric) {
        let n = self.epsilon.len();
        let (mut lines, mut mean) = (
            std::mem::take(&mut self.lines),
            std::mem::take(&mut self.mean),
        );
        lines.clear();
        lines.extend((0..n).map(|line| self.of_line(line)));
        mean.clear();
        mean.resize(n, [0.0; 2]);
        let (columns, stride) = gram.columns_mut();
        // What is left of the diagonal, by some lines of all columns, and then what is below it, column by column.
        mean.par_chunks_mut(LINES)
            .enumerate()
            .for_each(|(c, mean)| {
                let first = c * LINES;
                let columns = columns.chunks_exact(stride).enumerate();
                for (j, column) in columns.take(first + mean.len()) {
                    let (w_j, plane_j) = lines[j];
                    let below = first.max(j + 1);
                    for (i, mean) in (below..).zip(&mut mean[below - first..]) {
                        mean[plane_j] += w_j * column[i];
                    }
                }
            });
        mean.par_iter_mut().enumerate().for_each(|(j, mean)| {
            let mut own = [0.0; 2];
            for (g, (w_i, plane_i)) in columns[j * stride..][j..n].iter().zip(&lines[j..]) {
                own[*plane_i] += w_i * g;
            }
            mean[0] += own[0];
            mean[1] += own[1];
        });
        let mut whole = [[0.0; 2]; 2];
        for (&(w, plane), mean) in lines.iter().zip(&mean) {
            whole[plane][0] += w * mean[0];
            whole[plane][1] += w * mean[1];
        }
        columns
            .par_chunks_mut(stride)
            .enumerate()
            .for_each(|(j, column)| {
                let (w_j, plane_j) = lines[j];
                for i in j..n {
                    let (w_i, plane_i) = lines[i];
                    let centred =
                        column[i] - mean[j][plane_i] - mean[i][plane_j] + whole[plane_i][plane_j];
                    column[i] = (w_i * w_j).sqrt() * centred;
                }
            });
        (self.lines, self.mean) = (lines, mean);
    }

    /// Aᵀ v, v by lines.
    pub fn transposed_times(
        &mut self,
        model: &dyn Autoregressive<S>,
        theta: &[S],
        estimate: &Estimate<S>,
        v: &[f64],
    ) -> Result<Vec<f64>> {
        let mut cotangent = std::mem::take(&mut self.cotangent);
        let n_samples = estimate.weights.len();
        let scaled =
            |sample: usize, plane: usize| self.weights[sample].sqrt() * v[self.line(sample, plane)];
        let mut whole = [0.0; 2];
        for plane in 0..S::PLANES {
            whole[plane] = (0..n_samples).map(|sample| scaled(sample, plane)).sum();
        }
        let part = |sample: usize, plane: usize| match plane < S::PLANES {
            true => scaled(sample, plane) - self.weights[sample] * whole[plane],
            false => 0.0,
        };
        cotangent.clear();
        let real = |n: usize, plane: usize| S::Real::from_f64(part(n, plane));
        cotangent.extend((0..n_samples).map(|n| S::new(real(n, 0), real(n, 1))));
        let mut out = vec![0.0; model.n_reals()];
        model.vjp(theta, &estimate.samples.sigma, &cotangent, &mut out)?;
        self.cotangent = cotangent;
        Ok(out)
    }
}

/// Products of two panels.
#[derive(Debug)]
struct Tile<S: Scalar> {
    /// The right panel with each complex number times -i: (re, im) becomes (im, -re).
    turned: Vec<RowOf<S>>,
    /// 1 + Σ_i ⟨x, x'⟩ over the sites seen, real and imaginary part.
    seen: [Vec<[f64; 32]>; 2],
    /// Scalar products at one site.
    product: Vec<RowOf<S>>,
    /// Sums of all layers and sites.
    sums: Vec<[f64; 32]>,
}

impl<S: Scalar> Default for Tile<S> {
    fn default() -> Self {
        let lanes = <S::Real as Real>::Row::LANES;
        let zeros = || vec![[0.0; 32]; lanes];
        Self {
            turned: Vec::new(),
            seen: [zeros(), zeros()],
            product: vec![Row::splat(S::Real::from_f64(0.0)); lanes],
            sums: zeros(),
        }
    }
}

impl<S: Scalar> Tile<S> {
    /// Turns the right panel, for the products that follow.
    fn turn(&mut self, layers: &[Layer], right: &[RowOf<S>]) {
        if S::PLANES == 1 {
            return;
        }
        self.turned.clear();
        self.turned.extend_from_slice(right);
        let mut first = 0;
        for layer in layers {
            let inputs = layer.n_sites * layer.inputs;
            // A real input is not turned, nor read turned.
            let from = first + if layer.complex_input { 0 } else { inputs };
            first += layer.rows();
            for [re, im] in self.turned[from..first].as_chunks_mut::<2>().0 {
                std::mem::swap(re, im);
                for im in im.iter_mut() {
                    *im = -*im;
                }
            }
        }
    }

    /// Finds the sums for two panels.
    fn products(&mut self, layers: &[Layer], left: &[RowOf<S>], right: &[RowOf<S>]) {
        self.sums.fill([0.0; 32]);
        let mut first = 0;
        for layer in layers {
            let inputs = first..first + layer.n_sites * layer.inputs;
            let outputs = inputs.end..inputs.end + layer.n_sites * layer.outputs;
            first = outputs.end;
            let bias = if layer.bias { 1.0 } else { 0.0 };
            self.seen[0].fill([bias; 32]);
            self.seen[1].fill([0.0; 32]);
            let sites =
                (inputs.step_by(layer.inputs.max(1))).zip(outputs.step_by(layer.outputs.max(1)));
            for (x, d) in sites {
                let x = x..x + layer.inputs;
                let d = d..d + layer.outputs;
                if layer.inclusive {
                    self.see(layer, x.clone(), left, right);
                }
                product::<S>(&left[d.clone()], &right[d.clone()], &mut self.product);
                add_elementwise::<S::Real>(level(), &self.product, &self.seen[0], &mut self.sums);
                if layer.complex_input {
                    product::<S>(&left[d.clone()], &self.turned[d], &mut self.product);
                    add_elementwise::<S::Real>(
                        level(),
                        &self.product,
                        &self.seen[1],
                        &mut self.sums,
                    );
                }
                if !layer.inclusive {
                    self.see(layer, x, left, right);
                }
            }
        }
    }

    /// Adds the products of a site's inputs to those seen.
    fn see(&mut self, layer: &Layer, x: Range<usize>, left: &[RowOf<S>], right: &[RowOf<S>]) {
        let [re, im] = &mut self.seen;
        product::<S>(&left[x.clone()], &right[x.clone()], &mut self.product);
        add_columns::<S::Real>(level(), &self.product, re.as_flattened_mut(), 32);
        if layer.complex_input {
            product::<S>(&left[x.clone()], &self.turned[x], &mut self.product);
            add_columns::<S::Real>(level(), &self.product, im.as_flattened_mut(), 32);
        }
    }
}

/// out\[b\]\[a\] = Σ left\[·\]\[a\] right\[·\]\[b\], a and b lanes.
fn product<S: Scalar>(left: &[RowOf<S>], right: &[RowOf<S>], out: &mut [RowOf<S>]) {
    let tiles = Tiles {
        level: level(),
        precision: Precision::Default,
    };
    let whole = [Tap { block: 0, row: 0 }];
    let weights = Across::<S::Real>(right);
    tiles.site::<S::Real>(weights, Start::Zero, left.len(), &whole, left, out);
}
