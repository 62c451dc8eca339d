//! Which collections, and which keys.

use std::collections::BTreeMap;

use crate::random::Key;

/// A choice of collections: those that may be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// None of them.
    None,
    /// All of them.
    All,
    /// These.
    Only(Vec<String>),
    /// All but these; Flax: `DenyList`.
    AllBut(Vec<String>),
}

impl Filter {
    /// These collections.
    pub fn only(names: &[&str]) -> Self {
        Self::Only(names.iter().map(|&name| name.to_owned()).collect())
    }

    /// All but these collections.
    pub fn all_but(names: &[&str]) -> Self {
        Self::AllBut(names.iter().map(|&name| name.to_owned()).collect())
    }

    /// Is this collection among them?
    pub fn admits(&self, collection: &str) -> bool {
        let is_named = |names: &[String]| names.iter().any(|name| name == collection);
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(names) => is_named(names),
            Self::AllBut(names) => !is_named(names),
        }
    }

    /// These and one more.
    pub(super) fn with(&self, collection: &str) -> Self {
        let one = collection.to_owned();
        match self.clone() {
            Self::None => Self::Only(vec![one]),
            Self::All => Self::All,
            Self::Only(names) => Self::Only(names.into_iter().chain([one]).collect()),
            Self::AllBut(names) => {
                Self::AllBut(names.into_iter().filter(|name| *name != one).collect())
            }
        }
    }
}

/// Streams of keys by name.
///
/// ```
/// use autoket::{module::Rngs, random::Key};
/// let rngs = Rngs::from([("params", Key::new(0)), ("dropout", Key::new(1))]);
/// assert_eq!(Rngs::from(Key::new(0)).get("params"), rngs.get("params"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rngs(BTreeMap<String, Key>);

impl Rngs {
    /// The key of a stream.
    pub fn get(&self, stream: &str) -> Option<Key> {
        self.0.get(stream).copied()
    }
}

/// The stream `params` alone.
impl From<Key> for Rngs {
    fn from(key: Key) -> Self {
        Self::from([("params", key)])
    }
}

impl<const N: usize> From<[(&str, Key); N]> for Rngs {
    fn from(streams: [(&str, Key); N]) -> Self {
        Self(streams.map(|(name, key)| (name.to_owned(), key)).into())
    }
}

impl FromIterator<(String, Key)> for Rngs {
    fn from_iter<I: IntoIterator<Item = (String, Key)>>(streams: I) -> Self {
        Self(streams.into_iter().collect())
    }
}
