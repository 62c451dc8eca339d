//! The library's errors as Python exceptions of the fitting class.

use std::io::ErrorKind;

use autoket::Error;
use pyo3::exceptions::{
    PyFileNotFoundError, PyFloatingPointError, PyKeyboardInterrupt, PyMemoryError, PyOSError,
    PyPermissionError, PyRuntimeError, PyValueError,
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
        // A function of Python's has raised it.
        Error::Own(source) => match source.downcast::<PyErr>() {
            Ok(raised) => *raised,
            Err(other) => PyRuntimeError::new_err(other.to_string()),
        },
        Error::Module(_) => Python::attach(|py| of_module(py, &text)),
        // Python chooses the subclass, such as FileNotFoundError, by the number.
        Error::Io { source, .. } => match (source.raw_os_error(), source.kind()) {
            (Some(errno), _) => PyOSError::new_err((errno, text)),
            (None, ErrorKind::NotFound) => PyFileNotFoundError::new_err(text),
            (None, ErrorKind::PermissionDenied) => PyPermissionError::new_err(text),
            (None, _) => PyOSError::new_err(text),
        },
        Error::TooLarge { .. } => PyMemoryError::new_err(text),
        Error::NotFinite { .. } => PyFloatingPointError::new_err(text),
        Error::Interrupted => PyKeyboardInterrupt::new_err(text),
        Error::NotConverged { .. } => PyRuntimeError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// An error of Flax's name: messages begin with it.
fn of_module(py: Python<'_>, text: &str) -> PyErr {
    let (class, message) = text.split_once(": ").unwrap_or(("FlaxError", text));
    let class = py
        .import("autoket.errors")
        .and_then(|errors| errors.getattr(class));
    match class.and_then(|class| class.call1((message,))) {
        Ok(error) => PyErr::from_value(error),
        Err(_) => PyValueError::new_err(text.to_owned()),
    }
}
