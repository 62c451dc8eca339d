//! Caches of masked networks against NetKet's.

use autoket::Dtype;
use autoket::graph::order;
use autoket::hilbert::Hilbert;
use autoket::models::{ArnnConv1d, ArnnConv2d, ArnnDense, Fast};
use autoket::module::{ApplyOptions, Array, Filter, InitOptions, Module, ModuleError, Variables};
use autoket::nn::Initializer;
use autoket::random::Key;
use safetensors::SafeTensors;

use super::{WEIGHTS, assert_close, leaves, module_error};
use crate::golden;

#[test]
fn caches_are_netket_s() {
    let bytes = golden::bytes("fast");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    // The reference lists spins downwards.
    let hilbert = Hilbert::spin(0.5, 9).unwrap().with_inverted_ordering(false);
    let ones = Initializer::Ones;
    let conv2d = ArnnConv2d {
        bias_init: ones.clone(),
        ..ArnnConv2d::new(hilbert.clone(), 2, 3, [2, 3])
    };
    check_cache(
        &file,
        "dense",
        Fast(ArnnDense {
            bias_init: ones.clone(),
            ..ArnnDense::new(hilbert.clone(), 2, 3)
        }),
    );
    check_cache(
        &file,
        "conv1d",
        Fast(ArnnConv1d {
            bias_init: ones.clone(),
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

/// Every step of the way through the cache: the probabilities, and the cache afterwards.
fn by_cache(fast: &impl Module, variables: &Variables, x: &Array, sites: &[usize]) -> Vec<Array> {
    let method = "conditional";
    let first = [x.clone(), Array::index(sites[0])];
    let init = fast.init_with_output(Key::new(3), &first, InitOptions::method(method));
    let mut state = init.unwrap().1.updated(variables);
    let mut all = Vec::new();
    for &site in sites {
        let options = ApplyOptions {
            mutable: Filter::only(&["cache"]),
            ..ApplyOptions::method(method)
        };
        let inputs = [x.clone(), Array::index(site)];
        let (p, changed) = fast.apply(&state, &inputs, options).unwrap();
        state = state.updated(&changed);
        all.push(p);
        all.extend(leaves(&changed, "cache").into_values().flatten());
    }
    all
}

/// In another order a network keeps what the same network of permuted sites keeps, and phases keep nothing.
#[test]
fn caches_follow_the_order_and_leave_phases_out() {
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    let order = order::spiral([3, 3]);
    let sigma: Vec<f64> = (0..36_u64)
        .map(|i| {
            if Key::new(4).uniform(i) < 0.5 {
                -1.0
            } else {
                1.0
            }
        })
        .collect();
    let x = Array::new(&[4, 9], sigma).unwrap();
    let permuted = x.take(1, &order).unwrap();
    let in_turn: Vec<usize> = (0..9).collect();
    macro_rules! check {
        ($model:expr) => {{
            let plain = $model;
            let mut with_phase = plain.clone();
            with_phase.order = Some(order.clone());
            with_phase.phase = true;
            let one = std::slice::from_ref(&x);
            let variables = with_phase.init(Key::new(3), one).unwrap();
            let expected = by_cache(&Fast(plain), &variables, &permuted, &in_turn);
            let fast = Fast(with_phase.clone());
            let got = by_cache(&fast, &variables, &x, &order);
            assert_eq!(got, expected);
            for (k, &site) in order.iter().enumerate() {
                let inputs = [x.clone(), Array::index(site)];
                let options = ApplyOptions::method("conditional");
                let (p, _) = with_phase.apply(&variables, &inputs, options).unwrap();
                assert_eq!(p, got[3 * k]);
            }
        }};
    }
    check!(ArnnDense::new(hilbert.clone(), 2, 3));
    check!(ArnnConv1d::new(hilbert.clone(), 2, 3, 3));
    check!(ArnnConv2d::new(hilbert, 2, 3, [2, 3]));
}
