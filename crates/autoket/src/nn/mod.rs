//! Layers of autoregressive networks: masked so that a site sees only what comes before it.

mod activation;
mod initializers;
mod masked;
mod masked_conv1d;
mod masked_conv2d;
mod masked_dense1d;

pub use crate::simd::Function;
pub use activation::{Activation, Analytic, Custom, InPlace};
pub use initializers::{Distribution, Fan, Initializer, OwnInitializer, VarianceScaling};
pub use masked::MaskedLayer;
pub use masked_conv1d::MaskedConv1d;
pub use masked_conv2d::MaskedConv2d;
pub use masked_dense1d::MaskedDense1d;

pub(crate) use masked::{Input, Lists, Packed, Read};

use crate::error::{Error, Result};

/// Sizes beyond are a slip of the pen, and so are arrays of more entries.
const MAX_SIZE: usize = 1 << 20;
const MAX_ENTRIES: usize = 1 << 28;
const MAX_LAYERS: usize = 1 << 12;

/// Refuses more layers than any network has: each costs memory for every site before a number is computed.
pub(crate) fn layers(layers: usize) -> Result<()> {
    let expected = match layers {
        1..=MAX_LAYERS => return Ok(()),
        0 => "at least 1".to_owned(),
        _ => format!("at most {MAX_LAYERS}"),
    };
    let cure = "give the number of layers";
    Err(Error::invalid("layers", expected, layers, cure))
}

/// Refuses arrays that no memory holds.
pub(crate) fn entries(field: &str, shape: &[usize]) -> Result<usize> {
    let product = shape.iter().try_fold(1_usize, |n, &m| n.checked_mul(m));
    product.filter(|&n| n <= MAX_ENTRIES).ok_or_else(|| {
        Error::invalid(
            field,
            format!("an array of at most {MAX_ENTRIES} entries"),
            format!("{shape:?}"),
            "make the network smaller",
        )
    })
}

/// Refuses a zero among sizes, and what is beyond all bounds.
pub(crate) fn positive(field: &str, sizes: &[usize]) -> Result<()> {
    if sizes.iter().any(|&size| size > MAX_SIZE) {
        return Err(Error::invalid(
            field,
            format!("at most {MAX_SIZE}"),
            format!("{sizes:?}"),
            "make the network smaller",
        ));
    }
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
