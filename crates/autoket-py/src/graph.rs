//! Lattices, and their symmetries.

use autoket::graph::{self, CustomEdge, Lattice, Parity};
use num_complex::Complex;
use pyo3::prelude::*;

use crate::errors::OrRaise;

/// A graph, with its lattice if it has one.
#[pyclass(frozen, module = "autoket._native")]
#[derive(Clone)]
pub struct Graph(pub graph::Graph);

/// A group of permutations of sites.
#[pyclass(frozen, module = "autoket._native")]
#[derive(Clone)]
pub struct SymmetryGroup(pub graph::SymmetryGroup);

/// A one-dimensional representation of one.
#[pyclass(frozen, module = "autoket._native")]
#[derive(Clone)]
pub struct Sector(pub graph::Sector);

#[pymethods]
impl Graph {
    /// A hypercubic grid.
    #[staticmethod]
    fn grid(extent: Vec<usize>, pbc: Vec<bool>) -> PyResult<Self> {
        Ok(Self(graph::Graph::grid(&extent, &pbc).or_raise()?))
    }

    #[staticmethod]
    fn triangular(extent: [usize; 2], pbc: [bool; 2]) -> PyResult<Self> {
        Ok(Self(graph::Graph::triangular(extent, pbc).or_raise()?))
    }

    #[staticmethod]
    fn honeycomb(extent: [usize; 2], pbc: [bool; 2]) -> PyResult<Self> {
        Ok(Self(graph::Graph::honeycomb(extent, pbc).or_raise()?))
    }

    #[staticmethod]
    fn kagome(extent: [usize; 2], pbc: [bool; 2]) -> PyResult<Self> {
        Ok(Self(graph::Graph::kagome(extent, pbc).or_raise()?))
    }

    #[staticmethod]
    fn bcc(extent: [usize; 3], pbc: [bool; 3]) -> PyResult<Self> {
        Ok(Self(graph::Graph::bcc(extent, pbc).or_raise()?))
    }

    #[staticmethod]
    fn fcc(extent: [usize; 3], pbc: [bool; 3]) -> PyResult<Self> {
        Ok(Self(graph::Graph::fcc(extent, pbc).or_raise()?))
    }

    #[staticmethod]
    fn diamond(extent: [usize; 3], pbc: [bool; 3]) -> PyResult<Self> {
        Ok(Self(graph::Graph::diamond(extent, pbc).or_raise()?))
    }

    #[staticmethod]
    fn pyrochlore(extent: [usize; 3], pbc: [bool; 3]) -> PyResult<Self> {
        Ok(Self(graph::Graph::pyrochlore(extent, pbc).or_raise()?))
    }

    /// The nearest neighbours of a lattice.
    #[staticmethod]
    fn lattice(
        basis_vectors: Vec<Vec<f64>>,
        site_offsets: Vec<Vec<f64>>,
        extent: Vec<usize>,
        pbc: Vec<bool>,
    ) -> PyResult<Self> {
        let lattice = Lattice::new(basis_vectors, site_offsets, &extent, &pbc).or_raise()?;
        Ok(Self(graph::Graph::from_lattice(lattice).or_raise()?))
    }

    /// A list of `(i, j, colour)`.
    #[staticmethod]
    fn from_edges(n_nodes: usize, edges: Vec<(usize, usize, usize)>) -> PyResult<Self> {
        let empty = graph::Graph::from_edges(n_nodes, &[]).or_raise()?;
        Ok(Self(empty.with_edges(&edges).or_raise()?))
    }

    fn with_edges(&self, edges: Vec<(usize, usize, usize)>) -> PyResult<Self> {
        Ok(Self(self.0.clone().with_edges(&edges).or_raise()?))
    }

    fn with_neighbors(&self, max_neighbor_order: usize) -> PyResult<Self> {
        let graph = self.0.clone().with_neighbors(max_neighbor_order);
        Ok(Self(graph.or_raise()?))
    }

    /// From `(from, to, vector, colour)`.
    fn with_custom_edges(&self, edges: Vec<(usize, usize, Vec<f64>, usize)>) -> PyResult<Self> {
        let edge = |(from, to, vector, color)| CustomEdge {
            from,
            to,
            vector,
            color,
        };
        let edges: Vec<CustomEdge> = edges.into_iter().map(edge).collect();
        Ok(Self(self.0.clone().with_custom_edges(&edges).or_raise()?))
    }

    #[getter]
    fn n_nodes(&self) -> usize {
        self.0.n_nodes()
    }

    #[getter]
    fn edges(&self) -> Vec<(usize, usize)> {
        self.0.edges().to_vec()
    }

    #[getter]
    fn colors(&self) -> Vec<usize> {
        self.0.colors().to_vec()
    }

    #[getter]
    fn adjacency_list(&self) -> Vec<Vec<usize>> {
        self.0.adjacency_list()
    }

    #[getter]
    fn is_bipartite(&self) -> bool {
        self.0.is_bipartite()
    }

    #[getter]
    fn sublattices(&self) -> Option<Vec<f64>> {
        self.0.sublattices()
    }

    #[getter]
    fn basis_vectors(&self) -> Option<Vec<Vec<f64>>> {
        Some(self.0.lattice()?.basis_vectors().to_vec())
    }

    #[getter]
    fn site_offsets(&self) -> Option<Vec<Vec<f64>>> {
        Some(self.0.lattice()?.site_offsets().to_vec())
    }

    #[getter]
    fn extent(&self) -> Option<Vec<usize>> {
        Some(self.0.extent()?.to_vec())
    }

    #[getter]
    fn pbc(&self) -> Option<Vec<bool>> {
        Some(self.0.pbc()?.to_vec())
    }

    #[getter]
    fn positions(&self) -> Option<Vec<Vec<f64>>> {
        Some(self.0.lattice()?.positions())
    }

    /// The cell of every site, and last its label within the cell.
    #[getter]
    fn basis_coords(&self) -> Option<Vec<Vec<usize>>> {
        let lattice = self.0.lattice()?;
        let coordinates = |site| {
            let (mut cell, label) = lattice.cell(site);
            cell.push(label);
            cell
        };
        Some((0..lattice.n_sites()).map(coordinates).collect())
    }

    /// Of all pairs of sites, around periodic directions.
    fn distances_euclidean(&self) -> Option<Vec<Vec<f64>>> {
        let lattice = self.0.lattice()?;
        let sites = 0..lattice.n_sites();
        let row = |i| sites.clone().map(|j| lattice.distance(i, j)).collect();
        Some(sites.clone().map(row).collect())
    }

    fn translations(&self, py: Python<'_>) -> PyResult<SymmetryGroup> {
        let group = py.detach(|| self.0.translations()).or_raise()?;
        Ok(SymmetryGroup(group))
    }

    fn point_group(&self, py: Python<'_>) -> PyResult<SymmetryGroup> {
        let group = py.detach(|| self.0.point_group()).or_raise()?;
        Ok(SymmetryGroup(group))
    }

    fn space_group(&self, py: Python<'_>) -> PyResult<SymmetryGroup> {
        let group = py.detach(|| self.0.space_group()).or_raise()?;
        Ok(SymmetryGroup(group))
    }

    fn sectors(&self, py: Python<'_>, momentum: Vec<usize>) -> PyResult<Vec<Sector>> {
        let sectors = py.detach(|| self.0.sectors(&momentum)).or_raise()?;
        Ok(sectors.into_iter().map(Sector).collect())
    }

    fn to_svg(&self) -> String {
        self.0.to_svg()
    }
}

#[pymethods]
impl SymmetryGroup {
    #[new]
    fn new(n_sites: usize, permutations: Vec<Vec<usize>>) -> PyResult<Self> {
        let group = graph::SymmetryGroup::new(n_sites, permutations);
        Ok(Self(group.or_raise()?))
    }

    #[staticmethod]
    fn generated_by(n_sites: usize, generators: Vec<Vec<usize>>) -> PyResult<Self> {
        let group = graph::SymmetryGroup::generated_by(n_sites, &generators);
        Ok(Self(group.or_raise()?))
    }

    #[getter]
    fn n_sites(&self) -> usize {
        self.0.n_sites()
    }

    #[getter]
    fn permutations(&self) -> Vec<Vec<usize>> {
        self.0.permutations().to_vec()
    }

    fn sectors(&self, py: Python<'_>) -> Vec<Sector> {
        let sectors = py.detach(|| self.0.sectors());
        sectors.into_iter().map(Sector).collect()
    }
}

#[pymethods]
impl Sector {
    #[new]
    fn new(
        permutations: Vec<Vec<usize>>,
        characters: Vec<Complex<f64>>,
        spin_flip: Option<i8>,
    ) -> PyResult<Self> {
        let n_sites = permutations.first().map_or(0, Vec::len);
        let group = graph::SymmetryGroup::new(n_sites, permutations).or_raise()?;
        let sector = Self(graph::Sector::new(&group, characters).or_raise()?);
        Ok(match spin_flip {
            Some(sign) => sector.with_spin_flip(sign > 0),
            None => sector,
        })
    }

    fn with_spin_flip(&self, even: bool) -> Self {
        let parity = if even { Parity::Even } else { Parity::Odd };
        Self(self.0.clone().with_spin_flip(parity))
    }

    #[getter]
    fn permutations(&self) -> Vec<Vec<usize>> {
        self.0.permutations().to_vec()
    }

    #[getter]
    fn characters(&self) -> Vec<Complex<f64>> {
        self.0.characters().to_vec()
    }

    /// 1, -1 or none.
    #[getter]
    fn spin_flip(&self) -> Option<i8> {
        Some(self.0.spin_flip()?.sign() as i8)
    }
}
