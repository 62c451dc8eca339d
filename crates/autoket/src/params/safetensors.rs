//! Safetensors files.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use safetensors::tensor::{Dtype as StDtype, SafeTensors, TensorView};

use super::array::{Array, assemble, to_bytes};
use super::{Layout, Loaded, Params};
use crate::error::{Error, Result};
use crate::scalar::{Dtype, Scalar};

/// The bytes of a file.
pub(super) fn write<S: Scalar>(params: &Params<S>) -> Result<Vec<u8>> {
    let dtype = params.layout.dtype::<S>();
    let part = match dtype.real() {
        Dtype::Float32 => StDtype::F32,
        _ => StDtype::F64,
    };
    let leaves = params.layout.leaves();
    let bytes: Vec<Vec<u8>> = leaves
        .iter()
        .map(|leaf| to_bytes(&params.values[leaf.range.clone()], dtype))
        .collect();
    let tensors = leaves.iter().zip(&bytes).map(|(leaf, bytes)| {
        let mut shape = leaf.shape.clone();
        if dtype.is_complex() {
            shape.push(2);
        }
        let view =
            TensorView::new(part, shape, bytes).expect("the bytes are made to fit the shape");
        (leaf.path(), view)
    });
    let metadata = HashMap::from([("dtype".to_owned(), dtype.name().to_owned())]);
    safetensors::serialize(tensors, Some(metadata)).map_err(|e| {
        Error::invalid(
            "params",
            "arrays that a safetensors file can hold",
            e,
            "save them as .mpack",
        )
    })
}

/// θ from the bytes of a file; the error is a message.
pub(super) fn read<S: Scalar>(layout: Arc<Layout>, content: &[u8]) -> Result<Loaded<S>, String> {
    let file = SafeTensors::deserialize(content).map_err(|e| {
        format!("not a safetensors file ({e}); give one that autoket or safetensors wrote")
    })?;
    let mut arrays = BTreeMap::new();
    for (path, view) in file.tensors() {
        let single = match view.dtype() {
            StDtype::F32 => true,
            StDtype::F64 => false,
            other => return Err(format!("`{path}`: expected F32 or F64, got {other:?}")),
        };
        let mut shape = view.shape().to_vec();
        let leaf = layout.leaves().iter().find(|leaf| leaf.path() == path);
        // An axis more than the model has is that of real and imaginary part.
        let complex = leaf
            .is_some_and(|leaf| shape.len() == leaf.shape.len() + 1 && shape.last() == Some(&2));
        if complex {
            shape.pop();
        }
        let dtype = match (single, complex) {
            (true, false) => Dtype::Float32,
            (false, false) => Dtype::Float64,
            (true, true) => Dtype::Complex64,
            (false, true) => Dtype::Complex128,
        };
        let array = Array::new(dtype, shape, Cow::Borrowed(view.data()))
            .map_err(|wrong| format!("`{path}`: {wrong}"));
        arrays.insert(path.clone(), array?);
    }
    assemble(layout, arrays, Vec::new())
}
