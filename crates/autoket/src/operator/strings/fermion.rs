//! Fermions in second quantisation: a†, a and n by Jordan and Wigner's strings.
//!
//! Modes are sites in their order: aᵢ carries (-1)^(fermions on the sites before i).
//! NetKet: `nk.operator.fermion`.

use super::Strings;
use super::masks::Masks;
use super::pauli::digits;
use super::text::{Alphabet, Mistake};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::scalar::c64;

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
