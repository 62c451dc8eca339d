//! The table `[lattice]`.

use serde::Serialize;

use crate::graph::Graph;

use super::reader::{Result, Table};

/// The table `[lattice]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum LatticeConfig {
    /// Sites in a row.
    Chain(GridConfig),
    /// Rows and columns.
    Square(GridConfig),
    /// The same extent in every direction.
    Hypercube(GridConfig),
    /// Any extent in every direction.
    Grid(GridConfig),
    /// Any list of edges.
    Edges(EdgesConfig),
}

/// A lattice of rows and columns, in any number of directions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GridConfig {
    /// Sites in each direction; sites are numbered row by row.
    pub extent: Vec<usize>,
    /// Whether each direction is periodic.
    pub pbc: Vec<bool>,
    /// Colours edges by their direction, for a Hamiltonian with one constant per colour.
    pub color_edges: bool,
    /// Edges up to the so-manieth nearest neighbours, coloured by their order: 2 for a J1-J2 model.
    pub max_neighbor_order: usize,
}

/// A lattice given by its edges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EdgesConfig {
    /// Number of sites.
    pub n_sites: usize,
    /// Pairs of sites.
    pub edges: Vec<[usize; 2]>,
    /// A colour per edge.
    pub colors: Vec<usize>,
}

const GRID: &[&str] = &["kind", "extent", "pbc", "color_edges", "max_neighbor_order"];
const EDGES: &[&str] = &["kind", "n_sites", "edges", "colors"];
const KINDS: &[&str] = &["chain", "square", "hypercube", "grid", "edges"];

impl LatticeConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        let Some(kind) = table.name("kind", KINDS)? else {
            table.only(&[GRID, EDGES].concat())?;
            return Err(table.missing("kind", "\"square\""));
        };
        if kind == "edges" {
            table.only(EDGES)?;
            return EdgesConfig::read(table).map(Self::Edges);
        }
        table.only(GRID)?;
        let grid = GridConfig::read(table, kind)?;
        Ok(match kind {
            "chain" => Self::Chain(grid),
            "square" => Self::Square(grid),
            "hypercube" => Self::Hypercube(grid),
            _ => Self::Grid(grid),
        })
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        match self {
            Self::Chain(grid) | Self::Square(grid) | Self::Hypercube(grid) | Self::Grid(grid) => {
                grid.extent.iter().product()
            }
            Self::Edges(edges) => edges.n_sites,
        }
    }

    /// The graph of the lattice.
    ///
    /// # Errors
    /// An order of neighbours that the lattice has not.
    pub fn graph(&self) -> crate::Result<Graph> {
        let grid = match self {
            Self::Edges(edges) => {
                let pairs: Vec<_> = edges.edges.iter().map(|&[a, b]| (a, b)).collect();
                return Graph::from_edges(edges.n_sites, &pairs)?.with_colors(edges.colors.clone());
            }
            Self::Chain(grid) | Self::Square(grid) | Self::Hypercube(grid) | Self::Grid(grid) => {
                grid
            }
        };
        let graph = Graph::grid(&grid.extent, &grid.pbc)?;
        match (grid.max_neighbor_order, grid.color_edges) {
            (1, false) => Ok(graph),
            (1, true) => graph.with_direction_colors(),
            (order, _) => graph.with_neighbors(order),
        }
    }

    /// Rows and columns, of a lattice that has both.
    pub fn rows_and_columns(&self) -> Option<[usize; 2]> {
        match self {
            Self::Chain(grid) | Self::Square(grid) | Self::Hypercube(grid) | Self::Grid(grid) => {
                grid.extent.as_slice().try_into().ok()
            }
            Self::Edges(_) => None,
        }
    }
}

impl GridConfig {
    fn read(table: &Table<'_>, kind: &str) -> Result<Self> {
        let example = match kind {
            "chain" => "[16]",
            "hypercube" => "[4, 4, 4]",
            _ => "[4, 4]",
        };
        let mut extent: Vec<usize> = table.required("extent", example)?;
        let such_as = format!("for example `extent = {example}`");
        let (fits, shape) = match kind {
            "chain" => (extent.len() == 1, "the number of sites, as a list of one"),
            "square" => (
                matches!(extent.len(), 1 | 2),
                "[L] for L x L sites, or [rows, columns]",
            ),
            "hypercube" => (
                !extent.is_empty() && extent.iter().all(|&n| n == extent[0]),
                "the same number for every direction (`kind = \"grid\"` takes any)",
            ),
            _ => (!extent.is_empty(), "one number per direction"),
        };
        table.check(fits, "extent", shape, such_as.clone())?;
        let positive = extent.iter().all(|&n| n > 0);
        table.check(
            positive,
            "extent",
            "at least 1 site in every direction",
            such_as,
        )?;
        let n_sites = extent.iter().try_fold(1_usize, |n, &l| n.checked_mul(l));
        table.check(
            n_sites.is_some_and(|n| n <= MAX_SITES),
            "extent",
            format!("at most {MAX_SITES} sites"),
            "",
        )?;
        if kind == "square" && extent.len() == 1 {
            extent.push(extent[0]);
        }

        let pbc = match table.node("pbc") {
            // NetKet's default.
            None => vec![true; extent.len()],
            Some(node) if node.is_list() => {
                let pbc: Vec<bool> = table.required("pbc", "true")?;
                table.check(
                    pbc.len() == extent.len(),
                    "pbc",
                    format!("true, false, or a list of {} of them", extent.len()),
                    "one per direction, in the order of `extent`",
                )?;
                pbc
            }
            Some(_) => vec![table.required("pbc", "true")?; extent.len()],
        };
        let color_edges = table.optional("color_edges")?.unwrap_or(false);
        let max_neighbor_order = table.optional("max_neighbor_order")?.unwrap_or(1);
        table.check(
            max_neighbor_order > 0,
            "max_neighbor_order",
            "at least 1",
            "",
        )?;
        table.check(
            max_neighbor_order == 1 || !color_edges,
            "color_edges",
            "false where `max_neighbor_order` is above 1",
            "edges have one colour: by direction or by distance",
        )?;
        Ok(Self {
            extent,
            pbc,
            color_edges,
            max_neighbor_order,
        })
    }
}

/// More sites than any run can mean, and few enough that nothing overflows.
const MAX_SITES: usize = 1 << 20;

impl EdgesConfig {
    fn read(table: &Table<'_>) -> Result<Self> {
        let n_sites: usize = table.required("n_sites", "4")?;
        table.check(
            (1..=MAX_SITES).contains(&n_sites),
            "n_sites",
            format!("between 1 and {MAX_SITES} sites"),
            "",
        )?;
        let edges: Vec<[usize; 2]> = table.required("edges", "[[0, 1], [1, 2], [2, 3]]")?;
        for (i, [a, b]) in edges.iter().enumerate() {
            let bad = if *a.max(b) >= n_sites {
                format!("sites from 0 to {} (edge {i} is [{a}, {b}])", n_sites - 1)
            } else if a == b {
                format!("two different sites per edge (edge {i} is [{a}, {b}])")
            } else {
                continue;
            };
            return Err(table.refuse_item("edges", i, bad, "`n_sites` counts the sites"));
        }
        let colors = match table.optional::<Vec<usize>>("colors")? {
            None => vec![0; edges.len()],
            Some(colors) => {
                let expected = format!("one colour for each of the {} edges", edges.len());
                table.check(colors.len() == edges.len(), "colors", expected, "")?;
                colors
            }
        };
        Ok(Self {
            n_sites,
            edges,
            colors,
        })
    }
}
