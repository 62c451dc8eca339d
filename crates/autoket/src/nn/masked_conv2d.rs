//! Masked two-dimensional convolution (van den Oord et al., arXiv:1601.06759).

use super::{CausalLayer, GradBlock, Initializer, Packed, combine, zero_row};
use crate::error::{Error, Result};
use crate::params::LeafSpec;
use crate::random::Key;
use crate::scalar::{Real, Scalar};
use crate::simd::{Tap, Tiles};

/// Convolution over a lattice of rows and columns in raster order, seeing rows above and,
/// in its own row, sites to the left and (unless it is exclusive) the site itself.
///
/// y\[r, c, o\] = bias\[o\] + Σ_{a, b, i} mask\[a, b\] kernel\[a, b, i, o\] x\[r - (h-1-a)·dh, c + (b - w/2)·dw, i\],
/// 0 outside the lattice; mask\[a, b\] is 0 in the last row, a = h-1, from b = w/2 (exclusive) or w/2 + 1 on.
/// The kernel is `(h, w, features in, features out)`.
/// NetKet: `MaskedConv2D`.
#[derive(Clone, Debug)]
pub struct MaskedConv2d {
    features: [usize; 2],
    kernel_size: [usize; 2],
    /// Is the input real whatever the scalar? So it is where a layer reads σ.
    first: bool,
    use_bias: bool,
    kernel_init: Initializer,
    bias_init: Initializer,
    mask: Vec<bool>,
    /// For each output site the (block of weights, input site) it reads.
    taps: Vec<Vec<(u32, u32)>>,
    /// For each input site the (block of weights, output site) that read it.
    read_by: Vec<Vec<(u32, u32)>>,
    /// For each input site the output sites that read it.
    readers: Vec<Vec<u32>>,
    /// For each block of weights the (input site, output site) it joins.
    joins: Vec<Vec<[u32; 2]>>,
}

/// What a [`MaskedConv2d`] is made of.
#[derive(Clone, Debug)]
pub struct MaskedConv2dOptions {
    /// Rows and columns of the lattice.
    pub extent: [usize; 2],
    /// Features in and out.
    pub features: [usize; 2],
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Steps between neighbouring entries of the kernel, along rows and columns of the lattice.
    pub kernel_dilation: [usize; 2],
    /// Is this a stack's first layer: exclusive, and reading σ?
    pub first: bool,
    /// Is there a bias?
    pub use_bias: bool,
    /// How the kernel begins, before the mask and its correction √(entries/unmasked entries).
    pub kernel_init: Initializer,
    /// How the bias begins.
    pub bias_init: Initializer,
}

impl MaskedConv2d {
    /// The layer.
    ///
    /// # Errors
    /// A zero among the sizes, or a kernel of which the mask leaves nothing.
    pub fn new(options: MaskedConv2dOptions) -> Result<Self> {
        let MaskedConv2dOptions {
            extent,
            features,
            kernel_size,
            kernel_dilation,
            first,
            use_bias,
            kernel_init,
            bias_init,
        } = options;
        let [height, width] = kernel_size;
        let positive = |field: &str, [a, b]: [usize; 2]| match a.min(b) {
            0 => Err(Error::invalid(
                field,
                "two positive integers",
                format!("[{a}, {b}]"),
                "give at least 1 in each direction",
            )),
            _ => Ok(()),
        };
        positive("extent", extent)?;
        positive("features", features)?;
        positive("kernel_size", kernel_size)?;
        positive("kernel_dilation", kernel_dilation)?;
        let mask: Vec<bool> = (0..height * width)
            .map(|t| t / width + 1 < height || t % width < width / 2 + usize::from(!first))
            .collect();
        if !mask.contains(&true) {
            return Err(Error::invalid(
                "kernel_size",
                "a kernel that reads at least one earlier site",
                format!("[{height}, {width}], of which the first layer's mask leaves nothing"),
                "make it at least 2 wide or 2 high",
            ));
        }
        let [rows, columns] = extent;
        let n_sites = rows * columns;
        let mut layer = Self {
            features,
            kernel_size,
            first,
            use_bias,
            kernel_init,
            bias_init,
            mask,
            taps: vec![Vec::new(); n_sites],
            read_by: vec![Vec::new(); n_sites],
            readers: vec![Vec::new(); n_sites],
            joins: vec![Vec::new(); height * width],
        };
        for (site, t) in (0..n_sites).flat_map(|site| (0..height * width).map(move |t| (site, t))) {
            let up = (height - 1 - t / width) * kernel_dilation[0];
            let (left, right) = (
                width / 2 * kernel_dilation[1],
                t % width * kernel_dilation[1],
            );
            let (row, column) = (site / columns, site % columns + right);
            if layer.mask[t] && row >= up && (left..left + columns).contains(&column) {
                let from = (row - up) * columns + column - left;
                layer.taps[site].push((t as u32, from as u32));
                layer.read_by[from].push((t as u32, site as u32));
                layer.readers[from].push(site as u32);
                layer.joins[t].push([from as u32, site as u32]);
            }
        }
        for readers in &mut layer.readers {
            readers.sort_unstable();
            readers.dedup();
        }
        Ok(layer)
    }

    fn kernel_shape(&self) -> Vec<usize> {
        self.kernel_size.into_iter().chain(self.features).collect()
    }
}

impl<S: Scalar> CausalLayer<S> for MaskedConv2d {
    fn class(&self) -> &'static str {
        "MaskedConv2D"
    }

    fn leaves(&self) -> Vec<LeafSpec> {
        let [features_in, features_out] = self.features;
        let block = features_in * features_out;
        let mask = self
            .mask
            .iter()
            .flat_map(|&used| std::iter::repeat_n(used, block))
            .collect();
        let kernel = LeafSpec {
            name: "kernel",
            shape: self.kernel_shape(),
            mask: Some(mask),
        };
        let bias = LeafSpec {
            name: "bias",
            shape: vec![features_out],
            mask: None,
        };
        if self.use_bias {
            vec![kernel, bias]
        } else {
            vec![kernel]
        }
    }

    fn init(&self, name: &str, key: &dyn Fn(u32) -> Key) -> Vec<S> {
        if name == "bias" {
            return self.bias_init.draw(key(2), &[self.features[1]]);
        }
        let used = self.mask.iter().filter(|&&used| used).count();
        let correction = (self.mask.len() as f64 / used as f64).sqrt();
        let correction = S::new(S::Real::from_f64(correction), S::Real::from_f64(0.0));
        let mut kernel: Vec<S> = self.kernel_init.draw(key(1), &self.kernel_shape());
        let block = self.features[0] * self.features[1];
        for (block, &used) in kernel.chunks_exact_mut(block).zip(&self.mask) {
            for w in block {
                *w = if used { *w * correction } else { S::zero() };
            }
        }
        kernel
    }

    fn features(&self) -> [usize; 2] {
        self.features
    }

    fn real_features_in(&self) -> usize {
        self.features[0] * if self.first { 1 } else { S::PLANES }
    }

    fn readers(&self, site: usize) -> &[u32] {
        &self.readers[site]
    }

    fn pack(&self, array: &dyn Fn(&str) -> Option<Vec<S>>) -> Packed<S::Real> {
        let [features_in, features_out] = self.features;
        let rows = <Self as CausalLayer<S>>::real_features_in(self);
        let columns = features_out * S::PLANES;
        let (planes_in, block) = (rows / features_in, rows * columns);
        let zero = S::Real::from_f64(0.0);
        let mut weights = vec![zero; self.mask.len() * block];
        let mut transposed = weights.clone();
        let kernel = array("kernel").expect("the layout has this layer's kernel");
        for (t, _) in self.mask.iter().enumerate().filter(|(_, used)| **used) {
            for i in 0..rows {
                for o in 0..columns {
                    let w =
                        kernel[(t * features_in + i / planes_in) * features_out + o / S::PLANES];
                    // (re + i im)(a + i b): rows are a, b; columns real and imaginary part.
                    let entry = match (i % planes_in, o % S::PLANES) {
                        (0, 0) | (1, 1) => w.re(),
                        (0, _) => w.im(),
                        _ => -w.im(),
                    };
                    weights[t * block + i * columns + o] = entry;
                    transposed[t * block + o * rows + i] = entry;
                }
            }
        }
        let bias = match array("bias") {
            Some(bias) => bias
                .iter()
                .flat_map(|b| [b.re(), b.im()].into_iter().take(S::PLANES))
                .collect(),
            None => vec![zero; columns],
        };
        Packed {
            weights,
            transposed,
            bias,
            no_bias: vec![zero; rows],
        }
    }

    fn forward_site(
        &self,
        tiles: Tiles,
        packed: &Packed<S::Real>,
        site: usize,
        x: &[<S::Real as Real>::Row],
        row: &[u32],
        y: &mut [<S::Real as Real>::Row],
    ) {
        let features_in = <Self as CausalLayer<S>>::real_features_in(self);
        with_taps(
            &self.taps[site],
            |from| row[from],
            |taps| {
                tiles.site::<S::Real>(&packed.weights, &packed.bias, features_in, taps, x, y);
            },
        );
    }

    fn backward(
        &self,
        tiles: Tiles,
        packed: &Packed<S::Real>,
        x: &[<S::Real as Real>::Row],
        dy: &[<S::Real as Real>::Row],
        dx: Option<&mut [<S::Real as Real>::Row]>,
        k: &dyn Fn(&str, usize) -> Option<usize>,
        grad: &mut GradBlock,
    ) {
        let [features_in, features_out] = self.features;
        let rows = <Self as CausalLayer<S>>::real_features_in(self);
        let columns = features_out * S::PLANES;
        if let Some(dx) = dx {
            for (site, dx) in dx.chunks_exact_mut(rows).enumerate() {
                with_taps(
                    &self.read_by[site],
                    |to| (to * columns) as u32,
                    |taps| {
                        tiles.site::<S::Real>(
                            &packed.transposed,
                            &packed.no_bias,
                            columns,
                            taps,
                            dy,
                            dx,
                        );
                    },
                );
            }
        }
        let one = S::Real::from_f64(1.0);
        let mut put = |name: &str, i: usize, planes: [Option<&<S::Real as Real>::Row>; 2]| {
            if let Some(k) = k(name, i) {
                for (plane, row) in planes.into_iter().flatten().enumerate() {
                    grad.put::<S::Real>(k * S::PLANES + plane, row);
                }
            }
        };
        if self.use_bias {
            for o in 0..features_out {
                let mut sums = [zero_row::<S::Real>(); 2];
                for dy in dy.chunks_exact(columns) {
                    for plane in 0..S::PLANES {
                        sums[plane] =
                            combine::<S::Real>(&sums[plane], one, &dy[o * S::PLANES + plane]);
                    }
                }
                put(
                    "bias",
                    o,
                    [Some(&sums[0]), (S::PLANES == 2).then_some(&sums[1])],
                );
            }
        }
        let mut pairs = Vec::new();
        let mut block = vec![zero_row::<S::Real>(); rows * columns];
        for (t, joins) in self.joins.iter().enumerate().filter(|(t, _)| self.mask[*t]) {
            pairs.clear();
            pairs.extend(
                joins
                    .iter()
                    .map(|[from, to]| [from * rows as u32, to * columns as u32]),
            );
            tiles.outer::<S::Real>(&pairs, x, dy, [rows, columns], &mut block);
            for i in 0..features_in {
                for o in 0..features_out {
                    let entry = (t * features_in + i) * features_out + o;
                    let at = |a: usize, b: usize| &block[a * columns + b];
                    match (S::PLANES, rows / features_in) {
                        (1, _) => put("kernel", entry, [Some(at(i, o)), None]),
                        (_, 1) => put(
                            "kernel",
                            entry,
                            [Some(at(i, 2 * o)), Some(at(i, 2 * o + 1))],
                        ),
                        _ => {
                            let re = combine(at(2 * i, 2 * o), one, at(2 * i + 1, 2 * o + 1));
                            let im = combine(at(2 * i, 2 * o + 1), -one, at(2 * i + 1, 2 * o));
                            put("kernel", entry, [Some(&re), Some(&im)]);
                        }
                    }
                }
            }
        }
    }
}

/// Calls `f` with taps whose rows are found by `row`, without allocating.
fn with_taps(taps: &[(u32, u32)], row: impl Fn(usize) -> u32, f: impl FnOnce(&[Tap])) {
    const MAX: usize = 64;
    let tap = |&(block, site): &(u32, u32)| Tap {
        block,
        row: row(site as usize),
    };
    if taps.len() <= MAX {
        let mut buffer = [Tap { block: 0, row: 0 }; MAX];
        for (to, from) in buffer.iter_mut().zip(taps) {
            *to = tap(from);
        }
        f(&buffer[..taps.len()]);
    } else {
        f(&taps.iter().map(tap).collect::<Vec<_>>());
    }
}
