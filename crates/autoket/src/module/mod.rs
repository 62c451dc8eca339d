//! Modules: Flax's `linen.Module` in plain Rust, for the models of this crate and for a user's own.
//!
//! A module is a value whose fields are its hyperparameters. Its parameters live elsewhere, in [`Variables`];
//! its methods reach them through the [`Scope`] that is passed to them. The same fields, keys and inputs give
//! the names, shapes and initial values that Flax gives.
//!
//! A module of two layers:
//!
//! ```
//! use autoket::module::{Array, Dense, Module, Scope, TabulateOptions, ApplyOptions};
//! use autoket::{Result, random::Key, scalar::Dtype};
//!
//! #[derive(Clone)]
//! struct Foo;
//!
//! impl Module for Foo {
//!     fn class(&self) -> &'static str {
//!         "Foo"
//!     }
//!     fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
//!         let h = scope.child(Dense::new(4))?.call(inputs)?;
//!         scope.child(Dense::new(2))?.call(&[h])
//!     }
//! }
//!
//! let x = Array::full(&[16, 9], 1.0_f32);
//! let variables = Foo.init(Key::new(0), &[x.clone()])?;
//! assert_eq!(variables.array("params", "Dense_0/kernel")?.to_string(), "float32[9,4]");
//!
//! let (y, _) = Foo.apply(&variables, &[x], ApplyOptions::default())?;
//! assert_eq!(y.shape(), [16, 2]);
//!
//! // A table of shapes needs no numbers.
//! let x = Array::shape_only(&[16, 9], Dtype::Float32);
//! let table = Foo.tabulate(Key::new(0), &[x], TabulateOptions::default())?;
//! assert!(table.contains("Total Parameters: 50 (200 B)"));
//! # Ok::<(), autoket::Error>(())
//! ```
//!
//! A changed copy of a module is Rust's struct update, `Dense { use_bias: false, ..Dense::new(4) }`: Flax's `clone`
//! and `copy`. Fields cannot be assigned in methods, keys have a type of their own, and a scope is always bound,
//! so that half of Flax's errors cannot be written; the others are [`ModuleError`].

mod apply;
mod array;
mod bound;
mod error;
mod filter;
mod layers;
mod operations;
mod places;
mod scope;
mod table;
mod variables;

use std::fmt;

pub use apply::{ApplyOptions, CaptureFilter, InitOptions, TabulateOptions, capture_calls};
pub use array::{Array, Element};
pub use bound::Bound;
pub use error::ModuleError;
pub use filter::{Filter, Rngs};
pub use layers::{Conv, Dense, Embed, LayerNorm, Padding};
pub use scope::Scope;
pub use variables::{Tree, Variable, Variables};

pub(crate) use array::with_dtype;

use crate::error::Result;
use crate::nn::Initializer;
use crate::random::Key;
use crate::scalar::Dtype;

/// The name of the method that a call without a name means.
pub const CALL: &str = "__call__";

/// A function of inputs and variables, with its fields as hyperparameters.
///
/// An author writes [`class`](Self::class), [`call`](Self::call) and, where there are more,
/// [`fields`](Self::fields), [`methods`](Self::methods) and [`method`](Self::method); the rest is provided.
/// Names in a method are free again at its next run: a submodule that is called twice has one set of variables.
pub trait Module: Boxed + Send + Sync + 'static {
    /// The name of the class: what is shown, and what automatic names are made of.
    fn class(&self) -> &'static str;

    /// The fields with their values, for display.
    fn fields(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// `__call__`: the output for these inputs.
    ///
    /// # Errors
    /// The inputs do not fit; the variables do not.
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array>;

    /// The names of all methods.
    fn methods(&self) -> Vec<&'static str> {
        vec![CALL]
    }

    /// The output of a method by its name.
    ///
    /// # Errors
    /// `ApplyModuleInvalidMethodError` if there is no such method; those of the method.
    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match name {
            CALL => self.call(scope, inputs),
            _ => Err(no_method(self.class(), name, self.methods()).into()),
        }
    }

    /// The variables that `__call__` makes for these inputs.
    ///
    /// A single key is that of `params`.
    ///
    /// # Errors
    /// Those of the modules.
    fn init(&self, rngs: impl Into<Rngs>, inputs: &[Array]) -> Result<Variables>
    where
        Self: Sized,
    {
        let (_, variables) = self.init_with_output(rngs, inputs, InitOptions::default())?;
        Ok(variables)
    }

    /// The output and the variables, of any method.
    ///
    /// # Errors
    /// Those of the modules.
    fn init_with_output(
        &self,
        rngs: impl Into<Rngs>,
        inputs: &[Array],
        options: InitOptions,
    ) -> Result<(Array, Variables)>
    where
        Self: Sized,
    {
        apply::init(self, rngs.into(), inputs, &options)
    }

    /// The variables, from inputs that are used as shapes alone: layers do no arithmetic.
    ///
    /// # Errors
    /// `LazyInitError` if a variable depends on the values of the inputs; those of the modules.
    fn lazy_init(
        &self,
        rngs: impl Into<Rngs>,
        inputs: &[Array],
        options: InitOptions,
    ) -> Result<Variables>
    where
        Self: Sized,
    {
        apply::lazy_init(self, rngs.into(), inputs, &options)
    }

    /// The output of a method, and the collections it may change, as it leaves them.
    ///
    /// # Errors
    /// Those of the modules.
    fn apply(
        &self,
        variables: &Variables,
        inputs: &[Array],
        options: ApplyOptions,
    ) -> Result<(Array, Variables)>
    where
        Self: Sized,
    {
        apply::apply(self, variables, inputs, &options)
    }

    /// A copy with a scope over these variables, whose methods can be called one by one.
    ///
    /// # Errors
    /// `ApplyScopeInvalidVariablesStructureError`.
    fn bind(&self, variables: &Variables, rngs: Rngs, mutable: Filter) -> Result<Bound<Self>>
    where
        Self: Sized + Clone,
    {
        apply::bind(self.clone(), variables, rngs, mutable)
    }

    /// All modules that are called for these inputs, by their paths, names joined by `/`; the top has none.
    /// In the order of the calls; nothing is computed.
    ///
    /// # Errors
    /// Those of the modules.
    fn module_paths(
        &self,
        rngs: impl Into<Rngs>,
        inputs: &[Array],
    ) -> Result<Vec<(String, Box<dyn Module>)>>
    where
        Self: Sized,
    {
        table::module_paths(self, rngs.into(), inputs)
    }

    /// A table of the modules that are called, with shapes and parameters, as Flax prints it; nothing is computed.
    ///
    /// # Errors
    /// Those of the modules.
    fn tabulate(
        &self,
        rngs: impl Into<Rngs>,
        inputs: &[Array],
        options: TabulateOptions,
    ) -> Result<String>
    where
        Self: Sized,
    {
        table::tabulate(self, rngs.into(), inputs, &options)
    }
}

/// The error of a [`method`](Module::method) that a module lacks.
pub fn no_method(class: &str, method: &str, known: Vec<&'static str>) -> ModuleError {
    ModuleError::ApplyModuleInvalidMethod {
        module: class.to_owned(),
        method: method.to_owned(),
        known,
    }
}

/// Copies of modules whose type is not known; every module that is `Clone` has it.
#[diagnostic::on_unimplemented(message = "a module must be `Clone`", note = "derive it")]
pub trait Boxed {
    /// A copy.
    fn boxed(&self) -> Box<dyn Module>;
}

impl<M: Module + Clone> Boxed for M {
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Module> {
    fn clone(&self) -> Self {
        self.as_ref().boxed()
    }
}

impl Module for Box<dyn Module> {
    fn class(&self) -> &'static str {
        self.as_ref().class()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        self.as_ref().fields()
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        self.as_ref().call(scope, inputs)
    }

    fn methods(&self) -> Vec<&'static str> {
        self.as_ref().methods()
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        self.as_ref().method(name, scope, inputs)
    }
}

/// The class and the fields.
impl fmt::Display for dyn Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields();
        if fields.is_empty() {
            return write!(f, "{}()", self.class());
        }
        writeln!(f, "{}(", self.class())?;
        for (name, value) in fields {
            writeln!(f, "    {name} = {value}")?;
        }
        f.write_str(")")
    }
}

/// How a parameter begins: an [`Initializer`], or a function of key, shape and dtype.
pub trait Init {
    /// A new value.
    ///
    /// # Errors
    /// There is none of this shape.
    fn init(&self, key: Key, shape: &[usize], dtype: Dtype) -> Result<Array>;
}

impl Init for Initializer {
    fn init(&self, key: Key, shape: &[usize], dtype: Dtype) -> Result<Array> {
        with_dtype!(dtype, S => Array::new::<S>(shape, self.draw(key, shape)?))
    }
}

impl<F: Fn(Key, &[usize], Dtype) -> Result<Array>> Init for F {
    fn init(&self, key: Key, shape: &[usize], dtype: Dtype) -> Result<Array> {
        self(key, shape, dtype)
    }
}
