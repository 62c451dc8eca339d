//! Hilbert spaces: copies of one finite local space on the sites of a lattice, and what constrains them.

mod automaton;
mod constraint;

pub use constraint::Constraint;

pub(crate) use automaton::{Automaton, OUTSIDE, Walk};

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::random::Key;

/// The most states that [`Hilbert::all_states`] lists.
pub const MAX_LISTED_STATES: u64 = 1 << 24;

/// The most states of one site: a local index is a `u8`.
const MAX_LOCAL_SIZE: usize = 256;
/// More sites than any run can mean, and few enough that nothing overflows.
pub(crate) const MAX_SITES: usize = 1 << 20;

/// `n_sites` copies of one finite local space, or the states of them that obey [constraints](Constraint).
///
/// A basis state is one local index (`u8`) per site; several are a flat slice `(sample, site)`.
/// Local states ascend: index 0 of a spin is down, of a boson empty
/// ([`with_inverted_ordering`](Self::with_inverted_ordering) for NetKet's order of spins).
/// NetKet: `Spin`, `Qubit`, `Fock` and `SpinOrbitalFermions`.
///
/// # Example
/// ```
/// use autoket::hilbert::Hilbert;
/// let hilbert = Hilbert::spin(0.5, 16)?;
/// assert_eq!(hilbert.name(), "Spin(s=1/2, N=16)");
/// assert_eq!(hilbert.local_states(), [-1.0, 1.0]);
/// assert_eq!(hilbert.n_states(), Some(65536));
/// assert_eq!(hilbert.with_total_sz(0.0)?.n_states(), Some(12870));
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Hilbert {
    kind: Kind,
    n_sites: usize,
    local_states: Vec<f64>,
    inverted_ordering: bool,
    descending_numbers: bool,
    constraints: Vec<Constraint>,
    /// Of the constraints, sites in their order.
    automaton: Option<Arc<Automaton>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Spin s, by 2s.
    Spin(usize),
    Qubit,
    /// Bosons, by the largest occupation.
    Fock(usize),
    /// Fermions by their orbitals and, if they have a spin s, 2s.
    Fermions(usize, Option<usize>),
}

impl Hilbert {
    /// Spins s: the local states are 2m = -2s, -2s + 2, ..., 2s.
    ///
    /// NetKet: `Spin(s, N, inverted_ordering=True)`.
    ///
    /// # Errors
    /// `s` is not a positive multiple of 1/2, or has more than 256 states; `n_sites` is 0.
    pub fn spin(s: f64, n_sites: usize) -> Result<Self> {
        let twice = 2.0 * s;
        if !(twice >= 1.0 && twice.is_finite() && twice.fract() == 0.0) {
            return Err(Error::invalid(
                "s",
                "a positive integer or half-integer",
                s,
                "use 0.5, 1, 1.5, ...",
            ));
        }
        if twice >= MAX_LOCAL_SIZE as f64 {
            return Err(too_many_local_states("s", "at most 127.5", s));
        }
        let twice = twice as usize;
        Self::new(Kind::Spin(twice), n_sites)
    }

    /// Qubits: the local states are 0 and 1, and σᶻ of 0 is +1.
    ///
    /// NetKet: `Qubit`.
    ///
    /// # Errors
    /// `n_sites` is 0.
    pub fn qubit(n_sites: usize) -> Result<Self> {
        Self::new(Kind::Qubit, n_sites)
    }

    /// Bosons: the local states are the occupations 0, 1, ..., `n_max`.
    ///
    /// NetKet: `Fock`.
    ///
    /// # Errors
    /// `n_max` is 0 or above 255; `n_sites` is 0.
    pub fn fock(n_max: usize, n_sites: usize) -> Result<Self> {
        if n_max == 0 {
            return Err(Error::invalid(
                "n_max",
                "at least 1",
                n_max,
                "give the largest number of bosons on a site",
            ));
        }
        if n_max >= MAX_LOCAL_SIZE {
            return Err(too_many_local_states("n_max", "at most 255", n_max));
        }
        Self::new(Kind::Fock(n_max), n_sites)
    }

    /// Fermions in `n_orbitals` orbitals, with spin `s` or none: the local states are the occupations 0 and 1.
    ///
    /// A site is an orbital with a spin projection: those with m = -s first, then -s + 1, …, each of all orbitals.
    /// NetKet: `SpinOrbitalFermions`.
    ///
    /// # Errors
    /// `s` is not a positive multiple of 1/2; `n_orbitals` is 0.
    pub fn spin_orbital_fermions(n_orbitals: usize, s: Option<f64>) -> Result<Self> {
        if n_orbitals == 0 {
            return Err(Error::invalid(
                "n_orbitals",
                "at least 1",
                0,
                "give the number of orbitals",
            ));
        }
        let twice = s.map(|s| 2.0 * s);
        if let Some(twice) = twice
            && !(twice >= 1.0 && twice.fract() == 0.0 && twice < 256.0)
        {
            return Err(Error::invalid(
                "s",
                "a positive integer or half-integer",
                twice / 2.0,
                "use 0.5 for electrons, or leave it out for fermions without spin",
            ));
        }
        let twice = twice.map(|twice| twice as usize);
        let n_sites = n_orbitals.saturating_mul(twice.unwrap_or(0) + 1);
        Self::new(Kind::Fermions(n_orbitals, twice), n_sites)
    }

    fn new(kind: Kind, n_sites: usize) -> Result<Self> {
        if n_sites == 0 {
            return Err(Error::invalid(
                "n_sites",
                "at least 1",
                n_sites,
                "give the number of lattice sites",
            ));
        }
        if n_sites > MAX_SITES {
            return Err(Error::invalid(
                "n_sites",
                format!("at most {MAX_SITES}"),
                n_sites,
                "take a smaller lattice",
            ));
        }
        let hilbert = Self {
            kind,
            n_sites,
            local_states: Vec::new(),
            inverted_ordering: true,
            descending_numbers: false,
            constraints: Vec::new(),
            automaton: None,
        };
        Ok(hilbert.with_inverted_ordering(true))
    }

    /// The order of the local states of a spin: ascending if `true` (the default), or +2s, ..., -2s.
    ///
    /// NetKet's name, and its default since 3.16 is `False`: index 0 is up.
    /// σᶻ is positive on the positive local states in both orders,
    /// while NetKet calls index 0 "up" in both. Qubits and bosons ascend whatever is asked.
    pub fn with_inverted_ordering(mut self, inverted_ordering: bool) -> Self {
        self.inverted_ordering = inverted_ordering;
        self.local_states = match self.kind {
            Kind::Spin(twice) => (0..=twice).map(|i| 2.0 * i as f64 - twice as f64).collect(),
            Kind::Qubit | Kind::Fermions(..) => vec![0.0, 1.0],
            Kind::Fock(n_max) => (0..=n_max).map(|n| n as f64).collect(),
        };
        if matches!(self.kind, Kind::Spin(_)) && !inverted_ordering {
            self.local_states.reverse();
        } else {
            self.inverted_ordering = true;
        }
        if self.automaton.is_some() {
            let automaton = self.read_along(&Vec::from_iter(0..self.n_sites));
            self.automaton = automaton
                .expect("the same states obey the constraints")
                .map(Arc::new);
        }
        self
    }

    /// Whether the states of a constrained space are numbered from the last to the first. Without constraints it
    /// changes nothing.
    ///
    /// NetKet numbers spins that sum to something by ascending values in both orders of the local states: from the
    /// last to the first where index 0 is up.
    pub fn with_descending_numbers(mut self, descending: bool) -> Self {
        self.descending_numbers = descending;
        self
    }

    /// The states of this space that also obey a constraint.
    ///
    /// States are numbered, listed and drawn within the constrained space. An autoregressive network on it draws
    /// such states only: conditionals of what cannot be completed are 0, the others sum to 1.
    ///
    /// # Errors
    /// No state obeys it; it is of sites that are not there; a rule of one's own that remembers too much.
    pub fn with_constraint(mut self, constraint: Constraint) -> Result<Self> {
        constraint.check(&self)?;
        self.constraints.push(constraint);
        self.automaton = self
            .read_along(&Vec::from_iter(0..self.n_sites))?
            .map(Arc::new);
        Ok(self)
    }

    /// Spins whose z components sum to `total_sz`. NetKet: `total_sz`.
    ///
    /// # Errors
    /// A space of something else; a sum that no state has.
    pub fn with_total_sz(self, total_sz: f64) -> Result<Self> {
        let Kind::Spin(twice) = self.kind else {
            return Err(Error::invalid(
                "total_sz",
                "a space of spins",
                self.name(),
                "fix the number of particles instead",
            ));
        };
        let (total, most) = (2.0 * total_sz, twice * self.n_sites);
        let integer = total.fract() == 0.0 && total.abs() <= most as f64;
        if !integer || (total as i64 - most as i64) % 2 != 0 {
            let half = if most.is_multiple_of(2) {
                "an integer"
            } else {
                "a half-integer"
            };
            return Err(Error::invalid(
                "total_sz",
                format!("{half} from -{0} to {0}", most as f64 / 2.0),
                total_sz,
                format!("choose a sum that {} spins can have", self.n_sites),
            ));
        }
        self.with_constraint(Constraint::sum(total as i64))
    }

    /// A fixed number of bosons, fermions or excited qubits. NetKet: `n_particles`, `n_fermions`.
    ///
    /// # Errors
    /// A space of spins; more particles than fit.
    pub fn with_n_particles(self, n_particles: usize) -> Result<Self> {
        self.check_n_particles("n_particles", n_particles, self.n_sites)?;
        self.with_constraint(Constraint::sum(n_particles as i64))
    }

    /// A fixed number of fermions with each spin projection, from -s up. NetKet: `n_fermions_per_spin`.
    ///
    /// # Errors
    /// A space that is not of fermions with spin; another number of projections; more fermions than orbitals.
    pub fn with_n_fermions_per_spin(mut self, n_fermions: &[usize]) -> Result<Self> {
        let Kind::Fermions(n_orbitals, twice) = self.kind else {
            return Err(Error::invalid(
                "n_fermions_per_spin",
                "a space of fermions",
                self.name(),
                "fix the number of particles instead",
            ));
        };
        let n_spins = twice.unwrap_or(0) + 1;
        if n_fermions.len() != n_spins {
            return Err(Error::invalid(
                "n_fermions_per_spin",
                format!("{n_spins} numbers, one for each spin projection"),
                format!("{n_fermions:?}"),
                "list them from m = -s to s",
            ));
        }
        for (spin, &n) in n_fermions.iter().enumerate() {
            self.check_n_particles("n_fermions_per_spin", n, n_orbitals)?;
            let sites = spin * n_orbitals..(spin + 1) * n_orbitals;
            self = self.with_constraint(Constraint::sum_over(sites, n as i64))?;
        }
        Ok(self)
    }

    fn check_n_particles(&self, field: &str, n: usize, n_sites: usize) -> Result<()> {
        if let Kind::Spin(_) = self.kind {
            return Err(Error::invalid(
                field,
                "a space of particles",
                self.name(),
                "fix `total_sz` instead",
            ));
        }
        let most = n_sites * (self.local_size() - 1);
        if n > most {
            return Err(Error::invalid(
                field,
                format!("at most {most}"),
                n,
                "take fewer particles, or more sites",
            ));
        }
        Ok(())
    }

    /// An automaton that reads the sites in an order, if the space is constrained.
    pub(crate) fn read_along(&self, order: &[usize]) -> Result<Option<Automaton>> {
        if self.constraints.is_empty() {
            return Ok(None);
        }
        Automaton::new(self, &self.constraints, order).map(Some)
    }

    /// The automaton that reads sites in their order.
    pub(crate) fn automaton(&self) -> Option<&Automaton> {
        self.automaton.as_deref()
    }

    /// The rules that all states obey.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// Whether there are any. NetKet: `constrained`.
    pub fn is_constrained(&self) -> bool {
        !self.constraints.is_empty()
    }

    /// Whether local indices, one for each site, are a state of this space.
    pub fn contains(&self, sigma: &[u8]) -> bool {
        let d = self.local_size();
        if sigma.len() != self.n_sites || sigma.iter().any(|&i| usize::from(i) >= d) {
            return false;
        }
        let Some(automaton) = &self.automaton else {
            return true;
        };
        let read = |place, (position, &index)| automaton.next(position, place, index);
        sigma.iter().enumerate().fold(0, read) != OUTSIDE
    }

    /// Whether it is a space of spins.
    pub(crate) fn is_spin(&self) -> bool {
        matches!(self.kind, Kind::Spin(_))
    }

    /// The number of orbitals of a space of fermions, and of their spin projections.
    pub fn orbitals(&self) -> Option<(usize, usize)> {
        match self.kind {
            Kind::Fermions(n_orbitals, twice) => Some((n_orbitals, twice.unwrap_or(0) + 1)),
            _ => None,
        }
    }

    /// From one local state to the next higher one.
    fn step_of_local_states(&self) -> f64 {
        match self.kind {
            Kind::Spin(_) => 2.0,
            _ => 1.0,
        }
    }

    /// Whether local states ascend: `false` only for spins in NetKet's order.
    pub fn inverted_ordering(&self) -> bool {
        self.inverted_ordering
    }

    /// The number of sites.
    pub fn n_sites(&self) -> usize {
        self.n_sites
    }

    /// The number of states of one site.
    pub fn local_size(&self) -> usize {
        self.local_states.len()
    }

    /// The values of one site's states, by local index.
    pub fn local_states(&self) -> &[f64] {
        &self.local_states
    }

    /// 2m of every local index, m the z component of the spin that the local space stands for.
    ///
    /// A space that is not of spins counts as a spin (d - 1)/2 whose index 0 is up, as in NetKet.
    pub fn spin_projections(&self) -> Vec<f64> {
        match self.kind {
            Kind::Spin(_) => self.local_states.clone(),
            Kind::Qubit | Kind::Fock(_) | Kind::Fermions(..) => {
                let top = self.local_size() as f64 - 1.0;
                (0..self.local_size())
                    .map(|i| top - 2.0 * i as f64)
                    .collect()
            }
        }
    }

    /// What observables take as the value of a site, by local index: 2m of a spin or qubit, else the number of particles.
    pub fn site_values(&self) -> Vec<f64> {
        match self.kind {
            Kind::Spin(_) | Kind::Qubit => self.spin_projections(),
            _ => self.local_states.clone(),
        }
    }

    /// The number of basis states, d^N without constraints, or `None` if it does not fit a `u64`.
    pub fn n_states(&self) -> Option<u64> {
        if let Some(automaton) = &self.automaton {
            return automaton.n_states();
        }
        (self.local_size() as u64).checked_pow(self.n_sites.try_into().ok()?)
    }

    /// Whether every basis state has a number: there are no more than fit a `u64`.
    pub fn is_indexable(&self) -> bool {
        self.n_states().is_some()
    }

    /// How NetKet would print it, such as `Spin(s=1/2, N=16)`.
    pub fn name(&self) -> String {
        let n = self.n_sites;
        let order = if self.inverted_ordering {
            ""
        } else {
            ", inverted_ordering=False"
        };
        let rules: String = self
            .constraints
            .iter()
            .map(|rule| format!(", {rule}"))
            .collect();
        match self.kind {
            Kind::Spin(twice) if twice % 2 == 0 => {
                format!("Spin(s={}, N={n}{order}{rules})", twice / 2)
            }
            Kind::Spin(twice) => format!("Spin(s={twice}/2, N={n}{order}{rules})"),
            Kind::Qubit => format!("Qubit(N={n}{rules})"),
            Kind::Fock(n_max) => format!("Fock(n_max={n_max}, N={n}{rules})"),
            Kind::Fermions(n, None) => format!("SpinOrbitalFermions(n_orbitals={n}{rules})"),
            Kind::Fermions(n, Some(twice)) => {
                let s = match twice % 2 {
                    0 => format!("{}", twice / 2),
                    _ => format!("{twice}/2"),
                };
                format!("SpinOrbitalFermions(n_orbitals={n}, s={s}{rules})")
            }
        }
    }

    /// The number of a basis state: its local indices are the digits, the first site's the most significant.
    /// In a constrained space, its place among those that are left
    /// ([`with_descending_numbers`](Self::with_descending_numbers): from the end).
    ///
    /// `None` if `sigma` is not one state of this space, or the space is too large to be numbered.
    ///
    /// # Example
    /// ```
    /// use autoket::hilbert::Hilbert;
    /// let hilbert = Hilbert::spin(0.5, 3)?;
    /// assert_eq!(hilbert.state_to_number(&[1, 1, 0]), Some(6));
    /// let mut sigma = [0; 3];
    /// hilbert.number_to_state(6, &mut sigma);
    /// assert_eq!(sigma, [1, 1, 0]);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn state_to_number(&self, sigma: &[u8]) -> Option<u64> {
        self.n_states()?;
        let d = self.local_size() as u64;
        if sigma.len() != self.n_sites || sigma.iter().any(|&i| u64::from(i) >= d) {
            return None;
        }
        if let Some(automaton) = &self.automaton {
            return automaton.number(sigma).map(|number| self.turned(number));
        }
        Some(sigma.iter().fold(0, |number, &i| number * d + u64::from(i)))
    }

    /// The basis state of a number, into `sigma` of `n_sites` local indices.
    ///
    /// The inverse of [`state_to_number`](Self::state_to_number) for numbers below `n_states`;
    /// without constraints, digits of higher sites than `sigma` has are dropped.
    pub fn number_to_state(&self, mut number: u64, sigma: &mut [u8]) {
        if let Some(automaton) = &self.automaton {
            return automaton.state(self.turned(number), sigma);
        }
        let d = self.local_size() as u64;
        for i in sigma.iter_mut().rev() {
            *i = (number % d) as u8;
            number /= d;
        }
    }

    /// A number of a constrained space from its place in lexicographic order, and back.
    #[inline]
    pub(crate) fn turned(&self, number: u64) -> u64 {
        let descends = self.descending_numbers && self.automaton.is_some();
        match (descends, self.n_states()) {
            (true, Some(n)) => (n - 1).saturating_sub(number),
            _ => number,
        }
    }

    /// All basis states in the order of their numbers: `(state, site)`.
    ///
    /// # Errors
    /// There are more than [`MAX_LISTED_STATES`].
    pub fn all_states(&self) -> Result<Vec<u8>> {
        let n_states = self.check_n_states("the list of all basis states", MAX_LISTED_STATES)?;
        let mut states = vec![0; n_states * self.n_sites];
        for (number, sigma) in states.chunks_exact_mut(self.n_sites).enumerate() {
            self.number_to_state(number as u64, sigma);
        }
        Ok(states)
    }

    /// The number of basis states if it is at most `limit`.
    ///
    /// # Errors
    /// There are more; `what` would need them all.
    pub(crate) fn check_n_states(&self, what: &str, limit: u64) -> Result<usize> {
        match self.n_states() {
            Some(n) if n <= limit => Ok(n as usize),
            n => Err(Error::TooLarge {
                what: format!("{what} of {}", self.name()),
                needed: match n {
                    Some(n) => format!("{n} states"),
                    None if self.is_constrained() => "more states than can be counted".into(),
                    None => format!("{}^{} states", self.local_size(), self.n_sites),
                },
                limit: format!("{limit} states"),
                cure: "take fewer sites, or sample".into(),
            }),
        }
    }

    /// `n` independent, uniformly distributed basis states: `(sample, site)`.
    ///
    /// The numbers differ from those of NetKet's `random_state`.
    pub fn random_states(&self, key: Key, n: usize) -> Vec<u8> {
        let n_sites = self.n_sites;
        if let Some(automaton) = &self.automaton {
            let mut states = vec![0; n * n_sites];
            for (sample, sigma) in states.chunks_exact_mut(n_sites).enumerate() {
                let mut place = 0;
                for (position, index) in sigma.iter_mut().enumerate() {
                    let uniform = key.uniform((sample * n_sites + position) as u64);
                    *index = automaton.choose(position, place, uniform);
                    place = automaton.next(position, place, *index);
                }
            }
            return states;
        }
        let d = self.local_size() as u128;
        (0..(n * n_sites) as u64)
            .map(|i| ((u128::from(key.bits64(i)) * d) >> 64) as u8)
            .collect()
    }

    /// The number of states of a batch of local indices, `(sample, site)`, which may violate constraints.
    ///
    /// # Errors
    /// The last state is not whole; there is no such local state.
    pub fn check_batch(&self, sigma: &[u8]) -> Result<usize> {
        if !sigma.len().is_multiple_of(self.n_sites) {
            return Err(Error::invalid(
                "sigma",
                format!(
                    "a multiple of {} local indices, one for each site",
                    self.n_sites
                ),
                sigma.len(),
                format!("give whole states of {}", self.name()),
            ));
        }
        let d = self.local_size();
        match sigma.iter().position(|&i| usize::from(i) >= d) {
            None => Ok(sigma.len() / self.n_sites),
            Some(i) => Err(Error::invalid(
                format!("sigma[{i}]"),
                format!("a local index, less than {d}"),
                sigma[i],
                "find indices from values by `Hilbert::indices_of`",
            )),
        }
    }

    /// Local indices from values, for instance 1 from +1 and 0 from -1.
    ///
    /// NetKet: `states_to_local_indices`.
    ///
    /// # Errors
    /// A value is not one of [`local_states`](Self::local_states).
    pub fn indices_of(&self, values: &[f64]) -> Result<Vec<u8>> {
        values
            .iter()
            .enumerate()
            .map(|(i, value)| {
                let index = self.local_states.iter().position(|state| state == value);
                index.map(|index| index as u8).ok_or_else(|| {
                    Error::invalid(
                        format!("values[{i}]"),
                        format!("one of the local states {:?}", self.local_states),
                        value,
                        format!("give states of {}", self.name()),
                    )
                })
            })
            .collect()
    }

    /// Values from local indices: the inverse of [`indices_of`](Self::indices_of).
    ///
    /// An index the local space lacks gives NaN.
    pub fn values_of(&self, indices: &[u8]) -> Vec<f64> {
        let value = |&i: &u8| self.local_states.get(usize::from(i)).copied();
        indices
            .iter()
            .map(|i| value(i).unwrap_or(f64::NAN))
            .collect()
    }
}

impl PartialEq for Hilbert {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.n_sites == other.n_sites
            && self.inverted_ordering == other.inverted_ordering
            && self.descending_numbers == other.descending_numbers
            && self.constraints == other.constraints
    }
}

impl std::fmt::Display for Hilbert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

fn too_many_local_states(field: &str, expected: &str, got: impl std::fmt::Display) -> Error {
    Error::invalid(
        field,
        expected,
        got,
        format!("a site has at most {MAX_LOCAL_SIZE} states: lower it"),
    )
}
