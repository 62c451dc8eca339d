//! What a network reads and costs, against counts by hand and against what its numbers depend on.

use autoket::graph::{Graph, order};
use autoket::hilbert::Hilbert;
use autoket::models::{
    Ansatz, Arnn, ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, Autoregressive, Features,
    GruNet1d, LstmNet, Recurrence, TensorGru2d,
};
use autoket::random::Key;
use autoket::{Result, c64};

fn spins(n_sites: usize) -> Hilbert {
    Hilbert::spin(0.5, n_sites).unwrap()
}

#[test]
fn multiply_adds_are_those_counted_by_hand() {
    // 6 pairs of sites, and 4 more where sites read themselves.
    let dense = ArnnDense::new(spins(4), 2, 3);
    let model = dense.build::<f64>().unwrap();
    assert_eq!(model.multiply_adds(), 6 * 3 + 10 * 3 * 2);
    // A flip of the first site: 3 inputs of the first layer, 1 + 2 + 3 of the second.
    assert_eq!(model.multiply_adds_of_flip(0), 3 * 3 + 6 * 3 * 2);
    assert_eq!(model.multiply_adds_of_flip(3), 0);
    assert_eq!(model.multiply_adds_of_flip(4), 0);
    // σ is real, all else complex.
    let model = dense.build::<c64>().unwrap();
    assert_eq!(model.multiply_adds(), 6 * 3 * 2 + 10 * 6 * 4);
    // A phase is one more layer like the last, of real parameters.
    let phase = ArnnDense {
        phase: true,
        ..dense
    };
    let model = phase.build::<c64>().unwrap();
    assert_eq!(model.multiply_adds(), 6 * 3 + 2 * 10 * 3 * 2);

    // A 2x3 kernel on 3x3: 6 neighbours to the left, 14 above, 9 sites themselves.
    let conv = ArnnConv2d::new(spins(9), 2, 4, [2, 3]);
    let model = conv.build::<f64>().unwrap();
    assert_eq!(model.multiply_adds(), 20 * 4 + 29 * 4 * 2);

    // One layer of two memories on three sites: the second and the third read a state and two memories.
    let lstm = LstmNet {
        features: Features::List(vec![2]),
        ..LstmNet::new(spins(3), 1, 2)
    };
    assert_eq!(
        lstm.build::<f64>().unwrap().multiply_adds(),
        2 * (1 + 2) * 8
    );
}

/// How far up and aside each entry of a kernel reads that is not masked.
fn entries([height, width]: [usize; 2], exclusive: bool) -> Vec<[usize; 2]> {
    let half = width / 2;
    let all = (0..height).flat_map(|up| (0..width).map(move |column| (up, column)));
    let kept = all.filter(|&(up, column)| up > 0 || column < half + usize::from(!exclusive));
    kept.map(|(up, column)| [up, column.abs_diff(half)])
        .collect()
}

/// The sites of a lattice from which a step up and aside leads to one.
fn places([rows, columns]: [usize; 2], [up, aside]: [usize; 2]) -> usize {
    rows.saturating_sub(up) * columns.saturating_sub(aside)
}

/// Features in and out of each layer.
fn pairs(features: &[usize]) -> impl Iterator<Item = (usize, usize, usize)> {
    let inputs = [1].into_iter().chain(features.iter().copied());
    let pairs = inputs.zip(features.iter().copied()).enumerate();
    pairs.map(|(l, (f, g))| (l, f, g))
}

#[track_caller]
fn counted(model: &Arnn<f64>, parameters: usize, multiply_adds: usize) {
    let extent = [1, model.hilbert().n_sites()];
    assert_eq!(model.layout().n_parameters(), parameters, "{model:?}");
    assert_eq!(model.multiply_adds(), multiply_adds, "{model:?}");
    let text = model.describe(extent).unwrap();
    for line in [
        format!("parameters        {parameters}, "),
        format!("log ψ             {multiply_adds} multiply-adds a sample\n"),
    ] {
        assert!(text.contains(&line), "{text}");
    }
}

/// The formulas of the documentation of each model, on lattices and kernels of all shapes.
#[test]
fn parameters_and_costs_are_those_that_the_pages_state() -> Result<()> {
    let features = [3, 4, 2];
    let list = || Features::List(features.to_vec());

    for n in [1, 2, 7] {
        let dense = ArnnDense {
            features: list(),
            ..ArnnDense::new(spins(n), 3, 1)
        };
        let of_layer = |(l, f, g): (usize, usize, usize)| {
            [
                n * n * f * g + n * g,
                n * (n + 2 * l.min(1) - 1) / 2 * f * g,
            ]
        };
        let [parameters, cost] = sums(pairs(&features).map(of_layer));
        counted(&dense.build()?, parameters, cost);
    }

    for (n, k, d) in [(6, 3, 1), (5, 2, 2), (4, 3, 3), (3, 5, 1)] {
        let conv = ArnnConv1d {
            features: list(),
            kernel_dilation: d,
            ..ArnnConv1d::new(spins(n), 3, 1, k)
        };
        let of_layer = |(l, f, g): (usize, usize, usize)| {
            let first = usize::from(l == 0);
            let back = (first..k).map(|entry| n.saturating_sub(entry * d));
            [(k - first) * f * g + g, back.sum::<usize>() * f * g]
        };
        let [parameters, cost] = sums(pairs(&features).map(of_layer));
        counted(&conv.build()?, parameters, cost);
    }

    for (extent, kernel_size, kernel_dilation) in [
        ([3, 5], [2, 3], [1, 1]),
        ([4, 4], [3, 4], [1, 2]),
        ([2, 6], [2, 2], [2, 1]),
        ([1, 7], [3, 5], [1, 1]),
    ] {
        let [h, w] = kernel_size;
        let conv = ArnnConv2d {
            extent: Some(extent),
            features: list(),
            kernel_dilation,
            ..ArnnConv2d::new(spins(extent[0] * extent[1]), 3, 1, kernel_size)
        };
        let of_layer = |(l, f, g): (usize, usize, usize)| {
            let entries = entries(kernel_size, l == 0);
            assert_eq!(entries.len(), h * w - w.div_ceil(2) + l.min(1));
            let [dh, dw] = kernel_dilation;
            let places = entries
                .iter()
                .map(|[up, aside]| places(extent, [up * dh, aside * dw]));
            [h * w * f * g + g, places.sum::<usize>() * f * g]
        };
        let [parameters, cost] = sums(pairs(&features).map(of_layer));
        counted(&conv.build()?, parameters, cost);
    }

    let order = vec![2, 0, 3, 1];
    // Two read nothing: one is drawn first, the other reads a site that is drawn later.
    let given = Recurrence::new(
        order,
        vec![vec![Some(2)], vec![None], vec![None], vec![Some(1)]],
    );
    for (recurrence, n, width, read) in [
        (Recurrence::chain(1), 1, 1, 0),
        (Recurrence::chain(5), 5, 1, 4),
        (Recurrence::along(order::spiral([2, 3]))?, 6, 1, 5),
        (given?, 4, 1, 1),
        (Recurrence::over(&Graph::square(4, false)?)?, 16, 2, 24),
    ] {
        let lstm = LstmNet {
            features: list(),
            recurrence: Some(recurrence.clone()),
            ..LstmNet::new(spins(n), 3, 1)
        };
        let of_layer = |gates: usize| {
            move |(l, f, g): (usize, usize, usize)| {
                let inputs = n - usize::from(l == 0);
                let weights = (f + width * g) * gates * g + gates * g;
                [weights, (inputs * f + read * g) * gates * g]
            }
        };
        let [parameters, cost] = sums(pairs(&features).map(of_layer(4)));
        counted(&lstm.build()?, parameters, cost);
        if width == 1 {
            let gru = GruNet1d {
                features: list(),
                recurrence: Some(recurrence),
                ..GruNet1d::new(spins(n), 3, 1)
            };
            let [parameters, cost] = sums(pairs(&features).map(of_layer(3)));
            counted(&gru.build()?, parameters, cost);
        }
    }

    for (extent, [h, w], layers) in [
        ([4, 4], [2, 3], 2),
        ([3, 5], [3, 5], 3),
        ([1, 6], [1, 3], 1),
    ] {
        let (f, n) = (4, extent[0] * extent[1]);
        let gated = ArnnGatedConv2d {
            extent: Some(extent),
            ..ArnnGatedConv2d::new(spins(n), layers, f, [h, w])
        };
        let aside = || (0..w).map(|column| column.abs_diff(w / 2));
        let of_layer = |l: usize| {
            let (input, later) = (if l == 0 { 1 } else { f }, l.min(1));
            let up = 1 - later..h + 1 - later;
            let above = up.flat_map(|up| aside().map(move |v| places(extent, [up, v])));
            let left = (1 - later..=w / 2).map(|v| places(extent, [0, v]));
            let vertical = 2 * (h * w * input * f + f);
            let horizontal = 2 * ((w / 2 + later) * input * f + f * f + f);
            let cost = 2 * ((above.sum::<usize>() + left.sum::<usize>()) * input * f + n * f * f);
            let residual = later * f * f;
            [
                vertical + horizontal + residual + later * f,
                cost + n * residual,
            ]
        };
        let [parameters, cost] = sums((0..layers).map(of_layer));
        counted(&gated.build()?, parameters + f * 2 + 2, cost + n * f * 2);
    }

    for [rows, columns] in [[3, 4], [1, 5], [4, 1], [1, 1]] {
        for hilbert in [spins(rows * columns), Hilbert::fock(2, rows * columns)?] {
            let (f, d) = (3, hilbert.local_size());
            let [in_row, above] = [rows * (columns - 1), (rows - 1) * columns];
            let both = (rows - 1) * (columns - 1);
            let parameters = 2 * (4 * d * f * f + f) + 2 * f * f + f * d + d;
            let cost = 2 * (in_row + above + 2 * both) * d * f * f + (in_row + above) * f * f;
            let model = TensorGru2d::new(hilbert, [rows, columns], f).build()?;
            counted(&model, parameters, cost + rows * columns * f * d);
        }
    }
    Ok(())
}

fn sums(of_layers: impl Iterator<Item = [usize; 2]>) -> [usize; 2] {
    of_layers.fold([0, 0], |[a, b], [c, d]| [a + c, b + d])
}

#[test]
fn the_blind_spot_of_masked_convolutions_is_shown() {
    let plain = ArnnConv2d::new(spins(16), 2, 4, [2, 3])
        .build::<f64>()
        .unwrap();
    // Two columns to the right only by two rows up.
    let picture = "\
┌─────────┐
│ # # # # │
│ # # # . │
│ # x     │
│         │
└─────────┘
";
    assert_eq!(plain.receptive_field([4, 4], 9).unwrap(), picture);
    let gated = ArnnGatedConv2d::new(spins(16), 2, 4, [2, 3])
        .build::<f64>()
        .unwrap();
    let blind =
        |model: &Arnn<f64>, site| model.receptive_field([4, 4], site).unwrap().contains('.');
    assert!(blind(&plain, 9) && !blind(&gated, 9));
    assert!(plain.receptive_field([4, 3], 0).is_err());
    assert!(plain.receptive_field([4, 4], 16).is_err());
}

#[test]
fn a_description_says_whether_all_later_sites_change() {
    let dense = ArnnDense::new(spins(6), 2, 3).build::<f64>().unwrap();
    let text = dense.describe([2, 3]).unwrap();
    assert!(text.contains("all later sites, 2.5 on average"), "{text}");
    // Kernels of 6·18 and 18·12 entries, of which 15·3 and 21·6 are free, and biases.
    assert!(text.contains("354, 201 of them free"), "{text}");
    assert!(!text.contains("in this order"), "{text}");
    assert!(!text.contains("constraint"), "{text}");
    let balanced = spins(6).with_total_sz(0.0).unwrap();
    let balanced = ArnnDense::new(balanced, 2, 3).build::<f64>().unwrap();
    let text = balanced.describe([2, 3]).unwrap();
    let line = "\nconstraint        what may follow depends on all sites drawn before";
    assert!(text.contains(line), "{text}");
    let snake = ArnnConv2d {
        extent: Some([2, 3]),
        order: Some(order::snake([2, 3])),
        ..ArnnConv2d::new(spins(6), 1, 3, [1, 2])
    };
    let text = snake.build::<f64>().unwrap().describe([2, 3]).unwrap();
    // Only the four that have a site before them in their row, of 15 pairs.
    assert!(text.contains("0.7 of the 2.5 later sites"), "{text}");
    assert!(text.ends_with("\n 0 1 2\n 5 4 3\n"), "{text}");
}

/// Conditionals depend on the sites that are seen, and on no others: by flips of random states.
#[test]
fn what_is_seen_is_what_numbers_depend_on() -> Result<()> {
    let square = Graph::square(3, false)?;
    let models: Vec<Arnn<f64>> = vec![
        ArnnDense::new(spins(5), 2, 3).build()?,
        ArnnConv2d {
            order: Some(order::spiral([3, 3])),
            ..ArnnConv2d::new(spins(9), 2, 3, [2, 3])
        }
        .build()?,
        LstmNet {
            recurrence: Some(Recurrence::over(&square)?),
            ..LstmNet::new(spins(9), 2, 3)
        }
        .build()?,
        GruNet1d {
            recurrence: Some(Recurrence::along(order::snake([2, 3]))?),
            ..GruNet1d::new(spins(6), 2, 3)
        }
        .build()?,
        ArnnGatedConv2d::new(spins(9), 2, 3, [1, 3]).build()?,
        TensorGru2d::new(spins(6), [2, 3], 3).build()?,
    ];
    for model in models {
        let n = model.hilbert().n_sites();
        // Biases too, as without them the memories of some networks stay 0.
        let mut theta = model.init(Key::new(1)).values;
        for (i, x) in theta.iter_mut().enumerate() {
            if model.layout().active(i).is_some() {
                *x += 0.3 * (i as f64).sin();
            }
        }
        let sigma = model.sample(&theta, 8, Key::new(2)).unwrap().sigma;
        let before = model.conditionals(&theta, &sigma).unwrap();
        for flipped in 0..n {
            let mut other = sigma.clone();
            for sample in other.chunks_exact_mut(n) {
                sample[flipped] = 1 - sample[flipped];
            }
            let after = model.conditionals(&theta, &other).unwrap();
            let affected = model.affected(flipped);
            for site in 0..n {
                let changed = (0..8).any(|sample| {
                    let at = (sample * n + site) * 2;
                    before[at] != after[at]
                });
                assert_eq!(changed, affected[site], "{model:?}: {flipped} at {site}");
                assert_eq!(changed, model.seen(site)[flipped], "{model:?}");
            }
        }
        assert!(model.seen(n).iter().chain(&model.affected(n)).all(|&x| !x));
    }
    Ok(())
}
