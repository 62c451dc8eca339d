//! Layers that are linear maps, masked so that a site sees only what comes before it.

use super::Initializer;
use crate::error::{Error, Result};
use crate::params::LeafSpec;
use crate::random::Key;
use crate::scalar::{Real, Scalar, c64};

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

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self::with_capacity(0, 0)
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

/// An array of a layer's parameters.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    /// Its name in the tree of parameters.
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub init: Initializer,
    /// Which key of its scope it draws, from 1.
    pub key: u32,
}

/// What a layer reads of one of its sources.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Features of the source.
    pub features: usize,
    /// For each output site what it reads, by ascending input site.
    pub reads: Lists<Read>,
    pub blocks: Vec<Block>,
}

/// A linear map from features at sites to features at sites:
///
/// y\[j, o\] = bias\[o\] + Σ_sources Σ_{reads (b, i) of j} Σ_f w_b\[f, o\] x\[i, f\].
///
/// The layers of the reference differ only in who reads whom and in how the blocks w_b lie in the kernel.
/// A layer owns no parameters: it is a function of its part of θ.
#[derive(Clone, Debug)]
pub struct MaskedLayer {
    pub(crate) class: &'static str,
    /// The shape of a batch's features but for the batch and the features: `[sites]` or `[rows, columns]`.
    pub(crate) lattice: Vec<usize>,
    pub(crate) features_out: usize,
    /// What it reads of each source; most layers have one.
    pub(crate) inputs: Vec<Input>,
    pub(crate) kernel: Array,
    /// Which entries of the kernel are used; `None`: all.
    pub(crate) mask: Option<Vec<bool>>,
    /// By what initial kernels are multiplied, to make up for the mask.
    pub(crate) correction: f64,
    /// The same number for all sites, or one for each.
    pub(crate) bias: Option<Array>,
}

/// A layer's weights as its kernels read them: real, complex ones as 2 x 2 real blocks.
#[derive(Clone, Debug)]
pub(crate) struct Packed<R> {
    pub inputs: Vec<PackedInput<R>>,
    /// A number for each real feature out, of each site or of all.
    pub bias: Vec<R>,
}

/// The weights that meet one source.
#[derive(Clone, Debug)]
pub(crate) struct PackedInput<R> {
    /// `(block, features in, features out)`, in real features.
    pub weights: Vec<R>,
    /// `(block, features out, features in)`.
    pub transposed: Vec<R>,
}

impl MaskedLayer {
    /// A layer whose weights are the same at all positions: output = bias + Σ w\[source, k\] · input at the k-th
    /// position that is read of a source.
    ///
    /// `reads` lists, for each output position and each source, the positions it reads; a list may end early.
    /// The kernel is `(inputs, features out)`, the inputs of all sources and all k one after the other.
    ///
    /// # Errors
    /// No sources, a zero among features, or lists for another number of sources.
    pub fn shared(
        class: &'static str,
        n_positions: usize,
        features_in: &[usize],
        features_out: usize,
        reads: impl Fn(usize) -> Vec<Vec<usize>>,
    ) -> Result<Self> {
        Self::of_optional(class, n_positions, features_in, features_out, |position| {
            let all = reads(position).into_iter();
            all.map(|reads| reads.into_iter().map(Some).collect())
                .collect()
        })
    }

    /// The same with lists that have gaps, where 0 is read.
    pub(crate) fn of_optional(
        class: &'static str,
        n_positions: usize,
        features_in: &[usize],
        features_out: usize,
        reads: impl Fn(usize) -> Vec<Vec<Option<usize>>>,
    ) -> Result<Self> {
        super::positive("features", &[features_out])?;
        super::positive("features", features_in)?;
        super::positive("n_positions", &[n_positions])?;
        let all: Vec<_> = (0..n_positions).map(reads).collect();
        if let Some(lists) = all.iter().find(|lists| lists.len() != features_in.len()) {
            return Err(Error::invalid(
                "reads",
                format!("a list for each of {} sources", features_in.len()),
                format!("{} lists", lists.len()),
                "give an empty list where nothing is read",
            ));
        }
        let reads = || all.iter().flatten().flatten().flatten();
        if let Some(read) = reads().find(|&&position| position >= n_positions) {
            return Err(Error::invalid(
                "reads",
                format!("positions 0 to {}", n_positions - 1),
                read,
                "count positions from 0",
            ));
        }
        let mut rows = 0;
        let mut inputs = Vec::new();
        for (source, &features) in features_in.iter().enumerate() {
            let lists = || all.iter().map(|lists| &lists[source]);
            let longest = lists().map(Vec::len).max().unwrap_or(0);
            let block = |k: usize| Block {
                first: (rows + k * features) * features_out,
                stride: features_out,
            };
            let reads_of = |list: &Vec<Option<usize>>| {
                let reads = list.iter().enumerate().filter_map(|(k, from)| {
                    from.map(|from| Read {
                        block: k as u32,
                        from: from as u32,
                    })
                });
                reads.collect::<Vec<_>>()
            };
            inputs.push(Input {
                features,
                reads: lists().map(reads_of).collect(),
                blocks: (0..longest).map(block).collect(),
            });
            rows += longest * features;
        }
        super::entries("features", &[rows, features_out])?;
        Ok(Self {
            class,
            lattice: vec![n_positions],
            features_out,
            inputs,
            kernel: Array {
                name: "kernel",
                shape: vec![rows, features_out],
                init: Initializer::LecunNormal,
                key: 1,
            },
            mask: None,
            correction: 1.0,
            bias: Some(Array {
                name: "bias",
                shape: vec![features_out],
                init: Initializer::Zeros,
                key: 2,
            }),
        })
    }

    /// The same without a bias.
    pub fn without_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    /// The same with other initial values of kernel and bias.
    pub fn with_initializers(mut self, kernel: &Initializer, bias: &Initializer) -> Self {
        self.kernel.init = kernel.clone();
        if let Some(array) = &mut self.bias {
            array.init = bias.clone();
        }
        self
    }

    /// The class by which Flax would show it.
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// The shape of the lattice as the layer sees it.
    pub fn lattice(&self) -> &[usize] {
        &self.lattice
    }

    /// Features in, of the first source, and out.
    pub fn features(&self) -> [usize; 2] {
        [self.inputs[0].features, self.features_out]
    }

    /// Its arrays of parameters.
    pub fn leaves(&self) -> Vec<LeafSpec> {
        let kernel = LeafSpec {
            name: self.kernel.name.into(),
            shape: self.kernel.shape.clone(),
            mask: self.mask.clone(),
        };
        let bias = self.bias.as_ref().map(|bias| LeafSpec {
            name: bias.name.into(),
            shape: bias.shape.clone(),
            mask: None,
        });
        std::iter::once(kernel).chain(bias).collect()
    }

    /// Its arrays of parameters, with the number of the key of its scope that each draws.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let kernel = std::iter::once((self.kernel.name, self.kernel.key));
        kernel.chain(self.bias.as_ref().map(|bias| (bias.name, bias.key)))
    }

    /// Initial values of an array.
    ///
    /// # Errors
    /// Those of the initializer.
    pub(crate) fn init<S: Scalar>(&self, name: &str, key: Key) -> Result<Vec<S>> {
        if let Some(bias) = &self.bias
            && bias.name == name
        {
            return bias.init.draw(key, &bias.shape);
        }
        let correction = S::new(S::Real::from_f64(self.correction), S::Real::from_f64(0.0));
        let mut kernel: Vec<S> = self.kernel.init.draw(key, &self.kernel.shape)?;
        for (i, w) in kernel.iter_mut().enumerate() {
            let used = self.mask.as_ref().is_none_or(|mask| mask[i]);
            *w = if used { *w * correction } else { S::zero() };
        }
        Ok(kernel)
    }

    /// Adds the outputs of a site to `y`, of one sample's inputs `(site, feature)`; for layers of one source.
    pub(crate) fn output_at<S: Scalar>(
        &self,
        site: usize,
        x: &[S],
        kernel: &[S],
        bias: Option<&[S]>,
        y: &mut Vec<S>,
    ) {
        let input = &self.inputs[0];
        for o in 0..self.features_out {
            let bias = bias.map_or(c64::ZERO, |bias| {
                let own = if bias.len() > self.features_out {
                    site
                } else {
                    0
                };
                bias[own * self.features_out + o].to_c64()
            });
            let terms = input.reads.get(site).iter().flat_map(|read| {
                let block = input.blocks[read.block as usize];
                (0..input.features).map(move |f| {
                    let w = kernel[block.first + f * block.stride + o].to_c64();
                    w * x[read.from as usize * input.features + f].to_c64()
                })
            });
            y.push(S::from_c64(terms.sum::<c64>() + bias));
        }
    }

    /// Refuses initializers that have no value of the shape and type of their array.
    pub(crate) fn check_initializers<S: Scalar>(&self) -> Result<()> {
        let check = |array: &Array| {
            let checked = array.init.check::<S>(&array.shape);
            checked.map_err(|error| error.of_field(&format!("{}_init", array.name)))
        };
        check(&self.kernel)?;
        self.bias.as_ref().map_or(Ok(()), check)
    }

    /// Sites.
    pub(crate) fn n_sites(&self) -> usize {
        self.inputs[0].reads.len()
    }

    /// Whether sites see themselves, if every site sees all before it, by weights of its own.
    pub(crate) fn sight(&self) -> Option<bool> {
        let [Input { reads, blocks, .. }] = &self.inputs[..] else {
            return None;
        };
        let own_weights =
            reads.n_items() == blocks.len() && (self.bias.is_none() || self.has_bias_by_site());
        let sees = |seen: &dyn Fn(usize) -> usize| {
            (0..reads.len()).all(|to| {
                let reads = reads.get(to);
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
        self.bias.as_ref().is_some_and(|bias| bias.shape.len() > 1)
    }

    /// Weights for the kernels; `array` gives the layer's part of θ by name, `planes` the real numbers that
    /// an entry of θ is made of, `planes_in` those of a feature of each source.
    pub(crate) fn pack<S: Scalar>(
        &self,
        planes: usize,
        planes_in: &[usize],
        array: &dyn Fn(&str) -> Vec<S>,
    ) -> Packed<S::Real> {
        let kernel = array(self.kernel.name);
        let zero = S::Real::from_f64(0.0);
        let columns = self.features_out * planes;
        let inputs = self
            .inputs
            .iter()
            .zip(planes_in)
            .map(|(input, &planes_in)| {
                let rows = input.features * planes_in;
                let mut weights = vec![zero; input.blocks.len() * rows * columns];
                let mut transposed = weights.clone();
                let places = weights
                    .chunks_exact_mut(rows * columns)
                    .zip(transposed.chunks_exact_mut(rows * columns));
                for (block, (weights, transposed)) in input.blocks.iter().zip(places) {
                    for i in 0..rows {
                        let line = block.first + i / planes_in * block.stride;
                        let line = &kernel[line..][..self.features_out];
                        for o in 0..columns {
                            let w = line[o / planes];
                            // (re + i im)(a + i b): rows are a, b; columns real and imaginary part.
                            let entry = match (i % planes_in, o % planes) {
                                (0, 0) | (1, 1) => w.re(),
                                (0, _) => w.im(),
                                _ => -w.im(),
                            };
                            weights[i * columns + o] = entry;
                            transposed[o * rows + i] = entry;
                        }
                    }
                }
                PackedInput {
                    weights,
                    transposed,
                }
            });
        Packed {
            inputs: inputs.collect(),
            bias: match &self.bias {
                Some(bias) => array(bias.name)
                    .iter()
                    .flat_map(|b| [b.re(), b.im()].into_iter().take(planes))
                    .collect(),
                None => vec![zero; columns],
            },
        }
    }
}
