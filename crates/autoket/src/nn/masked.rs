//! Layers that are linear maps, masked so that a site sees only what comes before it.

use super::Initializer;
use crate::error::Result;
use crate::params::LeafSpec;
use crate::random::Key;
use crate::scalar::{Real, Scalar};
use crate::simd::Tap;

/// Lists of different lengths, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Lists<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Lists<T> {
    pub(crate) fn with_capacity(lists: usize, items: usize) -> Self {
        let mut starts = Vec::with_capacity(lists + 1);
        starts.push(0);
        Self {
            starts,
            items: Vec::with_capacity(items),
        }
    }

    /// Adds an item to the last list.
    pub(crate) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Ends the last list.
    pub(crate) fn end(&mut self) {
        self.starts.push(self.items.len() as u32);
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn n_items(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|n| self.get(n))
    }

    #[inline]
    pub(crate) fn get(&self, n: usize) -> &[T] {
        &self.items[self.starts[n] as usize..self.starts[n + 1] as usize]
    }
}

impl<T> FromIterator<Vec<T>> for Lists<T> {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(lists: I) -> Self {
        let mut all = Self::with_capacity(0, 0);
        for list in lists {
            all.items.extend(list);
            all.end();
        }
        all
    }
}

/// What an output site reads: y\[to\] += w\[block\] x\[from\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub block: u32,
    pub from: u32,
}

/// A block of weights, `(features in, features out)`, as part of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its first entry in the kernel, C order.
    pub first: usize,
    /// From one input feature to the next; output features lie side by side.
    pub stride: usize,
}

/// A linear map from features at sites to features at sites, whose output at a site depends on the input
/// at earlier sites and, unless it is exclusive, at the site itself:
///
/// y\[j, o\] = bias\[o\] + Σ_{reads (b, i) of j} Σ_f w_b\[f, o\] x\[i, f\].
///
/// The layers of the reference differ only in who reads whom and in how the blocks w_b lie in the kernel.
/// A layer owns no parameters: it is a function of its part of θ.
#[derive(Clone, Debug)]
pub struct MaskedLayer {
    pub(super) class: &'static str,
    /// The shape of a batch's features but for the batch and the features: `[sites]` or `[rows, columns]`.
    pub(super) lattice: Vec<usize>,
    pub(super) features: [usize; 2],
    /// Is the input σ, real whatever the scalar, and the site itself unseen?
    pub(super) first: bool,
    pub(super) kernel_shape: Vec<usize>,
    /// Which entries of the kernel are used; `None`: all.
    pub(super) mask: Option<Vec<bool>>,
    /// By what initial kernels are multiplied, to make up for the mask.
    pub(super) correction: f64,
    pub(super) kernel_init: Initializer,
    /// No bias where `None`.
    pub(super) bias_shape: Option<Vec<usize>>,
    pub(super) bias_init: Initializer,
    /// Does the bias draw the layer's first key and the kernel its second? Otherwise the other way.
    pub(super) bias_first: bool,
    /// For each output site what it reads, by ascending input site.
    pub(super) reads: Lists<Read>,
    pub(super) blocks: Vec<Block>,
}

/// A layer's weights as its kernels read them: real, complex ones as 2 x 2 real blocks.
#[derive(Clone, Debug)]
pub struct Packed<R> {
    /// `(block, features in, features out)`, in real features.
    pub weights: Vec<R>,
    /// `(block, features out, features in)`.
    pub transposed: Vec<R>,
    /// A number for each real feature out, of each site or of all.
    pub bias: Vec<R>,
    /// `weights` of all features out but the first, real parts less that of the first.
    pub relative: Vec<R>,
}

impl MaskedLayer {
    /// The class by which Flax would show it.
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// The shape of the lattice as the layer sees it.
    pub fn lattice(&self) -> &[usize] {
        &self.lattice
    }

    /// Features in and out.
    pub fn features(&self) -> [usize; 2] {
        self.features
    }

    /// Its arrays of parameters.
    pub fn leaves(&self) -> Vec<LeafSpec> {
        let kernel = LeafSpec {
            name: "kernel",
            shape: self.kernel_shape.clone(),
            mask: self.mask.clone(),
        };
        let bias = self.bias_shape.as_ref().map(|shape| LeafSpec {
            name: "bias",
            shape: shape.clone(),
            mask: None,
        });
        std::iter::once(kernel).chain(bias).collect()
    }

    /// Initial values of the array `name`; `key` gives the n-th key drawn in this layer's scope, from 1.
    ///
    /// # Errors
    /// Those of the initializer.
    pub fn init<S: Scalar>(&self, name: &str, key: &dyn Fn(u32) -> Key) -> Result<Vec<S>> {
        let bias_key = if self.bias_first { 1 } else { 2 };
        // Without a bias the kernel draws the first key.
        let kernel_key = match self.bias_shape {
            Some(_) => 3 - bias_key,
            None => 1,
        };
        if name == "bias" {
            let shape = self.bias_shape.as_deref().unwrap_or_default();
            return self.bias_init.draw(key(bias_key), shape);
        }
        let correction = S::Real::from_f64(self.correction);
        let correction = S::new(correction, S::Real::from_f64(0.0));
        let mut kernel: Vec<S> = self.kernel_init.draw(key(kernel_key), &self.kernel_shape)?;
        for (i, w) in kernel.iter_mut().enumerate() {
            let used = self.mask.as_ref().is_none_or(|mask| mask[i]);
            *w = if used { *w * correction } else { S::zero() };
        }
        Ok(kernel)
    }

    /// Refuses initializers that have no value of the shape and type of their array.
    pub(crate) fn check_initializers<S: Scalar>(&self) -> Result<()> {
        let kernel = self.kernel_init.check::<S>(&self.kernel_shape);
        kernel.map_err(|error| error.of_field("kernel_init"))?;
        match &self.bias_shape {
            Some(shape) => {
                let bias = self.bias_init.check::<S>(shape);
                bias.map_err(|error| error.of_field("bias_init"))
            }
            None => Ok(()),
        }
    }

    /// Does the bias draw the layer's first key and the kernel its second?
    pub(crate) fn is_bias_first(&self) -> bool {
        self.bias_first
    }

    /// For each block of weights its first entry in the kernel, and the steps from one input feature to the next.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        self.blocks.iter().map(|block| (block.first, block.stride))
    }

    /// Real features in and out; a first layer's input is real whatever the scalar.
    pub(crate) fn real_features<S: Scalar>(&self) -> [usize; 2] {
        let [inputs, outputs] = self.features;
        [
            inputs * if self.first { 1 } else { S::PLANES },
            outputs * S::PLANES,
        ]
    }

    /// Has it a bias?
    pub(crate) fn has_bias(&self) -> bool {
        self.bias_shape.is_some()
    }

    /// Whether sites see themselves, if every site sees all before it, by weights of its own.
    pub(crate) fn sight(&self) -> Option<bool> {
        let pairs: usize = (0..self.reads.len())
            .map(|to| self.reads.get(to).len())
            .sum();
        let own_weights =
            pairs == self.blocks.len() && (!self.has_bias() || self.has_bias_by_site());
        let sees = |seen: &dyn Fn(usize) -> usize| {
            (0..self.reads.len()).all(|to| {
                let reads = self.reads.get(to);
                reads.len() == seen(to)
                    && reads.iter().enumerate().all(|(i, r)| r.from as usize == i)
            })
        };
        match own_weights {
            true if sees(&|to| to + 1) => Some(true),
            true if sees(&|to| to) => Some(false),
            _ => None,
        }
    }

    /// Has each site a bias of its own?
    pub(crate) fn has_bias_by_site(&self) -> bool {
        self.bias_shape
            .as_ref()
            .is_some_and(|shape| shape.len() > 1)
    }

    /// Weights for the kernels; `array` gives the layer's part of θ by name.
    pub(crate) fn pack<S: Scalar>(
        &self,
        array: &dyn Fn(&str) -> Option<Vec<S>>,
    ) -> Packed<S::Real> {
        let [features_in, features_out] = self.features;
        let [rows, columns] = self.real_features::<S>();
        let planes_in = rows / features_in;
        let zero = S::Real::from_f64(0.0);
        let mut weights = vec![zero; self.blocks.len() * rows * columns];
        let mut transposed = weights.clone();
        let kernel = array("kernel").expect("the layout has this layer's kernel");
        let places = weights
            .chunks_exact_mut(rows * columns)
            .zip(transposed.chunks_exact_mut(rows * columns));
        for (block, (weights, transposed)) in self.blocks.iter().zip(places) {
            for i in 0..rows {
                let line = &kernel[block.first + i / planes_in * block.stride..][..features_out];
                for o in 0..columns {
                    let w = line[o / S::PLANES];
                    // (re + i im)(a + i b): rows are a, b; columns real and imaginary part.
                    let entry = match (i % planes_in, o % S::PLANES) {
                        (0, 0) | (1, 1) => w.re(),
                        (0, _) => w.im(),
                        _ => -w.im(),
                    };
                    weights[i * columns + o] = entry;
                    transposed[o * rows + i] = entry;
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
        let relative = weights
            .chunks_exact(columns)
            .flat_map(|line| {
                let less = |(o, &w): (usize, &S::Real)| match o % S::PLANES {
                    0 => w - line[0],
                    _ => w,
                };
                line.iter().enumerate().skip(1).map(less)
            })
            .collect();
        Packed {
            weights,
            transposed,
            bias,
            relative,
        }
    }
}

/// Who reads whom, as the kernels see it: rows instead of sites.
#[derive(Debug)]
pub(crate) struct Wiring {
    /// Real features in and out.
    pub features: [usize; 2],
    /// For each output site, the rows of its input.
    pub taps: Lists<Tap>,
    /// For each input site, the rows of the outputs that read it.
    pub back: Lists<Tap>,
    /// For each block of weights, the (row of input, row of output) it joins.
    pub joins: Lists<[u32; 2]>,
    /// For each input site, the (block, output site) that read it.
    pub readers: Lists<[u32; 2]>,
    /// Numbers from one site's bias to the next: 0 where they share it.
    pub bias_stride: usize,
}

impl Wiring {
    pub(crate) fn new<S: Scalar>(layer: &MaskedLayer) -> Self {
        let [rows, columns] = layer.real_features::<S>();
        let n_sites = layer.reads.len();
        let mut readers = vec![Vec::new(); n_sites];
        let mut joins = vec![Vec::new(); layer.blocks.len()];
        for to in 0..n_sites {
            for read in layer.reads.get(to) {
                readers[read.from as usize].push([read.block, to as u32]);
                joins[read.block as usize].push([read.from * rows as u32, (to * columns) as u32]);
            }
        }
        let tap = |block: u32, site: u32, width: usize| Tap {
            block,
            row: site * width as u32,
        };
        Self {
            features: [rows, columns],
            taps: layer
                .reads
                .iter()
                .map(|reads| reads.iter().map(|r| tap(r.block, r.from, rows)).collect())
                .collect(),
            back: readers
                .iter()
                .map(|to| {
                    to.iter()
                        .map(|&[block, to]| tap(block, to, columns))
                        .collect()
                })
                .collect(),
            joins: joins.into_iter().collect(),
            readers: readers.into_iter().collect(),
            bias_stride: match layer.has_bias_by_site() {
                true => columns,
                false => 0,
            },
        }
    }
}
