//! Flax's msgpack files: variables, and NetKet's `MCState`.
//!
//! A tree is nested maps; an array is the extension type 1, `[shape, dtype name, bytes]`; a NumPy scalar is the
//! same as type 3, a complex number `[re, im]` as type 2. Arrays above 1 GiB are in pieces.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rmpv::ValueRef;
use rmpv::decode::read_value_ref_with_max_depth;
use rmpv::encode::write_value_ref;

use super::array::{Array, assemble, to_bytes};
use super::{Layout, Leaf, Loaded, Params};
use crate::error::{Error, Result};
use crate::scalar::{Dtype, Scalar};

const NDARRAY: i8 = 1;
const COMPLEX: i8 = 2;
const SCALAR: i8 = 3;
/// What marks an array in pieces.
const CHUNKED: &str = "__msgpack_chunked_array__";
/// Bytes of an array that Flax writes in one piece.
const LARGEST: usize = 1 << 30;
/// How deep a tree may be.
const DEPTH: usize = 64;

/// The bytes of a file: those of `flax.serialization.to_bytes`.
pub(super) fn write<S: Scalar>(params: &Params<S>) -> Result<Vec<u8>> {
    let dtype = params.layout.dtype::<S>();
    let mut arrays = Vec::new();
    for leaf in params.layout.leaves() {
        let bytes = to_bytes(&params.values[leaf.range.clone()], dtype);
        if bytes.len() > LARGEST {
            return Err(Error::TooLarge {
                what: format!("`{}` in one piece", leaf.path()),
                needed: format!("{} bytes", bytes.len()),
                limit: format!("{LARGEST}"),
                cure: "save as .safetensors".into(),
            });
        }
        let shape = leaf.shape.iter().map(|&n| ValueRef::from(n as u64));
        let array = ValueRef::Array(vec![
            ValueRef::Array(shape.collect()),
            dtype.name().into(),
            ValueRef::Binary(&bytes),
        ]);
        arrays.push(encode(&array));
    }
    let leaves = params.layout.leaves().iter().map(Leaf::path).zip(&arrays);
    let leaves: Vec<(String, &Vec<u8>)> = leaves.collect();
    let leaves: Vec<(Vec<&str>, &[u8])> = leaves
        .iter()
        .map(|(path, array)| (path.split('/').collect(), &array[..]))
        .collect();
    Ok(encode(&tree(&leaves, 0)))
}

/// Nested maps from leaves in order, below the parts of their paths up to `depth`, which are alike.
fn tree<'a>(leaves: &[(Vec<&'a str>, &'a [u8])], depth: usize) -> ValueRef<'a> {
    if let [(path, array)] = leaves
        && path.len() == depth
    {
        return ValueRef::Ext(NDARRAY, array);
    }
    let branches = leaves.chunk_by(|(a, _), (b, _)| a[depth] == b[depth]);
    ValueRef::Map(
        branches
            .map(|branch| (branch[0].0[depth].into(), tree(branch, depth + 1)))
            .collect(),
    )
}

fn encode(value: &ValueRef<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_value_ref(&mut bytes, value).expect("memory can be written to");
    bytes
}

/// The entries of a dictionary as they come.
type Map<'a> = Vec<(ValueRef<'a>, ValueRef<'a>)>;

/// θ from the bytes of a file; the error is a message.
pub(super) fn read<S: Scalar>(layout: Arc<Layout>, content: &[u8]) -> Result<Loaded<S>, String> {
    let root = decode(content).map_err(|wrong| {
        format!("not a msgpack file of Flax ({wrong}); give one that Flax, NetKet or autoket wrote")
    })?;
    let mut unread = Vec::new();
    let mut params = None;
    let mut variables = vec![("", map(&root, "the file")?)];
    if let Some(inner) = entries(variables[0].1)?.get("variables") {
        variables.push(("variables/", map(inner, "`variables`")?));
    }
    // Of an MCState, the last are the variables, and all else has not been asked for.
    let last = variables.len() - 1;
    for (level, (prefix, entries_of)) in variables.into_iter().enumerate() {
        for (name, value) in entries(entries_of)? {
            match (name, level == last) {
                ("params", true) => params = Some(map(value, "`params`")?),
                ("variables", false) => {}
                _ => unread.push(format!("{prefix}{name}")),
            }
        }
    }
    let Some(params) = params else {
        return Err(format!(
            "has no `params`, but {unread:?}; give the bytes of a dictionary of variables or of an MCState"
        ));
    };
    let mut arrays = BTreeMap::new();
    collect("params", params, &mut arrays)?;
    assemble(layout, arrays, unread)
}

/// One value, and nothing after it.
fn decode(mut content: &[u8]) -> Result<ValueRef<'_>, String> {
    let value =
        read_value_ref_with_max_depth(&mut content, DEPTH).map_err(|wrong| wrong.to_string())?;
    match content.len() {
        0 => Ok(value),
        n => Err(format!("{n} bytes after its end")),
    }
}

fn map<'v, 'a>(value: &'v ValueRef<'a>, name: &str) -> Result<&'v Map<'a>, String> {
    match value {
        ValueRef::Map(map) => Ok(map),
        other => Err(format!(
            "{name}: expected a dictionary, got {}; give the bytes of a dictionary of variables or of an MCState",
            kind(other)
        )),
    }
}

/// A dictionary by its names, each of them once.
fn entries<'v, 'a>(map: &'v Map<'a>) -> Result<BTreeMap<&'v str, &'v ValueRef<'a>>, String> {
    let mut entries = BTreeMap::new();
    for (key, value) in map {
        let ValueRef::String(name) = key else {
            return Err(format!("a name is {} instead of text", kind(key)));
        };
        let name = name.as_str().ok_or("a name is not UTF-8")?;
        if entries.insert(name, value).is_some() {
            return Err(format!("has two entries `{name}`"));
        }
    }
    Ok(entries)
}

/// Adds the arrays below a path.
fn collect<'a>(
    path: &str,
    map: &Map<'a>,
    arrays: &mut BTreeMap<String, Array<'a>>,
) -> Result<(), String> {
    for (name, value) in entries(map)? {
        let path = format!("{path}/{name}");
        let wrong = |wrong: String| format!("`{path}`: {wrong}");
        let array = match value {
            ValueRef::Map(inner) if !entries(inner)?.contains_key(CHUNKED) => {
                collect(&path, inner, arrays)?;
                continue;
            }
            ValueRef::Map(pieces) => put_together(pieces).map_err(wrong)?,
            other => array(other).map_err(wrong)?,
        };
        // A name with a slash in it could be the path of another.
        if arrays.insert(path.clone(), array).is_some() {
            return Err(format!("has two arrays `{path}`"));
        }
    }
    Ok(())
}

/// An array, or a number as an array without axes.
fn array<'a>(value: &ValueRef<'a>) -> Result<Array<'a>, String> {
    match value {
        &ValueRef::Ext(NDARRAY | SCALAR, bytes) => ndarray(bytes),
        &ValueRef::Ext(COMPLEX, bytes) => match decode(bytes)? {
            ValueRef::Array(parts) => match parts[..] {
                [ValueRef::F64(re), ValueRef::F64(im)] => number(
                    Dtype::Complex128,
                    [re.to_le_bytes(), im.to_le_bytes()].concat(),
                ),
                _ => Err("a complex number without two parts".into()),
            },
            other => Err(format!("a complex number that is {}", kind(&other))),
        },
        ValueRef::F64(x) => number(Dtype::Float64, x.to_le_bytes().to_vec()),
        other => Err(format!("expected an array, got {}", kind(other))),
    }
}

fn number<'a>(dtype: Dtype, bytes: Vec<u8>) -> Result<Array<'a>, String> {
    Array::new(dtype, Vec::new(), Cow::Owned(bytes))
}

fn ndarray(bytes: &[u8]) -> Result<Array<'_>, String> {
    let ValueRef::Array(parts) = decode(bytes)? else {
        return Err("expected [shape, dtype, bytes]".into());
    };
    let [
        ValueRef::Array(shape),
        ValueRef::String(dtype),
        ValueRef::Binary(bytes),
    ] = &parts[..]
    else {
        return Err("expected [shape, dtype, bytes]".into());
    };
    let shape = shape.iter().map(size).collect::<Result<_, _>>()?;
    let name = dtype.as_str().unwrap_or("not UTF-8");
    let known = [
        Dtype::Float32,
        Dtype::Float64,
        Dtype::Complex64,
        Dtype::Complex128,
    ];
    let Some(dtype) = known.into_iter().find(|dtype| dtype.name() == name) else {
        return Err(format!("expected one of {known:?}, got {name}"));
    };
    Array::new(dtype, shape, Cow::Borrowed(bytes))
}

fn size(value: &ValueRef<'_>) -> Result<usize, String> {
    let size = match value {
        ValueRef::Integer(n) => n.as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    };
    size.ok_or_else(|| format!("a size is {value}"))
}

/// An array that Flax wrote in pieces: `shape` and flat `chunks`, tuples as dictionaries by "0", "1", ...
fn put_together<'a>(pieces: &Map<'a>) -> Result<Array<'a>, String> {
    let entries_of = entries(pieces)?;
    let tuple = |name: &str| -> Result<Vec<&ValueRef<'a>>, String> {
        let part = entries_of
            .get(name)
            .ok_or_else(|| format!("in pieces without `{name}`"))?;
        let tuple = entries(map(part, name)?)?;
        (0..tuple.len())
            .map(|i| {
                let item = tuple.get(i.to_string().as_str());
                item.copied()
                    .ok_or_else(|| format!("in pieces without `{name}/{i}`"))
            })
            .collect()
    };
    let shape = tuple("shape")?
        .into_iter()
        .map(size)
        .collect::<Result<_, _>>()?;
    let chunks = tuple("chunks")?
        .into_iter()
        .map(array)
        .collect::<Result<Vec<_>, _>>()?;
    let dtype = chunks.first().ok_or("in no pieces")?.dtype;
    if chunks.iter().any(|chunk| chunk.dtype != dtype) {
        return Err("in pieces of different dtypes".into());
    }
    let bytes: Vec<&[u8]> = chunks.iter().map(|chunk| &*chunk.bytes).collect();
    Array::new(dtype, shape, Cow::Owned(bytes.concat()))
}

fn kind(value: &ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Nil => "None",
        ValueRef::Boolean(_) => "a truth value",
        ValueRef::Integer(_) => "an integer",
        ValueRef::F32(_) | ValueRef::F64(_) => "a number",
        ValueRef::String(_) => "text",
        ValueRef::Binary(_) => "bytes",
        ValueRef::Array(_) => "a list",
        ValueRef::Map(_) => "a dictionary",
        ValueRef::Ext(..) => "an array or number of Flax",
    }
}
