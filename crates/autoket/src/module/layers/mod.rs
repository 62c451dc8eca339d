//! Plain layers, with Flax's fields, names and defaults.

mod conv;
mod dense;
mod embed;
mod layer_norm;

pub use conv::{Conv, Padding};
pub use dense::Dense;
pub use embed::Embed;
pub use layer_norm::LayerNorm;

use super::{Array, Element};
use crate::error::{Error, Result};
use crate::scalar::Dtype;

/// The single input of a layer.
fn only_input<'a>(class: &str, inputs: &'a [Array]) -> Result<&'a Array> {
    match inputs {
        [x] => Ok(x),
        _ => Err(Error::invalid(
            "inputs",
            format!("one array for {class}"),
            format!("{} arrays", inputs.len()),
            "pass one",
        )),
    }
}

/// The type of a computation: `dtype` if given, or else that of input and parameters together.
fn computation(dtype: Option<Dtype>, arrays: &[&Array]) -> Element {
    let together = |element: Element, array: &&Array| element.promote(array.element());
    match dtype {
        Some(dtype) => dtype.into(),
        None => arrays.iter().fold(Element::Int8, together),
    }
}

fn display(dtype: Option<Dtype>) -> String {
    dtype.map_or("None".to_owned(), |dtype| dtype.to_string())
}
