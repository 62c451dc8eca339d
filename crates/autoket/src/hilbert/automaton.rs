//! Which beginnings of a state can be completed, and in how many ways.

use std::collections::HashMap;

use super::Hilbert;
use super::constraint::{Constraint, FixedSum, Open};
use crate::error::{Error, Result};

/// The most different memories of beginnings, over all sites.
const MAX_MEMORIES: usize = 1 << 20;

/// Where a beginning stands that leaves the constrained space.
pub(crate) const OUTSIDE: u32 = u32::MAX;

/// A finite automaton that reads the sites of a state in a given order: what may follow a beginning depends on
/// where it stands alone.
///
/// It stands at 0 before the first position. From every place at least one local state leads on to the end,
/// so that a draw that keeps to what is allowed never gets stuck.
#[derive(Clone, Debug)]
pub(crate) struct Automaton {
    local_size: usize,
    layers: Vec<Layer>,
    n_states: Option<u64>,
}

/// What a position may be, by place and local index.
#[derive(Clone, Debug, Default)]
struct Layer {
    /// The next place, or [`OUTSIDE`].
    next: Vec<u32>,
    /// By place: are all local states allowed?
    free: Vec<bool>,
    /// The part of all completions that go on with this local index.
    shares: Vec<f64>,
    /// How many completions go on with smaller local indices, where they can be counted.
    before: Vec<u64>,
}

/// A state, read: what numbers of states that differ at a few sites can be found from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// Where the automaton stands before each position, and at the end.
    places: Vec<u32>,
    /// How many states come before all that begin as this one does.
    numbers: Vec<u64>,
}

/// The memories of several rules.
type Memory = Vec<Vec<i64>>;

/// Places after a position, while the automaton is made.
struct Places {
    /// Their number once equal ones are merged, or [`OUTSIDE`].
    merged: Vec<u32>,
    /// Completions of each merged place, by a common factor.
    ways: Vec<f64>,
    /// The same exactly.
    counts: Vec<Option<u64>>,
}

impl Automaton {
    /// For the states of a space, sites read in `order`.
    ///
    /// # Errors
    /// No state obeys the constraints; too many beginnings differ in what may follow; a rule of one's own is to
    /// be read in another order than the sites', and the space is large.
    pub fn new(hilbert: &Hilbert, constraints: &[Constraint], order: &[usize]) -> Result<Self> {
        let in_order = order.iter().enumerate().all(|(k, &site)| k == site);
        if !in_order && !constraints.iter().all(Constraint::in_any_order) {
            return Self::of_listed_states(hilbert, order);
        }
        let fixed: Vec<_> = constraints
            .iter()
            .map(|rule| rule.fixed_sum(hilbert))
            .collect();
        // Sums from which the total is out of reach are not remembered: they would be many.
        let open: Vec<_> = fixed
            .iter()
            .map(|fixed| Some(fixed.as_ref()?.open_after(order)))
            .collect();
        let local_states = hilbert.local_states();
        let step = |memory: &Memory, site: usize, index: u8| -> Option<Memory> {
            let state = local_states[usize::from(index)] as i64;
            let rules = constraints.iter().zip(fixed.iter().zip(&open)).zip(memory);
            let step = |((rule, fixed), memory): ((&Constraint, _), &Vec<i64>)| {
                let (Some(fixed), Some(open)): (&Option<FixedSum>, &Option<Vec<Open>>) = fixed
                else {
                    return rule.step()?(memory, site, state);
                };
                let share = fixed.shares[site][usize::from(index)];
                let sum = fixed.reduce(memory[0] + share);
                open[site].contains(&sum).then(|| vec![sum])
            };
            rules.map(step).collect()
        };
        let done = |memory: &Memory| {
            let mut sums = fixed.iter().zip(memory);
            sums.all(|(fixed, memory)| match fixed {
                Some(fixed) => memory[0] == fixed.reduce(fixed.total),
                None => true,
            })
        };
        let start = constraints.iter().map(Constraint::start).collect();
        Self::build(hilbert.local_size(), order, start, step, done)
            .ok_or_else(|| too_many(constraints))?
            .ok_or_else(|| none_left(hilbert, constraints))
    }

    /// For rules that read sites in their order only: from the list of all states, each a path from place to place.
    fn of_listed_states(hilbert: &Hilbert, order: &[usize]) -> Result<Self> {
        let n_sites = order.len();
        hilbert.check_n_states(
            "a constraint of one's own read in another order of sites",
            MAX_MEMORIES as u64 / 16,
        )?;
        let states = hilbert.all_states()?;
        let reordered = states.chunks_exact(n_sites);
        let reordered = reordered.map(|sigma| order.iter().map(|&site| sigma[site]).collect());
        let mut states: Vec<Vec<u8>> = reordered.collect();
        states.sort_unstable();
        let position: HashMap<usize, usize> =
            order.iter().enumerate().map(|(k, &s)| (s, k)).collect();
        // Remembered is which states begin so: from and to.
        let step = |memory: &Memory, site: usize, index: u8| -> Option<Memory> {
            let [from, to] = [memory[0][0] as usize, memory[0][1] as usize];
            let k = position[&site];
            let smaller = states[from..to].partition_point(|state| state[k] < index);
            let not_larger = states[from..to].partition_point(|state| state[k] <= index);
            (smaller < not_larger)
                .then(|| vec![vec![(from + smaller) as i64, (from + not_larger) as i64]])
        };
        let start = vec![vec![0, states.len() as i64]];
        Self::build(hilbert.local_size(), order, start, step, |_| true)
            .ok_or_else(|| too_many(hilbert.constraints()))?
            .ok_or_else(|| none_left(hilbert, hilbert.constraints()))
    }

    /// `None` if there are too many memories; `Some(None)` if nothing is left.
    fn build(
        local_size: usize,
        order: &[usize],
        start: Memory,
        step: impl Fn(&Memory, usize, u8) -> Option<Memory>,
        done: impl Fn(&Memory) -> bool,
    ) -> Option<Option<Self>> {
        let mut forward: Vec<Vec<u32>> = Vec::with_capacity(order.len());
        let mut memories = vec![start];
        let mut n_memories = 0;
        for &site in order {
            let mut numbers: HashMap<Memory, u32> = HashMap::new();
            let mut next = Vec::with_capacity(memories.len() * local_size);
            for memory in &memories {
                for index in 0..local_size {
                    next.push(match step(memory, site, index as u8) {
                        None => OUTSIDE,
                        Some(memory) => {
                            let number = numbers.len() as u32;
                            *numbers.entry(memory).or_insert(number)
                        }
                    });
                }
            }
            n_memories += numbers.len();
            if n_memories > MAX_MEMORIES {
                return None;
            }
            let mut numbered: Vec<_> = numbers.into_iter().collect();
            numbered.sort_unstable_by_key(|(_, number)| *number);
            memories = numbered.into_iter().map(|(memory, _)| memory).collect();
            forward.push(next);
        }
        let end = |memory: &Memory| if done(memory) { 0 } else { OUTSIDE };
        let mut after = Places {
            merged: memories.iter().map(end).collect(),
            ways: vec![1.0],
            counts: vec![Some(1)],
        };
        let mut layers = Vec::with_capacity(order.len());
        for next in forward.iter().rev() {
            let (layer, places) = Layer::before(&after, next, local_size);
            layers.push(layer);
            after = places;
        }
        layers.reverse();
        if after.merged != [0] {
            return Some(None);
        }
        let n_states = after.counts[0];
        if n_states.is_none() {
            layers.iter_mut().for_each(|layer| layer.before.clear());
        }
        Some(Some(Self {
            local_size,
            layers,
            n_states,
        }))
    }

    /// The number of states, if it fits a `u64`.
    pub fn n_states(&self) -> Option<u64> {
        self.n_states
    }

    /// Where a beginning stands once a position is in a local state.
    #[inline]
    pub fn next(&self, position: usize, place: u32, index: u8) -> u32 {
        match place {
            OUTSIDE => OUTSIDE,
            _ => self.layers[position].next[place as usize * self.local_size + usize::from(index)],
        }
    }

    /// Whether a position may be in any local state. Outside the space, it may.
    #[inline]
    pub fn is_free(&self, position: usize, place: u32) -> bool {
        place == OUTSIDE || self.layers[position].free[place as usize]
    }

    /// Whether a position may be in a local state. Outside the space, it may.
    #[inline]
    pub fn allows(&self, position: usize, place: u32, index: u8) -> bool {
        place == OUTSIDE || self.next(position, place, index) != OUTSIDE
    }

    /// The number of a state among all in lexicographic order, if it is one of them and they can be counted.
    pub fn number(&self, sigma: &[u8]) -> Option<u64> {
        self.n_states?;
        let mut number = 0;
        let mut place = 0;
        for (position, &index) in sigma.iter().enumerate() {
            number += self.before(position, place, index)?;
            place = self.next(position, place, index);
        }
        (place != OUTSIDE).then_some(number)
    }

    /// Reads a state of the space, whose states can be counted.
    pub fn walk(&self, sigma: &[u8], walk: &mut Walk) {
        let (mut place, mut number) = (0, 0);
        walk.places.clear();
        walk.numbers.clear();
        for (position, &index) in sigma.iter().enumerate() {
            walk.places.push(place);
            walk.numbers.push(number);
            number += self.before(position, place, index).unwrap_or(0);
            place = self.next(position, place, index);
        }
        walk.places.push(place);
        walk.numbers.push(number);
    }

    /// The number of a state that differs from one that has been read, by its changes in ascending order of sites;
    /// `None` if they lead out of the space.
    pub fn number_of_changed(
        &self,
        walk: &Walk,
        sigma: &[u8],
        changes: &[(u32, u8)],
    ) -> Option<u64> {
        let n = sigma.len();
        let mut changes = changes.iter().peekable();
        let Some(&&(first, _)) = changes.peek() else {
            return Some(walk.numbers[n]);
        };
        let mut position = first as usize;
        let (mut place, mut number) = (walk.places[position], walk.numbers[position]);
        while changes.peek().is_some() || place != walk.places[position] {
            let index = match changes.next_if(|(site, _)| *site as usize == position) {
                Some(&(_, new)) => new,
                None => sigma[position],
            };
            number += self.before(position, place, index).unwrap_or(0);
            place = self.next(position, place, index);
            if place == OUTSIDE {
                return None;
            }
            position += 1;
            if position == n {
                break;
            }
        }
        // From here on both go the same way.
        Some(number + (walk.numbers[n] - walk.numbers[position]))
    }

    /// How many completions of a beginning go on with smaller local indices.
    #[inline]
    fn before(&self, position: usize, place: u32, index: u8) -> Option<u64> {
        let at = (place as usize).checked_mul(self.local_size)? + usize::from(index);
        self.layers[position].before.get(at).copied()
    }

    /// The state of a number below `n_states`.
    pub fn state(&self, mut number: u64, sigma: &mut [u8]) {
        let mut place = 0;
        for (position, sigma) in sigma.iter_mut().enumerate() {
            let indices = (0..=(self.local_size - 1) as u8).rev();
            let mut allowed = indices.filter(|&index| self.allows(position, place, index));
            let begins = |&index: &u8| self.before(position, place, index) <= Some(number);
            *sigma = allowed.find(begins).unwrap_or(0);
            number -= self.before(position, place, *sigma).unwrap_or(0);
            place = self.next(position, place, *sigma);
        }
    }

    /// The local index a position takes in a uniformly distributed state, by a uniform number.
    pub fn choose(&self, position: usize, place: u32, uniform: f64) -> u8 {
        let first = place as usize * self.local_size;
        let shares = &self.layers[position].shares[first..][..self.local_size];
        let mut sum = 0.0;
        let mut chosen = 0;
        for (index, &share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            chosen = index as u8;
            sum += share;
            if uniform < sum {
                break;
            }
        }
        chosen
    }
}

impl Layer {
    /// The layer before some places; those that lead on alike are one.
    fn before(after: &Places, next: &[u32], local_size: usize) -> (Self, Places) {
        let mut layer = Self::default();
        let mut places = Places {
            merged: Vec::new(),
            ways: Vec::new(),
            counts: Vec::new(),
        };
        let mut numbers: HashMap<Vec<u32>, u32> = HashMap::new();
        for next in next.chunks_exact(local_size) {
            let next = next.iter().map(|&next| match next {
                OUTSIDE => OUTSIDE,
                next => after.merged[next as usize],
            });
            let next: Vec<u32> = next.collect();
            if next.iter().all(|&next| next == OUTSIDE) {
                places.merged.push(OUTSIDE);
                continue;
            }
            let number = numbers.len() as u32;
            let merged = *numbers.entry(next.clone()).or_insert(number);
            places.merged.push(merged);
            if merged < number {
                continue;
            }
            layer.free.push(next.iter().all(|&next| next != OUTSIDE));
            let ways = |next: u32| match next {
                OUTSIDE => 0.0,
                next => after.ways[next as usize],
            };
            let all: f64 = next.iter().map(|&next| ways(next)).sum();
            places.ways.push(all);
            let mut count = Some(0_u64);
            for &next_place in &next {
                // Without a way left within the range of numbers, the place is never met.
                layer.shares.push(if all > 0.0 {
                    ways(next_place) / all
                } else {
                    0.0
                });
                layer.before.push(count.unwrap_or(0));
                let own = match next_place {
                    OUTSIDE => Some(0),
                    next => after.counts[next as usize],
                };
                count = count.and_then(|count| count.checked_add(own?));
            }
            places.counts.push(count);
            layer.next.extend(next);
        }
        // Only their ratios are needed: so they stay finite for any number of sites.
        let most = places.ways.iter().copied().fold(1.0, f64::max);
        places.ways.iter_mut().for_each(|ways| *ways /= most);
        (layer, places)
    }
}

fn names(constraints: &[Constraint]) -> String {
    let names: Vec<String> = constraints.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn too_many(constraints: &[Constraint]) -> Error {
    Error::TooLarge {
        what: format!("the automaton of {}", names(constraints)),
        needed: format!("more than {MAX_MEMORIES} memories of beginnings"),
        limit: format!("{MAX_MEMORIES}"),
        cure: "let a rule of one's own remember less, or take fewer sites".into(),
    }
}

fn none_left(hilbert: &Hilbert, constraints: &[Constraint]) -> Error {
    Error::invalid(
        "constraint",
        "a constraint that some state obeys",
        format!("{}, which none does", names(constraints)),
        format!("choose one that states of {} can obey", hilbert.name()),
    )
}
