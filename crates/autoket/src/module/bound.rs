//! A module at its place in a tree.

use std::fmt;

use super::{Array, CALL, Module, Scope, Variables};
use crate::error::Result;

/// A module with the scope of its variables: a submodule within a method, or what [`Module::bind`] returns.
///
/// ```
/// use autoket::{module::{Array, Dense, Filter, Module, Rngs}, random::Key};
/// let x = Array::full(&[2, 3], 1.0_f64);
/// let variables = Dense::new(4).init(Key::new(0), &[x.clone()])?;
/// let dense = Dense::new(4).bind(&variables, Rngs::default(), Filter::None)?;
/// assert_eq!(dense.call(&[x])?.shape(), [2, 4]);
/// let (_, same) = dense.unbind();
/// assert_eq!(same, variables);
/// # Ok::<(), autoket::Error>(())
/// ```
pub struct Bound<M> {
    module: M,
    scope: Scope,
}

impl<M: Module> Bound<M> {
    pub(crate) fn new(module: M, scope: Scope) -> Self {
        Self { module, scope }
    }

    /// The output for these inputs.
    ///
    /// # Errors
    /// Those of the module.
    pub fn call(&self, inputs: &[Array]) -> Result<Array> {
        self.method(CALL, inputs)
    }

    /// The output of a method.
    ///
    /// # Errors
    /// `ApplyModuleInvalidMethodError`; those of the module.
    pub fn method(&self, name: &str, inputs: &[Array]) -> Result<Array> {
        self.scope.run(&self.module, name, inputs)
    }

    /// The module itself.
    pub fn module(&self) -> &M {
        &self.module
    }

    /// Its place: variables, keys, path and name.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Its variables by now.
    pub fn variables(&self) -> Variables {
        self.scope.variables()
    }

    /// The module and its variables, apart.
    pub fn unbind(self) -> (M, Variables) {
        let variables = self.variables();
        (self.module, variables)
    }
}

impl<M: Module> fmt::Debug for Bound<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at /{}",
            self.module.class(),
            self.scope.path().join("/")
        )
    }
}
