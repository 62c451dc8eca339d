//! The autoregressive networks against NetKet's numbers, and their laws.

use std::sync::Arc;

use autoket::graph::Graph;
use autoket::models::{
    Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, Autoregressive, Features, GruNet1d, LstmNet,
    Recurrence, RowOf, Samples,
};
use autoket::nn::{Activation, Function, Initializer};
use autoket::operator::Operator;
use autoket::optimizer::{LogDerivatives, Sr, SrForm, SrSpace};
use autoket::params::Params;
use autoket::random::Key;
use autoket::sampler::DirectSampler;
use autoket::scalar::Real;
use autoket::simd::Row;
use autoket::stats::Stats;
use autoket::vqs::{Estimate, FullSumState, VariationalState};
use autoket::{Scalar, c64};
use num_complex::Complex;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::{golden, operator::operator};

/// Runs a generic test for the scalar a golden file names.
macro_rules! with_dtype {
    ($dtype:expr, $f:ident($($arg:expr),*)) => {
        match $dtype {
            "float32" => $f::<f32>($($arg),*),
            "float64" => $f::<f64>($($arg),*),
            "complex64" => $f::<Complex<f32>>($($arg),*),
            "complex128" => $f::<Complex<f64>>($($arg),*),
            other => panic!("{other}"),
        }
    };
}

/// Relative error allowed for sums of a few hundred terms.
pub fn tolerance<S: Scalar>() -> f64 {
    if size_of::<S::Real>() == 4 {
        2e-5
    } else {
        1e-11
    }
}

#[track_caller]
pub fn assert_close(what: &str, got: &[c64], expected: &[c64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: lengths");
    let scale = expected.iter().fold(1.0, |max: f64, z| max.max(z.norm()));
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!(
            (a - b).norm() <= tolerance * scale,
            "{what}[{i}]: {a} is not {b}"
        );
    }
}

fn complex<S: Scalar>(values: &[S]) -> Vec<c64> {
    values.iter().map(|z| z.to_c64()).collect()
}

fn complex_of_reals(values: &[f64]) -> Vec<c64> {
    values.iter().map(|&x| x.into()).collect()
}

pub fn config(spec: &Value) -> ArnnConv2d {
    let pair = |key: &str| [golden::index(&spec[key][0]), golden::index(&spec[key][1])];
    let features = match &spec["features"] {
        Value::Array(list) => Features::List(list.iter().map(golden::index).collect()),
        one => Features::Uniform(golden::index(one)),
    };
    // Where there is no kernel it does not matter what is said of it.
    let [kernel_size, kernel_dilation] = match spec.get("kernel_size") {
        Some(_) => [pair("kernel_size"), pair("kernel_dilation")],
        None => [[1, 2], [1, 1]],
    };
    ArnnConv2d {
        extent: Some(pair("extent")),
        features,
        kernel_dilation,
        activation: serde_json::from_value::<Activation>(spec["activation"].clone()).unwrap(),
        use_bias: spec["use_bias"].as_bool().unwrap(),
        machine_pow: golden::index(&spec["machine_pow"]) as u32,
        ..ArnnConv2d::new(
            golden::hilbert(&spec["hilbert"]),
            golden::index(&spec["layers"]),
            1,
            kernel_size,
        )
    }
}

/// The kinds of networks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Dense,
    Conv1d,
    Conv2d,
}

/// A network of another kind, with the fields it shares with `c`; its kernels are as long as those of `c` are wide.
fn build<S: Scalar>(kind: Kind, c: &ArnnConv2d) -> autoket::Result<Arnn<S>> {
    let c = c.clone();
    match kind {
        Kind::Conv2d => c.build(),
        Kind::Conv1d => ArnnConv1d {
            features: c.features,
            kernel_dilation: c.kernel_dilation[1],
            activation: c.activation,
            use_bias: c.use_bias,
            precision: c.precision,
            kernel_init: c.kernel_init,
            bias_init: c.bias_init,
            machine_pow: c.machine_pow,
            ..ArnnConv1d::new(c.hilbert, c.layers, 1, c.kernel_size[1])
        }
        .build(),
        Kind::Dense => ArnnDense {
            features: c.features,
            activation: c.activation,
            use_bias: c.use_bias,
            precision: c.precision,
            kernel_init: c.kernel_init,
            bias_init: c.bias_init,
            machine_pow: c.machine_pow,
            ..ArnnDense::new(c.hilbert, c.layers, 1)
        }
        .build(),
    }
}

/// Whose memory a golden recurrent network reads.
fn recurrence(spec: &Value) -> Option<Recurrence> {
    let graph = || {
        let extent = &spec["extent"];
        let pbc = spec["pbc"].as_bool().unwrap();
        let extent = [golden::index(&extent[0]), golden::index(&extent[1])];
        Graph::grid(&extent, &[pbc, pbc]).unwrap()
    };
    match spec["ordering"].as_str().unwrap() {
        "chain" => None,
        "graph" => Some(Recurrence::over(&graph()).unwrap()),
        "given" => {
            let order = spec["reorder_idx"].as_array().unwrap();
            let order = order.iter().map(golden::index).collect();
            let previous = spec["prev_neighbors"].as_array().unwrap().iter();
            let list = |list: &Value| -> Vec<Option<usize>> {
                let sites = list.as_array().unwrap().iter();
                sites
                    .map(|site| usize::try_from(site.as_i64().unwrap()).ok())
                    .collect()
            };
            Some(Recurrence::new(order, previous.map(list).collect()).unwrap())
        }
        other => panic!("{other}"),
    }
}

/// The network a golden file describes.
pub fn model<S: Scalar>(spec: &Value) -> Arnn<S> {
    let name = spec.get("model").and_then(Value::as_str);
    if let Some("LSTMNet" | "GRUNet1D") = name {
        let hilbert = golden::hilbert(&spec["hilbert"]);
        let [layers, features] = ["layers", "features"].map(|key| golden::index(&spec[key]));
        let recurrence = recurrence(spec);
        return match name {
            Some("LSTMNet") => LstmNet {
                recurrence,
                ..LstmNet::new(hilbert, layers, features)
            }
            .build(),
            _ => GruNet1d {
                recurrence,
                ..GruNet1d::new(hilbert, layers, features)
            }
            .build(),
        }
        .unwrap();
    }
    let kind = match spec.get("model").and_then(Value::as_str) {
        None | Some("ARNNConv2D") => Kind::Conv2d,
        Some("ARNNConv1D") => Kind::Conv1d,
        Some("ARNNDense") => Kind::Dense,
        Some(other) => panic!("{other}"),
    };
    build(kind, &config(spec)).unwrap()
}

fn read_params<S: Scalar>(model: &Arnn<S>, file: &SafeTensors, prefix: &str) -> Params<S> {
    let mut values = Vec::new();
    for leaf in model.layout().leaves() {
        let name = format!("{prefix}.{}.{}", leaf.module.replace('/', "."), leaf.name);
        values.extend(golden::tensor(file, &name).into_iter().map(S::from_c64));
    }
    Params {
        layout: model.layout().clone(),
        values,
    }
}

/// From one number for each part of each unmasked entry to NetKet's columns: all Re θ, then all Im θ.
fn columns<S: Scalar>(model: &Arnn<S>, reals: &[f64]) -> Vec<f64> {
    let theta: Vec<S> = model.layout().scatter(reals);
    let re = theta.iter().map(|z| z.re().widen());
    let im = theta.iter().map(|z| z.im().widen());
    if S::PLANES == 2 {
        re.chain(im).collect()
    } else {
        re.collect()
    }
}

/// Rows of ∂/∂θ of each part of log ψ, `[part][sample · n_reals + k]`.
fn jacobian<S: Scalar>(model: &Arnn<S>, theta: &[S], sigma: &[u8]) -> Vec<Vec<f64>> {
    let (n, n_reals) = (sigma.len() / model.hilbert().n_sites(), model.n_reals());
    let lanes = <RowOf<S> as Row<S::Real>>::LANES;
    let nan = <RowOf<S> as Row<S::Real>>::splat(S::Real::from_f64(f64::NAN));
    let mut panels = vec![nan; n.div_ceil(lanes) * S::PLANES * n_reals];
    model.jacobian(theta, sigma, &mut panels);
    let entry = |plane: usize, sample: usize, k: usize| {
        let panel = sample / lanes * S::PLANES + plane;
        panels[panel * n_reals + k][sample % lanes].widen()
    };
    for left_over in n..n.div_ceil(lanes) * lanes {
        assert!((0..n_reals).all(|k| entry(0, left_over, k) == 0.0));
    }
    (0..S::PLANES)
        .map(|plane| {
            let samples = 0..n;
            samples
                .flat_map(|sample| (0..n_reals).map(move |k| (sample, k)))
                .map(|(sample, k)| entry(plane, sample, k))
                .collect()
        })
        .collect()
}

fn golden_model<S: Scalar>(name: &str, spec: &Value) {
    let bytes = golden::bytes(name);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |key: &str| golden::tensor(&file, key);
    let indices = |key: &str| file.tensor(key).unwrap().data().to_vec();
    let tol = tolerance::<S>();
    let model = model::<S>(spec);
    let (seed, n_samples) = (
        spec["seed"].as_i64().unwrap(),
        golden::index(&spec["n_samples"]),
    );
    assert_eq!(
        model.layout().n_parameters(),
        golden::index(&spec["n_parameters"])
    );

    // The same seed gives the same weights to a few ulp and, of them, the same samples.
    let init = read_params(&model, &file, "init");
    assert_close(
        "init",
        &complex(&model.init(Key::new(seed)).values),
        &complex(&init.values),
        tol / 10.0,
    );
    let samples = DirectSampler::of_seed(seed).sample(&model, &init.values, n_samples);
    assert_eq!(samples.sigma, indices("samples"), "{name}: samples");
    assert_close(
        "samples_log_psi",
        &complex(&samples.log_psi),
        &tensor("samples_log_psi"),
        tol,
    );

    let params = read_params(&model, &file, "params");
    let (theta, sigma) = (&params.values[..], indices("index"));
    let conditionals = model.conditionals_log_psi(theta, &sigma);
    assert_close(
        "conditionals_log_psi",
        &complex(&conditionals),
        &tensor("conditionals_log_psi"),
        tol,
    );
    let p = model.conditionals(theta, &sigma);
    assert_close(
        "conditionals",
        &complex_of_reals(&p),
        &tensor("conditionals"),
        tol,
    );
    assert_close(
        "log_psi",
        &complex(&model.log_psi(theta, &sigma)),
        &tensor("log_psi"),
        tol,
    );

    let h = operator(model.hilbert(), &spec["hamiltonian"]);
    let local = model.local_values(theta, &sigma, &h);
    assert_close(
        "local_energies",
        &local,
        &tensor("local_energies"),
        10.0 * tol,
    );

    // Rows of the Jacobian: of Re log ψ and, if complex, of Im log ψ.
    let row_of = |rows: &[f64]| -> Vec<f64> {
        rows.chunks_exact(model.n_reals())
            .flat_map(|row| columns(&model, row))
            .collect()
    };
    let parts = jacobian(&model, theta, &sigma);
    let re = row_of(&parts[0]);
    let width = model.layout().n_parameters() * S::PLANES;
    let rows = if S::PLANES == 2 {
        let im = row_of(&parts[1]);
        re.chunks_exact(width)
            .zip(im.chunks_exact(width))
            .flat_map(|(a, b)| [a, b].concat())
            .collect()
    } else {
        re
    };
    assert_close(
        "jacobian",
        &complex_of_reals(&rows),
        &tensor("jacobian"),
        10.0 * tol,
    );

    // JAX's vjp conjugates neither the cotangent nor the result; ours both.
    let cotangent: Vec<S> = tensor("cotangent")
        .iter()
        .map(|z| S::from_c64(z.conj()))
        .collect();
    let mut sum = vec![0.0; model.n_reals()];
    model.vjp(theta, &sigma, &cotangent, &mut sum);
    let vjp: Vec<S> = model.layout().scatter(&sum);
    let conj: Vec<c64> = vjp.iter().map(|z| z.to_c64().conj()).collect();
    assert_close("vjp", &conj, &tensor("vjp"), 10.0 * tol);

    // A Monte Carlo estimate at `params`, its gradient, metric and update.
    let samples = DirectSampler::of_seed(seed).sample(&model, theta, n_samples);
    assert_eq!(samples.sigma, indices("mc_samples"), "{name}: mc_samples");
    let estimate = estimate_of(&model, theta, samples, &h);
    assert_close(
        "mc_local_energies",
        &estimate.local_values,
        &tensor("mc_local_energies"),
        10.0 * tol,
    );
    check_energy(&estimate.stats, &spec["mc_energy"], tol);
    let gradient: Vec<S> = model.layout().scatter(&estimate.gradient(&model, theta));
    assert_close(
        "mc_grad",
        &complex(&gradient),
        &tensor("mc_grad"),
        30.0 * tol,
    );
    let o = LogDerivatives::new(&model, theta, &estimate);
    let probe: Vec<f64> = tensor("probe").iter().map(|z| z.re).collect();
    let product = apply(&o.metric(), &from_columns(&model, &probe));
    assert_close(
        "mc_qgt",
        &complex_of_reals(&columns(&model, &product)),
        &tensor("mc_qgt_probe"),
        30.0 * tol,
    );
    for form in forms(&model) {
        let sr = Sr {
            diag_shift: spec["diag_shift"].as_f64().unwrap().into(),
            form: Some(form),
            ..Sr::default()
        };
        let solution = sr
            .update(&model, theta, &estimate, 0, &mut SrSpace::default())
            .unwrap();
        assert_eq!((solution.form, solution.fallback), (form, false));
        let update: Vec<S> = model.layout().scatter(&solution.update);
        assert_close(
            &format!("mc_sr_update, {form:?}"),
            &complex(&update),
            &tensor("mc_sr_update"),
            match form {
                // The residual, 1e-10, times the condition number.
                SrForm::Cg => 1e-6f64.max(1e3 * tol),
                _ => 1e3 * tol,
            },
        );
    }

    if spec["full_sum"].as_bool().unwrap() {
        let mut state = FullSumState::new(Arc::new(self::model::<S>(spec)), 0).unwrap();
        *state.params_mut() = params.clone();
        let (stats, gradient) = state.expect_and_grad(&h).unwrap();
        check_energy(&stats, &spec["fs_energy"], tol);
        assert_close(
            "fs_grad",
            &complex(&gradient),
            &tensor("fs_grad"),
            30.0 * tol,
        );
    }
}

/// The ways in which a model's system can be solved.
pub fn forms<S: Scalar>(model: &Arnn<S>) -> Vec<SrForm> {
    let mut forms = vec![SrForm::Metric, SrForm::Gram, SrForm::Cg];
    if model.layerwise().is_some() {
        forms.push(SrForm::Layerwise);
    }
    forms
}

fn estimate_of<S: Scalar>(
    model: &Arnn<S>,
    theta: &[S],
    samples: Samples<S>,
    h: &dyn Operator,
) -> Estimate<S> {
    let local_values = model.local_values(theta, &samples.sigma, h);
    let n = local_values.len();
    let stats = Stats::of_samples(&local_values);
    Estimate {
        samples,
        weights: vec![1.0 / n as f64; n],
        local_values,
        stats,
    }
}

fn check_energy(stats: &Stats, expected: &Value, tolerance: f64) {
    let number = |value: &Value| value.as_f64().unwrap();
    let mean = c64::new(number(&expected["mean"][0]), number(&expected["mean"][1]));
    assert_close("energy", &[stats.mean], &[mean], 10.0 * tolerance);
    assert_close(
        "variance",
        &[stats.variance.into()],
        &[number(&expected["variance"]).into()],
        30.0 * tolerance,
    );
}

/// From NetKet's columns to one number for each part of each unmasked entry.
fn from_columns<S: Scalar>(model: &Arnn<S>, columns: &[f64]) -> Vec<f64> {
    let p = model.layout().n_parameters();
    (0..p)
        .filter(|&i| model.layout().active(i).is_some())
        .flat_map(|i| (0..S::PLANES).map(move |plane| columns[plane * p + i]))
        .collect()
}

fn apply(m: &faer::Mat<f64>, v: &[f64]) -> Vec<f64> {
    (0..m.nrows())
        .map(|i| v.iter().enumerate().map(|(j, v)| m[(i, j)] * v).sum())
        .collect()
}

#[test]
fn models_agree_with_netket() {
    let names = golden::names("model_");
    assert!(names.len() >= 62, "only {} cases", names.len());
    for name in names {
        println!("{name}");
        let spec = golden::json(&name);
        with_dtype!(spec["dtype"].as_str().unwrap(), golden_model(&name, &spec));
    }
}

/// A small model with parameters away from selu's kink.
fn nudged<S: Scalar>((kind, config): &(Kind, ArnnConv2d)) -> (Arnn<S>, Params<S>) {
    let config = ArnnConv2d {
        bias_init: Initializer::Normal(0.2),
        ..config.clone()
    };
    let model = build::<S>(*kind, &config).unwrap();
    let params = model.init(Key::new(7));
    (model, params)
}

/// Spaces, kernels, powers: what the laws are tried on.
fn zoo() -> Vec<(Kind, ArnnConv2d)> {
    use autoket::hilbert::Hilbert;
    let spin = |s, n| Hilbert::spin(s, n).unwrap();
    let base = ArnnConv2d::new(spin(0.5, 9), 3, 3, [2, 3]);
    let on = |hilbert, extent| ArnnConv2d {
        hilbert,
        extent: Some(extent),
        ..base.clone()
    };
    let planar = vec![
        base.clone(),
        on(spin(0.5, 10), [2, 5]),
        on(spin(1.0, 6), [3, 2]),
        on(Hilbert::fock(3, 4).unwrap(), [1, 4]),
        ArnnConv2d {
            machine_pow: 1,
            use_bias: false,
            ..base.clone()
        },
        ArnnConv2d {
            machine_pow: 3,
            kernel_size: [1, 2],
            ..base.clone()
        },
        ArnnConv2d {
            kernel_size: [3, 4],
            kernel_dilation: [1, 2],
            ..base.clone()
        },
        ArnnConv2d {
            kernel_size: [2, 2],
            kernel_dilation: [2, 1],
            activation: Function::Gelu.into(),
            ..base.clone()
        },
        ArnnConv2d {
            layers: 4,
            features: Features::List(vec![9, 1, 7, 2]),
            activation: Function::Silu.into(),
            ..base.clone()
        },
        ArnnConv2d {
            layers: 1,
            ..base.clone()
        },
        ArnnConv2d {
            activation: Function::LogCosh.into(),
            ..base.clone()
        },
        ArnnConv2d {
            activation: Function::Tanh.into(),
            ..base.clone()
        },
        ArnnConv2d {
            activation: Function::Identity.into(),
            ..base.clone()
        },
    ];
    let linear = [
        base.clone(),
        on(spin(1.0, 5), [1, 5]),
        ArnnConv2d {
            layers: 2,
            use_bias: false,
            kernel_dilation: [1, 2],
            ..base.clone()
        },
        ArnnConv2d { layers: 1, ..base },
    ];
    let of = |kind: Kind| move |config| (kind, config);
    planar
        .into_iter()
        .map(of(Kind::Conv2d))
        .chain(linear.clone().map(of(Kind::Conv1d)))
        .chain(linear.map(of(Kind::Dense)))
        .collect()
}

macro_rules! for_each_scalar {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn f32() { super::super::$name::<f32>() }
            #[test]
            fn f64() { super::super::$name::<f64>() }
            #[test]
            fn c64() { super::super::$name::<num_complex::Complex<f32>>() }
            #[test]
            fn c128() { super::super::$name::<num_complex::Complex<f64>>() }
        }
    )*};
}

mod laws {
    for_each_scalar! { normalised causal sampled_log_psi gradient local_values_by_cones }
}

fn normalised<S: Scalar>() {
    for config in zoo() {
        let (model, params) = nudged::<S>(&config);
        let states = model.hilbert().all_states().unwrap();
        let p = f64::from(config.1.machine_pow);
        let norm: f64 = model
            .log_psi(&params.values, &states)
            .iter()
            .map(|y| (p * y.to_c64().re).exp())
            .sum();
        assert!(
            (norm - 1.0).abs() < 10.0 * tolerance::<S>(),
            "{config:?}: {norm}"
        );
    }
}

fn causal<S: Scalar>() {
    for config in zoo() {
        let (model, params) = nudged::<S>(&config);
        let (n, d) = (model.hilbert().n_sites(), model.hilbert().local_size());
        let sigma = model.hilbert().random_states(Key::new(3), 1);
        let base = model.conditionals_log_psi(&params.values, &sigma);
        let mut seen = false;
        for site in 0..n {
            let mut other = sigma.clone();
            other[site] = (other[site] + 1) % d as u8;
            let changed = model.conditionals_log_psi(&params.values, &other);
            assert_eq!(
                base[..(site + 1) * d],
                changed[..(site + 1) * d],
                "{config:?} site {site}"
            );
            seen |= base != changed;
            let one = model.conditional(&params.values, &other, site);
            assert_eq!(
                one,
                model.conditionals(&params.values, &other)[site * d..(site + 1) * d]
            );
        }
        assert!(seen, "{config:?}: nothing is conditional on anything");
    }
}

fn sampled_log_psi<S: Scalar>() {
    for config in zoo() {
        let (model, params) = nudged::<S>(&config);
        let samples = model.sample(&params.values, 75, Key::new(5));
        assert_eq!(
            samples.log_psi,
            model.log_psi(&params.values, &samples.sigma),
            "{config:?}"
        );
        // A sample depends on its place alone.
        let fewer = model.sample(&params.values, 33, Key::new(5));
        assert_eq!(fewer.sigma[..], samples.sigma[..fewer.sigma.len()]);
    }
}

/// A scalar's companion in double precision.
trait Wide: Scalar {
    type Wide: Scalar;
}
impl Wide for f32 {
    type Wide = f64;
}
impl Wide for f64 {
    type Wide = f64;
}
impl Wide for Complex<f32> {
    type Wide = Complex<f64>;
}
impl Wide for Complex<f64> {
    type Wide = Complex<f64>;
}

/// Rows = vjp = finite differences of log ψ, the latter in double precision.
fn gradient<S: Wide>() {
    for config in zoo() {
        let (model, params) = nudged::<S>(&config);
        let n_reals = model.n_reals();
        let sigma = model.hilbert().random_states(Key::new(2), 37);
        let n = sigma.len() / model.hilbert().n_sites();
        let cotangent: Vec<c64> = (0..n)
            .map(|i| c64::new((i as f64).sin(), (2.0 * i as f64).cos()))
            .collect();
        let cotangent_s: Vec<S> = cotangent.iter().map(|&c| S::from_c64(c)).collect();
        let mut sum = vec![0.0; n_reals];
        model.vjp(&params.values, &sigma, &cotangent_s, &mut sum);
        let parts = jacobian(&model, &params.values, &sigma);
        let total: Vec<f64> = (0..n_reals)
            .map(|k| {
                (0..n)
                    .map(|i| {
                        let of = |part: usize| parts[part][i * n_reals + k];
                        let im = if S::PLANES == 2 { of(1) } else { 0.0 };
                        cotangent[i].re * of(0) + cotangent[i].im * im
                    })
                    .sum()
            })
            .collect();
        let tol = tolerance::<S>();
        assert_close(
            "rows",
            &complex_of_reals(&total),
            &complex_of_reals(&sum),
            10.0 * tol,
        );

        // Σ_n Re(conj(c) d log ψ) along a random direction.
        let (wide, _) = nudged::<S::Wide>(&config);
        let theta: Vec<c64> = complex(&params.values);
        let direction: Vec<f64> = (0..n_reals).map(|k| (0.7 * k as f64).sin()).collect();
        let step: Vec<S> = model.layout().scatter(&direction);
        let h = 1e-6;
        let value = |sign: f64| -> f64 {
            let moved = theta
                .iter()
                .zip(&step)
                .map(|(t, d)| t + d.to_c64() * (sign * h));
            let moved: Vec<S::Wide> = moved.map(S::Wide::from_c64).collect();
            let log_psi = wide.log_psi(&moved, &sigma);
            let real = S::PLANES == 1;
            let product = |(y, c): (&S::Wide, &c64)| {
                if real {
                    y.to_c64().re * c.re
                } else {
                    (c.conj() * y.to_c64()).re
                }
            };
            log_psi.iter().zip(&cotangent).map(product).sum()
        };
        let expected = (value(1.0) - value(-1.0)) / (2.0 * h);
        let got: f64 = sum.iter().zip(&direction).map(|(a, b)| a * b).sum();
        let allowed = if size_of::<S::Real>() == 4 {
            2e-4
        } else {
            1e-7
        };
        let scale: f64 = 1.0 + sum.iter().map(|x| x.abs()).sum::<f64>();
        assert!(
            (got - expected).abs() < allowed * scale,
            "{config:?}: {got} {expected}"
        );
    }
}

/// The same model without its own way to local values.
struct Plain<'a, S: Scalar>(&'a Arnn<S>);

impl<S: Scalar> Ansatz<S> for Plain<'_, S> {
    fn hilbert(&self) -> &autoket::hilbert::Hilbert {
        self.0.hilbert()
    }
    fn layout(&self) -> &Arc<autoket::params::Layout> {
        self.0.layout()
    }
    fn init(&self, key: Key) -> Params<S> {
        self.0.init(key)
    }
    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) {
        self.0.log_psi_into(theta, sigma, out);
    }
    fn vjp(&self, theta: &[S], sigma: &[u8], cotangent: &[S], sum: &mut [f64]) {
        self.0.vjp(theta, sigma, cotangent, sum);
    }
    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) {
        self.0.jacobian(theta, sigma, out);
    }
    fn tabulate(&self, n_samples: usize) -> String {
        self.0.tabulate(n_samples)
    }
}

/// By cones, by evaluating each connected state, and by the operator's matrix.
fn local_values_by_cones<S: Scalar>() {
    use autoket::operator::LocalOperator;
    for config in zoo() {
        let (model, params) = nudged::<S>(&config);
        let (hilbert, n) = (model.hilbert(), model.hilbert().n_sites());
        // Full matrices on one, two (not neighbouring) and three sites: several states for one set of sites.
        let d = hilbert.local_size();
        let term = |sites: &[usize]| {
            let size = d.pow(sites.len() as u32);
            let matrix: Vec<c64> = (0..size * size)
                .map(|i| c64::new((i as f64 * 1.3).sin(), (i as f64 * 0.9).cos()))
                .collect();
            LocalOperator::term(hilbert, sites, &matrix).unwrap()
        };
        let h = term(&[0])
            + term(&[n - 1])
            + term(&[1, n - 2])
            + term(&[n / 2, 0])
            + term(&[0, 1, n - 1]);
        let states = hilbert.all_states().unwrap();
        let sigma: Vec<u8> = states
            .chunks_exact(n)
            .step_by(3)
            .flatten()
            .copied()
            .collect();
        let local = model.local_values(&params.values, &sigma, &h);
        let plain = Plain(&model).local_values(&params.values, &sigma, &h);
        let tol = 300.0 * tolerance::<S>();
        assert_close("plain", &local, &plain, tol);
        let psi: Vec<c64> = model
            .log_psi(&params.values, &states)
            .iter()
            .map(|y| y.to_c64().exp())
            .collect();
        let dense = autoket::operator::to_dense(&h).unwrap();
        for (k, i) in (0..psi.len()).step_by(3).enumerate() {
            let expected: c64 =
                (0..psi.len()).map(|j| dense[(i, j)] * psi[j]).sum::<c64>() / psi[i];
            assert!(
                (local[k] - expected).norm() < tol * (1.0 + expected.norm()),
                "{config:?} {k}"
            );
        }
    }
}

/// Exchanges act on half of the samples: theirs are gathered from several blocks into full lanes.
/// Neither the blocks nor the threads change a bit, and single samples are what they are among many.
fn gathered<S: Scalar>() {
    use autoket::graph::Graph;
    use autoket::hilbert::Hilbert;
    use autoket::operator::heisenberg;
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    let graph = Graph::square(3, false).unwrap();
    let h = heisenberg(&hilbert, &graph, &[1.0], None).unwrap();
    let config = ArnnConv2d::new(hilbert.clone(), 3, 3, [2, 3]);
    let (model, params) = nudged::<S>(&(Kind::Conv2d, config));
    let sigma = hilbert.random_states(Key::new(4), 1100);
    let local = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| model.local_values(&params.values, &sigma, &h))
    };
    let all = local(1);
    // One thread sorts eight blocks together, eight threads one.
    assert_eq!(all, local(8));
    assert_eq!(
        all[..5],
        model.local_values(&params.values, &sigma[..45], &h)
    );
    let plain = Plain(&model).local_values(&params.values, &sigma, &h);
    assert_close("gathered", &all, &plain, 300.0 * tolerance::<S>());
}

#[test]
fn gathered_lanes_are_lanes() {
    gathered::<f32>();
    gathered::<f64>();
    gathered::<c64>();
}

#[test]
fn bad_configs_are_refused() {
    use autoket::hilbert::Hilbert;
    let spin = |n| Hilbert::spin(0.5, n).unwrap();
    let base = ArnnConv2d::new(spin(9), 2, 3, [2, 3]);
    let refused = |config: &ArnnConv2d, field: &str| match config.build::<f64>() {
        Err(autoket::Error::Invalid { field: got, .. }) => assert_eq!(got, field),
        other => panic!("{field}: {other:?}"),
    };
    let with = |change: &dyn Fn(&mut ArnnConv2d)| {
        let mut config = base.clone();
        change(&mut config);
        config
    };
    refused(&with(&|c| c.hilbert = spin(15)), "extent");
    refused(&with(&|c| c.extent = Some([2, 5])), "extent");
    refused(&with(&|c| c.layers = 0), "layers");
    refused(&with(&|c| c.features = Features::List(vec![2])), "features");
    refused(
        &with(&|c| c.features = Features::List(vec![3, 4])),
        "features",
    );
    refused(&with(&|c| c.features = Features::Uniform(0)), "features");
    refused(&with(&|c| c.kernel_size = [0, 3]), "kernel_size");
    refused(&with(&|c| c.kernel_size = [1, 1]), "kernel_size");
    refused(&with(&|c| c.kernel_dilation = [1, 0]), "kernel_dilation");
    refused(&with(&|c| c.machine_pow = 0), "machine_pow");
}
