//! Arrays as files hold them, and θ made of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Layout, Loaded, Params};
use crate::scalar::{Dtype, Real, Scalar};

/// An array of a file, its numbers as little-endian bytes in C order.
#[derive(Debug)]
pub(super) struct Array<'a> {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Cow<'a, [u8]>,
}

impl<'a> Array<'a> {
    /// Refuses bytes that do not fill the shape.
    pub(super) fn new(
        dtype: Dtype,
        shape: Vec<usize>,
        bytes: Cow<'a, [u8]>,
    ) -> Result<Self, String> {
        let size = shape
            .iter()
            .try_fold(dtype.bytes(), |size, &n| size.checked_mul(n));
        if size == Some(bytes.len()) {
            return Ok(Self {
                dtype,
                shape,
                bytes,
            });
        }
        Err(format!(
            "{dtype} {shape:?} does not fit its {} bytes",
            bytes.len()
        ))
    }

    /// The numbers, if `wanted` represents them exactly: `S` or its real type.
    fn numbers<S: Scalar>(&self, wanted: Dtype) -> Option<Vec<S>> {
        let single = self.dtype.real() == Dtype::Float32;
        let planes = 1 + usize::from(self.dtype.is_complex());
        let exact = (wanted.is_complex() || planes == 1) && (single || size_of::<S::Real>() == 8);
        let part = |bytes: &[u8]| {
            S::Real::from_f64(match *bytes {
                [a, b, c, d] => f32::from_le_bytes([a, b, c, d]).into(),
                _ => f64::from_le_bytes(bytes.try_into().expect("parts have 4 or 8 bytes")),
            })
        };
        let size = if single { 4 } else { 8 };
        exact.then(|| {
            let numbers = self.bytes.chunks_exact(size * planes);
            numbers
                .map(|number| match number.split_at(size) {
                    (re, []) => S::new(part(re), S::Real::from_f64(0.0)),
                    (re, im) => S::new(part(re), part(im)),
                })
                .collect()
        })
    }
}

/// θ from the arrays of a file by their Flax paths; the error is a message.
pub(super) fn assemble<S: Scalar>(
    layout: Arc<Layout>,
    mut arrays: BTreeMap<String, Array<'_>>,
    unread: Vec<String>,
) -> Result<Loaded<S>, String> {
    let mut values = vec![S::zero(); layout.n_parameters()];
    for leaf in layout.leaves() {
        let path = leaf.path();
        let Some(array) = arrays.remove(&path) else {
            return Err(format!(
                "has no array `{path}`, which the model has; build the model it was saved from"
            ));
        };
        if array.shape != leaf.shape {
            return Err(format!(
                "`{path}`: expected shape {:?}, got {:?}; build the model it was saved from",
                leaf.shape, array.shape
            ));
        }
        let dtype = layout.dtype::<S>();
        let Some(numbers) = array.numbers::<S>(dtype) else {
            let cure = match dtype == S::DTYPE {
                true => "build the model with that dtype",
                false => "a network with a phase has real parameters",
            };
            return Err(format!(
                "`{path}`: expected {dtype}, got {}, which does not fit in exactly; {cure}",
                array.dtype
            ));
        };
        values[leaf.range.clone()].copy_from_slice(&numbers);
    }
    match arrays.into_keys().next() {
        None => Ok(Loaded {
            params: Params { layout, values },
            unread,
        }),
        Some(path) => Err(format!(
            "has an array `{path}` that the model lacks; build the model it was saved from"
        )),
    }
}

/// Numbers as little-endian bytes, real before imaginary part, if `dtype` has one: that of `S` or its real one.
pub(crate) fn to_bytes<S: Scalar>(numbers: &[S], dtype: Dtype) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(numbers.len() * dtype.bytes());
    for z in numbers {
        for part in &[z.re(), z.im()][..1 + usize::from(dtype.is_complex())] {
            match <S::Real as Scalar>::DTYPE {
                Dtype::Float32 => bytes.extend((part.widen() as f32).to_le_bytes()),
                _ => bytes.extend(part.widen().to_le_bytes()),
            }
        }
    }
    bytes
}

/// Numbers of type `S` from their little-endian bytes, of which none are left over.
pub(crate) fn from_bytes<S: Scalar>(bytes: &[u8]) -> Vec<S> {
    let n = bytes.len() / S::DTYPE.bytes();
    let array = Array::new(S::DTYPE, vec![n], Cow::Borrowed(bytes));
    let numbers = array.ok().and_then(|array| array.numbers(S::DTYPE));
    numbers.expect("whole numbers of the type asked for")
}
