//! Parameters: one contiguous vector θ with a table of contents in JAX's order.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::{Dtype as StDtype, SafeTensors, TensorView};

use crate::error::{Error, Result};
use crate::scalar::{Dtype, Real, Scalar, c64};

/// One array of parameters, before it has a place in θ.
#[derive(Clone, Debug)]
pub struct LeafSpec {
    /// Its name in its module: `kernel` or `bias`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Which entries are used, in C order; `None`: all. The others are zero for ever.
    pub mask: Option<Vec<bool>>,
}

/// One array of parameters and its place in θ.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The path of its module, as Flax names it: `_layers_0`.
    pub module: String,
    /// Its name there.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its entries in θ, C order.
    pub range: Range<usize>,
}

/// The table of contents of θ, in the order in which JAX flattens the tree `{"params": {module: {name}}}`:
/// paths sorted as strings, so that `_layers_10` comes before `_layers_2` and `bias` before `kernel`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    leaves: Vec<Leaf>,
    /// Where each entry of θ stands among the used ones.
    active: Vec<Option<u32>>,
    n_active: usize,
    /// Are imaginary parts no parameters?
    real: bool,
}

impl Layout {
    /// From the leaves of each module.
    pub fn new(modules: Vec<(String, Vec<LeafSpec>)>) -> Self {
        let mut specs: Vec<(String, LeafSpec)> = modules
            .into_iter()
            .flat_map(|(module, leaves)| leaves.into_iter().map(move |leaf| (module.clone(), leaf)))
            .collect();
        specs.sort_by(|(m, a), (n, b)| (m, a.name).cmp(&(n, b.name)));
        let (mut leaves, mut active, mut n_active) = (Vec::new(), Vec::new(), 0);
        for (module, spec) in specs {
            let first = active.len();
            for i in 0..spec.shape.iter().product() {
                let used = spec.mask.as_ref().is_none_or(|mask| mask[i]);
                active.push(used.then_some(n_active as u32));
                n_active += usize::from(used);
            }
            leaves.push(Leaf {
                module,
                name: spec.name,
                shape: spec.shape,
                range: first..active.len(),
            });
        }
        Self {
            leaves,
            active,
            n_active,
            real: false,
        }
    }

    /// The same for real parameters of a complex wave function: their imaginary parts are 0 for ever.
    pub fn of_real_parameters(self) -> Self {
        Self { real: true, ..self }
    }

    /// Real parameters: parts of entries of θ that are not masked.
    pub fn n_reals<S: Scalar>(&self) -> usize {
        self.n_active * self.planes::<S>()
    }

    /// Real parameters of one entry of θ.
    fn planes<S: Scalar>(&self) -> usize {
        if self.real { 1 } else { S::PLANES }
    }

    /// The arrays, in order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The place of an array in θ; `None` if there is no such array.
    pub fn range(&self, module: &str, name: &str) -> Option<Range<usize>> {
        self.leaves
            .iter()
            .find(|l| l.module == module && l.name == name)
            .map(|l| l.range.clone())
    }

    /// The length of θ, masked entries included: NetKet's `n_parameters`.
    pub fn n_parameters(&self) -> usize {
        self.active.len()
    }

    /// Entries of θ that are not masked.
    pub fn n_active(&self) -> usize {
        self.n_active
    }

    /// Where entry `i` of θ stands among the entries that are not masked.
    pub fn active(&self, i: usize) -> Option<usize> {
        self.active[i].map(|k| k as usize)
    }

    /// θ-shaped vector from one real number for each part of each entry that is not masked
    /// (a complex entry: real part, imaginary part); masked entries are 0.
    pub fn scatter<S: Scalar>(&self, reals: &[f64]) -> Vec<S> {
        let mut out = Vec::new();
        self.scatter_into(reals, &mut out);
        out
    }

    /// [`scatter`](Self::scatter) into memory used before.
    pub fn scatter_into<S: Scalar>(&self, reals: &[f64], out: &mut Vec<S>) {
        let planes = self.planes::<S>();
        out.clear();
        out.extend(self.active.iter().map(|k| match k {
            None => S::zero(),
            Some(k) => {
                let z = &reals[*k as usize * planes..][..planes];
                S::from_c64(c64::new(z[0], if planes == 2 { z[1] } else { 0.0 }))
            }
        }));
    }
}

/// θ and its layout: the `params` collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Params<S> {
    /// The table of contents.
    pub layout: Arc<Layout>,
    /// θ.
    pub values: Vec<S>,
}

impl<S: Scalar> Params<S> {
    /// The array `name` of `module`, C order.
    pub fn get(&self, module: &str, name: &str) -> Option<&[S]> {
        self.layout
            .range(module, name)
            .map(|range| &self.values[range])
    }

    /// Writes all arrays to a safetensors file, whole or not at all.
    ///
    /// Names are `module.name`; a complex array is stored as real numbers with a last axis of 2 (re, im),
    /// and the file's metadata says `dtype`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes: Vec<Vec<u8>> = self
            .layout
            .leaves()
            .iter()
            .map(|leaf| {
                self.values[leaf.range.clone()]
                    .iter()
                    .flat_map(|&z| to_bytes(z))
                    .collect()
            })
            .collect();
        let tensors = self
            .layout
            .leaves()
            .iter()
            .zip(&bytes)
            .map(|(leaf, bytes)| {
                let view = TensorView::new(st_dtype::<S>(), st_shape::<S>(leaf), bytes)
                    .expect("the bytes are made to fit the shape");
                (leaf_name(leaf), view)
            });
        let metadata = HashMap::from([("dtype".to_owned(), S::DTYPE.name().to_owned())]);
        let content = safetensors::serialize(tensors, Some(metadata))
            .map_err(|e| Error::io(path, std::io::Error::other(e)))?;
        crate::logging::write_atomically(path, &content)
    }

    /// Reads what [`save`](Self::save) wrote, into the same layout.
    ///
    /// # Errors
    /// The file cannot be read, is no safetensors file, lacks an array, holds one more,
    /// or one of another shape or dtype.
    pub fn load(layout: Arc<Layout>, path: &Path) -> Result<Self> {
        let content = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        let wrong = |message: String| Error::Format {
            path: path.to_owned(),
            message,
        };
        let file = SafeTensors::deserialize(&content).map_err(|e| {
            wrong(format!(
                "not a safetensors file ({e}); give one that autoket wrote"
            ))
        })?;
        let mut values = vec![S::zero(); layout.n_parameters()];
        for leaf in layout.leaves() {
            let name = leaf_name(leaf);
            let view = file.tensor(&name).map_err(|_| {
                wrong(format!(
                    "has no array `{name}`; it belongs to another model"
                ))
            })?;
            if view.dtype() != st_dtype::<S>() || view.shape() != st_shape::<S>(leaf) {
                return Err(wrong(format!(
                    "`{name}`: expected {:?} {:?} ({}), got {:?} {:?}; build the model it was saved from",
                    st_dtype::<S>(),
                    st_shape::<S>(leaf),
                    S::DTYPE,
                    view.dtype(),
                    view.shape()
                )));
            }
            let size = S::DTYPE.bytes();
            for (value, bytes) in values[leaf.range.clone()]
                .iter_mut()
                .zip(view.data().chunks(size))
            {
                *value = from_bytes(bytes);
            }
        }
        if let Some(name) = file
            .names()
            .into_iter()
            .find(|name| layout.leaves().iter().all(|leaf| leaf_name(leaf) != **name))
        {
            return Err(wrong(format!(
                "has an array `{name}` that the model lacks; it belongs to another model"
            )));
        }
        Ok(Self { layout, values })
    }
}

fn leaf_name(leaf: &Leaf) -> String {
    format!("{}.{}", leaf.module, leaf.name)
}

fn st_dtype<S: Scalar>() -> StDtype {
    match <S::Real as Scalar>::DTYPE {
        Dtype::Float32 => StDtype::F32,
        _ => StDtype::F64,
    }
}

fn st_shape<S: Scalar>(leaf: &Leaf) -> Vec<usize> {
    let mut shape = leaf.shape.clone();
    if S::PLANES == 2 {
        shape.push(2);
    }
    shape
}

fn to_bytes<S: Scalar>(z: S) -> Vec<u8> {
    let part = |x: f64| match <S::Real as Scalar>::DTYPE {
        Dtype::Float32 => (x as f32).to_le_bytes().to_vec(),
        _ => x.to_le_bytes().to_vec(),
    };
    let z = z.to_c64();
    [z.re, z.im][..S::PLANES]
        .iter()
        .flat_map(|&x| part(x))
        .collect()
}

fn from_bytes<S: Scalar>(bytes: &[u8]) -> S {
    let part = |bytes: &[u8]| match *bytes {
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]).into(),
        _ => f64::from_le_bytes(bytes.try_into().expect("parts have 4 or 8 bytes")),
    };
    let size = bytes.len() / S::PLANES;
    let im = if S::PLANES == 2 {
        part(&bytes[size..])
    } else {
        0.0
    };
    S::new(
        S::Real::from_f64(part(&bytes[..size])),
        S::Real::from_f64(im),
    )
}
