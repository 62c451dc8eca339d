//! The one error type: what was wrong, what was expected, what came, and the cure.

use std::path::PathBuf;

use crate::module::ModuleError;

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value given by the user does not make sense.
    #[error("`{field}`: expected {expected}, got {got}; {cure}")]
    Invalid {
        /// The field or argument, by the name the user knows it by.
        field: String,
        /// What would have been accepted.
        expected: String,
        /// What came.
        got: String,
        /// What to do about it.
        cure: String,
    },
    /// A request that would need more memory or time than allowed.
    #[error("{what} would need {needed}, the limit is {limit}; {cure}")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// What it would take.
        needed: String,
        /// What is allowed.
        limit: String,
        /// What to do about it.
        cure: String,
    },
    /// An iteration ended before it converged.
    #[error("{what} did not converge in {iterations} iterations (residual {residual:.3e}); {cure}")]
    NotConverged {
        /// The iteration.
        what: String,
        /// Iterations done.
        iterations: usize,
        /// The residual it reached.
        residual: f64,
        /// What to do about it.
        cure: String,
    },
    /// NaN or infinity where a number was needed.
    #[error("{what} is not finite at step {step}; {cure}")]
    NotFinite {
        /// The quantity.
        what: String,
        /// The step at which it was met; the state is the one before that step's update.
        step: usize,
        /// What to do about it.
        cure: String,
    },
    /// An [`Interrupt`](crate::Interrupt) was raised; all is as it was before the work began.
    #[error("interrupted; nothing was changed")]
    Interrupted,
    /// A module, its variables or its call are not as they should be.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// A function of the user's own, in whatever language, failed; its error is the source.
    #[error("{0}")]
    Own(Box<dyn std::error::Error + Send + Sync>),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A file was read but is not what it should be.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong in it, and the cure.
        message: String,
    },
}

impl Error {
    /// [`Error::Invalid`] from anything printable.
    pub fn invalid(
        field: impl Into<String>,
        expected: impl Into<String>,
        got: impl std::fmt::Display,
        cure: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            field: field.into(),
            expected: expected.into(),
            got: got.to_string(),
            cure: cure.into(),
        }
    }

    /// The same error, of the field that the user knows, where it was one of a value without a name.
    pub(crate) fn of_field(self, name: &str) -> Self {
        match self {
            Self::Invalid {
                expected,
                got,
                cure,
                ..
            } => Self::invalid(name, expected, got, cure),
            other => other,
        }
    }

    /// [`Error::Io`] at a path.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}
