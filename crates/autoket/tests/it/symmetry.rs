use std::collections::BTreeSet;

use autoket::c64;
use autoket::graph::{Graph, Parity, Permutation, Sector, SymmetryGroup};
use serde_json::Value;

use crate::golden;

fn permutations(value: &Value) -> BTreeSet<Permutation> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(golden::indices)
        .collect()
}

fn as_set(group: &SymmetryGroup) -> BTreeSet<Permutation> {
    group.permutations().iter().cloned().collect()
}

fn compose(g: &[usize], h: &[usize]) -> Permutation {
    h.iter().map(|&i| g[i]).collect()
}

/// All products are in the group, the identity is first, and χ(gh) = χ(g)χ(h) of all sectors.
fn is_group(group: &SymmetryGroup, sectors: &[Sector]) {
    let place = |g: &Permutation| group.permutations().iter().position(|h| h == g);
    assert_eq!(
        group.permutations()[0],
        (0..group.n_sites()).collect::<Vec<_>>()
    );
    assert_eq!(as_set(group).len(), group.len());
    for (a, g) in group.permutations().iter().enumerate() {
        for (b, h) in group.permutations().iter().enumerate() {
            let product = place(&compose(g, h)).expect("a product is in the group");
            for sector in sectors {
                let x = sector.characters();
                assert!((x[product] - x[a] * x[b]).norm() < 1e-12);
            }
        }
    }
}

#[test]
fn groups_agree_with_netket() {
    let mut compared = 0;
    for case in golden::json("lattices")["symmetries"].as_array().unwrap() {
        let what = format!("{} {}", case["constructor"], case["arguments"]);
        let graph = golden::lattice(case);
        let [translations, point, space] = [
            graph.translations(),
            graph.point_group(),
            graph.space_group(),
        ]
        .map(Result::unwrap);
        assert_eq!(
            as_set(&translations),
            permutations(&case["translations"]),
            "{what}"
        );
        assert_eq!(space.len(), golden::index(&case["n_space_group"]), "{what}");
        let n_point = golden::index(&case["n_point_group"]);
        match case["constructor"].as_str().unwrap() {
            // Half of Fd3m's elements need a shift, and Td keeps the origin.
            "Diamond" | "Pyrochlore" => assert_eq!((point.len(), n_point), (24, 48), "{what}"),
            _ => assert_eq!(point.len(), n_point, "{what}"),
        }
        if case.get("space_group").is_none() {
            continue;
        }
        assert_eq!(as_set(&point), permutations(&case["point_group"]), "{what}");
        assert_eq!(as_set(&space), permutations(&case["space_group"]), "{what}");
        is_group(&space, &space.sectors());
        let Some(irreps) = case.get("at_zero") else {
            continue;
        };
        compared += 1;
        // NetKet's characters are in the order of sorted permutations.
        let order = as_set(&space);
        let ours: Vec<Vec<c64>> = (graph
            .sectors(&vec![0; graph.extent().unwrap().len()])
            .unwrap())
        .iter()
        .map(|sector| {
            let place =
                |g: &Permutation| sector.permutations().iter().position(|h| h == g).unwrap();
            order
                .iter()
                .map(|g| sector.characters()[place(g)])
                .collect()
        })
        .collect();
        let irreps = irreps.as_array().unwrap();
        assert_eq!(ours.len(), irreps.len(), "{what}");
        for irrep in irreps {
            let irrep: Vec<c64> = (irrep.as_array().unwrap().iter().map(golden::floats))
                .map(|x| c64::new(x[0], x[1]))
                .collect();
            let same = |x: &&Vec<c64>| x.iter().zip(&irrep).all(|(a, b)| (a - b).norm() < 1e-9);
            assert_eq!(ours.iter().filter(same).count(), 1, "{what}");
        }
    }
    assert!(compared >= 10);
}

/// The number of states of spins 1/2 in a sector: traces of permutations.
fn dimension(sector: &Sector) -> f64 {
    let group = sector.permutations();
    let trace = |g: &Permutation, flipped: bool| {
        let mut seen = vec![false; g.len()];
        let mut trace = 1.0;
        for start in 0..g.len() {
            let (mut i, mut length) = (start, 0);
            while !seen[i] {
                (seen[i], i, length) = (true, g[i], length + 1);
            }
            // Going once around a cycle of odd length, a flip contradicts itself.
            trace *= match (length, flipped) {
                (0, _) => 1.0,
                (odd, true) if odd % 2 == 1 => 0.0,
                _ => 2.0,
            };
        }
        trace
    };
    let sum = |flipped| -> c64 {
        let parts = group.iter().zip(sector.characters());
        parts.map(|(g, x)| x.conj() * trace(g, flipped)).sum()
    };
    let plain = sum(false) / group.len() as f64;
    let dimension = match sector.spin_flip() {
        None => plain,
        Some(parity) => (plain + parity.sign() * sum(true) / group.len() as f64) / 2.0,
    };
    assert!(dimension.im.abs() < 1e-9 && (dimension.re - dimension.re.round()).abs() < 1e-9);
    dimension.re.round()
}

#[test]
fn sectors_of_translations_make_up_the_space() {
    for graph in [
        Graph::chain(7, true),
        Graph::triangular([2, 4], [true, true]),
        Graph::kagome([2, 2], [true, false]),
        Graph::fcc([2, 2, 3], [true, false, true]),
    ] {
        let graph = graph.unwrap();
        let sectors = graph.translations().unwrap().sectors();
        assert_eq!(sectors.len(), graph.translations().unwrap().len());
        let states: f64 = sectors.iter().map(dimension).sum();
        assert_eq!(states, 2.0_f64.powi(graph.n_nodes() as i32));
        let halves = |sector: &Sector| {
            [Parity::Even, Parity::Odd]
                .map(|parity| dimension(&sector.clone().with_spin_flip(parity)))
        };
        for sector in &sectors {
            assert_eq!(halves(sector).iter().sum::<f64>(), dimension(sector));
        }
    }
}

#[test]
fn momenta_have_their_sectors() {
    let ring = Graph::chain(6, true).unwrap();
    let mut states = 0.0;
    for m in 0..6 {
        let sectors = ring.sectors(&[m]).unwrap();
        assert_eq!(sectors.len(), if m % 3 == 0 { 2 } else { 1 });
        for sector in &sectors {
            let (group, x) = (sector.permutations(), sector.characters());
            let step = group.iter().position(|g| *g == [1, 2, 3, 4, 5, 0]).unwrap();
            let expected = c64::cis(-std::f64::consts::TAU * m as f64 / 6.0);
            assert!((x[step] - expected).norm() < 1e-12);
            assert_eq!(sector.is_real(), m % 3 == 0);
            states += dimension(sector);
        }
    }
    assert_eq!(states, 64.0);
    let square = Graph::square(4, true).unwrap();
    let count = |m: [usize; 2]| square.sectors(&m).unwrap().len();
    // C4v at Γ and M, C2v at X, one mirror between.
    assert_eq!(
        [[0, 0], [2, 2], [0, 2], [0, 1], [1, 1]].map(count),
        [4, 4, 4, 2, 2]
    );
    // Of D6 four irreps have one dimension, of C3v at K two.
    let triangular = Graph::triangular([6, 6], [true, true]).unwrap();
    assert_eq!(triangular.sectors(&[0, 0]).unwrap().len(), 4);
    assert_eq!(
        triangular.sectors(&[2, 4]).unwrap()[0].permutations().len(),
        36 * 6
    );
    assert_eq!(triangular.sectors(&[2, 4]).unwrap().len(), 2);
    // At X of diamond the shifts by a part of a cell leave no representation of one dimension.
    let diamond = Graph::diamond([2, 2, 2], [true; 3]).unwrap();
    assert_eq!(diamond.sectors(&[0, 1, 1]).unwrap().len(), 0);
    assert_eq!(diamond.sectors(&[0, 0, 0]).unwrap().len(), 4);
}

#[test]
fn colours_lower_the_symmetry() {
    let square = Graph::square(4, true).unwrap();
    assert_eq!(square.point_group().unwrap().len(), 8);
    assert_eq!(
        square
            .clone()
            .with_neighbors(3)
            .unwrap()
            .space_group()
            .unwrap()
            .len(),
        128
    );
    let colored = square.with_direction_colors().unwrap();
    assert_eq!(colored.point_group().unwrap().len(), 4);
    // Dimers along a ring: half of the translations.
    let dimers = Graph::chain(6, true).unwrap();
    let alternate = dimers
        .edges()
        .iter()
        .map(|(i, j)| if j - i == 1 { i % 2 } else { 1 })
        .collect();
    let dimers = dimers.with_colors(alternate).unwrap();
    assert_eq!(dimers.translations().unwrap().len(), 3);
    assert_eq!(dimers.space_group().unwrap().len(), 6);
}

#[test]
fn refuses_what_makes_no_sense() {
    fn check<T: std::fmt::Debug>(result: autoket::Result<T>, field: &str, word: &str) {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{field}`")), "{message}");
        assert!(message.contains(word), "{message}");
    }
    let list = Graph::from_edges(3, &[(0, 1)]).unwrap();
    check(list.translations(), "graph", "generated_by");
    check(list.space_group(), "graph", "generated_by");
    check(
        Graph::hypercube(2, 6, false).unwrap().point_group(),
        "graph",
        "at most 5",
    );
    let ring = Graph::chain(4, true).unwrap();
    check(ring.sectors(&[4]), "momentum", "below its extent");
    check(ring.sectors(&[0, 0]), "momentum", "1 whole");
    check(
        Graph::chain(4, false).unwrap().sectors(&[1]),
        "momentum",
        "open",
    );
    check(
        SymmetryGroup::generated_by(3, &[vec![0, 1]]),
        "permutations[0]",
        "each of 3",
    );
    check(
        SymmetryGroup::generated_by(2, &[vec![0, 0]]),
        "permutations[0]",
        "once",
    );
    check(
        SymmetryGroup::new(3, vec![vec![0, 1, 2], vec![1, 2, 0]]),
        "permutations",
        "2 of 3",
    );
    let three = SymmetryGroup::generated_by(3, &[vec![1, 2, 0]]).unwrap();
    check(
        Sector::new(&three, vec![c64::ONE; 2]),
        "characters",
        "2 for 3",
    );
    let signs = [1.0, -1.0, 1.0].map(c64::from).to_vec();
    check(Sector::new(&three, signs), "characters", "χ(gh)");
    check(
        Sector::new(&three, vec![c64::ZERO; 3]),
        "characters",
        "identity",
    );
    for sector in three.sectors() {
        assert_eq!(
            Sector::new(&three, sector.characters().to_vec()).unwrap(),
            sector
        );
    }
}
