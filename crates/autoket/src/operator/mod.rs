//! Operators, known by their rows.
//!
//! An operator O is what it connects a basis state σ to: the σ′ with ⟨σ|O|σ′⟩ ≠ 0, written as the
//! few sites that differ from σ. Matrix elements are in double precision whatever the wave function's.

mod algebra;
pub mod boson;
mod charge;
mod closed;
mod fcidump;
mod fermi_models;
mod halves;
pub(crate) mod hermitian;
mod local;
mod models;
mod rows;
pub(crate) mod sparse;
pub mod spin;
mod strings;
mod symmetries;
mod term;

pub use charge::{Charge, Conservation, conserved, mean_diagonal};
pub use closed::check_closed;
pub(crate) use closed::check_rows;
pub use fcidump::Fcidump;
pub use fermi_models::{fermi_hubbard, t_v};
pub use local::LocalOperator;
pub use models::{bose_hubbard, graph_operator, heisenberg, ising, total_spin, xyz};
pub use sparse::{Csr, apply, to_dense, to_sparse};
pub(crate) use strings::Mistake;
pub use strings::{Fermion, FermionOperator, Kind, Ladders, Pauli, PauliStrings, Strings, fermion};
pub use symmetries::Symmetries;
pub(crate) use symmetries::{Moved, Symmetry};

use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// Numbers that differ by less, beside their size, are the same.
const SAME: f64 = 1e-10;

/// A linear operator on a [`Hilbert`] space, known by its rows.
///
/// NetKet: `DiscreteOperator`.
pub trait Operator: Send + Sync {
    /// The space it acts on.
    fn hilbert(&self) -> &Hilbert;

    /// Whether it equals its adjoint.
    fn is_hermitian(&self) -> bool;

    /// Whether every matrix element is known to be real: lets exact solvers use real arithmetic.
    fn is_real(&self) -> bool {
        false
    }

    /// A bound on the number of elements in one row.
    fn max_conn_size(&self) -> usize;

    /// The row of `sigma` (local indices of `n_sites` sites) into `out`, replacing what it held.
    ///
    /// No σ′ comes twice, and no element is zero. Hot: no allocation once `out` has grown.
    /// NetKet: `get_conn`.
    fn connected(&self, sigma: &[u8], out: &mut Connected);

    /// Itself, if it is a sum of matrices on few sites: exact solvers then need no rows.
    fn as_local(&self) -> Option<&LocalOperator> {
        None
    }

    /// Tr O over the number of basis states without constraints, if the operator knows it by its terms.
    fn mean_diagonal(&self) -> Option<c64> {
        None
    }

    /// Whether a charge is the same in σ and σ′ of every element.
    ///
    /// Without better knowledge all rows are looked at, where that is quick.
    fn conservation(&self, charge: &Charge) -> Conservation {
        charge::by_rows(self, charge)
    }
}

/// One row of an operator: matrix elements ⟨σ|O|σ′⟩, each with the changes that make σ′ of σ.
///
/// Changes are `(site, new local index)` by ascending site, only where the index differs:
/// the diagonal element has none.
///
/// # Example
/// ```
/// use autoket::{graph::Graph, hilbert::Hilbert};
/// use autoket::operator::{Connected, Operator, ising};
/// let h = ising(&Hilbert::spin(0.5, 3)?, &Graph::chain(3, false)?, 0.5, 1.0)?;
/// let mut row = Connected::default();
/// h.connected(&[1, 1, 1], &mut row);
/// let row: Vec<_> = row.iter().map(|(mel, changes)| (mel.re, changes.to_vec())).collect();
/// assert_eq!(row[0], (2.0, vec![]));
/// assert_eq!(row[1], (-0.5, vec![(0, 0)]));
/// assert_eq!(row.len(), 4);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Connected {
    mels: Vec<c64>,
    /// Where the changes of every element end.
    ends: Vec<u32>,
    changes: Vec<(u32, u8)>,
    /// σ as bits, for operators that want it so.
    bits: Vec<u64>,
}

impl Connected {
    /// Empties the row, keeping its memory.
    pub fn clear(&mut self) {
        self.mels.clear();
        self.ends.clear();
        self.changes.clear();
    }

    /// Adds an element: ⟨σ|O|σ′⟩ and the changes that make σ′, by ascending site.
    #[inline]
    pub fn push(&mut self, mel: c64, changes: &[(u32, u8)]) {
        self.push_changes(mel, changes.iter().copied());
    }

    /// [`push`](Self::push) of changes that are not stored.
    #[inline]
    fn push_changes(&mut self, mel: c64, changes: impl Iterator<Item = (u32, u8)>) {
        self.mels.push(mel);
        self.changes.extend(changes);
        self.ends.push(self.changes.len() as u32);
    }

    /// Adds `mel` to the element with these changes among those from `first` on, or pushes it.
    #[inline]
    fn merge(&mut self, first: usize, mel: c64, changes: &[(u32, u8)]) {
        match (first..self.len()).find(|&i| self.changes(i) == changes) {
            Some(i) => self.mels[i] += mel,
            None => self.push(mel, changes),
        }
    }

    /// Removes the elements from `first` on that are zero.
    fn drop_zeros(&mut self, first: usize) {
        if self.mels[first..].iter().all(|mel| *mel != c64::ZERO) {
            return;
        }
        let mut end = self.start(first);
        let mut kept = first;
        for i in first..self.len() {
            if self.mels[i] != c64::ZERO {
                let (from, to) = (self.start(i), self.ends[i] as usize);
                self.changes.copy_within(from..to, end);
                end += to - from;
                self.mels[kept] = self.mels[i];
                self.ends[kept] = end as u32;
                kept += 1;
            }
        }
        self.mels.truncate(kept);
        self.ends.truncate(kept);
        self.changes.truncate(end);
    }

    fn start(&self, i: usize) -> usize {
        match i {
            0 => 0,
            _ => self.ends[i - 1] as usize,
        }
    }

    /// The changes of one element.
    pub fn changes(&self, i: usize) -> &[(u32, u8)] {
        &self.changes[self.start(i)..self.ends[i] as usize]
    }

    /// The elements ⟨σ|O|σ′⟩ with their changes, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (c64, &[(u32, u8)])> {
        let mut start = 0;
        self.mels.iter().zip(&self.ends).map(move |(&mel, &end)| {
            let changes = &self.changes[start..end as usize];
            start = end as usize;
            (mel, changes)
        })
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.mels.len()
    }

    /// Whether the row has no element.
    pub fn is_empty(&self) -> bool {
        self.mels.is_empty()
    }
}
