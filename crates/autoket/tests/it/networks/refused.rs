//! What makes no network is refused, with a message that tells the cure.

use std::sync::Arc;

use autoket::graph::Graph;
use autoket::models::{
    ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, ArnnSequential, CausalLayer, Features,
    GruNet1d, Head, LstmNet, Network, Operand, Recurrence, TensorGru2d, Term,
};
use autoket::nn::{Activation, MaskedLayer};
use autoket::{Error, Result, c64};

use super::{Near, spins};

#[test]
fn bad_orders_and_recurrences_are_refused() {
    let with = |order| ArnnDense {
        order: Some(order),
        ..ArnnDense::new(spins(3), 2, 4)
    };
    for order in [vec![0, 1], vec![0, 1, 1], vec![1, 2, 3]] {
        let message = with(order).build::<f64>().unwrap_err().to_string();
        assert!(message.contains("permutation"), "{message}");
    }
    let some = |sites: &[usize]| sites.iter().map(|&site| Some(site)).collect::<Vec<_>>();
    for (order, previous) in [
        (vec![0, 0], vec![some(&[1]), some(&[0])]),
        (vec![0, 1], vec![some(&[1]), some(&[0, 1])]),
        (vec![0, 1], vec![some(&[1, 1]), some(&[0, 1])]),
        (vec![0, 1], vec![some(&[2]), some(&[0])]),
        (vec![0, 1], vec![some(&[0]), some(&[0])]),
        (vec![0, 1], vec![some(&[1])]),
        (vec![0, 1], vec![vec![], vec![]]),
    ] {
        assert!(Recurrence::new(order, previous).is_err());
    }
    for edges in [vec![(0, 1)], vec![(0, 1), (2, 3)]] {
        let apart = Graph::from_edges(4, &edges).unwrap();
        let message = Recurrence::over(&apart).unwrap_err().to_string();
        assert!(message.contains("connected"), "{message}");
    }
    let chain = Graph::chain(3, false).unwrap();
    let message = Recurrence::with_neighbours_of(&chain, vec![7, 7, 7]).unwrap_err();
    assert!(message.to_string().contains("permutation"), "{message}");
    let single = Graph::from_edges(1, &[]).unwrap();
    assert_eq!(Recurrence::over(&single).unwrap(), Recurrence::chain(1));
    let wrong = LstmNet {
        recurrence: Some(Recurrence::chain(4)),
        ..LstmNet::new(spins(3), 2, 4)
    };
    assert!(wrong.build::<f64>().is_err());
    let two = LstmNet {
        recurrence: Some(Recurrence::over(&Graph::square(4, false).unwrap()).unwrap()),
        ..LstmNet::new(spins(16), 2, 4)
    };
    let gru = GruNet1d {
        recurrence: two.recurrence.clone(),
        ..GruNet1d::new(spins(16), 2, 4)
    };
    let message = gru.build::<f64>().unwrap_err().to_string();
    assert!(message.contains("LSTMNet"), "{message}");
}

/// Mistakes in a model are told by field, what was expected, what came and the cure.
#[test]
fn mistakes_are_told_with_their_cures() {
    #[track_caller]
    fn told<T>(built: Result<T>, words: [&str; 4]) {
        let Err(Error::Invalid {
            field,
            expected,
            got,
            cure,
        }) = built
        else {
            panic!("{words:?} has not been refused")
        };
        assert_eq!(field, words[0]);
        for (text, word) in [expected, got, cure].iter().zip(&words[1..]) {
            assert!(text.contains(word), "`{field}`: {word:?} in {text:?}");
        }
    }
    let features = |list: &[usize]| Features::List(list.to_vec());
    let dense = |list: &[usize]| ArnnDense {
        features: features(list),
        ..ArnnDense::new(spins(3), 3, 1)
    };
    let lstm = |list: &[usize]| LstmNet {
        features: features(list),
        ..LstmNet::new(spins(3), 3, 1)
    };
    for (list, words) in [
        (
            &[4, 2][..],
            [
                "features",
                "each of 3 layers",
                "2 numbers",
                "a single number",
            ],
        ),
        (
            &[4, 4, 3],
            ["features", "ending in 2", "[4, 4, 3]", "end it with 2"],
        ),
        (
            &[4, 0, 2],
            ["features", "positive integers", "[4, 0, 2]", "at least 1"],
        ),
    ] {
        told(dense(list).build::<f64>(), words);
        told(lstm(list).build::<c64>(), words);
    }
    let near = || -> Arc<dyn CausalLayer> { Arc::new(Near { features: 3 }) };
    let sequential = |layers| ArnnSequential::new(spins(3), layers).build::<f64>();
    told(
        sequential(vec![near(), near()]),
        [
            "head",
            "2 features, one for each local state",
            "3",
            "as many features",
        ],
    );
    told(
        sequential(vec![]),
        ["layers", "at least 1", "0", "list of layers"],
    );

    let deep = ArnnGatedConv2d::new(spins(4), 1 << 20, 2, [2, 3]);
    let words = ["layers", "at most 4096", "1048576", "number of layers"];
    told(deep.build::<f64>(), words);
    told(ArnnDense::new(spins(4), 1 << 20, 2).build::<f64>(), words);

    let permutation = |field| {
        [
            field,
            "each of the sites 0 to 2 once",
            "[0, 2, 2]",
            "permutation",
        ]
    };
    let order = vec![0, 2, 2];
    let with_order = ArnnDense {
        order: Some(order.clone()),
        ..ArnnDense::new(spins(3), 2, 2)
    };
    told(with_order.build::<f64>(), permutation("order"));
    told(Recurrence::along(order.clone()), permutation("reorder_idx"));
    let chain = Graph::chain(3, false).unwrap();
    told(
        Recurrence::with_neighbours_of(&chain, order),
        permutation("reorder_idx"),
    );
    let apart = Graph::from_edges(4, &[(0, 1), (2, 3)]).unwrap();
    let words = [
        "graph",
        "a connected graph",
        "several pieces",
        "join the sites by edges",
    ];
    told(Recurrence::over(&apart), words);
    let list = vec![vec![None], vec![Some(0)], vec![Some(2)]];
    let words = [
        "prev_neighbors",
        "1 different other sites",
        "[2] for site 2",
        "-1",
    ];
    told(Recurrence::new(vec![0, 1, 2], list), words);
    // Drawn from the last to the first, each would read the one after it.
    let list = vec![vec![None], vec![Some(0)], vec![Some(1)]];
    let words = [
        "prev_neighbors",
        "drawn before site 1",
        "0",
        "fill the list with -1",
    ];
    told(Recurrence::new(vec![2, 1, 0], list.clone()), words);
    assert!(Recurrence::new(vec![0, 1, 2], list).is_ok());
    let elsewhere = LstmNet {
        recurrence: Some(Recurrence::chain(4)),
        ..LstmNet::new(spins(3), 2, 2)
    };
    told(
        elsewhere.build::<f64>(),
        ["recurrence", "3 sites", "4", "lattice"],
    );

    let own = |slope: fn(f64) -> f64| ArnnDense {
        activation: Activation::real("own", |x| x * x, slope),
        ..ArnnDense::new(spins(3), 2, 2)
    };
    let words = |got| {
        [
            "activation",
            "the derivative of `own` at -2.7",
            got,
            "and its derivative",
        ]
    };
    told(own(|_| f64::NAN).build::<f64>(), words("NaN"));
    told(own(|_| 0.0).build::<f64>(), words("0"));
    let one_row = ArnnConv2d::new(spins(5), 2, 2, [2, 3]);
    told(
        one_row.build::<f64>(),
        [
            "extent",
            "rows and columns",
            "5 sites are no square",
            "[rows, columns]",
        ],
    );
    let elsewhere = TensorGru2d::new(spins(6), [2, 2], 3);
    told(
        elsewhere.build::<f64>(),
        ["extent", "= 6", "2 x 2", "the lattice"],
    );
    let even = ArnnGatedConv2d::new(spins(4), 2, 2, [2, 4]);
    told(
        even.build::<f64>(),
        ["kernel_size", "odd width", "[2, 4]", "[2, 3]"],
    );
}

/// What would index beyond an array, overflow or wait for ever is refused.
#[test]
fn slips_of_the_pen_are_refused() {
    let before = |p: u32| -> autoket::models::Before { vec![Some(p); 3].into() };
    let refused = |what: &str, terms: Vec<Term>, features: usize| {
        let mut network = Network::new(spins(3));
        let layer = MaskedLayer::shared("L", 3, &[1], 2, |k| vec![(0..k).collect()]).unwrap();
        let x = network.linear("x", layer, &[Network::INPUT], Activation::IDENTITY);
        let _ = network.mix(features, terms, Activation::IDENTITY);
        let built = network.build::<f64>("Slip", Head::new(x), 2, Default::default());
        assert!(built.is_err(), "{what}");
    };
    let mut network = Network::new(spins(3));
    let x = network.ahead(0);
    let operand = |first: usize, before| Operand {
        node: x,
        first,
        before,
    };
    refused("input", vec![Term::of(Network::INPUT)], 1);
    refused("position", vec![Term::of(operand(0, Some(before(3))))], 2);
    refused("feature", vec![Term::of(operand(usize::MAX, None))], 2);
    refused("nothing", vec![Term::of(network.ahead(50))], 0);
    refused("far", vec![Term::of(network.ahead(usize::MAX))], 2);
    refused("state", vec![Term::of(x).when(2, before(0))], 2);
    refused("when", vec![Term::of(x).when(0, before(7))], 2);

    let far = MaskedLayer::shared("L", 3, &[1], 2, |_| vec![vec![3]]);
    assert!(far.is_err());
    let layer = || MaskedLayer::shared("L", 3, &[1], 2, |k| vec![(0..k).collect()]).unwrap();
    let x = network.linear("a", layer(), &[Network::INPUT], Activation::IDENTITY);
    let y = network.linear("a/kernel", layer(), &[Network::INPUT], Activation::IDENTITY);
    let phase = |phase| Head {
        amplitude: x,
        phase: Some(phase),
    };
    let build = |head| network.build::<c64>("Paths", head, 2, Default::default());
    let message = build(phase(y)).unwrap_err().to_string();
    assert!(message.contains("array of another"), "{message}");
    let message = build(phase(x)).unwrap_err().to_string();
    assert!(message.contains("the same for both"), "{message}");

    // A long way ahead is a search in depth, not a recursion.
    let n = 100_000;
    let mut network = Network::new(spins(n));
    let own = MaskedLayer::shared("Own", n, &[2], 2, |k| vec![vec![k]]).unwrap();
    let ahead = Operand {
        node: network.ahead(0),
        first: 0,
        before: Some(
            (1..=n as u32)
                .map(|k| (k < n as u32).then_some(k))
                .collect(),
        ),
    };
    let mix = network.mix(2, vec![Term::of(ahead)], Activation::IDENTITY);
    let z = network.linear("z", own, &[mix], Activation::IDENTITY);
    network
        .build::<f64>("Long", Head::new(z), 2, Default::default())
        .unwrap();

    let huge = usize::MAX / 2;
    let conv = |extent, kernel_size, kernel_dilation| ArnnConv2d {
        extent,
        kernel_dilation,
        ..ArnnConv2d::new(spins(4), 2, 3, kernel_size)
    };
    for model in [
        conv(Some([1 << 63, 2]), [2, 3], [1, 1]),
        conv(None, [huge, 3], [1, 1]),
        conv(None, [2, 3], [1, huge]),
    ] {
        assert!(model.build::<f64>().is_err());
    }
    assert!(LstmNet::new(spins(4), 2, huge).build::<f64>().is_err());
    assert!(
        ArnnDense::new(spins(4), usize::MAX, 2)
            .build::<f64>()
            .is_err()
    );
    assert!(ArnnDense::new(spins(4), 2, 1 << 40).build::<f64>().is_err());
    assert!(
        ArnnConv1d::new(spins(4), 2, 2, huge)
            .build::<f64>()
            .is_err()
    );
    assert!(
        ArnnGatedConv2d::new(spins(4), 2, 2, [1 << 40, 3])
            .build::<f64>()
            .is_err()
    );
    assert!(
        TensorGru2d::new(spins(4), [2, 2], huge)
            .build::<f64>()
            .is_err()
    );
}
