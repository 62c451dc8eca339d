//! The table `[lattice]`.

use serde::{Deserialize, Serialize};

use crate::graph::{self, Graph};
use crate::hilbert::MAX_SITES;

use super::reader::{Result, Table, named};
use LatticeKind::*;

/// The table `[lattice]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LatticeConfig {
    /// Copies of a cell.
    Cells(CellsConfig),
    /// Any list of edges.
    Edges(EdgesConfig),
}

/// The field `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatticeKind {
    /// Sites in a row.
    Chain,
    /// Rows and columns, as many of one as of the other or not.
    #[serde(alias = "rectangular")]
    Square,
    /// The same extent in every direction.
    Hypercube,
    /// Any extent in every direction.
    Grid,
    /// [`Graph::triangular`].
    Triangular,
    /// [`Graph::honeycomb`].
    Honeycomb,
    /// [`Graph::kagome`].
    Kagome,
    /// A grid of three directions.
    Cubic,
    /// [`Graph::bcc`].
    Bcc,
    /// [`Graph::fcc`].
    Fcc,
    /// [`Graph::diamond`].
    Diamond,
    /// [`Graph::pyrochlore`].
    Pyrochlore,
    /// Any [`Lattice`].
    Lattice,
    /// A list of edges.
    Edges,
}

impl LatticeKind {
    /// The directions of a lattice that has a fixed number of them.
    fn n_dim(self) -> Option<usize> {
        match self {
            Chain => Some(1),
            Square | Triangular | Honeycomb | Kagome => Some(2),
            Cubic | Bcc | Fcc | Diamond | Pyrochlore => Some(3),
            Hypercube | Grid | Lattice | Edges => None,
        }
    }

    /// The sites of a cell of a lattice that has a name.
    fn sites_per_cell(self) -> usize {
        match self {
            Honeycomb | Diamond => 2,
            Kagome => 3,
            Pyrochlore => 4,
            _ => 1,
        }
    }
}

/// A lattice of cells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellsConfig {
    /// Which lattice.
    pub kind: LatticeKind,
    /// Of a `Lattice`: the basis vectors, as rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis_vectors: Option<Vec<Vec<f64>>>,
    /// Of a `Lattice`: where the sites of a cell are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_offsets: Option<Vec<Vec<f64>>>,
    /// Cells in each direction; they are numbered row by row.
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
    /// `edges`.
    pub kind: LatticeKind,
    /// Number of sites.
    pub n_sites: usize,
    /// Pairs of sites.
    pub edges: Vec<[usize; 2]>,
    /// A colour per edge.
    pub colors: Vec<usize>,
}

const CELLS: &[&str] = &["kind", "extent", "pbc", "color_edges", "max_neighbor_order"];
const BASIS: &[&str] = &["basis_vectors", "site_offsets"];
const EDGES: &[&str] = &["kind", "n_sites", "edges", "colors"];
const KINDS: &[&str] = &[
    "chain",
    "square",
    "rectangular",
    "hypercube",
    "grid",
    "triangular",
    "honeycomb",
    "kagome",
    "cubic",
    "bcc",
    "fcc",
    "diamond",
    "pyrochlore",
    "lattice",
    "edges",
];

impl LatticeConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        let Some(kind) = table.name("kind", KINDS)? else {
            table.only(&[CELLS, BASIS, EDGES].concat())?;
            return Err(table.missing("kind", "\"square\""));
        };
        match named(kind) {
            Edges => {
                table.only(EDGES)?;
                EdgesConfig::read(table).map(Self::Edges)
            }
            Lattice => {
                table.only(&[CELLS, BASIS].concat())?;
                CellsConfig::read(table, Lattice).map(Self::Cells)
            }
            kind => {
                table.only(CELLS)?;
                CellsConfig::read(table, kind).map(Self::Cells)
            }
        }
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        match self {
            Self::Cells(cells) => cells.sites_per_cell() * cells.extent.iter().product::<usize>(),
            Self::Edges(edges) => edges.n_sites,
        }
    }

    /// The graph of the lattice.
    ///
    /// # Errors
    /// Vectors that make no lattice; an order of neighbours that it has not.
    pub fn graph(&self) -> crate::Result<Graph> {
        match self {
            Self::Edges(edges) => {
                let pairs: Vec<_> = edges.edges.iter().map(|&[a, b]| (a, b)).collect();
                Graph::from_edges(edges.n_sites, &pairs)?.with_colors(edges.colors.clone())
            }
            Self::Cells(cells) => {
                let graph = cells.nearest_neighbors()?;
                match (cells.max_neighbor_order, cells.color_edges) {
                    (1, false) => Ok(graph),
                    (1, true) => graph.with_direction_colors(),
                    (order, _) => graph.with_neighbors(order),
                }
            }
        }
    }

    /// Rows and columns, of a lattice that has both; the sites of a cell are columns side by side.
    pub fn rows_and_columns(&self) -> Option<[usize; 2]> {
        match self {
            Self::Cells(cells) => {
                let [rows, columns] = cells.extent.as_slice().try_into().ok()?;
                Some([rows, columns * cells.sites_per_cell()])
            }
            Self::Edges(_) => None,
        }
    }
}

impl CellsConfig {
    fn sites_per_cell(&self) -> usize {
        let given = self.site_offsets.as_ref().map(Vec::len);
        given.unwrap_or(self.kind.sites_per_cell())
    }

    fn nearest_neighbors(&self) -> crate::Result<Graph> {
        let plane = |new: fn([usize; 2], [bool; 2]) -> crate::Result<Graph>| {
            new(array(&self.extent)?, array(&self.pbc)?)
        };
        let space = |new: fn([usize; 3], [bool; 3]) -> crate::Result<Graph>| {
            new(array(&self.extent)?, array(&self.pbc)?)
        };
        match self.kind {
            Triangular => plane(Graph::triangular),
            Honeycomb => plane(Graph::honeycomb),
            Kagome => plane(Graph::kagome),
            Bcc => space(Graph::bcc),
            Fcc => space(Graph::fcc),
            Diamond => space(Graph::diamond),
            Pyrochlore => space(Graph::pyrochlore),
            Lattice => {
                let basis = self.basis_vectors.clone().unwrap_or_default();
                let origin = || vec![vec![0.0; self.extent.len()]];
                let offsets = self.site_offsets.clone().unwrap_or_else(origin);
                let lattice = graph::Lattice::new(basis, offsets, &self.extent, &self.pbc)?;
                Graph::from_lattice(lattice)
            }
            Chain | Square | Hypercube | Grid | Cubic | Edges => {
                Graph::grid(&self.extent, &self.pbc)
            }
        }
    }

    fn read(table: &Table<'_>, kind: LatticeKind) -> Result<Self> {
        let example = match kind.n_dim() {
            Some(1) => "[16]",
            Some(3) => "[2, 2, 2]",
            _ if kind == Hypercube => "[4, 4, 4]",
            _ => "[4, 4]",
        };
        let mut extent: Vec<usize> = table.required("extent", example)?;
        let such_as = format!("for example `extent = {example}`");
        let (fits, shape) = match (kind, kind.n_dim()) {
            (Chain, _) => (extent.len() == 1, "the number of sites, as a list of one"),
            (Square, _) => (
                matches!(extent.len(), 1 | 2),
                "[L] for L x L sites, or [rows, columns]",
            ),
            (Hypercube, _) => (
                !extent.is_empty() && extent.iter().all(|&n| n == extent[0]),
                "the same number for every direction (`kind = \"grid\"` takes any)",
            ),
            (_, Some(2)) => (
                matches!(extent.len(), 1 | 2),
                "[L] for L x L cells, or cells along both basis vectors",
            ),
            (_, Some(_)) => (
                matches!(extent.len(), 1 | 3),
                "[L] for L x L x L cells, or cells along all three basis vectors",
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
        if let Some(n_dim) = kind.n_dim() {
            extent.resize(n_dim, extent[0]);
        }
        let mut basis_vectors: Option<Vec<Vec<f64>>> = None;
        let mut site_offsets: Option<Vec<Vec<f64>>> = None;
        if kind == Lattice {
            basis_vectors = Some(table.required("basis_vectors", "[[1, 0], [0, 1]]")?);
            site_offsets = table.optional("site_offsets")?;
        }
        let per_cell = site_offsets.as_ref().map(Vec::len);
        let per_cell = per_cell.unwrap_or(kind.sites_per_cell());
        let n_sites = (extent.iter()).try_fold(per_cell, |n, &l| n.checked_mul(l));
        table.check(
            n_sites.is_some_and(|n| n <= MAX_SITES),
            "extent",
            format!("at most {MAX_SITES} sites"),
            "",
        )?;

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
            kind,
            basis_vectors,
            site_offsets,
            extent,
            pbc,
            color_edges,
            max_neighbor_order,
        })
    }
}

/// A list as long as the lattice has directions.
fn array<T: Copy + std::fmt::Debug, const D: usize>(list: &[T]) -> crate::Result<[T; D]> {
    list.try_into().map_err(|_| {
        crate::Error::invalid(
            "extent",
            format!("{D} directions"),
            format!("{list:?}"),
            "give one entry for every direction",
        )
    })
}

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
            kind: Edges,
            n_sites,
            edges,
            colors,
        })
    }
}
