//! A piece of a crystal: where its sites are, and how they are numbered.

use crate::error::{Error, Result};

/// Lengths and coordinates are the same if they differ by less than this part of the longest basis vector.
pub(super) const TOLERANCE: f64 = 1e-6;

/// Copies of a unit cell along basis vectors, each direction open or periodic.
///
/// Site `(cell, label)` is at Σ_d cell_d a_d + b_label. Cells are row-major, the last direction runs fastest,
/// and the sites of a cell follow each other in the order of the offsets.
/// NetKet: `Lattice`, with its numbers and positions of sites.
///
/// # Example
/// ```
/// use autoket::graph::{Graph, Lattice};
/// let ladder = Lattice::new(vec![vec![1.0]], vec![vec![0.0], vec![0.5]], &[4], &[true])?;
/// assert_eq!(ladder.n_sites(), 8);
/// assert_eq!(ladder.position(3), [1.5]);
/// assert_eq!(ladder.distance(0, 7), 0.5);
/// assert_eq!(Graph::from_lattice(ladder)?.edges().len(), 8);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lattice {
    basis_vectors: Vec<Vec<f64>>,
    site_offsets: Vec<Vec<f64>>,
    extent: Vec<usize>,
    pbc: Vec<bool>,
    /// x · inverse are the coordinates of x by basis vectors.
    inverse: Vec<Vec<f64>>,
}

impl Lattice {
    /// The lattice of basis vectors (rows), offsets of the sites of a cell, and cells in each direction.
    ///
    /// # Errors
    /// The basis vectors are not as many as their components, or linearly dependent; there is no offset, or
    /// two mean the same site; a list has another length than there are directions; an extent is 0; the number
    /// of sites overflows.
    pub fn new(
        basis_vectors: Vec<Vec<f64>>,
        site_offsets: Vec<Vec<f64>>,
        extent: &[usize],
        pbc: &[bool],
    ) -> Result<Self> {
        check_extent(extent, pbc, site_offsets.len())?;
        let n_dim = extent.len();
        let fits = |vector: &Vec<f64>| {
            vector.len() == n_dim && vector.iter().all(|component| component.is_finite())
        };
        if basis_vectors.len() != n_dim || !basis_vectors.iter().all(fits) {
            return Err(Error::invalid(
                "basis_vectors",
                format!("{n_dim} vectors of {n_dim} finite components, one vector per extent"),
                format!("{basis_vectors:?}"),
                "give one basis vector for every direction, as in [[1, 0], [0, 1]]",
            ));
        }
        let inverse = inverse(&basis_vectors).ok_or_else(|| {
            Error::invalid(
                "basis_vectors",
                "linearly independent vectors",
                format!("{basis_vectors:?}"),
                "let every vector point in a direction of its own",
            )
        })?;
        if site_offsets.is_empty() || !site_offsets.iter().all(fits) {
            return Err(Error::invalid(
                "site_offsets",
                format!("at least one vector of {n_dim} finite components"),
                format!("{site_offsets:?}"),
                "one site per cell at its corner is [[0, 0]] in two dimensions",
            ));
        }
        let lattice = Self {
            basis_vectors,
            site_offsets,
            extent: extent.to_vec(),
            pbc: pbc.to_vec(),
            inverse,
        };
        lattice.check_offsets()?;
        Ok(lattice)
    }

    /// The hypercubic lattice of one site per cell.
    pub(super) fn grid(extent: &[usize], pbc: &[bool]) -> Result<Self> {
        let n_dim = extent.len();
        let unit = |axis| (0..n_dim).map(|d| f64::from(d == axis)).collect();
        let basis_vectors = (0..n_dim).map(unit).collect();
        Self::new(basis_vectors, vec![vec![0.0; n_dim]], extent, pbc)
    }

    /// Two offsets of which a lattice vector makes the same site.
    fn check_offsets(&self) -> Result<()> {
        for (label, offset) in self.site_offsets.iter().enumerate() {
            for (earlier, other) in self.site_offsets[..label].iter().enumerate() {
                let apart = self.coordinates(&difference(offset, other));
                if apart.iter().all(|x| (x - x.round()).abs() < TOLERANCE) {
                    return Err(Error::invalid(
                        format!("site_offsets[{label}]"),
                        "a site that no other offset and no other cell has",
                        format!("{offset:?}, as site_offsets[{earlier}]"),
                        "remove one of the two",
                    ));
                }
            }
        }
        Ok(())
    }

    /// The number of sites.
    pub fn n_sites(&self) -> usize {
        self.site_offsets.len() * self.extent.iter().product::<usize>()
    }

    /// The number of dimensions.
    pub fn n_dim(&self) -> usize {
        self.extent.len()
    }

    /// Cells in each direction.
    pub fn extent(&self) -> &[usize] {
        &self.extent
    }

    /// Which directions are periodic.
    pub fn pbc(&self) -> &[bool] {
        &self.pbc
    }

    /// The basis vectors, as rows.
    pub fn basis_vectors(&self) -> &[Vec<f64>] {
        &self.basis_vectors
    }

    /// The places of a cell's sites, from its corner.
    pub fn site_offsets(&self) -> &[Vec<f64>] {
        &self.site_offsets
    }

    /// The cell of a site and its label within the cell.
    pub fn cell(&self, site: usize) -> (Vec<usize>, usize) {
        let per_cell = self.site_offsets.len();
        let (mut rest, label) = (site / per_cell, site % per_cell);
        let mut cell = vec![0; self.n_dim()];
        for (x, &l) in cell.iter_mut().zip(&self.extent).rev() {
            *x = rest % l;
            rest /= l;
        }
        (cell, label)
    }

    /// The site of a cell and a label, around periodic directions; `None` beyond an open end.
    pub fn site(&self, cell: &[isize], label: usize) -> Option<usize> {
        let mut number = 0;
        for ((&x, &l), &periodic) in cell.iter().zip(&self.extent).zip(&self.pbc) {
            let l_signed = l as isize;
            if !periodic && !(0..l_signed).contains(&x) {
                return None;
            }
            number = number * l + x.rem_euclid(l_signed) as usize;
        }
        Some(number * self.site_offsets.len() + label)
    }

    /// Where a site is.
    pub fn position(&self, site: usize) -> Vec<f64> {
        let (cell, label) = self.cell(site);
        let cell: Vec<f64> = cell.iter().map(|&x| x as f64).collect();
        sum(&self.vector(&cell), &self.site_offsets[label])
    }

    /// Where all sites are, `(site, component)`.
    pub fn positions(&self) -> Vec<Vec<f64>> {
        (0..self.n_sites())
            .map(|site| self.position(site))
            .collect()
    }

    /// The shortest vector from site `i` to site `j`, around periodic directions.
    pub fn displacement(&self, i: usize, j: usize) -> Vec<f64> {
        self.shortest(&difference(&self.position(j), &self.position(i)))
    }

    /// Its length.
    pub fn distance(&self, i: usize, j: usize) -> f64 {
        length(&self.displacement(i, j))
    }

    /// The wave vector with k · (extent_d a_d) = 2π m_d in every direction.
    ///
    /// NetKet: `Lattice.to_reciprocal_lattice` the other way round.
    pub fn wave_vector(&self, m: &[usize]) -> Vec<f64> {
        let component = |row: &Vec<f64>| {
            let parts = row.iter().zip(m).zip(&self.extent);
            let turns: f64 = parts.map(|((b, &m), &l)| b * m as f64 / l as f64).sum();
            turns * std::f64::consts::TAU
        };
        self.inverse.iter().map(component).collect()
    }

    /// Σ_d coordinates_d a_d.
    pub(super) fn vector(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut vector = vec![0.0; self.n_dim()];
        for (x, a) in coordinates.iter().zip(&self.basis_vectors) {
            for (component, a) in vector.iter_mut().zip(a) {
                *component += x * a;
            }
        }
        vector
    }

    /// The coordinates of a vector by basis vectors.
    pub(super) fn coordinates(&self, vector: &[f64]) -> Vec<f64> {
        let along = |d: usize| {
            vector
                .iter()
                .zip(&self.inverse)
                .map(move |(x, row)| x * row[d])
        };
        (0..self.n_dim()).map(|d| along(d).sum()).collect()
    }

    /// The most cells in direction `d` that a vector of this length can cross.
    pub(super) fn cells_within(&self, d: usize, length: f64) -> f64 {
        length
            * self
                .inverse
                .iter()
                .map(|row| row[d].powi(2))
                .sum::<f64>()
                .sqrt()
    }

    /// The length of the longest basis vector.
    pub(super) fn scale(&self) -> f64 {
        self.basis_vectors
            .iter()
            .map(|a| length(a))
            .fold(0.0, f64::max)
    }

    /// A vector up to periods, as short as it gets; itself where nothing is shorter.
    fn shortest(&self, vector: &[f64]) -> Vec<f64> {
        let mut best = vector.to_vec();
        let mut period = self.coordinates(vector);
        for ((x, &l), &periodic) in period.iter_mut().zip(&self.extent).zip(&self.pbc) {
            *x = if periodic {
                (*x / l as f64).round() * l as f64
            } else {
                0.0
            };
        }
        let rounded = difference(vector, &self.vector(&period));
        // In a skew cell the shortest vector may be one period further.
        let around: Vec<usize> = self.pbc.iter().map(|&periodic| periodic.into()).collect();
        for turn in steps_within(&around) {
            let turn: Vec<f64> = (turn.iter().zip(&self.extent))
                .map(|(&x, &l)| x as f64 * l as f64)
                .collect();
            let candidate = sum(&rounded, &self.vector(&turn));
            if length(&candidate) < length(&best) - TOLERANCE * self.scale() {
                best = candidate;
            }
        }
        best
    }
}

/// All steps of at most `reach` cells in every direction, either way.
pub(super) fn steps_within(reach: &[usize]) -> Vec<Vec<isize>> {
    let start = vec![Vec::new()];
    reach.iter().fold(start, |steps, &reach| {
        let reach = reach as isize;
        let longer = |step: &Vec<isize>, x| step.iter().copied().chain([x]).collect();
        (steps.iter())
            .flat_map(|step| (-reach..=reach).map(move |x| longer(step, x)))
            .collect()
    })
}

pub(super) fn length(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

pub(super) fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn check_extent(extent: &[usize], pbc: &[bool], per_cell: usize) -> Result<()> {
    if extent.is_empty() {
        return Err(Error::invalid(
            "extent",
            "at least one direction",
            "none",
            "give one extent per direction, as in [4, 6]",
        ));
    }
    if pbc.len() != extent.len() {
        return Err(Error::invalid(
            "pbc",
            format!("{} values, one per direction", extent.len()),
            format!("{} values", pbc.len()),
            "give one value for every extent",
        ));
    }
    if let Some(axis) = extent.iter().position(|&l| l == 0) {
        return Err(Error::invalid(
            format!("extent[{axis}]"),
            "at least 1",
            0,
            "give the number of sites in this direction",
        ));
    }
    let n_sites = extent.iter().try_fold(per_cell, |n, &l| n.checked_mul(l));
    match n_sites.is_some_and(|n| u32::try_from(n).is_ok()) {
        true => Ok(()),
        false => Err(Error::invalid(
            "extent",
            "fewer than 2^32 sites",
            format!("{extent:?}"),
            "take a smaller lattice",
        )),
    }
}

/// The inverse of a matrix by Gauss and Jordan; `None` if it is singular.
fn inverse(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    let largest = matrix.iter().flatten().fold(0.0, |max, x| x.abs().max(max));
    let unit = |row: usize| (0..n).map(move |column| f64::from(row == column));
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|row| matrix[row].iter().copied().chain(unit(row)).collect())
        .collect();
    for column in 0..n {
        let pivot = (column..n).max_by(|&a, &b| {
            let sizes = [a, b].map(|row| rows[row][column].abs());
            sizes[0].total_cmp(&sizes[1])
        })?;
        rows.swap(column, pivot);
        let size = rows[column][column];
        if size.abs() <= TOLERANCE * largest {
            return None;
        }
        rows[column].iter_mut().for_each(|x| *x /= size);
        let pivot = rows[column].clone();
        for (row, entries) in rows.iter_mut().enumerate() {
            let factor = entries[column];
            if row != column {
                entries
                    .iter_mut()
                    .zip(&pivot)
                    .for_each(|(x, p)| *x -= factor * p);
            }
        }
    }
    Some(rows.into_iter().map(|row| row[n..].to_vec()).collect())
}
