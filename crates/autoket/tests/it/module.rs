//! Modules against Flax: names, initial values, outputs, tables, errors.

use std::collections::BTreeMap;

use autoket::hilbert::Hilbert;
use autoket::models::{ArnnConv1d, ArnnConv2d, ArnnDense, Autoregressive, Fast, Features};
use autoket::module::{
    ApplyOptions, Array, Bound, Boxed, Conv, Dense, Element, Embed, Filter, InitOptions, LayerNorm,
    Module, ModuleError, Padding, Rngs, Scope, TabulateOptions, Variable, Variables, capture_calls,
    no_method,
};
use autoket::nn::{self, Initializer};
use autoket::random::Key;
use autoket::{Dtype, Error, Result, Scalar, c64};
use num_complex::Complex;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::golden;

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

/// The module that `golden/generate.py` calls so.
fn module(name: &str) -> Box<dyn Module> {
    let normal = Initializer::Normal(1.0);
    let conv = |size: &[usize]| Conv {
        param_dtype: Dtype::Float64,
        ..Conv::new(3, size)
    };
    let norm = LayerNorm {
        param_dtype: Dtype::Float64,
        ..LayerNorm::default()
    };
    match name {
        "dense_f32" => Dense::new(4).boxed(),
        "dense_f64" => dense(4).boxed(),
        "dense_c128" => Dense {
            use_bias: false,
            param_dtype: Dtype::Complex128,
            ..Dense::new(4)
        }
        .boxed(),
        "dense_int" => Dense::new(2).boxed(),
        "dense_biased" => Dense {
            bias_init: normal,
            ..dense(2)
        }
        .boxed(),
        "conv_same" => Conv {
            bias_init: normal,
            ..conv(&[3])
        }
        .boxed(),
        "conv_f32" => Conv::new(3, &[4]).boxed(),
        "conv_valid" => Conv {
            padding: Padding::Valid,
            strides: vec![2],
            ..conv(&[3])
        }
        .boxed(),
        "conv_same_strides" => Conv {
            strides: vec![3],
            kernel_dilation: vec![2],
            ..conv(&[4])
        }
        .boxed(),
        "conv_circular" => Conv {
            padding: Padding::Circular,
            kernel_dilation: vec![2],
            ..conv(&[4])
        }
        .boxed(),
        "conv_reflect" => Conv {
            padding: Padding::Reflect,
            ..conv(&[5])
        }
        .boxed(),
        "conv_causal" => Conv {
            padding: Padding::Causal,
            kernel_dilation: vec![2],
            ..conv(&[3])
        }
        .boxed(),
        "conv_explicit" => Conv {
            padding: Padding::Explicit(vec![[0, 2]]),
            input_dilation: vec![2],
            ..conv(&[3])
        }
        .boxed(),
        "conv_groups" => Conv {
            features: 6,
            feature_group_count: 2,
            ..conv(&[3])
        }
        .boxed(),
        "conv_one" | "conv_batches" => conv(&[3]).boxed(),
        "conv_2d" => Conv {
            strides: vec![1, 2],
            ..conv(&[2, 3])
        }
        .boxed(),
        "conv_2d_circular" => Conv {
            padding: Padding::Circular,
            ..conv(&[3, 2])
        }
        .boxed(),
        "conv_c128" => Conv {
            param_dtype: Dtype::Complex128,
            ..conv(&[2, 3])
        }
        .boxed(),
        "embed" => Embed {
            param_dtype: Dtype::Float64,
            ..Embed::new(5, 3)
        }
        .boxed(),
        "embed_one" => Embed::new(1, 3).boxed(),
        "layer_norm_f32" => LayerNorm::default().boxed(),
        "layer_norm_f64" => LayerNorm {
            scale_init: normal,
            bias_init: normal,
            ..norm
        }
        .boxed(),
        "layer_norm_plain" => LayerNorm {
            use_scale: false,
            use_bias: false,
            ..LayerNorm::default()
        }
        .boxed(),
        "layer_norm_axes" => LayerNorm {
            reduction_axes: vec![1, 2],
            feature_axes: vec![1, 2],
            scale_init: normal,
            ..norm
        }
        .boxed(),
        "layer_norm_c128" => LayerNorm {
            param_dtype: Dtype::Complex128,
            ..norm
        }
        .boxed(),
        "foo" => Foo.boxed(),
        "outer" => Outer.boxed(),
        other => panic!("{other}"),
    }
}

fn element(name: &str) -> Element {
    match name {
        "int8" => Element::Int8,
        "int32" => Element::Int32,
        "float32" => Dtype::Float32.into(),
        "float64" => Dtype::Float64.into(),
        "complex64" => Dtype::Complex64.into(),
        "complex128" => Dtype::Complex128.into(),
        other => panic!("{other}"),
    }
}

fn shape(value: &Value) -> Vec<usize> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(golden::index)
        .collect()
}

/// The text of an array whose recorded one is `float32[5, 4]`.
fn text(recorded: &Value) -> String {
    recorded.as_str().unwrap().replace(' ', "")
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

#[test]
fn layers_and_nested_modules_are_flax_s() {
    let (cases, bytes) = (golden::json("module"), golden::bytes("module"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let module = module(name);
        let x = Array::new(
            &shape(&case["x_shape"]),
            golden::tensor(&file, &format!("{name}.x")),
        );
        let x = x.unwrap().cast(element(case["x_dtype"].as_str().unwrap()));
        let inputs = [x.clone()];

        let init = module.init_with_output(Key::new(3), &inputs, InitOptions::default());
        let (y, variables) = init.unwrap();
        let options = ApplyOptions {
            capture_intermediates: Some(capture_calls),
            ..ApplyOptions::default()
        };
        let (again, captured) = module.apply(&variables, &inputs, options).unwrap();
        assert_eq!(y, again, "{name}");
        assert_eq!(
            y.element(),
            element(case["y_dtype"].as_str().unwrap()),
            "{name}"
        );
        assert_eq!(y.shape(), shape(&case["y_shape"]), "{name}");
        assert_close(
            &y,
            &golden::tensor(&file, &format!("{name}.y")),
            200.0,
            name,
        );

        let all = variables.updated(&captured);
        let recorded = case["variables"].as_object().unwrap();
        assert_eq!(all.iter().count(), recorded.len(), "{name}");
        for (collection, recorded) in recorded {
            let ours = leaves(&all, collection);
            let recorded = recorded.as_object().unwrap();
            assert_eq!(ours.len(), recorded.len(), "{name} {collection}");
            for (path, arrays) in recorded {
                let what = format!("{name}.{collection}.{path}");
                let texts: Vec<String> = arrays.as_array().unwrap().iter().map(text).collect();
                let ours = &ours[path];
                let found: Vec<String> = ours.iter().map(Array::to_string).collect();
                assert_eq!(found, texts, "{what}");
                for (i, array) in ours.iter().enumerate() {
                    let expected = golden::tensor(&file, &format!("{what}.{i}"));
                    let ulps = if collection == "intermediates" {
                        200.0
                    } else {
                        WEIGHTS
                    };
                    assert_close(array, &expected, ulps, &what);
                }
            }
        }

        let paths = module.module_paths(Key::new(3), &inputs).unwrap();
        let paths: BTreeMap<&str, &str> = paths
            .iter()
            .map(|(path, m)| (path.as_str(), m.class()))
            .collect();
        let recorded = case["module_paths"].as_object().unwrap().iter();
        let recorded: BTreeMap<&str, &str> = recorded
            .map(|(path, class)| (path.as_str(), class.as_str().unwrap()))
            .collect();
        assert_eq!(paths, recorded, "{name}");

        let lazy = module.lazy_init(Key::new(3), &[x.to_shape_only()], InitOptions::default());
        assert_eq!(lazy.unwrap(), variables, "{name}");
    }
}

/// Every operation finds the shape that it computes.
#[test]
fn abstract_arrays_have_the_shapes_of_concrete_ones() {
    let x = Array::new(&[2, 3], vec![1.0_f32, -2.0, 0.5, 4.0, 3.0, -1.0]).unwrap();
    let n = Array::integers(&[3], Element::Int8, vec![1, 2, 3]).unwrap();
    type Operation<'a> = &'a dyn Fn(&Array, &Array) -> Result<Array>;
    let operations: &[Operation] = &[
        &|x, n| x.add(n),
        &|x, n| n.sub(x),
        &|x, n| x.mul(n),
        &|x, n| n.div(x),
        &|_, n| n.div(n),
        &|x, n| x.dot(n),
        &|x, _| x.dot(&x.transpose()),
        &|x, _| Ok(x.exp()),
        &|_, n| Ok(n.log()),
        &|x, _| Ok(x.cast(Dtype::Complex128).sqrt()),
        &|x, _| Ok(x.cast(Dtype::Complex64).abs_squared()),
        &|x, _| Ok(x.activate(&nn::Function::Selu.into())),
        &|x, _| x.sum(&[0]),
        &|_, n| n.sum(&[-1]),
        &|x, _| x.mean(&[0, 1]),
        &|x, _| x.reshape(&[3, 1, 2]),
        &|x, _| x.at(1, 2),
        &|x, _| Ok(x.cast(Element::Int32)),
        &|x, _| Ok(x.cast(Dtype::Complex64).real()),
    ];
    for (i, operation) in operations.iter().enumerate() {
        let concrete = operation(&x, &n).unwrap();
        assert!(!concrete.is_abstract());
        let shapes = operation(&x.to_shape_only(), &n.to_shape_only()).unwrap();
        assert_eq!(shapes, concrete.to_shape_only(), "operation {i}");
    }
    let refused: &[Operation] = &[
        &|x, _| x.add(&Array::shape_only(&[2], Dtype::Float32)),
        &|x, _| x.dot(x),
        &|x, _| x.reshape(&[4]),
        &|x, _| x.sum(&[2]),
        &|x, _| x.at(0, 2),
    ];
    for (i, operation) in refused.iter().enumerate() {
        assert!(operation(&x, &n).is_err(), "{i}");
        assert!(operation(&x.to_shape_only(), &n).is_err(), "{i}");
    }
}

#[test]
fn arrays_compute() {
    let x = Array::new(&[2, 3], vec![1.0, -2.0, 0.5, 4.0, 3.0, -1.0]).unwrap();
    let row = Array::new(&[3], vec![1.0, 2.0, 3.0]).unwrap();
    let column = row.at(0, 0).unwrap().reshape(&[1, 1]).unwrap();
    let values = |x: Result<Array>| x.unwrap().values::<f64>().unwrap();
    assert_eq!(values(x.add(&row)), [2.0, 0.0, 3.5, 5.0, 5.0, 2.0]);
    assert_eq!(values(x.sub(&column)), [0.0, -3.0, -0.5, 3.0, 2.0, -2.0]);
    assert_eq!(values(x.dot(&row)), [-1.5, 7.0]);
    assert_eq!(values(x.sum(&[0])), [5.0, 1.0, -0.5]);
    assert_eq!(values(x.mean(&[-1])), [-0.5 / 3.0, 2.0]);
    assert_eq!(values(x.at(1, 2)), [0.5, -1.0]);
    assert_eq!(values(Ok(x.transpose())), [1.0, 4.0, -2.0, 3.0, 0.5, -1.0]);
    let byte = Array::integers(&[1], Element::Int8, vec![130]).unwrap();
    assert_eq!(byte.to_integers().unwrap(), [-126]);
    let z = Array::new(&[1], vec![c64::new(3.0, 4.0)]).unwrap();
    assert_eq!(values(Ok(z.abs_squared())), [25.0]);
    assert_eq!(z.log().values::<c64>().unwrap()[0], c64::new(3.0, 4.0).ln());
}

/// λ and α as published, to double precision.
#[test]
fn selu_has_its_constants() {
    let (lambda, alpha) = (
        1.0507009873554804934193349852946,
        1.6732632423543772848170429916717,
    );
    let selu = |x: f64| {
        let y = Array::full(&[1], x).activate(&nn::Function::Selu.into());
        y.values::<f64>().unwrap()[0]
    };
    assert_eq!(selu(1.0), lambda);
    assert!((selu(-700.0) + lambda * alpha).abs() < 1e-15);
}

#[test]
fn tables_are_flax_s() {
    let key = || Key::new(0);
    let options = TabulateOptions::default;
    let x = Array::shape_only(&[16, 9], Dtype::Float32);
    let foo = Foo
        .tabulate(key(), std::slice::from_ref(&x), options())
        .unwrap();
    assert_eq!(foo, golden::text("tabulate_foo.txt"));
    for cell in [
        "float32[16,9]",
        "float32[16,4]",
        "float32[16,2]",
        "bias: float32[4]",
        "kernel: float32[9,4]",
        "40 (160 B)",
        "bias: float32[2]",
        "kernel: float32[4,2]",
        "10 (40 B)",
        "50 (200 B)",
    ] {
        assert!(foo.contains(cell), "{cell} in\n{foo}");
    }

    let x = [Array::shape_only(&[4, 5], Dtype::Float64)];
    let outer = |options| Outer.tabulate(key(), &x, options).unwrap();
    for depth in [0, 1] {
        let depth_options = TabulateOptions {
            depth: Some(depth),
            ..options()
        };
        let name = format!("tabulate_outer_depth{depth}.txt");
        assert_eq!(outer(depth_options), golden::text(&name));
    }
    let repeated = TabulateOptions {
        show_repeated: true,
        ..options()
    };
    assert_eq!(outer(repeated), golden::text("tabulate_outer_repeated.txt"));
    let params = TabulateOptions {
        mutable: Filter::only(&["params", "stats"]),
        ..options()
    };
    assert_eq!(outer(params), golden::text("tabulate_outer_params.txt"));

    let fast = Fast(ArnnConv2d::new(
        Hilbert::spin(0.5, 16).unwrap(),
        2,
        3,
        [2, 3],
    ));
    let sigma = Array::shape_only(&[4, 16], Element::Int8);
    let method = |name: &str| TabulateOptions {
        method: name.to_owned(),
        ..options()
    };
    let inputs = [sigma.clone(), Array::index(3)];
    let table = fast
        .tabulate(key(), &inputs, method("conditional"))
        .unwrap();
    assert_eq!(table, golden::text("tabulate_conditional.txt"));
    for name in ["conditionals", "reorder"] {
        let table = fast.tabulate(key(), &inputs[..1], method(name)).unwrap();
        assert_eq!(table, golden::text(&format!("tabulate_{name}.txt")));
    }
}

#[test]
fn depths_and_excluded_methods_keep_the_total() {
    let model = ArnnConv2d::new(Hilbert::spin(0.5, 16).unwrap(), 3, 8, [2, 3]);
    let sigma = Array::shape_only(&[4, 16], Element::Int8);
    let table = |options| model.tabulate(Key::new(0), std::slice::from_ref(&sigma), options);
    for depth in [0, 1] {
        let options = TabulateOptions {
            depth: Some(depth),
            ..TabulateOptions::default()
        };
        let name = format!("tabulate_depth{depth}.txt");
        assert_eq!(table(options).unwrap(), golden::text(&name));
    }
    let options = TabulateOptions {
        method: "conditionals".to_owned(),
        exclude_methods: vec!["conditionals".to_owned()],
        ..TabulateOptions::default()
    };
    let text = table(options).unwrap();
    assert!(text.contains("_layers_0") && !text.contains("(conditionals)"));
    assert!(text.contains("Total Parameters: 546 (4.4 KB)"));
}

#[test]
fn zeros_ignore_the_key() {
    let draw = |seed| {
        let init = |scope: &Scope| scope.param("w", Initializer::Zeros, &[2, 3], Dtype::Float32);
        run(seed, move |scope, _| init(scope)).unwrap()
    };
    assert_eq!(draw(42), Array::full(&[2, 3], 0.0_f32));
    assert_eq!(draw(42), draw(7));
}

/// A module whose only method is a function.
#[derive(Clone)]
struct Function<F>(F);

impl<F: Fn(&Scope, &[Array]) -> Result<Array> + Clone + 'static> Module for Function<F> {
    fn class(&self) -> &'static str {
        "Function"
    }
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        self.0(scope, inputs)
    }
}

/// The output of a function in `init`.
fn run<F: Fn(&Scope, &[Array]) -> Result<Array> + Clone + 'static>(
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

#[test]
fn missing_and_misshapen_variables_are_refused() {
    let x = [Array::full(&[2, 3], 1.0_f32)];
    let good = Dense::new(4).init(Key::new(0), &x).unwrap();
    let apply =
        |variables: &Variables, dense: Dense| dense.apply(variables, &x, ApplyOptions::default());
    assert!(apply(&good, Dense::new(4)).is_ok());
    let empty = module_error(apply(&Variables::default(), Dense::new(4)));
    assert!(
        matches!(&empty, ModuleError::ScopeCollectionNotFound { collection, .. } if collection == "params")
    );
    let mut partial = Variables::default();
    partial.insert("params", &[] as &[&str], "bias", Array::full(&[4], 0.0_f32));
    let error = module_error(apply(&partial, Dense::new(4)));
    assert!(
        matches!(&error, ModuleError::ScopeParamNotFound { name, scope } if name == "kernel" && scope == "/")
    );
    assert!(error.to_string().starts_with("ScopeParamNotFoundError"));
    let error = module_error(apply(&good, Dense::new(5)));
    let ModuleError::ScopeParamShape { expected, got, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((expected, got), (vec![3, 5], vec![3, 4]));
    let mut doubled = Variables::default();
    doubled.insert(
        "params",
        &["params"],
        "kernel",
        Array::full(&[3, 4], 0.0_f32),
    );
    assert_eq!(
        module_error(apply(&doubled, Dense::new(4))),
        ModuleError::ApplyScopeInvalidVariablesStructure
    );

    let stats = Function(|scope: &Scope, _: &[Array]| {
        scope.variable("stats", "mean", || Ok(Array::full(&[1], 0.0)))
    });
    let options = ApplyOptions::default;
    let error = module_error(stats.apply(&Variables::default(), &[], options()));
    assert!(matches!(error, ModuleError::ScopeCollectionNotFound { .. }));
    let mut other = Variables::default();
    other.insert("stats", &[] as &[&str], "variance", Array::full(&[1], 1.0));
    let error = module_error(stats.apply(&other, &[], options()));
    assert!(matches!(error, ModuleError::ScopeVariableNotFound { .. }));
    assert!(
        module_error(
            stats
                .bind(&doubled, Rngs::default(), Filter::None)
                .map(|_| ())
        )
        .to_string()
        .contains("inner one")
    );
}

#[test]
fn immutable_collections_cannot_be_written() {
    let count = Function(|scope: &Scope, _: &[Array]| {
        let old = scope.variable("stats", "count", || Ok(Array::full(&[], 0.0)))?;
        if !scope.is_initializing() {
            scope.put_variable("stats", "count", old.add(&Array::full(&[], 1.0))?)?;
        }
        Ok(old)
    });
    let variables = count.init(Key::new(0), &[]).unwrap();
    let options = ApplyOptions {
        mutable: Filter::only(&["stats"]),
        ..ApplyOptions::default()
    };
    let (_, changed) = count.apply(&variables, &[], options.clone()).unwrap();
    let value = |variables: &Variables| {
        variables
            .array("stats", "count")
            .unwrap()
            .values::<f64>()
            .unwrap()[0]
    };
    assert_eq!((value(&variables), value(&changed)), (0.0, 1.0));
    let (_, again) = count.apply(&changed, &[], options).unwrap();
    assert_eq!(value(&again), 2.0);
    let error = module_error(count.apply(&variables, &[], ApplyOptions::default()));
    assert!(matches!(error, ModuleError::ModifyScopeVariable { .. }));
}

#[test]
fn names_clash_as_in_flax() {
    let zeros =
        |scope: &Scope, name: &str| scope.param(name, Initializer::Zeros, &[1], Dtype::Float32);
    let kind = |result: Result<Array>| match module_error(result) {
        ModuleError::NameInUse { kind, name, module } => {
            assert_eq!((name.as_str(), module.as_str()), ("bar", "Function"));
            kind
        }
        other => panic!("{other}"),
    };
    let twice = run(0, move |scope, _| {
        zeros(scope, "bar")?;
        zeros(scope, "bar")
    });
    assert_eq!(kind(twice), "param");
    let param_then_child = run(0, move |scope, _| {
        zeros(scope, "bar")?;
        scope.named("bar", Foo)?;
        nothing()
    });
    assert_eq!(kind(param_then_child), "submodule");
    let children = run(0, |scope, _| {
        scope.named("bar", Foo)?;
        scope.named("bar", Foo)?;
        nothing()
    });
    assert_eq!(kind(children), "submodule");
    let child_then_variable = run(0, |scope, _| {
        scope.named("bar", Foo)?;
        scope.variable("stats", "bar", nothing)
    });
    assert_eq!(kind(child_then_variable), "variable");
    let two_collections = run(0, move |scope, _| {
        zeros(scope, "bar")?;
        scope.variable("stats", "bar", nothing)
    });
    assert!(two_collections.is_ok());
}

#[test]
fn keys_are_folded_and_counted_as_flax_does() {
    let modules = golden::json("random");
    let case = &modules["init_keys"][0];
    let words = |value: &Value| [0, 1].map(|i| value[i].as_u64().unwrap() as u32);
    let expected = ["kernel", "bias"].map(|leaf| words(&case["keys"][format!("_layers_9/{leaf}")]));
    let draw = Function(move |scope: &Scope, _: &[Array]| {
        let child = Function(move |scope: &Scope, _: &[Array]| {
            assert!(scope.has_rng("params") && !scope.has_rng("dropout"));
            assert_eq!(
                (scope.name(), scope.path()),
                (Some("_layers_9"), &["_layers_9".to_owned()][..])
            );
            assert_eq!(scope.make_rng("params")?.words(), expected[0]);
            // A stream that is not there falls back to `params`, and counts as it.
            assert_eq!(scope.make_rng("dropout")?.words(), expected[1]);
            nothing()
        });
        scope.named("_layers_9", child)?.call(&[])
    });
    draw.init(Key::new(0), &[]).unwrap();

    let two = Function(|scope: &Scope, _: &[Array]| {
        let [a, b] = [scope.make_rng("dropout")?, scope.make_rng("params")?];
        assert_ne!(a, b);
        nothing()
    });
    let rngs = Rngs::from([("dropout", Key::new(1)), ("params", Key::new(0))]);
    two.init(rngs, &[]).unwrap();
    let none = module_error(two.init(Rngs::default(), &[]));
    assert!(matches!(&none, ModuleError::InvalidRng { stream, .. } if stream == "dropout"));
    let error = module_error(Foo.init(Rngs::default(), &[Array::full(&[1, 2], 1.0_f32)]));
    assert!(matches!(error, ModuleError::InvalidRng { scope, .. } if scope == "/Dense_0"));
}

#[test]
fn sown_values_are_tuples_or_what_the_user_makes_of_them() {
    let sow = Function(|scope: &Scope, inputs: &[Array]| {
        let x = &inputs[0];
        let stored = scope.sow("intermediates", "h", x.clone())?;
        assert_eq!(scope.sow("intermediates", "h", x.clone())?, stored);
        for _ in 0..2 {
            scope.sow_with("intermediates", "total", |old| {
                Ok(match old {
                    None => x.clone(),
                    Some(old) => old.array()?.add(x)?,
                }
                .into())
            })?;
        }
        Ok(Array::full(&[], f64::from(stored)))
    });
    let x = [Array::full(&[2], 1.5)];
    let variables = sow.init(Key::new(0), &x).unwrap();
    assert!(variables.is_empty());
    let apply = |mutable| {
        let options = ApplyOptions {
            mutable,
            ..ApplyOptions::default()
        };
        sow.apply(&variables, &x, options).unwrap()
    };
    let (stored, none) = apply(Filter::None);
    assert_eq!(
        (stored.values::<f64>().unwrap()[0], none.is_empty()),
        (0.0, true)
    );
    let (_, sown) = apply(Filter::only(&["intermediates"]));
    let tree = sown.get("intermediates").unwrap();
    assert_eq!(tree["h"], Variable::Tuple(vec![x[0].clone(), x[0].clone()]));
    assert_eq!(tree["total"].array().unwrap(), &Array::full(&[2], 3.0));
}

#[test]
fn perturbations_are_added_where_they_are_given() {
    let perturb = Function(|scope: &Scope, inputs: &[Array]| scope.perturb("p", &inputs[0]));
    let x = [Array::full(&[2], 1.5)];
    let variables = perturb.init(Key::new(0), &x).unwrap();
    assert_eq!(
        variables.array("perturbations", "p").unwrap(),
        &Array::full(&[2], 0.0)
    );
    let apply = |variables: &Variables| perturb.apply(variables, &x, ApplyOptions::default());
    assert_eq!(apply(&Variables::default()).unwrap().0, x[0]);
    let mut moved = Variables::default();
    moved.insert(
        "perturbations",
        &[] as &[&str],
        "p",
        Array::full(&[2], 0.25),
    );
    assert_eq!(apply(&moved).unwrap().0, Array::full(&[2], 1.75));
    let mut other = Variables::default();
    other.insert(
        "perturbations",
        &[] as &[&str],
        "q",
        Array::full(&[2], 0.25),
    );
    let error = module_error(apply(&other));
    assert!(matches!(error, ModuleError::PerturbationNotFound { .. }));
}

#[test]
fn lazy_init_refuses_what_depends_on_values() {
    let x = Array::shape_only(&[2, 3], Dtype::Float32);
    let centred = Function(|scope: &Scope, inputs: &[Array]| {
        let mean = inputs[0].mean(&[0])?;
        let init = move |_: Key, _: &[usize], _: Dtype| Ok(mean.clone());
        scope.param("centre", init, &[3], Dtype::Float32)
    });
    let lazy = centred.lazy_init(
        Key::new(0),
        std::slice::from_ref(&x),
        InitOptions::default(),
    );
    assert!(matches!(module_error(lazy), ModuleError::LazyInit { .. }));
    let concrete = Array::full(&[2, 3], 2.0_f32);
    let variables = centred.init(Key::new(0), &[concrete]).unwrap();
    assert_eq!(
        variables.array("params", "centre").unwrap(),
        &Array::full(&[3], 2.0_f32)
    );
    assert!(matches!(
        module_error(x.values::<f32>()),
        ModuleError::LazyInit { .. }
    ));
}

#[test]
fn bound_modules_keep_their_variables() {
    let x = [Array::full(&[2, 3], 1.0_f32)];
    let variables = Foo.init(Key::new(0), &x).unwrap();
    let bound = Foo.bind(&variables, Rngs::default(), Filter::None).unwrap();
    let (y, _) = Foo.apply(&variables, &x, ApplyOptions::default()).unwrap();
    assert_eq!(bound.call(&x).unwrap(), y);
    assert_eq!(bound.call(&x).unwrap(), y);
    assert_eq!(bound.scope().name(), None);
    let (_, same): (Foo, _) = bound.unbind();
    assert_eq!(same, variables);

    let error = module_error(Foo.apply(&variables, &x, ApplyOptions::method("attend")));
    assert!(
        matches!(error, ModuleError::ApplyModuleInvalidMethod { known, .. } if known == ["__call__"])
    );
    let embed = Embed::new(5, 3);
    let n = [Array::integers(&[2], Element::Int32, vec![0, 4]).unwrap()];
    let variables = embed.init(Key::new(0), &n).unwrap();
    let (rows, _) = embed
        .apply(&variables, &n, ApplyOptions::default())
        .unwrap();
    let (products, _) = embed
        .apply(
            &variables,
            std::slice::from_ref(&rows),
            ApplyOptions::method("attend"),
        )
        .unwrap();
    assert_eq!(products.shape(), [2, 5]);
    let square = rows
        .abs_squared()
        .sum(&[1])
        .unwrap()
        .values::<f32>()
        .unwrap();
    let products = products.values::<f32>().unwrap();
    assert!((products[0] - square[0]).abs() < 1e-6 && (products[9] - square[1]).abs() < 1e-6);
    let float = embed.apply(
        &variables,
        &[Array::full(&[2], 1.0)],
        ApplyOptions::default(),
    );
    assert!(float.is_err());
    let five = [Array::integers(&[1], Element::Int32, vec![5]).unwrap()];
    assert!(
        embed
            .apply(&variables, &five, ApplyOptions::default())
            .is_err()
    );
}

/// A scope that outlives its call is of no use.
#[test]
fn scopes_end_with_their_call() {
    use std::cell::RefCell;
    use std::rc::Rc;
    let kept: Rc<RefCell<Option<Bound<Dense>>>> = Rc::default();
    let keep = Function({
        let kept = kept.clone();
        move |scope: &Scope, _: &[Array]| {
            *kept.borrow_mut() = Some(scope.child(Dense::new(2))?);
            nothing()
        }
    });
    keep.init(Key::new(0), &[]).unwrap();
    let late = kept.take().unwrap();
    let error = module_error(late.call(&[Array::full(&[1, 1], 1.0)]));
    assert!(matches!(error, ModuleError::InvalidScope { scope } if scope == "/Dense_0"));
}

#[test]
fn modules_print_their_fields() {
    let text = |m: &dyn Module| m.to_string();
    assert_eq!(text(&Foo), "Foo()");
    assert_eq!(text(&Inner { features: 3 }), "Inner(\n    features = 3\n)");
    let known = no_method("Foo", "bar", vec!["__call__"]).to_string();
    assert!(known.contains("Foo has no method `bar`"));
}

fn networks(dtype: Dtype) -> (ArnnDense, ArnnConv1d, ArnnConv2d) {
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    (
        ArnnDense {
            param_dtype: dtype,
            ..ArnnDense::new(hilbert.clone(), 2, 3)
        },
        ArnnConv1d {
            param_dtype: dtype,
            features: Features::List(vec![3, 2]),
            ..ArnnConv1d::new(hilbert.clone(), 2, 3, 3)
        },
        ArnnConv2d {
            param_dtype: dtype,
            ..ArnnConv2d::new(hilbert, 2, 3, [2, 3])
        },
    )
}

/// A network as a module gives what its engine gives.
fn check_network<S: Scalar, M: Module + Clone>(module: M, engine: impl Autoregressive<S>) {
    let key = Key::new(5);
    let params = engine.init(key);
    let sigma = engine.sample(&params.values, 6, Key::new(1)).sigma;
    let values = engine.hilbert().values_of(&sigma);
    let values: Vec<i8> = values.iter().map(|&x| x as i8).collect();
    let x = Array::configurations(9, &values).unwrap();
    let variables = module.init(key, std::slice::from_ref(&x)).unwrap();
    assert_eq!(variables, Variables::from_params(&params));
    assert_eq!(variables.to_params::<S>(engine.layout()).unwrap(), params);
    let lazy = module
        .lazy_init(key, &[x.to_shape_only()], InitOptions::default())
        .unwrap();
    assert_eq!(lazy, variables);

    let apply = |name: &str, inputs: &[Array]| {
        let options = ApplyOptions::method(name);
        module.apply(&variables, inputs, options).map(|(y, _)| y)
    };
    let theta = &params.values;
    let array = |shape: &[usize], values: Vec<S>| Array::new(shape, values).unwrap();
    let log_psi = array(&[6], engine.log_psi(theta, &sigma));
    assert_eq!(
        apply("__call__", std::slice::from_ref(&x)).unwrap(),
        log_psi
    );
    let first = Array::configurations(9, &values[..9])
        .unwrap()
        .reshape(&[9])
        .unwrap();
    assert_eq!(apply("__call__", &[first]).unwrap().shape(), [1]);
    let logs = array(&[6, 9, 2], engine.conditionals_log_psi(theta, &sigma));
    assert_eq!(
        apply("conditionals_log_psi", std::slice::from_ref(&x)).unwrap(),
        logs
    );
    let p = apply("conditionals", std::slice::from_ref(&x)).unwrap();
    let engine_p = engine.conditionals(theta, &sigma);
    assert_eq!(p.element(), logs.real().element());
    assert_eq!(p.shape(), [6, 9, 2]);
    for (p, q) in p.values::<f64>().unwrap().iter().zip(&engine_p) {
        assert!((p - q).abs() < 1e-6);
    }
    // p[2, 3, :] is (down, up).
    let at = p
        .at(0, 2)
        .unwrap()
        .at(0, 3)
        .unwrap()
        .values::<f64>()
        .unwrap();
    assert!((at[0] + at[1] - 1.0).abs() < 1e-6);
    assert!((at[0] - engine_p[(2 * 9 + 3) * 2]).abs() < 1e-6);
    let one = apply("conditional", &[x.clone(), Array::index(3)]).unwrap();
    assert_eq!(one, p.at(1, 3).unwrap());
    for name in ["reorder", "inverse_reorder"] {
        assert_eq!(apply(name, std::slice::from_ref(&x)).unwrap(), x);
    }
    assert!(apply("conditional", std::slice::from_ref(&x)).is_err());
    assert!(apply("conditional", &[x.clone(), Array::index(9)]).is_err());
    assert!(apply("__call__", &[Array::full(&[2, 8], 1.0)]).is_err());
    assert!(apply("conditionals_log_psi", &[Array::full(&[9], 1.0)]).is_err());
    assert!(apply("__call__", &[Array::full(&[2, 9], 0.5)]).is_err());
    assert!(matches!(
        module_error(apply("sample", std::slice::from_ref(&x))),
        ModuleError::ApplyModuleInvalidMethod { .. }
    ));

    let options = ApplyOptions {
        capture_intermediates: Some(capture_calls),
        ..ApplyOptions::default()
    };
    let (_, captured) = module
        .apply(&variables, std::slice::from_ref(&x), options)
        .unwrap();
    let captured = leaves(&captured, "intermediates");
    assert_eq!(captured["__call__"], [log_psi]);
    // The last layer's outputs, normalised, are the log-conditionals.
    let last = &captured["_layers_1/__call__"][0];
    assert_eq!(*last.shape().last().unwrap(), 2);
    let values = last.values::<c64>().unwrap();
    for (y, log) in values
        .chunks_exact(2)
        .zip(logs.values::<c64>().unwrap().chunks_exact(2))
    {
        assert!(((y[0] - y[1]) - (log[0] - log[1])).norm() < 1e-5);
    }
    // The first layer sees nothing at the first site: its output is the bias.
    let first = &captured["_layers_0/__call__"][0];
    assert_eq!(first.values::<c64>().unwrap()[..3], [c64::default(); 3]);
}

#[test]
fn networks_are_modules() {
    let (dense, conv1d, conv2d) = networks(Dtype::Float64);
    check_network::<f64, _>(dense.clone(), dense.build::<f64>().unwrap());
    check_network::<f64, _>(conv1d.clone(), conv1d.build::<f64>().unwrap());
    check_network::<f64, _>(conv2d.clone(), conv2d.build::<f64>().unwrap());
    let (dense, conv1d, conv2d) = networks(Dtype::Complex64);
    check_network::<Complex<f32>, _>(dense.clone(), dense.build().unwrap());
    check_network::<Complex<f32>, _>(conv1d.clone(), conv1d.build().unwrap());
    check_network::<Complex<f32>, _>(conv2d.clone(), conv2d.build().unwrap());

    let x = [Array::full(&[4, 9], 1.0)];
    let reshaped: [(Box<dyn Module>, &[usize]); 3] = [
        (Box::new(dense), &[4, 9]),
        (Box::new(conv1d), &[4, 9]),
        (Box::new(conv2d), &[4, 3, 3]),
    ];
    for (network, shape) in reshaped {
        let options = ApplyOptions::method("reshape_inputs");
        let (y, _) = network.apply(&Variables::default(), &x, options).unwrap();
        assert_eq!(y.shape(), shape);
    }
}

/// NetKet computes in double precision where single-precision parameters meet double-precision inputs.
#[test]
fn inputs_raise_the_precision() {
    let (_, _, conv2d) = networks(Dtype::Float32);
    let x = Array::full(&[2, 9], 1.0);
    let variables = conv2d.init(Key::new(0), std::slice::from_ref(&x)).unwrap();
    assert_eq!(
        variables
            .array("params", "_layers_0/bias")
            .unwrap()
            .to_string(),
        "float32[3]"
    );
    let apply = |x: &Array| {
        conv2d
            .apply(&variables, std::slice::from_ref(x), ApplyOptions::default())
            .unwrap()
            .0
    };
    assert_eq!(apply(&x).to_string(), "float64[2]");
    assert_eq!(apply(&x.cast(Element::Int8)).to_string(), "float32[2]");
    let shape = apply(&x.to_shape_only());
    assert_eq!(shape, apply(&x).to_shape_only());

    // Only shapes are checked: parameters of another type compute in it.
    let double = |variables: &Variables| {
        let mut out = Variables::default();
        for (path, arrays) in leaves(variables, "params") {
            let (module, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let module: Vec<&str> = module.split('/').filter(|name| !name.is_empty()).collect();
            out.insert("params", &module, name, arrays[0].cast(Dtype::Float64));
        }
        out
    };
    let bytes = [x.cast(Element::Int8)];
    let apply = |m: &dyn Module, variables: &Variables| {
        let options = ApplyOptions::default();
        m.boxed()
            .apply(variables, &bytes, options)
            .unwrap()
            .0
            .to_string()
    };
    assert_eq!(apply(&conv2d, &double(&variables)), "float64[2]");
    let dense = Dense::new(4).init(Key::new(0), &bytes).unwrap();
    assert_eq!(apply(&Dense::new(4), &dense), "float32[2,4]");
    assert_eq!(apply(&Dense::new(4), &double(&dense)), "float64[2,4]");
}

#[test]
fn caches_are_netket_s() {
    let bytes = golden::bytes("fast");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    // The reference lists spins downwards.
    let hilbert = Hilbert::spin(0.5, 9).unwrap().with_inverted_ordering(false);
    let ones = Initializer::Ones;
    let conv2d = ArnnConv2d {
        bias_init: ones,
        ..ArnnConv2d::new(hilbert.clone(), 2, 3, [2, 3])
    };
    check_cache(
        &file,
        "dense",
        Fast(ArnnDense {
            bias_init: ones,
            ..ArnnDense::new(hilbert.clone(), 2, 3)
        }),
    );
    check_cache(
        &file,
        "conv1d",
        Fast(ArnnConv1d {
            bias_init: ones,
            kernel_dilation: 2,
            ..ArnnConv1d::new(hilbert, 2, 3, 3)
        }),
    );
    check_cache(
        &file,
        "conv2d",
        Fast(ArnnConv2d {
            kernel_dilation: [2, 1],
            param_dtype: Dtype::Complex128,
            ..conv2d.clone()
        }),
    );
    check_cache(
        &file,
        "conv2d_f32",
        Fast(ArnnConv2d {
            kernel_size: [3, 3],
            param_dtype: Dtype::Float32,
            ..conv2d
        }),
    );
}

fn check_cache(file: &SafeTensors, name: &str, fast: impl Module) {
    let sigma = golden::tensor(file, "sigma");
    let sigma: Vec<i8> = sigma.iter().map(|x| x.re as i8).collect();
    let x = Array::configurations(9, &sigma).unwrap();
    let method = "conditional";
    let inputs = [x.clone(), Array::index(0)];
    let init = fast.init_with_output(Key::new(3), &inputs, InitOptions::method(method));
    let mut variables = init.unwrap().1;
    for (path, arrays) in leaves(&variables, "params") {
        let expected = golden::tensor(file, &format!("{name}.params.{}", path.replace('/', ".")));
        assert_close(&arrays[0], &expected, WEIGHTS, &format!("{name} {path}"));
    }
    // Without the collection, or where it cannot be changed, there is no cache to fill.
    let plain = variables.only(|collection| collection == "params");
    let error = module_error(fast.apply(&plain, &inputs, ApplyOptions::method(method)));
    assert!(matches!(error, ModuleError::ScopeCollectionNotFound { .. }));
    let error = module_error(fast.apply(&variables, &inputs, ApplyOptions::method(method)));
    assert!(matches!(error, ModuleError::ModifyScopeVariable { .. }));

    for index in 0..9 {
        let options = ApplyOptions {
            mutable: Filter::only(&["cache"]),
            ..ApplyOptions::method(method)
        };
        let inputs = [x.clone(), Array::index(index)];
        let (p, changed) = fast.apply(&variables, &inputs, options).unwrap();
        let what = format!("{name} at {index}");
        assert_close(
            &p,
            &golden::tensor(file, &format!("{name}.p.{index}")),
            50.0,
            &what,
        );
        variables = variables.updated(&changed);
        for layer in 0..2 {
            let expected = golden::tensor(file, &format!("{name}.cache.{index}._layers_{layer}"));
            let cache = variables
                .array("cache", &format!("_layers_{layer}/inputs"))
                .unwrap();
            assert_close(cache, &expected, 50.0, &what);
        }
    }
    // A cache of another batch is no cache of this one.
    let half = Array::configurations(9, &sigma[..18]).unwrap();
    let options = ApplyOptions {
        mutable: Filter::only(&["cache"]),
        ..ApplyOptions::method(method)
    };
    let other = fast.apply(&variables, &[half, Array::index(0)], options);
    assert!(other.unwrap_err().to_string().contains("cache"));
    for (path, module) in fast.module_paths(Key::new(0), &inputs[..1]).unwrap() {
        let alone = ApplyOptions::method("update_site");
        assert!(module.apply(&variables, &[], alone).is_err(), "{path}");
    }
    let (_, plain) = fast
        .init_with_output(Key::new(3), &inputs[..1], InitOptions::default())
        .unwrap();
    assert!(plain.get("cache").is_none());
}
