//! Asking work in progress to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Asks long work to stop; clones ask and hear the same.
///
/// Work in progress looks at it now and then and ends early; a step that ended so leaves everything as if it
/// had not begun. Once raised it stays raised: to go on, give the driver another.
///
/// ```
/// use autoket::Interrupt;
/// let interrupt = Interrupt::default();
/// let heard = interrupt.clone();
/// interrupt.raise();
/// assert!(heard.is_raised());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks to stop.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Was it asked for?
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Nothing, or the error of work that was stopped.
    ///
    /// # Errors
    /// [`Error::Interrupted`]: it was raised.
    pub fn check(&self) -> Result<()> {
        match self.is_raised() {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }
}
