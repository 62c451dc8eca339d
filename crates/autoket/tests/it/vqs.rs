//! Variational states: samples against exact sums, gradients against differences.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, ArnnConv2d, Autoregressive};
use autoket::nn::Initializer;
use autoket::operator::{LocalOperator, ising, spin, to_dense};
use autoket::optimizer::{Sr, SrForm, SrSpace};
use autoket::random::Key;
use autoket::sampler::DirectSampler;
use autoket::stats::Stats;
use autoket::vqs::{Estimate, FullSumState, McState, VariationalState};
use autoket::{Error, Interrupt, Scalar, c64};

use crate::exact::Counted;

fn half(n: usize) -> Hilbert {
    Hilbert::spin(0.5, n).unwrap()
}

fn real(n: usize) -> LocalOperator {
    ising(&half(n * n), &Graph::square(n, false).unwrap(), 1.5, 1.0).unwrap()
}

/// Hermitian, with imaginary matrix elements.
fn complex(n: usize) -> LocalOperator {
    let hilbert = half(n * n);
    real(n)
        + 0.7 * spin::sigmay(&hilbert, 1).unwrap()
        + 0.4 * (spin::sigmay(&hilbert, 0).unwrap() * spin::sigmaz(&hilbert, 2).unwrap())
}

fn config(n: usize) -> ArnnConv2d {
    ArnnConv2d {
        bias_init: Initializer::Normal(0.3),
        ..ArnnConv2d::new(half(n * n), 2, 3, [2, 3])
    }
}

fn full<S: Scalar>(n: usize) -> FullSumState<S> {
    FullSumState::new(Arc::new(config(n).build::<S>().unwrap()), 4).unwrap()
}

fn sampled_means<S: Scalar>(by_number: bool) {
    for h in [real(3), complex(3)] {
        let exact = full::<S>(3).expect(&h).unwrap();
        assert_eq!(exact.error_of_mean, 0.0);
        let model = Arc::new(config(3).build::<S>().unwrap());
        let mut state = McState::<S>::new(model, 4096, 4).unwrap();
        if by_number {
            state.set_sampler(DirectSampler::by_enumeration(Key::new(4)));
        }
        let mut distances = Vec::new();
        for _ in 0..20 {
            let stats = state.expect(&h).unwrap();
            assert_eq!(stats.n_samples, 4096);
            assert!(stats.error_of_mean > 0.0);
            let distance = (stats.mean - exact.mean).norm() / stats.error_of_mean;
            assert!(distance < 5.0, "{stats} {exact}");
            // Twenty variances of 4096 samples with heavy tails: well within a half.
            assert!((stats.variance / exact.variance - 1.0).abs() < 0.5);
            distances.push(distance * distance);
        }
        // Errors are neither too large nor too small: the mean square of 20 normals is 1 ± 0.32.
        let mean = distances.iter().sum::<f64>() / 20.0;
        assert!((0.3..3.0).contains(&mean), "{mean}");
    }
}

#[test]
fn samples_estimate_exact_sums() {
    for by_number in [false, true] {
        sampled_means::<f64>(by_number);
        sampled_means::<c64>(by_number);
    }
}

/// ⟨ψ|H|ψ⟩/⟨ψ|ψ⟩ by the matrix.
#[test]
fn full_sums_are_quotients_of_matrices() {
    for h in [real(2), complex(2)] {
        let mut state = full::<c64>(2);
        let estimate = state.estimate(&h).unwrap();
        let psi: Vec<c64> = estimate.samples.log_psi.iter().map(|y| y.exp()).collect();
        let n = psi.len();
        let matrix = to_dense(&h).unwrap();
        let h_psi: Vec<c64> = (0..n)
            .map(|i| (0..n).map(|j| matrix[(i, j)] * psi[j]).sum())
            .collect();
        let norm: f64 = psi.iter().map(|z| z.norm_sqr()).sum();
        let energy: c64 = (0..n).map(|i| psi[i].conj() * h_psi[i]).sum::<c64>() / norm;
        let square: f64 = h_psi.iter().map(|z| z.norm_sqr()).sum::<f64>() / norm;
        assert!((estimate.stats.mean - energy).norm() < 1e-12);
        assert!((estimate.stats.variance - (square - energy.norm_sqr())).abs() < 1e-11);
        assert!(
            energy.im.abs() < 1e-12,
            "a Hermitian operator's mean is real"
        );
        assert!((estimate.weights.iter().sum::<f64>() - 1.0).abs() < 1e-14);
    }
}

fn gradient<S: Scalar>() {
    for h in [real(2), complex(2)] {
        let mut state = full::<S>(2);
        let (_, gradient) = state.expect_and_grad(&h).unwrap();
        let theta = state.params().values.clone();
        let layout = state.params().layout.clone();
        let step = 1e-5;
        let mut largest = 0.0f64;
        for i in 0..theta.len() {
            if layout.active(i).is_none() {
                assert_eq!(gradient[i].to_c64(), c64::ZERO);
                continue;
            }
            for unit in [c64::ONE, c64::I].into_iter().take(S::PLANES) {
                let mut energy = |h_step: f64| {
                    state.params_mut().values = theta.clone();
                    state.params_mut().values[i] += S::from_c64(unit * h_step);
                    state.expect(&h).unwrap().mean.re
                };
                let slope = (energy(step) - energy(-step)) / (2.0 * step);
                let g = gradient[i].to_c64();
                let g = if unit == c64::ONE { g.re } else { g.im };
                // Differences are right to step² and rounding/step.
                assert!((g - slope).abs() < 1e-8, "{i} {unit}: {g} {slope}");
                largest = largest.max(slope.abs());
            }
        }
        assert!(largest > 0.1, "no slope to speak of: {largest}");
    }
}

#[test]
fn gradients_are_differences_of_the_energy() {
    gradient::<f64>();
    gradient::<c64>();
}

#[test]
fn bad_states_are_refused() {
    let build = |config: ArnnConv2d| Arc::new(config.build::<f64>().unwrap());
    #[track_caller]
    fn refused<T>(result: autoket::Result<T>, expected: &str) {
        match result {
            Err(Error::Invalid { field, .. }) => assert_eq!(field, expected),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("accepted"),
        }
    }
    refused(McState::<f64>::new(build(config(3)), 0, 0), "n_samples");
    let mut state = McState::<f64>::new(build(config(3)), 8, 0).unwrap();
    let mut sum = full::<f64>(3);
    // Other sites; the same sites in the other order.
    let smaller = real(2);
    let inverted = LocalOperator::identity(&half(9).with_inverted_ordering(false));
    let same = LocalOperator::identity(&half(9));
    assert_eq!(state.expect(&same).unwrap().mean, c64::ONE);
    assert!((sum.expect(&same).unwrap().mean - 1.0).norm() < 1e-14);
    for other in [&smaller, &inverted] {
        refused(state.expect(other), "operator");
        refused(sum.expect(other), "operator");
        refused(sum.expect_and_grad(other), "operator");
    }
    let large = ArnnConv2d::new(half(100), 1, 2, [2, 3]);
    match FullSumState::<f64>::new(build(large), 0) {
        Err(Error::TooLarge { .. }) => {}
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("accepted"),
    }
    state.set_n_samples(0);
    assert_eq!(state.n_samples(), 1);
}

#[test]
fn statistics_are_their_formulas() {
    let values = [1.0, 2.0, 4.0, 5.0].map(c64::from);
    let stats = Stats::of_samples(&values);
    assert_eq!(stats.mean, c64::from(3.0));
    assert_eq!(stats.variance, 2.5);
    assert!((stats.error_of_mean - 0.625f64.sqrt()).abs() < 1e-15);
    assert_eq!(stats.n_samples, 4);
    let imaginary = Stats::of_samples(&[c64::new(0.0, 1.0), c64::new(0.0, -1.0)]);
    assert_eq!((imaginary.mean, imaginary.variance), (c64::ZERO, 1.0));
    let exact = Stats::of_all_states(&values, &[0.5, 0.0, 0.0, 0.5]);
    assert_eq!(exact.mean, c64::from(3.0));
    assert_eq!((exact.variance, exact.error_of_mean), (4.0, 0.0));
    // 10 · 4/(3 - 1)²
    assert_eq!(exact.v_score(10, 1.0), 10.0);
    // An eigenstate has the score 0, even where its energy is the mean of all.
    let none = Stats::of_samples(&[c64::ZERO, c64::ZERO]);
    assert_eq!(none.v_score(4, 0.0), 0.0);
}

#[test]
fn statistics_are_shown_to_their_error() {
    let show = |re: f64, im: f64, error_of_mean: f64, variance: f64| {
        let stats = Stats {
            mean: c64::new(re, im),
            error_of_mean,
            variance,
            n_samples: 100,
        };
        stats.to_string()
    };
    assert_eq!(
        show(-50.18624, 1e-4, 0.0013, 0.0017),
        "-50.1862 ± 0.0013 [σ²=1.70e-3]"
    );
    assert_eq!(show(-3.0, 0.0, 0.25, 2.0), "-3.00 ± 0.25 [σ²=2.00e0]");
    assert_eq!(show(1234.4, 0.0, 120.0, 1e4), "1234 ± 120 [σ²=1.00e4]");
    assert_eq!(
        show(1.0, -0.5, 0.01, 1.0),
        "1.000-0.500i ± 0.010 [σ²=1.00e0]"
    );
    assert_eq!(
        show(-2.5, 0.0, 0.0, 0.0),
        "-2.5000000000 ± 0.0000000000 [σ²=0.00e0]"
    );
    assert!(show(f64::NAN, 0.0, f64::NAN, f64::NAN).starts_with("NaN ± NaN"));
}

/// A batch that is worked on in portions, so that it can be stopped, gives what the whole one gives, bit for bit.
#[test]
fn portions_do_not_matter() {
    const N_SAMPLES: usize = 1300;
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    let h = ising(&hilbert, &Graph::square(3, false).unwrap(), 1.0, 1.0).unwrap();
    let model = ArnnConv2d::new(hilbert, 2, 3, [2, 3]);
    let model = Arc::new(model.build::<f64>().unwrap());
    let mut state = McState::new(model.clone(), N_SAMPLES, 4).unwrap();
    let theta = state.params().values.clone();
    let key = state.sampler().key();
    // So few threads that there are three portions.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(|| {
        let estimate = state.estimate(&h).unwrap();
        let [_, _, scan] = key.split();
        let whole = model.sample(&theta, N_SAMPLES, scan).unwrap();
        assert!(estimate.samples == whole);
        let gradient = estimate.gradient(&*model, &theta).unwrap();
        let mean = estimate.stats.mean;
        let cotangent = estimate.local_values.iter().zip(&estimate.weights);
        let cotangent: Vec<f64> = cotangent
            .map(|(e, weight)| ((e - mean) * 2.0 * weight).re)
            .collect();
        let mut expected = vec![0.0; model.n_reals()];
        model
            .vjp(&theta, &whole.sigma, &cotangent, &mut expected)
            .unwrap();
        assert_eq!(gradient, expected);
    });
    // Stopped, a state is what it was.
    let before = state.sampler();
    let interrupt = Interrupt::default();
    interrupt.raise();
    state.set_interrupt(interrupt);
    assert!(matches!(state.sample(), Err(Error::Interrupted)));
    assert!(matches!(state.estimate(&h), Err(Error::Interrupted)));
    assert!(matches!(state.expect_and_grad(&h), Err(Error::Interrupted)));
    assert_eq!(state.sampler(), before);
    state.set_interrupt(Interrupt::default());
    assert!(state.expect(&h).is_ok());
}

/// 700 samples of 16 states: each is evaluated once, and weighs as all its samples.
fn merged_samples<S: Scalar>() {
    let h = complex(2);
    let model: Arc<dyn Autoregressive<S>> = Arc::new(config(2).build::<S>().unwrap());
    let mut state = McState::new(model.clone(), 700, 4).unwrap();
    let counted = Counted(h.clone(), AtomicUsize::new(0));
    let estimate = state.estimate(&counted).unwrap();
    let rows = counted.1.into_inner();
    let theta = &state.params().values;
    let sigma = &estimate.samples.sigma;
    let each = model.local_values(theta, sigma, &h).unwrap();
    assert_eq!(estimate.local_values, each);
    assert_eq!(estimate.stats, Stats::of_samples(&each));

    let merged = estimate.merged(&*model, theta).unwrap().unwrap();
    assert!(merged.merged(&*model, theta).unwrap().is_none());
    let n_states = merged.weights.len();
    assert!((8..=16).contains(&n_states));
    assert_eq!(rows, n_states);
    for (k, state) in merged.samples.sigma.chunks(4).enumerate() {
        let is_it = |sample: &usize| sigma[sample * 4..][..4] == *state;
        let samples: Vec<usize> = (0..700).filter(is_it).collect();
        assert!((merged.weights[k] - samples.len() as f64 / 700.0).abs() < 1e-13);
        for &sample in &samples {
            assert_eq!(merged.local_values[k], each[sample]);
            assert_eq!(
                merged.samples.log_psi[k].to_c64(),
                estimate.samples.log_psi[sample].to_c64()
            );
        }
    }
    let close = |a: &[f64], b: &[f64]| {
        let scale = a.iter().fold(0.0_f64, |scale, x| scale.max(x.abs()));
        let mut pairs = a.iter().zip(b);
        assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-9 * scale));
    };
    close(
        &estimate.gradient(&*model, theta).unwrap(),
        &merged.gradient(&*model, theta).unwrap(),
    );
    // Updates agree, between samples and between parameters.
    for form in [SrForm::Gram, SrForm::Metric] {
        let sr = Sr {
            form: Some(form),
            ..Sr::default()
        };
        let update = |estimate: &Estimate<S>| {
            let mut space = SrSpace::default();
            let found = sr.update(&*model, theta, estimate, 0, &mut space);
            found.unwrap().update
        };
        close(&update(&estimate), &update(&merged));
    }
    // Samples and their log ψ are as many.
    for n in [699, 701] {
        let mut samples = estimate.samples.clone();
        samples.log_psi.resize(n, S::zero());
        let error = state.estimate_on(samples, &h).unwrap_err().to_string();
        assert!(error.contains("`log_psi`"), "{error}");
    }
    let mut broken = estimate.clone();
    broken.weights.pop();
    let error = broken.merged(&*model, theta).unwrap_err().to_string();
    assert!(error.contains("`weights`"), "{error}");
}

#[test]
fn samples_of_one_state_are_merged() {
    merged_samples::<f64>();
    merged_samples::<c64>();
}
