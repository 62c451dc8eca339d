//! The compiled half of the Python package `autoket`: the library behind opaque handles.
//!
//! `python/autoket` gives NetKet's names, defaults and texts; this module `autoket._native` gives numbers.
//! There is no physics in either.

mod arrays;
mod errors;
mod graph;
mod hilbert;
mod module;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<graph::Graph>()?;
    module.add_class::<hilbert::Hilbert>()?;
    Ok(())
}
