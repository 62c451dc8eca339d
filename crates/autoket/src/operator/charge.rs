//! Charges, and whether an operator conserves them.

use super::{Connected, Operator};
use crate::hilbert::{Constraint, Hilbert};
use crate::random::Key;

/// The most states all of which are looked at.
const MAX_STATES: u64 = 1 << 16;
/// Random states in place of all.
const RANDOM_STATES: usize = 1 << 14;

/// A number that a basis state has: Q(σ) = Σᵢ wᵢ σᵢ with local indices σᵢ, or its parity.
///
/// With local indices in place of local states Q is a multiple of the total magnetisation, or the
/// number of particles, up to a constant, and an integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    name: String,
    weights: Vec<i32>,
    parity: bool,
}

/// Whether an operator conserves a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conservation {
    /// All elements leave it as it is.
    Conserved,
    /// An element that changes these sites changes it.
    Broken(Vec<usize>),
    /// The operator does not say, and its space is too large to look at all rows.
    Unknown,
}

impl Charge {
    /// Σᵢ wᵢ σᵢ, a weight for every site.
    pub fn sum(name: impl Into<String>, weights: Vec<i32>) -> Self {
        Self {
            name: name.into(),
            weights,
            parity: false,
        }
    }

    /// (-1)^Q.
    pub fn parity_of(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parity: true,
            ..self
        }
    }

    /// What a space's operators usually conserve: the magnetisation or the number of particles,
    /// its parity, and the number of fermions of each spin.
    pub fn usual(hilbert: &Hilbert) -> Vec<Self> {
        let n_sites = hilbert.n_sites();
        let total = match hilbert.is_spin() {
            true => "magnetisation",
            false => "number of particles",
        };
        let sum = Self::sum(total, vec![1; n_sites]);
        let parity = sum.clone().parity_of(format!("parity of the {total}"));
        let mut charges = vec![parity, sum];
        if let Some((n_orbitals, n_spins)) = hilbert.orbitals().filter(|(_, n_spins)| *n_spins > 1)
        {
            charges.extend((0..n_spins).map(|spin| {
                let twice_m = 2 * spin as i64 - (n_spins as i64 - 1);
                let m = match twice_m % 2 {
                    0 => format!("{}", twice_m / 2),
                    _ => format!("{twice_m}/2"),
                };
                let of_spin = |site: usize| i32::from(site / n_orbitals == spin);
                let name = format!("number of particles with m = {m}");
                Self::sum(name, (0..n_sites).map(of_spin).collect())
            }));
        }
        charges
    }

    /// What a constraint fixes, if it is a sum or a parity.
    pub(super) fn of(constraint: &Constraint, hilbert: &Hilbert) -> Option<Self> {
        let fixed = constraint.fixed_sum(hilbert)?;
        let step = |shares: &Vec<i64>| i32::try_from(shares[1] - shares[0]).ok();
        let weights = fixed.shares.iter().map(step).collect::<Option<_>>()?;
        let sum = Self::sum(constraint.to_string(), weights);
        match fixed.modulus {
            None => Some(sum),
            Some(2) => Some(Self {
                parity: true,
                ..sum
            }),
            Some(_) => None,
        }
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The weight of every site.
    pub fn weights(&self) -> &[i32] {
        &self.weights
    }

    /// Whether it is a parity.
    pub fn is_parity(&self) -> bool {
        self.parity
    }

    /// Whether changes (site, old local index, new local index) change it.
    pub fn is_changed(&self, changes: impl Iterator<Item = (u32, u8, u8)>) -> bool {
        let step = |(site, old, new): (u32, u8, u8)| {
            i64::from(self.weights[site as usize]) * (i64::from(new) - i64::from(old))
        };
        let change: i64 = changes.map(step).sum();
        match self.parity {
            true => change % 2 != 0,
            false => change != 0,
        }
    }
}

/// The [usual](Charge::usual) charges that an operator conserves; not a parity where its number is.
///
/// # Example
/// ```
/// use autoket::{graph::Graph, hilbert::Hilbert, operator::{conserved, heisenberg}};
/// let h = heisenberg(&Hilbert::spin(0.5, 4)?, &Graph::chain(4, true)?, &[1.0], None)?;
/// let charges = conserved(&h);
/// assert_eq!(charges[0].name(), "magnetisation");
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn conserved(operator: &dyn Operator) -> Vec<Charge> {
    let mut charges = Charge::usual(operator.hilbert());
    charges.retain(|charge| operator.conservation(charge) == Conservation::Conserved);
    if charges.iter().any(|charge| !charge.parity) {
        charges.retain(|charge| !charge.parity);
    }
    charges
}

/// The mean of an operator's diagonal over the basis states: its energy at infinite temperature, E∞ of the V-score.
///
/// Over the states with the numbers of particles that the space fixes; a fixed magnetisation is left out of
/// account, as is usual. Over 16384 random states where those cannot be told by terms and are more than 2¹⁶.
pub fn mean_diagonal(operator: &dyn Operator) -> f64 {
    let hilbert = operator.hilbert();
    if (hilbert.is_spin() || !hilbert.is_constrained())
        && let Some(mean) = operator.mean_diagonal()
    {
        return mean.re;
    }
    let states = match hilbert.n_states() {
        Some(n) if n <= MAX_STATES => hilbert.all_states().unwrap_or_default(),
        _ => hilbert.random_states(Key::new(0), RANDOM_STATES),
    };
    let mut row = Connected::default();
    let diagonal = states.chunks(hilbert.n_sites()).map(|sigma| {
        operator.connected(sigma, &mut row);
        let mut elements = row.iter();
        let diagonal = elements.find(|(_, changes)| changes.is_empty());
        diagonal.map_or(0.0, |(mel, _)| mel.re)
    });
    let n_states = diagonal.len() as f64;
    diagonal.sum::<f64>() / n_states
}

/// Looks at all rows, where they are few.
pub(super) fn by_rows<O: Operator + ?Sized>(operator: &O, charge: &Charge) -> Conservation {
    let hilbert = operator.hilbert();
    let Some(n_states) = hilbert.n_states().filter(|n| *n <= MAX_STATES) else {
        return Conservation::Unknown;
    };
    let mut sigma = vec![0; hilbert.n_sites()];
    let mut row = Connected::default();
    for number in 0..n_states {
        hilbert.number_to_state(number, &mut sigma);
        operator.connected(&sigma, &mut row);
        for (_, changes) in row.iter() {
            let full = changes
                .iter()
                .map(|&(site, new)| (site, sigma[site as usize], new));
            if charge.is_changed(full) {
                let sites = changes.iter().map(|&(site, _)| site as usize);
                return Conservation::Broken(sites.collect());
            }
        }
    }
    Conservation::Conserved
}
