//! Sectors of momentum, point group and spin flip: one state for each orbit of a group.
//!
//! Source: A. Sandvik, *Computational studies of quantum spin systems*, AIP Conf. Proc. 1297, 135 (2010), section 4.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use rayon::prelude::*;

use super::directory::Directory;
use super::orbits::{self, Firsts, Group, MAX_WORDS, n_words};
use super::{LanczosInfo, LanczosOptions, LanczosPlan, RowSample, Watch};
use super::{check_hermitian, dense_energies, lanczos};
use crate::error::{Error, Result};
use crate::graph::Sector;
use crate::hilbert::Hilbert;
use crate::interrupt::Interrupt;
use crate::operator::sparse::{Columns, MAX_APPLY_STATES, MAX_DENSE_STATES, MatrixRows, TakeRow};
use crate::operator::{Connected, Operator, Symmetries, check_rows};
use crate::random::Key;
use crate::scalar::c64;

/// States looked at to see whether an operator has a symmetry.
const N_CHECKED: usize = 64;
/// Rows whose states are brought to the first of their orbits together.
const ROWS: usize = 64;
/// The most rows that are looked at where an operator's terms do not tell.
const MAX_CHECKED_ROWS: usize = 1 << 20;

/// The states of a sector of a symmetry group: P|r⟩/√⟨r|P|r⟩ for the first state r of each orbit,
/// P = Σ_g χ(g)* g/|G|.
///
/// Operators must have the symmetry. Of a [`LocalOperator`](crate::operator::LocalOperator) that is known from its terms;
/// the rows of others, and of those that have it by a constraint only, are compared at all of the sector's states if there
/// are up to 2²⁰ with their images, and else at as many random ones.
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
    is_real: bool,
    n_characters: usize,
    /// Memory for tables and states.
    bytes: usize,
    states: Arc<dyn States>,
}

impl SectorBasis {
    /// The states of a sector of a space.
    ///
    /// # Errors
    /// Another number of sites; a spin flip of what is not a spin; a constraint that the group does not keep;
    /// sites of more than 256 bits in all, one for each of two states, two of four, four of sixteen, else eight;
    /// more than about 2³² states in the sector; no state in it.
    pub fn new(hilbert: &Hilbert, sector: &Sector) -> Result<Self> {
        Self::search(hilbert, sector, &Interrupt::default())
    }

    /// [`new`](Self::new), which can be broken off.
    ///
    /// # Errors
    /// As that; [`Error::Interrupted`].
    pub fn search(hilbert: &Hilbert, sector: &Sector, interrupt: &Interrupt) -> Result<Self> {
        let n_sites = hilbert.n_sites();
        if sector.n_sites() != n_sites {
            return Err(Error::invalid(
                "sector",
                format!("permutations of {n_sites} sites"),
                format!("of {}", sector.n_sites()),
                "take the group of the lattice that the space is of; of fermions with spin there are no sectors",
            ));
        }
        if sector.spin_flip().is_some() && !hilbert.is_spin() {
            return Err(Error::invalid(
                "spin_flip",
                "a space of spins",
                hilbert.name(),
                "leave the spin flip out",
            ));
        }
        let n = n_states_about(hilbert, sector)?;
        let states: Arc<dyn States> = match n_words(hilbert) {
            1 => Arc::new(Orbits::<1>::new(hilbert, sector, n, interrupt)?),
            2..=MAX_WORDS => Arc::new(Orbits::<MAX_WORDS>::new(hilbert, sector, n, interrupt)?),
            n => {
                return Err(Error::TooLarge {
                    what: format!("the search for a sector's states of {}", hilbert.name()),
                    needed: format!("{} bits for a state", 64 * n),
                    limit: format!("{} bits", 64 * MAX_WORDS),
                    cure: "take fewer sites".into(),
                });
            }
        };
        if states.n_states() == 0 {
            return Err(Error::invalid(
                "sector",
                "a sector with states",
                "one without",
                "take another sector, or another constraint",
            ));
        }
        Ok(Self {
            is_real: sector.is_real(),
            n_characters: sector.n_characters(),
            bytes: orbits::bytes(hilbert, sector.permutations().len(), states.n_states()),
            states,
        })
    }

    /// The number of states.
    pub fn n_states(&self) -> usize {
        self.states.n_states()
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
        let rows = RowSample::of(operator, self.n_characters);
        options.plan_of(self.n_states(), Some(rows), is_real, self.bytes)
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
        self.states.check_symmetric(operator)?;
        check_rows(operator, MAX_APPLY_STATES)?;
        let states = &*self.states;
        Ok(SectorRows { states, operator })
    }
}

/// How many states a sector has, about: as many as orbits, if all were of one size.
///
/// # Errors
/// More than 2³².
pub(super) fn n_states_about(hilbert: &Hilbert, sector: &Sector) -> Result<usize> {
    let about = hilbert
        .n_states()
        .map(|n| n.div_ceil(sector.order() as u64));
    match about.filter(|&n| n <= MAX_APPLY_STATES) {
        Some(n) => Ok(n as usize),
        None => Err(Error::TooLarge {
            what: format!("the search for a sector's states of {}", hilbert.name()),
            needed: about.map_or_else(
                || "more states than can be counted".into(),
                |n| format!("{n} states"),
            ),
            limit: format!("{MAX_APPLY_STATES} states"),
            cure: "take fewer sites, or a smaller sector".into(),
        }),
    }
}

/// The states of a sector.
trait States: std::fmt::Debug + Send + Sync {
    fn n_states(&self) -> usize;

    /// ⟨gσ|H|gσ'⟩ = ⟨σ|H|σ'⟩ for all g, as [`SectorBasis`] says.
    fn check_symmetric(&self, operator: &dyn Operator) -> Result<()>;

    /// Rows of the operator's matrix: ⟨r|H|r'⟩ = Σ_σ' ⟨r|H|σ'⟩ χ(g)* √(N_r'/N_r), σ' = g r'.
    fn for_rows(
        &self,
        operator: &dyn Operator,
        rows: Range<usize>,
        columns: Columns,
        f: &mut TakeRow<'_>,
    );
}

/// The orbits of a group that are in the sector.
#[derive(Debug)]
struct Orbits<const W: usize> {
    hilbert: Hilbert,
    symmetries: Symmetries,
    group: Group<W>,
    firsts: Firsts<W>,
    directory: Directory,
}

impl<const W: usize> Orbits<W> {
    fn new(
        hilbert: &Hilbert,
        sector: &Sector,
        n_states: usize,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let symmetries = Symmetries::of(sector.permutations(), sector.spin_flip().is_some());
        check_constraint(&symmetries, hilbert)?;
        let group = Group::new(hilbert, sector, n_states);
        let firsts = group.firsts(hilbert, interrupt)?;
        Ok(Self {
            hilbert: hilbert.clone(),
            symmetries,
            group,
            directory: Directory::new(&firsts.states),
            firsts,
        })
    }

    /// ⟨gσ|H|gσ'⟩ = ⟨σ|H|σ'⟩ for all g and σ'.
    fn check_row(&self, operator: &dyn Operator, sigma: &[u8]) -> Result<()> {
        let Some(moved) = self.symmetries.changed_row(operator, sigma) else {
            return Ok(());
        };
        Err(Error::invalid(
            "operator",
            "an operator with the symmetry of the sector",
            format!(
                "one whose rows differ at {:?} and {:?}",
                self.hilbert.values_of(sigma),
                self.hilbert.values_of(&moved)
            ),
            "take a smaller group: edges, colours, sign rules and the signs of fermions may break translations",
        ))
    }
}

fn check_constraint(symmetries: &Symmetries, hilbert: &Hilbert) -> Result<()> {
    let Some(way_out) = symmetries.way_out(hilbert) else {
        return Ok(());
    };
    let [sigma, moved] = way_out.map(|sigma| hilbert.values_of(&sigma));
    Err(Error::invalid(
        "sector",
        format!("a symmetry of {hilbert}"),
        format!("one that moves {sigma:?} to {moved:?}"),
        "leave out what the constraint breaks, such as the spin flip",
    ))
}

impl<const W: usize> States for Orbits<W> {
    fn n_states(&self) -> usize {
        self.firsts.states.len()
    }

    fn check_symmetric(&self, operator: &dyn Operator) -> Result<()> {
        if *operator.hilbert() != self.hilbert {
            return Err(Error::invalid(
                "operator",
                format!("an operator on {}", self.hilbert),
                format!("one on {}", operator.hilbert()),
                "make the sector from the operator's space",
            ));
        }
        let n_sites = self.hilbert.n_sites();
        let at = |states: &[u8]| {
            let states = states.par_chunks_exact(n_sites);
            states.try_for_each(|sigma| self.check_row(operator, sigma))
        };
        at(&self.hilbert.random_states(Key::new(0), N_CHECKED))?;
        if self.symmetries.are_of(operator) {
            return Ok(());
        }
        let n_checked = MAX_CHECKED_ROWS / self.group.order();
        if self.firsts.states.len() > n_checked {
            return at(&self.hilbert.random_states(Key::new(1), n_checked));
        }
        let firsts = self.firsts.states.par_iter();
        firsts.try_for_each_init(
            || vec![0; n_sites],
            |sigma, first| {
                self.group.unpack(first, sigma);
                self.check_row(operator, sigma)
            },
        )
    }

    fn for_rows(
        &self,
        operator: &dyn Operator,
        rows: Range<usize>,
        columns: Columns,
        f: &mut TakeRow<'_>,
    ) {
        let Firsts {
            states: firsts,
            stabilizers,
        } = &self.firsts;
        let mut sigma = vec![0; self.hilbert.n_sites()];
        let mut row = Connected::default();
        let (mut states, mut mels, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut characters = Vec::new();
        for begin in rows.clone().step_by(ROWS) {
            let batch = begin..rows.end.min(begin + ROWS);
            states.clear();
            mels.clear();
            ends.clear();
            for first in &firsts[batch.clone()] {
                self.group.unpack(first, &mut sigma);
                operator.connected(&sigma, &mut row);
                for (mel, changes) in row.iter() {
                    let mut connected = *first;
                    for &(site, new) in changes {
                        self.group.set(&mut connected, site as usize, new);
                    }
                    states.push(connected);
                    mels.push(mel);
                }
                ends.push(states.len());
            }
            self.group.to_first(&mut states, &mut characters);
            let mut begin = 0;
            for (row, &end) in batch.zip(&ends) {
                let mut elements = (begin..end).filter_map(|i| {
                    if columns == Columns::FromDiagonal && states[i] < firsts[row] {
                        return None;
                    }
                    let column = self.directory.place(firsts, &states[i])?;
                    let ratio = f64::from(stabilizers[column]) / f64::from(stabilizers[row]);
                    Some((column, mels[i] * characters[i].conj() * ratio.sqrt()))
                });
                f(row, &mut elements);
                begin = end;
            }
        }
    }
}

/// The matrix of an operator within a sector.
struct SectorRows<'a> {
    states: &'a dyn States,
    operator: &'a dyn Operator,
}

impl MatrixRows for SectorRows<'_> {
    fn for_rows(&self, rows: Range<usize>, columns: Columns, f: &mut TakeRow<'_>) {
        self.states.for_rows(self.operator, rows, columns, f);
    }
}
