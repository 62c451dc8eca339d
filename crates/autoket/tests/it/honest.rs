//! Mistakes that other programs have made without a word: issues of NetKet by their numbers, each a test here or,
//! where the module has it anyway, named in docs/reliability.md. And numbers at the ends of what there is.

use std::sync::Arc;

use autoket::driver::Vmc;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnConv2d, ArnnDense, Autoregressive, Samples};
use autoket::operator::{Operator, bose_hubbard, ising};
use autoket::optimizer::{Optimizer, Sr};
use autoket::params::Params;
use autoket::random::Key;
use autoket::ranks::Ranked;
use autoket::vqs::{Estimate, FullSumState, McState, VariationalState};
use autoket::{Error, Scalar, c64};
use num_complex::Complex;

use crate::ranks::with_ranks;

fn square(n: usize) -> (Hilbert, impl Operator) {
    let hilbert = Hilbert::spin(0.5, n * n).unwrap();
    let graph = Graph::square(n, false).unwrap();
    let h = ising(&hilbert, &graph, 2.0, 1.0).unwrap();
    (hilbert, h)
}

/// #646, #1149: over a thousand sets of samples, the exact value lies within one error bar 68 % of the time.
#[test]
fn error_bars_are_honest() {
    fn within<S: Scalar>() -> f64 {
        let (hilbert, h) = square(3);
        let model = ArnnConv2d::new(hilbert, 2, 4, [2, 3]).build::<S>().unwrap();
        let model = Arc::new(model);
        let mut full = FullSumState::new(model.clone(), 3).unwrap();
        let exact = full.expect(&h).unwrap();
        let sets = 1000;
        let mut state = McState::new(model, 500, 3).unwrap();
        let hits = (0..sets).filter(|_| {
            let sampled = state.expect(&h).unwrap();
            (sampled.mean.re - exact.mean.re).abs() < sampled.error_of_mean
        });
        hits.count() as f64 / f64::from(sets)
    }
    for share in [within::<f64>(), within::<f32>()] {
        // Its standard deviation over a thousand draws is 1.5 %.
        assert!((share - 0.683).abs() < 0.04, "{share}");
    }
    // Local energies of a complex wave function are complex, and NetKet's error is that of their complex mean:
    // at least as large as that of its real part.
    let share = within::<Complex<f64>>();
    assert!((0.643..0.9).contains(&share), "{share}");
}

/// #2228, #2218: the metric of a batch that ranks share is that of the whole, nothing dropped.
#[test]
fn a_shared_metric_is_the_whole_one() {
    fn metric<S: Scalar>(model: Arc<dyn Autoregressive<S>>) -> Vec<u64> {
        let graph = Graph::square(3, false).unwrap();
        let h = ising(model.hilbert(), &graph, 2.0, 1.0).unwrap();
        let mut state = McState::new(model, 601, 3).unwrap();
        let estimate = state.estimate(&h).unwrap();
        assert_eq!(estimate.weights.len(), 601);
        let metric = state.quantum_geometric_tensor(&estimate).unwrap();
        let n = metric.nrows();
        let entries = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        entries.map(|(i, j)| metric[(i, j)].to_bits()).collect()
    }
    fn agree<S: Scalar>() {
        let (hilbert, _) = square(3);
        let model: Arc<dyn Autoregressive<S>> = Arc::new(
            ArnnConv2d::new(hilbert, 2, 12, [2, 3])
                .build::<S>()
                .unwrap(),
        );
        // Columns are dealt out by 32.
        assert!(model.n_reals() > 4 * 32);
        let whole = metric(model.clone());
        for size in [2, 3, 4] {
            assert_eq!(
                with_ranks(size, |ranks| metric(Ranked::share(model.clone(), ranks))),
                whole
            );
        }
    }
    agree::<f64>();
    agree::<Complex<f64>>();
}

/// #873: the metric of a complex model is the covariance of its log-derivatives, symmetric and without negative
/// eigenvalues, by differences of log ψ.
#[test]
fn the_metric_of_a_complex_model_is_right() {
    type C = Complex<f64>;
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let graph = Graph::square(2, false).unwrap();
    let h = ising(&hilbert, &graph, 2.0, 1.0).unwrap();
    let model = Arc::new(ArnnDense::new(hilbert, 2, 2).build::<C>().unwrap());
    let mut state = FullSumState::new(model.clone(), 3).unwrap();
    // Away from zero, where activations have their kinks.
    let layout = state.params().layout.clone();
    let values = state.params_mut().values.iter_mut().enumerate();
    for (i, x) in values.filter(|(i, _)| layout.active(*i).is_some()) {
        *x += C::new((1.0 + i as f64).sin(), (1.0 + i as f64).cos()) * 0.3;
    }
    let estimate = state.estimate(&h).unwrap();
    let metric = state.quantum_geometric_tensor(&estimate).unwrap();

    let theta = state.params().values.clone();
    let sigma = &estimate.samples.sigma;
    let step = 1e-6;
    let derivative = |k: usize, direction: C| -> Vec<c64> {
        let moved = |sign: f64| {
            let mut theta = theta.clone();
            theta[k] += direction * (sign * step);
            model.log_psi(&theta, sigma).unwrap()
        };
        let pairs = moved(1.0).into_iter().zip(moved(-1.0));
        pairs
            .map(|(plus, minus)| (plus - minus) / (2.0 * step))
            .collect()
    };
    let free = (0..theta.len()).filter(|&k| layout.active(k).is_some());
    let rows: Vec<Vec<c64>> = free
        .flat_map(|k| [C::new(1.0, 0.0), C::new(0.0, 1.0)].map(|by| derivative(k, by)))
        .collect();
    assert_eq!(metric.nrows(), rows.len());
    let mean = |f: &dyn Fn(usize) -> c64| -> c64 {
        let weights = estimate.weights.iter().enumerate();
        weights.map(|(n, w)| f(n) * *w).sum()
    };
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            let covariance =
                mean(&|n| a[n].conj() * b[n]) - mean(&|n| a[n].conj()) * mean(&|n| b[n]);
            assert!((metric[(i, j)] - covariance.re).abs() < 1e-8, "{i} {j}");
            assert_eq!(metric[(i, j)], metric[(j, i)]);
        }
    }
    let lowest = metric.self_adjoint_eigenvalues(faer::Side::Lower).unwrap()[0];
    assert!(lowest > -1e-12, "{lowest}");
}

fn state<S: Scalar>(model: Arnn<S>, values: Vec<S>, n_samples: usize) -> McState<S> {
    let params = Params {
        layout: model.layout().clone(),
        values,
    };
    let sampler = autoket::sampler::DirectSampler::of_seed(1);
    McState::of(Arc::new(model), params, sampler, n_samples).unwrap()
}

/// Parameters that are no numbers, or as large or small as there are, are an error or give numbers: never a panic.
#[test]
fn parameters_at_the_ends() {
    fn run<S: Scalar>() {
        let (hilbert, h) = square(2);
        let h: Arc<dyn Operator> = Arc::new(h);
        let ends = [
            f64::NAN,
            f64::INFINITY,
            -f64::INFINITY,
            1e300,
            -1e300,
            5e-324,
            0.0,
            -0.0,
        ];
        for x in ends {
            for sr in [None, Some(Sr::default())] {
                let model = ArnnConv2d::new(hilbert.clone(), 2, 2, [2, 3])
                    .build::<S>()
                    .unwrap();
                let mut values = model.init(Key::new(0)).values;
                let last = values.len() - 1;
                values[last] = S::from_c64(c64::new(x, 0.0));
                values[0] = S::from_c64(c64::new(x, x));
                let state = state(model, values.clone(), 50);
                let mut vmc = Vmc::new(h.clone(), state, Optimizer::sgd(1e-3), sr).unwrap();
                match vmc.advance() {
                    Ok(record) => assert!(record.energy.mean.re.is_finite(), "{x}"),
                    Err(Error::NotFinite { .. }) => {}
                    Err(other) => panic!("{x}: {other}"),
                }
            }
        }
    }
    run::<f64>();
    run::<f32>();
    run::<Complex<f64>>();
}

/// An update that overflows leaves the parameters, and the run can go on with half the rate.
#[test]
fn huge_learning_rates() {
    let (hilbert, h) = square(2);
    let h: Arc<dyn Operator> = Arc::new(h);
    let model = ArnnConv2d::new(hilbert, 2, 2, [2, 3])
        .build::<f64>()
        .unwrap();
    let values = model.init(Key::new(0)).values;
    let mut vmc = Vmc::new(h, state(model, values, 50), Optimizer::sgd(f64::MAX), None).unwrap();
    let mut refused = 0;
    for _ in 0..20 {
        match vmc.advance() {
            Ok(record) => assert!(record.energy.mean.re.is_finite()),
            Err(Error::NotFinite { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        vmc.halve_learning_rate();
        assert!(vmc.state.params().values.iter().all(|x| x.is_finite()));
    }
    assert!(refused > 0);
}

/// An eigenstate has no variance, and one sample no error: numbers all the same.
#[test]
fn zero_variance_and_one_sample() {
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let graph = Graph::square(2, false).unwrap();
    // Without a field every basis state is an eigenstate.
    let h: Arc<dyn Operator> = Arc::new(ising(&hilbert, &graph, 0.0, 0.0).unwrap());
    for n_samples in [1, 2, 33] {
        let model = ArnnDense::new(hilbert.clone(), 1, 1)
            .build::<f64>()
            .unwrap();
        let values = model.init(Key::new(0)).values;
        let state = state(model, values, n_samples);
        let mut vmc =
            Vmc::new(h.clone(), state, Optimizer::adam(0.1), Some(Sr::default())).unwrap();
        for _ in 0..3 {
            let energy = vmc.advance().unwrap().energy;
            assert_eq!((energy.mean.re, energy.variance), (0.0, 0.0));
        }
    }
}

/// The most local states there are and the fewest, one site, two sites.
#[test]
fn spaces_at_the_ends() {
    for (n_max, n_sites) in [(255, 2), (255, 1), (1, 1), (1, 2)] {
        let hilbert = Hilbert::fock(n_max, n_sites).unwrap();
        let graph = Graph::chain(n_sites, false).unwrap();
        let h: Arc<dyn Operator> =
            Arc::new(bose_hubbard(&hilbert, &graph, 1.0, 0.5, 1.0, 0.1).unwrap());
        let model = ArnnDense::new(hilbert.clone(), 2, 2)
            .build::<f64>()
            .unwrap();
        let values = model.init(Key::new(0)).values;
        let all = hilbert.all_states().unwrap();
        let log_psi = model.log_psi(&values, &all).unwrap();
        let norm: f64 = log_psi.iter().map(|y| (2.0 * y).exp()).sum();
        assert!((norm - 1.0).abs() < 1e-10, "{n_max} {n_sites}: {norm}");
        let state = state(model, values, 40);
        let mut vmc = Vmc::new(h, state, Optimizer::adam(0.01), Some(Sr::default())).unwrap();
        for _ in 0..3 {
            assert!(vmc.advance().unwrap().energy.mean.re.is_finite());
        }
    }
    // Few particles on many sites: what is remembered of a beginning is no more than their number.
    let sparse = Hilbert::fock(8, 951).unwrap().with_n_particles(8).unwrap();
    assert_eq!(sparse.n_states(), Some(17_087_437_061_847_628_641)); // 958 over 8
    assert!(Hilbert::fock(256, 2).is_err());
    assert!(Hilbert::fock(0, 2).is_err());
}

/// An estimate made of parts that do not belong together is refused where it is read.
#[test]
fn what_does_not_fit_is_refused() {
    let (hilbert, _) = square(2);
    let model = ArnnDense::new(hilbert, 1, 1).build::<f64>().unwrap();
    let theta = model.init(Key::new(0)).values;
    let estimate = Estimate {
        samples: Samples {
            sigma: vec![0; 8],
            log_psi: vec![0.0; 2],
        },
        weights: vec![1.0],
        ..Estimate::default()
    };
    assert!(estimate.gradient(&model, &theta).is_err());
}
