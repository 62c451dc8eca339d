//! Lattices that have a name.

use super::{Graph, Lattice};
use crate::error::Result;

/// √3/2, the height of a triangle of sides 1.
const HEIGHT: f64 = 0.866_025_403_784_438_6;
/// 1/√3, the side of a hexagon in a honeycomb of unit cells of size 1.
const SIDE: f64 = 0.577_350_269_189_625_8;

impl Graph {
    /// A triangular lattice, one site per cell: a₁ = (1, 0), a₂ = (1/2, √3/2).
    ///
    /// NetKet: `Triangular`.
    ///
    /// # Errors
    /// As [`Graph::from_lattice`].
    ///
    /// # Example
    /// ```
    /// use autoket::graph::Graph;
    /// let triangular = Graph::triangular([3, 4], [true, true])?;
    /// assert_eq!(triangular.edges().len(), 36);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn triangular(extent: [usize; 2], pbc: [bool; 2]) -> Result<Self> {
        hexagonal(&[[0.0, 0.0]], extent, pbc)
    }

    /// A honeycomb lattice, two sites per cell.
    ///
    /// NetKet: `Honeycomb`, and `KitaevHoneycomb` [coloured by direction](Self::with_direction_colors).
    ///
    /// # Errors
    /// As [`Graph::from_lattice`].
    pub fn honeycomb(extent: [usize; 2], pbc: [bool; 2]) -> Result<Self> {
        hexagonal(&[[0.5, SIDE / 2.0], [1.0, SIDE]], extent, pbc)
    }

    /// A kagome lattice, three sites per cell.
    ///
    /// NetKet: `Kagome`.
    ///
    /// # Errors
    /// As [`Graph::from_lattice`].
    pub fn kagome(extent: [usize; 2], pbc: [bool; 2]) -> Result<Self> {
        let offsets = [[0.5, 0.0], [0.25, HEIGHT / 2.0], [0.75, HEIGHT / 2.0]];
        hexagonal(&offsets, extent, pbc)
    }

    /// A body-centred cubic lattice by its primitive cells, one site each.
    ///
    /// NetKet: `BCC`.
    ///
    /// # Errors
    /// As [`Graph::from_lattice`].
    pub fn bcc(extent: [usize; 3], pbc: [bool; 3]) -> Result<Self> {
        let basis = [[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]];
        spatial(&basis, &[[0.0; 3]], extent, pbc)
    }

    /// A face-centred cubic lattice by its primitive cells, one site each.
    ///
    /// NetKet: `FCC`.
    ///
    /// # Errors
    /// As [`Graph::from_lattice`].
    pub fn fcc(extent: [usize; 3], pbc: [bool; 3]) -> Result<Self> {
        spatial(&FACE_CENTRED, &[[0.0; 3]], extent, pbc)
    }

    /// A diamond lattice by the primitive cells of fcc, two sites each.
    ///
    /// NetKet: `Diamond`.
    ///
    /// # Errors
    /// As [`Graph::from_lattice`].
    pub fn diamond(extent: [usize; 3], pbc: [bool; 3]) -> Result<Self> {
        spatial(&FACE_CENTRED, &[[0.0; 3], [0.25; 3]], extent, pbc)
    }

    /// A pyrochlore lattice by the primitive cells of fcc, four sites each, corners of a tetrahedron.
    ///
    /// NetKet: `Pyrochlore`.
    ///
    /// # Errors
    /// As [`Graph::from_lattice`].
    pub fn pyrochlore(extent: [usize; 3], pbc: [bool; 3]) -> Result<Self> {
        let offsets = [
            [0.125, 0.125, 0.125],
            [0.125, 0.375, 0.375],
            [0.375, 0.125, 0.375],
            [0.375, 0.375, 0.125],
        ];
        spatial(&FACE_CENTRED, &offsets, extent, pbc)
    }
}

const FACE_CENTRED: [[f64; 3]; 3] = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];

fn hexagonal(offsets: &[[f64; 2]], extent: [usize; 2], pbc: [bool; 2]) -> Result<Graph> {
    let basis = [[1.0, 0.0], [0.5, HEIGHT]];
    Graph::from_lattice(Lattice::new(rows(&basis), rows(offsets), &extent, &pbc)?)
}

fn spatial(
    basis: &[[f64; 3]],
    offsets: &[[f64; 3]],
    extent: [usize; 3],
    pbc: [bool; 3],
) -> Result<Graph> {
    Graph::from_lattice(Lattice::new(rows(basis), rows(offsets), &extent, &pbc)?)
}

fn rows<const D: usize>(vectors: &[[f64; D]]) -> Vec<Vec<f64>> {
    vectors.iter().map(|vector| vector.to_vec()).collect()
}
