//! Sectors of momentum, point group and spin flip: one state for each orbit of a group.
//!
//! Source: A. Sandvik, *Computational studies of quantum spin systems*, AIP Conf. Proc. 1297, 135 (2010), section 4.

use std::ops::{ControlFlow, Range};

use rayon::prelude::*;

use super::{LanczosInfo, LanczosOptions, LanczosPlan, Watch};
use super::{check_hermitian, dense_energies, lanczos};
use crate::error::{Error, Result};
use crate::graph::Sector;
use crate::hilbert::Hilbert;
use crate::operator::sparse::{MAX_APPLY_STATES, MAX_DENSE_STATES, MatrixRows, TakeRow};
use crate::operator::{Connected, Operator, check_rows};
use crate::random::Key;
use crate::scalar::c64;

/// States looked at to see whether an operator has a symmetry.
const N_CHECKED: usize = 64;
/// States searched for representatives by one thread at a time.
const CHUNK: usize = 1 << 14;

/// The states of a sector of a symmetry group: P|r⟩/√⟨r|P|r⟩ for the first state r of each orbit,
/// P = Σ_g χ(g)* g/|G|.
///
/// # Example
/// ```
/// use autoket::exact::{LanczosOptions, SectorBasis};
/// use autoket::{graph::Graph, hilbert::Hilbert, operator::heisenberg};
/// let ring = Graph::chain(16, true)?;
/// let hilbert = Hilbert::spin(0.5, 16)?.with_total_sz(0.0)?;
/// let h = heisenberg(&hilbert, &ring, &[1.0], None)?;
/// // Momentum 0, even under reflection.
/// let sector = &ring.space_group()?.sectors()[0];
/// let basis = SectorBasis::new(&hilbert, sector)?;
/// let found = basis.lanczos_ed(&h, LanczosOptions::default())?;
/// assert!((found.energies[0] / 4.0 + 7.1422963606).abs() < 1e-9);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SectorBasis {
    hilbert: Hilbert,
    elements: Vec<Element>,
    is_real: bool,
    /// The number of each representative in the whole space, ascending, and ⟨r|P|r⟩.
    representatives: Vec<(u64, f64)>,
}

/// An element of the group.
#[derive(Clone, Debug)]
struct Element {
    /// Where the new state of each site comes from.
    from: Vec<u32>,
    flips: bool,
    character: c64,
}

impl Element {
    /// The local index of a site of gσ.
    #[inline]
    fn index(&self, sigma: &[u8], site: usize, top: u8) -> u8 {
        let index = sigma[self.from[site] as usize];
        if self.flips { top - index } else { index }
    }

    fn apply(&self, sigma: &[u8], top: u8) -> Vec<u8> {
        (0..sigma.len())
            .map(|site| self.index(sigma, site, top))
            .collect()
    }

    /// How gσ and σ' compare as numbers.
    #[inline]
    fn compare(&self, sigma: &[u8], other: &[u8], top: u8) -> std::cmp::Ordering {
        let sites = other.iter().enumerate();
        let mut compared = sites.map(|(site, other)| self.index(sigma, site, top).cmp(other));
        compared
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    }
}

impl SectorBasis {
    /// The states of a sector of a space.
    ///
    /// # Errors
    /// Another number of sites; a spin flip of what is not a spin; a constraint that the group does not keep;
    /// more than 2³² states in the whole space; no state in the sector.
    pub fn new(hilbert: &Hilbert, sector: &Sector) -> Result<Self> {
        let n_sites = hilbert.n_sites();
        if sector.n_sites() != n_sites {
            return Err(Error::invalid(
                "sector",
                format!("permutations of {n_sites} sites"),
                format!("of {}", sector.n_sites()),
                "take the group of the lattice that the space is of",
            ));
        }
        let n_states =
            hilbert.check_n_states("the search for a sector's states", MAX_APPLY_STATES)?;
        if sector.spin_flip().is_some() && !hilbert.is_spin() {
            return Err(Error::invalid(
                "spin_flip",
                "a space of spins",
                hilbert.name(),
                "leave the spin flip out",
            ));
        }
        let permutations = || sector.permutations().iter().zip(sector.characters());
        let element = |(g, &character): (&Vec<usize>, &c64), flips: bool, sign: f64| {
            let mut from = vec![0; n_sites];
            for (site, &to) in g.iter().enumerate() {
                from[to] = site as u32;
            }
            let character = character * sign;
            Element {
                from,
                flips,
                character,
            }
        };
        let mut elements: Vec<Element> = permutations().map(|g| element(g, false, 1.0)).collect();
        if let Some(parity) = sector.spin_flip() {
            elements.extend(permutations().map(|g| element(g, true, parity.sign())));
        }
        let mut basis = Self {
            hilbert: hilbert.clone(),
            elements,
            is_real: sector.is_real(),
            representatives: Vec::new(),
        };
        basis.check_constraint()?;
        let chunks = (0..n_states).into_par_iter().step_by(CHUNK);
        let found = chunks.map(|first| basis.found(first..n_states.min(first + CHUNK)));
        basis.representatives = found.collect::<Vec<_>>().concat();
        if basis.representatives.is_empty() {
            return Err(Error::invalid(
                "sector",
                "a sector with states",
                "one without",
                "take another sector, or another constraint",
            ));
        }
        Ok(basis)
    }

    /// The number of states.
    pub fn n_states(&self) -> usize {
        self.representatives.len()
    }

    /// All energies of an operator within the sector, ascending.
    ///
    /// # Errors
    /// As [`full_ed`](super::full_ed); the operator acts on another space, or does not have the symmetry.
    pub fn full_ed(&self, operator: &dyn Operator) -> Result<Vec<f64>> {
        let n = self.n_states();
        if n as u64 > MAX_DENSE_STATES {
            return Err(Error::TooLarge {
                what: "dense diagonalisation of a sector".into(),
                needed: format!("{n} states"),
                limit: format!("{MAX_DENSE_STATES} states"),
                cure: "find the lowest energies by `lanczos_ed`".into(),
            });
        }
        let rows = self.rows(operator)?;
        dense_energies(&rows, n, operator.is_real() && self.is_real)
    }

    /// The lowest energies of an operator within the sector; vectors are over the sector's states.
    ///
    /// # Errors
    /// As [`lanczos_ed`](super::lanczos_ed); the operator acts on another space, or does not have the symmetry.
    pub fn lanczos_ed(
        &self,
        operator: &dyn Operator,
        options: LanczosOptions,
    ) -> Result<LanczosInfo> {
        self.lanczos_ed_watched(operator, options, &mut |_| ControlFlow::Continue(()))
    }

    /// How an operator will be diagonalised within the sector.
    ///
    /// # Errors
    /// As [`LanczosOptions::plan`].
    pub fn lanczos_plan(
        &self,
        operator: &dyn Operator,
        options: &LanczosOptions,
    ) -> Result<LanczosPlan> {
        let is_real = operator.is_real() && self.is_real;
        options.plan_of(self.n_states(), Some(operator.max_conn_size()), is_real)
    }

    /// [`lanczos_ed`](Self::lanczos_ed), with a look at each product.
    ///
    /// # Errors
    /// As that; [`Error::Interrupted`], where `watch` breaks off.
    pub fn lanczos_ed_watched(
        &self,
        operator: &dyn Operator,
        options: LanczosOptions,
        watch: &mut Watch<'_>,
    ) -> Result<LanczosInfo> {
        let plan = self.lanczos_plan(operator, &options)?;
        let rows = self.rows(operator)?;
        match operator.is_real() && self.is_real {
            true => lanczos::lanczos::<f64>(&rows, plan, &options, watch),
            false => lanczos::lanczos::<c64>(&rows, plan, &options, watch),
        }
    }

    /// The rows of an operator that has the symmetry.
    fn rows<'a>(&'a self, operator: &'a dyn Operator) -> Result<SectorRows<'a>> {
        check_hermitian(operator)?;
        self.check_symmetric(operator)?;
        check_rows(operator, MAX_APPLY_STATES)?;
        let basis = self;
        Ok(SectorRows { basis, operator })
    }

    /// The highest local index.
    fn top(&self) -> u8 {
        (self.hilbert.local_size() - 1) as u8
    }

    /// The representatives among some states.
    fn found(&self, numbers: Range<usize>) -> Vec<(u64, f64)> {
        let mut sigma = vec![0; self.hilbert.n_sites()];
        let mut found = Vec::new();
        'states: for number in numbers {
            self.hilbert.number_to_state(number as u64, &mut sigma);
            let mut norm = c64::default();
            for element in &self.elements {
                match element.compare(&sigma, &sigma, self.top()) {
                    std::cmp::Ordering::Less => continue 'states,
                    std::cmp::Ordering::Equal => norm += element.character.conj(),
                    std::cmp::Ordering::Greater => {}
                }
            }
            let norm = norm.re / self.elements.len() as f64;
            // Without rounding it is a multiple of 1/|G|.
            if norm > 0.5 / self.elements.len() as f64 {
                found.push((number as u64, norm));
            }
        }
        found
    }

    /// The place of the first state of σ's orbit, ⟨r|P|r⟩, and χ of the element that makes σ of it; `None` if the
    /// orbit is not in the sector.
    fn representative(&self, sigma: &[u8]) -> Option<(usize, f64, c64)> {
        let mut first = sigma.to_vec();
        // σ = g⁻¹ r for r = gσ.
        let mut character = self.elements[0].character;
        for element in &self.elements[1..] {
            if element.compare(sigma, &first, self.top()).is_lt() {
                first = element.apply(sigma, self.top());
                character = element.character;
            }
        }
        let number = self.hilbert.state_to_number(&first)?;
        let place = self.representatives.binary_search_by_key(&number, |r| r.0);
        let place = place.ok()?;
        Some((place, self.representatives[place].1, character.conj()))
    }

    fn random_states(&self) -> Vec<u8> {
        self.hilbert.random_states(Key::new(0), N_CHECKED)
    }

    fn check_constraint(&self) -> Result<()> {
        for sigma in self.random_states().chunks_exact(self.hilbert.n_sites()) {
            for element in &self.elements {
                let moved = element.apply(sigma, self.top());
                if !self.hilbert.contains(&moved) {
                    return Err(Error::invalid(
                        "sector",
                        format!("a symmetry of {}", self.hilbert),
                        format!(
                            "one that moves {:?} to {:?}",
                            self.hilbert.values_of(sigma),
                            self.hilbert.values_of(&moved)
                        ),
                        "leave out what the constraint breaks, such as the spin flip",
                    ));
                }
            }
        }
        Ok(())
    }

    /// ⟨gσ|H|gσ'⟩ = ⟨σ|H|σ'⟩ for some σ and all g.
    fn check_symmetric(&self, operator: &dyn Operator) -> Result<()> {
        if *operator.hilbert() != self.hilbert {
            return Err(Error::invalid(
                "operator",
                format!("an operator on {}", self.hilbert),
                format!("one on {}", operator.hilbert()),
                "make the sector from the operator's space",
            ));
        }
        let mut row = Connected::default();
        let mut elements_of = |sigma: &[u8], moved: &dyn Fn(Vec<u8>) -> Vec<u8>| {
            operator.connected(sigma, &mut row);
            let elements = row.iter().map(|(mel, changes)| {
                let mut connected = sigma.to_vec();
                for &(site, new) in changes {
                    connected[site as usize] = new;
                }
                (moved(connected), mel)
            });
            let mut elements: Vec<_> = elements.collect();
            elements.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            elements
        };
        for sigma in self.random_states().chunks_exact(self.hilbert.n_sites()) {
            for element in &self.elements {
                let moved = element.apply(sigma, self.top());
                let here = elements_of(sigma, &|state| element.apply(&state, self.top()));
                let there = elements_of(&moved, &|state| state);
                let same = here.len() == there.len()
                    && here.iter().zip(&there).all(|(a, b)| {
                        a.0 == b.0 && (a.1 - b.1).norm() <= 1e-10 * (1.0 + a.1.norm())
                    });
                if !same {
                    return Err(Error::invalid(
                        "operator",
                        "an operator with the symmetry of the sector",
                        format!(
                            "one whose rows differ at {:?} and {:?}",
                            self.hilbert.values_of(sigma),
                            self.hilbert.values_of(&moved)
                        ),
                        "take a smaller group: edges, colours and sign rules may break translations",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The matrix of an operator within a sector: ⟨r|H|r'⟩ = Σ_σ' ⟨r|H|σ'⟩ χ(g)* √(N_r'/N_r), σ' = g r'.
struct SectorRows<'a> {
    basis: &'a SectorBasis,
    operator: &'a dyn Operator,
}

impl MatrixRows for SectorRows<'_> {
    fn for_rows(&self, rows: Range<usize>, f: &mut TakeRow<'_>) {
        let Self { basis, operator } = self;
        let n_sites = basis.hilbert.n_sites();
        let (mut sigma, mut connected) = (vec![0; n_sites], vec![0; n_sites]);
        let mut row = Connected::default();
        for place in rows {
            let (number, norm) = basis.representatives[place];
            basis.hilbert.number_to_state(number, &mut sigma);
            operator.connected(&sigma, &mut row);
            let mut elements = row.iter().filter_map(|(mel, changes)| {
                connected.copy_from_slice(&sigma);
                for &(site, new) in changes {
                    connected[site as usize] = new;
                }
                let (column, of_column, character) = basis.representative(&connected)?;
                Some((column, mel * character.conj() * (of_column / norm).sqrt()))
            });
            f(place, &mut elements);
        }
    }
}
