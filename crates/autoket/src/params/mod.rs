//! Parameters: one contiguous vector θ with a table of contents in JAX's order, and their files.

mod array;
mod msgpack;
mod safetensors;

pub(crate) use array::{from_bytes, to_bytes};

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::scalar::{Dtype, Scalar, c64};

/// One array of parameters, before it has a place in θ.
#[derive(Clone, Debug)]
pub struct LeafSpec {
    /// Its name in its module: `kernel` or `bias`.
    pub name: Cow<'static, str>,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Which entries are used, in C order; `None`: all. The others are zero for ever.
    pub mask: Option<Vec<bool>>,
}

/// The names on the way to an array.
fn names<'a>(module: &'a str, leaf: &'a LeafSpec) -> impl Iterator<Item = &'a str> {
    let modules = module.split('/').filter(move |_| !module.is_empty());
    modules.chain(std::iter::once(&*leaf.name))
}

/// One array of parameters and its place in θ.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The path of its module, as Flax names it: `_layers_0`.
    pub module: String,
    /// Its name there.
    pub name: Cow<'static, str>,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its entries in θ, C order.
    pub range: Range<usize>,
}

impl Leaf {
    /// Its path in Flax's dictionary of variables: `params/_layers_0/kernel`.
    pub fn path(&self) -> String {
        match self.module.as_str() {
            "" => format!("params/{}", self.name),
            module => format!("params/{module}/{}", self.name),
        }
    }
}

/// The table of contents of θ, in the order in which JAX flattens the tree `{"params": {module: {name}}}`:
/// the names in each place sorted as strings, so that `_layers_10` comes before `_layers_2` and `bias` before `kernel`.
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
        // Name by name: as texts, `a-x` would stand between `a` and `a/b`, in the midst of a tree.
        specs.sort_by(|(m, a), (n, b)| names(m, a).cmp(names(n, b)));
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

    /// The type of the parameters of a wave function of type `S`: real where imaginary parts are no parameters.
    pub fn dtype<S: Scalar>(&self) -> Dtype {
        if self.real { S::Real::DTYPE } else { S::DTYPE }
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

    /// Writes all arrays, whole file or none, in the format that the name's end says:
    ///
    /// - `.mpack`: the bytes of `flax.serialization.to_bytes({"params": ...})`, which NetKet and Flax read;
    /// - `.safetensors`: arrays by their Flax paths, `params/_layers_0/kernel`. A complex array is real numbers with a
    ///   last axis of 2 (re, im), and the file's metadata says `dtype`.
    ///
    /// Parameters of a network with a phase are real numbers.
    ///
    /// # Errors
    /// Another end of the name; an imaginary part where parameters are real; an array too large for its format;
    /// a file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.check_real()?;
        let content = match Kind::of(path)? {
            Kind::Mpack => msgpack::write(self)?,
            Kind::Safetensors => safetensors::write(self)?,
        };
        crate::logging::write_atomically(path, &content)
    }

    /// Reads arrays into a layout, from a file that [`save`](Self::save), Flax or NetKet wrote.
    ///
    /// A `.mpack` file holds the bytes of a dictionary of variables or of an `MCState`,
    /// a `.safetensors` file is as [`save`](Self::save) has it.
    /// Real arrays may become complex ones, and single precision double precision: both are exact.
    /// A network with a phase takes real arrays only.
    ///
    /// Which local state the first output stands for is a matter of the Hilbert space, not of the file. NetKet's
    /// `Spin(0.5)` lists up first: weights trained on it want
    /// [`with_inverted_ordering(false)`](crate::hilbert::Hilbert::with_inverted_ordering), and those trained with
    /// `inverted_ordering=True` the space as it is by default.
    ///
    /// # Errors
    /// The file cannot be read or is none of its format, lacks an array, holds one more,
    /// or one of another shape or of a dtype that does not fit.
    pub fn load(layout: Arc<Layout>, path: &Path) -> Result<Loaded<S>> {
        let kind = Kind::of(path)?;
        let content = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        let loaded = match kind {
            Kind::Mpack => msgpack::read(layout, &content),
            Kind::Safetensors => safetensors::read(layout, &content),
        };
        loaded.map_err(|message| Error::Format {
            path: path.to_owned(),
            message,
        })
    }
}

impl<S: Scalar> Params<S> {
    /// Refuses imaginary parts where they are no parameters.
    pub(crate) fn check_real(&self) -> Result<()> {
        if self.layout.dtype::<S>() == S::DTYPE {
            return Ok(());
        }
        let zero = S::zero().re();
        match self.values.iter().position(|x| x.im() != zero) {
            None => Ok(()),
            Some(i) => Err(Error::invalid(
                "params",
                "real numbers: the parameters of a network with a phase",
                format!("{} in place {i}", self.values[i]),
                "set imaginary parts to 0",
            )),
        }
    }
}

/// What a file held.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<S> {
    /// The collection `params`, all of it.
    pub params: Params<S>,
    /// The paths of what else there was and has not been read: of an `MCState`, the state of its sampler.
    pub unread: Vec<String>,
}

/// The formats of files.
enum Kind {
    Mpack,
    Safetensors,
}

impl Kind {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("mpack") => Ok(Self::Mpack),
            Some("safetensors") => Ok(Self::Safetensors),
            _ => Err(Error::invalid(
                "path",
                "a name that ends in .safetensors or .mpack",
                path.display(),
                "the end says which format the file has",
            )),
        }
    }
}
