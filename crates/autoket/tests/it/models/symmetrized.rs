//! Averages over symmetries, against their formula, matrices and the laws of wave functions.

use std::sync::Arc;

use autoket::driver::Vmc;
use autoket::graph::{Graph, SymmetryGroup};
use autoket::hilbert::Hilbert;
use autoket::models::laws::check_all_but_conditionals;
use autoket::models::{Ansatz, ArnnConv2d, ArnnDense, Autoregressive, Symmetrized};
use autoket::operator::{LocalOperator, Operator, PauliStrings, Symmetries};
use autoket::operator::{heisenberg, ising, spin};
use autoket::optimizer::{Optimizer, Sr};
use autoket::random::Key;
use autoket::vqs::{FullSumState, McState, VariationalState};
use autoket::{Error, Scalar, c64, exact};
use num_complex::Complex;

type Network<S> = Arc<dyn Autoregressive<S>>;

/// On 2x3 sites, with a phase where there is one.
fn network<S: Scalar>(hilbert: Hilbert) -> Network<S> {
    let config = ArnnConv2d {
        extent: Some([2, 3]),
        phase: S::PLANES == 2,
        ..ArnnConv2d::new(hilbert, 2, 4, [2, 3])
    };
    Arc::new(config.build::<S>().unwrap())
}

fn graph() -> Graph {
    Graph::grid(&[2, 3], &[false, true]).unwrap()
}

fn spins() -> Hilbert {
    Hilbert::spin(0.5, 6).unwrap()
}

/// Groups of all kinds, each with and without the spin flip.
fn all_symmetries() -> Vec<Symmetries> {
    let graph = graph();
    let groups = [
        SymmetryGroup::generated_by(6, &[]),
        graph.translations(),
        graph.point_group(),
        graph.space_group(),
    ];
    let groups = groups.into_iter().map(Result::unwrap);
    let with_flips = |group| [false, true].map(|flip| Symmetries::new(&group, flip));
    groups.flat_map(with_flips).collect()
}

fn parameters<S: Scalar>(model: &dyn Ansatz<S>) -> Vec<S> {
    let mut theta = model.init(Key::new(3)).values;
    for (i, x) in theta.iter_mut().enumerate() {
        *x += S::from_c64(c64::new(0.3 * (i as f64).sin(), 0.0));
    }
    theta
}

#[test]
fn laws_hold() {
    fn hold<S: Scalar>() {
        for symmetries in all_symmetries() {
            let model = Symmetrized::new(network::<S>(spins()), symmetries).unwrap();
            check_all_but_conditionals(&model).unwrap();
        }
        let half_filled = spins().with_total_sz(0.0).unwrap();
        let symmetries = Symmetries::new(&graph().space_group().unwrap(), true);
        let model = Symmetrized::new(network::<S>(half_filled), symmetries).unwrap();
        check_all_but_conditionals(&model).unwrap();
        // Three local states.
        let triple = Hilbert::spin(1.0, 6).unwrap();
        let symmetries = Symmetries::new(&graph().translations().unwrap(), true);
        let model = Symmetrized::new(network::<S>(triple), symmetries).unwrap();
        check_all_but_conditionals(&model).unwrap();
        // Σ|ψ|⁴ = 1, of bosons.
        let hilbert = Hilbert::fock(2, 6).unwrap();
        let dense = ArnnDense {
            machine_pow: 4,
            ..ArnnDense::new(hilbert, 2, 3)
        };
        let symmetries = Symmetries::new(&graph().space_group().unwrap(), false);
        let dense: Network<S> = Arc::new(dense.build::<S>().unwrap());
        check_all_but_conditionals(&Symmetrized::new(dense, symmetries).unwrap()).unwrap();
    }
    hold::<f32>();
    hold::<f64>();
    hold::<Complex<f32>>();
    hold::<Complex<f64>>();
}

/// All states by the formula, with images made by moving each spin to where its site goes.
#[test]
fn it_is_its_formula() {
    let group = graph().space_group().unwrap();
    let network = network::<c64>(spins());
    let theta = parameters(&*network);
    let states = spins().all_states().unwrap();
    for flip in [false, true] {
        let symmetries = Symmetries::new(&group, flip);
        let model = Symmetrized::new(network.clone(), symmetries).unwrap();
        let log_psi = model.log_psi(&theta, &states).unwrap();
        for (sigma, log_psi) in states.chunks_exact(6).zip(log_psi) {
            let (mut size, mut phase, mut order) = (0.0, c64::ZERO, 0.0);
            for g in group.permutations() {
                let mut moved = [0; 6];
                for (site, &to) in g.iter().enumerate() {
                    moved[to] = sigma[site];
                }
                let flipped = moved.map(|s| 1 - s);
                let images: &[[u8; 6]] = if flip { &[moved, flipped] } else { &[moved] };
                for image in images {
                    let y = network.log_psi(&theta, image).unwrap()[0];
                    size += (2.0 * y.re).exp();
                    phase += c64::cis(y.im);
                    order += 1.0;
                }
            }
            let expected = c64::new((size / order).ln() / 2.0, phase.arg());
            assert!((log_psi - expected).norm() < 1e-12, "{log_psi} {expected}");
        }
    }
}

/// The same number, to the last bit, for all images; and the trivial group changes nothing.
#[test]
fn images_are_alike() {
    let network = network::<c64>(spins());
    let theta = parameters(&*network);
    let states = spins().all_states().unwrap();
    let plain = network.log_psi(&theta, &states).unwrap();
    for symmetries in all_symmetries() {
        let is_trivial = symmetries.order() == 1;
        let model = Symmetrized::new(network.clone(), symmetries).unwrap();
        let log_psi = model.log_psi(&theta, &states).unwrap();
        if is_trivial {
            for (a, b) in log_psi.iter().zip(&plain) {
                // The phase is one between -π and π.
                assert!((a.exp() - b.exp()).norm() < 1e-14);
            }
            continue;
        }
        let distinct = |values: &[c64]| {
            let bits = values.iter().map(|y| (y.re.to_bits(), y.im.to_bits()));
            bits.collect::<std::collections::HashSet<_>>().len()
        };
        assert!(distinct(&log_psi) < distinct(&plain));
    }
    let group = graph().space_group().unwrap();
    let model = Symmetrized::new(network, Symmetries::new(&group, true)).unwrap();
    let log_psi = model.log_psi(&theta, &states).unwrap();
    let of = |sigma: &[u8]| log_psi[spins().state_to_number(sigma).unwrap() as usize];
    for (sigma, own) in states.chunks_exact(6).zip(&log_psi) {
        for g in group.permutations() {
            let mut moved = [0; 6];
            for (site, &to) in g.iter().enumerate() {
                moved[to] = sigma[site];
            }
            assert_eq!(of(&moved), *own);
            assert_eq!(of(&moved.map(|s| 1 - s)), *own);
        }
    }
}

/// χ² of draws on all states, within five standard deviations.
#[test]
fn draws_are_of_the_average() {
    let network = network::<f64>(spins());
    let theta = parameters(&*network);
    let symmetries = Symmetries::new(&graph().space_group().unwrap(), true);
    let model = Symmetrized::new(network, symmetries).unwrap();
    let states = spins().all_states().unwrap();
    let log_psi = model.log_psi(&theta, &states).unwrap();
    let n = 200_000;
    let drawn = model.sample(&theta, n, Key::new(8)).unwrap();
    let mut counts = vec![0.0; log_psi.len()];
    for sigma in drawn.sigma.chunks_exact(6) {
        counts[spins().state_to_number(sigma).unwrap() as usize] += 1.0;
    }
    let terms = counts.iter().zip(&log_psi).map(|(count, y)| {
        let expected = n as f64 * (2.0 * y).exp();
        assert!(expected > 10.0);
        (count - expected) * (count - expected) / expected
    });
    let freedom = log_psi.len() as f64 - 1.0;
    let chi2: f64 = terms.sum();
    assert!(
        (chi2 - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(),
        "{chi2}"
    );
    // Places of a batch are those of the whole.
    let mut some = Default::default();
    model
        .sample_places_into(&theta, 70..90, Key::new(8), &mut some)
        .unwrap();
    assert_eq!(some.sigma, drawn.sigma[70 * 6..90 * 6]);
}

/// Local values of operators with and without the symmetry, and their mean against the matrix.
#[test]
fn local_values_are_those_of_the_matrix() {
    let hilbert = spins();
    let h: LocalOperator = heisenberg(&hilbert, &graph(), &[1.0], None).unwrap();
    let broken = &h + &(&spin::sigmax(&hilbert, 1).unwrap() * &spin::sigmaz(&hilbert, 4).unwrap());
    let network = network::<c64>(hilbert.clone());
    let theta = parameters(&*network);
    let symmetries = Symmetries::new(&graph().space_group().unwrap(), true);
    assert!(symmetries.are_of(&h));
    assert!(!symmetries.are_of(&broken));
    let model = Symmetrized::new(network, symmetries).unwrap();
    let states = hilbert.all_states().unwrap();
    let psi: Vec<c64> = model
        .log_psi(&theta, &states)
        .unwrap()
        .iter()
        .map(|y| y.exp())
        .collect();
    for operator in [&h, &broken] {
        let matrix = autoket::operator::to_dense(operator).unwrap();
        let local_values = model.local_values(&theta, &states, operator).unwrap();
        for (row, value) in local_values.iter().enumerate() {
            let sum: c64 = (0..psi.len()).map(|k| matrix[(row, k)] * psi[k]).sum();
            assert!((sum / psi[row] - value).norm() < 1e-11, "{row}");
        }
    }
}

/// A frustrated ring whose ground state a network finds within the sector, by samples and by full sums.
#[test]
fn it_finds_a_ground_state() {
    let graph = Graph::chain(8, true).unwrap().with_neighbors(2).unwrap();
    let hilbert = Hilbert::spin(0.5, 8).unwrap().with_total_sz(0.0).unwrap();
    let signs = [true, false];
    let h: Arc<dyn Operator> =
        Arc::new(heisenberg(&hilbert, &graph, &[1.0, 0.3], Some(&signs)).unwrap());
    let exact = exact::ground_state_energy(&*h).unwrap();
    let symmetries = Symmetries::new(&graph.space_group().unwrap(), true);
    let dense: Network<f64> = Arc::new(ArnnDense::new(hilbert, 2, 4).build().unwrap());
    let model: Network<f64> = Arc::new(Symmetrized::new(dense, symmetries).unwrap());
    let state = McState::new(model.clone(), 256, 1).unwrap();
    let mut vmc = Vmc::new(h.clone(), state, Optimizer::sgd(0.05), Some(Sr::default())).unwrap();
    for _ in 0..120 {
        vmc.advance().unwrap();
    }
    let mut whole = FullSumState::new(model, 0).unwrap();
    *whole.params_mut() = vmc.state.params().clone();
    let energy = whole.expect(&*h).unwrap().mean.re;
    assert!(energy > exact - 1e-10);
    assert!((energy - exact) / exact.abs() < 2e-3, "{energy} {exact}");
}

#[test]
fn what_does_not_fit_is_refused() {
    #[track_caller]
    fn refused<T>(result: autoket::Result<T>, field: &str) {
        match result {
            Err(Error::Invalid { field: got, .. }) => assert_eq!(got, field),
            _ => panic!("{field}"),
        }
    }
    let group = graph().space_group().unwrap();
    let of = |hilbert: Hilbert, flip| {
        let network: Network<f64> = Arc::new(ArnnDense::new(hilbert, 1, 1).build().unwrap());
        Symmetrized::new(network, Symmetries::new(&group, flip))
    };
    refused(of(Hilbert::spin(0.5, 4).unwrap(), false), "symmetries");
    refused(of(Hilbert::fock(1, 6).unwrap(), true), "symmetries");
    refused(of(spins().with_total_sz(1.0).unwrap(), true), "symmetries");
    assert!(of(spins().with_total_sz(1.0).unwrap(), false).is_ok());
    let model = of(spins(), true).unwrap();
    let theta = model.init(Key::new(0)).values;
    refused(model.conditionals(&theta, &[0; 6]), "model");
    refused(model.conditional(&theta, &[0; 6], 0), "model");
    refused(model.log_psi(&theta, &[0; 7]), "sigma");
    refused(model.log_psi(&theta[1..], &[0; 6]), "theta");
    refused(model.sample(&theta[1..], 3, Key::new(0)), "theta");
    refused(model.vjp(&theta, &[0; 6], &[], &mut []), "cotangent");
    let other = ising(
        &Hilbert::spin(0.5, 4).unwrap(),
        &Graph::chain(4, true).unwrap(),
        1.0,
        1.0,
    );
    refused(
        model.local_values(&theta, &[0; 6], &other.unwrap()),
        "operator",
    );
    assert!(model.log_psi(&theta, &[]).unwrap().is_empty());
    let zero = heisenberg(&spins(), &graph(), &[1.0], None).unwrap();
    assert!(model.local_values(&theta, &[], &zero).unwrap().is_empty());
    // Operators without terms are told by their rows, and so is what a constraint makes up for.
    let flip = Symmetries::new(&SymmetryGroup::generated_by(6, &[]).unwrap(), true);
    let strings = |text: &str| PauliStrings::parse(&spins(), text).unwrap();
    flip.check_of(&strings("Z0 Z1 + X2")).unwrap();
    refused(flip.check_of(&strings("Z0 Z1 + Z2")), "symmetries");
    refused(
        Symmetries::new(&group, false).check_of(&strings("Z0 Z1 + X2")),
        "symmetries",
    );
    let in_field = |hilbert: &Hilbert| {
        let sites = (0..6).map(|site| spin::sigmaz(hilbert, site).unwrap());
        let zero = heisenberg(hilbert, &graph(), &[1.0], None).unwrap();
        sites.fold(zero, |sum, z| &sum + &z)
    };
    refused(flip.check_of(&in_field(&spins())), "symmetries");
    flip.check_of(&in_field(&spins().with_total_sz(0.0).unwrap()))
        .unwrap();
    let field = &ising(&spins(), &graph(), 1.0, 1.0).unwrap() + &spin::sigmaz(&spins(), 0).unwrap();
    refused(
        Symmetries::new(&group, false).check_of(&field),
        "symmetries",
    );
}
