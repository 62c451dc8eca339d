//! The networks by the reference's names: `ARNNDense`, `ARNNConv1D`, `ARNNConv2D`.

use std::sync::Arc;

use super::Arnn;
use super::sequential::{ArnnSequential, CausalLayer, Masked};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::nn::{Activation, Initializer, MaskedConv1d, MaskedConv2d, MaskedDense1d};
use crate::scalar::{Dtype, Scalar};
use crate::simd::Precision;

/// Features of each layer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Features {
    /// So many in every layer but the last, which has the local size of the Hilbert space.
    Uniform(usize),
    /// So many in each layer; the last number is the local size.
    List(Vec<usize>),
}

impl std::fmt::Display for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uniform(features) => features.fmt(f),
            Self::List(features) => write!(f, "{features:?}"),
        }
    }
}

/// A network of masked layers of one kind: fields of its own, and those that all kinds have.
macro_rules! network {
    (
        $(#[$doc:meta])*
        $name:ident, $class:literal,
        own { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }
        new($($argument:ident: $argument_type:ty),*)
        errors $errors:literal
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// The space of σ.
            pub hilbert: Hilbert,
            /// Number of layers.
            pub layers: usize,
            /// Features of each layer.
            pub features: Features,
            $($(#[$field_doc])* pub $field: $type,)*
            /// The function between layers.
            pub activation: Activation,
            /// Do layers have a bias?
            pub use_bias: bool,
            /// The type of the parameters, where it is not chosen by [`build`](Self::build)'s type: in [modules](crate::module).
            pub param_dtype: Dtype,
            /// How products of single-precision numbers are accumulated.
            pub precision: Precision,
            /// How kernels begin, before the mask and its correction.
            pub kernel_init: Initializer,
            /// How biases begin.
            pub bias_init: Initializer,
            /// The exponent p of the normalisation Σ|ψ|^p = 1; estimators of physics need 2.
            pub machine_pow: u32,
            /// `order[k]` is the site drawn k-th; `None`: sites in turn. Layers know the order, not the sites.
            pub order: Option<Vec<usize>>,
            /// Is there a phase beside the amplitude, and parameters are real? See [`ArnnSequential`].
            pub phase: bool,
        }

        impl $name {
            /// NetKet's defaults for what is not given.
            pub fn new(
                hilbert: Hilbert,
                layers: usize,
                features: usize,
                $($argument: $argument_type,)*
            ) -> Self {
                Self {
                    hilbert,
                    layers,
                    features: Features::Uniform(features),
                    $($field: $default,)*
                    activation: Activation::default(),
                    use_bias: true,
                    param_dtype: Dtype::Float64,
                    precision: Precision::default(),
                    kernel_init: Initializer::LecunNormal,
                    bias_init: Initializer::Zeros,
                    machine_pow: 2,
                    order: None,
                    phase: false,
                }
            }

            /// The network as a list of layers.
            ///
            /// # Errors
            /// No layers; a list of features of the wrong length or end; a zero in a size;
            #[doc = $errors]
            pub fn sequential(&self) -> Result<ArnnSequential> {
                let features = self.features.of_layers(self.layers, self.hilbert.local_size())?;
                let layers = features.into_iter().map(|features| self.layer(features));
                Ok(ArnnSequential {
                    class: $class,
                    activation: self.activation.clone(),
                    machine_pow: self.machine_pow,
                    param_dtype: self.param_dtype,
                    precision: self.precision,
                    order: self.order.clone(),
                    phase: self.phase,
                    ..ArnnSequential::new(self.hilbert.clone(), layers.collect::<Result<_>>()?)
                })
            }

            /// The model with log ψ of type `S`: parameters are of the same type or, with a phase, real.
            ///
            /// # Errors
            /// As [`sequential`](Self::sequential); an initializer that has no value of the shape or type of its
            /// array; an activation whose parameter makes no sense, or the user's own whose derivative is not one;
            /// and as [`ArnnSequential::build`].
            pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
                self.sequential()?.build()
            }
        }
    };
}

network! {
    /// Autoregressive wave function of masked 2D convolutions over a lattice in raster order.
    ///
    /// log ψ(σ) = Σᵢ \[yᵢ(σᵢ) - log(Σₛ exp(p Re yᵢ(s)))/p\], y the last layer's output and p `machine_pow`.
    /// The first layer is exclusive and reads the local states' values; between layers comes the activation.
    /// NetKet: `ARNNConv2D` and `FastARNNConv2D`, which give the same numbers.
    ///
    /// What a site (orange) reads (blue) of those drawn before, by one layer of 2x3 kernels, which is their mask,
    /// and by three; red is its [blind spot](super::ArnnGatedConv2d), which no number of layers fills.
    ///
    #[doc = include_str!("../../pictures/conv2d_1.svg")]
    #[doc = include_str!("../../pictures/conv2d_3.svg")]
    ///
    /// A layer of h x w kernels from f to f' features has h w f f' + f' parameters, of which the first has
    /// (h w - ⌈w/2⌉) f' + f' that are not masked, and later ones (h w - ⌈w/2⌉ + 1) f f' + f'. A weight that is not
    /// masked, and reads u rows up and v columns aside, costs a sample a [multiply-add](Arnn::multiply_adds) at each of
    /// the (R - u) (C - v) of R x C sites at which it reads a site of the lattice.
    ///
    /// ```
    /// use autoket::{hilbert::Hilbert, models::{Ansatz, ArnnConv2d, Autoregressive}, random::Key};
    /// let hilbert = Hilbert::spin(0.5, 15)?;
    /// let model = ArnnConv2d { extent: Some([3, 5]), ..ArnnConv2d::new(hilbert, 2, 4, [2, 3]) }.build::<f64>()?;
    /// let params = model.init(Key::new(0));
    /// let samples = model.sample(&params.values, 8, Key::new(1))?;
    /// assert_eq!(model.log_psi(&params.values, &samples.sigma)?.len(), 8);
    /// assert_eq!(model.layout().n_parameters(), 6 * 4 + 4 + 6 * 4 * 2 + 2);
    /// assert_eq!(model.layout().n_active(), 4 * 4 + 4 + 5 * 4 * 2 + 2);
    /// // One row up: 2 · 4, 2 · 5 and 2 · 4 pairs of sites; to the left 3 · 4; sites themselves 15.
    /// assert_eq!(model.multiply_adds(), (26 + 12) * 4 + (26 + 12 + 15) * 4 * 2);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    ArnnConv2d, "ARNNConv2D",
    own {
        /// Rows and columns; `None`: a square lattice.
        extent: Option<[usize; 2]> = None,
        /// Height and width of the kernels; typically h = w/2 + 1.
        kernel_size: [usize; 2] = kernel_size,
        /// Dilation of the kernels along rows and columns.
        kernel_dilation: [usize; 2] = [1, 1],
    }
    new(kernel_size: [usize; 2])
    errors "a number of sites that is no square and no `extent`, or an `extent` of another number of sites; \
            a kernel of which the first layer's mask leaves nothing."
}

network! {
    /// Autoregressive wave function of masked dense layers: every site sees all earlier ones.
    ///
    /// x₀ = σ, xₗ = f(Wₗ xₗ₋₁ + bₗ), y the last without f; log ψ is normalised as in [`ArnnConv2d`].
    /// NetKet: `ARNNDense` and `FastARNNDense`, which give the same numbers.
    ///
    /// A site (orange) reads all that are drawn before (blue), and so a flip changes the conditionals of all later
    /// sites.
    ///
    #[doc = include_str!("../../pictures/dense.svg")]
    ///
    /// A layer of n sites from f to f' features has n² f f' + n f' parameters. Weights that are not masked,
    /// n (n - 1)/2 f' in the first layer and n (n + 1)/2 f f' in later ones, cost a sample a
    /// [multiply-add](Arnn::multiply_adds) each.
    ///
    /// ```
    /// use autoket::{hilbert::Hilbert, models::{Ansatz, ArnnDense}};
    /// let model = ArnnDense::new(Hilbert::spin(0.5, 6)?, 2, 4).build::<f64>()?;
    /// // Kernels (6·1, 6·4) and (6·4, 6·2), biases (6, 4) and (6, 2).
    /// assert_eq!(model.layout().n_parameters(), 6 * 24 + 24 * 12 + 24 + 12);
    /// assert_eq!(model.multiply_adds(), 15 * 4 + 21 * 4 * 2);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    ArnnDense, "ARNNDense",
    own {}
    new()
    errors "no others."
}

network! {
    /// Autoregressive wave function of masked convolutions along a chain.
    ///
    /// x₀ = σ, xₗ = f(Wₗ ⋆ xₗ₋₁ + bₗ), y the last without f; log ψ is normalised as in [`ArnnConv2d`].
    /// NetKet: `ARNNConv1D` and `FastARNNConv1D`, which give the same numbers.
    ///
    /// What a site (orange) reads (blue) by one layer of kernels of 3, and by two; it is blind to what is red, which
    /// is drawn before.
    ///
    #[doc = include_str!("../../pictures/conv1d_1.svg")]
    #[doc = include_str!("../../pictures/conv1d_2.svg")]
    ///
    /// A layer of kernels of k from f to f' features has k f f' + f' parameters, none of them masked; the first has
    /// (k - 1) f' + f'. A weight that reads v sites back costs a sample a [multiply-add](Arnn::multiply_adds) at each of
    /// the n - v sites at which there is one.
    ///
    /// ```
    /// use autoket::{hilbert::Hilbert, models::{Ansatz, ArnnConv1d}};
    /// let model = ArnnConv1d::new(Hilbert::spin(0.5, 6)?, 2, 4, 3).build::<f64>()?;
    /// // The first kernel is (3 - 1, 1, 4).
    /// assert_eq!(model.layout().n_parameters(), 2 * 4 + 4 + 3 * 4 * 2 + 2);
    /// assert_eq!(model.multiply_adds(), (5 + 4) * 4 + (6 + 5 + 4) * 4 * 2);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    ArnnConv1d, "ARNNConv1D",
    own {
        /// Length of the kernels; the first layer's has an entry less.
        kernel_size: usize = kernel_size,
        /// Dilation of the kernels.
        kernel_dilation: usize = 1,
    }
    new(kernel_size: usize)
    errors "`kernel_size` 1."
}

impl ArnnConv2d {
    fn layer(&self, features: usize) -> Result<Arc<dyn CausalLayer>> {
        let any = MaskedConv2d {
            extent: rows_and_columns(&self.hilbert, self.extent)?,
            features: [0; 2],
            kernel_size: self.kernel_size,
            kernel_dilation: self.kernel_dilation,
            exclusive: false,
            use_bias: self.use_bias,
            kernel_init: self.kernel_init.clone(),
            bias_init: self.bias_init.clone(),
        };
        let layer = move |features, exclusive| {
            let own = MaskedConv2d {
                features,
                exclusive,
                ..any.clone()
            };
            own.build()
        };
        Ok(Arc::new(Masked { features, layer }))
    }
}

impl ArnnDense {
    fn layer(&self, features: usize) -> Result<Arc<dyn CausalLayer>> {
        let any = MaskedDense1d {
            n_sites: self.hilbert.n_sites(),
            features: [0; 2],
            exclusive: false,
            use_bias: self.use_bias,
            kernel_init: self.kernel_init.clone(),
            bias_init: self.bias_init.clone(),
        };
        let layer = move |features, exclusive| {
            let own = MaskedDense1d {
                features,
                exclusive,
                ..any.clone()
            };
            own.build()
        };
        Ok(Arc::new(Masked { features, layer }))
    }
}

impl ArnnConv1d {
    fn layer(&self, features: usize) -> Result<Arc<dyn CausalLayer>> {
        let any = MaskedConv1d {
            n_sites: self.hilbert.n_sites(),
            features: [0; 2],
            kernel_size: self.kernel_size,
            kernel_dilation: self.kernel_dilation,
            exclusive: false,
            use_bias: self.use_bias,
            kernel_init: self.kernel_init.clone(),
            bias_init: self.bias_init.clone(),
        };
        let layer = move |features, exclusive| {
            let own = MaskedConv1d {
                features,
                exclusive,
                ..any.clone()
            };
            own.build()
        };
        Ok(Arc::new(Masked { features, layer }))
    }
}

/// The lattice of a two-dimensional network: a square one unless it is given.
pub(super) fn rows_and_columns(
    hilbert: &Hilbert,
    extent: Option<[usize; 2]>,
) -> Result<[usize; 2]> {
    let n_sites = hilbert.n_sites();
    match extent {
        Some([rows, columns]) if rows.checked_mul(columns) == Some(n_sites) => Ok([rows, columns]),
        Some([rows, columns]) => Err(Error::invalid(
            "extent",
            format!("rows x columns = {n_sites}, the sites of the Hilbert space"),
            format!("{rows} x {columns}"),
            "give the lattice the Hilbert space was made for",
        )),
        None => {
            let side = n_sites.isqrt();
            if side * side == n_sites {
                return Ok([side, side]);
            }
            Err(Error::invalid(
                "extent",
                "rows and columns",
                format!("nothing, and {n_sites} sites are no square"),
                "give `extent` as [rows, columns]",
            ))
        }
    }
}

impl Features {
    /// The features of each layer.
    ///
    /// # Errors
    /// No layers; a list of the wrong length or end; a zero.
    pub(super) fn of_layers(&self, layers: usize, local_size: usize) -> Result<Vec<usize>> {
        crate::nn::layers(layers)?;
        let features = match self {
            Features::Uniform(features) => {
                let mut list = vec![*features; layers - 1];
                list.push(local_size);
                list
            }
            Features::List(list) => list.clone(),
        };
        if features.len() != layers {
            return Err(Error::invalid(
                "features",
                format!("one number for each of {} layers", layers),
                format!("{} numbers", features.len()),
                "give a single number, or as many as there are layers",
            ));
        }
        if features[layers - 1] != local_size {
            return Err(Error::invalid(
                "features",
                format!("a list ending in {local_size}, the local size of the Hilbert space"),
                format!("{features:?}"),
                format!("end it with {local_size}"),
            ));
        }
        if features.contains(&0) {
            return Err(Error::invalid(
                "features",
                "positive integers",
                format!("{features:?}"),
                "give each layer at least 1",
            ));
        }
        crate::nn::positive("features", &features)?;
        Ok(features)
    }
}
