use autoket::graph::Graph;
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
