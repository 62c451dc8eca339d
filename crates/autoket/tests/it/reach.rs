//! What a network reads and costs, against counts by hand and against what its numbers depend on.

use autoket::graph::{Graph, order};
use autoket::hilbert::Hilbert;
use autoket::models::{
    Ansatz, Arnn, ArnnConv2d, ArnnDense, ArnnGatedConv2d, Autoregressive, Features, GruNet1d,
    LstmNet, Recurrence, TensorGru2d,
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
