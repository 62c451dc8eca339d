//! The autoregressive networks against NetKet's numbers, and their laws.

use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{
    Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, Autoregressive, Features, GruNet1d, LstmNet,
    Recurrence, RowOf,
};
use autoket::nn::Activation;
use autoket::params::Params;
use autoket::random::Key;
use autoket::scalar::Real;
use autoket::simd::Row;
use autoket::{Scalar, c64};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::golden;

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

mod broken;
mod by_hand;
mod laws;
mod netket;
mod own;
mod symmetrized;

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
    model.jacobian(theta, sigma, &mut panels).unwrap();
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

/// Batches that are not whole, states that are not there, parameters of another model.
#[test]
fn bad_batches_are_refused() {
    use std::sync::Arc;

    use autoket::hilbert::Hilbert;
    use autoket::models::{Autoregressive, Samples};
    use autoket::operator::ising;
    use autoket::optimizer::layerwise::{self, Layer};
    use autoket::optimizer::{LogDerivatives, Sr, SrSpace};
    use autoket::random::Key;
    use autoket::sampler::DirectSampler;
    use autoket::vqs::{Estimate, McState, VariationalState};
    let spin = |n| Hilbert::spin(0.5, n).unwrap();
    let model = ArnnDense::new(spin(4), 2, 3).build::<f64>().unwrap();
    let theta = model.init(Key::new(0)).values;
    let h = ising(&spin(4), &Graph::chain(4, true).unwrap(), 1.0, 1.0).unwrap();
    #[track_caller]
    fn refused<T>(result: autoket::Result<T>, field: &str) {
        match result {
            Err(autoket::Error::Invalid { field: got, .. }) => assert_eq!(got, field),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{field} has not been refused"),
        }
    }
    let lanes = <RowOf<f64> as Row<f64>>::LANES;
    let n_reals = model.n_reals();
    let factors: usize = model.layerwise().unwrap().iter().map(Layer::rows).sum();
    let rows = |n: usize| vec![<RowOf<f64> as Row<f64>>::splat(0.0); n];
    // As if the batch were whole: what is written into has the right length.
    let check = |theta: &[f64], sigma: &[u8], field: &str| {
        let n = sigma.len() / 4;
        let blocks = n.div_ceil(lanes);
        let (mut one, mut sum, mut local) = (vec![0.0; n], vec![0.0; n_reals], vec![c64::ZERO; n]);
        let mut all = vec![0.0; 8 * n];
        refused(model.log_psi_into(theta, sigma, &mut one), field);
        refused(model.vjp(theta, sigma, &one, &mut sum), field);
        refused(
            model.jacobian(theta, sigma, &mut rows(blocks * n_reals)),
            field,
        );
        refused(model.local_values_into(theta, sigma, &h, &mut local), field);
        refused(
            model.layerwise_factors(theta, sigma, &mut rows(blocks * factors)),
            field,
        );
        refused(
            model.conditionals_log_psi_into(theta, sigma, &mut all),
            field,
        );
        if field.starts_with("sigma") {
            refused(model.reorder(sigma), field);
            refused(model.inverse_reorder(sigma), field);
        }
        let estimate = Estimate {
            samples: Samples {
                sigma: sigma.to_vec(),
                log_psi: one.clone(),
            },
            weights: one.clone(),
            local_values: local,
            stats: Default::default(),
        };
        refused(estimate.gradient(&model, theta), field);
        refused(LogDerivatives::new(&model, theta, &estimate), field);
        refused(layerwise::gram(&model, theta, &estimate), field);
        let mut space = SrSpace::default();
        refused(
            Sr::default().update(&model, theta, &estimate, 0, &mut space),
            field,
        );
        refused(model.log_psi(theta, sigma), field);
        refused(model.conditionals_log_psi(theta, sigma), field);
        refused(model.conditionals(theta, sigma), field);
        refused(model.conditional(theta, sigma, 0), field);
        refused(model.local_values(theta, sigma, &h), field);
    };
    // Less than a state, a state and a half, and more than the lanes of a block.
    for length in [1, 6, 16 * 4 + 2, 100 * 4 - 1] {
        check(&theta, &vec![0; length], "sigma");
    }
    check(&theta, &[0, 1, 0, 1, 0, 2, 0, 1], "sigma[5]");
    check(&theta[1..], &[0, 1, 0, 1], "theta");
    refused(model.sample(&theta[1..], 3, Key::new(0)), "theta");
    let mut sampler = DirectSampler::of_seed(0);
    refused(sampler.sample(&model, &[], 3), "theta");
    assert_eq!(sampler, DirectSampler::of_seed(0));
    refused(model.conditional(&theta, &[0, 1, 0, 1], 4), "site");
    let other = ising(&spin(3), &Graph::chain(3, true).unwrap(), 1.0, 1.0).unwrap();
    refused(
        model.local_values(&theta, &[0, 1, 0, 1], &other),
        "operator",
    );
    // Memory that does not fit a batch of three.
    let three = [0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1];
    let (mut sum, mut local) = (vec![0.0; n_reals], vec![c64::ZERO; 3]);
    for n in [0, 2, 4] {
        let mut out = vec![0.0; n];
        refused(model.log_psi_into(&theta, &three, &mut out), "out");
        refused(model.vjp(&theta, &three, &out, &mut sum), "cotangent");
        refused(
            model.conditionals_log_psi_into(&theta, &three, &mut out),
            "out",
        );
        let mut values = vec![c64::ZERO; n];
        refused(
            model.local_values_into(&theta, &three, &h, &mut values),
            "out",
        );
        let mut estimate = Estimate {
            samples: model.sample(&theta, 3, Key::new(0)).unwrap(),
            weights: out,
            local_values: local.clone(),
            stats: Default::default(),
        };
        refused(estimate.gradient(&model, &theta), "weights");
        (estimate.weights, estimate.local_values) = (vec![0.0; 3], values);
        refused(
            LogDerivatives::new(&model, &theta, &estimate),
            "local_values",
        );
    }
    for n in [0, n_reals - 1, 2 * n_reals] {
        let mut sum = vec![0.0; n];
        refused(model.vjp(&theta, &three, &[0.0; 3], &mut sum), "sum");
        refused(model.jacobian(&theta, &three, &mut rows(n)), "out");
        refused(model.layerwise_factors(&theta, &three, &mut rows(n)), "out");
    }
    refused(
        model.local_values_into(&theta, &three, &other, &mut local),
        "operator",
    );
    let conv = ArnnConv2d::new(spin(4), 2, 3, [2, 3])
        .build::<f64>()
        .unwrap();
    let theta_of_conv = conv.init(Key::new(0)).values;
    refused(
        conv.layerwise_factors(&theta_of_conv, &three, &mut rows(3)),
        "model",
    );
    let mut state = McState::new(Arc::new(conv), 4, 0).unwrap();
    state.params_mut().values.pop();
    refused(state.sample(), "theta");
    refused(state.estimate(&h), "theta");
    let estimate = Estimate {
        samples: model.sample(&theta, 3, Key::new(0)).unwrap(),
        weights: vec![1.0 / 3.0; 3],
        local_values: local,
        stats: Default::default(),
    };
    let o = LogDerivatives::new(&model, &theta, &estimate).unwrap();
    refused(o.times(&sum[1..]), "u");
    refused(o.transposed_times(&[0.0; 3]), "v");
    assert!(model.log_psi(&theta, &[]).unwrap().is_empty());
    assert_eq!(model.log_psi(&theta, &three).unwrap().len(), 3);
}

/// Sums over samples go round by round; rounds end where partial sums do, and leave no trace.
#[test]
fn gradients_of_many_samples_are_summed_in_order() {
    let hilbert = Hilbert::spin(0.5, 40).unwrap();
    let model = ArnnDense::new(hilbert, 2, 60).build::<f32>().unwrap();
    assert!(model.n_reals() > 90_000);
    let theta = model.init(Key::new(1)).values;
    // A partial sum of at least 0.7 MB for each 256: more than 64 MB.
    let n = 90 * 256 + 7;
    let sigma = model.sample(&theta, n, Key::new(2)).unwrap().sigma;
    let cotangent: Vec<f32> = (0..n).map(|i| (i as f32).sin()).collect();
    let mut whole = vec![0.0; model.n_reals()];
    model.vjp(&theta, &sigma, &cotangent, &mut whole).unwrap();
    let mut sum = vec![0.0; model.n_reals()];
    for (sigma, cotangent) in sigma.chunks(256 * 40).zip(cotangent.chunks(256)) {
        model.vjp(&theta, sigma, cotangent, &mut sum).unwrap();
    }
    assert!(whole == sum);
}
