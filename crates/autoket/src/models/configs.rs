//! The networks by the reference's names: `ARNNDense`, `ARNNConv1D`, `ARNNConv2D`.

use super::{Arnn, Head, Network};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::nn::{Activation, Initializer, MaskedConv1d, MaskedConv2d, MaskedDense1d, MaskedLayer};
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

/// Autoregressive wave function of masked 2D convolutions over a lattice in raster order.
///
/// log ψ(σ) = Σᵢ \[yᵢ(σᵢ) - log(Σₛ exp(p Re yᵢ(s)))/p\], y the last layer's output and p `machine_pow`.
/// The first layer is exclusive and reads the local states' values; between layers comes the activation.
/// NetKet: `ARNNConv2D` and `FastARNNConv2D`, which give the same numbers.
///
/// ```
/// use autoket::{hilbert::Hilbert, models::{Ansatz, ArnnConv2d, Autoregressive}, random::Key};
/// let hilbert = Hilbert::spin(0.5, 15)?;
/// let model = ArnnConv2d { extent: Some([3, 5]), ..ArnnConv2d::new(hilbert, 2, 4, [2, 3]) }.build::<f64>()?;
/// let params = model.init(Key::new(0));
/// let samples = model.sample(&params.values, 8, Key::new(1));
/// assert_eq!(model.log_psi(&params.values, &samples.sigma).len(), 8);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ArnnConv2d {
    /// The space of σ.
    pub hilbert: Hilbert,
    /// Rows and columns; `None`: a square lattice.
    pub extent: Option<[usize; 2]>,
    /// Number of layers.
    pub layers: usize,
    /// Features of each layer.
    pub features: Features,
    /// Height and width of the kernels; typically h = w/2 + 1.
    pub kernel_size: [usize; 2],
    /// Dilation of the kernels along rows and columns.
    pub kernel_dilation: [usize; 2],
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
}

impl ArnnConv2d {
    /// NetKet's defaults for what is not given.
    pub fn new(hilbert: Hilbert, layers: usize, features: usize, kernel_size: [usize; 2]) -> Self {
        Self {
            hilbert,
            extent: None,
            layers,
            features: Features::Uniform(features),
            kernel_size,
            kernel_dilation: [1, 1],
            activation: Activation::default(),
            use_bias: true,
            param_dtype: Dtype::Float64,
            precision: Precision::default(),
            kernel_init: Initializer::LecunNormal,
            bias_init: Initializer::Zeros,
            machine_pow: 2,
        }
    }

    /// The model with parameters of type `S`.
    ///
    /// # Errors
    /// A number of sites that is no square and no `extent`, or an `extent` of another number of sites;
    /// no layers; a list of features of the wrong length or end; a zero in a size;
    /// a kernel of which the first layer's mask leaves nothing; `machine_pow` 0; an activation whose
    /// parameter makes no sense, or the user's own whose derivative is not one.
    pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
        let extent = self.lattice()?;
        let (network, head) = chain(
            &self.hilbert,
            self.layers,
            &self.features,
            &self.activation,
            |features, exclusive| {
                MaskedConv2d {
                    extent,
                    features,
                    kernel_size: self.kernel_size,
                    kernel_dilation: self.kernel_dilation,
                    exclusive,
                    use_bias: self.use_bias,
                    kernel_init: self.kernel_init,
                    bias_init: self.bias_init,
                }
                .build()
            },
        )?;
        network.build("ARNNConv2D", head, self.machine_pow, self.precision)
    }

    fn lattice(&self) -> Result<[usize; 2]> {
        let n_sites = self.hilbert.n_sites();
        match self.extent {
            Some([rows, columns]) if rows * columns == n_sites => Ok([rows, columns]),
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
}

/// Autoregressive wave function of masked dense layers: every site sees all earlier ones.
///
/// log ψ is normalised as in [`ArnnConv2d`].
/// NetKet: `ARNNDense`.
///
/// ```
/// use autoket::{hilbert::Hilbert, models::{Ansatz, ArnnDense}};
/// let model = ArnnDense::new(Hilbert::spin(0.5, 6)?, 2, 4).build::<f64>()?;
/// // Kernels (6·1, 6·4) and (6·4, 6·2), biases (6, 4) and (6, 2).
/// assert_eq!(model.layout().n_parameters(), 6 * 24 + 24 * 12 + 24 + 12);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ArnnDense {
    /// The space of σ.
    pub hilbert: Hilbert,
    /// Number of layers.
    pub layers: usize,
    /// Features of each layer.
    pub features: Features,
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
}

impl ArnnDense {
    /// NetKet's defaults for what is not given.
    pub fn new(hilbert: Hilbert, layers: usize, features: usize) -> Self {
        Self {
            hilbert,
            layers,
            features: Features::Uniform(features),
            activation: Activation::default(),
            use_bias: true,
            param_dtype: Dtype::Float64,
            precision: Precision::default(),
            kernel_init: Initializer::LecunNormal,
            bias_init: Initializer::Zeros,
            machine_pow: 2,
        }
    }

    /// The model with parameters of type `S`.
    ///
    /// # Errors
    /// No layers; a list of features of the wrong length or end; a zero in a size; `machine_pow` 0;
    /// an activation as in [`ArnnConv2d::build`].
    pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
        let (network, head) = chain(
            &self.hilbert,
            self.layers,
            &self.features,
            &self.activation,
            |features, exclusive| {
                MaskedDense1d {
                    n_sites: self.hilbert.n_sites(),
                    features,
                    exclusive,
                    use_bias: self.use_bias,
                    kernel_init: self.kernel_init,
                    bias_init: self.bias_init,
                }
                .build()
            },
        )?;
        network.build("ARNNDense", head, self.machine_pow, self.precision)
    }
}

/// Autoregressive wave function of masked convolutions along a chain.
///
/// log ψ is normalised as in [`ArnnConv2d`].
/// NetKet: `ARNNConv1D` and `FastARNNConv1D`, which give the same numbers.
///
/// ```
/// use autoket::{hilbert::Hilbert, models::{Ansatz, ArnnConv1d}};
/// let model = ArnnConv1d::new(Hilbert::spin(0.5, 6)?, 2, 4, 3).build::<f64>()?;
/// // The first kernel is (3 - 1, 1, 4).
/// assert_eq!(model.layout().n_parameters(), 2 * 4 + 4 + 3 * 4 * 2 + 2);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ArnnConv1d {
    /// The space of σ.
    pub hilbert: Hilbert,
    /// Number of layers.
    pub layers: usize,
    /// Features of each layer.
    pub features: Features,
    /// Length of the kernels; the first layer's has an entry less.
    pub kernel_size: usize,
    /// Dilation of the kernels.
    pub kernel_dilation: usize,
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
}

impl ArnnConv1d {
    /// NetKet's defaults for what is not given.
    pub fn new(hilbert: Hilbert, layers: usize, features: usize, kernel_size: usize) -> Self {
        Self {
            hilbert,
            layers,
            features: Features::Uniform(features),
            kernel_size,
            kernel_dilation: 1,
            activation: Activation::default(),
            use_bias: true,
            param_dtype: Dtype::Float64,
            precision: Precision::default(),
            kernel_init: Initializer::LecunNormal,
            bias_init: Initializer::Zeros,
            machine_pow: 2,
        }
    }

    /// The model with parameters of type `S`.
    ///
    /// # Errors
    /// No layers; a list of features of the wrong length or end; a zero in a size; `kernel_size` 1; `machine_pow` 0;
    /// an activation as in [`ArnnConv2d::build`].
    pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
        let (network, head) = chain(
            &self.hilbert,
            self.layers,
            &self.features,
            &self.activation,
            |features, exclusive| {
                MaskedConv1d {
                    n_sites: self.hilbert.n_sites(),
                    features,
                    kernel_size: self.kernel_size,
                    kernel_dilation: self.kernel_dilation,
                    exclusive,
                    use_bias: self.use_bias,
                    kernel_init: self.kernel_init,
                    bias_init: self.bias_init,
                }
                .build()
            },
        )?;
        network.build("ARNNConv1D", head, self.machine_pow, self.precision)
    }
}

/// A chain of layers with an activation between them, each made from its features in and out and whether
/// it is exclusive, as the first is.
fn chain(
    hilbert: &Hilbert,
    layers: usize,
    features: &Features,
    activation: &Activation,
    layer: impl Fn([usize; 2], bool) -> Result<MaskedLayer>,
) -> Result<(Network, Head)> {
    let features = features_of_layers(features, layers, hilbert.local_size())?;
    let mut network = Network::new(hilbert.clone());
    let (mut node, mut features_in) = (Network::INPUT, 1);
    for (l, &features_out) in features.iter().enumerate() {
        let activation = match l + 1 == layers {
            true => Activation::IDENTITY,
            false => activation.clone(),
        };
        let layer = layer([features_in, features_out], l == 0)?;
        node = network.linear(format!("_layers_{l}"), layer, &[node], activation);
        features_in = features_out;
    }
    Ok((network, Head::new(node)))
}

/// The features of each layer.
fn features_of_layers(features: &Features, layers: usize, local_size: usize) -> Result<Vec<usize>> {
    if layers == 0 {
        return Err(Error::invalid(
            "layers",
            "at least 1",
            0,
            "give the number of layers",
        ));
    }
    let features = match features {
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
    Ok(features)
}
