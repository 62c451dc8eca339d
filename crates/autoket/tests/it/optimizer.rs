//! Schedules, rules and stochastic reconfiguration against their formulas.

use std::sync::Arc;

use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnConv2d, ArnnDense, Autoregressive, Samples};
use autoket::nn::Initializer;
use autoket::operator::{LocalOperator, ising};
use autoket::optimizer::{
    Changing, LogDerivatives, Optimizer, Rule, Schedule, Sr, SrForm, SrSpace, layerwise,
};
use autoket::random::Key;
use autoket::simd::Row;
use autoket::stats::Stats;
use autoket::vqs::{Estimate, FullSumState, McState, VariationalState};
use autoket::{Real, Scalar, c64};
use faer::Mat;
use num_complex::Complex;

#[track_caller]
fn values(schedule: Changing, expected: &[(usize, f64)]) {
    for &(step, value) in expected {
        let got = Schedule::Changing(schedule).at(step);
        // Two or three roundings.
        assert!(
            (got - value).abs() <= 1e-15 * value.abs().max(1e-3),
            "{schedule:?} at {step}: {got}, not {value}"
        );
    }
}

/// Values by hand from optax's definitions.
#[test]
fn schedules_are_optax_s() {
    assert_eq!(Schedule::from(0.3).at(1000), 0.3);
    let linear = |init_value, end_value| Changing::Linear {
        init_value,
        end_value,
        transition_steps: 4,
    };
    values(
        linear(1.0, 0.2),
        &[(0, 1.0), (1, 0.8), (3, 0.4), (4, 0.2), (9, 0.2)],
    );
    values(linear(0.0, 2.0), &[(0, 0.0), (2, 1.0), (5, 2.0)]);
    let exponential = |decay_rate, end_value| Changing::Exponential {
        init_value: 8.0,
        decay_rate,
        transition_steps: 2,
        end_value,
    };
    values(
        exponential(0.25, None),
        &[(0, 8.0), (1, 4.0), (2, 2.0), (6, 0.125)],
    );
    values(
        exponential(0.25, Some(1.5)),
        &[(1, 4.0), (2, 2.0), (3, 1.5), (50, 1.5)],
    );
    values(
        exponential(4.0, Some(20.0)),
        &[(0, 8.0), (1, 16.0), (2, 20.0), (50, 20.0)],
    );
    let cosine = |alpha| Changing::Cosine {
        init_value: 2.0,
        decay_steps: 6,
        alpha,
    };
    let half_root = 3.0f64.sqrt() / 2.0;
    values(
        cosine(0.0),
        &[
            (0, 2.0),
            (1, 1.0 + half_root),
            (2, 1.5),
            (3, 1.0),
            (4, 0.5),
            (6, 0.0),
            (7, 0.0),
        ],
    );
    values(cosine(0.1), &[(0, 2.0), (3, 1.1), (6, 0.2), (600, 0.2)]);
}

/// Two steps of each rule, by hand.
#[test]
fn rules_are_their_formulas() {
    fn steps<S: Scalar>(rule: Rule, gradients: [S; 2]) -> [c64; 2] {
        let mut optimizer = Optimizer::<S>::new(rule, 0.5);
        let mut theta = [S::from_c64(c64::ONE)];
        let mut step = 0;
        gradients.map(|g| {
            assert!(optimizer.apply(step, &mut theta, &[g]));
            step += 1;
            theta[0].to_c64()
        })
    }
    #[track_caller]
    fn close(got: [c64; 2], expected: [c64; 2]) {
        for (a, b) in got.iter().zip(expected) {
            assert!((a - b).norm() < 1e-14, "{got:?} {expected:?}");
        }
    }
    let re = |x: f64| c64::from(x);
    close(steps(Rule::Sgd, [2.0, -1.0]), [re(0.0), re(0.5)]);
    let momentum = |nesterov| Rule::Momentum {
        beta: 0.5,
        nesterov,
    };
    // m = 2, then -1 + 1 = 0.
    close(steps(momentum(false), [2.0, -1.0]), [re(0.0), re(0.0)]);
    // g + m/2: 3, then -1 + 0.
    close(steps(momentum(true), [2.0, -1.0]), [re(-0.5), re(0.0)]);
    let adam = Rule::Adam {
        b1: 0.5,
        b2: 0.75,
        eps: 0.25,
    };
    // m̂ = 2, v̂ = 4; then m = 0 and the second step stays.
    let first = 1.0 - 0.5 * 2.0 / 2.25;
    close(steps(adam, [2.0, -1.0]), [re(first), re(first)]);
    // |g|² = 25 for g = 3 + 4i. Then m = (g/2)/2 + 0, v = (25/4)·(3/4) over 1 - 9/16.
    let g = c64::new(3.0, 4.0);
    let one = c64::ONE - 0.5 * g / 5.25;
    let root = (25.0 * 0.25 * 0.75 / (1.0 - 0.5625f64)).sqrt() + 0.25;
    let two = one - 0.5 * (g * 0.25 / 0.75) / root;
    close(steps(adam, [g, c64::ZERO]), [one, two]);
    // The learning rate follows its schedule.
    let schedule = Schedule::Changing(Changing::Linear {
        init_value: 1.0,
        end_value: 0.0,
        transition_steps: 2,
    });
    let mut optimizer = Optimizer::<f64>::sgd(schedule);
    let mut theta = [0.0];
    for step in 0..3 {
        assert!(optimizer.apply(step, &mut theta, &[1.0]));
    }
    assert_eq!(theta, [-1.5]);
}

/// A refused gradient leaves θ and the means as they were: the next step is as if it had not come.
#[test]
fn rules_forget_what_they_refuse() {
    fn steps<S: Scalar>(rule: Rule, gradients: &[f64]) -> (Vec<bool>, Vec<S>) {
        let mut optimizer = Optimizer::<S>::new(rule, 0.5);
        let mut theta = vec![S::from_c64(c64::ONE); 2];
        let apply = |g: &f64| {
            let gradient = [S::from_c64(c64::from(*g)), S::one()];
            optimizer.apply(1, &mut theta, &gradient)
        };
        (gradients.iter().map(apply).collect(), theta)
    }
    fn forgets<S: Scalar>() {
        let momentum = Rule::Momentum {
            beta: 0.9,
            nesterov: true,
        };
        let adam = Rule::Adam {
            b1: 0.9,
            b2: 0.999,
            eps: 1e-8,
        };
        for rule in [Rule::Sgd, momentum, adam] {
            let (accepted, expected) = steps::<S>(rule, &[2.0, -1.0]);
            assert_eq!(accepted, [true; 2]);
            for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
                let (accepted, theta) = steps::<S>(rule, &[2.0, bad, -1.0]);
                // The largest number still makes a step of gradient descent in double precision.
                if !accepted[1] {
                    assert_eq!(accepted, [true, false, true]);
                    assert_eq!(theta, expected, "{rule:?} {bad}");
                } else {
                    assert!(bad == f64::MAX && rule == Rule::Sgd, "{rule:?} {bad}");
                }
            }
        }
    }
    forgets::<f32>();
    forgets::<f64>();
    forgets::<c64>();
}

fn hamiltonian() -> LocalOperator {
    let graph = Graph::square(3, false).unwrap();
    ising(&Hilbert::spin(0.5, 9).unwrap(), &graph, 2.0, 1.0).unwrap()
}

fn state<S: Scalar>(features: usize, n_samples: usize) -> (McState<S>, Estimate<S>) {
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    let model = ArnnConv2d::new(hilbert, 2, features, [2, 3])
        .build::<S>()
        .unwrap();
    let mut state = McState::new(Arc::new(model), n_samples, 3).unwrap();
    let estimate = state.estimate(&hamiltonian()).unwrap();
    (state, estimate)
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |max, x| max.max(x.abs()))
}

/// (AᵀA + ε)⁻¹ Aᵀ = Aᵀ (AAᵀ + ε)⁻¹, with fewer parameters than samples and with more.
fn forms<S: Scalar>() {
    for (features, n_samples, form) in [(2, 600, SrForm::Metric), (8, 40, SrForm::Gram)] {
        let (state, estimate) = state::<S>(features, n_samples);
        let o = LogDerivatives::new(state.model(), &state.params().values, &estimate).unwrap();
        let sr = Sr {
            diag_shift: 0.02.into(),
            ..Sr::default()
        };
        let theta = &state.params().values;
        let mut space = SrSpace::default();
        let chosen = sr
            .update(state.model(), theta, &estimate, 0, &mut space)
            .unwrap();
        assert_eq!(chosen.form, form);
        let [metric, gram, cg] = [SrForm::Metric, SrForm::Gram, SrForm::Cg]
            .map(|form| sr.solve(form, &o, 0, &mut SrSpace::default()).unwrap());
        assert!(!metric.fallback && !gram.fallback && !cg.fallback && !chosen.fallback);
        let scale = largest(&metric.update);
        assert!(scale > 1e-3);
        // Rounding times the condition number, at most 1e3/0.02.
        for (a, b) in metric.update.iter().zip(&gram.update) {
            assert!((a - b).abs() < 1e-10 * scale, "{a} {b}");
        }
        // A residual of 1e-10 times at most that condition number.
        for (a, b) in metric.update.iter().zip(&cg.update) {
            assert!((a - b).abs() < 1e-6 * scale, "{a} {b}");
        }
        // It solves the equation with the gradient of the energy.
        let gradient = estimate
            .gradient(state.model(), &state.params().values)
            .unwrap();
        let s = state.quantum_geometric_tensor(&estimate).unwrap();
        for i in 0..gradient.len() {
            let product: f64 = (0..gradient.len())
                .map(|j| s[(i, j)] * chosen.update[j])
                .sum();
            let left = product + 0.02 * chosen.update[i];
            assert!(
                (left - gradient[i]).abs() < 1e-10 * largest(&gradient),
                "{left} {}",
                gradient[i]
            );
        }
        // Symmetric to the last bit, and no direction has negative length.
        for i in 0..s.nrows() {
            assert!(s[(i, i)] >= 0.0);
            for j in 0..i {
                assert_eq!(s[(i, j)].to_bits(), s[(j, i)].to_bits());
                // Cauchy and Schwarz.
                let bound = (s[(i, i)] * s[(j, j)]).sqrt();
                assert!(s[(i, j)].abs() <= bound * (1.0 + 1e-12) + 1e-15);
            }
        }
    }
}

/// Matrices of less than a panel, of some and of parts of one: (S + ε) δ = g.
#[test]
fn systems_of_many_panels_are_solved() {
    fn residuals<S: Scalar>(tolerance: f64) {
        let sr = Sr {
            diag_shift: 0.02.into(),
            ..Sr::default()
        };
        for n_samples in [1, 7, 120, 128, 136, 384, 900] {
            let (state, estimate) = state::<S>(12, n_samples);
            let theta = &state.params().values;
            let o = LogDerivatives::new(state.model(), theta, &estimate).unwrap();
            let force = o.transposed_times(o.epsilon()).unwrap();
            for form in [SrForm::Metric, SrForm::Gram] {
                let solution = sr.solve(form, &o, 0, &mut SrSpace::default()).unwrap();
                assert!(!solution.fallback, "{form:?} {n_samples}");
                let image = o.times(&solution.update).unwrap();
                let image = o.transposed_times(&image).unwrap();
                let sums = image.iter().zip(&solution.update).zip(&force);
                let residual: Vec<f64> = sums.map(|((x, d), f)| x + 0.02 * d - 2.0 * f).collect();
                let bound = tolerance * largest(&force);
                assert!(largest(&residual) <= bound, "{form:?} {n_samples}");
            }
        }
    }
    residuals::<f64>(1e-11);
    residuals::<Complex<f64>>(1e-11);
    // Matrices are made of single-precision numbers.
    residuals::<f32>(1e-3);
    residuals::<Complex<f32>>(1e-3);
}

/// Fewer parameters than samples: a later panel of the Gram matrix is not positive, the metric is.
#[test]
fn a_matrix_that_ends_positive_early_falls_back() {
    let (state, estimate) = state::<f64>(4, 400);
    let theta = &state.params().values;
    let o = LogDerivatives::new(state.model(), theta, &estimate).unwrap();
    assert!(o.n_reals() < 128);
    let solve = |form, shift: f64| {
        let sr = Sr {
            diag_shift: shift.into(),
            ..Sr::default()
        };
        sr.solve(form, &o, 0, &mut SrSpace::default()).unwrap()
    };
    let gram = solve(SrForm::Gram, 0.0);
    assert!(gram.fallback);
    let force = o.transposed_times(o.epsilon()).unwrap();
    let image = o.transposed_times(&o.times(&gram.update).unwrap()).unwrap();
    for (x, f) in image.iter().zip(&force) {
        assert!((x - 2.0 * f).abs() < 1e-6 * largest(&force));
    }
}

#[test]
fn metric_and_gram_forms_agree() {
    forms::<f64>();
    forms::<c64>();
}

/// Every form of the system, with momentum, in much memory and in little: the same updates step by step.
fn momentum<S: Scalar>(model: impl Fn() -> Arnn<S>) {
    let run = |form: SrForm, memory: usize| -> Vec<Vec<f64>> {
        let model = model();
        let mut state = McState::new(Arc::new(model), 70, 3).unwrap();
        let estimate = state.estimate(&hamiltonian()).unwrap();
        let sr = Sr {
            momentum: Some(0.7),
            form: Some(form),
            ..Sr::default()
        };
        let mut space = SrSpace::default();
        space.memory = memory;
        let (model, theta) = (state.model(), &state.params().values);
        (0..3)
            .map(|step| {
                sr.update(model, theta, &estimate, step, &mut space)
                    .unwrap()
            })
            .inspect(|solution| assert_eq!((solution.form, solution.fallback), (form, false)))
            .map(|solution| solution.update)
            .collect()
    };
    let expected = run(SrForm::Metric, usize::MAX);
    // Momentum makes the second update another than the first.
    let change = expected[0].iter().zip(&expected[1]).map(|(a, b)| a - b);
    assert!(largest(&change.collect::<Vec<_>>()) > 1e-3 * largest(&expected[0]));
    let mut forms = vec![SrForm::Gram, SrForm::Cg];
    if model().layerwise().is_some() {
        forms.push(SrForm::Layerwise);
    }
    for (form, memory) in forms.into_iter().flat_map(|f| [(f, usize::MAX), (f, 0)]) {
        for (a, b) in run(form, memory).iter().zip(&expected) {
            for (a, b) in a.iter().zip(b) {
                // A residual of 1e-10 times the condition number; single precision of the rows.
                let error = if size_of::<S::Real>() == 4 {
                    1e-3
                } else {
                    1e-7
                };
                let scale = largest(&expected[0]);
                assert!((a - b).abs() < error * scale, "{form:?} {memory}: {a} {b}");
            }
        }
    }
}

#[test]
fn forms_agree_with_momentum_and_without_memory() {
    fn both<S: Scalar>() {
        let hilbert = || Hilbert::spin(0.5, 9).unwrap();
        momentum::<S>(|| ArnnConv2d::new(hilbert(), 2, 3, [2, 3]).build().unwrap());
        momentum::<S>(|| ArnnDense::new(hilbert(), 2, 2).build().unwrap());
    }
    both::<f64>();
    both::<f32>();
    both::<c64>();
}

/// An update that is not finite does not come back by the momentum.
#[test]
fn momentum_forgets_what_is_not_finite() {
    let (mut state, estimate) = state::<f64>(2, 40);
    let sr = Sr {
        momentum: Some(0.5),
        ..Sr::default()
    };
    let mut space = SrSpace::default();
    let mut update = |state: &McState<f64>| {
        let theta = &state.params().values;
        sr.update(state.model(), theta, &estimate, 0, &mut space)
            .unwrap()
            .update
    };
    assert!(update(&state).iter().all(|x| x.is_finite()));
    let good = state.params().values.clone();
    state.params_mut().values.fill(f64::NAN);
    assert!(update(&state).iter().any(|x| !x.is_finite()));
    state.params_mut().values = good;
    assert!(update(&state).iter().all(|x| x.is_finite()));
}

/// The cheapest form, by the sizes of the system and of the memory.
#[test]
fn plans_follow_sizes() {
    let hilbert = Hilbert::spin(0.5, 64).unwrap();
    let conv = ArnnConv2d::new(hilbert.clone(), 3, 16, [2, 3]).build::<f64>();
    let conv = conv.unwrap();
    let dense = ArnnDense::new(hilbert, 2, 10).build::<f64>().unwrap();
    let plan = |model: &dyn Autoregressive<f64>, n_samples, memory| {
        Sr::default().plan(model, n_samples, memory)
    };
    let gib = 1 << 30;
    assert_eq!(conv.n_reals(), 1538);
    let few = plan(&conv, 1000, gib);
    assert_eq!((few.form, few.lines, few.kept), (SrForm::Gram, 1008, true));
    assert_eq!(few.bytes, 8 * (1008 * 1008 + 1008 * 1538));
    assert_eq!(plan(&conv, 100_000, 4 * gib).form, SrForm::Metric);
    // Log-derivatives of 1.2 GB do not fit, the matrix does.
    let anew = plan(&conv, 100_000, gib);
    assert_eq!((anew.form, anew.kept), (SrForm::Metric, false));
    let layerwise = plan(&dense, 1024, gib);
    assert_eq!(layerwise.form, SrForm::Layerwise);
    // The matrix, and inputs and cotangents of two layers at 64 sites.
    assert_eq!(layerwise.bytes, 8 * 1024 * (1024 + 64 * (1 + 10 + 10 + 2)));
    // A matrix that fits is made: conjugate gradients take some seven times as long here.
    let hilbert = Hilbert::spin(0.5, 36).unwrap();
    let wide = ArnnConv2d::new(hilbert, 3, 24, [3, 5]).build::<f64>();
    assert_eq!(plan(&wide.unwrap(), 4096, gib).form, SrForm::Gram);
    // Neither 30,000 samples nor 62,528 parameters make a matrix that fits.
    let large = plan(&dense, 30_000, gib);
    assert_eq!((large.form, large.kept), (SrForm::Cg, false));
    for memory in [0, 1 << 20, gib] {
        let plan = plan(&dense, 30_000, memory);
        assert!(plan.bytes <= memory, "{plan:?}");
    }
}

/// Four samples span three directions: without a shift the rest is left out, and it is said.
#[test]
fn singular_matrices_fall_back() {
    let sr = Sr {
        diag_shift: 0.0.into(),
        ..Sr::default()
    };
    let solve =
        |form, o: &LogDerivatives<f64>| sr.solve(form, o, 0, &mut SrSpace::default()).unwrap();
    let (state, estimate) = state::<f64>(4, 4);
    let theta = &state.params().values;
    let o = LogDerivatives::new(state.model(), theta, &estimate).unwrap();
    let solution = solve(SrForm::Metric, &o);
    assert!(solution.fallback);
    assert!(solution.update.iter().all(|x| x.is_finite()));
    // The gradient lies in those directions, so the equation is solved all the same;
    // what is left out is below the cutoff of 1e-12, which leaves 1e-6 in A.
    let (s, gradient) = (
        o.metric().unwrap(),
        estimate.gradient(state.model(), theta).unwrap(),
    );
    for i in 0..gradient.len() {
        let product: f64 = (0..gradient.len())
            .map(|j| s[(i, j)] * solution.update[j])
            .sum();
        assert!((product - gradient[i]).abs() < 1e-6 * largest(&gradient));
    }

    // One sample has no spread: nothing to solve, nothing to move.
    let (state, estimate) = self::state::<f64>(4, 1);
    let o = LogDerivatives::new(state.model(), &state.params().values, &estimate).unwrap();
    for form in [SrForm::Metric, SrForm::Gram] {
        let solution = solve(form, &o);
        assert!(solution.fallback, "{form:?}");
        assert!(largest(&solution.update) < 1e-12, "{form:?}");
    }
}

/// In single precision the matrix has rounding where it should have nothing: both forms leave it out.
#[test]
fn singular_matrices_of_single_precision_fall_back_alike() {
    let sr = Sr {
        diag_shift: 0.0.into(),
        ..Sr::default()
    };
    let (state, estimate) = state::<f32>(4, 4);
    let o = LogDerivatives::new(state.model(), &state.params().values, &estimate).unwrap();
    let [metric, gram] = [SrForm::Metric, SrForm::Gram].map(|form| {
        let solution = sr.solve(form, &o, 0, &mut SrSpace::default()).unwrap();
        solution.update
    });
    let scale = largest(&gram);
    for (a, b) in metric.iter().zip(&gram) {
        // Rounding of 6e-8 in A over the smallest direction kept, 1e-3 of the largest.
        assert!((a - b).abs() < 1e-3 * scale, "{a} {b}");
    }
}

/// The metric of all states is that of its definition, by differences of log ψ.
#[test]
fn metric_is_the_covariance_of_log_derivatives() {
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    // Biases away from 0, where selu has a kink.
    let config = ArnnConv2d {
        bias_init: Initializer::Normal(0.3),
        ..ArnnConv2d::new(hilbert.clone(), 2, 2, [2, 3])
    };
    let model = config.build::<c64>().unwrap();
    let h = ising(&hilbert, &Graph::square(2, false).unwrap(), 1.0, 1.0).unwrap();
    let mut state = FullSumState::new(Arc::new(model), 1).unwrap();
    let estimate = state.estimate(&h).unwrap();
    let s = state.quantum_geometric_tensor(&estimate).unwrap();
    let n_reals = s.nrows();
    let layout = state.params().layout.clone();
    let theta = state.params().values.clone();
    let step = 1e-5;
    let columns: Vec<Vec<c64>> = (0..n_reals)
        .map(|k| {
            let log_psi = |h: f64| {
                let mut change = vec![0.0; n_reals];
                change[k] = h;
                let moved: Vec<c64> = theta
                    .iter()
                    .zip(layout.scatter::<c64>(&change))
                    .map(|(a, b)| a + b)
                    .collect();
                state
                    .model()
                    .log_psi(&moved, &estimate.samples.sigma)
                    .unwrap()
            };
            let (up, down) = (log_psi(step), log_psi(-step));
            let o = up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * step));
            let o: Vec<c64> = o.collect();
            let mean: c64 = o.iter().zip(&estimate.weights).map(|(o, w)| o * w).sum();
            o.iter().map(|o| o - mean).collect()
        })
        .collect();
    for i in 0..n_reals {
        for j in 0..n_reals {
            let expected: f64 = (0..estimate.weights.len())
                .map(|n| estimate.weights[n] * (columns[i][n].conj() * columns[j][n]).re)
                .sum();
            // Differences are right to step² and rounding/step.
            assert!((s[(i, j)] - expected).abs() < 1e-8, "{i} {j}");
        }
    }
}

/// In single precision the Gram matrix layer by layer, sums over 256 sites, is as near to that in double
/// precision as the one from log-derivatives.
#[test]
fn layer_by_layer_keeps_the_digits() {
    const N: usize = 48;
    /// Elements of a Gram matrix by (sample, part of log ψ), without the lanes left over.
    fn elements<S: Scalar>(gram: &Mat<f64>) -> Vec<f64> {
        let lanes = <S::Real as Real>::Row::LANES;
        let line = |(n, plane): (usize, usize)| (n / lanes * S::PLANES + plane) * lanes + n % lanes;
        let lines: Vec<usize> = (0..N)
            .flat_map(|n| (0..S::PLANES).map(move |plane| (n, plane)))
            .map(line)
            .collect();
        let pairs = lines
            .iter()
            .flat_map(|&i| lines.iter().map(move |&j| (i, j)));
        pairs.map(|pair| gram[pair]).collect()
    }
    /// Gram matrices from log-derivatives and layer by layer.
    fn grams<S: Scalar>(model: &Arnn<S>, theta: &[c64], sigma: &[u8]) -> [Vec<f64>; 2] {
        let theta: Vec<S> = theta.iter().map(|&z| S::from_c64(z)).collect();
        let local_values = vec![c64::ONE; N];
        let estimate = Estimate {
            samples: Samples {
                sigma: sigma.to_vec(),
                log_psi: model.log_psi(&theta, sigma).unwrap(),
            },
            weights: vec![1.0 / N as f64; N],
            stats: Stats::of_samples(&local_values),
            local_values,
        };
        let o = LogDerivatives::new(model, &theta, &estimate)
            .unwrap()
            .gram()
            .unwrap();
        let by_layer = layerwise::gram(model, &theta, &estimate).unwrap().unwrap();
        [elements::<S>(&o), elements::<S>(&by_layer)]
    }
    fn distance(a: &[f64], b: &[f64]) -> f64 {
        let norm = |x: Vec<f64>| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        norm(a.iter().zip(b).map(|(a, b)| a - b).collect()) / norm(b.to_vec())
    }
    fn keeps<S: Scalar, D: Scalar>() {
        let model = ArnnDense::new(Hilbert::spin(0.5, 256).unwrap(), 2, 3);
        let (single, double) = (model.build::<S>().unwrap(), model.build::<D>().unwrap());
        let theta = single.init(Key::new(7)).values;
        let sigma = single.sample(&theta, N, Key::new(7)).unwrap().sigma;
        let theta: Vec<c64> = theta.iter().map(|z| z.to_c64()).collect();
        let [exact, by_layer] = grams(&double, &theta, &sigma);
        assert!(distance(&by_layer, &exact) < 1e-14);
        let [o, by_layer] = grams(&single, &theta, &sigma).map(|gram| distance(&gram, &exact));
        println!("{o:e} {by_layer:e}");
        assert!(o < 2e-7 && by_layer < 1.5 * o, "{o:e} {by_layer:e}");
    }
    keeps::<f32, f64>();
    keeps::<Complex<f32>, c64>();
}
