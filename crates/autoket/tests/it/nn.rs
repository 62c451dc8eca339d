//! Activations against JAX's numbers, by name, and the user's own.

use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnDense};
use autoket::nn::{Activation, Function};
use autoket::random::Key;
use autoket::scalar::Real;
use autoket::simd::Row;
use autoket::{Error, Scalar, c64};
use num_complex::Complex;
use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::golden;

/// Numbers as rows of lanes, one in all lanes of a feature.
fn rows<S: Scalar>(numbers: &[c64]) -> Vec<<S::Real as Real>::Row> {
    let parts = numbers
        .iter()
        .flat_map(|z| [z.re, z.im].into_iter().take(S::PLANES));
    parts
        .map(|x| <S::Real as Real>::Row::splat(S::Real::from_f64(x)))
        .collect()
}

fn numbers<S: Scalar>(rows: &[<S::Real as Real>::Row]) -> Vec<c64> {
    let numbers = rows.chunks_exact(S::PLANES);
    numbers
        .map(|parts| S::new(parts[0][3], parts[S::PLANES - 1][3]).to_c64())
        .collect()
}

/// f, and f' (of the parts apart, both slopes).
fn value_and_slope<S: Scalar>(activation: &Activation, x: &[c64], is_reim: bool) -> [Vec<c64>; 2] {
    let z = rows::<S>(x);
    let mut y = z.clone();
    activation.apply::<S>(&z, None, &mut y);
    let one = if is_reim {
        c64::new(1.0, 1.0)
    } else {
        c64::ONE
    };
    let mut dy = rows::<S>(&vec![one; x.len()]);
    activation.pull_back::<S>(&z, &mut dy);
    let mut slope = numbers::<S>(&dy);
    if !is_reim {
        slope.iter_mut().for_each(|z| *z = z.conj());
    }
    [numbers::<S>(&y), slope]
}

/// JAX's own rounding included, relative to the number and its argument.
fn golden_case<S: Scalar>(case: &Value, file: &SafeTensors) {
    let eps = <S::Real as num_traits::Float>::epsilon();
    let eps = eps.widen();
    let tensor = |name: String| golden::tensor(file, &name);
    let key = case["key"].as_str().unwrap();
    let x = tensor(format!("{}.x", S::DTYPE));
    let activation: Activation = serde_json::from_value(case["activation"].clone()).unwrap();
    let is_reim = case["activation"].to_string().contains("reim_");
    // The cube of the argument is rounded before it goes on.
    let degree = if case["activation"] == "gelu" { 3 } else { 1 };
    let got = value_and_slope::<S>(&activation, &x, is_reim);
    for (name, got) in ["value", "slope"].iter().zip(got) {
        let expected = tensor(format!("{key}.{name}"));
        for ((x, got), expected) in x.iter().zip(got).zip(expected) {
            let error = (got - expected).norm();
            let scale = 1.0 + expected.norm() + x.norm().powi(degree);
            assert!(
                error <= 8.0 * eps * scale,
                "{case} {name} at {x}: {got} is not {expected}"
            );
        }
    }
}

#[test]
fn activations_are_jax_s() {
    let bytes = std::fs::read(golden::path("activation.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let spec = golden::json("activation");
    let cases = spec["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2 * 17 + 2 * 20);
    for case in cases {
        match case["dtype"].as_str().unwrap() {
            "float32" => golden_case::<f32>(case, &file),
            "float64" => golden_case::<f64>(case, &file),
            "complex64" => golden_case::<Complex<f32>>(case, &file),
            _ => golden_case::<c64>(case, &file),
        }
    }
}

#[test]
fn names_come_back() {
    let read = |value: Value| serde_json::from_value::<Activation>(value);
    for &name in Activation::NAMES {
        let activation = read(json!(name)).unwrap();
        let again = serde_json::to_value(&activation).unwrap();
        assert_eq!(read(again).unwrap(), activation, "{name}");
    }
    // The reference's names of what is the same.
    assert_eq!(read(json!("reim_selu")).unwrap(), Activation::default());
    assert_eq!(read(json!("swish")).unwrap(), Function::Silu.into());
    assert_eq!(
        read(json!("leaky_relu")).unwrap(),
        Function::LeakyRelu(0.01).into()
    );
    assert_eq!(
        read(json!("reim_tanh")).unwrap(),
        Activation::Reim(Function::Tanh)
    );
    let elu = Activation::from(Function::Elu(0.5));
    assert_eq!(serde_json::to_value(&elu).unwrap(), json!({"elu": 0.5}));
    assert_eq!(read(json!({"elu": 0.5})).unwrap(), elu);
    for wrong in [
        json!("sellu"),
        json!({"tanh": 1.0}),
        json!({"elu": 1.0, "celu": 1.0}),
        json!(3),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
    let own = Activation::real("cube", |x| x * x * x, |x| 3.0 * x * x);
    let error = serde_json::to_string(&own).unwrap_err().to_string();
    assert!(error.contains("`cube`"), "{error}");
}

fn build<S: Scalar>(activation: &Activation) -> autoket::Result<Arnn<S>> {
    let net = ArnnDense {
        activation: activation.clone(),
        ..ArnnDense::new(Hilbert::spin(0.5, 4)?, 3, 3)
    };
    net.build()
}

/// The user's tanh is the built-in one: as such, and on the parts apart.
fn own_function<S: Scalar>() {
    let square = |t: f64| 1.0 - t * t;
    let real = Activation::real("tanh", f64::tanh, move |x| square(x.tanh()));
    let holomorphic = Activation::holomorphic(
        "tanh",
        |z: c64| z.tanh(),
        |z: c64| {
            let t = z.tanh();
            c64::ONE - t * t
        },
    );
    let pairs = [
        (real, Activation::Reim(Function::Tanh)),
        (holomorphic, Function::Tanh.into()),
    ];
    for (own, known) in pairs {
        let [own, known] = [own, known].map(|activation| build::<S>(&activation).unwrap());
        let theta = own.init(Key::new(3)).values;
        let sigma = [0, 1, 1, 0, 1, 1, 0, 1];
        let log_psi = |net: &Arnn<S>| net.log_psi(&theta, &sigma).unwrap();
        let vjp = |net: &Arnn<S>| {
            let mut sum = vec![0.0; net.n_reals()];
            net.vjp(&theta, &sigma, &[S::one(); 2], &mut sum).unwrap();
            sum
        };
        let tolerance = 100.0 * <S::Real as num_traits::Float>::epsilon().widen();
        for (a, b) in log_psi(&own).into_iter().zip(log_psi(&known)) {
            assert!(
                (a - b).to_c64().norm() < tolerance * (1.0 + a.to_c64().norm()),
                "{a} {b}"
            );
        }
        for (a, b) in vjp(&own).into_iter().zip(vjp(&known)) {
            assert!((a - b).abs() < tolerance * (1.0 + a.abs()), "{a} {b}");
        }
    }
}

#[test]
fn own_functions_are_used() {
    own_function::<f32>();
    own_function::<f64>();
    own_function::<Complex<f32>>();
    own_function::<c64>();
}

#[test]
fn wrong_derivatives_are_refused() {
    #[track_caller]
    fn says<T: std::fmt::Debug>(result: autoket::Result<T>, words: &[&str]) {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    let own = Activation::real("cube", |x| x * x * x, |x| 2.0 * x * x);
    // The first point is -2.7318: three times its square is expected, and twice came.
    let words = ["`activation`", "`cube` at -2.7318", "22.388", "got 14.925"];
    says(build::<f64>(&own), &words);
    let endless = Activation::real("log", f64::ln, |x| 1.0 / x);
    says(build::<f64>(&endless), &["`log`", "NaN"]);
    let none = Activation::real("kink", f64::abs, |_| f64::NAN);
    says(build::<f64>(&none), &["`kink`", "NaN"]);
    // Right near 0, wrong far away, on either side.
    for (name, side) in [("right", 1.0), ("left", -1.0)] {
        let far = Activation::real(
            name,
            |x| x.atan(),
            move |x| {
                let slope = 1.0 / (1.0 + x * x);
                if (side * x - 10.0).abs() < 1.0 {
                    slope + 1e-3
                } else {
                    slope
                }
            },
        );
        says(
            build::<f64>(&far),
            &[&format!(
                "`{name}` at {}",
                if side < 0.0 { "-" } else { "" }
            )],
        );
        says(build::<c64>(&far), &["central difference"]);
    }
    // Numbers that are large, and functions that do not mind.
    let steep = Activation::real("sinh", f64::sinh, f64::cosh);
    build::<f64>(&steep).unwrap();
    let steep = Activation::holomorphic("sinh", |z: c64| z.sinh(), |z: c64| z.cosh());
    build::<c64>(&steep).unwrap();
    // A derivative along the real axis only.
    let conjugate = || Activation::holomorphic("conj", |z: c64| z.conj(), |_| c64::ONE);
    says(build::<c64>(&conjugate()), &["`conj`", "along either axis"]);
    build::<f64>(&conjugate()).unwrap();
    let rotated = Activation::holomorphic("i", |z: c64| z * c64::I, |_| c64::I);
    build::<c64>(&rotated).unwrap();
    says(build::<f64>(&rotated), &["`i`"]);
    says(
        build::<f64>(&Function::Celu(0.0).into()),
        &["celu", "not 0"],
    );
    says(build::<f64>(&Function::Elu(f64::NAN).into()), &["finite"]);
}

/// Functions of many numbers at once are the same functions.
#[test]
fn functions_in_place_are_functions() {
    use autoket::c64;
    use autoket::hilbert::Hilbert;
    use autoket::models::{Ansatz, ArnnDense};
    use autoket::nn::Activation;
    use autoket::random::Key;
    fn value<T: num_traits::Num + Copy>(x: T) -> T {
        x * x * x + x
    }
    let slope = |x: f64| 3.0 * x * x + 1.0;
    let pairs = [
        (
            Activation::real("cube", value, slope),
            Activation::real_in_place(
                "cube",
                |x: &mut [f64]| x.iter_mut().for_each(|x| *x = value(*x)),
                move |x: &mut [f64]| x.iter_mut().for_each(|x| *x = slope(*x)),
            ),
        ),
        (
            Activation::holomorphic("cube", value, |z: c64| 3.0 * z * z + 1.0),
            Activation::holomorphic_in_place(
                "cube",
                |z: &mut [c64]| z.iter_mut().for_each(|z| *z = value(*z)),
                |z: &mut [c64]| z.iter_mut().for_each(|z| *z = 3.0 * *z * *z + 1.0),
            ),
        ),
    ];
    for (one, many) in pairs {
        let of = |activation: Activation| {
            let hilbert = Hilbert::spin(0.5, 5).unwrap();
            let model = ArnnDense {
                activation,
                ..ArnnDense::new(hilbert, 2, 3)
            };
            let model = model.build::<c64>().unwrap();
            let theta = model.init(Key::new(0)).values;
            let sigma = [0, 1, 1, 0, 1, 1, 1, 0, 1, 0];
            let mut sum = vec![0.0; model.n_reals()];
            model
                .vjp(&theta, &sigma, &[c64::ONE, c64::I], &mut sum)
                .unwrap();
            (model.log_psi(&theta, &sigma).unwrap(), sum)
        };
        assert_eq!(of(one), of(many));
    }
}

/// Arrays begin as the user's own function says, and what it refuses is told.
#[test]
fn initializers_of_ones_own() {
    use autoket::hilbert::Hilbert;
    use autoket::models::{Ansatz, ArnnConv1d};
    use autoket::nn::Initializer;
    use autoket::random::Key;
    use autoket::{Error, c64};
    let build = |bias_init: Initializer| {
        let network = ArnnConv1d {
            bias_init,
            ..ArnnConv1d::new(Hilbert::spin(0.5, 5).unwrap(), 2, 3, 2)
        };
        network.build::<f64>()
    };
    let same = Initializer::own("same", |key, shape, dtype| {
        assert_eq!(dtype, autoket::Dtype::Float64);
        Initializer::Normal(0.3)
            .draw::<c64>(key, shape)
            .map(|_| ())?;
        let values = Initializer::Normal(0.3).draw::<f64>(key, shape)?;
        Ok(values.into_iter().map(c64::from).collect())
    });
    let (ours, known) = (
        build(same).unwrap(),
        build(Initializer::Normal(0.3)).unwrap(),
    );
    assert_eq!(ours.init(Key::new(4)), known.init(Key::new(4)));
    let wrong = build(Initializer::own("wrong", |_, _, _| Ok(vec![c64::ONE])));
    assert!(wrong.unwrap_err().to_string().contains("bias_init"));
    let fails = Initializer::own("fails", |_, _, _| Err(Error::Own("out of luck".into())));
    assert!(
        build(fails)
            .unwrap_err()
            .to_string()
            .contains("out of luck")
    );
}
