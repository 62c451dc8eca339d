//! Lattices.

use autoket::graph;
use pyo3::prelude::*;

use crate::errors::OrRaise;

/// A graph, with its lattice if it has one.
#[pyclass(frozen, module = "autoket._native")]
#[derive(Clone)]
pub struct Graph(pub graph::Graph);

#[pymethods]
impl Graph {
    /// A hypercubic grid.
    #[staticmethod]
    fn grid(extent: Vec<usize>, pbc: Vec<bool>) -> PyResult<Self> {
        Ok(Self(graph::Graph::grid(&extent, &pbc).or_raise()?))
    }

    #[getter]
    fn n_nodes(&self) -> usize {
        self.0.n_nodes()
    }
}
