//! A network that is finished but for its scalar.

use super::{Arnn, Head, Network};
use crate::error::Result;
use crate::scalar::Scalar;
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
}
