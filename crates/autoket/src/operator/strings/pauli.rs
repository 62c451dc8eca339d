//! Sums of products of Pauli matrices.

use super::masks::{Masks, has};
use super::text::{Alphabet, Mistake};
use super::{Strings, check_weights};
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::scalar::c64;

/// The kind of [`PauliStrings`].
#[derive(Clone, Copy, Debug)]
pub enum Pauli {}

/// A sum of products of Pauli matrices X, Y, Z on any number of sites.
///
/// On any space of two local states. Z is 1 for spin up, the local state 0 of a qubit and an empty
/// site, in whichever order the local states are, and X = |0⟩⟨1| + |1⟩⟨0|, Y = -i|0⟩⟨1| + i|1⟩⟨0|
/// with 0 standing for Z = 1.
/// NetKet: `PauliStrings`, which on `Spin` counts local index 0 as up in both orders.
///
/// # Example
/// ```
/// use autoket::{c64, hilbert::Hilbert};
/// use autoket::operator::{Operator, PauliStrings};
/// let hilbert = Hilbert::qubit(3)?;
/// let h = PauliStrings::parse(&hilbert, "0.5*X0 X1 + 0.5*Y0 Y1 - Z2")?;
/// assert!(h.is_hermitian() && h.is_real());
/// assert_eq!(h.max_conn_size(), 2); // Z2; and X0 X1 with Y0 Y1
/// assert_eq!(h, PauliStrings::new(&hilbert, &["XXI", "YYI", "IIZ"], &[0.5, 0.5, -1.0].map(c64::from))?);
/// let [x, y, z] = ["X0", "Y0", "Z0"].map(|text| PauliStrings::parse(&hilbert, text).unwrap());
/// assert_eq!(&x * &y - &y * &x, c64::new(0.0, 2.0) * z);
/// # Ok::<(), autoket::Error>(())
/// ```
pub type PauliStrings = Strings<Pauli>;

#[derive(Clone, Copy)]
enum Letter {
    I,
    X,
    Y,
    Z,
}

const ALPHABET: Alphabet<Letter> = Alphabet {
    factor: |token| {
        let mut chars = token.chars();
        let letter = letter(chars.next()?)?;
        let site = chars.as_str();
        if let (Letter::I, "") = (letter, site) {
            return Some((letter, 0));
        }
        digits(site).map(|site| (letter, site))
    },
    expected: "X, Y or Z and a site, such as X0",
    example: "0.5*X0 X1 - Z2",
};

fn letter(c: char) -> Option<Letter> {
    Some(match c {
        'I' => Letter::I,
        'X' => Letter::X,
        'Y' => Letter::Y,
        'Z' => Letter::Z,
        _ => return None,
    })
}

/// A number of digits only; one too large for a site is the largest there is.
pub(super) fn digits(text: &str) -> Option<usize> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().unwrap_or(usize::MAX))
}

impl PauliStrings {
    /// The sum of `weights[i] * operators[i]`, each a letter I, X, Y or Z for every site.
    ///
    /// # Errors
    /// The space has not two local states; not as many weights as strings; a string of another
    /// length or with another letter; a weight that is not finite.
    pub fn new(hilbert: &Hilbert, operators: &[&str], weights: &[c64]) -> Result<Self> {
        check_space(hilbert)?;
        check_weights(operators.len(), weights)?;
        let n_sites = hilbert.n_sites();
        let mut sum = Self::zero(hilbert);
        for (i, (operator, &weight)) in operators.iter().zip(weights).enumerate() {
            let letters: Option<Vec<Letter>> = operator.chars().map(letter).collect();
            let letters = letters.filter(|letters| letters.len() == n_sites);
            let letters = letters.ok_or_else(|| {
                Error::invalid(
                    format!("operators[{i}]"),
                    format!("{n_sites} letters I, X, Y or Z"),
                    format!("{operator:?}"),
                    "give a letter for every site",
                )
            })?;
            sum.add_letters(letters.into_iter().zip(0..), weight)?;
        }
        Ok(sum)
    }

    /// The sum that a text states, such as `"0.5*X0 X1 - (1+2j)*Z2 + 3*I"`.
    ///
    /// Factors have spaces between them; a coefficient comes first, with `*` behind it.
    /// What OpenFermion prints of a `QubitOperator`, `"0.5 [X0 X1] + -1.0 [Z2]"`, is read too.
    ///
    /// # Errors
    /// The space has not two local states; the text is no such sum; a site the space lacks.
    pub fn parse(hilbert: &Hilbert, text: &str) -> Result<Self> {
        Self::read(hilbert, text)?.map_err(|mistake| mistake.into_error("text", text))
    }

    /// [`parse`](Self::parse), a mistake in the text with its place.
    pub(crate) fn read(hilbert: &Hilbert, text: &str) -> Result<Result<Self, Mistake>> {
        check_space(hilbert)?;
        Self::read_terms(hilbert, text, &ALPHABET, |sum, letters, weight| {
            sum.add_letters(letters.into_iter(), weight)
        })
    }

    /// The identity.
    ///
    /// # Errors
    /// The space has not two local states.
    pub fn identity(hilbert: &Hilbert) -> Result<Self> {
        check_space(hilbert)?;
        Ok(Self::one(hilbert))
    }

    /// The strings as letters, and their weights, as [`new`](Self::new) takes them.
    ///
    /// # Example
    /// ```
    /// use autoket::{c64, hilbert::Hilbert, operator::PauliStrings};
    /// let h = PauliStrings::parse(&Hilbert::qubit(3)?, "2*Y0 X2")?;
    /// assert_eq!(h.terms(), [("YIX".into(), c64::from(2.0))]);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn terms(&self) -> Vec<(String, c64)> {
        let term = |(string, weight): (&Masks, &c64)| {
            let mut weight = *weight;
            let letter = |site: usize| match (has(string.flip(), site), has(string.sign(), site)) {
                (false, false) => 'I',
                (true, false) => 'X',
                (false, true) => 'Z',
                (true, true) => {
                    weight *= c64::I;
                    'Y'
                }
            };
            let letters: String = (0..self.hilbert.n_sites()).map(letter).collect();
            (letters, weight)
        };
        self.strings.iter().map(term).collect()
    }

    fn add_letters(
        &mut self,
        letters: impl Iterator<Item = (Letter, usize)>,
        mut weight: c64,
    ) -> Result<()> {
        let n_sites = self.hilbert.n_sites();
        let mut factors = Vec::new();
        for (letter, site) in letters {
            match letter {
                Letter::I => {}
                Letter::X => factors.push(Masks::x(n_sites, site)),
                Letter::Z => factors.push(Masks::z(n_sites, site)),
                // Y = -i Z X.
                Letter::Y => {
                    factors.extend([Masks::z(n_sites, site), Masks::x(n_sites, site)]);
                    weight *= -c64::I;
                }
            }
        }
        self.add_chain(&factors, weight)
    }
}

pub(super) fn check_space(hilbert: &Hilbert) -> Result<()> {
    match hilbert.local_size() {
        2 => Ok(()),
        n => Err(Error::invalid(
            "hilbert",
            "two local states",
            format!("{n} in {hilbert}"),
            "use qubits or spins 1/2, or build a local operator from its terms",
        )),
    }
}
