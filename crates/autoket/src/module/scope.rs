//! A module's place in the tree: its variables, its keys, its names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Array, Bound, CaptureFilter, Filter, Init, Module, ModuleError, Rngs, Tree, Variable, Variables,
};
use crate::error::{Error, Result};
use crate::random::{Key, PathItem};
use crate::scalar::Dtype;

/// A call of a module's method, as it is kept for a table.
pub(super) struct Call {
    pub(super) path: Vec<String>,
    pub(super) module: Box<dyn Module>,
    pub(super) method: String,
    pub(super) inputs: Vec<Array>,
    pub(super) outputs: Vec<Array>,
}

/// What is behind a lock; a panic elsewhere leaves it usable.
pub(super) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all scopes of one call share.
pub(super) struct Root {
    pub(super) variables: Mutex<Variables>,
    pub(super) rngs: Rngs,
    pub(super) mutable: Filter,
    pub(super) initializing: bool,
    pub(super) capture: Option<CaptureFilter>,
    /// Make new parameters of shape and dtype alone.
    pub(super) shapes_only: bool,
    /// Keys drawn, by path and stream: they go on counting when a module is called again.
    pub(super) counters: Mutex<HashMap<(Vec<String>, String), u32>>,
    /// Calls in the order in which they began; `None` if nobody asks.
    pub(super) calls: Mutex<Option<Vec<Option<Call>>>>,
    pub(super) valid: AtomicBool,
}

impl Root {
    pub(super) fn new(variables: Variables, rngs: Rngs, mutable: Filter) -> Self {
        Self {
            variables: Mutex::new(variables),
            rngs,
            mutable,
            initializing: false,
            capture: None,
            shapes_only: false,
            counters: Mutex::default(),
            calls: Mutex::default(),
            valid: AtomicBool::new(true),
        }
    }

    /// Keeps the calls from now on.
    pub(super) fn keep_calls(&self) {
        *locked(&self.calls) = Some(Vec::new());
    }

    pub(super) fn take_calls(&self) -> Vec<Call> {
        let calls = locked(&self.calls).take();
        calls.into_iter().flatten().flatten().collect()
    }

    /// Ends the call: scopes that have been kept are of no use any more.
    pub(super) fn invalidate(&self) {
        self.valid.store(false, Ordering::Relaxed);
    }
}

/// Names in use in one run of a method.
#[derive(Default)]
struct Names {
    /// Variables by name and collection; a submodule has no collection.
    taken: BTreeMap<String, BTreeSet<Option<String>>>,
    /// How many submodules of a class have been named automatically.
    numbered: BTreeMap<&'static str, usize>,
}

/// A module's place in the tree of modules, through which its methods reach variables, keys and submodules.
///
/// A scope is passed to every method; it is always bound to variables, so that what Flax refuses on unbound
/// modules cannot be written. Flax: what a `Module` inherits.
///
/// ```
/// use autoket::module::{ApplyOptions, Array, Filter, Module, Scope, Variables};
/// use autoket::{Result, nn::Initializer, random::Key, scalar::Dtype};
///
/// /// Multiplies its input by a number, and counts how often it does.
/// #[derive(Clone)]
/// struct Gain;
///
/// impl Module for Gain {
///     fn class(&self) -> &'static str {
///         "Gain"
///     }
///     fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
///         let gain = scope.param("gain", Initializer::Ones, &[], Dtype::Float64)?;
///         let calls = scope.variable("stats", "calls", || Ok(Array::full(&[], 0.0)))?;
///         if scope.is_mutable_collection("stats") {
///             scope.put_variable("stats", "calls", calls.add(&Array::full(&[], 1.0))?)?;
///         }
///         inputs[0].mul(&gain)
///     }
/// }
///
/// let x = [Array::full(&[3], 2.0)];
/// let variables = Gain.init(Key::new(0), &x)?;
/// let options = ApplyOptions { mutable: Filter::only(&["stats"]), ..Default::default() };
/// let (_, stats) = Gain.apply(&variables, &x, options)?;
/// assert_eq!(stats.array("stats", "calls")?.values::<f64>()?, [2.0]);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone)]
pub struct Scope {
    pub(super) root: Arc<Root>,
    path: Vec<String>,
    class: &'static str,
    names: Arc<Mutex<Names>>,
}

impl Scope {
    pub(super) fn new(root: Arc<Root>, path: Vec<String>, class: &'static str) -> Self {
        Self {
            root,
            path,
            class,
            names: Arc::default(),
        }
    }

    /// The same place with all names free again, for another run of a method.
    pub(crate) fn rewound(&self) -> Self {
        Self::new(self.root.clone(), self.path.clone(), self.class)
    }

    /// The place of a module further down; `path` is names joined by `/`.
    pub(crate) fn below(&self, path: &str, class: &'static str) -> Self {
        let names = path.split('/').map(str::to_owned);
        let path = self.path.iter().cloned().chain(names).collect();
        Self::new(self.root.clone(), path, class)
    }

    /// The names from the top to this module; empty at the top.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// Its own name; `None` at the top.
    pub fn name(&self) -> Option<&str> {
        self.path.last().map(String::as_str)
    }

    /// `/` and the path.
    fn text(&self) -> String {
        format!("/{}", self.path.join("/"))
    }

    fn check_valid(&self) -> Result<()> {
        match self.root.valid.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(ModuleError::InvalidScope { scope: self.text() }.into()),
        }
    }

    /// Does anybody look at the calls of submodules?
    pub(crate) fn is_watched(&self) -> bool {
        self.root.capture.is_some() || locked(&self.root.calls).is_some()
    }

    /// Takes a name for a variable of a collection, or for a submodule.
    fn reserve(&self, kind: &'static str, name: &str, collection: Option<&str>) -> Result<()> {
        let mut names = locked(&self.names);
        let owners = names.taken.entry(name.to_owned()).or_default();
        let collection = collection.map(str::to_owned);
        let is_taken = match collection {
            None => !owners.is_empty(),
            Some(_) => owners.contains(&None) || owners.contains(&collection),
        };
        if is_taken {
            return Err(ModuleError::NameInUse {
                kind,
                name: name.to_owned(),
                module: self.class.to_owned(),
            }
            .into());
        }
        owners.insert(collection);
        Ok(())
    }

    /// A parameter of this shape: the one in `params`, or a new one if `params` is mutable.
    ///
    /// `init` is an [`Initializer`](crate::nn::Initializer) or a function of key, shape and dtype.
    /// A key is drawn only for a new one, even if the initializer ignores it.
    ///
    /// # Errors
    /// `NameInUseError`; `ScopeParamNotFoundError` or `ScopeCollectionNotFound` if it is neither there nor
    /// can be made; `ScopeParamShapeError`; `InvalidRngError`; `LazyInitError`; those of `init`.
    pub fn param(
        &self,
        name: &str,
        init: impl Init,
        shape: &[usize],
        dtype: Dtype,
    ) -> Result<Array> {
        self.check_valid()?;
        self.reserve("param", name, Some("params"))?;
        let shape_error = |got: &Array| ModuleError::ScopeParamShape {
            name: name.to_owned(),
            scope: self.text(),
            expected: shape.to_vec(),
            got: got.shape().to_vec(),
        };
        if let Some(value) = self.get_variable("params", name) {
            let array = value.array()?;
            return match array.shape() == shape {
                true => Ok(array.clone()),
                false => Err(shape_error(array).into()),
            };
        }
        if !self.is_mutable_collection("params") {
            if self.is_empty("params") {
                return Err(self.no_collection("params", name));
            }
            return Err(ModuleError::ScopeParamNotFound {
                name: name.to_owned(),
                scope: self.text(),
            }
            .into());
        }
        let key = self.make_rng("params")?;
        let value = match self.root.shapes_only {
            true => Array::shape_only(shape, dtype),
            false => init.init(key, shape, dtype)?,
        };
        if value.shape() != shape {
            return Err(shape_error(&value).into());
        }
        self.put_variable("params", name, value.clone())?;
        Ok(value)
    }

    /// A variable of any collection: the one that is there, or a new one if the collection is mutable.
    ///
    /// Flax: `variable`, whose `value` is set by [`put_variable`](Self::put_variable).
    ///
    /// # Errors
    /// `NameInUseError`; `ScopeCollectionNotFound` or `ScopeVariableNotFoundError` if it is neither there nor
    /// can be made; those of `init`.
    pub fn variable(
        &self,
        collection: &str,
        name: &str,
        init: impl FnOnce() -> Result<Array>,
    ) -> Result<Array> {
        self.check_valid()?;
        self.reserve("variable", name, Some(collection))?;
        if let Some(value) = self.get_variable(collection, name) {
            return value.array().cloned();
        }
        if !self.is_mutable_collection(collection) {
            if self.is_empty(collection) {
                return Err(self.no_collection(collection, name));
            }
            return Err(ModuleError::ScopeVariableNotFound {
                collection: collection.to_owned(),
                name: name.to_owned(),
                scope: self.text(),
            }
            .into());
        }
        let value = init()?;
        self.put_variable(collection, name, value.clone())?;
        Ok(value)
    }

    /// What `name` stands for here; never makes anything.
    pub fn get_variable(&self, collection: &str, name: &str) -> Option<Variable> {
        let variables = locked(&self.root.variables);
        variables.find(collection, &self.path, name).cloned()
    }

    /// Sets what `name` stands for here.
    ///
    /// # Errors
    /// `ModifyScopeVariableError` if the collection is immutable.
    pub fn put_variable(
        &self,
        collection: &str,
        name: &str,
        value: impl Into<Variable>,
    ) -> Result<()> {
        self.check_valid()?;
        if !self.is_mutable_collection(collection) {
            return Err(ModuleError::ModifyScopeVariable {
                collection: collection.to_owned(),
                name: name.to_owned(),
                scope: self.text(),
            }
            .into());
        }
        let mut variables = locked(&self.root.variables);
        variables.insert(collection, &self.path, name, value);
        Ok(())
    }

    /// Does `name` stand for anything here?
    pub fn has_variable(&self, collection: &str, name: &str) -> bool {
        let variables = locked(&self.root.variables);
        variables.find(collection, &self.path, name).is_some()
    }

    /// All variables that this module and its submodules have by now.
    pub fn variables(&self) -> Variables {
        locked(&self.root.variables).below(&self.path)
    }

    /// Stores a value beside the outputs: appends it to the tuple `name`.
    ///
    /// False, and nothing is done, if the collection is immutable, as `intermediates` is unless it is asked for.
    ///
    /// # Errors
    /// `NameInUseError`; the name stands for an array.
    pub fn sow(&self, collection: &str, name: &str, value: Array) -> Result<bool> {
        self.sow_with(collection, name, |old| {
            let mut tuple = match old {
                None => Vec::new(),
                Some(Variable::Tuple(tuple)) => tuple,
                Some(_) => {
                    return Err(Error::invalid(
                        name,
                        "a tuple to append to",
                        "an array",
                        "sow it by `sow_with` every time",
                    ));
                }
            };
            tuple.push(value);
            Ok(Variable::Tuple(tuple))
        })
    }

    /// [`sow`](Self::sow) by another rule: `reduce` makes the new value of the old one, if there is one.
    ///
    /// # Errors
    /// `NameInUseError`; those of `reduce`.
    pub fn sow_with(
        &self,
        collection: &str,
        name: &str,
        reduce: impl FnOnce(Option<Variable>) -> Result<Variable>,
    ) -> Result<bool> {
        if !self.is_mutable_collection(collection) {
            return Ok(false);
        }
        let old = self.get_variable(collection, name);
        if old.is_none() {
            self.reserve("variable", name, Some(collection))?;
        }
        self.put_variable(collection, name, reduce(old)?)?;
        Ok(true)
    }

    /// `value` plus the variable `name` of `perturbations`, by which derivatives with respect to `value` are taken.
    ///
    /// A mutable collection gets zeros; without the collection, `value` is unchanged.
    ///
    /// # Errors
    /// `NameInUseError`; the collection is there but lacks the variable; the shapes do not broadcast.
    pub fn perturb(&self, name: &str, value: &Array) -> Result<Array> {
        let collection = "perturbations";
        if self.is_mutable_collection(collection) && !self.has_variable(collection, name) {
            self.reserve("variable", name, Some(collection))?;
            let zeros = match self.root.shapes_only {
                true => value.to_shape_only(),
                false => Array::zeros(value.shape(), value.element()),
            };
            self.put_variable(collection, name, zeros)?;
        }
        if locked(&self.root.variables).get(collection).is_none() {
            return Ok(value.clone());
        }
        match self.get_variable(collection, name) {
            Some(perturbation) => value.add(perturbation.array()?),
            None => Err(ModuleError::PerturbationNotFound {
                collection: collection.to_owned(),
                name: name.to_owned(),
                scope: self.text(),
            }
            .into()),
        }
    }

    /// May the collection be changed?
    pub fn is_mutable_collection(&self, collection: &str) -> bool {
        self.root.mutable.admits(collection)
    }

    /// Is this a run of `init`?
    pub fn is_initializing(&self) -> bool {
        self.root.initializing
    }

    /// Is there a stream of keys of this name?
    pub fn has_rng(&self, stream: &str) -> bool {
        self.root.rngs.get(stream).is_some()
    }

    /// The next key of a stream, or of `params` if there is no such stream.
    ///
    /// The key of the stream, into which this path and the count of keys drawn here, from 1, are folded.
    ///
    /// # Errors
    /// `InvalidRngError` if there is neither stream.
    pub fn make_rng(&self, stream: &str) -> Result<Key> {
        self.check_valid()?;
        let found = [stream, "params"]
            .into_iter()
            .find_map(|name| Some((name, self.root.rngs.get(name)?)));
        let Some((stream, key)) = found else {
            return Err(ModuleError::InvalidRng {
                stream: stream.to_owned(),
                scope: self.text(),
            }
            .into());
        };
        let mut counters = locked(&self.root.counters);
        let count = counters
            .entry((self.path.clone(), stream.to_owned()))
            .or_default();
        *count += 1;
        let mut items: Vec<PathItem> = self.path.iter().map(|n| PathItem::Name(n)).collect();
        items.push(PathItem::Count(*count));
        Ok(key.fold_path(&items))
    }

    /// A submodule with an automatic name: its class and how many of the class came before, `Dense_0`.
    ///
    /// # Errors
    /// `NameInUseError`; the call is over.
    pub fn child<M: Module + Clone>(&self, module: M) -> Result<Bound<M>> {
        let class = module.class();
        let name = {
            let mut names = locked(&self.names);
            let number = names.numbered.entry(class).or_default();
            *number += 1;
            format!("{class}_{}", *number - 1)
        };
        self.named(&name, module)
    }

    /// A submodule with a given name: the attribute it would be in Flax's `setup`, `_layers_0`.
    ///
    /// # Errors
    /// `NameInUseError`; the call is over.
    pub fn named<M: Module + Clone>(&self, name: &str, module: M) -> Result<Bound<M>> {
        self.check_valid()?;
        self.reserve("submodule", name, None)?;
        let path = self.path.iter().cloned().chain([name.to_owned()]).collect();
        let scope = Self::new(self.root.clone(), path, module.class());
        Ok(Bound::new(module, scope))
    }

    /// Runs a method of the module at this place: names are free again, the call is kept, and its output
    /// captured, where it is asked for.
    ///
    /// # Errors
    /// `InvalidScopeError`; those of the module.
    pub fn run(&self, module: &dyn Module, method: &str, inputs: &[Array]) -> Result<Array> {
        self.record(module, method, inputs, |scope| {
            Ok([module.method(method, scope, inputs)?])
        })
        .map(|[output]| output)
    }

    /// Keeps a call, with the calls that `f` makes in it, and captures its outputs, where it is asked for.
    pub(crate) fn record<const N: usize>(
        &self,
        module: &dyn Module,
        method: &str,
        inputs: &[Array],
        f: impl FnOnce(&Self) -> Result<[Array; N]>,
    ) -> Result<[Array; N]> {
        let outputs = self.keep(module, method, inputs, f)?;
        if self
            .root
            .capture
            .is_some_and(|capture| capture(module, method))
        {
            for output in &outputs {
                self.rewound()
                    .sow("intermediates", method, output.clone())?;
            }
        }
        Ok(outputs)
    }

    /// Keeps a call, with the calls that `f` makes in it, where it is asked for; captures nothing.
    pub(crate) fn keep<const N: usize>(
        &self,
        module: &dyn Module,
        method: &str,
        inputs: &[Array],
        f: impl FnOnce(&Self) -> Result<[Array; N]>,
    ) -> Result<[Array; N]> {
        self.check_valid()?;
        let index = locked(&self.root.calls).as_mut().map(|calls| {
            calls.push(None);
            calls.len() - 1
        });
        let outputs = f(&self.rewound())?;
        if let (Some(index), Some(calls)) = (index, locked(&self.root.calls).as_mut()) {
            calls[index] = Some(Call {
                path: self.path.clone(),
                module: module.boxed(),
                method: method.to_owned(),
                inputs: inputs.to_vec(),
                outputs: outputs.to_vec(),
            });
        }
        Ok(outputs)
    }

    fn is_empty(&self, collection: &str) -> bool {
        let variables = locked(&self.root.variables);
        variables.get(collection).is_none_or(Tree::is_empty)
    }

    fn no_collection(&self, collection: &str, name: &str) -> Error {
        ModuleError::ScopeCollectionNotFound {
            collection: collection.to_owned(),
            name: name.to_owned(),
            scope: self.text(),
        }
        .into()
    }
}
