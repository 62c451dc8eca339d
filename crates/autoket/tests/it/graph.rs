use std::collections::BTreeSet;

use autoket::graph::{CustomEdge, Graph, Lattice};
use serde_json::Value;

use crate::golden;

#[test]
fn agrees_with_netket() {
    let mut compared = 0;
    for case in golden::json("graph")["cases"].as_array().unwrap() {
        let arguments = &case["arguments"];
        let length = || golden::index(&arguments["length"]);
        let pbc = arguments["pbc"].as_bool();
        let graph = match case["constructor"].as_str().unwrap() {
            "Chain" if arguments.get("max_neighbor_order").is_none() => {
                Graph::chain(length(), pbc.unwrap())
            }
            "Chain" => Graph::chain(length(), pbc.unwrap())
                .and_then(|g| g.with_neighbors(golden::index(&arguments["max_neighbor_order"]))),
            "Square" => Graph::square(length(), pbc.unwrap()),
            "Hypercube" => {
                Graph::hypercube(length(), golden::index(&arguments["n_dim"]), pbc.unwrap())
            }
            "Grid" => golden::graph(arguments),
            _ => continue,
        };
        // NetKet cannot colour a direction of one site; there is nothing to colour.
        let error = case.get("error").map(|error| error.as_str().unwrap());
        if error.is_some_and(|error| error.contains("does not fit into the lattice")) {
            continue;
        }
        compared += 1;
        assert_eq!(graph.is_err(), error.is_some(), "{case}");
        let Ok(graph) = graph else { continue };
        assert_eq!(graph.n_nodes(), golden::index(&case["n_nodes"]));
        assert_eq!(graph.is_bipartite(), case["is_bipartite"], "{case}");
        let colors = case["edge_colors"]
            .as_array()
            .unwrap()
            .iter()
            .map(golden::index);
        let mut expected: Vec<_> = golden::pairs(&case["edges"])
            .into_iter()
            .zip(colors)
            .collect();
        expected.sort_unstable();
        if arguments["color_edges"] == Value::Bool(true) {
            // Coloured, NetKet has both bonds of a periodic pair: we have one, as without colours.
            expected.dedup();
        }
        let edges = graph.edges().iter().copied();
        let mut edges: Vec<_> = edges.zip(graph.colors().iter().copied()).collect();
        edges.sort_unstable();
        assert_eq!(edges, expected, "{case}");
    }
    assert!(compared > 50);
}

#[test]
fn lattices_agree_with_netket() {
    let file = golden::json("lattices");
    let cases = [&file["lattices"], &file["symmetries"]].map(|cases| cases.as_array().unwrap());
    for case in cases.into_iter().flatten() {
        let what = format!("{} {}", case["constructor"], case["arguments"]);
        let graph = golden::lattice(case);
        assert_eq!(graph.n_nodes(), golden::index(&case["n_nodes"]), "{what}");
        let positions = graph.lattice().unwrap().positions();
        for (position, expected) in positions.iter().zip(case["positions"].as_array().unwrap()) {
            let apart = position.iter().zip(golden::floats(expected));
            assert!(
                apart.into_iter().all(|(x, y)| (x - y).abs() < 1e-12),
                "{what}"
            );
        }
        let colors = golden::indices(&case["edge_colors"]);
        let mut expected: Vec<_> = golden::pairs(&case["edges"])
            .into_iter()
            .map(|(i, j)| (i.min(j), i.max(j)))
            .zip(colors)
            .collect();
        expected.sort_unstable();
        let edges = graph.edges().iter().copied();
        let mut edges: Vec<_> = edges.zip(graph.colors().iter().copied()).collect();
        edges.sort_unstable();
        assert_eq!(edges, expected, "{what}");
    }
}

#[test]
fn lattices_know_where_sites_are() {
    let kagome = Graph::kagome([3, 4], [true, false]).unwrap();
    let lattice = kagome.lattice().unwrap();
    for site in 0..lattice.n_sites() {
        let (cell, label) = lattice.cell(site);
        let cell: Vec<isize> = cell.iter().map(|&x| x as isize).collect();
        assert_eq!(lattice.site(&cell, label), Some(site));
        assert_eq!(lattice.site(&[cell[0] - 3, cell[1]], label), Some(site));
        assert_eq!(lattice.site(&[cell[0], cell[1] + 4], label), None);
    }
    // Neighbours are at one distance, and nobody is nearer.
    let nearest: Vec<bool> = (0..lattice.n_sites())
        .flat_map(|j| (0..j).map(move |i| (i, j)))
        .map(|(i, j)| {
            let distance = lattice.distance(i, j);
            assert!(distance > 0.5 - 1e-12);
            (distance < 0.5 + 1e-12) == kagome.edges().contains(&(i, j))
        })
        .collect();
    assert!(nearest.iter().all(|agrees| *agrees));
    // The shortest way in a skew torus is not found by rounding coordinates alone.
    let basis = vec![vec![1.0, 0.0], vec![0.5, 0.75_f64.sqrt()]];
    let skew = Lattice::new(basis, vec![vec![0.0; 2]], &[7, 7], &[true, true]).unwrap();
    for j in 0..skew.n_sites() {
        let (a, b) = (j / 7, j % 7);
        let mut best = f64::MAX;
        for (m, n) in (-2..=2).flat_map(|m| (-2..=2).map(move |n| (m, n))) {
            let (x, y) = ((a as i32 + 7 * m) as f64, (b as i32 + 7 * n) as f64);
            best = best.min((x * x + y * y + x * y).sqrt());
        }
        assert!((skew.distance(0, j) - best).abs() < 1e-12, "{j}");
    }
    let k = skew.wave_vector(&[2, 5]);
    for (d, m) in [(0, 2.0), (1, 5.0)] {
        let along: f64 = k
            .iter()
            .zip(&skew.basis_vectors()[d])
            .map(|(k, a)| k * a)
            .sum();
        assert!((along * 7.0 / std::f64::consts::TAU - m).abs() < 1e-12);
    }
}

#[test]
fn drawings_show_all_sites_and_bonds() {
    let count = |graph: Graph, what: &str| graph.to_svg().matches(what).count();
    // Of 18 bonds of a torus 6 are across its borders, with a stub at either end.
    let torus = || Graph::square(3, true).unwrap();
    assert_eq!(count(torus(), "<circle"), 9);
    assert_eq!(count(torus(), "<line"), 12 + 2 * 6);
    assert_eq!(count(torus(), "dasharray"), 2 * 6);
    assert_eq!(count(Graph::square(3, false).unwrap(), "dasharray"), 0);
    // Second neighbours go around the site between them; colours have a key.
    let further = Graph::chain(5, false).unwrap().with_neighbors(2).unwrap();
    assert_eq!(count(further.clone(), "<path"), 3);
    assert_eq!(count(further, ">colour 1<"), 1);
    let list = Graph::from_edges(4, &[(0, 1), (1, 3)]).unwrap();
    assert_eq!(
        (count(list.clone(), "<circle"), count(list, "<line")),
        (4, 2)
    );
    assert_eq!(
        count(Graph::pyrochlore([2; 3], [true; 3]).unwrap(), "<circle"),
        32
    );
}

#[test]
fn directions_have_colours() {
    let triangular = Graph::triangular([4, 4], [true, true]).unwrap();
    let colored = triangular.with_direction_colors().unwrap();
    let count = |color| colored.colors().iter().filter(|c| **c == color).count();
    assert_eq!([0, 1, 2].map(count), [16; 3]);
    // One open row keeps the colour of its direction.
    let row = Graph::grid(&[1, 4], &[false, false]).unwrap();
    assert_eq!(row.with_direction_colors().unwrap().colors(), [1; 3]);
    // Two sites of a small torus are joined in three directions, by a bond of each colour.
    let two = Graph::honeycomb([1, 1], [true, true]).unwrap();
    assert_eq!(two.edges(), [(0, 1)]);
    assert_eq!(two.with_direction_colors().unwrap().colors(), [0, 1, 2]);
}

#[test]
fn bonds_may_be_given() {
    let edge = |from, to, vector: &[f64], color| CustomEdge {
        from,
        to,
        vector: vector.to_vec(),
        color,
    };
    let side = 0.5 / 3_f64.sqrt();
    let directions = [
        edge(0, 1, &[0.5, side], 0),
        edge(0, 1, &[-0.5, side], 1),
        edge(0, 1, &[0.0, -2.0 * side], 2),
    ];
    let honeycomb = Graph::honeycomb([3, 4], [true, false]).unwrap();
    let by_hand = honeycomb.clone().with_custom_edges(&directions).unwrap();
    let set = |graph: &Graph| {
        let edges = graph.edges().iter().zip(graph.colors());
        edges
            .map(|(edge, color)| (*edge, *color))
            .collect::<BTreeSet<_>>()
    };
    let colored = honeycomb.with_direction_colors().unwrap();
    assert_eq!(set(&by_hand), set(&colored));
    assert_eq!(by_hand.lattice(), colored.lattice());
    // Around two periodic cells a pair is joined twice.
    let ring = Graph::chain(2, true).unwrap();
    let twice = ring
        .clone()
        .with_custom_edges(&[edge(0, 0, &[1.0], 7)])
        .unwrap();
    assert_eq!(
        (twice.edges(), twice.colors()),
        (&[(0, 1), (0, 1)][..], &[7, 7][..])
    );
    let kept = twice.with_edges(&[(1, 0, 2)]).unwrap();
    assert_eq!((kept.edges(), kept.colors()), (&[(0, 1)][..], &[2][..]));
    assert_eq!(kept.lattice(), ring.lattice());
    assert!(kept.with_edges(&[(0, 2, 0)]).is_err());
    for (edge, text) in [
        (edge(0, 1, &[1.0], 0), "from 0 to 0"),
        (edge(0, 0, &[1.0, 0.0], 0), "1 finite components"),
        (edge(0, 0, &[0.5], 0), "from a site 0 to a site 0"),
        (edge(0, 0, &[2.0], 0), "within the"),
        (edge(0, 0, &[0.0], 0), "neighbour itself"),
    ] {
        let error = ring
            .clone()
            .with_custom_edges(&[edge])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("custom_edges[0]") && error.contains(text),
            "{error}"
        );
    }
}

#[test]
fn knows_its_shape() {
    let grid = Graph::grid(&[2, 3], &[true, false]).unwrap();
    assert_eq!(grid.extent(), Some(&[2, 3][..]));
    assert_eq!(grid.pbc(), Some(&[true, false][..]));
    assert_eq!(grid.edges().len(), 7);
    assert_eq!(Graph::chain(5, true).unwrap().extent(), Some(&[5][..]));
    let triangle = Graph::from_edges(4, &[(1, 0), (2, 1), (0, 2)]).unwrap();
    assert_eq!(triangle.edges(), [(0, 1), (1, 2), (0, 2)]);
    assert_eq!((triangle.extent(), triangle.pbc()), (None, None));
    assert!(!triangle.is_bipartite());
    assert_eq!(
        triangle.with_colors(vec![0, 1, 1]).unwrap().colors(),
        [0, 1, 1]
    );
    let lonely = Graph::from_edges(3, &[]).unwrap();
    assert!(lonely.is_bipartite() && lonely.edges().is_empty());
    assert_eq!(
        Graph::from_edges(2, &[(0, 1), (1, 0)])
            .unwrap()
            .edges()
            .len(),
        2
    );
}

#[test]
fn refuses_what_makes_no_sense() {
    let check = |result: autoket::Result<Graph>, field: &str, word: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{field}`")), "{message}");
        assert!(message.contains(word), "{message}");
    };
    check(Graph::grid(&[], &[]), "extent", "at least one direction");
    check(
        Graph::hypercube(3, 0, true),
        "extent",
        "at least one direction",
    );
    check(Graph::grid(&[2, 3], &[true]), "pbc", "2 values");
    check(
        Graph::grid(&[2, 0], &[true, true]),
        "extent[1]",
        "at least 1",
    );
    check(Graph::chain(1, true), "extent[0]", "neighbour itself");
    check(Graph::chain(0, false), "extent[0]", "got 0");
    check(Graph::square(usize::MAX, false), "extent", "2^32");
    check(Graph::from_edges(0, &[]), "n_sites", "at least 1");
    check(
        Graph::from_edges(3, &[(0, 1), (1, 3)]),
        "edges[1]",
        "0 to 2",
    );
    check(Graph::from_edges(3, &[(1, 1)]), "edges[0]", "different");
    let square = || Graph::square(2, false).unwrap();
    check(square().with_colors(vec![0; 3]), "colors", "4 values");
    check(
        square().with_neighbors(0),
        "max_neighbor_order",
        "at least 1",
    );
    let of = |basis: &[&[f64]], offsets: &[&[f64]]| {
        let rows = |rows: &[&[f64]]| rows.iter().map(|row| row.to_vec()).collect();
        let lattice = Lattice::new(rows(basis), rows(offsets), &[2, 2], &[false, false]);
        lattice.and_then(Graph::from_lattice)
    };
    let origin: &[&[f64]] = &[&[0.0, 0.0]];
    let unit: &[&[f64]] = &[&[1.0, 0.0], &[0.0, 1.0]];
    check(of(&[&[1.0, 0.0]], origin), "basis_vectors", "2 vectors");
    check(
        of(&[&[1.0], &[0.0, 1.0]], origin),
        "basis_vectors",
        "2 finite",
    );
    check(
        of(&[&[1.0, 2.0], &[2.0, 4.0]], origin),
        "basis_vectors",
        "independent",
    );
    check(
        of(&[&[f64::NAN, 2.0], &[2.0, 4.0]], origin),
        "basis_vectors",
        "finite",
    );
    check(of(unit, &[]), "site_offsets", "at least one");
    check(of(unit, &[&[0.0]]), "site_offsets", "2 finite");
    check(
        of(unit, &[&[0.2, 0.0], &[1.2, -1.0]]),
        "site_offsets[1]",
        "no other",
    );
    check(
        Graph::triangular([1, 3], [true, true]),
        "extent",
        "neighbour itself",
    );
    check(
        Graph::kagome([3, 0], [true, true]),
        "extent[1]",
        "at least 1",
    );
    check(Graph::kagome([1 << 31, 1], [true, true]), "extent", "2^32");
    let list = || Graph::from_edges(3, &[(0, 1)]).unwrap();
    check(list().with_direction_colors(), "graph", "with_colors");
    check(list().with_neighbors(2), "graph", "list of bonds");
    check(
        Graph::chain(3, false).unwrap().with_neighbors(5),
        "max_neighbor_order",
        "2",
    );
    check(
        Graph::chain(4, true).unwrap().with_neighbors(4),
        "max_neighbor_order",
        "itself",
    );
    let long = square().with_neighbors(usize::MAX);
    check(long, "max_neighbor_order", "at most 2");
    let torus = Graph::square(4, true).unwrap();
    check(
        torus.with_neighbors(usize::MAX),
        "max_neighbor_order",
        "lower it",
    );
}
