//! The compiled half of the Python package `autoket`: the library behind opaque handles.
//!
//! `python/autoket` gives NetKet's names, defaults and texts; this module `autoket._native` gives numbers.
//! There is no physics in either.

mod arrays;
mod driver;
mod errors;
mod exact;
mod fields;
mod flax;
mod graph;
mod hilbert;
mod models;
mod module;
mod operator;
mod own;
mod random;
mod ranks;
mod signals;
mod threads;
mod vqs;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<graph::Graph>()?;
    module.add_class::<graph::SymmetryGroup>()?;
    module.add_class::<graph::Sector>()?;
    module.add_class::<hilbert::Hilbert>()?;
    module.add_class::<operator::Operator>()?;
    module.add_function(wrap_pyfunction!(operator::read_fcidump, module)?)?;
    module.add_function(wrap_pyfunction!(exact::full_ed, module)?)?;
    module.add_function(wrap_pyfunction!(exact::lanczos_ed, module)?)?;
    module.add_function(wrap_pyfunction!(exact::ising_chain_energy, module)?)?;
    module.add_class::<models::Module>()?;
    module.add_class::<flax::Scope>()?;
    module.add_class::<vqs::State>()?;
    module.add_class::<driver::Minimizer>()?;
    module.add_function(wrap_pyfunction!(models::masked_network, module)?)?;
    module.add_function(wrap_pyfunction!(models::recurrent_network, module)?)?;
    module.add_function(wrap_pyfunction!(models::gated_network, module)?)?;
    module.add_function(wrap_pyfunction!(models::tensor_gru_network, module)?)?;
    module.add_function(wrap_pyfunction!(models::symmetrized, module)?)?;
    module.add_function(wrap_pyfunction!(models::masked_layer, module)?)?;
    module.add_function(wrap_pyfunction!(models::sequential_network, module)?)?;
    module.add_function(wrap_pyfunction!(own::own_module, module)?)?;
    module.add_function(wrap_pyfunction!(own::own_model, module)?)?;
    module.add_function(wrap_pyfunction!(models::split, module)?)?;
    module.add_function(wrap_pyfunction!(models::recurrence, module)?)?;
    module.add_function(wrap_pyfunction!(fields::draw, module)?)?;
    module.add_function(wrap_pyfunction!(own::normalised, module)?)?;
    module.add_function(wrap_pyfunction!(random::fold_in, module)?)?;
    module.add_function(wrap_pyfunction!(random::uniform, module)?)?;
    module.add_function(wrap_pyfunction!(random::normal, module)?)?;
    module.add_function(wrap_pyfunction!(exact::quarter_of_free_memory, module)?)?;
    module.add("CHILD_OF_RANK", autoket::ranks::CHILD)?;
    module.add("has_mpi", cfg!(feature = "mpi"))?;
    module.add_function(wrap_pyfunction!(ranks::begin_ranks, module)?)?;
    module.add_function(wrap_pyfunction!(ranks::leave_ranks, module)?)?;
    module.add_function(wrap_pyfunction!(ranks::abort_ranks, module)?)?;
    module.add_function(wrap_pyfunction!(ranks::tell_ranks, module)?)?;
    module.add_function(wrap_pyfunction!(program, module)?)?;
    // The stub says what there is, and one list is enough.
    module.delattr("__all__")
}

/// The program `autoket`: its exit status.
#[pyfunction]
fn program(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    let ranks = ranks::ranks(py);
    let mpi = ranks::take_mpi(py).unwrap_or_default();
    py.detach(|| autoket_cli::program(arguments, || Ok((ranks, mpi))))
}
