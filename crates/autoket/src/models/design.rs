//! A network that is finished but for its scalar.

use super::{Arnn, Head, Network, Node};
use crate::error::Result;
use crate::module::with_dtype;
use crate::nn::{Initializer, MaskedLayer};
use crate::scalar::{Dtype, Scalar};
use crate::simd::Precision;

/// A network as its fields describe it, to be built for any scalar.
///
/// ```
/// use autoket::{hilbert::Hilbert, models::{Ansatz, Design, GruNet1d, TensorGru2d}};
/// let hilbert = Hilbert::spin(0.5, 6)?;
/// let designs: [Design; 2] = [
///     GruNet1d::new(hilbert.clone(), 2, 4).sequential()?.design()?,
///     TensorGru2d::new(hilbert, [2, 3], 4).design()?,
/// ];
/// for design in designs {
///     assert_eq!(design.build::<f32>()?.hilbert().n_sites(), 6);
/// }
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Design {
    /// The nodes.
    pub network: Network,
    /// Those that hold the wave function.
    pub head: Head,
    /// The name by which tables show the network.
    pub class: &'static str,
    /// The exponent p of the normalisation Σ|ψ|^p = 1.
    pub machine_pow: u32,
    /// How products of single-precision numbers are accumulated.
    pub precision: Precision,
    /// The type of the parameters, where it is not chosen by [`build`](Self::build)'s type: in [modules](crate::module).
    pub param_dtype: Dtype,
}

impl Design {
    /// The model with log ψ of type `S`: parameters are of the same type or, with a phase, real.
    ///
    /// # Errors
    /// As [`Network::build`].
    pub fn build<S: Scalar>(&self) -> Result<Arnn<S>> {
        self.network
            .build(self.class, self.head, self.machine_pow, self.precision)
    }

    /// The type of log ψ for parameters of [`param_dtype`](Self::param_dtype).
    pub fn dtype(&self) -> Dtype {
        match self.head.phase {
            Some(_) => self.param_dtype.complex(),
            None => self.param_dtype,
        }
    }

    /// [`Arnn::to_svg`].
    ///
    /// # Errors
    /// As there, and as [`Network::build`].
    pub fn to_svg(&self, extent: [usize; 2], site: usize) -> Result<String> {
        with_dtype!(self.dtype(), S => self.build::<S>()?.to_svg(extent, site))
    }

    /// [`Arnn::flow_svg`].
    ///
    /// # Errors
    /// As [`Network::build`].
    pub fn flow_svg(&self) -> Result<String> {
        with_dtype!(self.dtype(), S => Ok(self.build::<S>()?.flow_svg()))
    }
}

impl Head {
    /// Log-amplitudes and, where they are asked for, phases, each by a layer of its own.
    pub(super) fn of(phase: bool, mut output: impl FnMut(&str) -> Result<Node>) -> Result<Self> {
        Ok(Self {
            amplitude: output("amplitude")?,
            phase: phase.then(|| output("phase")).transpose()?,
        })
    }
}

impl Network {
    /// A layer with the same weights at all positions, as [`MaskedLayer::of_optional`].
    pub(super) fn layer_of(
        &self,
        features_in: &[usize],
        features: usize,
        class: &'static str,
        [kernel_init, bias_init]: [&Initializer; 2],
        reads: impl Fn(usize) -> Vec<Vec<Option<usize>>>,
    ) -> Result<MaskedLayer> {
        let n = self.n_positions();
        let layer = MaskedLayer::of_optional(class, n, features_in, features, reads)?;
        Ok(layer.with_initializers(kernel_init, bias_init))
    }
}
