//! Sums of few-site matrices: the one implementation behind every built-in Hamiltonian.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::algebra::check_same_space;
use super::rows::{Rows, changes};
use super::term::{
    Entries, cancel, check_sites, is_hermitian, multiply, term_states, without_idle_site,
};
use super::{Charge, Connected, Conservation, Operator};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// A sum of matrices that act on few sites each: O = c + Σₜ Mₜ.
///
/// Terms on the same sites merge, sites a matrix leaves alone are dropped, and so are zeros:
/// equal operators built in different ways usually compare equal.
/// Operators add, subtract and multiply with `+ - *`, and with real and complex numbers;
/// [`plus`](Self::plus) and [`times`](Self::times) return errors where `+` and `*` panic.
/// NetKet: `LocalOperator`.
///
/// # Example
/// ```
/// use autoket::hilbert::Hilbert;
/// use autoket::operator::{LocalOperator, Operator, spin};
/// let hilbert = Hilbert::spin(0.5, 4)?;
/// let [x, y, z] = [spin::sigmax, spin::sigmay, spin::sigmaz].map(|sigma| sigma(&hilbert, 2).unwrap());
/// let commutator = &x * &y - &y * &x;
/// assert_eq!(commutator, num_complex::Complex::new(0.0, 2.0) * &z);
/// assert_eq!(&z * &z, LocalOperator::identity(&hilbert));
/// assert!(!commutator.is_hermitian());
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalOperator {
    hilbert: Hilbert,
    constant: c64,
    /// By ascending sites.
    terms: BTreeMap<Vec<u32>, Entries>,
    /// Look-up tables for `connected`, made when first needed.
    rows: OnceLock<Rows>,
}

impl LocalOperator {
    /// The zero operator.
    pub fn new(hilbert: &Hilbert) -> Self {
        Self {
            hilbert: hilbert.clone(),
            constant: c64::ZERO,
            terms: BTreeMap::new(),
            rows: OnceLock::new(),
        }
    }

    /// The identity.
    pub fn identity(hilbert: &Hilbert) -> Self {
        Self {
            constant: c64::ONE,
            ..Self::new(hilbert)
        }
    }

    /// One term: a matrix on some sites.
    ///
    /// `matrix` is row-major, dᵏ × dᵏ for k sites, its rows and columns numbered by the local
    /// indices of `sites` in the order given, the first most significant.
    /// Local indices depend on the [order of the local states](Hilbert::with_inverted_ordering).
    ///
    /// # Errors
    /// No site, a site the space lacks, or one given twice; more sites than 16 spins 1/2 or their
    /// like; a matrix of another size, or not finite.
    ///
    /// # Example
    /// ```
    /// use autoket::{c64, hilbert::Hilbert, operator::LocalOperator};
    /// let hilbert = Hilbert::spin(0.5, 4)?;
    /// let raise = [0.0, 0.0, 1.0, 0.0].map(c64::from); // ⟨up|O|down⟩ = 1: index 1 is up
    /// let raise = LocalOperator::term(&hilbert, &[3], &raise)?;
    /// assert_eq!(raise, autoket::operator::spin::sigmap(&hilbert, 3)?);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn term(hilbert: &Hilbert, sites: &[usize], matrix: &[c64]) -> Result<Self> {
        check_sites(hilbert, sites)?;
        let (d, k) = (hilbert.local_size(), sites.len());
        let size = term_states(d, k)?;
        if matrix.len() != size * size {
            return Err(Error::invalid(
                "matrix",
                format!(
                    "{size} x {size} = {} elements for {k} sites of {d} states",
                    size * size
                ),
                format!("{} elements", matrix.len()),
                "give rows and columns for every combination of the sites' states",
            ));
        }
        if let Some(i) = matrix.iter().position(|mel| !mel.is_finite()) {
            return Err(Error::invalid(
                format!("matrix[{}][{}]", i / size, i % size),
                "a finite number",
                matrix[i],
                "remove NaN and infinity",
            ));
        }
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by_key(|&p| sites[p]);
        let sorted: Vec<u32> = order.iter().map(|&p| sites[p] as u32).collect();
        let number = |n: usize| {
            let digit = |&p: &usize| n / d.pow((k - 1 - p) as u32) % d;
            order.iter().map(digit).fold(0, |number, i| number * d + i) as u32
        };
        let numbers: Vec<u32> = (0..size).map(number).collect();
        let entries = (matrix.iter().enumerate())
            .filter(|(_, mel)| **mel != c64::ZERO)
            .map(|(i, &mel)| ((numbers[i / size], numbers[i % size]), mel))
            .collect();
        let mut operator = Self::new(hilbert);
        operator.add_term(sorted, entries, c64::ONE);
        Ok(operator)
    }

    /// The multiple of the identity in the sum.
    pub fn constant(&self) -> c64 {
        self.constant
    }

    /// The number of terms, without the constant.
    pub fn n_terms(&self) -> usize {
        self.terms.len()
    }

    /// The sites and elements of every term.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Vec<u32>, &Entries)> {
        self.terms.iter()
    }

    /// The sites of every term. NetKet: `acting_on`.
    pub fn acting_on(&self) -> impl Iterator<Item = Vec<usize>> {
        let wide = |sites: &Vec<u32>| sites.iter().map(|&site| site as usize).collect();
        self.terms.keys().map(wide)
    }

    /// O†: ⟨σ|O†|σ′⟩ = ⟨σ′|O|σ⟩*.
    pub fn adjoint(&self) -> Self {
        let transpose = |(&(row, column), mel): (&(u32, u32), &c64)| ((column, row), mel.conj());
        let terms = self.terms.iter();
        Self {
            constant: self.constant.conj(),
            terms: terms
                .map(|(sites, entries)| (sites.clone(), entries.iter().map(transpose).collect()))
                .collect(),
            ..Self::new(&self.hilbert)
        }
    }

    /// O*: ⟨σ|O*|σ′⟩ = ⟨σ|O|σ′⟩*.
    pub fn conjugate(&self) -> Self {
        let mut conjugate = self.adjoint();
        for entries in conjugate.terms.values_mut() {
            let transposed = std::mem::take(entries).into_iter();
            *entries = transposed
                .map(|((row, column), mel)| ((column, row), mel))
                .collect();
        }
        conjugate
    }

    /// ⟨φ|O|φ⟩ of a product of a vector at each site, and the sum of its parts' absolute values, which bounds rounding.
    ///
    /// As a polynomial in the vectors it tells all operators apart.
    pub(crate) fn of_product(&self, vectors: &[Vec<c64>]) -> (c64, f64) {
        let d = self.hilbert.local_size() as u32;
        let (mut value, mut size) = (c64::ZERO, 0.0);
        for (sites, entries) in self.acting_on().zip(self.terms.values()) {
            for (&(mut row, mut column), &mel) in entries {
                let mut part = mel;
                for &site in sites.iter().rev() {
                    let [bra, ket] = [row, column].map(|index| vectors[site][(index % d) as usize]);
                    part *= bra.conj() * ket;
                    (row, column) = (row / d, column / d);
                }
                value += part;
                size += part.norm();
            }
        }
        (value, size)
    }

    /// The terms: sites, ascending, and the matrix on them as [`term`](Self::term) takes it.
    ///
    /// NetKet: `acting_on` and `operators`.
    ///
    /// # Example
    /// ```
    /// use autoket::{hilbert::Hilbert, operator::{LocalOperator, spin}};
    /// let hilbert = Hilbert::spin(0.5, 4)?;
    /// let y = spin::sigmay(&hilbert, 2)?;
    /// let (sites, matrix) = &y.terms()[0];
    /// assert_eq!(LocalOperator::term(&hilbert, sites, matrix)?, y);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn terms(&self) -> Vec<(Vec<usize>, Vec<c64>)> {
        let d = self.hilbert.local_size();
        let dense = |(sites, entries): (Vec<usize>, &Entries)| {
            let size = d.pow(sites.len() as u32);
            let mut matrix = vec![c64::ZERO; size * size];
            for (&(row, column), &mel) in entries {
                matrix[row as usize * size + column as usize] = mel;
            }
            (sites, matrix)
        };
        self.acting_on()
            .zip(self.terms.values())
            .map(dense)
            .collect()
    }

    /// `self + other`.
    ///
    /// # Errors
    /// They act on different spaces.
    pub fn plus(&self, other: &Self) -> Result<Self> {
        let mut sum = self.clone();
        sum.add_scaled(other, c64::ONE)?;
        Ok(sum)
    }

    /// `self += factor * other`.
    ///
    /// # Errors
    /// They act on different spaces.
    pub fn add_scaled(&mut self, other: &Self, factor: c64) -> Result<()> {
        check_same_space(&self.hilbert, &other.hilbert)?;
        self.rows = OnceLock::new();
        self.constant = cancel(self.constant, factor * other.constant);
        for (sites, entries) in &other.terms {
            self.add_term(sites.clone(), entries.clone(), factor);
        }
        Ok(())
    }

    /// `factor * self`.
    pub fn scaled(&self, factor: c64) -> Self {
        let mut product = Self::new(&self.hilbert);
        product.constant = factor * self.constant;
        for (sites, entries) in &self.terms {
            product.add_term(sites.clone(), entries.clone(), factor);
        }
        product
    }

    /// The operator product `self * other`: `other` acts first.
    ///
    /// # Errors
    /// They act on different spaces; the product of two terms acts on more sites than 16 spins 1/2
    /// or their like, or has more than 2²⁴ entries.
    pub fn times(&self, other: &Self) -> Result<Self> {
        check_same_space(&self.hilbert, &other.hilbert)?;
        let mut product = other.scaled(self.constant);
        for (sites, entries) in &self.terms {
            product.add_term(sites.clone(), entries.clone(), other.constant);
            for (other_sites, other_entries) in &other.terms {
                let (sites, entries) = multiply(
                    self.hilbert.local_size(),
                    (sites, entries),
                    (other_sites, other_entries),
                )?;
                product.add_term(sites, entries, c64::ONE);
            }
        }
        Ok(product)
    }

    /// Adds `factor` times a term on ascending sites.
    pub(super) fn add_term(&mut self, mut sites: Vec<u32>, mut entries: Entries, factor: c64) {
        self.rows = OnceLock::new();
        let d = self.hilbert.local_size() as u32;
        entries.retain(|_, mel| {
            *mel *= factor;
            *mel != c64::ZERO
        });
        for position in (0..sites.len()).rev() {
            let stride = d.pow((sites.len() - 1 - position) as u32);
            if let Some(rest) = without_idle_site(d, stride, &entries) {
                entries = rest;
                sites.remove(position);
            }
        }
        if sites.is_empty() {
            let mel = entries.get(&(0, 0)).copied().unwrap_or_default();
            self.constant = cancel(self.constant, mel);
            return;
        }
        let Some(mut sum) = self.terms.remove(&sites) else {
            if !entries.is_empty() {
                self.terms.insert(sites, entries);
            }
            return;
        };
        for (at, mel) in entries {
            let old = sum.remove(&at).unwrap_or_default();
            let new = cancel(old, mel);
            if new != c64::ZERO {
                sum.insert(at, new);
            }
        }
        // Again from the start: a sum may leave a site alone that neither part did.
        self.add_term(sites, sum, c64::ONE);
    }

    fn rows(&self) -> &Rows {
        let d = self.hilbert.local_size();
        self.rows.get_or_init(|| {
            let is_hermitian = is_hermitian(self.constant, &self.terms);
            Rows::new(d, self.constant, &self.terms, is_hermitian)
        })
    }
}

impl PartialEq for LocalOperator {
    fn eq(&self, other: &Self) -> bool {
        (&self.hilbert, self.constant, &self.terms)
            == (&other.hilbert, other.constant, &other.terms)
    }
}

impl Operator for LocalOperator {
    fn hilbert(&self) -> &Hilbert {
        &self.hilbert
    }

    /// Term by term, to relative rounding 10⁻¹².
    fn is_hermitian(&self) -> bool {
        self.rows().is_hermitian()
    }

    fn is_real(&self) -> bool {
        let mut mels = self.terms.values().flat_map(Entries::values);
        self.constant.im == 0.0 && mels.all(|mel| mel.im == 0.0)
    }

    fn max_conn_size(&self) -> usize {
        self.rows().max_conn_size()
    }

    fn as_local(&self) -> Option<&LocalOperator> {
        Some(self)
    }

    /// The diagonal first, then by the sites that change.
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        debug_assert_eq!(sigma.len(), self.hilbert.n_sites());
        self.rows().connected(sigma, out);
    }

    fn mean_diagonal(&self) -> Option<c64> {
        let d = self.hilbert.local_size() as f64;
        let mean = |(sites, entries): (&Vec<u32>, &Entries)| {
            let diagonal = entries.iter().filter(|((row, column), _)| row == column);
            diagonal.map(|(_, mel)| mel).sum::<c64>() / d.powi(sites.len() as i32)
        };
        Some(self.constant + self.terms.iter().map(mean).sum::<c64>())
    }

    /// Term by term.
    fn conservation(&self, charge: &Charge) -> Conservation {
        for (sites, entries) in &self.terms {
            for &(row, column) in entries.keys() {
                let changes = changes(self.hilbert.local_size(), sites, row, column);
                if charge.is_changed(changes.iter().copied()) {
                    let sites = changes.iter().map(|&(site, ..)| site as usize);
                    return Conservation::Broken(sites.collect());
                }
            }
        }
        Conservation::Conserved
    }
}
