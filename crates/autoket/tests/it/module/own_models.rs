//! Models that NetKet does not have, and phases, as modules.

use std::sync::Arc;

use autoket::graph::{Graph, order};
use autoket::hilbert::Hilbert;
use autoket::models::{
    Ansatz, ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, ArnnSequential, CausalLayer, Fast,
    GruNet1d, LstmNet, Mask, MaskedModule, Recurrence, TensorGru2d,
};
use autoket::module::{
    ApplyOptions, Array, Boxed, Dense, Element, Filter, InitOptions, Module, Scope,
    TabulateOptions, Variables, capture_calls,
};
use autoket::nn::Initializer;
use autoket::random::Key;
use autoket::{Dtype, c64};
use num_complex::Complex;

use super::leaves;
use super::networks::check_numbers;

fn spins(n_sites: usize) -> Hilbert {
    Hilbert::spin(0.5, n_sites).unwrap()
}

/// Checks a model of real numbers, of complex ones, and with a phase.
macro_rules! check {
    ($model:expr) => {{
        let model = $model;
        check_numbers::<f64, _>(&model, &model.build().unwrap());
        let mut single = model.clone();
        single.param_dtype = Dtype::Float32;
        check_numbers::<f32, _>(&single, &single.build().unwrap());
        let mut complex = model.clone();
        complex.param_dtype = Dtype::Complex128;
        check_numbers::<c64, _>(&complex, &complex.build().unwrap());
        let mut phase = model.clone();
        phase.phase = true;
        check_numbers::<c64, _>(&phase, &phase.build().unwrap());
        phase.param_dtype = Dtype::Float32;
        check_numbers::<Complex<f32>, _>(&phase, &phase.build().unwrap());
        phase.param_dtype = Dtype::Complex64;
        let x = [Array::full(&[1, model.hilbert.n_sites()], 1.0)];
        let message = phase.init(Key::new(0), &x).unwrap_err().to_string();
        assert!(message.contains("`param_dtype`"), "{message}");
    }};
}

fn sequential() -> ArnnSequential {
    let dense = ArnnDense::new(spins(6), 2, 3).sequential().unwrap();
    let lstm = LstmNet::new(spins(6), 2, 4).sequential().unwrap();
    let gru = GruNet1d::new(spins(6), 1, 2).sequential().unwrap();
    let mut layers: Vec<Arc<dyn CausalLayer>> = vec![dense.layers[0].clone()];
    layers.extend([lstm.layers[0].clone(), gru.layers[0].clone()]);
    ArnnSequential::new(spins(6), layers)
}

#[test]
fn models_of_our_own_are_modules() {
    check!(ArnnGatedConv2d {
        extent: Some([2, 3]),
        order: Some(order::snake([2, 3])),
        ..ArnnGatedConv2d::new(spins(6), 2, 3, [1, 3])
    });
    check!(TensorGru2d::new(Hilbert::fock(2, 6).unwrap(), [3, 2], 2));
    check!(sequential());
}

#[test]
fn orders_and_phases_of_all_networks_are_modules() {
    check!(ArnnDense {
        order: Some(vec![3, 0, 4, 1, 2]),
        ..ArnnDense::new(Hilbert::fock(2, 5).unwrap(), 2, 3)
    });
    check!(ArnnConv1d {
        order: Some(order::diagonal([2, 3])),
        ..ArnnConv1d::new(spins(6), 2, 3, 2)
    });
    check!(ArnnConv2d {
        extent: Some([2, 3]),
        order: Some(order::spiral([2, 3])),
        ..ArnnConv2d::new(spins(6), 2, 3, [2, 3])
    });
    check!(LstmNet {
        recurrence: Some(Recurrence::over(&Graph::square(3, true).unwrap()).unwrap()),
        ..LstmNet::new(spins(9), 2, 3)
    });
    check!(GruNet1d {
        recurrence: Some(Recurrence::along(order::snake([2, 3])).unwrap()),
        ..GruNet1d::new(spins(6), 2, 3)
    });
}

/// Conditionals of states that cannot be completed are 0 in modules, too.
#[test]
fn networks_of_constrained_spaces_are_modules() {
    check!(LstmNet::new(spins(6).with_total_sz(0.0).unwrap(), 2, 3));
    check!(ArnnConv2d {
        extent: Some([2, 3]),
        order: Some(order::spiral([2, 3])),
        ..ArnnConv2d::new(spins(6).with_total_sz(1.0).unwrap(), 2, 3, [2, 3])
    });
}

/// A design, and a network that is built of it, have the same table as the fields that it was made of.
#[test]
fn designs_are_modules() {
    let model = TensorGru2d::new(spins(6), [2, 3], 4);
    let design = model.design().unwrap();
    check_numbers::<f64, _>(&design, &model.build().unwrap());
    let lines = design.boxed().to_string();
    assert!(lines.starts_with("TensorGRU2D("), "{lines}");
    assert!(lines.contains("order = [0, 1, 2, 5, 4, 3]"), "{lines}");
}

/// Paths of parameters are places in the tree; modules without a class of their own have no row.
#[test]
fn trees_are_the_paths_of_parameters() {
    let model = ArnnGatedConv2d::new(spins(9), 2, 4, [2, 3]);
    let x = [Array::shape_only(&[5, 9], Element::Int8)];
    let paths = model.module_paths(Key::new(0), &x).unwrap();
    let paths: Vec<&str> = paths.iter().map(|(path, _)| path.as_str()).collect();
    let expected = [
        "",
        "vertical_0/features",
        "vertical_0/gate",
        "horizontal_0/features",
        "horizontal_0/gate",
        "vertical_1/features",
        "vertical_1/gate",
        "horizontal_1/features",
        "horizontal_1/gate",
        "residual_1",
        "amplitude",
    ];
    assert_eq!(paths, expected);
    let variables = model
        .lazy_init(Key::new(0), &x, InitOptions::default())
        .unwrap();
    let kernel = variables.array("params", "vertical_0/gate/kernel").unwrap();
    assert_eq!(kernel.shape(), [2 * 3, 4]);
    // All parameters count once, whatever is shown.
    let count = model.build::<f64>().unwrap().layout().n_parameters();
    for depth in [None, Some(0), Some(1), Some(2)] {
        let options = TabulateOptions {
            depth,
            ..TabulateOptions::default()
        };
        let table = model.tabulate(Key::new(0), &x, options).unwrap();
        let total = format!("Total Parameters: {count} ");
        assert!(table.contains(&total), "{depth:?}: {table}");
    }
}

/// Layers that NetKet lacks begin as Flax's `Dense` does at their places.
#[test]
fn initial_weights_are_those_of_dense_layers_at_their_paths() {
    let gated = ArnnGatedConv2d::new(spins(9), 3, 4, [2, 3]);
    let tensor = TensorGru2d::new(spins(6), [2, 3], 4);
    let kernel_inits = [Initializer::LecunNormal, Initializer::GlorotUniform];
    for (design, kernel_init) in [gated.design(), tensor.design()]
        .into_iter()
        .zip(kernel_inits)
    {
        let params = design.unwrap().build::<f64>().unwrap().init(Key::new(11));
        let all = Variables::from_params(&params);
        let leaves = params.layout.leaves();
        let kernels = leaves.iter().filter(|leaf| leaf.name == "kernel");
        for leaf in kernels {
            let dense = Dense {
                param_dtype: Dtype::Float64,
                use_bias: leaves
                    .iter()
                    .any(|l| l.module == leaf.module && l.name == "bias"),
                kernel_init: kernel_init.clone(),
                ..Dense::new(leaf.shape[1])
            };
            let path = leaf.module.clone();
            let at_its_place = super::Function(move |scope: &Scope, inputs: &[Array]| {
                match path.split_once('/') {
                    None => scope.named(&path, dense.clone())?.call(inputs),
                    Some((outer, inner)) => {
                        let (inner, dense) = (inner.to_owned(), dense.clone());
                        let below = super::Function(move |scope: &Scope, inputs: &[Array]| {
                            scope.named(&inner, dense.clone())?.call(inputs)
                        });
                        scope.named(outer, below)?.call(inputs)
                    }
                }
            });
            let x = [Array::full(&[1, leaf.shape[0]], 1.0)];
            let alone = at_its_place.init(Key::new(11), &x).unwrap();
            for array in ["kernel", "bias"] {
                let path = format!("{}/{array}", leaf.module);
                let [ours, flax] = [&all, &alone].map(|v| v.array("params", &path).ok());
                assert_eq!(ours, flax, "{path}");
            }
        }
    }
}

/// What a layer reads is what those before it give.
#[test]
fn what_layers_of_a_sequence_give_is_captured() {
    let model = ArnnSequential {
        phase: true,
        order: Some(vec![5, 1, 4, 2, 0, 3]),
        ..sequential()
    };
    let engine = model.build::<c64>().unwrap();
    let params = engine.init(Key::new(5));
    let sigma = [1, 0, 0, 1, 1, 0];
    let x = Array::new(&[1, 6], engine.hilbert().values_of(&sigma)).unwrap();
    let options = ApplyOptions {
        capture_intermediates: Some(capture_calls),
        ..ApplyOptions::default()
    };
    let variables = Variables::from_params(&params);
    let (log_psi, captured) = model.apply(&variables, &[x], options).unwrap();
    let captured = leaves(&captured, "intermediates");
    let paths: Vec<&str> = captured.keys().map(String::as_str).collect();
    let expected = [
        "__call__",
        "_layers_0/__call__",
        "_layers_1/__call__",
        "_layers_2/__call__",
        "_phase/__call__",
    ];
    assert_eq!(paths, expected);
    // Amplitudes and phases by site, of which those of σ are summed.
    let of = |path: &str| captured[path][0].values::<f64>().unwrap();
    let (amplitudes, phases) = (of("_layers_2/__call__"), of("_phase/__call__"));
    let mut sum = c64::default();
    for (site, &state) in sigma.iter().enumerate() {
        let y = &amplitudes[2 * site..][..2];
        let norm = ((2.0 * y[0]).exp() + (2.0 * y[1]).exp()).ln() / 2.0;
        let phase = std::f64::consts::PI * phases[2 * site + usize::from(state)];
        sum += c64::new(y[usize::from(state)] - norm, phase);
    }
    let log_psi = log_psi.values::<c64>().unwrap()[0];
    assert!((log_psi - sum).norm() < 1e-12, "{log_psi} {sum}");
}

#[test]
fn complex_parameters_of_a_phase_are_refused() {
    let model = ArnnDense {
        phase: true,
        ..ArnnDense::new(spins(3), 2, 2)
    };
    let x = [Array::full(&[2, 3], 1.0)];
    let mut variables = model.init(Key::new(0), &x).unwrap();
    let bias = variables.array("params", "_phase/bias").unwrap();
    let bias = bias.cast(Dtype::Complex128);
    variables.insert("params", &["_phase"], "bias", bias);
    let applied = model.apply(&variables, &x, ApplyOptions::default());
    let message = applied.unwrap_err().to_string();
    assert!(message.contains("`params/_phase/bias`"), "{message}");
    let layout = model.build::<c64>().unwrap();
    let message = variables.to_params::<c64>(layout.layout()).unwrap_err();
    assert!(message.to_string().contains("float64"), "{message}");
}

#[test]
fn orders_and_phases_are_shown() {
    let text = |module: &dyn Module| module.to_string();
    let order = Some(vec![1, 0, 2]);
    let models: [Box<dyn Module>; 3] = [
        Box::new(ArnnDense {
            order: order.clone(),
            phase: true,
            ..ArnnDense::new(spins(3), 2, 2)
        }),
        Box::new(ArnnConv1d {
            order: order.clone(),
            phase: true,
            ..ArnnConv1d::new(spins(3), 2, 2, 2)
        }),
        Box::new(ArnnSequential {
            order,
            phase: true,
            ..ArnnDense::new(spins(3), 2, 2).sequential().unwrap()
        }),
    ];
    for model in models {
        let text = text(&*model);
        assert!(text.contains("order = Some([1, 0, 2])"), "{text}");
        assert!(text.contains("phase = true"), "{text}");
    }
}

/// The layers of a network one by one, with a function between them, are the network.
fn check_layers(model: ArnnSequential, layers: &[MaskedModule], lattice: &[usize]) {
    let n_sites = model.hilbert.n_sites();
    let values: Vec<i8> = (0..5 * n_sites)
        .map(|i| if i * i % 7 < 3 { 1 } else { -1 })
        .collect();
    let x = Array::configurations(n_sites, &values).unwrap();
    let variables = model.init(Key::new(3), std::slice::from_ref(&x)).unwrap();
    let options = ApplyOptions {
        capture_intermediates: Some(capture_calls),
        ..ApplyOptions::default()
    };
    let (_, captured) = model
        .apply(&variables, std::slice::from_ref(&x), options)
        .unwrap();
    let mut y = x
        .reshape(&[&[5], lattice, &[1]].concat())
        .unwrap()
        .cast(Dtype::Float64);
    for (l, layer) in layers.iter().enumerate() {
        let mut own = Variables::default();
        for (name, array) in variables.tree("params", &[format!("_layers_{l}")]).unwrap() {
            own.insert("params", &[] as &[&str], name, array.clone());
        }
        let z = layer
            .apply(&own, &[y.clone()], ApplyOptions::default())
            .unwrap()
            .0;
        let path = [format!("_layers_{l}")];
        let kept = captured.find("intermediates", &path, "__call__").unwrap();
        let expected = kept.arrays()[0].values::<f64>().unwrap();
        let got = z.values::<f64>().unwrap();
        assert_eq!(z.size(), expected.len());
        for (a, b) in got.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{l}: {a} {b}");
        }
        // Site by site, with a cache, the same.
        let cached = MaskedModule {
            cached: true,
            lattice: Some(lattice.to_vec()),
            ..layer.clone()
        };
        let rows = y.reshape(&[5, n_sites, y.size() / 5 / n_sites]).unwrap();
        let first = [rows.at(1, 0).unwrap(), Array::index(0)];
        let init = InitOptions::method("update_site");
        let (_, made) = cached.init_with_output(Key::new(0), &first, init).unwrap();
        let mut all = made.updated(&own);
        let whole = z.reshape(&[5, n_sites, layer.features]).unwrap();
        for site in 0..n_sites {
            let from = (site + n_sites - usize::from(layer.exclusive)) % n_sites;
            let inputs = [rows.at(1, from).unwrap(), Array::index(site)];
            let options = ApplyOptions {
                mutable: Filter::only(&["cache"]),
                ..ApplyOptions::method("update_site")
            };
            let (got, cache) = cached.apply(&all, &inputs, options).unwrap();
            all = all.updated(&cache);
            let expected = whole.at(1, site).unwrap().values::<f64>().unwrap();
            for (a, b) in got.values::<f64>().unwrap().iter().zip(&expected) {
                assert!(
                    (a - b).abs() < 1e-12 * (1.0 + b.abs()),
                    "{l}, {site}: {a} {b}"
                );
            }
        }
        y = z.activate(&model.activation);
    }
}

#[test]
fn masked_layers_alone_are_those_of_networks() {
    let of = |mask: Mask| [3, 2].map(|f| MaskedModule::new(mask.clone(), f, f == 3));
    let dense = ArnnDense::new(spins(6), 2, 3).sequential().unwrap();
    check_layers(dense, &of(Mask::Dense1d), &[6]);
    let (kernel_size, kernel_dilation) = (3, 2);
    let conv = ArnnConv1d {
        kernel_dilation,
        ..ArnnConv1d::new(spins(7), 2, 3, kernel_size)
    };
    let mask = Mask::Conv1d {
        kernel_size,
        kernel_dilation,
    };
    check_layers(conv.sequential().unwrap(), &of(mask), &[7]);
    let (kernel_size, kernel_dilation) = ([2, 3], [2, 1]);
    let conv = ArnnConv2d {
        kernel_dilation,
        extent: Some([4, 3]),
        ..ArnnConv2d::new(spins(12), 2, 3, kernel_size)
    };
    let mask = Mask::Conv2d {
        kernel_size,
        kernel_dilation,
    };
    check_layers(conv.sequential().unwrap(), &of(mask), &[4, 3]);
}

/// Layers that are put together by hand are the network that has them; with caches, too.
#[test]
fn lists_of_layers_are_networks() {
    let dense = ArnnDense::new(spins(6), 2, 3);
    let layers: Vec<Arc<dyn CausalLayer>> = [(3, true), (2, false)]
        .map(|(f, exclusive)| {
            let layer = MaskedModule {
                cached: true,
                lattice: Some(vec![6]),
                ..MaskedModule::new(Mask::Dense1d, f, exclusive)
            };
            Arc::new(layer) as Arc<dyn CausalLayer>
        })
        .to_vec();
    let list = ArnnSequential::new(spins(6), layers);
    let x = [Array::configurations(6, &[1, -1, 1, 1, -1, 1]).unwrap()];
    let variables = dense.init(Key::new(2), &x).unwrap();
    assert_eq!(list.init(Key::new(2), &x).unwrap(), variables);
    let apply = |module: &dyn Fn(ApplyOptions) -> Array| module(ApplyOptions::default());
    assert_eq!(
        apply(&|options| list.apply(&variables, &x, options).unwrap().0),
        apply(&|options| dense.apply(&variables, &x, options).unwrap().0)
    );
    let inputs = [x[0].clone(), Array::index(0)];
    let options = InitOptions::method("conditional");
    assert_eq!(
        Fast(list)
            .init_with_output(Key::new(2), &inputs, options.clone())
            .unwrap(),
        Fast(dense)
            .init_with_output(Key::new(2), &inputs, options)
            .unwrap()
    );
}
