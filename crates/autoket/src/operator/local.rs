//! Sums of few-site matrices: the one implementation behind every built-in Hamiltonian.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::rows::Rows;
use super::{Connected, Operator};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// The most basis states of the sites of one term: 16 spins 1/2.
const MAX_TERM_STATES: usize = 1 << 16;
/// The most entries of a product of two terms.
const MAX_TERM_ENTRIES: usize = 1 << 24;
/// Entries this much smaller than what they were summed from are rounding, and dropped.
const CANCELLATION: f64 = 1e-14;

/// The non-zero entries of a term's matrix: (row, column) over its sites, the first most significant.
pub(super) type Entries = BTreeMap<(u32, u32), c64>;

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
        self.check_same_space(other)?;
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
        self.check_same_space(other)?;
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

    fn check_same_space(&self, other: &Self) -> Result<()> {
        if self.hilbert == other.hilbert {
            return Ok(());
        }
        Err(Error::invalid(
            "hilbert",
            format!("an operator on {}", self.hilbert),
            format!("one on {}", other.hilbert),
            "build both on the same Hilbert space",
        ))
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

    /// The diagonal first, then by the sites that change.
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        debug_assert_eq!(sigma.len(), self.hilbert.n_sites());
        self.rows().connected(sigma, out);
    }
}

/// `a + b`, or zero if what is left is rounding.
fn cancel(a: c64, b: c64) -> c64 {
    let sum = a + b;
    let scale = CANCELLATION * a.norm().max(b.norm());
    match sum.norm() <= scale {
        true => c64::ZERO,
        false => sum,
    }
}

fn is_hermitian(constant: c64, terms: &BTreeMap<Vec<u32>, Entries>) -> bool {
    let largest = terms.values().flat_map(Entries::values);
    let largest = largest.fold(constant.norm(), |max, mel| max.max(mel.norm()));
    let close = |a: c64, b: c64| (a - b.conj()).norm() <= 1e-12 * largest;
    let hermitian = |entries: &Entries| {
        entries.iter().all(|(&(row, column), &mel)| {
            let transposed = entries.get(&(column, row));
            close(mel, transposed.copied().unwrap_or_default())
        })
    };
    close(constant, constant) && terms.values().all(hermitian)
}

pub(super) fn check_sites(hilbert: &Hilbert, sites: &[usize]) -> Result<()> {
    let n_sites = hilbert.n_sites();
    if sites.is_empty() {
        return Err(Error::invalid(
            "sites",
            "at least one site",
            "none",
            "use a multiple of the identity for a constant",
        ));
    }
    for (position, &site) in sites.iter().enumerate() {
        if site >= n_sites {
            return Err(Error::invalid(
                "sites",
                format!("sites from 0 to {}", n_sites - 1),
                site,
                "number sites from 0, or take a larger lattice",
            ));
        }
        if sites[..position].contains(&site) {
            return Err(Error::invalid(
                "sites",
                "different sites",
                format!("site {site} twice"),
                "give each site once",
            ));
        }
    }
    Ok(())
}

/// d^k if a term may have that many states.
fn term_states(d: usize, k: usize) -> Result<usize> {
    let states = d.checked_pow(k as u32);
    states
        .filter(|&n| n <= MAX_TERM_STATES)
        .ok_or_else(|| Error::TooLarge {
            what: format!("a term on {k} sites"),
            needed: format!("{d}^{k} states"),
            limit: format!("{MAX_TERM_STATES} states"),
            cure: "split it into terms on fewer sites".into(),
        })
}

/// The matrix on the other sites, if this is that times the identity of the site with digit `stride`.
fn without_idle_site(d: u32, stride: u32, entries: &Entries) -> Option<Entries> {
    let digit = |n: u32| n / stride % d;
    let shorten = |n: u32| n / (stride * d) * stride + n % stride;
    let rest: Entries = (entries.iter())
        .filter(|((row, _), _)| digit(*row) == 0)
        .map(|(&(row, column), &mel)| ((shorten(row), shorten(column)), mel))
        .collect();
    let same = |(&(row, column), mel): (&(u32, u32), &c64)| {
        digit(row) == digit(column) && rest.get(&(shorten(row), shorten(column))) == Some(mel)
    };
    (entries.len() == rest.len() * d as usize && entries.iter().all(same)).then_some(rest)
}

type Term<'a> = (&'a Vec<u32>, &'a Entries);

/// The product of two terms, on the union of their sites.
fn multiply(d: usize, a: Term, b: Term) -> Result<(Vec<u32>, Entries)> {
    let mut sites: Vec<u32> = a.0.iter().chain(b.0).copied().collect();
    sites.sort_unstable();
    sites.dedup();
    term_states(d, sites.len())?;
    // Where a state of one term's sites that are in `part` stands among those of the union.
    let spread = |term: &[u32], part: &dyn Fn(u32) -> bool| -> Vec<u32> {
        let place = |site| sites.len() - 1 - sites.partition_point(|&other| other < site);
        let strides: Vec<usize> = (term.iter())
            .map(|&site| usize::from(part(site)) * d.pow(place(site) as u32))
            .collect();
        (0..d.pow(term.len() as u32))
            .map(|mut n| {
                let digits = strides.iter().rev().map(|stride| {
                    let digit = n % d;
                    n /= d;
                    digit * stride
                });
                digits.sum::<usize>() as u32
            })
            .collect()
    };
    let all = |_| true;
    let shared = |site| a.0.contains(&site) && b.0.contains(&site);
    let alone = |site| !shared(site);
    let (a_all, a_shared, a_alone) = (spread(a.0, &all), spread(a.0, &shared), spread(a.0, &alone));
    let (b_all, b_shared, b_alone) = (spread(b.0, &all), spread(b.0, &shared), spread(b.0, &alone));
    let mut b_by_row: BTreeMap<u32, Vec<(u32, u32, c64)>> = BTreeMap::new();
    for (&(row, column), &mel) in b.1 {
        let rows = b_by_row.entry(b_shared[row as usize]).or_default();
        rows.push((b_alone[row as usize], b_all[column as usize], mel));
    }
    let mut sums: BTreeMap<(u32, u32), (c64, f64)> = BTreeMap::new();
    for (&(row, column), &mel) in a.1 {
        let (row, column) = (row as usize, column as usize);
        for &(b_row, b_column, b_mel) in b_by_row.get(&a_shared[column]).into_iter().flatten() {
            let at = (a_all[row] + b_row, a_alone[column] + b_column);
            let (sum, scale) = sums.entry(at).or_default();
            *sum += mel * b_mel;
            *scale = scale.max((mel * b_mel).norm());
        }
        if sums.len() > MAX_TERM_ENTRIES {
            return Err(Error::TooLarge {
                what: format!("the product of terms on sites {:?} and {:?}", a.0, b.0),
                needed: format!("more than {} entries", sums.len()),
                limit: format!("{MAX_TERM_ENTRIES} entries"),
                cure: "multiply operators on fewer sites".into(),
            });
        }
    }
    let kept = sums.into_iter();
    let kept = kept.filter(|(_, (sum, scale))| sum.norm() > CANCELLATION * scale);
    Ok((sites, kept.map(|(at, (sum, _))| (at, sum)).collect()))
}
