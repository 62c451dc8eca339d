//! Fermions in second quantisation: a†, a and n by Jordan and Wigner's strings.
//!
//! Modes are sites in their order: aᵢ carries (-1)^(fermions on the sites before i).
//! NetKet: `nk.operator.fermion`.

use std::collections::BTreeMap;

use super::masks::{Masks, has, sites};
use super::pauli::digits;
use super::text::{Alphabet, Mistake};
use super::{Strings, check_weights};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::operator::term::is_rounding;
use crate::scalar::c64;

/// The most products that one string is written as, by the power of two.
const MAX_NUMBERS: usize = 20;

/// A product of creation and annihilation operators: sites, and whether a fermion is created there.
pub type Ladders = Vec<(usize, bool)>;

/// The kind of [`FermionOperator`].
#[derive(Clone, Copy, Debug)]
pub enum Fermion {}

/// A sum of products of fermionic creation and annihilation operators.
///
/// On sites of two local states 0 and 1, empty and filled; they are ordered as the space orders
/// them, and so is the sign of Jordan and Wigner.
/// Normal order is not needed: equal operators are equal however they were written.
/// NetKet: `FermionOperator2nd`.
///
/// # Example
/// ```
/// use autoket::{hilbert::Hilbert, operator::{FermionOperator, Operator, fermion}};
/// let hilbert = Hilbert::spin_orbital_fermions(4, None)?;
/// let hop = FermionOperator::parse(&hilbert, "0^ 3 + 3^ 0")?;
/// assert!(hop.is_hermitian());
/// let [create, destroy] = [fermion::create(&hilbert, 2)?, fermion::destroy(&hilbert, 2)?];
/// assert_eq!(&create * &destroy + &destroy * &create, FermionOperator::identity(&hilbert)?);
/// # Ok::<(), autoket::Error>(())
/// ```
pub type FermionOperator = Strings<Fermion>;

/// Whether a factor creates.
const ALPHABET: Alphabet<bool> = Alphabet {
    factor: |token| match token.strip_suffix('^') {
        Some(site) => digits(site).map(|site| (true, site)),
        None => digits(token).map(|site| (false, site)),
    },
    expected: "a site, with ^ if a fermion is created there",
    example: "0^ 1 + 1^ 0 + 0.5*[]",
};

impl FermionOperator {
    /// The sum that a text states, such as `"0.5*0^ 1 + 0.5*1^ 0"`.
    ///
    /// `3^` creates at site 3 and `3` annihilates; factors have spaces between them, and the last
    /// acts first. A coefficient comes before, with `*` behind it; a constant is `2*[]`.
    /// NetKet's and OpenFermion's strings, and what OpenFermion prints: `"0.5 [0^ 1]"`.
    ///
    /// # Errors
    /// The space is not of sites that are empty or filled; the text is no such sum; a site the
    /// space lacks; a product of so many numbers n that it would not fit.
    pub fn parse(hilbert: &Hilbert, text: &str) -> Result<Self> {
        Self::read(hilbert, text)?.map_err(|mistake| mistake.into_error("text", text))
    }

    /// [`parse`](Self::parse), a mistake in the text with its place.
    pub(crate) fn read(hilbert: &Hilbert, text: &str) -> Result<Result<Self, Mistake>> {
        check_space(hilbert)?;
        Self::read_terms(hilbert, text, &ALPHABET, |sum, factors, weight| {
            sum.add_ladders(&factors, weight)
        })
    }

    /// The zero operator.
    ///
    /// # Errors
    /// The space is not of sites that are empty or filled.
    pub fn new(hilbert: &Hilbert) -> Result<Self> {
        check_space(hilbert)?;
        Ok(Self::zero(hilbert))
    }

    /// The identity.
    ///
    /// # Errors
    /// The space is not of sites that are empty or filled.
    pub fn identity(hilbert: &Hilbert) -> Result<Self> {
        check_space(hilbert)?;
        Ok(Self::one(hilbert))
    }

    /// The sum of `weights[i]` times `terms[i]`, each a product of (site, creates), the last acting first.
    ///
    /// NetKet: `FermionOperator2nd(hilbert, terms, weights)`.
    ///
    /// # Errors
    /// The space is not of sites that are empty or filled; a site it lacks; not as many weights as terms;
    /// a weight that is not finite; a product of so many numbers n that it would not fit.
    pub fn from_terms(hilbert: &Hilbert, terms: &[Ladders], weights: &[c64]) -> Result<Self> {
        check_space(hilbert)?;
        check_weights(terms.len(), weights)?;
        let n_sites = hilbert.n_sites();
        let mut sum = Self::zero(hilbert);
        for (i, (term, &weight)) in terms.iter().zip(weights).enumerate() {
            if let Some(&(site, _)) = term.iter().find(|(site, _)| *site >= n_sites) {
                return Err(Error::invalid(
                    format!("terms[{i}]"),
                    format!("sites from 0 to {}", n_sites - 1),
                    site,
                    "number sites from 0, or take a larger space",
                ));
            }
            let factors: Vec<_> = term
                .iter()
                .map(|&(site, creates)| (creates, site))
                .collect();
            sum.add_ladders(&factors, weight)?;
        }
        Ok(sum)
    }

    /// The terms in normal order, creation before annihilation and each by descending site, with their weights.
    ///
    /// What [`from_terms`](Self::from_terms) takes. NetKet: `reduce().operators`.
    ///
    /// # Errors
    /// A string has the signs of more than 20 sites besides Jordan and Wigner's.
    ///
    /// # Example
    /// ```
    /// use autoket::{c64, hilbert::Hilbert, operator::FermionOperator};
    /// let hilbert = Hilbert::spin_orbital_fermions(3, None)?;
    /// let h = FermionOperator::parse(&hilbert, "2*0 2^")?;
    /// assert_eq!(h.terms()?, [(vec![(2, true), (0, false)], c64::from(-2.0))]);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn terms(&self) -> Result<Vec<(Ladders, c64)>> {
        let n_sites = self.hilbert.n_sites();
        let mut sums: BTreeMap<Ladders, (c64, f64)> = BTreeMap::new();
        for (string, &weight) in &self.strings {
            let (mut created, mut destroyed) = (Vec::new(), Vec::new());
            for site in sites(string.fixed()) {
                match has(string.value(), site) {
                    true => created.push(site),
                    false => destroyed.push(site),
                }
            }
            created.reverse();
            destroyed.reverse();
            // The string of these ladders differs by Z = 1 - 2n of some other sites.
            let mut ladders = Masks::identity(n_sites);
            let mut negative = false;
            let creates = created.iter().map(|&site| (site, true));
            for (site, creates) in creates.chain(destroyed.iter().map(|&site| (site, false))) {
                let Some(product) = ladders.times(&Masks::ladder(n_sites, site, creates)) else {
                    continue;
                };
                negative ^= product.negative;
                ladders = product.string;
            }
            let differ = |site: &usize| has(ladders.sign(), *site) != has(string.sign(), *site);
            let signs: Vec<usize> = (0..n_sites).rev().filter(differ).collect();
            if signs.len() > MAX_NUMBERS {
                return Err(Error::TooLarge {
                    what: "the terms of a string of signs in normal order".into(),
                    needed: format!("2^{} terms", signs.len()),
                    limit: format!("2^{MAX_NUMBERS} terms"),
                    cure: "leave the operator as it is".into(),
                });
            }
            for subset in 0_usize..1 << signs.len() {
                let chosen = |(i, &site): (usize, &usize)| (subset >> i & 1 == 1).then_some(site);
                let numbers: Vec<usize> = signs.iter().enumerate().filter_map(chosen).collect();
                let k = numbers.len();
                // n n′ … = ± a† a′† … a a′ …
                let mut odd = negative ^ (k * k.saturating_sub(1) / 2 % 2 == 1);
                let mut term = Ladders::with_capacity(created.len() + destroyed.len() + 2 * k);
                let lists = [
                    ([&created[..], &numbers].concat(), true),
                    ([&numbers[..], &destroyed].concat(), false),
                ];
                for (mut list, creates) in lists {
                    odd ^= sort_descending(&mut list);
                    term.extend(list.into_iter().map(|site| (site, creates)));
                }
                let factor = (-2.0_f64).powi(k as i32);
                let part = weight * if odd { -factor } else { factor };
                let (sum, scale) = sums.entry(term).or_default();
                *sum += part;
                *scale += part.norm();
            }
        }
        let kept = sums.into_iter();
        let kept = kept.filter(|(_, (sum, scale))| !is_rounding(*sum, *scale));
        Ok(kept.map(|(term, (sum, _))| (term, sum)).collect())
    }

    /// Adds a product of (creates, site), the sites known to be there.
    pub(in crate::operator) fn add_ladders(
        &mut self,
        factors: &[(bool, usize)],
        weight: c64,
    ) -> Result<()> {
        let n_sites = self.hilbert.n_sites();
        let ladder = |&(creates, site): &(bool, usize)| Masks::ladder(n_sites, site, creates);
        let factors: Vec<Masks> = factors.iter().map(ladder).collect();
        self.add_chain(&factors, weight)
    }

    /// Adds the constant `weight`.
    pub(in crate::operator) fn add_constant(&mut self, weight: c64) {
        self.add(Masks::identity(self.hilbert.n_sites()), weight);
    }
}

/// a†: a fermion more at `site`.
///
/// # Errors
/// The space is not of sites that are empty or filled; a site it lacks.
pub fn create(hilbert: &Hilbert, site: usize) -> Result<FermionOperator> {
    product(hilbert, &[(true, site)])
}

/// a: a fermion less at `site`.
///
/// # Errors
/// As [`create`].
pub fn destroy(hilbert: &Hilbert, site: usize) -> Result<FermionOperator> {
    product(hilbert, &[(false, site)])
}

/// n = a†a.
///
/// # Errors
/// As [`create`].
pub fn number(hilbert: &Hilbert, site: usize) -> Result<FermionOperator> {
    product(hilbert, &[(true, site), (false, site)])
}

/// The hop between two sites, a†ᵢaⱼ + a†ⱼaᵢ.
///
/// # Errors
/// As [`create`].
pub fn hop(hilbert: &Hilbert, i: usize, j: usize) -> Result<FermionOperator> {
    let hop = product(hilbert, &[(true, i), (false, j)])?;
    hop.plus(&hop.adjoint())
}

fn product(hilbert: &Hilbert, factors: &[(bool, usize)]) -> Result<FermionOperator> {
    check_space(hilbert)?;
    let n_sites = hilbert.n_sites();
    if let Some(&(_, site)) = factors.iter().find(|(_, site)| *site >= n_sites) {
        return Err(Error::invalid(
            "site",
            format!("sites from 0 to {}", n_sites - 1),
            site,
            "number sites from 0, or take a larger space",
        ));
    }
    let mut product = FermionOperator::zero(hilbert);
    product.add_ladders(factors, c64::ONE)?;
    Ok(product)
}

/// Sorts different sites, and tells whether that is an odd permutation.
fn sort_descending(list: &mut [usize]) -> bool {
    let mut odd = false;
    for end in 1..list.len() {
        for i in (0..end).rev() {
            if list[i] > list[i + 1] {
                break;
            }
            list.swap(i, i + 1);
            odd = !odd;
        }
    }
    odd
}

fn check_space(hilbert: &Hilbert) -> Result<()> {
    if hilbert.local_states() == [0.0, 1.0] {
        return Ok(());
    }
    Err(Error::invalid(
        "hilbert",
        "sites that are empty or filled",
        hilbert,
        "use `Hilbert::spin_orbital_fermions`",
    ))
}
