//! Memory of finished work, for the next.

use std::sync::{Mutex, PoisonError};

/// Things that are lent out for a time, as many as are in use at once.
#[derive(Debug, Default)]
pub(super) struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    /// Runs `f` with one of its own.
    pub fn with<U>(&self, f: impl FnOnce(&mut T) -> U) -> U {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().pop();
        let mut lent = kept.unwrap_or_default();
        let result = f(&mut lent);
        lock().push(lent);
        result
    }
}
