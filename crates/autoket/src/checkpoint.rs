//! Checkpoints: one file that holds all that a run needs to go on to the last bit.
//!
//! It is a safetensors file, so that other programs can read its arrays: `parameters`, the memory of the optimizer and
//! of stochastic reconfiguration. Its metadata holds the rest as text: the step, the key of the next draw, and whatever
//! the writer wants to find again. A SHA-1 of the whole file tells a damaged one.
//!
//! ```
//! use std::sync::Arc;
//! use autoket::{checkpoint::Checkpoint, driver::Vmc, graph::Graph, hilbert::Hilbert, models::ArnnConv2d};
//! use autoket::{operator::ising, optimizer::{Optimizer, Sr}, vqs::{McState, VariationalState}};
//! let graph = Graph::square(3, false)?;
//! let hilbert = Hilbert::spin(0.5, 9)?;
//! let h = Arc::new(ising(&hilbert, &graph, 3.0, 1.0)?);
//! let model = Arc::new(ArnnConv2d::new(hilbert, 2, 4, [2, 3]).build::<f64>()?);
//! let begin = || {
//!     let state = McState::new(model.clone(), 64, 0)?;
//!     Vmc::new(h.clone(), state, Optimizer::adam(0.01), Some(Sr::default()))
//! };
//! let folder = tempfile::tempdir().unwrap();
//! let path = folder.path().join("step-1.safetensors");
//!
//! let mut vmc = begin()?;
//! vmc.advance()?;
//! vmc.checkpoint().write(&path)?;
//! vmc.advance()?;
//!
//! let mut again = begin()?;
//! again.restore(&Checkpoint::read(&path)?)?;
//! again.advance()?;
//! assert_eq!(again.state.params(), vmc.state.params());
//! # Ok::<(), autoket::Error>(())
//! ```

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::str::FromStr;

use safetensors::tensor::{Dtype as StDtype, SafeTensors, TensorView};

use crate::error::{Error, Result};
use crate::params::{from_bytes, to_bytes};
use crate::scalar::{Dtype, Scalar};

/// What a run is at the end of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    notes: BTreeMap<String, String>,
    arrays: BTreeMap<String, Values>,
}

/// Numbers as little-endian bytes.
#[derive(Clone, Debug, PartialEq)]
struct Values {
    dtype: Dtype,
    bytes: Vec<u8>,
}

/// Of files that this version writes and reads; it reads those before it as well.
const FORMAT: u32 = 1;
/// Stands in a file's place for the checksum while the checksum is computed.
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000";
const CHECKSUM_KEY: &str = "\"checksum\":\"";

impl Checkpoint {
    /// Keeps a text; one of the same name is replaced.
    pub fn set_note(&mut self, name: &str, text: impl ToString) {
        self.notes.insert(name.to_owned(), text.to_string());
    }

    /// A text.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn note(&self, name: &str) -> Result<&str> {
        let found = self.notes.get(name).map(String::as_str);
        found.ok_or_else(|| lacks(format!("a note `{name}`")))
    }

    /// A text as what it was made of.
    ///
    /// # Errors
    /// There is none of this name, or it says something else.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<T> {
        let text = self.note(name)?;
        text.parse().map_err(|_| {
            Error::invalid(
                "checkpoint",
                format!("a number as the note `{name}`"),
                format!("{text:?}"),
                "take another checkpoint",
            )
        })
    }

    /// Keeps numbers; those of the same name are replaced.
    pub fn put<S: Scalar>(&mut self, name: &str, values: &[S]) {
        let bytes = to_bytes(values, S::DTYPE);
        let dtype = S::DTYPE;
        self.arrays.insert(name.to_owned(), Values { dtype, bytes });
    }

    /// Numbers; `None` if there are none of this name.
    ///
    /// # Errors
    /// They are of another type.
    pub fn get<S: Scalar>(&self, name: &str) -> Result<Option<Vec<S>>> {
        let Some(values) = self.arrays.get(name) else {
            return Ok(None);
        };
        if values.dtype != S::DTYPE {
            return Err(Error::invalid(
                "checkpoint",
                format!("`{name}` of {}", S::DTYPE),
                values.dtype,
                "take a checkpoint of a model of the same dtype",
            ));
        }
        Ok(Some(from_bytes(&values.bytes)))
    }

    /// So many numbers.
    ///
    /// # Errors
    /// There are none of this name; they are of another type, or not as many.
    pub fn expect<S: Scalar>(&self, name: &str, n: usize) -> Result<Vec<S>> {
        let found = self.get(name)?;
        let values = found.ok_or_else(|| lacks(format!("the array `{name}`")))?;
        if values.len() == n {
            return Ok(values);
        }
        Err(Error::invalid(
            "checkpoint",
            format!("{n} numbers in `{name}`"),
            values.len(),
            "take a checkpoint of the same model",
        ))
    }

    /// Writes the file: it is there whole and on the disk, or not at all.
    ///
    /// # Errors
    /// It cannot be written; the file that was there before is as it was.
    pub fn write(&self, path: &Path) -> Result<()> {
        crate::logging::write_atomically(path, &self.to_bytes()?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is none, is damaged, or was written by a version that knows more than this one.
    pub fn read(path: &Path) -> Result<Self> {
        let io = |error| Error::io(path, error);
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(io(std::io::Error::other("it is no file")));
        }
        let content = std::fs::read(path).map_err(io)?;
        Self::from_bytes(&content).map_err(|message| Error::Format {
            path: path.to_owned(),
            message,
        })
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// It would be too large for its format.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let tensors = self.arrays.iter().map(|(name, values)| {
            let part = match values.dtype.real() {
                Dtype::Float32 => StDtype::F32,
                _ => StDtype::F64,
            };
            let mut shape = vec![values.bytes.len() / values.dtype.bytes()];
            if values.dtype.is_complex() {
                shape.push(2);
            }
            let view = TensorView::new(part, shape, &values.bytes);
            (name, view.expect("the shape is made of the bytes"))
        });
        let mut metadata: HashMap<String, String> = self
            .notes
            .iter()
            .map(|(name, text)| (format!("{NOTE}{name}"), text.clone()))
            .collect();
        let own = [
            ("format", FORMAT.to_string()),
            ("autoket", env!("CARGO_PKG_VERSION").to_owned()),
            ("checksum", NO_CHECKSUM.to_owned()),
        ];
        metadata.extend(own.map(|(name, text)| (name.to_owned(), text)));
        let mut bytes = safetensors::serialize(tensors, Some(metadata)).map_err(|error| {
            Error::invalid(
                "checkpoint",
                "arrays that a safetensors file can hold",
                error,
                "take a smaller model",
            )
        })?;
        let at = checksum_at(&bytes).expect("it is in the metadata");
        let checksum = sha1_smol::Sha1::from(&bytes).digest().to_string();
        bytes[at..at + checksum.len()].copy_from_slice(checksum.as_bytes());
        Ok(bytes)
    }

    /// From the bytes of a file.
    ///
    /// # Errors
    /// They are none of a checkpoint: a message that says why.
    pub fn from_bytes(content: &[u8]) -> Result<Self, String> {
        let damaged = |why: &str| format!("is damaged: {why}; take an earlier checkpoint");
        let at = checksum_at(content)
            .ok_or_else(|| "is no checkpoint of autoket, or its beginning is damaged".to_owned())?;
        let mut sum = sha1_smol::Sha1::new();
        let end = at + NO_CHECKSUM.len();
        for part in [&content[..at], NO_CHECKSUM.as_bytes(), &content[end..]] {
            sum.update(part);
        }
        if sum.digest().to_string().as_bytes() != &content[at..end] {
            return Err(damaged("its checksum is not that of its content"));
        }
        let (_, header) =
            SafeTensors::read_metadata(content).map_err(|e| damaged(&e.to_string()))?;
        let file = SafeTensors::deserialize(content).map_err(|e| damaged(&e.to_string()))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let text = |name: &str| metadata.get(name).map_or("", String::as_str);
        let format: u32 = text("format")
            .parse()
            .map_err(|_| damaged("it names no format"))?;
        if format > FORMAT {
            return Err(format!(
                "was written by autoket {} in format {format}, and this is {}, which reads up to {FORMAT}; \
                 update autoket",
                text("autoket"),
                env!("CARGO_PKG_VERSION"),
            ));
        }
        let notes = metadata
            .iter()
            .filter_map(|(name, text)| Some((name.strip_prefix(NOTE)?.to_owned(), text.clone())))
            .collect();
        let mut arrays = BTreeMap::new();
        for (name, view) in file.tensors() {
            let dtype = match (view.dtype(), view.shape()) {
                (StDtype::F32, [_]) => Dtype::Float32,
                (StDtype::F64, [_]) => Dtype::Float64,
                (StDtype::F32, [_, 2]) => Dtype::Complex64,
                (StDtype::F64, [_, 2]) => Dtype::Complex128,
                _ => return Err(damaged(&format!("`{name}` is no list of numbers"))),
            };
            let bytes = view.data().to_vec();
            arrays.insert(name, Values { dtype, bytes });
        }
        Ok(Self { notes, arrays })
    }
}

/// Before the names of notes in a file's metadata.
const NOTE: &str = "note/";

/// Where the checksum stands in a file: in its header, whose texts cannot hold the key, quotes being escaped there.
fn checksum_at(content: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(content.get(..8)?.try_into().ok()?);
    let end = usize::try_from(length).ok()?.checked_add(8)?;
    let header = content.get(8..end)?;
    let key = CHECKSUM_KEY.as_bytes();
    let at = header.windows(key.len()).position(|text| text == key)?;
    let at = 8 + at + key.len();
    content.get(at..at + NO_CHECKSUM.len())?;
    Some(at)
}

fn lacks(what: String) -> Error {
    Error::invalid(
        "checkpoint",
        what,
        "a file without",
        "take a checkpoint of a run like this one",
    )
}
