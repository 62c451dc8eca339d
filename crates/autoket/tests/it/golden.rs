//! The files that `golden/generate.py` wrote with NetKet.

use std::path::PathBuf;

use autoket::c64;
use autoket::graph::{Graph, Lattice};
use autoket::hilbert::Hilbert;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

pub fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../golden/data", name]
        .iter()
        .collect()
}

pub fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(path(&format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A text file, all of it.
pub fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(&format!("{name}.safetensors"))).unwrap()
}

/// A real tensor, or a complex one of (re, im) pairs named `...:complex`; row-major.
pub fn tensor(file: &SafeTensors, name: &str) -> Vec<c64> {
    let numbers = |name: &str| -> Option<Vec<f64>> {
        let tensor = file.tensor(name).ok()?;
        let bytes = tensor.data();
        Some(match tensor.dtype() {
            Dtype::F32 => {
                let numbers = bytes.chunks_exact(4);
                numbers
                    .map(|x| f32::from_le_bytes(x.try_into().unwrap()).into())
                    .collect()
            }
            Dtype::F64 => {
                let numbers = bytes.chunks_exact(8);
                numbers
                    .map(|x| f64::from_le_bytes(x.try_into().unwrap()))
                    .collect()
            }
            other => panic!("{name}: {other:?}"),
        })
    };
    if let Some(real) = numbers(name) {
        return real.into_iter().map(c64::from).collect();
    }
    let pairs = numbers(&format!("{name}:complex")).unwrap();
    pairs
        .chunks_exact(2)
        .map(|z| c64::new(z[0], z[1]))
        .collect()
}

pub fn floats(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|x| x.as_f64().unwrap()).collect()
}

pub fn index(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

pub fn pairs(value: &Value) -> Vec<(usize, usize)> {
    let pairs = value.as_array().unwrap().iter();
    pairs
        .map(|pair| (index(&pair[0]), index(&pair[1])))
        .collect()
}

pub fn hilbert(spec: &Value) -> Hilbert {
    if spec["kind"] == "fermions" {
        let space = Hilbert::spin_orbital_fermions(index(&spec["n_orbitals"]), spec["s"].as_f64());
        return match (spec.get("n_fermions"), spec.get("n_fermions_per_spin")) {
            (Some(n), _) => space.unwrap().with_n_particles(index(n)).unwrap(),
            (None, Some(n)) => {
                let n: Vec<usize> = n.as_array().unwrap().iter().map(index).collect();
                space.unwrap().with_n_fermions_per_spin(&n).unwrap()
            }
            (None, None) => space.unwrap(),
        };
    }
    let n_sites = index(&spec["n_sites"]);
    match spec["kind"].as_str().unwrap() {
        "spin" => Hilbert::spin(spec["s"].as_f64().unwrap(), n_sites)
            .unwrap()
            .with_inverted_ordering(spec["inverted_ordering"].as_bool().unwrap()),
        "qubit" => Hilbert::qubit(n_sites).unwrap(),
        "fock" => Hilbert::fock(index(&spec["n_max"]), n_sites).unwrap(),
        other => panic!("{other}"),
    }
}

/// The arguments of NetKet's `Grid`, or a list of bonds.
pub fn graph(spec: &Value) -> autoket::Result<Graph> {
    if let Some(edges) = spec.get("edges") {
        let edges = pairs(edges);
        let n_nodes = edges.iter().map(|&(i, j)| i.max(j)).max().unwrap() + 1;
        return Graph::from_edges(n_nodes, &edges);
    }
    let extent = indices(&spec["extent"]);
    let pbc = match spec["pbc"].as_bool() {
        Some(pbc) => vec![pbc; extent.len()],
        None => {
            let pbc = spec["pbc"].as_array().unwrap().iter();
            pbc.map(|pbc| pbc.as_bool().unwrap()).collect()
        }
    };
    let grid = Graph::grid(&extent, &pbc)?;
    if let Some(order) = spec.get("max_neighbor_order") {
        return grid.with_neighbors(index(order));
    }
    match spec
        .get("color_edges")
        .is_some_and(|on| on.as_bool().unwrap())
    {
        true => grid.with_direction_colors(),
        false => Ok(grid),
    }
}

/// A lattice by the name and arguments of NetKet's constructor.
pub fn lattice(case: &Value) -> Graph {
    let arguments = &case["arguments"];
    let name = case["constructor"].as_str().unwrap();
    let length = arguments.get("length").map(index);
    let extent = arguments.get("extent").map(indices);
    let extent = extent.unwrap_or_else(|| match (name, length.unwrap()) {
        ("Chain", l) => vec![l],
        ("Square", l) => vec![l; 2],
        (_, l) => vec![l; 3],
    });
    let pbc = match arguments["pbc"].as_bool() {
        Some(pbc) => vec![pbc; extent.len()],
        None => {
            let pbc = arguments["pbc"].as_array().unwrap().iter();
            pbc.map(|pbc| pbc.as_bool().unwrap()).collect()
        }
    };
    let plane = || {
        (
            <[usize; 2]>::try_from(&extent[..]).unwrap(),
            <[bool; 2]>::try_from(&pbc[..]).unwrap(),
        )
    };
    let space = || {
        (
            <[usize; 3]>::try_from(&extent[..]).unwrap(),
            <[bool; 3]>::try_from(&pbc[..]).unwrap(),
        )
    };
    let vectors = |name: &str| {
        arguments[name]
            .as_array()
            .unwrap()
            .iter()
            .map(floats)
            .collect()
    };
    let in_plane =
        |new: fn([usize; 2], [bool; 2]) -> autoket::Result<Graph>| new(plane().0, plane().1);
    let in_space =
        |new: fn([usize; 3], [bool; 3]) -> autoket::Result<Graph>| new(space().0, space().1);
    let graph = match name {
        "Triangular" => in_plane(Graph::triangular),
        "Honeycomb" => in_plane(Graph::honeycomb),
        "KitaevHoneycomb" => in_plane(Graph::honeycomb).unwrap().with_direction_colors(),
        "Kagome" => in_plane(Graph::kagome),
        "BCC" => in_space(Graph::bcc),
        "FCC" => in_space(Graph::fcc),
        "Diamond" => in_space(Graph::diamond),
        "Pyrochlore" => in_space(Graph::pyrochlore),
        "Lattice" => Lattice::new(
            vectors("basis_vectors"),
            vectors("site_offsets"),
            &extent,
            &pbc,
        )
        .and_then(Graph::from_lattice),
        _ => Graph::grid(&extent, &pbc),
    };
    let graph = graph.unwrap();
    if let Some(order) = arguments.get("max_neighbor_order") {
        return graph.with_neighbors(index(order)).unwrap();
    }
    match arguments.get("color_edges").is_some() {
        true => graph.with_direction_colors().unwrap(),
        false => graph,
    }
}

pub fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(index).collect()
}

/// The files whose names begin so.
pub fn names(prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path("."))
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let stem = name.strip_suffix(".json")?;
            stem.starts_with(prefix).then(|| stem.to_owned())
        })
        .collect();
    names.sort();
    names
}
