//! Ctrl-C while the library works.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use autoket::Interrupt;
use pyo3::prelude::*;

use crate::ranks::ranks;
use crate::threads::pool;

/// How often work that is under way looks for Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

/// Work on other threads, while this one looks for signals; `interrupt` is raised once there is one, unless other ranks
/// do the same work and would wait for it.
///
/// # Errors
/// `KeyboardInterrupt`, when the work has ended; as [`pool`].
pub fn watched<T: Send>(
    py: Python<'_>,
    interrupt: &Interrupt,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    let pool = pool(py)?;
    let is_alone = ranks(py).size() == 1;
    let mut result = None;
    let signal = pool.in_place_scope(|scope| {
        let (done, ended) = channel();
        scope.spawn(|_| {
            let done = done;
            result = Some(work());
            drop(done);
        });
        let ended = Mutex::new(ended);
        let mut signal = Ok(());
        loop {
            let waited: Result<(), _> = py.detach(|| {
                let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                ended.recv_timeout(PATIENCE)
            });
            if waited != Err(RecvTimeoutError::Timeout) {
                return signal;
            }
            if signal.is_ok() {
                signal = py.check_signals();
                if signal.is_err() && is_alone {
                    interrupt.raise();
                }
            }
        }
    });
    signal?;
    Ok(result.expect("the scope ends with its work"))
}
