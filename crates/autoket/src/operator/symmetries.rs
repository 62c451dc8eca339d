//! What leaves operators as they are: permutations of sites, and the flip of all spins.

use rayon::prelude::*;

use super::{Connected, Operator, SAME};
use crate::error::{Error, Result};
use crate::graph::{Permutation, SymmetryGroup};
use crate::hilbert::Hilbert;
use crate::random::Key;
use crate::scalar::c64;

/// Random states of a space that are looked at: whether their images lie in it.
const N_CHECKED: usize = 64;
/// Random states whose rows are compared with those of their images.
const N_ROWS: usize = 256;

/// Permutations of sites and, if it is one, the flip of all spins.
///
/// A permutation g takes σ to gσ, (gσ)_g(i) = σ_i; a flip takes local index s to local size - 1 - s.
#[derive(Clone, Debug)]
pub struct Symmetries {
    elements: Vec<Symmetry>,
}

/// (gσ)_to(i) = σ_i, (gσ)_i = σ_from(i), flipped or not.
#[derive(Clone, Debug)]
pub(crate) struct Symmetry {
    from: Vec<u32>,
    to: Vec<u32>,
    flips: bool,
}

impl Symmetries {
    /// A group of permutations, and with `spin_flip` the flip of all spins and its products with them.
    pub fn new(group: &SymmetryGroup, spin_flip: bool) -> Self {
        Self::of(group.permutations(), spin_flip)
    }

    /// The same of permutations that are known to be a group.
    pub(crate) fn of(permutations: &[Permutation], spin_flip: bool) -> Self {
        let flips: &[bool] = if spin_flip { &[false, true] } else { &[false] };
        let elements = permutations.iter().flat_map(|permutation| {
            let mut from = vec![0; permutation.len()];
            for (site, &to) in permutation.iter().enumerate() {
                from[to] = site as u32;
            }
            let to: Vec<u32> = permutation.iter().map(|&to| to as u32).collect();
            flips.iter().map(move |&flips| Symmetry {
                from: from.clone(),
                to: to.clone(),
                flips,
            })
        });
        Self {
            elements: elements.collect(),
        }
    }

    /// The number of sites.
    pub fn n_sites(&self) -> usize {
        self.elements[0].from.len()
    }

    /// The number of elements, spin flips among them.
    pub fn order(&self) -> usize {
        self.elements.len()
    }

    pub(crate) fn elements(&self) -> &[Symmetry] {
        &self.elements
    }

    /// All images of states by their values, `(state, element, site)`; a flip changes the sign.
    pub(crate) fn of_values<T: Copy + std::ops::Neg<Output = T>>(&self, states: &[T]) -> Vec<T> {
        let mut images = Vec::with_capacity(states.len() * self.order());
        for state in states.chunks_exact(self.n_sites()) {
            for g in &self.elements {
                images.extend(g.moved(state, |value| -value));
            }
        }
        images
    }

    /// Whether an operator is known by its [terms](Operator::as_local) to commute with all of them:
    /// ⟨gφ|O|gφ⟩ = ⟨φ|O|φ⟩ for a random product φ, which no O has that does not commute.
    pub fn are_of(&self, operator: &dyn Operator) -> bool {
        let (n, d) = (
            operator.hilbert().n_sites(),
            operator.hilbert().local_size(),
        );
        let Some(operator) = operator.as_local().filter(|_| n == self.n_sites()) else {
            return false;
        };
        let (re, im) = (Key::new(1), Key::new(2));
        let component = |i: usize| {
            let i = i as u64;
            c64::new(2.0 * re.uniform(i) - 1.0, 2.0 * im.uniform(i) - 1.0)
        };
        let vector = |site: usize| (0..d).map(|index| component(site * d + index)).collect();
        let vectors: Vec<Vec<c64>> = (0..n).map(vector).collect();
        let (value, size) = operator.of_product(&vectors);
        self.elements.iter().all(|g| {
            let moved = g.from.iter().map(|&site| {
                let mut vector = vectors[site as usize].clone();
                if g.flips {
                    vector.reverse();
                }
                vector
            });
            let (moved, _) = operator.of_product(&moved.collect::<Vec<_>>());
            (moved - value).norm() <= SAME * size
        })
    }

    /// A state of a space and an image of it that lies outside; looked for among random states.
    pub(crate) fn way_out(&self, hilbert: &Hilbert) -> Option<[Vec<u8>; 2]> {
        let states = hilbert.random_states(Key::new(0), N_CHECKED);
        let mut pairs = states.chunks_exact(self.n_sites()).flat_map(|sigma| {
            let images = self.elements.iter();
            images.map(move |g| {
                (
                    sigma,
                    g.image(sigma, hilbert.local_size()).collect::<Vec<u8>>(),
                )
            })
        });
        let (sigma, image) = pairs.find(|(_, image)| !hilbert.contains(image))?;
        Some([sigma.to_vec(), image])
    }

    /// The first image of σ with ⟨gσ|O|gσ'⟩ ≠ ⟨σ|O|σ'⟩ for some σ'.
    pub(crate) fn changed_row(&self, operator: &dyn Operator, sigma: &[u8]) -> Option<Vec<u8>> {
        let local_size = operator.hilbert().local_size();
        let (mut row, mut moved) = (Connected::default(), Connected::default());
        operator.connected(sigma, &mut row);
        let mut there = Connected::default();
        let mut images = self.elements.iter().map(|g| {
            let image: Vec<u8> = g.image(sigma, local_size).collect();
            g.move_row(&row, local_size, &mut moved);
            operator.connected(&image, &mut there);
            (same_rows(&moved, &there), image)
        });
        images.find_map(|(same, image)| (!same).then_some(image))
    }

    /// Checks that they keep a space.
    ///
    /// # Errors
    /// Another number of sites; a spin flip of what is not a spin; a constraint that they do not keep.
    pub fn check(&self, hilbert: &Hilbert) -> Result<()> {
        let refuse = |expected: String, got: String, cure: &str| {
            Err(Error::invalid("symmetries", expected, got, cure))
        };
        if self.n_sites() != hilbert.n_sites() {
            return refuse(
                format!("permutations of {} sites", hilbert.n_sites()),
                format!("of {}", self.n_sites()),
                "take the group of the lattice that the space is of",
            );
        }
        if !hilbert.is_spin() && self.elements.iter().any(|g| g.flips) {
            return refuse(
                "a space of spins for the spin flip".into(),
                hilbert.name(),
                "leave the spin flip out",
            );
        }
        if let Some(way_out) = self.way_out(hilbert) {
            let [sigma, image] = way_out.map(|sigma| hilbert.values_of(&sigma));
            return refuse(
                format!("symmetries of {hilbert}"),
                format!("one that takes {sigma:?} to {image:?}"),
                "leave out what the constraint breaks, such as the spin flip",
            );
        }
        Ok(())
    }

    /// Checks that they are symmetries of an operator and its space.
    ///
    /// # Errors
    /// As [`check`](Self::check); a symmetry changes the operator. That is told by its terms; where it has none, or a
    /// constraint may make up for them, by the rows of some random states.
    pub fn check_of(&self, operator: &dyn Operator) -> Result<()> {
        let hilbert = operator.hilbert();
        self.check(hilbert)?;
        let is_told = operator.as_local().is_some() && !hilbert.is_constrained();
        let rows_are_kept = || {
            let states = hilbert.random_states(Key::new(1), N_ROWS);
            let states = states.par_chunks_exact(self.n_sites());
            states.all(|sigma| self.changed_row(operator, sigma).is_none())
        };
        if self.are_of(operator) || (!is_told && rows_are_kept()) {
            return Ok(());
        }
        Err(Error::invalid(
            "symmetries",
            "symmetries of the Hamiltonian",
            "one that changes it",
            "take fewer: fields, couplings and sign rules may break translations or the spin flip",
        ))
    }
}

impl Symmetry {
    fn moved<'a, T: Copy>(
        &'a self,
        sigma: &'a [T],
        flipped: impl Fn(T) -> T + 'a,
    ) -> impl Iterator<Item = T> + 'a {
        let moved = self.from.iter().map(|&site| sigma[site as usize]);
        moved.map(move |value| if self.flips { flipped(value) } else { value })
    }

    /// gσ.
    pub(crate) fn image<'a>(
        &'a self,
        sigma: &'a [u8],
        local_size: usize,
    ) -> impl Iterator<Item = u8> + 'a {
        let last = (local_size - 1) as u8;
        self.moved(sigma, move |index| last - index)
    }

    /// From the row of σ to ⟨gσ|gOg⁻¹|gσ'⟩, with its elements in their order.
    fn move_row(&self, row: &Connected, local_size: usize, out: &mut Connected) {
        let last = (local_size - 1) as u8;
        let mut moved = Vec::new();
        out.clear();
        for (mel, changes) in row.iter() {
            let turned = |new: u8| if self.flips { last - new } else { new };
            let changes = changes.iter();
            moved.clear();
            moved.extend(changes.map(|&(site, new)| (self.to[site as usize], turned(new))));
            moved.sort_unstable();
            out.push(mel, &moved);
        }
    }
}

/// Whether two rows are the same but for rounding and the order of their elements, of which those that cancel may be there
/// or not.
fn same_rows(a: &Connected, b: &Connected) -> bool {
    let elements = a.iter().chain(b.iter());
    let largest = elements.map(|(mel, _)| mel.norm()).fold(1.0, f64::max);
    let [a, b] = [a, b].map(|row| {
        let elements = row.iter().filter(|(mel, _)| mel.norm() > SAME * largest);
        let mut elements: Vec<_> = elements.collect();
        elements.sort_unstable_by_key(|&(_, changes)| changes);
        elements
    });
    let mut pairs = a.iter().zip(&b);
    a.len() == b.len() && pairs.all(|(a, b)| a.1 == b.1 && (a.0 - b.0).norm() <= SAME * largest)
}

/// g O g⁻¹, with the elements of its rows in the order of those of O.
pub(crate) struct Moved<'a> {
    pub operator: &'a dyn Operator,
    pub by: &'a Symmetry,
}

impl Operator for Moved<'_> {
    fn hilbert(&self) -> &Hilbert {
        self.operator.hilbert()
    }

    fn is_hermitian(&self) -> bool {
        self.operator.is_hermitian()
    }

    fn is_real(&self) -> bool {
        self.operator.is_real()
    }

    fn max_conn_size(&self) -> usize {
        self.operator.max_conn_size()
    }

    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        let local_size = self.hilbert().local_size();
        let last = (local_size - 1) as u8;
        let back = self.by.to.iter().map(|&site| {
            let index = sigma[site as usize];
            if self.by.flips { last - index } else { index }
        });
        let mut row = Connected::default();
        self.operator
            .connected(&back.collect::<Vec<u8>>(), &mut row);
        self.by.move_row(&row, local_size, out);
    }
}
