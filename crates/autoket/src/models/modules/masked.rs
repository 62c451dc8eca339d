//! A masked layer by itself: a module, and a layer of a network.

use super::cache::Cache;
use super::inexact;
use super::layer::UPDATE_SITE;
use super::unit::arrays;
use crate::error::{Error, Result};
use crate::models::{CausalLayer, Network, Node, Place};
use crate::module::{Array, CALL, Module, Scope, no_method, with_dtype};
use crate::nn::{Initializer, MaskedConv1d, MaskedConv2d, MaskedDense1d, MaskedLayer};
use crate::scalar::Dtype;
use crate::simd::Precision;

/// Which earlier sites a site sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Mask {
    /// All of them.
    Dense1d,
    /// Those of a kernel along a chain.
    Conv1d {
        /// The length of the kernel.
        kernel_size: usize,
        /// Steps between its entries.
        kernel_dilation: usize,
    },
    /// Those of a kernel over rows and columns.
    Conv2d {
        /// Height and width of the kernel.
        kernel_size: [usize; 2],
        /// Steps between its entries.
        kernel_dilation: [usize; 2],
    },
}

/// A masked layer as a module of its own, and as one of the layers of an [`ArnnSequential`](crate::models::ArnnSequential).
///
/// Its inputs are `(batch, site, feature)`, over a lattice `(batch, row, column, feature)`, or one sample of them.
/// NetKet: `MaskedDense1D`, `MaskedConv1D`, `MaskedConv2D`, and with `cached` the same with `Fast` before the name.
///
/// ```
/// use autoket::{models::{Mask, MaskedModule}, module::{Array, Module}, random::Key};
/// let dense = MaskedModule::new(Mask::Dense1d, 3, true);
/// let variables = dense.init(Key::new(0), &[Array::full(&[8, 4, 1], 1.0)])?;
/// assert_eq!(variables.array("params", "kernel")?.to_string(), "float64[4,12]");
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MaskedModule {
    /// Which earlier sites a site sees.
    pub mask: Mask,
    /// Features out.
    pub features: usize,
    /// Is a site's own input left out, as in the first layer of a network?
    pub exclusive: bool,
    /// Is there a bias?
    pub use_bias: bool,
    /// The type of the parameters.
    pub param_dtype: Dtype,
    /// How products of single-precision numbers are accumulated in a network; by itself a layer adds in double precision.
    pub precision: Precision,
    /// How the kernel begins.
    pub kernel_init: Initializer,
    /// How the bias begins.
    pub bias_init: Initializer,
    /// The lattice, where it is known: a method `update_site` with the reference's cache needs it.
    pub lattice: Option<Vec<usize>>,
    /// Is there a method `update_site`?
    pub cached: bool,
}

impl MaskedModule {
    /// NetKet's defaults for what is not given.
    pub fn new(mask: Mask, features: usize, exclusive: bool) -> Self {
        Self {
            mask,
            features,
            exclusive,
            use_bias: true,
            param_dtype: Dtype::Float64,
            precision: Precision::default(),
            kernel_init: Initializer::LecunNormal,
            bias_init: Initializer::Zeros,
            lattice: None,
            cached: false,
        }
    }

    /// The layer on a lattice.
    fn on(&self, lattice: &[usize], features_in: usize) -> Result<MaskedLayer> {
        let features = [features_in, self.features];
        let (exclusive, use_bias) = (self.exclusive, self.use_bias);
        let (kernel_init, bias_init) = (self.kernel_init.clone(), self.bias_init.clone());
        match (&self.mask, lattice) {
            (Mask::Dense1d, &[n_sites]) => MaskedDense1d {
                n_sites,
                features,
                exclusive,
                use_bias,
                kernel_init,
                bias_init,
            }
            .build(),
            (
                &Mask::Conv1d {
                    kernel_size,
                    kernel_dilation,
                },
                &[n_sites],
            ) => MaskedConv1d {
                n_sites,
                features,
                kernel_size,
                kernel_dilation,
                exclusive,
                use_bias,
                kernel_init,
                bias_init,
            }
            .build(),
            (
                &Mask::Conv2d {
                    kernel_size,
                    kernel_dilation,
                },
                &[rows, columns],
            ) => MaskedConv2d {
                extent: [rows, columns],
                features,
                kernel_size,
                kernel_dilation,
                exclusive,
                use_bias,
                kernel_init,
                bias_init,
            }
            .build(),
            _ => Err(self.wrong_shape(format!("a lattice of {} axes", lattice.len()))),
        }
    }

    /// Axes of the lattice.
    fn axes(&self) -> usize {
        match self.mask {
            Mask::Conv2d { .. } => 2,
            _ => 1,
        }
    }

    fn wrong_shape(&self, got: impl std::fmt::Display) -> Error {
        let expected = match self.axes() {
            1 => "an array (batch, site, feature) or (site, feature)",
            _ => "an array (batch, row, column, feature) or (row, column, feature)",
        };
        Error::invalid("inputs", expected, got, "add the missing axis")
    }

    /// Inputs with an axis of samples; whether there was none.
    fn with_batch(&self, x: &Array, ndim: usize) -> Result<(Array, bool)> {
        match x.ndim() {
            n if n == ndim => Ok((x.clone(), false)),
            n if n + 1 == ndim => Ok((x.reshape(&[&[1], x.shape()].concat())?, true)),
            _ => Err(self.wrong_shape(x)),
        }
    }

    fn whole(&self, scope: &Scope, x: &Array) -> Result<Array> {
        let (x, is_single) = self.with_batch(x, self.axes() + 2)?;
        let (&features_in, shape) = x.shape().split_last().expect("two axes or more");
        let layer = self.on(&shape[1..], features_in)?;
        let n_sites = shape[1..].iter().product();
        let all: Vec<_> = (0..n_sites).collect();
        let y = self.apply(scope, &layer, &x, &all, false)?;
        let out = match is_single {
            true => &shape[1..],
            false => shape,
        };
        y.reshape(&[out, &[self.features]].concat())
    }

    /// The outputs of some sites, `(sample, site, feature)`.
    fn apply(
        &self,
        scope: &Scope,
        layer: &MaskedLayer,
        x: &Array,
        sites: &[usize],
        reversed: bool,
    ) -> Result<Array> {
        let arrays = arrays(layer, scope, self.param_dtype, reversed)?;
        let together = arrays
            .iter()
            .fold(x.element(), |e, (_, a)| e.promote(a.element()));
        let batch = x.shape()[0];
        let shape = [batch, sites.len(), self.features];
        if x.is_abstract() || arrays.iter().any(|(_, array)| array.is_abstract()) {
            return Ok(Array::shape_only(&shape, together));
        }
        with_dtype!(inexact(together)?, S => {
            let values = |name: &str| {
                let array = arrays.iter().find(|(own, _)| *own == name);
                array.map(|(_, array)| array.values::<S>()).transpose()
            };
            let kernel = values("kernel")?.unwrap_or_default();
            let bias = values("bias")?;
            let x = x.values::<S>()?;
            let mut y = Vec::with_capacity(shape.iter().product());
            for sample in x.chunks_exact((x.len() / batch.max(1)).max(1)) {
                for &site in sites {
                    layer.output_at(site, sample, &kernel, bias.as_deref(), &mut y);
                }
            }
            Array::new(&shape, y)
        })
    }

    fn cache(&self, lattice: &[usize]) -> Cache {
        match self.mask {
            Mask::Dense1d => Cache::Sites(lattice[0]),
            Mask::Conv1d {
                kernel_size,
                kernel_dilation,
            } => {
                let last = match self.exclusive {
                    true => 0,
                    false => kernel_dilation - 1,
                };
                let entries = kernel_size - usize::from(self.exclusive);
                Cache::Window(entries * kernel_dilation - last)
            }
            Mask::Conv2d {
                kernel_size,
                kernel_dilation,
            } => {
                let rows = (kernel_size[0] - 1) * kernel_dilation[0] + 1;
                Cache::Rows([rows, lattice[1]])
            }
        }
    }

    /// Takes the input of one site into the cache, and gives the output of the site `index`.
    fn update_site(&self, scope: &Scope, x: &Array, index: &Array) -> Result<Array> {
        let (x, is_single) = self.with_batch(x, 2)?;
        let index = match index.to_integers()?.as_slice() {
            &[index] if index >= 0 => index as usize,
            _ => {
                let cure = "sites are numbered from 0";
                return Err(Error::invalid("index", "the number of a site", index, cure));
            }
        };
        let lattice = match (&self.mask, &self.lattice) {
            // A chain has no end: sites up to this one are enough.
            (Mask::Conv1d { .. }, _) => vec![index + 1],
            (_, Some(lattice)) => lattice.clone(),
            (_, None) => return Err(self.wrong_shape("no lattice")),
        };
        let [batch, features_in] = [x.shape()[0], x.shape()[1]];
        let n_sites: usize = lattice.iter().product();
        if index >= n_sites {
            let expected = format!("a site, less than {n_sites}");
            return Err(Error::invalid(
                "index",
                expected,
                index,
                "take a site of the lattice",
            ));
        }
        let layer = self.on(&lattice, features_in)?;
        let cache = self.cache(&lattice);
        let reversed = !matches!(self.mask, Mask::Dense1d);
        let arrays = arrays(&layer, &scope.rewound(), self.param_dtype, reversed)?;
        let together = arrays
            .iter()
            .fold(x.element(), |e, (_, a)| e.promote(a.element()));
        let from = index.checked_sub(usize::from(self.exclusive));
        cache.update(scope, &x.cast(together), together, from, index)?;
        let seen = match x.is_abstract() {
            true => Array::shape_only(&[batch, n_sites, features_in], together),
            false => {
                let cached = scope.get_variable("cache", "inputs");
                let cached = cached.map(|it| it.array().cloned()).transpose()?;
                let cached = cached.unwrap_or_else(|| x.clone());
                self.spread(cache, &cached, n_sites, index, features_in)?
            }
        };
        let y = self.apply(&scope.rewound(), &layer, &seen, &[index], reversed)?;
        match is_single {
            true => y.reshape(&[self.features]),
            false => y.reshape(&[batch, self.features]),
        }
    }

    /// What is cached at its places on the lattice, `(sample, site, feature)`.
    fn spread(
        &self,
        cache: Cache,
        cached: &Array,
        n_sites: usize,
        index: usize,
        features: usize,
    ) -> Result<Array> {
        let slot = |site: usize| match cache {
            Cache::Sites(_) | Cache::Memories => Some(site),
            Cache::Window(n) => {
                let last = index.checked_sub(usize::from(self.exclusive))?;
                (n + site).checked_sub(last + 1).filter(|&slot| slot < n)
            }
            Cache::Rows([height, width]) => {
                let row = (height + site / width).checked_sub(index / width + 1)?;
                (row < height).then_some(row * width + site % width)
            }
        };
        let batch = cached.shape()[0];
        with_dtype!(inexact(cached.element())?, S => {
            let values = cached.values::<S>()?;
            let mut all = vec![S::default(); batch * n_sites * features];
            let samples = values.chunks_exact((values.len() / batch.max(1)).max(1));
            for (all, sample) in all.chunks_exact_mut((n_sites * features).max(1)).zip(samples) {
                for (site, all) in all.chunks_exact_mut(features).enumerate() {
                    if let Some(slot) = slot(site) {
                        all.copy_from_slice(&sample[slot * features..][..features]);
                    }
                }
            }
            Array::new(&[batch, n_sites, features], all)
        })
    }
}

impl Module for MaskedModule {
    fn class(&self) -> &'static str {
        match (&self.mask, self.cached) {
            (Mask::Dense1d, false) => "MaskedDense1D",
            (Mask::Conv1d { .. }, false) => "MaskedConv1D",
            (Mask::Conv2d { .. }, false) => "MaskedConv2D",
            (Mask::Dense1d, true) => "FastMaskedDense1D",
            (Mask::Conv1d { .. }, true) => "FastMaskedConv1D",
            (Mask::Conv2d { .. }, true) => "FastMaskedConv2D",
        }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("mask", format!("{:?}", self.mask)),
            ("features", self.features.to_string()),
            ("exclusive", self.exclusive.to_string()),
            ("use_bias", self.use_bias.to_string()),
            ("param_dtype", self.param_dtype.to_string()),
            ("precision", format!("{:?}", self.precision)),
            ("kernel_init", format!("{:?}", self.kernel_init)),
            ("bias_init", format!("{:?}", self.bias_init)),
        ]
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match inputs {
            [x] => self.whole(scope, x),
            _ => Err(self.wrong_shape(format!("{} arrays", inputs.len()))),
        }
    }

    fn methods(&self) -> Vec<&'static str> {
        match self.cached {
            true => vec![CALL, UPDATE_SITE],
            false => vec![CALL],
        }
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match (name, inputs) {
            (CALL, _) => self.call(scope, inputs),
            (UPDATE_SITE, [x, index]) if self.cached => self.update_site(scope, x, index),
            (UPDATE_SITE, _) if self.cached => Err(Error::invalid(
                "inputs",
                "the input of a site, (batch, feature), and the index of the output's",
                format!("{} arrays", inputs.len()),
                "pass both",
            )),
            _ => Err(no_method(self.class(), name, self.methods()).into()),
        }
    }
}

impl CausalLayer for MaskedModule {
    fn add(&self, network: &mut Network, place: Place) -> Result<Node> {
        let lattice = self.lattice_of(network.hilbert())?;
        let layer = self.on(&lattice, network.features(place.input))?;
        let activation = place.activation.clone();
        Ok(network.linear(place.module, layer, &[place.input], activation))
    }

    fn cache(&self, network: &crate::hilbert::Hilbert) -> Option<Cache> {
        let lattice = self.lattice_of(network).ok()?;
        self.cached.then(|| self.cache(&lattice))
    }
}

impl MaskedModule {
    /// The lattice of a network's sites: the one that is given, or a square.
    fn lattice_of(&self, hilbert: &crate::hilbert::Hilbert) -> Result<Vec<usize>> {
        let extent = match self.lattice.as_deref() {
            Some(&[rows, columns]) => Some([rows, columns]),
            _ => None,
        };
        match self.axes() {
            1 => Ok(vec![hilbert.n_sites()]),
            _ => Ok(crate::models::configs::rows_and_columns(hilbert, extent)?.to_vec()),
        }
    }
}
