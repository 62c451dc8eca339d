//! The threads that work: of this process, which may be a child of the one that loaded the module.

use std::mem::forget;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The pool, and the process whose threads it has: `fork` copies memory but no threads.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// The pool of this process: of as many threads as `RAYON_NUM_THREADS` says, or its cores, or its part of them if it is
/// one of several ranks.
///
/// # Errors
/// `RuntimeError`: the system gives no threads.
pub fn pool(py: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let mut held = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let process = process::id();
    if let Some((owner, pool)) = &*held
        && *owner == process
    {
        return Ok(Arc::clone(pool));
    }
    let asked = std::env::var_os("RAYON_NUM_THREADS").is_some();
    let n = if asked {
        None
    } else {
        crate::ranks::threads(py)
    };
    let pool = ThreadPoolBuilder::new()
        .num_threads(n.unwrap_or(0))
        .thread_name(|i| format!("autoket-{i}"))
        .build();
    let pool = pool.map_err(|error| PyRuntimeError::new_err(format!("no threads: {error}")))?;
    let pool = Arc::new(pool);
    // A parent's pool would wake threads that are not there.
    forget(held.replace((process, Arc::clone(&pool))));
    Ok(pool)
}

/// Work on the threads of this process, while the interpreter is free.
///
/// # Errors
/// As [`pool`].
pub fn at_work<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool(py)?;
    Ok(py.detach(|| pool.install(work)))
}
