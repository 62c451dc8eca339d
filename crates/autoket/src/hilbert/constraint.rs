//! Rules that the basis states of a constrained space obey.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Hilbert;
use crate::error::{Error, Result};

/// A rule that the basis states of a constrained space obey.
///
/// A rule reads a state from its first site to its last and remembers what matters of the sites read: a sum,
/// a parity, or whatever a rule of one's own needs. From that follows exactly which local states can still be
/// completed.
/// NetKet: `DiscreteHilbertConstraint`, which sees whole states only.
///
/// # Example
/// ```
/// use autoket::hilbert::{Constraint, Hilbert};
/// // Rydberg atoms: no two neighbours are excited.
/// let blockade = Constraint::custom("blockade", vec![0], |last, _site, state| {
///     (last[0] == 0 || state == 0).then(|| vec![state])
/// });
/// let hilbert = Hilbert::qubit(10)?.with_constraint(blockade)?;
/// assert_eq!(hilbert.n_states(), Some(144));
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone)]
pub struct Constraint {
    rule: Rule,
}

#[derive(Clone)]
enum Rule {
    /// The local states of some sites sum to a total.
    Sum { sites: Sites, total: i64 },
    /// So is the number of steps of some sites above their lowest local state.
    Parity { sites: Sites, even: bool },
    Custom {
        name: String,
        start: Vec<i64>,
        step: Arc<Step>,
    },
}

/// What is remembered, a site and its local state: what is remembered next, or that the beginning is hopeless.
pub(super) type Step = dyn Fn(&[i64], usize, i64) -> Option<Vec<i64>> + Send + Sync;

#[derive(Clone, Debug, PartialEq)]
enum Sites {
    All,
    Some(Vec<usize>),
}

impl Sites {
    fn contains(&self, site: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(sites) => sites.contains(&site),
        }
    }
}

impl Constraint {
    /// The local states of all sites sum to `total`: the number of particles, or 2 Sz of spins.
    ///
    /// NetKet: `SumConstraint`.
    pub fn sum(total: i64) -> Self {
        let sites = Sites::All;
        let rule = Rule::Sum { sites, total };
        Self { rule }
    }

    /// The local states of some sites sum to `total`: the number of one species.
    ///
    /// NetKet: `SumOnPartitionConstraint`, one of these for each part.
    pub fn sum_over(sites: impl IntoIterator<Item = usize>, total: i64) -> Self {
        let sites = Sites::Some(sites.into_iter().collect());
        let rule = Rule::Sum { sites, total };
        Self { rule }
    }

    /// An even or odd number of particles; of spins, of steps up from the lowest state.
    pub fn parity(even: bool) -> Self {
        let sites = Sites::All;
        let rule = Rule::Parity { sites, even };
        Self { rule }
    }

    /// A rule of one's own: `step(memory, site, state)` is given, for site 0, 1, … in turn, what is remembered of
    /// the sites before (`start` for the first), and says what to remember with this site in a local state
    /// (2m of a spin, or an occupation), or `None` if that breaks the rule.
    ///
    /// What may follow must depend on the memory alone; the less is remembered, the larger may the space be.
    /// A dead end need not be noticed early: beginnings that cannot be completed are found when the space is made.
    pub fn custom(
        name: impl Into<String>,
        start: Vec<i64>,
        step: impl Fn(&[i64], usize, i64) -> Option<Vec<i64>> + Send + Sync + 'static,
    ) -> Self {
        let (name, step) = (name.into(), Arc::new(step));
        let rule = Rule::Custom { name, start, step };
        Self { rule }
    }

    /// A rule by a test of beginnings: `can_be_completed(local states of the first sites)`, and of whole states.
    ///
    /// Everything read is remembered, so all states are visited once: for up to some hundred thousand of them.
    /// [`custom`](Self::custom) can do with less.
    pub fn prefixes(
        name: impl Into<String>,
        can_be_completed: impl Fn(&[i64]) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::custom(name, Vec::new(), move |prefix, _, state| {
            let prefix = [prefix, &[state]].concat();
            can_be_completed(&prefix).then_some(prefix)
        })
    }

    /// Whether states may be read in any order of their sites.
    pub(super) fn in_any_order(&self) -> bool {
        !matches!(self.rule, Rule::Custom { .. })
    }

    /// The sum that every state of the space has. `None` for a rule of one's own.
    pub(crate) fn fixed_sum(&self, hilbert: &Hilbert) -> Option<FixedSum> {
        let (sites, total, modulus) = match &self.rule {
            Rule::Sum { sites, total } => (sites, *total, None),
            Rule::Parity { sites, even } => (sites, i64::from(!even), Some(2)),
            Rule::Custom { .. } => return None,
        };
        let local_states = hilbert.local_states();
        let lowest = local_states.iter().copied().fold(f64::INFINITY, f64::min);
        // The local states of spins are two apart.
        let step = hilbert.step_of_local_states();
        let shares: Vec<i64> = local_states
            .iter()
            .map(|&x| match modulus {
                None => x as i64,
                Some(_) => ((x - lowest) / step) as i64,
            })
            .collect();
        let of_site = |site| match sites.contains(site) {
            true => shares.clone(),
            false => vec![0; shares.len()],
        };
        Some(FixedSum {
            shares: (0..hilbert.n_sites()).map(of_site).collect(),
            total,
            modulus,
        })
    }

    pub(super) fn check(&self, hilbert: &Hilbert) -> Result<()> {
        let (Rule::Sum { sites, .. } | Rule::Parity { sites, .. }) = &self.rule else {
            return Ok(());
        };
        let Sites::Some(sites) = sites else {
            return Ok(());
        };
        let n_sites = hilbert.n_sites();
        let mut sorted = sites.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != sites.len() || sites.iter().any(|&site| site >= n_sites) {
            return Err(Error::invalid(
                "sites",
                format!("different sites from 0 to {}", n_sites - 1),
                format!("{sites:?}"),
                "list each site that is summed over once",
            ));
        }
        Ok(())
    }

    /// What is remembered of no site.
    pub(super) fn start(&self) -> Vec<i64> {
        match &self.rule {
            Rule::Sum { .. } | Rule::Parity { .. } => vec![0],
            Rule::Custom { start, .. } => start.clone(),
        }
    }

    pub(super) fn step(&self) -> Option<&Step> {
        match &self.rule {
            Rule::Custom { step, .. } => Some(&**step),
            _ => None,
        }
    }
}

/// Sums that are neither too small nor too large.
pub(super) type Open = RangeInclusive<i64>;

/// A sum of one number of each site that a constraint fixes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedSum {
    /// By site and local index.
    pub shares: Vec<Vec<i64>>,
    /// What they sum to in the constrained space.
    pub total: i64,
    /// Sums are counted modulo this number, if there is one.
    pub modulus: Option<i64>,
}

impl FixedSum {
    /// A sum, as it is counted.
    pub fn reduce(&self, sum: i64) -> i64 {
        match self.modulus {
            Some(modulus) => sum.rem_euclid(modulus),
            None => sum,
        }
    }

    /// By site, the sums up to it, read in this order, to which what follows may add what is missing.
    pub(super) fn open_after(&self, order: &[usize]) -> Vec<Open> {
        let mut open = vec![i64::MIN..=i64::MAX; order.len()];
        if self.modulus.is_some() {
            return open;
        }
        let (mut least, mut most) = (0, 0);
        for &site in order.iter().rev() {
            open[site] = self.total.saturating_sub(most)..=self.total.saturating_sub(least);
            least += self.shares[site].iter().min().unwrap_or(&0);
            most += self.shares[site].iter().max().unwrap_or(&0);
        }
        open
    }
}

impl PartialEq for Constraint {
    /// Rules of one's own are equal if they are clones of each other.
    fn eq(&self, other: &Self) -> bool {
        match (&self.rule, &other.rule) {
            (Rule::Sum { sites: a, total: s }, Rule::Sum { sites: b, total: t }) => {
                a == b && s == t
            }
            (Rule::Parity { sites: a, even: s }, Rule::Parity { sites: b, even: t }) => {
                a == b && s == t
            }
            (Rule::Custom { step: a, .. }, Rule::Custom { step: b, .. }) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = |sites: &Sites| match sites {
            Sites::All => String::new(),
            Sites::Some(sites) => format!(", sites={sites:?}"),
        };
        match &self.rule {
            Rule::Sum { sites, total } => write!(f, "sum={total}{}", over(sites)),
            Rule::Parity { sites, even } => {
                let parity = if *even { "even" } else { "odd" };
                write!(f, "parity={parity}{}", over(sites))
            }
            Rule::Custom { name, .. } => write!(f, "constraint={name}"),
        }
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Constraint({self})")
    }
}
