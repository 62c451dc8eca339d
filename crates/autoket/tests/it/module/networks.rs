//! Networks as modules.

use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, Autoregressive, Features};
use autoket::module::{
    ApplyOptions, Array, Dense, Element, InitOptions, Module, ModuleError, TabulateOptions,
    Variables, capture_calls,
};
use autoket::random::Key;
use autoket::{Dtype, Scalar, c64};
use num_complex::Complex;

use super::{leaves, module_error};

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

/// A network as a module gives what its engine gives, and its table.
pub(super) fn check_numbers<S: Scalar, M: Module + Clone>(module: &M, engine: &Arnn<S>) {
    let hilbert = engine.hilbert();
    let (n, d) = (hilbert.n_sites(), hilbert.local_size());
    let key = Key::new(5);
    let params = engine.init(key);
    let sigma = engine.sample(&params.values, 6, Key::new(1)).unwrap().sigma;
    let values = hilbert.values_of(&sigma);
    let values: Vec<i8> = values.iter().map(|&x| x as i8).collect();
    let x = Array::configurations(n, &values).unwrap();
    let one = std::slice::from_ref(&x);
    let variables = module.init(key, one).unwrap();
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
    let log_psi = array(&[6], engine.log_psi(theta, &sigma).unwrap());
    assert_eq!(apply("__call__", one).unwrap(), log_psi);
    let first = Array::configurations(n, &values[..n])
        .unwrap()
        .reshape(&[n])
        .unwrap();
    assert_eq!(apply("__call__", &[first]).unwrap().shape(), [1]);
    let logs = array(
        &[6, n, d],
        engine.conditionals_log_psi(theta, &sigma).unwrap(),
    );
    assert_eq!(apply("conditionals_log_psi", one).unwrap(), logs);
    let p = apply("conditionals", one).unwrap();
    let engine_p = engine.conditionals(theta, &sigma).unwrap();
    assert_eq!(p.element(), logs.real().element());
    assert_eq!(p.shape(), [6, n, d]);
    for (p, q) in p.values::<f64>().unwrap().iter().zip(&engine_p) {
        assert!((p - q).abs() < 1e-6);
    }
    // p[2, 3, :] is (down, up).
    let at = p.at(0, 2).unwrap().at(0, 3).unwrap();
    let at = at.values::<f64>().unwrap();
    assert!((at.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    assert!((at[0] - engine_p[(2 * n + 3) * d]).abs() < 1e-6);

    // Sites that are drawn later may be anything, as they are in NetKet's sampler.
    let order = engine.order();
    for (k, &site) in order.iter().enumerate() {
        let mut drawn = vec![77; 6 * n];
        for sample in 0..6 {
            for &earlier in &order[..k] {
                drawn[sample * n + earlier] = values[sample * n + earlier];
            }
        }
        let drawn = Array::configurations(n, &drawn).unwrap();
        let one = apply("conditional", &[drawn, Array::index(site)]).unwrap();
        assert_eq!(one, p.at(1, site).unwrap());
    }
    let reordered = Array::integers(&[n], Element::Int8, (0..n as i64).collect()).unwrap();
    let reordered = apply("reorder", &[reordered]).unwrap();
    let expected: Vec<i64> = order.iter().map(|&site| site as i64).collect();
    assert_eq!(reordered.to_integers().unwrap(), expected);
    let back = apply("inverse_reorder", &[reordered]).unwrap();
    assert!(back.to_integers().unwrap().is_sorted());

    assert!(apply("conditional", one).is_err());
    assert!(apply("conditional", &[x.clone(), Array::index(n)]).is_err());
    assert!(apply("__call__", &[Array::full(&[2, n - 1], 1.0)]).is_err());
    assert!(apply("conditionals_log_psi", &[Array::full(&[n], 1.0)]).is_err());
    assert!(apply("__call__", &[Array::full(&[2, n], 0.5)]).is_err());
    assert!(matches!(
        module_error(apply("sample", one)),
        ModuleError::ApplyModuleInvalidMethod { .. }
    ));
    let options = TabulateOptions::default();
    let table = module.tabulate(key, &[x.to_shape_only()], options);
    assert_eq!(table.unwrap(), engine.tabulate(6));
}

/// Layers give what their network makes of it.
fn check_network<S: Scalar, M: Module + Clone>(module: M, engine: Arnn<S>) {
    check_numbers(&module, &engine);
    let params = engine.init(Key::new(5));
    let sigma = engine.sample(&params.values, 6, Key::new(1)).unwrap().sigma;
    let values = engine.hilbert().values_of(&sigma);
    let x = Array::new(&[6, 9], values).unwrap().cast(Element::Int8);
    let options = ApplyOptions {
        capture_intermediates: Some(capture_calls),
        ..ApplyOptions::default()
    };
    let variables = Variables::from_params(&params);
    let (log_psi, captured) = module.apply(&variables, &[x], options).unwrap();
    let captured = leaves(&captured, "intermediates");
    assert_eq!(captured["__call__"], [log_psi]);
    // The last layer's outputs, normalised, are the log-conditionals.
    let last = &captured["_layers_1/__call__"][0];
    assert_eq!(*last.shape().last().unwrap(), 2);
    let values = last.values::<c64>().unwrap();
    let logs = engine.conditionals_log_psi(&params.values, &sigma).unwrap();
    for (y, log) in values.chunks_exact(2).zip(logs.chunks_exact(2)) {
        let log = (log[0] - log[1]).to_c64();
        assert!(((y[0] - y[1]) - log).norm() < 1e-5);
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
