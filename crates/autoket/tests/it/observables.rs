//! Observables against sums over all states, and errors against their spread.

use std::sync::Arc;

use autoket::c64;
use autoket::exact;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{Arnn, ArnnDense};
use autoket::nn::Initializer;
use autoket::observables::{Measured, Measurement, Observable, ObservableName};
use autoket::operator::{heisenberg, ising, total_spin};
use autoket::vqs::{McState, VariationalState};

fn model(hilbert: &Hilbert) -> Arnn<c64> {
    let config = ArnnDense {
        bias_init: Initializer::Normal(0.4),
        ..ArnnDense::new(hilbert.clone(), 2, 3)
    };
    config.build().unwrap()
}

/// All states of a model, with their probabilities.
fn distribution(state: &McState<c64>) -> (Vec<u8>, Vec<f64>) {
    let model = state.model();
    let states = model.hilbert().all_states().unwrap();
    let log_psi = model.log_psi(&state.params().values, &states).unwrap();
    (states, log_psi.iter().map(|y| (2.0 * y.re).exp()).collect())
}

fn all(hilbert: &Hilbert, graph: &Graph, names: &[ObservableName]) -> Vec<Observable> {
    let observable = |name: &ObservableName| name.observable(hilbert, graph, false).unwrap();
    names.iter().map(observable).collect()
}

fn exactly(state: &McState<c64>, observables: Vec<Observable>) -> Vec<Measured> {
    let (states, probabilities) = distribution(state);
    let mut measurement = Measurement::new(observables);
    let (model, theta) = (state.model(), &state.params().values);
    measurement
        .fold_weighted(model, theta, &states, |n| probabilities[n])
        .unwrap();
    measurement.results()
}

/// A number made of the values of sites.
type OfSites<'a> = dyn Fn(&dyn Fn(usize) -> f64) -> f64 + 'a;

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-10, "{got} {expected}");
}

#[test]
fn sums_over_all_states_give_the_formulas() {
    let graph = Graph::grid(&[2, 3], &[false, true]).unwrap();
    let boson = Hilbert::fock(2, 6).unwrap();
    for hilbert in [Hilbert::spin(0.5, 6).unwrap(), boson] {
        let state = McState::new(Arc::new(model(&hilbert)), 64, 3).unwrap();
        let (states, p) = distribution(&state);
        let value = hilbert.site_values();
        let mean = |of: &OfSites<'_>| -> f64 {
            let each = states.chunks_exact(6).zip(&p);
            each.map(|(sigma, p)| p * of(&|j| value[sigma[j] as usize]))
                .sum()
        };
        let measured = exactly(
            &state,
            all(
                &hilbert,
                &graph,
                &[
                    ObservableName::Correlations,
                    ObservableName::StructureFactor,
                    ObservableName::Magnetization,
                ],
            ),
        );
        let [correlations, structure, moments] = &measured[..] else {
            panic!()
        };
        // Rows are open, columns periodic: of the three columns two at any distance are neighbours.
        let column = |i: usize| i % 3;
        for (entry, r) in correlations.entries.iter().zip([0.0, 1.0, 2.0_f64.sqrt()]) {
            close(entry.at[0], r);
            let (mut sum, mut count) = (0.0, 0.0);
            for i in 0..6 {
                for j in 0..6 {
                    let apart = [
                        usize::from(i / 3 != j / 3),
                        usize::from(column(i) != column(j)),
                    ];
                    if (apart.iter().sum::<usize>() as f64 - r * r).abs() < 1e-9 {
                        sum += mean(&|s| s(i) * s(j)) - mean(&|s| s(i)) * mean(&|s| s(j));
                        count += 1.0;
                    }
                }
            }
            close(entry.mean, sum / count);
        }
        assert_eq!(correlations.entries.len(), 3);
        assert_eq!(structure.entries.len(), 6);
        for entry in &structure.entries {
            let q = &entry.at;
            let expected = mean(&|s| {
                let sum: c64 = (0..6)
                    .map(|j| {
                        let phase = q[0] * (j / 3) as f64 + q[1] * column(j) as f64;
                        c64::cis(-phase) * s(j)
                    })
                    .sum();
                sum.norm_sqr() / 6.0
            });
            close(entry.mean, expected);
        }
        let power = |k: i32| mean(&|s| ((0..6).map(s).sum::<f64>() / 6.0).powi(k));
        let absolute = mean(&|s| ((0..6).map(s).sum::<f64>() / 6.0).abs());
        let binder = 1.0 - power(4) / (3.0 * power(2).powi(2));
        let expected = [power(1), absolute, power(2), power(4), binder];
        for (entry, expected) in moments.entries.iter().zip(expected) {
            close(entry.mean, expected);
        }
    }
}

/// The parts of a measurement of `n` samples in portions of 1024.
fn sampled(
    state: &mut McState<c64>,
    observables: Vec<Observable>,
    portions: usize,
) -> Vec<Measured> {
    let mut measurement = Measurement::new(observables);
    for _ in 0..portions {
        state.measure(&mut measurement).unwrap();
    }
    measurement.results()
}

#[test]
fn errors_are_those_of_repeated_measurements() {
    let graph = Graph::square(2, false).unwrap();
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let h: Arc<_> = Arc::new(ising(&hilbert, &graph, 1.3, 1.0).unwrap());
    let mut state = McState::new(Arc::new(model(&hilbert)), 1024, 5).unwrap();
    let observables = || {
        let mut observables = all(&hilbert, &graph, &ObservableName::ALL);
        observables.push(Observable::operator("energy", h.clone()));
        observables
    };
    let exact = exactly(&state, observables());
    let repeats = 40;
    let mut square_distances: Vec<f64> = Vec::new();
    for repeat in 0..repeats {
        let measured = sampled(&mut state, observables(), 2);
        let entries = measured.iter().zip(&exact).flat_map(|(measured, exact)| {
            assert_eq!(measured.n_samples, 2048);
            measured.entries.iter().zip(&exact.entries)
        });
        for (k, (entry, exact)) in entries.enumerate() {
            let distance = (entry.mean - exact.mean) / entry.error_of_mean.max(1e-12);
            if repeat == 0 {
                square_distances.push(0.0);
            }
            square_distances[k] += distance * distance / f64::from(repeats);
        }
    }
    // The mean of 40 squares of normals is 1 ± 0.22, and the jackknife over 64 blocks is 9 % wide.
    for square in square_distances {
        assert!(square < 1e-6 || (0.3..2.4).contains(&square), "{square}");
    }
}

#[test]
fn portions_do_not_matter_and_energies_agree() {
    let graph = Graph::chain(6, true).unwrap();
    let hilbert = Hilbert::spin(0.5, 6).unwrap();
    let h: Arc<_> = Arc::new(ising(&hilbert, &graph, 1.0, 1.0).unwrap());
    let mut state = McState::new(Arc::new(model(&hilbert)), 500, 5).unwrap();
    let energy = state.expect(&*h).unwrap();
    state.rewind();
    let whole = sampled(
        &mut state,
        vec![Observable::operator("energy", h.clone())],
        1,
    );
    close(whole[0].entries[0].mean, energy.mean.re);
    // The error of a complex mean is that of both its parts.
    let [re, im] = [0, 1].map(|part| whole[0].entries[part].error_of_mean);
    close(re.hypot(im), energy.error_of_mean);
    state.rewind();
    let sigma = state.sample().unwrap().sigma;
    let mut parts = Measurement::new(all(&hilbert, &graph, &[ObservableName::Magnetization]));
    let mut one = Measurement::new(all(&hilbert, &graph, &[ObservableName::Magnetization]));
    let (model, theta) = (state.model(), &state.params().values);
    one.fold(model, theta, &sigma).unwrap();
    for part in sigma.chunks(6 * 70) {
        parts.fold(model, theta, part).unwrap();
    }
    assert_eq!(parts.results(), one.results());
    assert!(Measurement::new(Vec::new()).results().is_empty());
}

/// S(S + 1) of the exact ground states: singlets of even antiferromagnets, in Marshall's basis too.
#[test]
fn total_spin_of_ground_states() {
    let hilbert = Hilbert::spin(0.5, 6).unwrap();
    for (graph, rule) in [
        (Graph::chain(6, true).unwrap(), false),
        (Graph::chain(6, true).unwrap(), true),
        (Graph::triangular([2, 3], [true, true]).unwrap(), false),
    ] {
        let h = heisenberg(&hilbert, &graph, &[1.0], Some(&[rule])).unwrap();
        // Far above all energies a total spin that is not 0 would show.
        let sublattices = rule.then(|| graph.sublattices().unwrap());
        let spin = total_spin(&hilbert, sublattices.as_deref()).unwrap();
        let energy = exact::ground_state_energy(&h).unwrap();
        let lifted = &h + &(100.0 * &spin);
        let with_spin = exact::ground_state_energy(&lifted).unwrap();
        assert!((energy - with_spin).abs() < 1e-7, "{energy} {with_spin}");
        let lowered = &h + &(-100.0 * &spin);
        // The largest spin is 3: S(S + 1) = 12, and all bonds are satisfied ferromagnetically.
        let ferromagnet = graph.edges().len() as f64;
        let least = exact::ground_state_energy(&lowered).unwrap();
        assert!((least - (ferromagnet - 1200.0)).abs() < 1e-6, "{least}");
    }
}

#[test]
fn pictures_show_what_was_measured() {
    let graph = Graph::square(4, true).unwrap();
    let hilbert = Hilbert::spin(0.5, 16).unwrap();
    let mut state = McState::new(Arc::new(model(&hilbert)), 256, 5).unwrap();
    let measured = sampled(&mut state, all(&hilbert, &graph, &ObservableName::ALL), 1);
    let pictures: Vec<Option<String>> = measured.iter().map(Measured::to_svg).collect();
    let count =
        |picture: usize, what: &str| pictures[picture].as_ref().unwrap().matches(what).count();
    assert_eq!(count(0, "<circle"), 6);
    assert!(count(1, "<rect") >= 16);
    assert!(pictures[2].is_none() && pictures[4].is_none());
    // A list of bonds has distances too, and no wave vectors.
    let list = Graph::from_edges(4, &[(0, 1), (1, 2)]).unwrap();
    let hilbert = Hilbert::spin(0.5, 4).unwrap();
    let mut state = McState::new(Arc::new(model(&hilbert)), 64, 5).unwrap();
    let measured = sampled(
        &mut state,
        all(&hilbert, &list, &[ObservableName::Correlations]),
        1,
    );
    let at: Vec<f64> = measured[0]
        .entries
        .iter()
        .map(|entry| entry.at[0])
        .collect();
    assert_eq!(at, [0.0, 1.0, 2.0, f64::INFINITY]);
    assert!(measured[0].to_svg().is_some());
}

#[test]
fn refuses_what_makes_no_sense() {
    let check = |name: ObservableName, hilbert: &Hilbert, graph: &Graph, rule, word: &str| {
        let message = match name.observable(hilbert, graph, rule) {
            Ok(_) => panic!("{name:?}"),
            Err(error) => error.to_string(),
        };
        assert!(message.starts_with("`measure`"), "{message}");
        assert!(message.contains(word), "{message}");
    };
    let spins = |n| Hilbert::spin(0.5, n).unwrap();
    let triangle = Graph::from_edges(3, &[(0, 1), (1, 2), (0, 2)]).unwrap();
    check(
        ObservableName::Correlations,
        &spins(4),
        &triangle,
        false,
        "3 sites",
    );
    check(
        ObservableName::StructureFactor,
        &spins(3),
        &triangle,
        false,
        "list of edges",
    );
    check(
        ObservableName::StaggeredMagnetization,
        &spins(3),
        &triangle,
        false,
        "bipartite",
    );
    check(
        ObservableName::TotalSpin,
        &spins(3),
        &triangle,
        true,
        "bipartite",
    );
    check(
        ObservableName::TotalSpin,
        &Hilbert::spin(1.0, 3).unwrap(),
        &triangle,
        false,
        "1/2",
    );
    let state = McState::new(Arc::new(model(&spins(3))), 8, 5).unwrap();
    let other = ising(&spins(4), &Graph::chain(4, true).unwrap(), 1.0, 1.0).unwrap();
    let mut measurement = Measurement::new(vec![Observable::operator("h", Arc::new(other))]);
    let sigma = [0, 1, 0];
    let folded = measurement.fold(state.model(), &state.params().values, &sigma);
    assert!(
        folded
            .unwrap_err()
            .to_string()
            .contains("same Hilbert space")
    );
}
