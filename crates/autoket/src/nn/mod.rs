//! Layers of autoregressive networks: masked so that a site sees only what comes before it.

mod activation;
mod initializers;
mod masked;
mod masked_conv1d;
mod masked_conv2d;
mod masked_dense1d;

pub use crate::simd::Function;
pub use activation::{Activation, Analytic, Custom};
pub use initializers::{Distribution, Fan, Initializer, VarianceScaling};
pub use masked::MaskedLayer;
pub use masked_conv1d::MaskedConv1d;
pub use masked_conv2d::MaskedConv2d;
pub use masked_dense1d::MaskedDense1d;

pub(crate) use masked::{Input, Lists, Packed, Read};

use crate::error::{Error, Result};

/// Refuses a zero among sizes.
fn positive(field: &str, sizes: &[usize]) -> Result<()> {
    if !sizes.contains(&0) {
        return Ok(());
    }
    let (expected, got) = match sizes {
        [_] => ("a positive integer".to_owned(), "0".to_owned()),
        _ => (
            format!("{} positive integers", sizes.len()),
            format!("{sizes:?}"),
        ),
    };
    Err(Error::invalid(field, expected, got, "give at least 1"))
}
