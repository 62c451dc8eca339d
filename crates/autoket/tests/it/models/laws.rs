//! The laws of a network, by enumeration and finite differences in double precision.

use std::sync::Arc;

use autoket::models::{Ansatz, Arnn, ArnnConv2d, Autoregressive, Features, RowOf};
use autoket::nn::{Function, Initializer};
use autoket::params::Params;
use autoket::random::Key;
use autoket::{Scalar, c64};
use num_complex::Complex;

use super::*;

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

mod each {
    for_each_scalar! { normalised causal sampled_log_psi gradient local_values_by_cones }
}

fn normalised<S: Scalar>() {
    for config in zoo() {
        let (model, params) = nudged::<S>(&config);
        let states = model.hilbert().all_states().unwrap();
        let p = f64::from(config.1.machine_pow);
        let norm: f64 = model
            .log_psi(&params.values, &states)
            .unwrap()
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
        let base = model.conditionals_log_psi(&params.values, &sigma).unwrap();
        let mut seen = false;
        for site in 0..n {
            let mut other = sigma.clone();
            other[site] = (other[site] + 1) % d as u8;
            let changed = model.conditionals_log_psi(&params.values, &other).unwrap();
            assert_eq!(
                base[..(site + 1) * d],
                changed[..(site + 1) * d],
                "{config:?} site {site}"
            );
            seen |= base != changed;
            let one = model.conditional(&params.values, &other, site).unwrap();
            assert_eq!(
                one,
                model.conditionals(&params.values, &other).unwrap()[site * d..(site + 1) * d]
            );
        }
        assert!(seen, "{config:?}: nothing is conditional on anything");
    }
}

fn sampled_log_psi<S: Scalar>() {
    for config in zoo() {
        let (model, params) = nudged::<S>(&config);
        let samples = model.sample(&params.values, 75, Key::new(5)).unwrap();
        assert_eq!(
            samples.log_psi,
            model.log_psi(&params.values, &samples.sigma).unwrap(),
            "{config:?}"
        );
        // A sample depends on its place alone.
        let fewer = model.sample(&params.values, 33, Key::new(5)).unwrap();
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
        model
            .vjp(&params.values, &sigma, &cotangent_s, &mut sum)
            .unwrap();
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
            let log_psi = wide.log_psi(&moved, &sigma).unwrap();
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
    fn hilbert(&self) -> &Hilbert {
        self.0.hilbert()
    }
    fn layout(&self) -> &Arc<autoket::params::Layout> {
        self.0.layout()
    }
    fn init(&self, key: Key) -> Params<S> {
        self.0.init(key)
    }
    fn log_psi_into(&self, theta: &[S], sigma: &[u8], out: &mut [S]) -> autoket::Result<()> {
        self.0.log_psi_into(theta, sigma, out)
    }
    fn vjp(
        &self,
        theta: &[S],
        sigma: &[u8],
        cotangent: &[S],
        sum: &mut [f64],
    ) -> autoket::Result<()> {
        self.0.vjp(theta, sigma, cotangent, sum)
    }
    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> autoket::Result<()> {
        self.0.jacobian(theta, sigma, out)
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
        let local = model.local_values(&params.values, &sigma, &h).unwrap();
        let plain = Plain(&model)
            .local_values(&params.values, &sigma, &h)
            .unwrap();
        let tol = 300.0 * tolerance::<S>();
        assert_close("plain", &local, &plain, tol);
        let psi: Vec<c64> = model
            .log_psi(&params.values, &states)
            .unwrap()
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
        pool.install(|| model.local_values(&params.values, &sigma, &h).unwrap())
    };
    let all = local(1);
    // One thread sorts eight blocks together, eight threads one.
    assert_eq!(all, local(8));
    assert_eq!(
        all[..5],
        model
            .local_values(&params.values, &sigma[..45], &h)
            .unwrap()
    );
    let plain = Plain(&model)
        .local_values(&params.values, &sigma, &h)
        .unwrap();
    assert_close("gathered", &all, &plain, 300.0 * tolerance::<S>());
}

#[test]
fn gathered_lanes_are_lanes() {
    gathered::<f32>();
    gathered::<f64>();
    gathered::<c64>();
}
