//! Constrained spaces and autoregressive networks on them.

use std::collections::HashMap;
use std::sync::Arc;

use autoket::c64;
use autoket::driver::Vmc;
use autoket::exact::{self, LanczosOptions};
use autoket::graph::{Graph, order};
use autoket::hilbert::{Constraint, Hilbert};
use autoket::models::{Ansatz, ArnnConv2d, ArnnDense, Autoregressive, LstmNet};
use autoket::operator::{self, Operator, heisenberg, ising};
use autoket::optimizer::{Optimizer, Sr};
use autoket::random::Key;
use autoket::vqs::McState;

fn spins(n_sites: usize) -> Hilbert {
    Hilbert::spin(0.5, n_sites).unwrap()
}

fn blockade() -> Constraint {
    Constraint::custom("blockade", vec![0], |last, _, state| {
        (last[0] == 0 || state == 0).then(|| vec![state])
    })
}

/// A test of the values of all sites.
type Passes = Box<dyn Fn(&[f64]) -> bool>;

/// Constrained spaces with the test that their states pass.
fn spaces() -> Vec<(Hilbert, Passes)> {
    let sum = |values: &[f64]| values.iter().sum::<f64>();
    let fermions = || Hilbert::spin_orbital_fermions(4, Some(0.5)).unwrap();
    vec![
        (
            spins(8).with_total_sz(0.0).unwrap(),
            Box::new(move |x| sum(x) == 0.0),
        ),
        (
            spins(7).with_total_sz(-1.5).unwrap(),
            Box::new(move |x| sum(x) == -3.0),
        ),
        (
            Hilbert::spin(1.0, 5).unwrap().with_total_sz(1.0).unwrap(),
            Box::new(move |x| sum(x) == 2.0),
        ),
        (
            Hilbert::fock(3, 5).unwrap().with_n_particles(4).unwrap(),
            Box::new(move |x| sum(x) == 4.0),
        ),
        (
            Hilbert::fock(2, 6)
                .unwrap()
                .with_constraint(Constraint::parity(false))
                .unwrap(),
            Box::new(move |x| sum(x) % 2.0 == 1.0),
        ),
        // An even number of spins up.
        (
            spins(7).with_constraint(Constraint::parity(true)).unwrap(),
            Box::new(|x| x.iter().filter(|&&x| x > 0.0).count() % 2 == 0),
        ),
        (
            fermions().with_n_fermions_per_spin(&[1, 3]).unwrap(),
            Box::new(move |x| sum(&x[..4]) == 1.0 && sum(&x[4..]) == 3.0),
        ),
        (
            fermions().with_n_particles(3).unwrap(),
            Box::new(move |x| sum(x) == 3.0),
        ),
        (
            Hilbert::qubit(9)
                .unwrap()
                .with_constraint(blockade())
                .unwrap(),
            Box::new(|x| x.windows(2).all(|pair| pair != [1.0, 1.0])),
        ),
        // Two at once, one of which remembers all.
        (
            Hilbert::qubit(8)
                .unwrap()
                .with_n_particles(3)
                .unwrap()
                .with_constraint(Constraint::prefixes("blockade", |states| {
                    states.windows(2).all(|pair| pair != [1, 1])
                }))
                .unwrap(),
            Box::new(move |x| sum(x) == 3.0 && x.windows(2).all(|pair| pair != [1.0, 1.0])),
        ),
    ]
}

/// The states of the whole space that pass, in order.
fn listed(hilbert: &Hilbert, passes: &dyn Fn(&[f64]) -> bool) -> Vec<Vec<u8>> {
    let (d, n) = (hilbert.local_size(), hilbert.n_sites());
    let digits = |mut number: usize| {
        let mut sigma = vec![0; n];
        for digit in sigma.iter_mut().rev() {
            *digit = (number % d) as u8;
            number /= d;
        }
        sigma
    };
    let all = (0..d.pow(n as u32)).map(digits);
    all.filter(|sigma| passes(&hilbert.values_of(sigma)))
        .collect()
}

#[test]
fn constrained_spaces_are_those_of_enumeration() {
    for (hilbert, passes) in spaces() {
        let expected = listed(&hilbert, &passes);
        assert_eq!(hilbert.n_states(), Some(expected.len() as u64), "{hilbert}");
        assert_eq!(
            hilbert.all_states().unwrap(),
            expected.concat(),
            "{hilbert}"
        );
        for (number, sigma) in expected.iter().enumerate() {
            assert_eq!(
                hilbert.state_to_number(sigma),
                Some(number as u64),
                "{hilbert}"
            );
            assert!(hilbert.contains(sigma));
        }
        let whole = hilbert.local_size().pow(hilbert.n_sites() as u32);
        let mut other = listed(&hilbert, &|values| !passes(values));
        assert_eq!(other.len() + expected.len(), whole);
        other.truncate(100);
        for sigma in other {
            assert_eq!(hilbert.state_to_number(&sigma), None, "{hilbert}");
            assert!(!hilbert.contains(&sigma));
        }
    }
}

/// Each state as often as the others: χ² within five standard deviations.
#[test]
fn random_states_are_uniform() {
    for (hilbert, _) in spaces() {
        let n_states = hilbert.n_states().unwrap() as usize;
        let per_state = 40;
        let drawn = hilbert.random_states(Key::new(8), per_state * n_states);
        let mut counts = vec![0.0; n_states];
        for sigma in drawn.chunks_exact(hilbert.n_sites()) {
            counts[hilbert.state_to_number(sigma).unwrap() as usize] += 1.0;
        }
        let expected = per_state as f64;
        let chi2: f64 = counts
            .iter()
            .map(|n: &f64| (n - expected).powi(2) / expected)
            .sum();
        let freedom = n_states as f64 - 1.0;
        assert!(
            (chi2 - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(),
            "{hilbert}: {chi2}"
        );
    }
}

#[test]
fn large_spaces_need_no_list() {
    let hilbert = spins(1000).with_total_sz(3.0).unwrap();
    assert_eq!(hilbert.n_states(), None);
    let states = hilbert.random_states(Key::new(1), 20);
    for sigma in states.chunks_exact(1000) {
        assert_eq!(sigma.iter().map(|&i| usize::from(i)).sum::<usize>(), 503);
    }
    // More than 64 sites, and yet few enough states to be numbered.
    let few = spins(200).with_total_sz(98.0).unwrap();
    assert_eq!(few.n_states(), Some(199 * 100));
    let model = ArnnConv2d {
        extent: Some([20, 10]),
        ..ArnnConv2d::new(few.clone(), 2, 3, [2, 3])
    };
    let model = model.build::<f32>().unwrap();
    let theta = model.init(Key::new(1)).values;
    let samples = model.sample(&theta, 100, Key::new(2));
    assert!(
        samples
            .sigma
            .chunks_exact(200)
            .all(|sigma| few.contains(sigma))
    );
    assert!(samples.log_psi.iter().all(|y| y.is_finite()));
}

/// |ψ|² sums to 1 over the constrained space, whatever the order of sites; ψ is 0 outside; draws are as often
/// as |ψ|² says.
#[test]
fn networks_are_normalised_on_the_constrained_space() {
    for (hilbert, passes) in spaces() {
        let n = hilbert.n_sites();
        let orders = [
            None,
            Some(order::snake([1, n]).into_iter().rev().collect::<Vec<_>>()),
        ];
        for order in orders {
            let model = ArnnDense {
                order: order.clone(),
                ..ArnnDense::new(hilbert.clone(), 2, 4)
            };
            let model = model.build::<f64>().unwrap();
            let mut theta = model.init(Key::new(3)).values;
            theta.iter_mut().for_each(|x| *x *= 2.0);
            let states = hilbert.all_states().unwrap();
            let probabilities: Vec<f64> = model
                .log_psi(&theta, &states)
                .iter()
                .map(|y| (2.0 * y).exp())
                .collect();
            let norm: f64 = probabilities.iter().sum();
            assert!((norm - 1.0).abs() < 1e-12, "{hilbert}, {order:?}: {norm}");
            let outside = listed(&hilbert, &|values| !passes(values));
            let outside: Vec<u8> = outside.into_iter().take(200).flatten().collect();
            let log_psi = model.log_psi(&theta, &outside);
            assert!(log_psi.iter().all(|&y| y == f64::NEG_INFINITY), "{hilbert}");
            let n_samples = 40_000;
            let samples = model.sample(&theta, n_samples, Key::new(4));
            let mut counts: HashMap<u64, f64> = HashMap::new();
            for sigma in samples.sigma.chunks_exact(n) {
                *counts
                    .entry(hilbert.state_to_number(sigma).unwrap())
                    .or_default() += 1.0;
            }
            // States that are met seldom count as one.
            let (mut chi2, mut freedom, mut rest) = (0.0, -1.0, [0.0, 0.0]);
            let mut add = |count: f64, expected: f64| {
                chi2 += (count - expected).powi(2) / expected;
                freedom += 1.0;
            };
            for (number, p) in probabilities.iter().enumerate() {
                let count = counts.get(&(number as u64)).copied().unwrap_or(0.0);
                let expected = p * n_samples as f64;
                match expected > 10.0 {
                    true => add(count, expected),
                    false => rest = [rest[0] + count, rest[1] + expected],
                }
            }
            if rest[1] > 10.0 {
                add(rest[0], rest[1]);
            }
            assert!(
                (chi2 - freedom).abs() < 5.0 * (2.0 * freedom + 1.0).sqrt(),
                "{hilbert}: {chi2}"
            );
        }
    }
}

/// Local energies are those of the matrix within the constrained space, though what is allowed between two sites
/// that are exchanged differs.
#[test]
fn local_energies_are_those_of_the_constrained_matrix() {
    let graph = Graph::grid(&[3, 3], &[true, true]).unwrap();
    let hilbert = spins(9).with_total_sz(-0.5).unwrap();
    let h = heisenberg(&hilbert, &graph, &[1.0], None).unwrap();
    let conv = ArnnConv2d::new(hilbert.clone(), 2, 3, [2, 3])
        .build::<c64>()
        .unwrap();
    let lstm = LstmNet::new(hilbert.clone(), 2, 3).build::<c64>().unwrap();
    for model in [conv, lstm] {
        let theta = model.init(Key::new(5)).values;
        let states = hilbert.all_states().unwrap();
        let psi: Vec<c64> = model
            .log_psi(&theta, &states)
            .iter()
            .map(|y| y.exp())
            .collect();
        let mut h_psi = vec![c64::default(); psi.len()];
        operator::apply(&h, &psi, &mut h_psi).unwrap();
        let local = model.local_values(&theta, &states, &h);
        for ((local, psi), h_psi) in local.iter().zip(&psi).zip(&h_psi) {
            assert!((local - h_psi / psi).norm() < 1e-9 * (1.0 + local.norm()));
        }
    }
}

#[test]
fn spectra_of_sectors_make_the_whole() {
    let graph = Graph::chain(8, true).unwrap();
    let h = |hilbert: &Hilbert| heisenberg(hilbert, &graph, &[1.0], None).unwrap();
    let mut sectors: Vec<f64> = (-4..=4)
        .flat_map(|sz| exact::full_ed(&h(&spins(8).with_total_sz(f64::from(sz)).unwrap())).unwrap())
        .collect();
    sectors.sort_by(f64::total_cmp);
    let whole = exact::full_ed(&h(&spins(8))).unwrap();
    assert_eq!(whole.len(), sectors.len());
    for (a, b) in whole.iter().zip(&sectors) {
        assert!((a - b).abs() < 1e-12);
    }
    // Stored and made anew, the matrix has the same lowest energy.
    let sector = h(&spins(8).with_total_sz(0.0).unwrap());
    for matrix_bytes in [0, 1 << 20] {
        let options = LanczosOptions {
            matrix_bytes,
            ..Default::default()
        };
        let energy = exact::lanczos_ed(&sector, options).unwrap().energies[0];
        assert!((energy - whole[0]).abs() < 1e-11);
    }
}

/// A transverse field flips single spins: it leaves every sector of Sz, but not of parity if it acts on pairs.
#[test]
fn operators_that_leave_the_space_are_refused() {
    let graph = Graph::chain(6, true).unwrap();
    let sector = spins(6).with_total_sz(0.0).unwrap();
    let field = ising(&sector, &graph, 1.0, 1.0).unwrap();
    let message = operator::check_closed(&field).unwrap_err().to_string();
    assert!(
        message.contains("leads out of it") && message.contains("sum=0"),
        "{message}"
    );
    assert!(exact::full_ed(&field).is_err());
    assert!(operator::to_sparse(&field).is_err());
    assert!(operator::check_closed(&heisenberg(&sector, &graph, &[1.0], None).unwrap()).is_ok());
    let model = ArnnDense::new(sector.clone(), 2, 3).build::<f64>().unwrap();
    let theta = model.init(Key::new(1)).values;
    let sigma = model.sample(&theta, 10, Key::new(2)).sigma;
    // What is not an error yet is not a number.
    assert!(
        model
            .local_values(&theta, &sigma, &field)
            .iter()
            .all(|e| e.is_nan())
    );
    let state = McState::new(Arc::new(model), 10, 1).unwrap();
    let optimizer = Optimizer::sgd(0.05);
    let hamiltonian: Arc<dyn Operator> = Arc::new(field);
    assert!(Vmc::new(hamiltonian, state, optimizer, Some(Sr::default())).is_err());
}

#[test]
fn constraints_that_make_no_sense_are_refused() {
    let refused = |result: autoket::Result<Hilbert>, part: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    refused(spins(4).with_total_sz(0.5), "an integer from -2 to 2");
    refused(spins(4).with_total_sz(3.0), "an integer from -2 to 2");
    refused(spins(4).with_total_sz(f64::NAN), "an integer");
    refused(spins(4).with_n_particles(2), "total_sz");
    refused(Hilbert::qubit(4).unwrap().with_n_particles(5), "at most 4");
    refused(
        Hilbert::fock(2, 4).unwrap().with_total_sz(0.0),
        "number of particles",
    );
    refused(
        Hilbert::spin_orbital_fermions(3, Some(0.5))
            .unwrap()
            .with_n_fermions_per_spin(&[1]),
        "2 numbers",
    );
    refused(
        Hilbert::spin_orbital_fermions(3, Some(0.5))
            .unwrap()
            .with_n_fermions_per_spin(&[1, 4]),
        "at most 3",
    );
    refused(Hilbert::spin_orbital_fermions(0, None), "at least 1");
    refused(Hilbert::spin_orbital_fermions(2, Some(0.3)), "half-integer");
    refused(
        Hilbert::qubit(4)
            .unwrap()
            .with_constraint(Constraint::sum_over([1, 4], 1)),
        "different sites from 0 to 3",
    );
    refused(
        Hilbert::qubit(4)
            .unwrap()
            .with_constraint(Constraint::custom("none", vec![], |_, _, _| None)),
        "which none does",
    );
    refused(
        Hilbert::qubit(30)
            .unwrap()
            .with_constraint(Constraint::prefixes("all", |_| true)),
        "remember less",
    );
    // A rule of one's own is read in the order of sites, or its states are listed.
    let large = Hilbert::qubit(60)
        .unwrap()
        .with_constraint(blockade())
        .unwrap();
    let model = ArnnDense {
        order: Some((0..60).rev().collect()),
        ..ArnnDense::new(large, 1, 2)
    };
    let message = model.build::<f64>().unwrap_err().to_string();
    assert!(message.contains("another order"), "{message}");
}
