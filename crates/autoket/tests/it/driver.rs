//! Whole runs against NetKet's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use autoket::driver::{Minimizer, Vmc};
use autoket::graph::{Graph, SymmetryGroup};
use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnDense, Autoregressive, RowOf, Samples, Symmetrized};
use autoket::operator::{Connected, LocalOperator, Operator, Symmetries, ising};
use autoket::optimizer::layerwise::Layer;
use autoket::optimizer::{Changing, Optimizer, Rule, Schedule, Sr, SrForm, SrSpace};
use autoket::params::{Layout, Params};
use autoket::random::Key;
use autoket::vqs::{FullSumState, McState, VariationalState};
use autoket::{Error, Interrupt, Scalar, c64};
use num_complex::Complex;
use serde_json::Value;

use crate::models::config;
use crate::{golden, operator::operator};

fn run<S: Scalar>(name: &str, spec: &Value) {
    let model = config(spec).build::<S>().unwrap();
    let hilbert = golden::hilbert(&spec["hilbert"]);
    let hamiltonian = operator(&hilbert, &spec["hamiltonian"]);
    let (n_samples, seed) = (
        golden::index(&spec["n_samples"]),
        spec["seed"].as_i64().unwrap(),
    );
    let state = McState::new(Arc::new(model), n_samples, seed).unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let rule = &spec["optimizer"];
    let rate = number(&rule["learning_rate"]);
    let optimizer = match rule["kind"].as_str().unwrap() {
        "sgd" => Optimizer::sgd(rate),
        "momentum" => {
            let nesterov = rule["nesterov"].as_bool().unwrap();
            Optimizer::new(
                Rule::Momentum {
                    beta: number(&rule["beta"]),
                    nesterov,
                },
                rate,
            )
        }
        "adam" => {
            let [b1, b2, eps] = ["b1", "b2", "eps"].map(|key| number(&rule[key]));
            Optimizer::new(Rule::Adam { b1, b2, eps }, rate)
        }
        other => panic!("{other}"),
    };
    let driver = &spec["driver"];
    let sr = driver.get("diag_shift").map(|shift| Sr {
        diag_shift: number(shift).into(),
        momentum: driver.get("momentum").map(number),
        form: driver.get("use_ntk").map(|ntk| match ntk.as_bool() {
            Some(true) => SrForm::Gram,
            _ => SrForm::Metric,
        }),
    });
    let mut vmc = Vmc::new(Arc::new(hamiltonian), state, optimizer, sr).unwrap();
    for step in 0..golden::index(&spec["n_steps"]) {
        let energy = vmc.advance().unwrap().energy;
        let mean = &spec["energy_mean"][step];
        let mean = c64::new(number(&mean[0]), number(&mean[1]));
        let variance = number(&spec["energy_variance"][step]);
        // Rounding grows along a run; a sample drawn differently would show in the third digit.
        assert!(
            (energy.mean - mean).norm() < 1e-7 * mean.norm(),
            "{name} {step}: {} {mean}",
            energy.mean
        );
        assert!(
            (energy.variance - variance).abs() < 1e-6 * (1.0 + variance),
            "{name} {step}"
        );
    }
}

#[test]
fn runs_agree_with_netket() {
    let mut n = 0;
    for name in golden::names("run_") {
        let spec = golden::json(&name);
        let driver = &spec["driver"];
        let known = matches!(
            spec["optimizer"]["kind"].as_str().unwrap(),
            "sgd" | "momentum" | "adam"
        );
        if !known || driver.get("diag_scale").is_some() {
            continue;
        }
        n += 1;
        match spec["dtype"].as_str().unwrap() {
            "float64" => run::<f64>(&name, &spec),
            "complex128" => run::<Complex<f64>>(&name, &spec),
            other => panic!("{other}"),
        }
    }
    assert!(n >= 16, "only {n} runs");
}

/// The whole run is the same, bit for bit, on one thread and on three.
#[test]
fn threads_do_not_matter() {
    let spec = golden::json("run_3x3_sr");
    let energies = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let model = config(&spec).build::<f64>().unwrap();
            let hamiltonian = operator(&golden::hilbert(&spec["hilbert"]), &spec["hamiltonian"]);
            let state = McState::new(Arc::new(model), 500, 1).unwrap();
            let mut vmc = Vmc::new(
                Arc::new(hamiltonian),
                state,
                Optimizer::adam(0.01),
                Some(Sr::default()),
            )
            .unwrap();
            (0..5)
                .map(|_| vmc.advance().unwrap().energy.mean.re.to_bits())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(energies(1), energies(3));
}

/// Log-derivatives that are not kept but computed anew give the same update, bit for bit.
#[test]
fn memory_does_not_matter() {
    use autoket::optimizer::LogDerivatives;
    let spec = golden::json("run_3x3_c128_sr");
    let model = config(&spec).build::<Complex<f64>>().unwrap();
    let hamiltonian = operator(&golden::hilbert(&spec["hilbert"]), &spec["hamiltonian"]);
    let mut state = McState::new(Arc::new(model), 1300, 1).unwrap();
    let estimate = state.estimate(&hamiltonian).unwrap();
    let (model, theta) = (state.model(), &state.params().values);
    let kept = LogDerivatives::new(model, theta, &estimate).unwrap();
    let anew = LogDerivatives::within(
        Default::default(),
        false,
        model,
        theta,
        &estimate,
        &Interrupt::default(),
    )
    .unwrap();
    let solve = |form, o: &LogDerivatives<Complex<f64>>| {
        Sr::default()
            .solve(form, o, 0, &mut SrSpace::default())
            .unwrap()
    };
    for form in [SrForm::Metric, SrForm::Gram, SrForm::Cg] {
        assert_eq!(solve(form, &kept).update, solve(form, &anew).update);
    }
    let (metric, gram) = (solve(SrForm::Metric, &kept), solve(SrForm::Gram, &kept));
    let scale = metric
        .update
        .iter()
        .fold(0.0, |max: f64, x| max.max(x.abs()));
    for (a, b) in metric.update.iter().zip(&gram.update) {
        assert!((a - b).abs() < 1e-9 * scale, "{a} {b}");
    }
}

/// Steps that leave the numbers are refused, and the parameters stay those before.
#[test]
fn bad_steps_are_refused() {
    let spec = golden::json("run_3x3_sgd");
    for (rate, sr) in [
        (1e300, false),
        (f64::MAX, false),
        (f64::MAX, true),
        (1e300, true),
    ] {
        let model = config(&spec).build::<f64>().unwrap();
        let hamiltonian = operator(&golden::hilbert(&spec["hilbert"]), &spec["hamiltonian"]);
        let state = McState::new(Arc::new(model), 64, 1).unwrap();
        let sr = sr.then(Sr::default);
        let mut vmc = Vmc::new(Arc::new(hamiltonian), state, Optimizer::sgd(rate), sr).unwrap();
        let mut refused = false;
        // Parameters of the last step whose energy was finite.
        let mut good = None;
        for step in 0..3 {
            let before = vmc.state.params().values.clone();
            assert!(before.iter().all(|x| x.is_finite()));
            match vmc.advance() {
                Ok(record) => {
                    assert_eq!((record.step, vmc.steps()), (step, step + 1));
                    good = Some(before);
                }
                Err(Error::NotFinite { step: at, what, .. }) => {
                    println!("{rate:e}: {what} at {at}");
                    assert_eq!((at, vmc.steps()), (step, step));
                    let expected = if what == "the energy" {
                        good.unwrap_or(before)
                    } else {
                        before
                    };
                    assert_eq!(vmc.state.params().values, expected);
                    refused = true;
                    break;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(refused, "{rate:e}");
    }
}

/// Counts what is asked of a model or an operator, and raises an interrupt at one of these calls.
#[derive(Clone)]
struct Watch {
    calls: Arc<AtomicUsize>,
    raise_at: usize,
    interrupt: Interrupt,
}

impl Watch {
    fn new(raise_at: usize) -> Self {
        Self {
            calls: Arc::default(),
            raise_at,
            interrupt: Interrupt::default(),
        }
    }

    fn see(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) == self.raise_at {
            self.interrupt.raise();
        }
    }
}

struct Watched<T>(T, Watch);

impl Operator for Watched<LocalOperator> {
    fn hilbert(&self) -> &Hilbert {
        self.0.hilbert()
    }
    fn is_hermitian(&self) -> bool {
        self.0.is_hermitian()
    }
    fn max_conn_size(&self) -> usize {
        self.0.max_conn_size()
    }
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        self.1.see();
        self.0.connected(sigma, out);
    }
}

impl<S: Scalar> Ansatz<S> for Watched<Arnn<S>> {
    fn hilbert(&self) -> &Hilbert {
        self.0.hilbert()
    }
    fn layout(&self) -> &Arc<Layout> {
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
        self.1.see();
        self.0.vjp(theta, sigma, cotangent, sum)
    }
    fn jacobian(&self, theta: &[S], sigma: &[u8], out: &mut [RowOf<S>]) -> autoket::Result<()> {
        self.1.see();
        self.0.jacobian(theta, sigma, out)
    }
    fn local_values_into(
        &self,
        theta: &[S],
        sigma: &[u8],
        o: &dyn Operator,
        out: &mut [c64],
    ) -> autoket::Result<()> {
        self.0.local_values_into(theta, sigma, o, out)
    }
    fn layerwise(&self) -> Option<Vec<Layer>> {
        self.0.layerwise()
    }
    fn layerwise_factors(
        &self,
        theta: &[S],
        sigma: &[u8],
        out: &mut [RowOf<S>],
    ) -> autoket::Result<()> {
        self.1.see();
        self.0.layerwise_factors(theta, sigma, out)
    }
    fn tabulate(&self, n_samples: usize) -> String {
        self.0.tabulate(n_samples)
    }
}

impl<S: Scalar> Autoregressive<S> for Watched<Arnn<S>> {
    fn conditionals_log_psi_into(
        &self,
        theta: &[S],
        sigma: &[u8],
        out: &mut [S],
    ) -> autoket::Result<()> {
        self.0.conditionals_log_psi_into(theta, sigma, out)
    }
    fn machine_pow(&self) -> u32 {
        self.0.machine_pow()
    }
    fn sample_places_into(
        &self,
        theta: &[S],
        places: std::ops::Range<usize>,
        key: Key,
        samples: &mut Samples<S>,
    ) -> autoket::Result<()> {
        self.1.see();
        self.0.sample_places_into(theta, places, key, samples)
    }
}

/// A run that is watched: Adam and, with a form, SPRING; of a network or its average over the spin flip.
fn watched(
    raise_at: usize,
    n_samples: usize,
    sr: Option<(SrForm, usize)>,
    is_averaged: bool,
) -> (Vmc<f64, McState<f64>>, Watch) {
    let spec = golden::json("run_3x3_sr");
    let watch = Watch::new(raise_at);
    let hilbert = golden::hilbert(&spec["hilbert"]);
    let hamiltonian = Watched(operator(&hilbert, &spec["hamiltonian"]), watch.clone());
    let model = match sr {
        Some((SrForm::Layerwise, _)) => ArnnDense::new(hilbert, 2, 3).build(),
        _ => config(&spec).build(),
    };
    let network = Arc::new(Watched(model.unwrap(), watch.clone()));
    let model: Arc<dyn Autoregressive<f64>> = match is_averaged {
        true => {
            let group = SymmetryGroup::generated_by(9, &[]).unwrap();
            Arc::new(Symmetrized::new(network, Symmetries::new(&group, true)).unwrap())
        }
        false => network,
    };
    let state = McState::new(model, n_samples, 1).unwrap();
    let solver = sr.map(|(form, _)| Sr {
        form: Some(form),
        momentum: Some(0.5),
        ..Sr::default()
    });
    let mut vmc = Vmc::new(Arc::new(hamiltonian), state, Optimizer::adam(0.01), solver).unwrap();
    vmc.set_memory(sr.map_or(usize::MAX, |(_, memory)| memory));
    vmc.set_interrupt(watch.interrupt.clone());
    (vmc, watch)
}

/// A step that is interrupted leaves all as it was; the run that goes on is the run that was never interrupted,
/// bit for bit.
#[test]
fn interrupted_steps_leave_no_trace() {
    const STEPS: usize = 3;
    let all = usize::MAX;
    for (sr, is_averaged) in [
        (None, false),
        (None, true),
        (Some((SrForm::Metric, all)), false),
        (Some((SrForm::Metric, 0)), false),
        (Some((SrForm::Gram, all)), false),
        (Some((SrForm::Gram, all)), true),
        (Some((SrForm::Gram, 0)), false),
        (Some((SrForm::Gram, 0)), true),
        (Some((SrForm::Cg, 0)), false),
        (Some((SrForm::Layerwise, all)), false),
    ] {
        let (mut vmc, watch) = watched(usize::MAX, 600, sr, is_averaged);
        for _ in 0..STEPS {
            vmc.advance().unwrap();
        }
        let expected = &vmc.state.params().values;
        let calls = watch.calls.load(Ordering::SeqCst);
        let mut interrupted = 0;
        let points = (0..8).map(|i| calls * i / 8).chain(calls - 4..calls);
        for raise_at in points {
            let (mut vmc, _) = watched(raise_at, 600, sr, is_averaged);
            while vmc.steps() < STEPS {
                let before = vmc.state.params().values.clone();
                match vmc.advance() {
                    Ok(_) => {}
                    Err(Error::Interrupted) => {
                        interrupted += 1;
                        assert_eq!(vmc.state.params().values, before);
                        vmc.set_interrupt(Interrupt::default());
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(&vmc.state.params().values, expected, "{sr:?} {raise_at}");
        }
        assert!(interrupted >= 8, "{sr:?}: {interrupted}");
    }
}

/// Conjugate gradients without log-derivatives kept make them once for the mean, once for the right-hand side,
/// and once in each iteration: of four samples, whose deviations span three directions, three times.
#[test]
fn conjugate_gradients_make_log_derivatives_once_an_iteration() {
    let (mut vmc, watch) = watched(usize::MAX, 4, Some((SrForm::Cg, 0)), false);
    vmc.advance().unwrap();
    let of_samples = 1 + 4;
    assert_eq!(watch.calls.load(Ordering::SeqCst), of_samples + 1 + 1 + 3);
}

/// The update is the same, bit for bit, on one thread and on three, of matrices so large that the dense solver
/// takes several.
#[test]
fn threads_do_not_matter_to_large_systems() {
    let spec = golden::json("run_3x3_sr");
    let hilbert = golden::hilbert(&spec["hilbert"]);
    let hamiltonian = operator(&hilbert, &spec["hamiltonian"]);
    let model = autoket::models::ArnnConv2d::new(hilbert, 3, 14, [3, 3]);
    let model: Arc<Arnn<f64>> = Arc::new(model.build().unwrap());
    assert!(model.n_reals() >= 1024, "{}", model.n_reals());
    let updates = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut state = McState::new(model.clone(), 1040, 1).unwrap();
            let estimate = state.estimate(&hamiltonian).unwrap();
            let (model, theta) = (state.model(), &state.params().values);
            [SrForm::Metric, SrForm::Gram, SrForm::Cg].map(|form| {
                let sr = Sr {
                    form: Some(form),
                    ..Sr::default()
                };
                let space = &mut SrSpace::default();
                let solution = sr.update(model, theta, &estimate, 0, space).unwrap();
                assert!(!solution.fallback);
                solution
                    .update
                    .iter()
                    .map(|x| x.to_bits())
                    .collect::<Vec<_>>()
            })
        })
    };
    let (one, three) = (updates(1), updates(3));
    for (form, (one, three)) in one.iter().zip(&three).enumerate() {
        assert!(one == three, "{form}");
    }
}

/// The halves of a step are a step, and the second needs the first.
#[test]
fn a_step_is_made_once_it_is_proposed() {
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let graph = Graph::chain(4, true).unwrap();
    let hamiltonian = Arc::new(ising(&hilbert, &graph, 1.0, 1.0).unwrap());
    let model = Arc::new(ArnnDense::new(hilbert, 2, 3).build::<f64>().unwrap());
    let state = || McState::new(model.clone(), 64, 1).unwrap();
    let (optimizer, sr) = (Optimizer::adam(0.01), Some(Sr::default()));
    let mut vmc = Vmc::new(hamiltonian.clone(), state(), optimizer.clone(), sr).unwrap();
    let mut halves = Minimizer::new(hamiltonian, optimizer, sr).unwrap();
    let mut state = state();
    assert!(halves.accept(&mut state).is_err());
    for _ in 0..3 {
        let expected = vmc.advance().unwrap().energy;
        let before = state.params().values.clone();
        assert_eq!(halves.propose(&mut state).unwrap().energy, expected);
        assert_eq!(state.params().values, before);
        halves.accept(&mut state).unwrap();
        assert_eq!(state.params().values, vmc.state.params().values);
        assert!(halves.accept(&mut state).is_err());
        assert_eq!(state.params().values, vmc.state.params().values);
    }
    assert_eq!(halves.steps(), vmc.steps());
}

/// A proposal that is withdrawn, or given up for another one, leaves nothing: not its samples, not its momentum.
#[test]
fn proposals_that_are_not_made_leave_no_trace() {
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let graph = Graph::chain(4, true).unwrap();
    let hamiltonian: Arc<dyn Operator> = Arc::new(ising(&hilbert, &graph, 1.0, 1.0).unwrap());
    let begin = || {
        let model = ArnnDense::new(hilbert.clone(), 2, 2)
            .build::<f64>()
            .unwrap();
        let sr = Sr {
            momentum: Some(0.9),
            ..Sr::default()
        };
        let minimizer =
            Minimizer::new(hamiltonian.clone(), Optimizer::adam(0.05), Some(sr)).unwrap();
        (minimizer, McState::new(Arc::new(model), 40, 1).unwrap())
    };
    let change = |minimizer: &Minimizer<f64>| minimizer.change().to_vec();
    let (mut minimizer, mut state) = begin();
    let (mut again, mut other) = begin();
    for _ in 0..3 {
        minimizer.propose(&mut state).unwrap();
        minimizer.accept(&mut state).unwrap();

        again.propose(&mut other).unwrap();
        // Draws in between do not matter.
        other.sample().unwrap();
        again.withdraw(&mut other);
        assert!(again.accept(&mut other).is_err());
        again.checkpoint(&other).unwrap();
        again.propose(&mut other).unwrap();
        assert_eq!(change(&again), change(&minimizer));
        again.accept(&mut other).unwrap();
        // Nothing is left to withdraw.
        again.withdraw(&mut other);
        assert_eq!(other.params().values, state.params().values);
        assert_eq!(other.key(), state.key());
    }
    // Given up for other samples: as if its samples had been drawn by somebody else.
    minimizer.propose(&mut state).unwrap();
    minimizer.propose(&mut state).unwrap();
    other.sample().unwrap();
    again.propose(&mut other).unwrap();
    assert_eq!(change(&again), change(&minimizer));
}

/// With a temperature the gradient is that of ⟨H⟩ + T Σ |ψ|² ln |ψ|², by differences; what is told is the energy.
#[test]
fn a_temperature_adds_the_entropy() {
    fn check<S: Scalar<Real = f64>>(directions: &[S]) {
        let hilbert = Hilbert::spin(0.5, 6).unwrap().with_total_sz(0.0).unwrap();
        let graph = Graph::chain(6, false).unwrap();
        let hamiltonian = autoket::operator::heisenberg(&hilbert, &graph, &[1.0], None).unwrap();
        let model = Arc::new(ArnnDense::new(hilbert, 2, 2).build::<S>().unwrap());
        let mut state = FullSumState::new(model, 3).unwrap();
        let layout = state.params().layout.clone();
        // Away from zero, where activations have their kinks.
        let values = state.params_mut().values.iter_mut().enumerate();
        for (i, x) in values.filter(|(i, _)| layout.active(*i).is_some()) {
            *x += S::new((1.0 + i as f64).sin(), (1.0 + i as f64).cos()) * S::new(0.3, 0.0);
        }
        let temperature = Schedule::Changing(Changing::Linear {
            init_value: 1.5,
            end_value: 0.0,
            transition_steps: 2,
        });
        let hamiltonian = Arc::new(hamiltonian);
        let free_energy = |state: &mut FullSumState<S>, temperature: f64| {
            let estimate = state.estimate(&*hamiltonian).unwrap();
            let entropy: f64 = estimate.weights.iter().map(|p| -p * p.ln()).sum();
            estimate.stats.mean.re - temperature * entropy
        };
        let mut minimizer = Minimizer::new(hamiltonian.clone(), Optimizer::sgd(0.1), None).unwrap();
        minimizer.set_temperature(temperature);
        for temperature in [1.5, 0.75, 0.0] {
            let record = minimizer.propose(&mut state).unwrap();
            let estimate = state.estimate(&*hamiltonian).unwrap();
            assert_eq!(record.energy, estimate.stats);
            assert_eq!(minimizer.estimate().stats, estimate.stats);
            assert_eq!(minimizer.estimate().local_values, estimate.local_values);
            for k in (0..layout.n_parameters()).filter(|&k| layout.active(k).is_some()) {
                for &direction in directions {
                    let moved = |step: f64| {
                        let mut state = state.clone();
                        state.params_mut().values[k] += direction * S::new(step, 0.0);
                        free_energy(&mut state, temperature)
                    };
                    let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    // Re(g* d), the derivative in this direction.
                    let change = minimizer.change()[k];
                    let found = change.re() * direction.re() + change.im() * direction.im();
                    assert!(
                        (found - expected).abs() < 1e-6 * (1.0 + expected.abs()),
                        "{temperature} {k}: {found} {expected}"
                    );
                }
            }
            minimizer.accept(&mut state).unwrap();
        }
    }
    check::<f64>(&[1.0]);
    check::<Complex<f64>>(&[Complex::ONE, Complex::I]);
}
