//! Networks beyond chains of masked layers: cells, gates, phases, orders, and layers of the user's own.

use std::sync::{Arc, Mutex};

use autoket::driver::Vmc;
use autoket::graph::{Graph, order};
use autoket::hilbert::Hilbert;
use autoket::models::{
    Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, ArnnSequential,
    Autoregressive, CausalLayer, GruNet1d, Head, LstmNet, Network, Node, Place, Recurrence,
    TensorGru2d, laws,
};
use autoket::nn::{Activation, Function, MaskedLayer};
use autoket::operator::{Operator, heisenberg};
use autoket::optimizer::{Optimizer, Sr, SrForm};
use autoket::random::Key;
use autoket::vqs::McState;
use autoket::{Result, Scalar, c64};
use num_complex::Complex;

#[path = "networks/refused.rs"]
mod refused;

fn spins(n_sites: usize) -> Hilbert {
    Hilbert::spin(0.5, n_sites).unwrap()
}

/// Reads the two positions before, and itself.
#[derive(Debug)]
struct Near {
    features: usize,
}

impl CausalLayer for Near {
    fn add(&self, network: &mut Network, place: Place) -> Result<Node> {
        let first = usize::from(place.exclusive);
        let layer = MaskedLayer::shared(
            "Near",
            network.n_positions(),
            &[network.features(place.input)],
            self.features,
            |k| vec![(first..3).filter_map(|back| k.checked_sub(back)).collect()],
        )?;
        let activation = place.activation.clone();
        Ok(network.linear(place.module, layer, &[place.input], activation))
    }
}

/// Networks of each kind, by name; with a phase only where `phase`, at half filling only where `constrained`.
fn zoo<S: Scalar>(
    phase: bool,
    machine_pow: u32,
    constrained: bool,
) -> Vec<(&'static str, Arnn<S>)> {
    let spins = |n_sites: usize| match constrained {
        true => spins(n_sites)
            .with_total_sz((n_sites % 2) as f64 / 2.0)
            .unwrap(),
        false => spins(n_sites),
    };
    let fock = |n_max: usize, n_sites: usize| {
        let hilbert = Hilbert::fock(n_max, n_sites).unwrap();
        match constrained {
            true => hilbert.with_n_particles(n_sites).unwrap(),
            false => hilbert,
        }
    };
    let grid = |rows, columns, pbc| Graph::grid(&[rows, columns], &[pbc, pbc]).unwrap();
    let over = |graph: &Graph| Some(Recurrence::over(graph).unwrap());
    let bosons = || fock(2, 5);
    let mut sequential = ArnnSequential::new(
        spins(6),
        vec![
            Arc::new(Near { features: 3 }),
            Arc::new(Near { features: 4 }),
        ],
    );
    sequential
        .layers
        .extend(LstmNet::new(spins(6), 2, 3).sequential().unwrap().layers);
    vec![
        (
            "sequential",
            ArnnSequential {
                phase,
                machine_pow,
                ..sequential
            }
            .build(),
        ),
        (
            "lstm",
            LstmNet {
                phase,
                machine_pow,
                ..LstmNet::new(spins(6), 2, 3)
            }
            .build(),
        ),
        (
            "lstm, one layer of bosons",
            LstmNet {
                phase,
                machine_pow,
                ..LstmNet::new(bosons(), 1, 3)
            }
            .build(),
        ),
        (
            "lstm over a lattice",
            LstmNet {
                phase,
                machine_pow,
                recurrence: over(&grid(3, 3, true)),
                ..LstmNet::new(spins(9), 2, 3)
            }
            .build(),
        ),
        (
            "gru",
            GruNet1d {
                phase,
                machine_pow,
                ..GruNet1d::new(bosons(), 2, 3)
            }
            .build(),
        ),
        (
            "gated",
            ArnnGatedConv2d {
                phase,
                machine_pow,
                extent: Some([3, 4]),
                ..ArnnGatedConv2d::new(spins(12), 2, 3, [2, 3])
            }
            .build(),
        ),
        (
            "gated, snake",
            ArnnGatedConv2d {
                phase,
                machine_pow,
                order: Some(order::snake([3, 3])),
                ..ArnnGatedConv2d::new(spins(9), 3, 2, [1, 3])
            }
            .build(),
        ),
        (
            "tensor gru",
            TensorGru2d {
                phase,
                machine_pow,
                ..TensorGru2d::new(spins(6), [2, 3], 3)
            }
            .build(),
        ),
        (
            "tensor gru, spiral",
            TensorGru2d {
                phase,
                machine_pow,
                order: Some(order::spiral([3, 3])),
                ..TensorGru2d::new(spins(9), [3, 3], 2)
            }
            .build(),
        ),
        (
            "tensor gru, any order, where sites have no neighbour drawn before, or two in a row or column",
            TensorGru2d {
                phase,
                machine_pow,
                order: Some(vec![0, 8, 2, 1, 4, 6, 7, 5, 3]),
                ..TensorGru2d::new(spins(9), [3, 3], 2)
            }
            .build(),
        ),
        (
            "tensor gru of bosons",
            TensorGru2d {
                phase,
                machine_pow,
                order: Some(order::diagonal([3, 2])),
                ..TensorGru2d::new(fock(2, 6), [3, 2], 2)
            }
            .build(),
        ),
        (
            "conv2d, spiral",
            ArnnConv2d {
                phase,
                machine_pow,
                extent: Some([3, 4]),
                order: Some(order::spiral([3, 4])),
                ..ArnnConv2d::new(spins(12), 3, 4, [2, 3])
            }
            .build(),
        ),
        (
            "conv1d, diagonal",
            ArnnConv1d {
                phase,
                machine_pow,
                order: Some(order::diagonal([2, 4])),
                activation: Function::Tanh.into(),
                ..ArnnConv1d::new(spins(8), 2, 4, 3)
            }
            .build(),
        ),
        (
            "dense",
            ArnnDense {
                phase,
                machine_pow,
                order: Some(vec![3, 0, 4, 1, 2]),
                activation: Function::LogCosh.into(),
                ..ArnnDense::new(bosons(), 2, 3)
            }
            .build(),
        ),
        (
            "dense of a single layer",
            ArnnDense {
                phase,
                machine_pow,
                ..ArnnDense::new(spins(11), 1, 3)
            }
            .build(),
        ),
    ]
    .into_iter()
    .map(|(name, model)| (name, model.unwrap()))
    .collect()
}

fn lawful<S: Scalar>() {
    for phase in [false, true].into_iter().take(S::PLANES) {
        for (machine_pow, constrained) in [(1, false), (2, false), (2, true), (3, false)] {
            for (name, model) in zoo::<S>(phase, machine_pow, constrained) {
                laws::check(&model).unwrap_or_else(|error| {
                    panic!(
                        "{name}, {}, phase: {phase}, constrained: {constrained}, power {machine_pow}: {error}",
                        S::DTYPE
                    )
                });
            }
        }
    }
}

#[test]
fn all_networks_obey_the_laws_f64() {
    lawful::<f64>();
}

#[test]
fn all_networks_obey_the_laws_f32() {
    lawful::<f32>();
}

#[test]
fn all_networks_obey_the_laws_c128() {
    lawful::<Complex<f64>>();
}

#[test]
fn all_networks_obey_the_laws_c64() {
    lawful::<Complex<f32>>();
}

/// Lattices of one row, one column and one site, and kernels that reach beyond all borders.
fn thin<S: Scalar>(phase: bool) {
    for extent in [[1, 1], [1, 4], [4, 1], [2, 2]] {
        let n = extent[0] * extent[1];
        let recurrence = Some(Recurrence::along(order::snake(extent)).unwrap());
        let mut models = vec![
            TensorGru2d {
                phase,
                ..TensorGru2d::new(spins(n), extent, 3)
            }
            .build::<S>(),
            LstmNet {
                phase,
                recurrence: recurrence.clone(),
                ..LstmNet::new(spins(n), 2, 3)
            }
            .build(),
            GruNet1d {
                phase,
                recurrence,
                ..GruNet1d::new(spins(n), 2, 3)
            }
            .build(),
            ArnnDense {
                phase,
                ..ArnnDense::new(spins(n), 3, 2)
            }
            .build(),
            ArnnConv1d {
                phase,
                kernel_dilation: 2,
                ..ArnnConv1d::new(spins(n), 2, 3, 4)
            }
            .build(),
            ArnnConv2d {
                phase,
                extent: Some(extent),
                kernel_dilation: [2, 1],
                ..ArnnConv2d::new(spins(n), 2, 3, [3, 8])
            }
            .build(),
        ];
        models.extend([[2, 3], [3, 7]].map(|kernel_size| {
            let gated = ArnnGatedConv2d {
                phase,
                extent: Some(extent),
                ..ArnnGatedConv2d::new(spins(n), 2, 3, kernel_size)
            };
            gated.build()
        }));
        for model in models {
            let model = model.unwrap();
            laws::check(&model).unwrap_or_else(|error| panic!("{extent:?}: {model:?}: {error}"));
        }
    }
}

#[test]
fn thin_lattices_obey_the_laws() {
    thin::<f64>(false);
    thin::<f32>(false);
    thin::<c64>(false);
    thin::<Complex<f32>>(true);
}

/// A layer that sees ahead is refused when the network is built, and so is one that reads itself.
#[test]
fn networks_that_are_not_causal_are_refused() {
    let layer = |ahead: usize| {
        MaskedLayer::shared("Ahead", 4, &[1], 2, |k| vec![vec![(k + ahead).min(3)]]).unwrap()
    };
    for ahead in [0, 1] {
        let mut network = Network::new(spins(4));
        let z = network.linear("z", layer(ahead), &[Network::INPUT], Activation::IDENTITY);
        let refused = network.build::<f64>("Ahead", Head::new(z), 2, Default::default());
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("of what comes before"), "{message}");
    }
    let mut network = Network::new(spins(4));
    let own = MaskedLayer::shared("Own", 4, &[2], 2, |k| vec![vec![k]]).unwrap();
    let ahead = network.ahead(1);
    let z = network.linear("z", own.clone(), &[ahead], Activation::IDENTITY);
    let z = network.linear("y", own, &[z], Activation::IDENTITY);
    let refused = network.build::<f64>("Own", Head::new(z), 2, Default::default());
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("needs itself"), "{message}");
}

/// The sites whose state matters for the conditional at `site`, drawn before it.
fn seen(model: &Arnn<f64>, site: usize) -> Vec<usize> {
    let n = model.hilbert().n_sites();
    let theta = model.init(Key::new(5)).values;
    let sigma: Vec<u8> = (0..n as u64)
        .map(|i| u8::from(Key::new(1).uniform(i) < 0.5))
        .collect();
    let before = model.conditional(&theta, &sigma, site).unwrap();
    let matters = |&other: &usize| {
        let mut changed = sigma.clone();
        changed[other] = 1 - changed[other];
        model.conditional(&theta, &changed, site).unwrap() != before
    };
    (0..n).filter(matters).collect()
}

/// A masked convolution of width 3 reaches one column to the right for each row up: it is blind to all beyond.
#[test]
fn plain_convolutions_have_a_blind_spot_and_gated_ones_have_none() {
    let n = 5;
    let plain = ArnnConv2d::new(spins(n * n), 8, 4, [2, 3]).build().unwrap();
    let gated = ArnnGatedConv2d::new(spins(n * n), 5, 4, [2, 3])
        .build()
        .unwrap();
    for site in [7, 12, 15, 21, 24] {
        let (row, column) = (site / n, site % n);
        let reached = |&other: &usize| {
            let (up, right) = (row - other / n, (other % n) as isize - column as isize);
            right <= up as isize
        };
        let in_theory: Vec<usize> = (0..site).filter(reached).collect();
        assert_eq!(seen(&plain, site), in_theory, "plain, site {site}");
        let all: Vec<usize> = (0..site).collect();
        assert_eq!(seen(&gated, site), all, "gated, site {site}");
    }
}

/// A phase changes neither what is drawn nor |ψ|; parameters stay real.
#[test]
fn phases_leave_amplitudes_alone() {
    let config = ArnnConv2d::new(spins(9), 3, 4, [2, 3]);
    let real = config.build::<f64>().unwrap();
    let with_phase = ArnnConv2d {
        phase: true,
        ..config.clone()
    };
    let complex = with_phase.build::<c64>().unwrap();
    let (theta, theta_with) = (real.init(Key::new(3)), complex.init(Key::new(3)));
    let (drawn, drawn_with) = (
        real.sample(&theta.values, 100, Key::new(4)).unwrap(),
        complex
            .sample(&theta_with.values, 100, Key::new(4))
            .unwrap(),
    );
    assert_eq!(drawn.sigma, drawn_with.sigma);
    for (a, b) in drawn.log_psi.iter().zip(&drawn_with.log_psi) {
        assert_eq!(*a, b.re);
    }
    assert!(drawn_with.log_psi.iter().any(|y| y.im != 0.0));
    let extra = 2 * 3 * 4 * 2 + 2;
    assert_eq!(
        complex.layout().n_parameters(),
        real.layout().n_parameters() + extra
    );
    assert!(theta_with.values.iter().all(|x| x.im == 0.0));
    let message = with_phase.build::<f64>().unwrap_err().to_string();
    assert!(message.contains("complex"), "{message}");
}

/// A layer whose activations say when they are evaluated.
#[derive(Debug)]
struct Noting {
    features: usize,
    events: Arc<Mutex<Vec<&'static str>>>,
}

impl Noting {
    fn add_noting(&self, what: &'static str, network: &mut Network, place: Place) -> Result<Node> {
        let first = usize::from(place.exclusive);
        let source = [network.features(place.input)];
        let layer = MaskedLayer::shared(
            "Noting",
            network.n_positions(),
            &source,
            self.features,
            |k| vec![(first..3).filter_map(|back| k.checked_sub(back)).collect()],
        )?;
        let events = self.events.clone();
        let note = move |x: f64| {
            events.lock().unwrap().push(what);
            x
        };
        let activation = Activation::real(what, note, |_| 1.0);
        Ok(network.linear(place.module, layer, &[place.input], activation))
    }
}

impl CausalLayer for Noting {
    fn add(&self, network: &mut Network, place: Place) -> Result<Node> {
        self.add_noting("amplitude", network, place)
    }

    fn add_phase(&self, network: &mut Network, place: Place) -> Result<Node> {
        self.add_noting("phase", network, place)
    }
}

/// Phases do not matter for a draw: they are evaluated once all sites are drawn.
#[test]
fn phases_are_evaluated_after_the_draw() {
    let events: Arc<Mutex<Vec<&str>>> = Arc::default();
    let layer = |features| -> Arc<dyn CausalLayer> {
        Arc::new(Noting {
            features,
            events: events.clone(),
        })
    };
    let model = ArnnSequential {
        phase: true,
        ..ArnnSequential::new(spins(5), vec![layer(3), layer(2)])
    };
    let model = model.build::<c64>().unwrap();
    let theta = model.init(Key::new(0)).values;
    events.lock().unwrap().clear();
    // One block of samples, so that events come in order.
    model.sample(&theta, 4, Key::new(1)).unwrap();
    let events = events.lock().unwrap();
    let lanes = events.len() / (5 * (3 + 2 + 2));
    assert!(lanes >= 4);
    let (drawn, after) = events.split_at(lanes * 5 * (3 + 2));
    assert!(drawn.iter().all(|event| *event == "amplitude"));
    assert!(after.iter().all(|event| *event == "phase"));
    assert_eq!(after.len(), lanes * 5 * 2);
}

/// All forms of stochastic reconfiguration give the same update for real parameters of a complex wave function.
#[test]
fn phases_can_be_optimised() {
    let graph = Graph::grid(&[3, 3], &[false, false]).unwrap();
    let hamiltonian: Arc<dyn Operator> =
        Arc::new(heisenberg(&spins(9), &graph, &[1.0], None).unwrap());
    let after = |form: SrForm| {
        let model = ArnnGatedConv2d {
            phase: true,
            ..ArnnGatedConv2d::new(spins(9), 2, 3, [2, 3])
        };
        let state = McState::new(Arc::new(model.build::<c64>().unwrap()), 200, 7).unwrap();
        let sr = Sr {
            form: Some(form),
            ..Sr::default()
        };
        let mut vmc = Vmc::new(hamiltonian.clone(), state, Optimizer::sgd(0.05), Some(sr)).unwrap();
        let first = vmc.advance().unwrap().energy.mean.re;
        for _ in 0..15 {
            vmc.advance().unwrap();
        }
        let last = vmc.advance().unwrap().energy.mean.re;
        assert!(last < first - 1.0, "{form:?}: from {first} to {last}");
        use autoket::vqs::VariationalState;
        vmc.state.params().values.clone()
    };
    let metric = after(SrForm::Metric);
    assert!(metric.iter().all(|x| x.im == 0.0));
    for form in [SrForm::Gram, SrForm::Cg] {
        for (a, b) in metric.iter().zip(after(form)) {
            assert!((a - b).norm() < 1e-6, "{form:?}: {a} {b}");
        }
    }
}

/// The numbers of sites follow the order: a network of another order is the same network of permuted sites.
#[test]
fn an_order_permutes_sites() {
    let order = order::spiral([3, 3]);
    let plain = ArnnConv2d::new(spins(9), 2, 4, [2, 3]);
    let ordered = ArnnConv2d {
        order: Some(order.clone()),
        ..plain.clone()
    };
    let (plain, ordered) = (
        plain.build::<f64>().unwrap(),
        ordered.build::<f64>().unwrap(),
    );
    let theta = plain.init(Key::new(1)).values;
    let samples = ordered.sample(&theta, 20, Key::new(2)).unwrap();
    let permuted = ordered.reorder(&samples.sigma).unwrap();

    assert_eq!(
        plain.sample(&theta, 20, Key::new(2)).unwrap().sigma,
        permuted
    );
    assert_eq!(plain.log_psi(&theta, &permuted).unwrap(), samples.log_psi);
    assert_eq!(ordered.inverse_reorder(&permuted).unwrap(), samples.sigma);
    let d = 2;
    let (a, b) = (
        plain.conditionals_log_psi(&theta, &permuted[..9]).unwrap(),
        ordered
            .conditionals_log_psi(&theta, &samples.sigma[..9])
            .unwrap(),
    );
    for (k, site) in order.iter().enumerate() {
        assert_eq!(a[k * d..][..d], b[site * d..][..d]);
    }
}

/// Outputs of cells lie between -1 and 1; a phase must be able to turn a sign, so it is π times as much.
#[test]
fn phases_of_recurrent_networks_reach_pi() {
    let lstm = LstmNet {
        phase: true,
        ..LstmNet::new(spins(5), 2, 4)
    };
    let gru = GruNet1d {
        phase: true,
        ..GruNet1d::new(spins(5), 2, 4)
    };
    for model in [lstm.build::<c64>().unwrap(), gru.build::<c64>().unwrap()] {
        let furthest = |key: i64| {
            // So large that every gate is open or shut: which, is the key's luck.
            let mut theta = model.init(Key::new(key)).values;
            theta.iter_mut().for_each(|x| *x *= 1e3);
            let samples = model.sample(&theta, 64, Key::new(key + 1)).unwrap();
            let conditionals = model.conditionals_log_psi(&theta, &samples.sigma).unwrap();
            conditionals.iter().map(|y| y.im.abs()).fold(0.0, f64::max)
        };
        let furthest: Vec<f64> = (0..16).map(furthest).collect();
        assert!(furthest.iter().all(|&phi| phi <= std::f64::consts::PI));
        assert!(furthest.iter().any(|&phi| phi > 2.0), "{furthest:?}");
    }
}
