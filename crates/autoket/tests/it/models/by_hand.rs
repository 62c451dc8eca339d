//! Networks that NetKet does not have, against their formulas, evaluated site by site in plain loops.

use std::collections::HashMap;

use autoket::c64;
use autoket::graph::order;
use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnGatedConv2d, TensorGru2d};
use autoket::random::Key;

/// A lattice of rows and columns with a vector at each site.
type Field = HashMap<[i64; 2], Vec<f64>>;

/// Parameters that are nowhere 0, by module and name.
struct Weights<'a> {
    model: &'a Arnn<c64>,
    theta: Vec<c64>,
}

impl<'a> Weights<'a> {
    fn of(model: &'a Arnn<c64>) -> Self {
        let mut theta = model.init(Key::new(3)).values;
        for (i, x) in theta.iter_mut().enumerate() {
            x.re += 0.2 * (i as f64).sin();
        }
        Self { model, theta }
    }

    fn get(&self, module: &str, name: &str) -> Option<Vec<f64>> {
        let range = self.model.layout().range(module, name)?;
        Some(self.theta[range].iter().map(|x| x.re).collect())
    }

    /// x W + b, where there is a bias.
    fn dense(&self, module: &str, x: &[f64]) -> Vec<f64> {
        let kernel = self.get(module, "kernel").expect(module);
        let features = kernel.len() / x.len();
        assert_eq!(kernel.len(), x.len() * features, "{module}");
        let bias = self.get(module, "bias");
        let bias = |j: usize| bias.as_ref().map_or(0.0, |bias| bias[j]);
        let sum = |j: usize| -> f64 {
            let products = x.iter().enumerate();
            products.map(|(i, x)| x * kernel[i * features + j]).sum()
        };
        (0..features).map(|j| sum(j) + bias(j)).collect()
    }

    /// The logarithm of the normalised amplitude, and the phase, at a site in local state `own`.
    fn log_psi(&self, outputs: &[f64], phases: &[f64], own: u8) -> c64 {
        let norm: f64 = outputs.iter().map(|y| (2.0 * y).exp()).sum();
        c64::new(
            outputs[own as usize] - 0.5 * norm.ln(),
            phases[own as usize],
        )
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Compares all states of a space.
fn agree(model: &Arnn<c64>, by_hand: impl Fn(&Weights, &[u8]) -> c64) {
    let weights = Weights::of(model);
    let states = model.hilbert().all_states().unwrap();
    let log_psi = model.log_psi(&weights.theta, &states).unwrap();
    let n = model.hilbert().n_sites();
    let mut norm = 0.0;
    for (sigma, log_psi) in states.chunks_exact(n).zip(log_psi) {
        let expected = by_hand(&weights, sigma);
        norm += (2.0 * expected.re).exp();
        assert!(
            (log_psi - expected).norm() < 1e-12,
            "{sigma:?}: {log_psi}, by hand {expected}"
        );
    }
    assert!((norm - 1.0).abs() < 1e-12, "{norm}");
}

/// Hibat-Allah 2022, the sites of a row and a column of any order: of two neighbours the one drawn last counts.
fn tensor_gru(weights: &Weights, model: &TensorGru2d, order: &[usize], sigma: &[u8]) -> c64 {
    let [rows, columns] = model.extent.map(|n| n as i64);
    let (f, d) = (model.features, model.hilbert.local_size());
    let mut drawn: Vec<[i64; 2]> = Vec::new();
    let mut memories = Field::new();
    let mut log_psi = c64::ZERO;
    for &site in order {
        let at = [site as i64 / columns, site as i64 % columns];
        assert!(at[0] < rows);
        let last = |steps: [[i64; 2]; 2]| {
            let neighbours = steps.map(|step| [at[0] + step[0], at[1] + step[1]]);
            drawn.iter().rev().find(|site| neighbours.contains(site))
        };
        let neighbours = [last([[0, -1], [0, 1]]), last([[-1, 0], [1, 0]])];
        // [s, s'] and [h, h'].
        let (mut states, mut hidden) = (vec![0.0; 2 * d], vec![0.0; 2 * f]);
        for (which, neighbour) in neighbours.iter().enumerate() {
            if let Some(site) = neighbour {
                let state = sigma[(site[0] * columns + site[1]) as usize];
                states[which * d + state as usize] = 1.0;
                hidden[which * f..][..f].copy_from_slice(&memories[*site]);
            }
        }
        let products = states
            .iter()
            .flat_map(|s| hidden.iter().map(move |h| s * h));
        let products: Vec<f64> = products.collect();
        let n = weights.dense("candidate", &products);
        let u = weights.dense("update", &products);
        let w = weights.dense("memory", &hidden);
        let output = |j: usize| {
            let u = sigmoid(u[j]);
            u * n[j].tanh() + (1.0 - u) * w[j]
        };
        let output: Vec<f64> = (0..f).map(output).collect();
        let amplitudes = weights.dense("amplitude", &output);
        let phases = weights.dense("phase", &output);
        log_psi += weights.log_psi(&amplitudes, &phases, sigma[site]);
        memories.insert(at, output);
        drawn.push(at);
    }
    log_psi
}

#[test]
fn the_tensor_gru_is_its_formula_in_any_order() {
    let spins = |n| Hilbert::spin(0.5, n).unwrap();
    let cases = [
        (spins(9), [3, 3], None),
        (spins(12), [3, 4], Some(order::spiral([3, 4]))),
        (spins(6), [2, 3], Some(order::raster([2, 3]))),
        (
            Hilbert::fock(2, 6).unwrap(),
            [3, 2],
            Some(order::diagonal([3, 2])),
        ),
        // The second site has no neighbour drawn before, the middle ones two in a row or a column.
        (spins(9), [3, 3], Some(vec![0, 8, 2, 1, 4, 6, 7, 5, 3])),
    ];
    for (hilbert, extent, order) in cases {
        let network = TensorGru2d {
            phase: true,
            order: order.clone(),
            ..TensorGru2d::new(hilbert, extent, 3)
        };
        let order = order.unwrap_or_else(|| order::snake(extent));
        let model = network.build::<c64>().unwrap();
        agree(&model, |weights, sigma| {
            tensor_gru(weights, &network, &order, sigma)
        });
    }
}

/// The formula of the model's page, for a lattice whose sites are counted in the order in which they are drawn.
fn gated(weights: &Weights, model: &ArnnGatedConv2d, extent: [usize; 2], sigma: &[u8]) -> c64 {
    let [rows, columns] = extent.map(|n| n as i64);
    let [height, width] = model.kernel_size.map(|n| n as i64);
    let sites = || (0..rows).flat_map(|row| (0..columns).map(move |column| [row, column]));
    let site = |[row, column]: [i64; 2]| (row * columns + column) as usize;
    let values = model.hilbert.local_states();
    let input: Field = sites()
        .map(|at| (at, vec![values[sigma[site(at)] as usize]]))
        .collect();
    // What a kernel reads of a field, 0 outside of the lattice.
    let read =
        |field: &Field, at: [i64; 2], rows: std::ops::Range<i64>, steps: std::ops::Range<i64>| {
            let features = field[&[0, 0]].len();
            let taps =
                rows.flat_map(|up| steps.clone().map(move |step| [at[0] - up, at[1] + step]));
            taps.flat_map(|at| field.get(&at).cloned().unwrap_or(vec![0.0; features]))
                .collect::<Vec<f64>>()
        };
    let gate = |name: &str, x: &[f64]| -> Vec<f64> {
        let a = weights.dense(&format!("{name}/features"), x);
        let b = weights.dense(&format!("{name}/gate"), x);
        let pairs = a.iter().zip(&b);
        pairs.map(|(a, b)| a.tanh() * sigmoid(*b)).collect()
    };
    let half = width / 2;
    let (mut v, mut h) = (input.clone(), input);
    for l in 0..model.layers {
        let first = i64::from(l == 0);
        let name = format!("vertical_{l}");
        let above = |at| read(&v, at, first..first + height, -half..half + 1);
        v = sites().map(|at| (at, gate(&name, &above(at)))).collect();
        let name = format!("horizontal_{l}");
        let next = |at: [i64; 2]| {
            let mut x = read(&h, at, 0..1, -half..1 - first);
            x.extend(&v[&at]);
            let g = gate(&name, &x);
            if l == 0 {
                return g;
            }
            let residual = weights.dense(&format!("residual_{l}"), &g);
            h[&at].iter().zip(residual).map(|(h, r)| h + r).collect()
        };
        h = sites().map(|at| (at, next(at))).collect();
    }
    let log_psi = |at: [i64; 2]| {
        let amplitudes = weights.dense("amplitude", &h[&at]);
        let phases = weights.dense("phase", &h[&at]);
        weights.log_psi(&amplitudes, &phases, sigma[site(at)])
    };
    sites().map(log_psi).sum()
}

#[test]
fn gated_convolutions_are_their_formula() {
    let cases = [
        (Hilbert::spin(0.5, 12).unwrap(), [3, 4], 3, [2, 3], None),
        (
            Hilbert::spin(0.5, 9).unwrap(),
            [3, 3],
            2,
            [1, 3],
            Some(order::snake([3, 3])),
        ),
        (
            Hilbert::fock(2, 6).unwrap(),
            [2, 3],
            1,
            [3, 5],
            Some(order::diagonal([2, 3])),
        ),
    ];
    for (hilbert, extent, layers, kernel_size, order) in cases {
        let network = ArnnGatedConv2d {
            phase: true,
            extent: Some(extent),
            order: order.clone(),
            ..ArnnGatedConv2d::new(hilbert, layers, 2, kernel_size)
        };
        let order = order.unwrap_or_else(|| order::raster(extent));
        let model = network.build::<c64>().unwrap();
        agree(&model, |weights, sigma| {
            let drawn: Vec<u8> = order.iter().map(|&site| sigma[site]).collect();
            gated(weights, &network, extent, &drawn)
        });
    }
}
