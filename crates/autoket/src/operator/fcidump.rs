//! Molecules: one- and two-electron integrals in FCIDUMP files.
//!
//! The format of Knowles and Handy, Comput. Phys. Commun. 54, 75 (1989).

use std::collections::BTreeMap;
use std::path::Path;

use super::FermionOperator;
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;

/// Values given twice may differ by so much.
const TOLERANCE: f64 = 1e-10;
/// More orbitals than any run can mean.
const MAX_ORBITALS: usize = 1 << 10;
/// The most two-electron integrals, those that are equal counted once: all of 36 orbitals.
const MAX_INTEGRALS: usize = 1 << 18;

/// The electrons of a molecule in orthonormal orbitals, as an FCIDUMP file gives them.
///
/// H = E + Σ hₚᵣ a†ₚσ aᵣσ + ½ Σ (pr|qs) a†ₚσ a†qτ aₛτ aᵣσ, with real orbitals that both spins
/// share, and integrals in chemists' order.
///
/// # Example
/// ```
/// use autoket::{exact, operator::Fcidump};
/// // One orbital, two electrons.
/// let text = "&FCI NORB=1, NELEC=2, MS2=0 /\n 0.5 1 1 1 1\n -1.0 1 1 0 0\n 0.25 0 0 0 0\n";
/// let molecule = Fcidump::parse("atom.fcidump", text)?;
/// let h = molecule.operator(&molecule.hilbert()?)?;
/// assert!((exact::ground_state_energy(&h)? - -1.25).abs() < 1e-12);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fcidump {
    /// The number of orbitals, each for two electrons.
    pub n_orbitals: usize,
    /// The number of electrons.
    pub n_electrons: usize,
    /// Twice the z component of their spin.
    pub ms2: i64,
    core: f64,
    /// hₚᵣ, p >= r.
    one: BTreeMap<[usize; 2], f64>,
    /// (pr|qs), p >= r, q >= s, [p, r] >= [q, s].
    two: BTreeMap<[usize; 4], f64>,
}

impl Fcidump {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not one that [`parse`](Self::parse) takes.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file that messages call `name`.
    ///
    /// Integrals that are equal by the eightfold symmetry of real orbitals may be given once or
    /// often. Orbital energies are passed over; so are symmetries of orbitals.
    ///
    /// # Errors
    /// A header or line that is not of the format, with its number; an orbital that is not there;
    /// integrals that contradict each other; orbitals that differ by spin, or are complex.
    pub fn parse(name: impl AsRef<Path>, text: &str) -> Result<Self> {
        let reader = Reader {
            name: name.as_ref(),
        };
        let mut lines = (1..).zip(text.lines());
        let mut molecule = reader.header(&mut lines)?;
        let mut found = BTreeMap::new();
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let (value, indices) = reader.integral(number, line, molecule.n_orbitals)?;
            // Counted from 0, and those left out last.
            let key = match indices.map(|i| i.checked_sub(1)) {
                [Some(p), Some(r), Some(q), Some(s)] => {
                    let (pr, qs) = (descending(p, r), descending(q, s));
                    let [[p, r], [q, s]] = descending(pr, qs);
                    molecule.two.insert([p, r, q, s], value);
                    vec![p, r, q, s]
                }
                [Some(p), Some(r), None, None] => {
                    let [p, r] = descending(p, r);
                    molecule.one.insert([p, r], value);
                    vec![p, r]
                }
                [Some(_), None, None, None] => continue,
                [None, None, None, None] => {
                    molecule.core = value;
                    vec![]
                }
                _ => {
                    let message = "expected four orbitals, two and two zeros, or four zeros";
                    return Err(reader.error(number, message));
                }
            };
            if let Some((other, before)) = found.insert(key, (value, number))
                && (other - value).abs() > TOLERANCE
            {
                return Err(reader.error(
                    number,
                    format!("the integral is {value}, but {other} in line {before}; these orbitals are not real, or not the same for both spins"),
                ));
            }
        }
        Ok(molecule)
    }

    /// The space of its electrons: so many of each spin as the file says, those with spin down first.
    ///
    /// # Errors
    /// None: the numbers fit.
    pub fn hilbert(&self) -> Result<Hilbert> {
        let up = (self.n_electrons as i64 + self.ms2) as usize / 2;
        Hilbert::spin_orbital_fermions(self.n_orbitals, Some(0.5))?
            .with_n_fermions_per_spin(&[self.n_electrons - up, up])
    }

    /// The Hamiltonian on a space of `2 * n_orbitals` sites, all orbitals of one spin before those
    /// of the other.
    ///
    /// # Errors
    /// The space is not of sites that are empty or filled, or has another number of them; more than
    /// 2¹⁸ two-electron integrals.
    pub fn operator(&self, hilbert: &Hilbert) -> Result<FermionOperator> {
        let n = self.n_orbitals;
        let mut operator = FermionOperator::new(hilbert)?;
        if hilbert.n_sites() != 2 * n {
            return Err(Error::invalid(
                "hilbert",
                format!("{} sites, two for each of the {n} orbitals", 2 * n),
                format!("{} in {hilbert}", hilbert.n_sites()),
                "take as many orbitals as the FCIDUMP file has, of electrons with spin 1/2",
            ));
        }
        if self.two.len() > MAX_INTEGRALS {
            return Err(Error::TooLarge {
                what: format!("the operator of {n} orbitals"),
                needed: format!("{} two-electron integrals", self.two.len()),
                limit: format!("{MAX_INTEGRALS}"),
                cure: "take fewer orbitals, or leave out integrals next to 0".into(),
            });
        }
        let spins = [0, n];
        operator.add_constant(self.core.into());
        for (&[p, r], &h) in &self.one {
            for [p, r] in permuted([p, r], [r, p]) {
                for spin in spins {
                    operator.add_ladders(&[(true, spin + p), (false, spin + r)], h.into())?;
                }
            }
        }
        for (&[p, r, q, s], &v) in &self.two {
            // All eight, those that coincide once.
            let mut equal: Vec<[usize; 4]> = permuted([p, r, q, s], [q, s, p, r])
                .flat_map(|[p, r, q, s]| permuted([p, r, q, s], [r, p, q, s]))
                .flat_map(|[p, r, q, s]| permuted([p, r, q, s], [p, r, s, q]))
                .collect();
            equal.sort_unstable();
            equal.dedup();
            for [p, r, q, s] in equal {
                for (a, b) in spins.into_iter().flat_map(|a| spins.map(|b| (a, b))) {
                    let pair = [(true, a + p), (true, b + q), (false, b + s), (false, a + r)];
                    operator.add_ladders(&pair, (0.5 * v).into())?;
                }
            }
        }
        Ok(operator)
    }
}

fn descending<T: Ord>(a: T, b: T) -> [T; 2] {
    if a >= b { [a, b] } else { [b, a] }
}

/// One or both of two ways to write the same.
fn permuted<T: PartialEq>(a: T, b: T) -> impl Iterator<Item = T> {
    let second = (a != b).then_some(b);
    std::iter::once(a).chain(second)
}

struct Reader<'a> {
    name: &'a Path,
}

impl Reader<'_> {
    fn error(&self, line: usize, message: impl std::fmt::Display) -> Error {
        Error::Format {
            path: self.name.into(),
            message: format!("line {line}: {message}"),
        }
    }

    /// The namelist `&FCI NORB=2, NELEC=2, MS2=0, ... &END`.
    fn header<'l>(&self, lines: &mut impl Iterator<Item = (usize, &'l str)>) -> Result<Fcidump> {
        let mut fields: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let (mut begun, mut ended) = (false, false);
        let (mut last, mut field) = (1, String::new());
        for (number, line) in lines.by_ref() {
            last = number;
            let mut line = line.trim().to_uppercase();
            if !begun {
                if line.is_empty() {
                    continue;
                }
                let Some(rest) = line.strip_prefix("&FCI").or(line.strip_prefix("$FCI")) else {
                    return Err(self.error(number, "expected `&FCI`, which begins an FCIDUMP file"));
                };
                (begun, line) = (true, rest.to_owned());
            }
            for end in ["&END", "$END", "/"] {
                if let Some(at) = line.find(end) {
                    (ended, line) = (true, line[..at].to_owned());
                }
            }
            // `NORB= 2,NELEC=2`: a name is before each `=`.
            let mut parts = line.split('=').peekable();
            while let Some(part) = parts.next() {
                let part = part.trim();
                let (values, name) = match parts.peek() {
                    None => (part, None),
                    Some(_) => match part.rfind([',', ' ', '\t']) {
                        None => ("", Some(part)),
                        Some(at) => (&part[..at], Some(part[at + 1..].trim())),
                    },
                };
                if !values.trim_matches([',', ' ', '\t']).is_empty() {
                    let Some((_, value)) = fields.get_mut(&field) else {
                        return Err(self.error(number, format!("expected `NAME=`, got `{values}`")));
                    };
                    value.push_str(values);
                }
                if let Some(name) = name {
                    field = name.to_owned();
                    fields.insert(field.clone(), (number, String::new()));
                }
            }
            if ended {
                break;
            }
        }
        if !ended {
            return Err(self.error(last, "the header has no end: expected `&END` or `/`"));
        }
        for (name, (number, value)) in &fields {
            let on = !matches!(value.trim_matches([',', ' ']), "0" | ".FALSE." | "F");
            if ["IUHF", "UHF"].contains(&name.as_str()) && on {
                let message = "orbitals that differ by spin (UHF) are not read; write an FCIDUMP file of restricted orbitals";
                return Err(self.error(*number, message));
            }
        }
        let integer = |name: &str| -> Result<Option<(usize, i64)>> {
            let Some((number, value)) = fields.get(name) else {
                return Ok(None);
            };
            let value = value.trim_matches([',', ' ', '\t']);
            let value = value.parse().map_err(|_| {
                self.error(
                    *number,
                    format!("`{name}`: expected an integer, got `{value}`"),
                )
            })?;
            Ok(Some((*number, value)))
        };
        let required = |name: &str, most: usize| {
            let Some((number, value)) = integer(name)? else {
                return Err(self.error(last, format!("the header has no `{name}=`")));
            };
            let fits = usize::try_from(value)
                .ok()
                .filter(|n| (1..=most).contains(n));
            fits.ok_or_else(|| {
                let message = format!("`{name}`: expected 1 to {most}, got {value}");
                self.error(number, message)
            })
        };
        let n_orbitals = required("NORB", MAX_ORBITALS)?;
        let n_electrons = required("NELEC", 2 * n_orbitals)?;
        let ms2 = integer("MS2")?.map_or(0, |(_, ms2)| ms2);
        let unpaired = (2 * n_orbitals - n_electrons).min(n_electrons);
        if ms2.unsigned_abs() as usize > unpaired || (ms2 - n_electrons as i64) % 2 != 0 {
            let number = fields.get("MS2").map_or(last, |(number, _)| *number);
            let message = format!(
                "`MS2={ms2}` cannot be of {n_electrons} electrons in {n_orbitals} orbitals"
            );
            return Err(self.error(number, message));
        }
        Ok(Fcidump {
            n_orbitals,
            n_electrons,
            ms2,
            core: 0.0,
            one: BTreeMap::new(),
            two: BTreeMap::new(),
        })
    }

    /// `value i j k l`.
    fn integral(&self, number: usize, line: &str, n_orbitals: usize) -> Result<(f64, [usize; 4])> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [value, indices @ ..] = &words[..] else {
            return Err(self.error(number, "expected an integral and four orbitals"));
        };
        if value.starts_with('(') {
            let message = "complex integrals are not read; write an FCIDUMP file of real orbitals";
            return Err(self.error(number, message));
        }
        // Fortran's 1.0D-03.
        let parsed = value.replace(['D', 'd'], "e").parse::<f64>();
        let Some(parsed) = parsed.ok().filter(|x| x.is_finite()) else {
            return Err(self.error(number, format!("expected a number, got `{value}`")));
        };
        let Ok(indices) = <&[&str; 4]>::try_from(indices) else {
            let got = indices.len();
            return Err(self.error(number, format!("expected four orbitals, got {got}")));
        };
        let mut orbitals = [0; 4];
        for (orbital, word) in orbitals.iter_mut().zip(indices) {
            let index = word.parse().ok().filter(|&i: &usize| i <= n_orbitals);
            *orbital = index.ok_or_else(|| {
                let message =
                    format!("expected orbitals from 1 to {n_orbitals}, or 0, got `{word}`");
                self.error(number, message)
            })?;
        }
        Ok((parsed, orbitals))
    }
}
