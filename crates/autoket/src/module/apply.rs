//! From a module and variables to an output: the top of a tree of calls.

use std::sync::Arc;

use super::scope::{Call, Root, locked};
use super::{Array, Bound, CALL, Filter, Module, ModuleError, Rngs, Scope, Variables};
use crate::error::Result;

/// Which outputs go to `intermediates`, by module and method.
pub type CaptureFilter = fn(&dyn Module, &str) -> bool;

/// The outputs of all modules' `__call__`: Flax's `capture_intermediates=True`.
pub fn capture_calls(_: &dyn Module, method: &str) -> bool {
    method == CALL
}

/// How [`Module::apply`] calls a module.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// The method.
    pub method: String,
    /// The collections that may be changed, and are returned.
    pub mutable: Filter,
    /// Keys for [`Scope::make_rng`].
    pub rngs: Rngs,
    /// Outputs to be kept in `intermediates`.
    pub capture_intermediates: Option<CaptureFilter>,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self {
            method: CALL.to_owned(),
            mutable: Filter::None,
            rngs: Rngs::default(),
            capture_intermediates: None,
        }
    }
}

impl ApplyOptions {
    /// Another method than `__call__`.
    pub fn method(name: &str) -> Self {
        Self {
            method: name.to_owned(),
            ..Self::default()
        }
    }
}

/// How [`Module::init_with_output`] calls a module.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// The method.
    pub method: String,
    /// The collections that are made; all but `intermediates`.
    pub mutable: Filter,
    /// Outputs to be kept in `intermediates`.
    pub capture_intermediates: Option<CaptureFilter>,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self {
            method: CALL.to_owned(),
            mutable: Filter::all_but(&["intermediates"]),
            capture_intermediates: None,
        }
    }
}

impl InitOptions {
    /// Another method than `__call__`.
    pub fn method(name: &str) -> Self {
        Self {
            method: name.to_owned(),
            ..Self::default()
        }
    }
}

/// What [`Module::tabulate`] shows.
#[derive(Clone, Debug)]
pub struct TabulateOptions {
    /// The most names in a path that is shown; the parameters of what is not shown go to its first ancestor that is.
    pub depth: Option<usize>,
    /// Show a module again where it is called again?
    pub show_repeated: bool,
    /// The collections that are made; all but `intermediates`.
    pub mutable: Filter,
    /// The method.
    pub method: String,
    /// Methods whose calls are not shown; the parameters of modules that are called by no others go to their first
    /// ancestor that is shown.
    pub exclude_methods: Vec<String>,
}

impl Default for TabulateOptions {
    fn default() -> Self {
        let InitOptions {
            method, mutable, ..
        } = InitOptions::default();
        Self {
            depth: None,
            show_repeated: false,
            mutable,
            method,
            exclude_methods: Vec::new(),
        }
    }
}

/// Runs a method at the top; the scopes of the run end with it.
fn run(
    root: Root,
    module: &dyn Module,
    method: &str,
    inputs: &[Array],
) -> Result<(Array, Arc<Root>)> {
    let root = Arc::new(root);
    let scope = Scope::new(root.clone(), Vec::new(), module.class());
    let output = scope.run(module, method, inputs);
    root.invalidate();
    Ok((output?, root))
}

/// The collections that may be changed, `intermediates` among them where outputs are captured.
fn mutable(filter: &Filter, capture: Option<CaptureFilter>) -> Filter {
    match capture {
        Some(_) => filter.with("intermediates"),
        None => filter.clone(),
    }
}

fn initializing(rngs: Rngs, options: &InitOptions) -> Root {
    let mutable = mutable(&options.mutable, options.capture_intermediates);
    Root {
        initializing: true,
        capture: options.capture_intermediates,
        ..Root::new(Variables::default(), rngs, mutable)
    }
}

pub(super) fn init(
    module: &dyn Module,
    rngs: Rngs,
    inputs: &[Array],
    options: &InitOptions,
) -> Result<(Array, Variables)> {
    let root = initializing(rngs, options);
    let (output, root) = run(root, module, &options.method, inputs)?;
    let variables = std::mem::take(&mut *locked(&root.variables));
    check_values(&variables)?;
    Ok((output, variables))
}

pub(super) fn lazy_init(
    module: &dyn Module,
    rngs: Rngs,
    inputs: &[Array],
    options: &InitOptions,
) -> Result<Variables> {
    let (_, variables) = init(module, rngs, inputs, options)?;
    Ok(variables)
}

/// Refuses variables without values.
fn check_values(variables: &Variables) -> Result<()> {
    for (collection, tree) in variables.iter() {
        let arrays = tree.iter().flat_map(|(name, variable)| {
            let arrays = variable.arrays().into_iter();
            arrays.map(move |array| (name, array))
        });
        for (name, array) in arrays {
            if array.is_abstract() {
                return Err(ModuleError::LazyInit {
                    what: format!("`{name}` in `{collection}`, {array},"),
                }
                .into());
            }
        }
    }
    Ok(())
}

/// An input without values, but for single integers: they say which site, not what is there.
fn as_input(array: &Array) -> Array {
    match array.ndim() == 0 && array.element().is_integer() {
        true => array.clone(),
        false => array.to_shape_only(),
    }
}

pub(super) fn apply(
    module: &dyn Module,
    variables: &Variables,
    inputs: &[Array],
    options: &ApplyOptions,
) -> Result<(Array, Variables)> {
    check_structure(variables)?;
    let mutable = mutable(&options.mutable, options.capture_intermediates);
    let root = Root {
        capture: options.capture_intermediates,
        ..Root::new(variables.clone(), options.rngs.clone(), mutable.clone())
    };
    let (output, root) = run(root, module, &options.method, inputs)?;
    let changed = locked(&root.variables).only(|name| mutable.admits(name));
    Ok((output, changed))
}

pub(super) fn bind<M: Module>(
    module: M,
    variables: &Variables,
    rngs: Rngs,
    mutable: Filter,
) -> Result<Bound<M>> {
    check_structure(variables)?;
    let root = Arc::new(Root::new(variables.clone(), rngs, mutable));
    let scope = Scope::new(root, Vec::new(), module.class());
    Ok(Bound::new(module, scope))
}

/// The calls and the variables of `init`, all of shape and dtype alone.
pub(super) fn trace(
    module: &dyn Module,
    rngs: Rngs,
    inputs: &[Array],
    options: &InitOptions,
) -> Result<(Vec<Call>, Variables)> {
    let root = Root {
        shapes_only: true,
        ..initializing(rngs, options)
    };
    root.keep_calls();
    let inputs: Vec<Array> = inputs.iter().map(as_input).collect();
    let (_, root) = run(root, module, &options.method, &inputs)?;
    Ok((
        root.take_calls(),
        std::mem::take(&mut *locked(&root.variables)),
    ))
}

fn check_structure(variables: &Variables) -> Result<()> {
    let doubled = variables
        .get("params")
        .is_some_and(|params| params.contains_key("params"));
    match doubled {
        true => Err(ModuleError::ApplyScopeInvalidVariablesStructure.into()),
        false => Ok(()),
    }
}
