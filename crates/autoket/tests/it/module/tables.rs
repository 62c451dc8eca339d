//! Tables and what modules print.

use autoket::hilbert::Hilbert;
use autoket::models::{ArnnConv2d, Fast};
use autoket::module::{
    Array, CALL, Dense, Element, Filter, Module, Scope, TabulateOptions, no_method,
};
use autoket::nn::Initializer;
use autoket::random::Key;
use autoket::{Dtype, Result};

use super::{Foo, Inner, Outer};
use crate::golden;

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

/// A layer that only a helper calls, and a parameter of its own.
#[derive(Clone)]
struct Helped;

impl Module for Helped {
    fn class(&self) -> &'static str {
        "Helped"
    }
    fn methods(&self) -> Vec<&'static str> {
        vec![CALL, "helper"]
    }
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let inner = scope.named("inner", Helper)?;
        inner.method("helper", inputs)
    }
}

/// What it calls.
#[derive(Clone)]
struct Helper;

impl Module for Helper {
    fn class(&self) -> &'static str {
        "Helper"
    }
    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        self.method("helper", scope, inputs)
    }
    fn method(&self, _: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let shift = scope.param("shift", Initializer::Zeros, &[3], Dtype::Float32)?;
        scope.child(Dense::new(2))?.call(&[inputs[0].add(&shift)?])
    }
}

/// Parameters of modules without a row go to their first ancestor that has one, and the rows' sum is the total.
#[test]
fn what_is_not_shown_is_counted() {
    let x = [Array::shape_only(&[1, 3], Dtype::Float32)];
    let counts = |depth: Option<usize>, excluded: &[&str]| -> (Vec<usize>, usize) {
        let options = TabulateOptions {
            depth,
            exclude_methods: excluded.iter().map(|&name| name.to_owned()).collect(),
            ..TabulateOptions::default()
        };
        let table = Helped.tabulate(Key::new(0), &x, options).unwrap();
        // `11 (44 B)`, in rows, beside `Total`, and below.
        let counts = table.lines().filter_map(|line| {
            let (before, _) = line.trim_end().split_once(" B)")?;
            let count = before.rsplit_once(" (")?.0.split_whitespace().last()?;
            count.parse().ok()
        });
        let counts: Vec<usize> = counts.collect();
        let (rows, totals) = counts.split_at(counts.len() - 2);
        assert_eq!(totals[0], totals[1], "{table}");
        (rows.to_vec(), totals[0])
    };
    assert_eq!(counts(None, &[]), (vec![3, 8], 11));
    assert_eq!(counts(Some(1), &[]), (vec![11], 11));
    assert_eq!(counts(Some(0), &[]), (vec![11], 11));
    assert_eq!(counts(None, &["helper"]), (vec![3, 8], 11));
    assert_eq!(counts(Some(1), &["helper"]), (vec![11], 11));
    // Without any row there is still a total.
    assert_eq!(counts(Some(0), &[CALL]), (vec![], 11));
}

#[test]
fn modules_print_their_fields() {
    let text = |m: &dyn Module| m.to_string();
    assert_eq!(text(&Foo), "Foo()");
    assert_eq!(text(&Inner { features: 3 }), "Inner(\n    features = 3\n)");
    let known = no_method("Foo", "bar", vec!["__call__"]).to_string();
    assert!(known.contains("Foo has no method `bar`"));
}
