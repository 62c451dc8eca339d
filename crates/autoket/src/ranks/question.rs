//! What is asked of all ranks at once.

use crate::models::Autoregressive;
use crate::operator::{Connected, Operator};
use crate::random::Key;
use crate::scalar::Scalar;

use super::Part;

/// What ranks do together: its name, and in eight bytes what it is of. They tell each other before they do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Question {
    name: &'static str,
    of: u64,
}

/// An odd number without a pattern, 2^64 divided by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Rows of an operator that are looked at.
const ROWS: usize = 32;
/// States of which a model is asked log ψ.
const STATES: usize = 8;

/// Bytes of a question.
pub(super) const BYTES: usize = 40;

impl Question {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, of: 0 }.bytes(name.as_bytes())
    }

    /// The same under another name.
    pub(crate) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }.bytes(name.as_bytes())
    }

    /// Of this number as well.
    pub(crate) fn word(self, x: u64) -> Self {
        let of = (self.of ^ x).wrapping_mul(MIX).rotate_left(29);
        Self { of, ..self }
    }

    /// Of these bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let words = words.iter().chain([&last]);
        let all = words.fold(self, |question, word| {
            question.word(u64::from_le_bytes(*word))
        });
        all.word(bytes.len() as u64)
    }

    /// Of these numbers.
    pub(crate) fn numbers<S: Scalar>(self, values: &[S]) -> Self {
        let all = values.iter().fold(self, |question, x| {
            let x = x.to_c64();
            question.word(x.re.to_bits()).word(x.im.to_bits())
        });
        all.word(values.len() as u64)
    }

    /// Of an operator, as far as its rows of some of these states tell.
    pub(crate) fn operator(self, operator: &dyn Operator, sigma: &[u8]) -> Self {
        let n_sites = operator.hilbert().n_sites();
        let apart = (sigma.len() / n_sites).div_ceil(ROWS).max(1);
        let mut row = Connected::default();
        let some = sigma.chunks_exact(n_sites).step_by(apart);
        some.fold(self, |question, sigma| {
            operator.connected(sigma, &mut row);
            row.iter().fold(question, |question, (mel, changes)| {
                let element = question.numbers(&[mel]);
                changes.iter().fold(element, |question, &(site, new)| {
                    question.word(u64::from(site)).word(u64::from(new))
                })
            })
        })
    }

    /// Of a model, as far as some numbers that follow from a key tell: states of its space, parameters, log ψ.
    pub(crate) fn model<S: Scalar>(self, model: &dyn Autoregressive<S>) -> Self {
        let (theta, key) = (model.init(Key::new(0)).values, Key::new(1));
        let sigma = model.hilbert().random_states(key, STATES);
        // A model that refuses them does so in every rank, where it is used.
        let log_psi = model.log_psi(&theta, &sigma).unwrap_or_default();
        self.bytes(&sigma).numbers(&theta).numbers(&log_psi)
    }

    /// Of so many numbers, whoever has them.
    pub(super) fn parts(self, parts: &[Part]) -> Self {
        parts.iter().fold(self, |question, part| {
            let owned = question.word(part.owner as u64).word(part.first as u64);
            owned.word(part.len as u64)
        })
    }

    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.of.to_le_bytes());
        let name = self.name.as_bytes();
        let n = name.len().min(BYTES - 8);
        bytes[8..][..n].copy_from_slice(&name[..n]);
        bytes
    }
}

/// What ranks that differ asked for, one of them after the other.
pub(super) fn difference(asked: &[[u8; BYTES]]) -> Option<String> {
    let other = asked.iter().position(|other| *other != asked[0])?;
    let name = |rank: usize| {
        let name = String::from_utf8_lossy(&asked[rank][8..]);
        name.trim_end_matches('\0').to_owned()
    };
    Some(match name(0) == name(other) {
        true => format!(
            "ranks 0 and {other} ask for {} of different models, parameters, samples or operators; \
             give all ranks the same seeds and numbers",
            name(0)
        ),
        false => format!(
            "rank 0 asks for {}, and rank {other} for {}; let all ranks do the same, and one of them only write or print",
            name(0),
            name(other)
        ),
    })
}
