//! Bonds between sites of a lattice, by their length.

use std::collections::HashSet;

use super::CustomEdge;
use super::lattice::{Lattice, TOLERANCE, difference, length, steps_within, sum};
use crate::error::{Error, Result};

/// A bond `(i, j)`, i < j, and its colour.
pub(super) type Bond = (usize, usize, usize);

/// What joins a site of one label to another, its vector's first component that is not 0 being positive.
struct Step {
    from: usize,
    cells: Vec<isize>,
    to: usize,
    vector: Vec<f64>,
}

/// Bonds up to the `order`-th nearest neighbours, their colour the order less one: by colour, then by site, then
/// by direction, each pair once.
pub(super) fn by_length(lattice: &Lattice, order: usize) -> Result<Vec<Bond>> {
    let steps = steps(lattice, order, lattice.pbc());
    let lengths = lengths(lattice, &steps);
    if lengths.len() < order && order > 1 {
        return Err(refuse(
            order,
            format!("at most {}, the distances in this lattice", lengths.len()),
            "lower it",
        ));
    }
    let mut bonds = Vec::new();
    for (color, &shell) in lengths.iter().take(order).enumerate() {
        let steps: Vec<&Step> = steps
            .iter()
            .filter(|step| (length(&step.vector) - shell).abs() < TOLERANCE * lattice.scale())
            .collect();
        collect(lattice, &steps, &mut bonds, |_| color).map_err(|()| itself(lattice, order))?;
    }
    Ok(bonds)
}

/// Bonds of nearest neighbours, coloured by direction.
pub(super) fn by_direction(lattice: &Lattice) -> Result<Vec<Bond>> {
    let everywhere = vec![true; lattice.n_dim()];
    // A direction of one open cell has no bond, and still its colour.
    let [crystal, piece] = [&everywhere[..], lattice.pbc()].map(|pbc| {
        let mut steps = steps(lattice, 1, pbc);
        let nearest = lengths(lattice, &steps).first().copied().unwrap_or(0.0);
        steps.retain(|step| (length(&step.vector) - nearest).abs() < TOLERANCE * lattice.scale());
        steps
    });
    let mut directions: Vec<Vec<i64>> = crystal.iter().chain(&piece).map(direction).collect();
    directions.sort_by(|a, b| b.cmp(a));
    directions.dedup();
    let color = |step: &Step| {
        directions
            .iter()
            .position(|d| *d == direction(step))
            .unwrap_or(0)
    };
    let mut bonds = Vec::new();
    let steps: Vec<&Step> = piece.iter().collect();
    collect(lattice, &steps, &mut bonds, color).map_err(|()| itself(lattice, 1))?;
    Ok(bonds)
}

/// The copies of some bonds in every cell, in the order given, then by cell; a pair joined twice comes twice.
pub(super) fn custom(lattice: &Lattice, edges: &[CustomEdge]) -> Result<Vec<Bond>> {
    let mut bonds = Vec::new();
    for (k, edge) in edges.iter().enumerate() {
        let field = format!("custom_edges[{k}]");
        let cells = cells_of(lattice, edge, &field)?;
        for site in 0..lattice.n_sites() {
            let (cell, label) = lattice.cell(site);
            if label != edge.from {
                continue;
            }
            let cell: Vec<isize> = (cell.iter().zip(&cells))
                .map(|(&x, step)| x as isize + step)
                .collect();
            let Some(other) = lattice.site(&cell, edge.to) else {
                continue;
            };
            if other == site {
                return Err(Error::invalid(
                    field,
                    "a vector to another site",
                    format!("{:?}", edge.vector),
                    "make the direction open or longer: a site would neighbour itself",
                ));
            }
            bonds.push((site.min(other), site.max(other), edge.color));
        }
    }
    Ok(bonds)
}

/// How many cells a bond goes in each direction.
fn cells_of(lattice: &Lattice, edge: &CustomEdge, field: &str) -> Result<Vec<isize>> {
    let offsets = lattice.site_offsets();
    let (Some(from), Some(to)) = (offsets.get(edge.from), offsets.get(edge.to)) else {
        return Err(Error::invalid(
            field,
            format!("sites of a cell, from 0 to {}", offsets.len() - 1),
            format!("{} and {}", edge.from, edge.to),
            "number the sites of a cell as in `site_offsets`",
        ));
    };
    let n_dim = lattice.n_dim();
    if edge.vector.len() != n_dim || !edge.vector.iter().all(|x| x.is_finite()) {
        return Err(Error::invalid(
            field,
            format!("a vector of {n_dim} finite components"),
            format!("{:?}", edge.vector),
            "give the vector from the first site to the second",
        ));
    }
    let apart = lattice.coordinates(&difference(&sum(&edge.vector, from), to));
    if !apart.iter().all(|x| (x - x.round()).abs() < 1e-5) {
        return Err(Error::invalid(
            field,
            format!(
                "a vector from a site {} to a site {} of the lattice",
                edge.from, edge.to
            ),
            format!("{:?}", edge.vector),
            "it leads from the first site to the second, not back",
        ));
    }
    let fits = |(x, &l): (&f64, &usize)| x.round().abs() < l as f64;
    if !apart.iter().zip(lattice.extent()).all(fits) {
        return Err(Error::invalid(
            field,
            format!("a vector within the {:?} cells", lattice.extent()),
            format!("{:?}", edge.vector),
            "shorten it, or take a larger lattice",
        ));
    }
    Ok(apart.iter().map(|x| x.round() as isize).collect())
}

/// Adds the bonds of some steps, site by site; fails where a step leads back to its site.
fn collect(
    lattice: &Lattice,
    steps: &[&Step],
    bonds: &mut Vec<Bond>,
    color: impl Fn(&Step) -> usize,
) -> Result<(), ()> {
    let mut known: HashSet<Bond> = HashSet::new();
    let colors: Vec<usize> = steps.iter().map(|step| color(step)).collect();
    for site in 0..lattice.n_sites() {
        let (cell, label) = lattice.cell(site);
        for (step, &color) in steps.iter().zip(&colors) {
            if step.from != label {
                continue;
            }
            let cells = cell.iter().zip(&step.cells);
            let cell: Vec<isize> = cells.map(|(&x, step)| x as isize + step).collect();
            let Some(other) = lattice.site(&cell, step.to) else {
                continue;
            };
            if other == site {
                return Err(());
            }
            let bond = (site.min(other), site.max(other), color);
            if known.insert(bond) {
                bonds.push(bond);
            }
        }
    }
    Ok(())
}

/// All steps that can be among the `order` shortest, directions in descending order.
fn steps(lattice: &Lattice, order: usize, pbc: &[bool]) -> Vec<Step> {
    let offsets = lattice.site_offsets();
    let directions = lattice.basis_vectors().iter().zip(lattice.extent());
    let across: f64 = directions.map(|(a, &l)| length(a) * l as f64).sum();
    // Along a path of basis vectors the distance from its start grows by at most the longest of them.
    let cutoff = (order as f64 * lattice.scale()).min(across) * (1.0 + TOLERANCE);
    let places: Vec<Vec<f64>> = offsets.iter().map(|b| lattice.coordinates(b)).collect();
    let reach = (0..lattice.n_dim()).map(|d| {
        let along = places.iter().map(|place| place[d]);
        let spread = along.clone().fold(f64::MIN, f64::max) - along.fold(f64::MAX, f64::min);
        let cells = (lattice.cells_within(d, cutoff) + spread + TOLERANCE) as usize;
        if pbc[d] {
            cells
        } else {
            cells.min(lattice.extent()[d] - 1)
        }
    });
    let reach: Vec<usize> = reach.collect();
    let mut steps = Vec::new();
    for cells in steps_within(&reach) {
        let whole: Vec<f64> = cells.iter().map(|&x| x as f64).collect();
        let whole = lattice.vector(&whole);
        for (from, b) in offsets.iter().enumerate() {
            for (to, c) in offsets.iter().enumerate() {
                let vector = sum(&whole, &difference(c, b));
                let small = |x: &f64| x.abs() < TOLERANCE * lattice.scale();
                let first = vector.iter().find(|x| !small(x));
                if first.is_some_and(|&x| x > 0.0) && length(&vector) <= cutoff {
                    let cells = cells.clone();
                    steps.push(Step {
                        from,
                        cells,
                        to,
                        vector,
                    });
                }
            }
        }
    }
    steps.sort_by_cached_key(|step| std::cmp::Reverse(direction(step)));
    steps
}

/// The direction of a step as whole numbers, which can be compared.
fn direction(step: &Step) -> Vec<i64> {
    let length = length(&step.vector);
    let part = |x: &f64| (x / length / TOLERANCE).round() as i64;
    step.vector.iter().map(part).collect()
}

/// The distinct lengths of steps, ascending.
fn lengths(lattice: &Lattice, steps: &[Step]) -> Vec<f64> {
    let mut lengths: Vec<f64> = steps.iter().map(|step| length(&step.vector)).collect();
    lengths.sort_by(f64::total_cmp);
    lengths.dedup_by(|a, b| (*a - *b).abs() < TOLERANCE * lattice.scale());
    lengths
}

fn refuse(order: usize, expected: impl Into<String>, cure: &str) -> Error {
    Error::invalid("max_neighbor_order", expected, order, cure)
}

fn itself(lattice: &Lattice, order: usize) -> Error {
    match order {
        1 => Error::invalid(
            "extent",
            "at least 2 cells in a periodic direction",
            format!("{:?}", lattice.extent()),
            "make the direction open: a site would neighbour itself",
        ),
        _ => refuse(
            order,
            "an order within half of every periodic direction",
            "lower it: a site would neighbour itself",
        ),
    }
}
