//! Sums of strings on two-state sites: Pauli strings, and fermions by Jordan and Wigner's strings.
//!
//! A string acts on any number of sites, where a matrix on them would not fit.

pub mod fermion;
mod masks;
mod pauli;
mod rows;
mod text;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::term::cancel;
use super::{Charge, Connected, Conservation, Operator};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::scalar::c64;

pub use fermion::{Fermion, FermionOperator, Ladders};
pub use pauli::{Pauli, PauliStrings};
pub(crate) use text::Mistake;

use masks::{Masks, Product, has, sites};
use rows::Rows;
use text::Alphabet;

/// The most strings of a product of two sums.
const MAX_STRINGS: usize = 1 << 22;
/// The most strings that a product of one-site operators is written as.
const MAX_CHAIN: usize = 1 << 16;

/// What the strings of a sum are products of.
pub trait Kind: Copy + std::fmt::Debug + Send + Sync {}

impl Kind for Pauli {}
impl Kind for Fermion {}

/// A sum of strings on sites of two states, each with a weight: [`PauliStrings`] or a [`FermionOperator`].
///
/// Equal strings merge, and vanish where they cancel: each kind has one form of every operator.
/// All strings that turn the same sites are one element of a row.
/// Sums add, subtract and multiply with `+ - *`, and with real and complex numbers;
/// [`plus`](Self::plus) and [`times`](Self::times) return errors where `+` and `*` panic.
#[derive(Clone, Debug)]
pub struct Strings<K: Kind> {
    hilbert: Hilbert,
    strings: BTreeMap<Masks, c64>,
    /// For `connected`, made when first needed.
    rows: OnceLock<Rows>,
    kind: PhantomData<K>,
}

impl<K: Kind> Strings<K> {
    /// The zero operator on a space that is known to fit.
    fn zero(hilbert: &Hilbert) -> Self {
        Self {
            hilbert: hilbert.clone(),
            strings: BTreeMap::new(),
            rows: OnceLock::new(),
            kind: PhantomData,
        }
    }

    /// The identity on a space that is known to fit.
    fn one(hilbert: &Hilbert) -> Self {
        let mut one = Self::zero(hilbert);
        one.add(Masks::identity(hilbert.n_sites()), c64::ONE);
        one
    }

    /// The number of strings, that of the identity included.
    pub fn n_strings(&self) -> usize {
        self.strings.len()
    }

    /// The multiple of the identity in the sum: the mean of the diagonal over all basis states.
    pub fn constant(&self) -> c64 {
        let identity = Masks::identity(self.hilbert.n_sites());
        self.strings.get(&identity).copied().unwrap_or_default()
    }

    /// O†: ⟨σ|O†|σ′⟩ = ⟨σ′|O|σ⟩*.
    pub fn adjoint(&self) -> Self {
        let mut sum = Self::zero(&self.hilbert);
        for (string, weight) in &self.strings {
            let (string, negative) = string.adjoint();
            sum.add(string, signed(weight.conj(), negative));
        }
        sum
    }

    /// O*: ⟨σ|O*|σ′⟩ = ⟨σ|O|σ′⟩*.
    pub fn conjugate(&self) -> Self {
        let mut sum = Self::zero(&self.hilbert);
        for (string, weight) in &self.strings {
            sum.add(string.clone(), weight.conj());
        }
        sum
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
        super::algebra::check_same_space(&self.hilbert, &other.hilbert)?;
        for (string, weight) in &other.strings {
            self.add(string.clone(), factor * weight);
        }
        Ok(())
    }

    /// `factor * self`.
    pub fn scaled(&self, factor: c64) -> Self {
        let mut product = Self::zero(&self.hilbert);
        for (string, weight) in &self.strings {
            product.add(string.clone(), factor * weight);
        }
        product
    }

    /// The operator product `self * other`: `other` acts first.
    ///
    /// # Errors
    /// They act on different spaces; the product has more than 2²² strings.
    pub fn times(&self, other: &Self) -> Result<Self> {
        super::algebra::check_same_space(&self.hilbert, &other.hilbert)?;
        let mut product = Self::zero(&self.hilbert);
        for (a, weight) in &self.strings {
            for (b, other) in &other.strings {
                if let Some(ab) = a.times(b) {
                    product.add_product(ab, weight * other, MAX_STRINGS)?;
                }
            }
        }
        Ok(product)
    }

    fn add(&mut self, string: Masks, weight: c64) {
        self.rows = OnceLock::new();
        match self.strings.entry(string) {
            Entry::Vacant(place) => {
                if weight != c64::ZERO {
                    place.insert(weight);
                }
            }
            Entry::Occupied(mut place) => {
                let sum = cancel(*place.get(), weight);
                place.insert(sum);
                if sum == c64::ZERO {
                    place.remove();
                }
            }
        }
    }

    /// Adds a product: [σ = value] of each known site is (1 ± Z)/2.
    fn add_product(&mut self, product: Product, weight: c64, limit: usize) -> Result<()> {
        let Product {
            string,
            negative,
            known,
        } = product;
        let n_strings = 1_usize.checked_shl(known.len() as u32);
        let n_strings = n_strings.and_then(|n| n.checked_add(self.strings.len()));
        if n_strings.is_none_or(|n| n > limit) {
            return Err(Error::TooLarge {
                what: "a product of operators".into(),
                needed: format!("2^{} + {} strings", known.len(), self.strings.len()),
                limit: format!("{limit} strings"),
                cure: "multiply fewer of them, or sums of fewer terms".into(),
            });
        }
        let weight = signed(weight, negative) * 0.5_f64.powi(known.len() as i32);
        for subset in 0_usize..1 << known.len() {
            let (mut string, mut weight) = (string.clone(), weight);
            let chosen = known.iter().enumerate();
            for (_, &(site, value)) in chosen.filter(|(i, _)| subset >> i & 1 == 1) {
                string.toggle_sign(site);
                weight = signed(weight, value);
            }
            self.add(string, weight);
        }
        Ok(())
    }

    /// Adds the product of some strings, each of weight one.
    fn add_chain(&mut self, factors: &[Masks], weight: c64) -> Result<()> {
        let mut chain = Self::one(&self.hilbert);
        for factor in factors {
            let mut longer = Self::zero(&self.hilbert);
            for (string, weight) in &chain.strings {
                if let Some(product) = string.times(factor) {
                    longer.add_product(product, *weight, MAX_CHAIN)?;
                }
            }
            chain = longer;
        }
        for (string, w) in chain.strings {
            self.add(string, w * weight);
        }
        Ok(())
    }

    /// The sum that a text states; `add` adds a coefficient times factors. A mistake comes with its place.
    fn read_terms<F>(
        hilbert: &Hilbert,
        text: &str,
        alphabet: &Alphabet<F>,
        add: impl Fn(&mut Self, Vec<(F, usize)>, c64) -> Result<()>,
    ) -> Result<Result<Self, Mistake>> {
        let terms = match text::parse(text, hilbert.n_sites(), alphabet) {
            Ok(terms) => terms,
            Err(mistake) => return Ok(Err(mistake)),
        };
        let mut sum = Self::zero(hilbert);
        for (weight, factors) in terms {
            add(&mut sum, factors, weight)?;
        }
        Ok(Ok(sum))
    }

    /// Whether a bit of a string is 1 less the local index: a bit is 0 for spin up.
    fn turned(&self) -> bool {
        self.hilbert.spin_projections()[0] < 0.0
    }

    fn rows(&self) -> &Rows {
        self.rows
            .get_or_init(|| Rows::new(self.hilbert.n_sites(), self.turned(), &self.strings))
    }

    /// [Q, O] for a charge Q that adds up over sites.
    fn commutator_with(&self, charge: &Charge) -> Self {
        let mut sum = Self::zero(&self.hilbert);
        let turned = self.turned();
        for (string, &weight) in &self.strings {
            for site in sites(string.flip()) {
                // The local index of σ less that of σ′ is 1 where σ has 1, -1 where it has 0: -Z.
                let step = f64::from(charge.weights()[site]) * if turned { -1.0 } else { 1.0 };
                if has(string.fixed(), site) {
                    let step = signed(step.into(), !has(string.value(), site));
                    sum.add(string.clone(), weight * step);
                } else {
                    let mut string = string.clone();
                    string.toggle_sign(site);
                    sum.add(string, -weight * step);
                }
            }
        }
        sum
    }
}

fn signed(x: c64, negative: bool) -> c64 {
    if negative { -x } else { x }
}

/// One finite weight for each of `n` terms.
fn check_weights(n: usize, weights: &[c64]) -> Result<()> {
    if n != weights.len() {
        return Err(Error::invalid(
            "weights",
            format!("{n} numbers, one for each term"),
            format!("{} numbers", weights.len()),
            "give as many weights as terms",
        ));
    }
    match weights.iter().position(|weight| !weight.is_finite()) {
        None => Ok(()),
        Some(i) => Err(Error::invalid(
            format!("weights[{i}]"),
            "a finite number",
            weights[i],
            "remove NaN and infinity",
        )),
    }
}

impl<K: Kind> PartialEq for Strings<K> {
    fn eq(&self, other: &Self) -> bool {
        (&self.hilbert, &self.strings) == (&other.hilbert, &other.strings)
    }
}

impl<K: Kind> Operator for Strings<K> {
    fn hilbert(&self) -> &Hilbert {
        &self.hilbert
    }

    /// Masks by string, to relative rounding 10⁻¹².
    fn is_hermitian(&self) -> bool {
        let largest = self.strings.values().map(|w| w.norm()).fold(0.0, f64::max);
        self.strings.iter().all(|(string, weight)| {
            let (adjoint, negative) = string.adjoint();
            let other = self.strings.get(&adjoint).copied().unwrap_or_default();
            (signed(weight.conj(), negative) - other).norm() <= 1e-12 * largest
        })
    }

    fn is_real(&self) -> bool {
        self.strings.values().all(|weight| weight.im == 0.0)
    }

    fn max_conn_size(&self) -> usize {
        self.rows().max_conn_size()
    }

    /// The diagonal first, then by the sites that change.
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        debug_assert_eq!(sigma.len(), self.hilbert.n_sites());
        self.rows().connected(sigma, out);
    }

    fn mean_diagonal(&self) -> Option<c64> {
        Some(self.constant())
    }

    fn conservation(&self, charge: &Charge) -> Conservation {
        let broken = if charge.is_parity() {
            let odd = |site: &usize| charge.weights()[*site] % 2 != 0;
            let mut strings = self.strings.keys();
            let broken = strings.find(|string| sites(string.flip()).filter(odd).count() % 2 == 1);
            broken.cloned()
        } else {
            self.commutator_with(charge).strings.into_keys().next()
        };
        match broken {
            None => Conservation::Conserved,
            Some(string) => Conservation::Broken(sites(string.flip()).collect()),
        }
    }
}
