//! The variables of a module: collections, each a tree of names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::array::shape_text;
use super::{Array, ModuleError};
use crate::error::{Error, Result};
use crate::params::{Layout, Params};
use crate::scalar::Scalar;

/// A collection, or a part of one, in the order in which JAX flattens it: names sorted as strings.
pub type Tree = BTreeMap<String, Variable>;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// An array.
    Array(Array),
    /// What has been [sown](super::Scope::sow) under the name, first to last.
    Tuple(Vec<Array>),
    /// The variables of a submodule.
    Tree(Tree),
}

impl Variable {
    /// The array.
    ///
    /// # Errors
    /// It is a tuple or a tree.
    pub fn array(&self) -> Result<&Array> {
        let got = match self {
            Self::Array(array) => return Ok(array),
            Self::Tuple(_) => "a tuple",
            Self::Tree(_) => "a tree",
        };
        Err(Error::invalid(
            "variable",
            "an array",
            got,
            "look into it by a match on `Variable`",
        ))
    }

    /// Its arrays, in order.
    pub fn arrays(&self) -> Vec<&Array> {
        match self {
            Self::Array(array) => vec![array],
            Self::Tuple(arrays) => arrays.iter().collect(),
            Self::Tree(tree) => tree.values().flat_map(Self::arrays).collect(),
        }
    }
}

impl From<Array> for Variable {
    fn from(array: Array) -> Self {
        Self::Array(array)
    }
}

/// Collections by name: `params`, `cache`, `intermediates`, `perturbations` and the user's own.
///
/// ```
/// use autoket::module::{Array, Variables};
/// let mut variables = Variables::default();
/// variables.insert("params", &["Dense_0"], "bias", Array::full(&[4], 0.0_f32));
/// assert_eq!(variables.array("params", "Dense_0/bias")?.shape(), [4]);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variables(BTreeMap<String, Tree>);

impl Variables {
    /// The `params` collection of a model: real numbers where it has a phase, else those of log ψ's type.
    pub fn from_params<S: Scalar>(params: &Params<S>) -> Self {
        let dtype = params.layout.dtype::<S>();
        let mut variables = Self::default();
        for leaf in params.layout.leaves() {
            let values = params.values[leaf.range.clone()].to_vec();
            let path: Vec<&str> = names(&leaf.module).collect();
            let array = Array::from_scalars(leaf.shape.clone(), values).cast(dtype);
            variables.insert("params", &path, &leaf.name, array);
        }
        variables
    }

    /// θ of a model from the `params` collection, the inverse of [`from_params`](Self::from_params).
    ///
    /// # Errors
    /// An array of the layout is missing or has another shape or dtype; there is an array too many.
    pub fn to_params<S: Scalar>(&self, layout: &Arc<Layout>) -> Result<Params<S>> {
        let dtype = layout.dtype::<S>();
        let mut values = vec![S::default(); layout.n_parameters()];
        for leaf in layout.leaves() {
            let path = format!("{}/{}", leaf.module, leaf.name);
            let array = self.array("params", &path)?;
            if array.shape() != leaf.shape || array.element() != dtype.into() {
                return Err(Error::invalid(
                    path,
                    format!("{dtype} of shape {}", shape_text(&leaf.shape)),
                    array,
                    "pass the variables of the same model",
                ));
            }
            values[leaf.range.clone()].copy_from_slice(&array.values::<S>()?);
        }
        let count = self
            .0
            .get("params")
            .map_or(0, |tree| tree.values().map(|v| v.arrays().len()).sum());
        if count != layout.leaves().len() {
            return Err(Error::invalid(
                "params",
                format!("{} arrays", layout.leaves().len()),
                count,
                "pass the variables of the same model",
            ));
        }
        Ok(Params {
            layout: layout.clone(),
            values,
        })
    }

    /// A collection.
    pub fn get(&self, collection: &str) -> Option<&Tree> {
        self.0.get(collection)
    }

    /// The collections, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.0.iter().map(|(name, tree)| (name.as_str(), tree))
    }

    /// Are there no collections?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The array at `path`, names joined by `/`.
    ///
    /// # Errors
    /// There is none.
    pub fn array(&self, collection: &str, path: &str) -> Result<&Array> {
        let all: Vec<&str> = names(path).collect();
        let (name, scope) = all.split_last().unwrap_or((&"", &[]));
        self.find(collection, scope, name)
            .ok_or_else(|| {
                Error::from(ModuleError::ScopeVariableNotFound {
                    collection: collection.to_owned(),
                    name: (*name).to_owned(),
                    scope: format!("/{}", scope.join("/")),
                })
            })?
            .array()
    }

    /// What `name` stands for in the module at `path`.
    pub fn find<P: AsRef<str>>(
        &self,
        collection: &str,
        path: &[P],
        name: &str,
    ) -> Option<&Variable> {
        self.tree(collection, path)?.get(name)
    }

    /// All of a collection that belongs to the module at `path` and its submodules.
    pub fn tree<P: AsRef<str>>(&self, collection: &str, path: &[P]) -> Option<&Tree> {
        let mut tree = self.0.get(collection)?;
        for name in path {
            tree = match tree.get(name.as_ref())? {
                Variable::Tree(tree) => tree,
                _ => return None,
            };
        }
        Some(tree)
    }

    /// Sets what `name` stands for in the module at `path`; makes collections and trees on the way.
    pub fn insert<P: AsRef<str>>(
        &mut self,
        collection: &str,
        path: &[P],
        name: &str,
        value: impl Into<Variable>,
    ) {
        let mut tree = self.0.entry(collection.to_owned()).or_default();
        for name in path {
            let next = tree
                .entry(name.as_ref().to_owned())
                .or_insert_with(|| Variable::Tree(Tree::new()));
            if !matches!(next, Variable::Tree(_)) {
                *next = Variable::Tree(Tree::new());
            }
            let Variable::Tree(inner) = next else {
                unreachable!("made a tree")
            };
            tree = inner;
        }
        tree.insert(name.to_owned(), value.into());
    }

    /// The collections whose names pass, and no others.
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(name, _)| keep(name));
        Self(
            kept.map(|(name, tree)| (name.clone(), tree.clone()))
                .collect(),
        )
    }

    /// These collections, and those of `other` in place of the same ones.
    pub fn updated(&self, other: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(other.0.clone());
        Self(all)
    }

    /// The collections as the module at `path` sees them.
    pub fn below<P: AsRef<str>>(&self, path: &[P]) -> Self {
        let below = self.0.keys().filter_map(|collection| {
            let tree = self.tree(collection, path)?;
            Some((collection.clone(), tree.clone()))
        });
        Self(below.collect())
    }
}

/// The names of a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}
