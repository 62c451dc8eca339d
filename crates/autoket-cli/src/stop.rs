//! Ctrl-C and SIGTERM: the first asks, the second ends. SIGUSR1 asks for a checkpoint.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;

/// Whether the user asked to stop.
pub struct Stop {
    signal: Arc<AtomicUsize>,
}

/// Time between two looks for a signal.
const GLANCE: Duration = Duration::from_millis(50);

impl Stop {
    /// Starts to listen; the first signal is answered by `answer`, on a thread of its own.
    pub fn listen(answer: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (asked, signal) = (Arc::new(AtomicBool::new(false)), Arc::default());
        for number in [SIGINT, SIGTERM] {
            // Actions run in the order of registration: the first signal finds `asked` unset.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&asked))?;
            flag::register(number, Arc::clone(&asked))?;
            flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        let seen = Arc::clone(&signal);
        thread::spawn(move || {
            while seen.load(Ordering::SeqCst) == 0 {
                thread::sleep(GLANCE);
            }
            answer();
        });
        Ok(Self { signal })
    }

    /// The exit status to end with, once the user asked to stop.
    pub fn asked(&self) -> Option<u8> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            number => Some(128 + number as u8),
        }
    }
}

/// Whether a checkpoint was asked for: schedulers send SIGUSR1 some time before they end a job.
pub struct CheckpointAsked(Arc<AtomicBool>);

impl CheckpointAsked {
    /// Starts to listen.
    pub fn listen() -> io::Result<Self> {
        let asked = Arc::default();
        flag::register(SIGUSR1, Arc::clone(&asked))?;
        Ok(Self(asked))
    }

    /// Was one asked for since the last look?
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}
