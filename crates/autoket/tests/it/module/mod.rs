//! Modules against Flax: names, initial values, outputs, tables, errors.

mod arrays;
mod caches;
mod layers;
mod networks;
mod own_models;
mod recurrent;
mod scopes;
mod tables;

use std::collections::BTreeMap;

use autoket::module::{
    Array, Dense, Element, InitOptions, LayerNorm, Module, ModuleError, Scope, Variable, Variables,
};
use autoket::nn::{self, Initializer};
use autoket::random::Key;
use autoket::{Dtype, Error, Result, c64};

/// The module of the reference page.
#[derive(Clone)]
struct Foo;

impl Module for Foo {
    fn class(&self) -> &'static str {
        "Foo"
    }
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let h = scope.child(Dense::new(4))?.call(inputs)?;
        scope.child(Dense::new(2))?.call(&[h])
    }
}

fn dense(features: usize) -> Dense {
    Dense {
        param_dtype: Dtype::Float64,
        ..Dense::new(features)
    }
}

#[derive(Clone)]
struct Inner {
    features: usize,
}

impl Module for Inner {
    fn class(&self) -> &'static str {
        "Inner"
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("features", self.features.to_string())]
    }
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let x = &inputs[0];
        let shape = [x.shape()[x.ndim() - 1]];
        let gain = scope.param("gain", Initializer::Normal(0.5), &shape, Dtype::Float64)?;
        let norm = LayerNorm {
            param_dtype: Dtype::Float64,
            ..LayerNorm::default()
        };
        let x = scope.named("norm", norm)?.call(&[x.mul(&gain)?])?;
        scope.child(dense(self.features))?.call(&[x])
    }
}

#[derive(Clone)]
struct Outer;

impl Module for Outer {
    fn class(&self) -> &'static str {
        "Outer"
    }
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let features = inputs[0].shape()[1];
        let twice = scope.child(Inner { features })?;
        let x = twice.call(inputs)?.activate(&nn::Function::Tanh.into());
        let x = twice.call(&[x])?;
        let x = scope.child(Inner { features: 3 })?.call(&[x])?;
        let offset = scope.param("offset", Initializer::Uniform(0.1), &[3], Dtype::Float64)?;
        scope.sow("intermediates", "h", x.clone())?;
        let x = scope.perturb("h_offset", &x)?;
        let count = scope.variable("stats", "scale", || Ok(Array::full(&[1], 2.0)))?;
        let y = scope.child(dense(2))?.call(&[x.add(&offset)?])?;
        y.mul(&count)
    }
}

fn epsilon(element: Element) -> f64 {
    match element {
        Element::Inexact(Dtype::Float32 | Dtype::Complex64) => f32::EPSILON.into(),
        _ => f64::EPSILON,
    }
}

/// Weights agree to a few ulp; where the normal distribution is drawn, erf⁻¹ of two libraries adds some.
const WEIGHTS: f64 = 16.0;

#[track_caller]
fn assert_close(array: &Array, expected: &[c64], ulps: f64, what: &str) {
    let values = array.values::<c64>().unwrap();
    assert_eq!(values.len(), expected.len(), "{what}");
    let largest = expected.iter().map(|x| x.norm()).fold(0.0, f64::max);
    for (x, y) in values.iter().zip(expected) {
        let bound = ulps * epsilon(array.element()) * largest;
        assert!((x - y).norm() <= bound, "{what}: {x} and {y}");
    }
}

/// The arrays of a collection by path.
fn leaves(variables: &Variables, collection: &str) -> BTreeMap<String, Vec<Array>> {
    fn visit(variable: &Variable, path: String, out: &mut BTreeMap<String, Vec<Array>>) {
        match variable {
            Variable::Array(array) => drop(out.insert(path, vec![array.clone()])),
            Variable::Tuple(arrays) => drop(out.insert(path, arrays.clone())),
            Variable::Tree(tree) => {
                for (name, variable) in tree {
                    visit(variable, format!("{path}/{name}"), out);
                }
            }
        }
    }
    let mut out = BTreeMap::new();
    for (name, variable) in variables.get(collection).into_iter().flatten() {
        visit(variable, name.clone(), &mut out);
    }
    out
}

/// A module whose only method is a function.
#[derive(Clone)]
struct Function<F>(F);

impl<F: Fn(&Scope, &[Array]) -> Result<Array> + Clone + Send + Sync + 'static> Module
    for Function<F>
{
    fn class(&self) -> &'static str {
        "Function"
    }
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        self.0(scope, inputs)
    }
}

/// The output of a function in `init`.
fn run<F: Fn(&Scope, &[Array]) -> Result<Array> + Clone + Send + Sync + 'static>(
    seed: i64,
    f: F,
) -> Result<Array> {
    let (y, _) = Function(f).init_with_output(Key::new(seed), &[], InitOptions::default())?;
    Ok(y)
}

#[track_caller]
fn module_error<T: std::fmt::Debug>(result: Result<T>) -> ModuleError {
    match result.unwrap_err() {
        Error::Module(error) => error,
        other => panic!("{other}"),
    }
}

fn nothing() -> Result<Array> {
    Ok(Array::full(&[1], 0.0))
}
