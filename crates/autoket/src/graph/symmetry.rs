//! Groups of permutations of sites, and their one-dimensional irreducible representations.

use std::collections::{HashMap, HashSet};
use std::f64::consts::TAU;

use crate::error::{Error, Result};
use crate::scalar::c64;

/// A permutation g of sites: site i goes to `g[i]`.
pub type Permutation = Vec<usize>;

/// A group of permutations of the sites of a lattice; the first is the identity.
///
/// A product is (g h)(i) = g(h(i)).
/// NetKet: `PermutationGroup`, whose arrays list inverses.
///
/// # Example
/// ```
/// use autoket::graph::{Graph, SymmetryGroup};
/// let reflection = vec![2, 1, 0];
/// let group = SymmetryGroup::generated_by(3, &[reflection])?;
/// assert_eq!(group.permutations(), [[0, 1, 2], [2, 1, 0]]);
/// let [even, odd] = &group.sectors()[..] else { panic!() };
/// assert_eq!(odd.characters()[1].re, -1.0);
/// assert_eq!(Graph::square(4, true)?.space_group()?.len(), 16 * 8);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymmetryGroup {
    n_sites: usize,
    permutations: Vec<Permutation>,
}

/// A one-dimensional representation of a group of permutations, and what a spin flip does.
///
/// States of the sector have g|ψ⟩ = χ(g)|ψ⟩; Σ_g χ(g)* g / |G| projects on it, where g|σ⟩ = |σ'⟩ with
/// σ'_g(i) = σ_i.
#[derive(Clone, Debug, PartialEq)]
pub struct Sector {
    permutations: Vec<Permutation>,
    characters: Vec<c64>,
    spin_flip: Option<Parity>,
}

/// Even or odd: what stays as it is, or changes its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Parity {
    /// 0, 2, 4, ... times; 1.
    Even,
    /// 1, 3, 5, ... times; -1.
    Odd,
}

impl Parity {
    /// 1 or -1.
    pub fn sign(self) -> f64 {
        match self {
            Self::Even => 1.0,
            Self::Odd => -1.0,
        }
    }
}

impl Sector {
    /// The sector of given characters, one for each permutation of a group.
    ///
    /// # Errors
    /// The characters are not as many as the permutations, or χ(gh) is not χ(g)χ(h).
    pub fn new(group: &SymmetryGroup, characters: Vec<c64>) -> Result<Self> {
        let refuse = |expected: &str, got: String| {
            let cure = "take one of `SymmetryGroup::sectors`";
            Err(Error::invalid("characters", expected, got, cure))
        };
        if characters.len() != group.len() {
            let got = format!("{} for {}", characters.len(), group.len());
            return refuse("one character per permutation", got);
        }
        let number = group.numbers();
        for generator in group.generators() {
            let h = number[&generator];
            for (g, permutation) in group.permutations.iter().enumerate() {
                let product = characters[number[&compose(permutation, &generator)]];
                if !same(product, characters[g] * characters[h]) {
                    return refuse("χ(gh) = χ(g)χ(h)", format!("{product} for {g} and {h}"));
                }
            }
        }
        if !same(characters[0], c64::new(1.0, 0.0)) {
            return refuse("χ = 1 for the identity", characters[0].to_string());
        }
        Ok(Self {
            permutations: group.permutations.clone(),
            characters,
            spin_flip: None,
        })
    }

    /// The same sector, of states that are even or odd when all spins are flipped.
    pub fn with_spin_flip(mut self, parity: Parity) -> Self {
        self.spin_flip = Some(parity);
        self
    }

    /// The number of sites.
    pub fn n_sites(&self) -> usize {
        self.permutations[0].len()
    }

    /// The number of elements of the group, spin flips among them.
    pub fn order(&self) -> usize {
        self.permutations.len() * if self.spin_flip.is_some() { 2 } else { 1 }
    }

    /// The permutations of the group, the identity first.
    pub fn permutations(&self) -> &[Permutation] {
        &self.permutations
    }

    /// χ of each.
    pub fn characters(&self) -> &[c64] {
        &self.characters
    }

    /// How many of them differ, those of spin flips among them.
    pub(crate) fn n_characters(&self) -> usize {
        let mut met: Vec<c64> = Vec::new();
        let flips: &[f64] = match self.spin_flip {
            Some(Parity::Odd) => &[1.0, -1.0],
            Some(Parity::Even) | None => &[1.0],
        };
        for &character in &self.characters {
            for sign in flips {
                if !met.iter().any(|&other| same(sign * character, other)) {
                    met.push(sign * character);
                }
            }
        }
        met.len()
    }

    /// What flipping all spins does; `None`: it is not asked.
    pub fn spin_flip(&self) -> Option<Parity> {
        self.spin_flip
    }

    /// Whether all characters are 1 or -1: the states can be real.
    pub fn is_real(&self) -> bool {
        self.characters.iter().all(|x| x.im == 0.0)
    }
}

impl SymmetryGroup {
    /// The group of given permutations, in their order but for the identity, which comes first.
    ///
    /// # Errors
    /// One is no permutation of `n_sites` sites, or comes twice; a product of two is none of them.
    pub fn new(n_sites: usize, permutations: Vec<Permutation>) -> Result<Self> {
        check(n_sites, &permutations)?;
        let distinct: HashSet<&Permutation> = permutations.iter().collect();
        let closed = Self::generated_by(n_sites, &permutations)?;
        if distinct.len() != permutations.len() || closed.len() != permutations.len() {
            return Err(Error::invalid(
                "permutations",
                "a group: every product of two once",
                format!("{} of {}", distinct.len(), closed.len()),
                "use `SymmetryGroup::generated_by`",
            ));
        }
        Ok(Self::of_distinct(n_sites, permutations))
    }

    /// All products of some permutations.
    ///
    /// # Errors
    /// One is no permutation of `n_sites` sites.
    pub fn generated_by(n_sites: usize, generators: &[Permutation]) -> Result<Self> {
        check(n_sites, generators)?;
        Ok(Self {
            n_sites,
            permutations: closure(n_sites, generators),
        })
    }

    /// A group whose elements are known to be one, each once however often it is given.
    pub(super) fn of_distinct(
        n_sites: usize,
        permutations: impl IntoIterator<Item = Permutation>,
    ) -> Self {
        let identity: Permutation = (0..n_sites).collect();
        let mut known = HashSet::new();
        let mut distinct = Vec::new();
        for permutation in std::iter::once(identity).chain(permutations) {
            if known.insert(permutation.clone()) {
                distinct.push(permutation);
            }
        }
        Self {
            n_sites,
            permutations: distinct,
        }
    }

    /// The number of permutations, the identity among them.
    #[expect(clippy::len_without_is_empty, reason = "a group has its identity")]
    pub fn len(&self) -> usize {
        self.permutations.len()
    }

    /// The number of sites.
    pub fn n_sites(&self) -> usize {
        self.n_sites
    }

    /// The permutations, the identity first.
    pub fn permutations(&self) -> &[Permutation] {
        &self.permutations
    }

    /// All one-dimensional irreducible representations, the trivial one first.
    ///
    /// Where the group does not commute there are others, of more dimensions, which are not listed.
    pub fn sectors(&self) -> Vec<Sector> {
        let sector = |characters| Sector {
            permutations: self.permutations.clone(),
            characters,
            spin_flip: None,
        };
        self.characters().into_iter().map(sector).collect()
    }

    /// The characters of [`sectors`](Self::sectors), `(sector, permutation)`.
    ///
    /// They are the characters of the group modulo its commutators, which commutes.
    fn characters(&self) -> Vec<Vec<c64>> {
        let number = self.numbers();
        let commutators = self.commutators();
        let mut coset = vec![usize::MAX; self.len()];
        let mut representatives = Vec::new();
        for (g, permutation) in self.permutations.iter().enumerate() {
            if coset[g] == usize::MAX {
                for commutator in &commutators {
                    coset[number[&compose(permutation, commutator)]] = representatives.len();
                }
                representatives.push(permutation);
            }
        }
        let product =
            |a: usize, b: usize| coset[number[&compose(representatives[a], representatives[b])]];
        // χ = exp(2πi turns/order): in a group of so many elements all characters are such roots.
        let order = representatives.len();
        let mut known = vec![0];
        let mut all_turns = vec![vec![0; order]];
        for next in 0..order {
            if known.contains(&next) {
                continue;
            }
            let mut powers = vec![0, next];
            while !known.contains(&powers[powers.len() - 1]) {
                powers.push(product(powers[powers.len() - 1], next));
            }
            let back = powers.pop().unwrap_or(0);
            let roots = powers.len();
            let larger = |turns: &Vec<usize>, root: usize| {
                let step = (turns[back] + root * order) / roots;
                let mut longer = vec![0; order];
                for &element in &known {
                    for (k, &power) in powers.iter().enumerate() {
                        longer[product(element, power)] = (turns[element] + k * step) % order;
                    }
                }
                longer
            };
            all_turns = (all_turns.iter())
                .flat_map(|turns| (0..roots).map(move |root| (turns, root)))
                .map(|(turns, root)| larger(turns, root))
                .collect();
            known = (known.iter())
                .flat_map(|&element| powers.iter().map(move |&power| (element, power)))
                .map(|(element, power)| product(element, power))
                .collect();
        }
        let characters = |turns: &Vec<usize>| {
            let of = |&coset: &usize| root_of_unity(turns[coset], order);
            coset.iter().map(of).collect()
        };
        all_turns.iter().map(characters).collect()
    }

    /// The place of each permutation.
    fn numbers(&self) -> HashMap<Permutation, usize> {
        let permutations = self.permutations.iter().cloned();
        permutations.zip(0..).collect()
    }

    /// A few permutations whose products are the group.
    fn generators(&self) -> Vec<Permutation> {
        let mut generators = Vec::new();
        let mut known: HashSet<Permutation> = HashSet::new();
        for permutation in &self.permutations[1..] {
            if !known.contains(permutation) {
                generators.push(permutation.clone());
                known = closure(self.n_sites, &generators).into_iter().collect();
            }
        }
        generators
    }

    /// The subgroup of all products of g h g⁻¹ h⁻¹.
    fn commutators(&self) -> Vec<Permutation> {
        let generators = self.generators();
        let mut few: Vec<Permutation> = Vec::new();
        for (i, g) in generators.iter().enumerate() {
            for h in &generators[..i] {
                few.push(compose(&compose(g, h), &inverse(&compose(h, g))));
            }
        }
        loop {
            let subgroup = closure(self.n_sites, &few);
            let known: HashSet<&Permutation> = subgroup.iter().collect();
            let mut outside: Vec<Permutation> = Vec::new();
            for g in &generators {
                for c in &few {
                    let conjugate = compose(&compose(g, c), &inverse(g));
                    if !known.contains(&conjugate) {
                        outside.push(conjugate);
                    }
                }
            }
            if outside.is_empty() {
                return subgroup;
            }
            few.extend(outside);
        }
    }

    /// The subgroup that leaves a representation of a normal subgroup as it is: χ(g t g⁻¹) = χ(t) for all t.
    pub(super) fn little_group(&self, normal: &Self, characters: &[c64]) -> Self {
        let number = normal.numbers();
        let stays = |g: &&Permutation| {
            let back = inverse(g);
            (normal.permutations.iter().zip(characters)).all(|(t, character)| {
                let moved = number.get(&compose(&compose(g, t), &back));
                moved.is_some_and(|&moved| (characters[moved] - character).norm() < 1e-9)
            })
        };
        Self {
            n_sites: self.n_sites,
            permutations: self.permutations.iter().filter(stays).cloned().collect(),
        }
    }
}

/// False where one is NaN.
fn same(a: c64, b: c64) -> bool {
    (a - b).norm() < 1e-9
}

/// The products of permutations, the identity first.
fn closure(n_sites: usize, generators: &[Permutation]) -> Vec<Permutation> {
    let mut products: Vec<Permutation> = vec![(0..n_sites).collect()];
    let mut known: HashSet<Permutation> = products.iter().cloned().collect();
    let mut next = 0;
    while next < products.len() {
        for generator in generators {
            let product = compose(generator, &products[next]);
            if known.insert(product.clone()) {
                products.push(product);
            }
        }
        next += 1;
    }
    products
}

/// (g h)(i) = g(h(i)).
pub(super) fn compose(g: &[usize], h: &[usize]) -> Permutation {
    h.iter().map(|&i| g[i]).collect()
}

fn inverse(g: &[usize]) -> Permutation {
    let mut inverse = vec![0; g.len()];
    for (i, &image) in g.iter().enumerate() {
        inverse[image] = i;
    }
    inverse
}

/// exp(2πi turns/order), exact where its parts are whole.
pub(super) fn root_of_unity(turns: usize, order: usize) -> c64 {
    match 4 * turns % (4 * order) {
        0 => c64::new(1.0, 0.0),
        quarter if quarter == order => c64::new(0.0, 1.0),
        quarter if quarter == 2 * order => c64::new(-1.0, 0.0),
        quarter if quarter == 3 * order => c64::new(0.0, -1.0),
        _ => c64::cis(TAU * turns as f64 / order as f64),
    }
}

fn check(n_sites: usize, permutations: &[Permutation]) -> Result<()> {
    for (k, permutation) in permutations.iter().enumerate() {
        let mut sorted = permutation.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..n_sites) {
            return Err(Error::invalid(
                format!("permutations[{k}]"),
                format!("each of {n_sites} sites once"),
                format!("{permutation:?}"),
                "list the image of every site, counted from 0",
            ));
        }
    }
    Ok(())
}
