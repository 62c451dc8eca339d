//! Variables, keys and names of a scope.

use autoket::module::{
    ApplyOptions, Array, Bound, Dense, Element, Embed, Filter, InitOptions, Module, ModuleError,
    Rngs, Scope, Variable, Variables,
};
use autoket::nn::Initializer;
use autoket::random::Key;
use autoket::{Dtype, Result};
use serde_json::Value;

use super::{Foo, Function, module_error, nothing, run};
use crate::golden;

#[test]
fn zeros_ignore_the_key() {
    let draw = |seed| {
        let init = |scope: &Scope| scope.param("w", Initializer::Zeros, &[2, 3], Dtype::Float32);
        run(seed, move |scope, _| init(scope)).unwrap()
    };
    assert_eq!(draw(42), Array::full(&[2, 3], 0.0_f32));
    assert_eq!(draw(42), draw(7));
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

/// Flax's `get_variable` and `has_variable`: what stands at the module's own place, by now; nothing is made, and no name
/// is taken. A submodule's name stands for its variables.
#[test]
fn variables_are_looked_up_at_the_module_s_place() {
    let one = || Array::full(&[], 1.0);
    let child = Function(|scope: &Scope, _: &[Array]| {
        let is_new = scope.is_initializing();
        assert_eq!(scope.has_variable("params", "w"), !is_new);
        assert_eq!(scope.get_variable("params", "w").is_none(), is_new);
        // Its parent's are not its own.
        assert!(!scope.has_variable("params", "top"));
        let w = scope.param("w", Initializer::Ones, &[2], Dtype::Float32)?;
        assert_eq!(scope.get_variable("params", "w"), Some(w.into()));
        nothing()
    });
    let module = Function(move |scope: &Scope, inputs: &[Array]| {
        let is_new = scope.is_initializing();
        let counts = scope.has_variable("stats", "n");
        assert_eq!(scope.get_variable("stats", "n").is_some(), counts);
        assert_eq!(scope.has_variable("params", "top"), !is_new);
        let before = scope.get_variable("params", "top");
        let top = scope.param("top", Initializer::Zeros, &[1], Dtype::Float32)?;
        assert_eq!(before, (!is_new).then(|| top.clone().into()));
        assert_eq!(scope.get_variable("params", "top"), Some(top.into()));
        assert!(!scope.has_variable("stats", "top"));
        scope.named("c", child.clone())?.call(&[])?;
        let Some(Variable::Tree(below)) = scope.get_variable("params", "c") else {
            panic!("a submodule's variables")
        };
        assert_eq!(below.keys().collect::<Vec<_>>(), ["w"]);
        for elsewhere in ["w", "c/w", ""] {
            assert!(!scope.has_variable("params", elsewhere), "{elsewhere}");
            assert_eq!(scope.get_variable("params", elsewhere), None);
        }
        if scope.is_mutable_collection("stats") {
            let old = scope.get_variable("stats", "n");
            let old = old.map_or(Ok(Array::full(&[], 0.0)), |n| n.array().cloned())?;
            scope.put_variable("stats", "n", old.add(&one())?)?;
            assert!(scope.has_variable("stats", "n"));
        } else {
            assert_eq!(scope.has_variable("stats", "n"), counts);
        }
        for times in 1..=2 {
            let stored = scope.sow("intermediates", "s", inputs[0].clone())?;
            let sown = stored.then(|| Variable::Tuple(vec![inputs[0].clone(); times]));
            assert_eq!(scope.get_variable("intermediates", "s"), sown);
        }
        nothing()
    });
    let x = [Array::full(&[2], 1.5)];
    let variables = module.init(Key::new(0), &x).unwrap();
    assert_eq!(variables.array("stats", "n").unwrap(), &one());
    assert!(variables.get("intermediates").is_none());
    let params = variables.only(|collection| collection == "params");
    for variables in [&params, &variables] {
        let (_, changed) = module
            .apply(variables, &x, ApplyOptions::default())
            .unwrap();
        assert!(changed.is_empty());
    }
    let options = ApplyOptions {
        mutable: Filter::only(&["stats", "intermediates"]),
        ..ApplyOptions::default()
    };
    let (_, changed) = module.apply(&variables, &x, options).unwrap();
    assert_eq!(changed.array("stats", "n").unwrap(), &Array::full(&[], 2.0));
    let names: Vec<&str> = changed.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["intermediates", "stats"]);

    let bound = module
        .bind(&variables, Rngs::default(), Filter::only(&["stats"]))
        .unwrap();
    let scope = bound.scope();
    assert!(scope.has_variable("params", "c") && !scope.has_variable("params", "n"));
    assert_eq!(scope.get_variable("none", "such"), None);
    scope
        .put_variable("stats", "n", Array::full(&[], 7.0))
        .unwrap();
    assert_eq!(
        scope.get_variable("stats", "n"),
        Some(Array::full(&[], 7.0).into())
    );
    assert!(scope.put_variable("params", "top", one()).is_err());
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
    use std::sync::{Arc, Mutex};
    let kept: Arc<Mutex<Option<Bound<Dense>>>> = Arc::default();
    let keep = Function({
        let kept = kept.clone();
        move |scope: &Scope, _: &[Array]| {
            *kept.lock().unwrap() = Some(scope.child(Dense::new(2))?);
            nothing()
        }
    });
    keep.init(Key::new(0), &[]).unwrap();
    let late = kept.lock().unwrap().take().unwrap();
    let error = module_error(late.call(&[Array::full(&[1, 1], 1.0)]));
    assert!(matches!(error, ModuleError::InvalidScope { scope } if scope == "/Dense_0"));
}

/// A bound module can be held anywhere, and called from anywhere.
#[test]
fn bound_modules_go_to_other_threads() {
    let x = [Array::full(&[2, 3], 1.0_f64)];
    let variables = Dense::new(4).init(Key::new(0), &x).unwrap();
    let dense = Dense::new(4)
        .bind(&variables, Rngs::default(), Filter::None)
        .unwrap();
    let here = dense.call(&x).unwrap();
    let there = std::thread::scope(|threads| {
        let there: Vec<_> = (0..4).map(|_| threads.spawn(|| dense.call(&x))).collect();
        there
            .into_iter()
            .map(|thread| thread.join().unwrap().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(there.iter().all(|y| *y == here));
    fn held_anywhere<T: Send + Sync>(_: &T) {}
    held_anywhere(&dense);
    held_anywhere(dense.scope());
}
