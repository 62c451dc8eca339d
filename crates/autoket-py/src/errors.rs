//! The library's errors as Python exceptions of the fitting class.

use autoket::Error;
use pyo3::exceptions::{
    PyFloatingPointError, PyKeyboardInterrupt, PyMemoryError, PyOSError, PyRuntimeError,
    PyValueError,
};
use pyo3::prelude::*;

/// A result of Python.
pub trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(exception)
    }
}

/// The exception for an error.
pub fn exception(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        // Python chooses the subclass, such as FileNotFoundError, by the number.
        Error::Io { source, .. } => match source.raw_os_error() {
            Some(errno) => PyOSError::new_err((errno, text)),
            None => PyOSError::new_err(text),
        },
        Error::TooLarge { .. } => PyMemoryError::new_err(text),
        Error::NotFinite { .. } => PyFloatingPointError::new_err(text),
        Error::Interrupted => PyKeyboardInterrupt::new_err(text),
        Error::NotConverged { .. } => PyRuntimeError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}
