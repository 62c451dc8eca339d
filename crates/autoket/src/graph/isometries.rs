//! The symmetries of a lattice, found from its geometry and its bonds.

use std::collections::HashMap;

use super::lattice::{Lattice, TOLERANCE, difference, dot, length, steps_within, sum};
use super::symmetry::{Permutation, Sector, SymmetryGroup, compose, root_of_unity};
use super::{Graph, not_a_lattice};
use crate::error::{Error, Result};

/// More dimensions have too many rotations to try: 2^D D! of a hypercube.
const MAX_DIMENSIONS: usize = 5;

impl Graph {
    /// The translations by cells along the periodic directions, in the order of the cells they move the first to.
    ///
    /// Those that do not map bonds on bonds of the same colour are left out, here and in the other groups.
    /// NetKet: `Lattice.translation_group`.
    ///
    /// # Errors
    /// The graph is not a lattice.
    pub fn translations(&self) -> Result<SymmetryGroup> {
        let (lattice, bonds) = self.geometry()?;
        let translations = shifts(lattice)
            .into_iter()
            .map(|shift| translate(lattice, &shift));
        let symmetries = translations.filter(|t| bonds.are_kept(t));
        Ok(SymmetryGroup::of_distinct(self.n_nodes, symmetries))
    }

    /// The rotations and reflections that keep one point in place: the origin along periodic directions, the
    /// middle along open ones.
    ///
    /// C4v of an open or periodic square, D6 of a periodic triangular lattice.
    /// NetKet: `Lattice.point_group`, without the elements that need a shift by a part of a cell (diamond and
    /// pyrochlore): those are in the [space group](Self::space_group) alone.
    ///
    /// # Errors
    /// The graph is not a lattice, or has more than 5 dimensions.
    pub fn point_group(&self) -> Result<SymmetryGroup> {
        let (lattice, bonds) = self.geometry()?;
        let center = center(lattice);
        let about_center = rotations(lattice)?.into_iter().filter_map(|rotation| {
            let shift = difference(&center, &rotation.turn(&center));
            rotation.permutation(lattice, &shift)
        });
        let symmetries = about_center.filter(|g| bonds.are_kept(g));
        Ok(SymmetryGroup::of_distinct(self.n_nodes, symmetries))
    }

    /// All isometries that map the sites on sites and the bonds on bonds of the same colour.
    ///
    /// NetKet: `Lattice.space_group`.
    ///
    /// # Errors
    /// The graph is not a lattice, or has more than 5 dimensions.
    pub fn space_group(&self) -> Result<SymmetryGroup> {
        let (lattice, bonds) = self.geometry()?;
        // What translations do not reach: other labels, and other cells along open directions.
        let first = lattice.fraction(0);
        let images: Vec<Vec<f64>> = (0..lattice.n_sites())
            .filter(|&site| {
                let periodic = lattice.cell(site).0.into_iter().zip(lattice.pbc());
                periodic
                    .into_iter()
                    .all(|(x, &periodic)| x == 0 || !periodic)
            })
            .map(|site| lattice.fraction(site))
            .collect();
        let mut cosets = Vec::new();
        for rotation in rotations(lattice)? {
            let turned = rotation.turn(&first);
            let shifts = images.iter().map(|image| difference(image, &turned));
            cosets.extend(shifts.filter_map(|shift| rotation.permutation(lattice, &shift)));
        }
        let mut symmetries = Vec::new();
        for shift in shifts(lattice) {
            let translation = translate(lattice, &shift);
            let products = cosets.iter().map(|g| compose(&translation, g));
            symmetries.extend(products.filter(|g| bonds.are_kept(g)));
        }
        Ok(SymmetryGroup::of_distinct(self.n_nodes, symmetries))
    }

    /// The sectors of momentum `m`, of all its symmetries that have one-dimensional representations.
    ///
    /// The group is the little group of k = Σ_d 2π m_d/extent_d along the reciprocal basis: the part of the space group
    /// that leaves k as it is. A translation by t has the character e^(-ik·t), as NetKet's `momentum_irrep`.
    ///
    /// # Errors
    /// As [`space_group`](Self::space_group); `m` has not one whole number per direction, below its extent and 0 along
    /// open ones.
    ///
    /// # Example
    /// ```
    /// use autoket::graph::Graph;
    /// let ring = Graph::chain(6, true)?;
    /// assert_eq!(ring.sectors(&[0])?.len(), 2); // even and odd by reflection
    /// assert_eq!(ring.sectors(&[1])?.len(), 1); // a reflection takes k to -k
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn sectors(&self, m: &[usize]) -> Result<Vec<Sector>> {
        let of_translations = self.momentum(m)?;
        let (translations, characters) = (self.translations()?, of_translations.characters());
        let little = self.space_group()?.little_group(&translations, characters);
        let place: HashMap<&Permutation, usize> = little.permutations().iter().zip(0..).collect();
        let places: Vec<usize> = translations
            .permutations()
            .iter()
            .map(|t| place[t])
            .collect();
        let has_momentum = |sector: &Sector| {
            let pairs = places.iter().zip(characters);
            pairs
                .into_iter()
                .all(|(&at, x)| (sector.characters()[at] - x).norm() < 1e-9)
        };
        Ok(little.sectors().into_iter().filter(has_momentum).collect())
    }

    /// All states of momentum k = Σ_d 2π m_d/extent_d along the reciprocal basis.
    ///
    /// # Errors
    /// As [`sectors`](Self::sectors).
    ///
    /// # Example
    /// ```
    /// use autoket::graph::Graph;
    /// let quarter = Graph::chain(4, true)?.momentum(&[1])?;
    /// assert_eq!(quarter.characters()[1].im, -1.0); // e^(-iπ/2)
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn momentum(&self, m: &[usize]) -> Result<Sector> {
        let (lattice, _) = self.geometry()?;
        let fits = |((&m, &l), &periodic): ((&usize, &usize), &bool)| m < l && (periodic || m == 0);
        let parts = || m.iter().zip(lattice.extent());
        if m.len() != lattice.n_dim() || !parts().zip(lattice.pbc()).all(fits) {
            return Err(Error::invalid(
                "momentum",
                format!(
                    "{} whole numbers, each below its extent and 0 along open directions",
                    lattice.n_dim()
                ),
                format!("{m:?}"),
                "k·a is 2π m/extent in each direction",
            ));
        }
        let translations = self.translations()?;
        let common: usize = lattice.extent().iter().product();
        let character = |translation: &Permutation| {
            let (cell, _) = lattice.cell(translation[0]);
            let turns: usize = (parts().zip(cell))
                .map(|((&m, &l), x)| m * x * (common / l))
                .sum();
            root_of_unity(turns % common, common).conj()
        };
        let characters = translations.permutations().iter().map(character);
        Sector::new(&translations, characters.collect())
    }

    fn geometry(&self) -> Result<(&Lattice, Bonds)> {
        let cure = "give the permutations to `SymmetryGroup::generated_by`";
        let lattice = self.lattice.as_ref().ok_or_else(|| not_a_lattice(cure))?;
        Ok((lattice, Bonds::of(self)))
    }
}

/// How often a pair of sites has a bond of a colour.
struct Bonds(HashMap<(usize, usize, usize), usize>);

impl Bonds {
    fn of(graph: &Graph) -> Self {
        let mut count = HashMap::new();
        for (&(i, j), &color) in graph.edges.iter().zip(&graph.colors) {
            *count.entry((i, j, color)).or_insert(0) += 1;
        }
        Self(count)
    }

    fn are_kept(&self, g: &[usize]) -> bool {
        self.0.iter().all(|(&(i, j, color), count)| {
            let (a, b) = (g[i].min(g[j]), g[i].max(g[j]));
            self.0.get(&(a, b, color)) == Some(count)
        })
    }
}

/// Cells along periodic directions, from the first cell.
fn shifts(lattice: &Lattice) -> Vec<Vec<isize>> {
    let mut shifts = vec![Vec::new()];
    for (&l, &periodic) in lattice.extent().iter().zip(lattice.pbc()) {
        let reach = if periodic { l as isize } else { 1 };
        let longer = |shift: &Vec<isize>, x| shift.iter().copied().chain([x]).collect();
        shifts = (shifts.iter())
            .flat_map(|shift| (0..reach).map(move |x| longer(shift, x)))
            .collect();
    }
    shifts
}

fn translate(lattice: &Lattice, shift: &[isize]) -> Permutation {
    let image = |site| {
        let (cell, label) = lattice.cell(site);
        let cell: Vec<isize> = cell
            .iter()
            .zip(shift)
            .map(|(&x, s)| x as isize + s)
            .collect();
        let image = lattice.site(&cell, label);
        image.expect("a shift along periodic directions stays within the lattice")
    };
    (0..lattice.n_sites()).map(image).collect()
}

/// The point that a point group keeps, in coordinates of cells.
fn center(lattice: &Lattice) -> Vec<f64> {
    let n_sites = lattice.n_sites() as f64;
    let positions = lattice.positions();
    let mut center = positions
        .iter()
        .fold(vec![0.0; lattice.n_dim()], |a, b| sum(&a, b));
    center.iter_mut().for_each(|x| *x /= n_sites);
    // Along periodic directions the origin.
    let mut span: Vec<Vec<f64>> = Vec::new();
    for (a, _) in lattice
        .basis_vectors()
        .iter()
        .zip(lattice.pbc())
        .filter(|(_, p)| **p)
    {
        let across = span.iter().fold(a.clone(), |a, unit| without(&a, unit));
        let size = length(&across);
        span.push(across.iter().map(|x| x / size).collect());
    }
    let center = span
        .iter()
        .fold(center, |center, unit| without(&center, unit));
    lattice.coordinates(&center)
}

/// A vector without its part along a unit vector.
fn without(vector: &[f64], unit: &[f64]) -> Vec<f64> {
    let along = dot(vector, unit);
    vector
        .iter()
        .zip(unit)
        .map(|(x, u)| x - along * u)
        .collect()
}

/// A rotation or reflection of the crystal: row d is the image of basis vector d, in basis vectors.
struct Rotation(Vec<Vec<isize>>);

impl Rotation {
    /// The image of a vector, both in coordinates of cells.
    fn turn(&self, vector: &[f64]) -> Vec<f64> {
        let mut turned = vec![0.0; vector.len()];
        for (x, row) in vector.iter().zip(&self.0) {
            for (t, &entry) in turned.iter_mut().zip(row) {
                *t += x * entry as f64;
            }
        }
        turned
    }

    /// What turning and then shifting does to the sites; `None` if a site goes where there is none.
    fn permutation(&self, lattice: &Lattice, shift: &[f64]) -> Option<Permutation> {
        let image = |site| lattice.site_at(&sum(&self.turn(&lattice.fraction(site)), shift));
        (0..lattice.n_sites()).map(image).collect()
    }

    /// Whether periods go to periods.
    fn keeps_periods(&self, lattice: &Lattice) -> bool {
        let (extent, pbc) = (lattice.extent(), lattice.pbc());
        (0..extent.len()).filter(|&d| pbc[d]).all(|d| {
            let image = self.0[d].iter().zip(extent).zip(pbc);
            image
                .into_iter()
                .all(|((&x, &l), &periodic)| match periodic {
                    true => (x * extent[d] as isize) % l as isize == 0,
                    false => x == 0,
                })
        })
    }
}

/// All that map the crystal's cells on cells and the periods on periods.
fn rotations(lattice: &Lattice) -> Result<Vec<Rotation>> {
    if lattice.n_dim() > MAX_DIMENSIONS {
        return Err(Error::invalid(
            "graph",
            format!("a lattice of at most {MAX_DIMENSIONS} dimensions"),
            lattice.n_dim(),
            "give the permutations to `SymmetryGroup::generated_by`",
        ));
    }
    let basis = lattice.basis_vectors();
    let cells = (0..lattice.n_dim()).map(|d| lattice.cells_within(d, lattice.scale()) + TOLERANCE);
    let reach: Vec<usize> = cells.map(|cells| cells as usize).collect();
    let candidates: Vec<(Vec<isize>, Vec<f64>)> = steps_within(&reach)
        .into_iter()
        .map(|step| {
            let whole: Vec<f64> = step.iter().map(|&x| x as f64).collect();
            (step, lattice.vector(&whole))
        })
        .collect();
    let same = |a: f64, b: f64| (a - b).abs() < TOLERANCE * lattice.scale().powi(2);
    // Images of the first basis vectors that have their lengths and angles.
    let mut partial: Vec<Vec<usize>> = vec![Vec::new()];
    for d in 0..lattice.n_dim() {
        let fits = |images: &[usize], next: usize| {
            let next = &candidates[next].1;
            let angles = images.iter().zip(basis);
            same(dot(next, next), dot(&basis[d], &basis[d]))
                && angles
                    .into_iter()
                    .all(|(&image, a)| same(dot(next, &candidates[image].1), dot(&basis[d], a)))
        };
        let mut longer = Vec::new();
        for images in &partial {
            for next in (0..candidates.len()).filter(|&next| fits(images, next)) {
                longer.push(images.iter().copied().chain([next]).collect());
            }
        }
        partial = longer;
    }
    let rotation = |images: Vec<usize>| {
        Rotation(
            images
                .into_iter()
                .map(|image| candidates[image].0.clone())
                .collect(),
        )
    };
    let rotations = partial.into_iter().map(rotation);
    Ok(rotations
        .filter(|rotation| rotation.keeps_periods(lattice))
        .collect())
}

impl Lattice {
    /// Where a site is, in coordinates of cells.
    fn fraction(&self, site: usize) -> Vec<f64> {
        self.coordinates(&self.position(site))
    }

    /// The site at a place in coordinates of cells.
    fn site_at(&self, fraction: &[f64]) -> Option<usize> {
        self.site_offsets()
            .iter()
            .enumerate()
            .find_map(|(label, offset)| {
                let cell = difference(fraction, &self.coordinates(offset));
                let whole = cell.iter().all(|x| (x - x.round()).abs() < 1e3 * TOLERANCE);
                let cell: Vec<isize> = cell.iter().map(|x| x.round() as isize).collect();
                whole.then(|| self.site(&cell, label))?
            })
    }
}
