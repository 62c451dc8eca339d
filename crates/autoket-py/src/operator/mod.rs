//! Operators of all kinds behind one handle.

mod python;

use std::sync::Arc;

use autoket::operator::{
    self, Connected, Fcidump, FermionOperator, Ladders, LocalOperator, Operator as _, PauliStrings,
};
use autoket::{Error, c64, hilbert};
use num_complex::Complex;
use numpy::{PyArray1, PyArrayDyn, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::arrays::{States, as_dtype, shaped};
use crate::errors::OrRaise;
use crate::graph::Graph;
use crate::hilbert::Hilbert;
use crate::threads::at_work;
use python::PythonOperator;

/// An operator.
#[pyclass(frozen, module = "autoket._native")]
#[derive(Clone)]
pub struct Operator(pub Kind);

/// What it is.
#[derive(Clone)]
pub enum Kind {
    /// Matrices on few sites.
    Local(Arc<LocalOperator>),
    /// Products of Pauli matrices.
    Pauli(Arc<PauliStrings>),
    /// Products of ladder operators.
    Fermion(Arc<FermionOperator>),
    /// A function of Python.
    Python(Arc<PythonOperator>),
}

impl Operator {
    /// The operator for the library. After work with it, [`check`](Self::check).
    pub fn shared(&self) -> Arc<dyn operator::Operator> {
        match &self.0 {
            Kind::Local(operator) => Arc::clone(operator) as _,
            Kind::Pauli(operator) => Arc::clone(operator) as _,
            Kind::Fermion(operator) => Arc::clone(operator) as _,
            Kind::Python(operator) => Arc::clone(operator) as _,
        }
    }

    /// The exception that an operator written in Python raised since the last look.
    ///
    /// # Errors
    /// That exception. Until it is looked for, the operator's elements are NaN.
    pub fn check(&self) -> PyResult<()> {
        match &self.0 {
            Kind::Python(operator) => operator.check(),
            _ => Ok(()),
        }
    }

    fn local(operator: Result<LocalOperator, Error>) -> PyResult<Self> {
        Ok(Self(Kind::Local(Arc::new(operator.or_raise()?))))
    }

    fn pauli(operator: Result<PauliStrings, Error>) -> PyResult<Self> {
        Ok(Self(Kind::Pauli(Arc::new(operator.or_raise()?))))
    }

    fn fermion(operator: Result<FermionOperator, Error>) -> PyResult<Self> {
        Ok(Self(Kind::Fermion(Arc::new(operator.or_raise()?))))
    }

    /// Work without the GIL; an exception of Python's goes first.
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&dyn operator::Operator) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let shared = self.shared();
        let result = at_work(py, || work(&*shared))?;
        self.check()?;
        result.or_raise()
    }
}

/// Matrices `(sites, elements)`.
type Terms = Vec<(Vec<usize>, Vec<Complex<f64>>)>;

#[pymethods]
impl Operator {
    /// A constant and matrices on sites.
    #[staticmethod]
    fn from_matrices(
        hilbert: &Hilbert,
        terms: Vec<(Vec<usize>, PyReadonlyArray1<'_, Complex<f64>>)>,
        constant: Complex<f64>,
    ) -> PyResult<Self> {
        let mut sum = LocalOperator::identity(&hilbert.0).scaled(constant);
        for (sites, matrix) in terms {
            let term = LocalOperator::term(&hilbert.0, &sites, matrix.as_slice()?).or_raise()?;
            sum.add_scaled(&term, c64::ONE).or_raise()?;
        }
        Self::local(Ok(sum))
    }

    /// `sigmax` and the like, `create` and the like, on one site; local index 0 is up in every order of local states.
    #[staticmethod]
    fn on_site(hilbert: &Hilbert, name: &str, site: usize) -> PyResult<Self> {
        use autoket::operator::{boson, spin};
        let build = match name {
            "sigmax" => spin::sigmax,
            "sigmay" => spin::sigmay,
            "sigmaz" => spin::sigmaz,
            "sigmap" => spin::sigmap,
            "sigmam" => spin::sigmam,
            "create" => boson::create,
            "destroy" => boson::destroy,
            _ => boson::number,
        };
        if !up_is_last(&hilbert.0) {
            return Self::local(build(&hilbert.0, site));
        }
        let turned = hilbert.0.clone().with_inverted_ordering(false);
        let mut sum = LocalOperator::new(&hilbert.0);
        for (sites, matrix) in build(&turned, site).or_raise()?.terms() {
            let term = LocalOperator::term(&hilbert.0, &sites, &matrix).or_raise()?;
            sum.add_scaled(&term, c64::ONE).or_raise()?;
        }
        Self::local(Ok(sum))
    }

    #[staticmethod]
    #[pyo3(signature = (hilbert, graph, h, J))]
    #[allow(non_snake_case)]
    fn ising(hilbert: &Hilbert, graph: &Graph, h: f64, J: f64) -> PyResult<Self> {
        Self::local(operator::ising(&hilbert.0, &graph.0, h, J))
    }

    #[staticmethod]
    fn heisenberg(
        hilbert: &Hilbert,
        graph: &Graph,
        coupling: Vec<f64>,
        sign_rule: Option<Vec<bool>>,
    ) -> PyResult<Self> {
        let rule = sign_rule.as_deref();
        Self::local(operator::heisenberg(&hilbert.0, &graph.0, &coupling, rule))
    }

    #[staticmethod]
    #[allow(non_snake_case)]
    fn bose_hubbard(
        hilbert: &Hilbert,
        graph: &Graph,
        U: f64,
        V: f64,
        J: f64,
        mu: f64,
    ) -> PyResult<Self> {
        Self::local(operator::bose_hubbard(&hilbert.0, &graph.0, U, V, J, mu))
    }

    #[staticmethod]
    fn total_spin(hilbert: &Hilbert, sublattices: Option<Vec<f64>>) -> PyResult<Self> {
        Self::local(operator::total_spin(&hilbert.0, sublattices.as_deref()))
    }

    #[staticmethod]
    #[allow(non_snake_case)]
    fn xyz(hilbert: &Hilbert, graph: &Graph, J: [f64; 3], h: [f64; 3]) -> PyResult<Self> {
        Self::local(operator::xyz(&hilbert.0, &graph.0, J, h))
    }

    #[staticmethod]
    #[allow(non_snake_case)]
    fn fermi_hubbard(hilbert: &Hilbert, graph: &Graph, t: f64, U: f64) -> PyResult<Self> {
        Self::fermion(operator::fermi_hubbard(&hilbert.0, &graph.0, t, U))
    }

    #[staticmethod]
    #[allow(non_snake_case)]
    fn t_v(hilbert: &Hilbert, graph: &Graph, t: f64, V: f64) -> PyResult<Self> {
        Self::fermion(operator::t_v(&hilbert.0, &graph.0, t, V))
    }

    /// Letters for every site; local index 0 is Z = 1 in every order of local states.
    #[staticmethod]
    fn from_paulis(
        hilbert: &Hilbert,
        operators: Vec<String>,
        mut weights: Vec<Complex<f64>>,
    ) -> PyResult<Self> {
        if up_is_last(&hilbert.0) {
            for (weight, operator) in weights.iter_mut().zip(&operators) {
                *weight *= turned_sign(operator);
            }
        }
        let operators: Vec<&str> = operators.iter().map(String::as_str).collect();
        Self::pauli(PauliStrings::new(&hilbert.0, &operators, &weights))
    }

    #[staticmethod]
    fn parse_paulis(hilbert: &Hilbert, text: &str) -> PyResult<Self> {
        let parsed = PauliStrings::parse(&hilbert.0, text).or_raise()?;
        let (operators, weights) = parsed.terms().into_iter().unzip();
        Self::from_paulis(hilbert, operators, weights)
    }

    #[staticmethod]
    fn from_ladders(
        hilbert: &Hilbert,
        terms: Vec<Ladders>,
        weights: Vec<Complex<f64>>,
    ) -> PyResult<Self> {
        Self::fermion(FermionOperator::from_terms(&hilbert.0, &terms, &weights))
    }

    #[staticmethod]
    fn parse_ladders(hilbert: &Hilbert, text: &str) -> PyResult<Self> {
        Self::fermion(FermionOperator::parse(&hilbert.0, text))
    }

    /// A function of the local indices of one state that returns those connected with their matrix elements.
    #[staticmethod]
    fn from_function(
        hilbert: &Hilbert,
        rows: Py<PyAny>,
        max_conn_size: usize,
        is_hermitian: bool,
        is_real: bool,
    ) -> Self {
        let hilbert = hilbert.0.clone();
        let operator = PythonOperator::new(hilbert, rows, max_conn_size, is_hermitian, is_real);
        Self(Kind::Python(Arc::new(operator)))
    }

    fn plus(&self, other: &Self) -> PyResult<Self> {
        match (&self.0, &other.0) {
            (Kind::Local(a), Kind::Local(b)) => Self::local(a.plus(b)),
            (Kind::Pauli(a), Kind::Pauli(b)) => Self::pauli(a.plus(b)),
            (Kind::Fermion(a), Kind::Fermion(b)) => Self::fermion(a.plus(b)),
            _ => Err(different_kinds()),
        }
    }

    /// `self @ other`.
    fn times(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        match (&self.0, &other.0) {
            (Kind::Local(a), Kind::Local(b)) => Self::local(py.detach(|| a.times(b))),
            (Kind::Pauli(a), Kind::Pauli(b)) => Self::pauli(py.detach(|| a.times(b))),
            (Kind::Fermion(a), Kind::Fermion(b)) => Self::fermion(py.detach(|| a.times(b))),
            _ => Err(different_kinds()),
        }
    }

    fn scaled(&self, factor: Complex<f64>) -> PyResult<Self> {
        match &self.0 {
            Kind::Local(a) => Self::local(Ok(a.scaled(factor))),
            Kind::Pauli(a) => Self::pauli(Ok(a.scaled(factor))),
            Kind::Fermion(a) => Self::fermion(Ok(a.scaled(factor))),
            Kind::Python(_) => Err(different_kinds()),
        }
    }

    fn adjoint(&self) -> PyResult<Self> {
        match &self.0 {
            Kind::Local(a) => Self::local(Ok(a.adjoint())),
            Kind::Pauli(a) => Self::pauli(Ok(a.adjoint())),
            Kind::Fermion(a) => Self::fermion(Ok(a.adjoint())),
            Kind::Python(_) => Err(different_kinds()),
        }
    }

    fn conjugate(&self) -> PyResult<Self> {
        match &self.0 {
            Kind::Local(a) => Self::local(Ok(a.conjugate())),
            Kind::Pauli(a) => Self::pauli(Ok(a.conjugate())),
            Kind::Fermion(a) => Self::fermion(Ok(a.conjugate())),
            Kind::Python(_) => Err(different_kinds()),
        }
    }

    fn equals(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Local(a), Kind::Local(b)) => a == b,
            (Kind::Pauli(a), Kind::Pauli(b)) => a == b,
            (Kind::Fermion(a), Kind::Fermion(b)) => a == b,
            (Kind::Python(a), Kind::Python(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// The multiple of the identity, and the matrices.
    fn matrices(&self) -> PyResult<(Complex<f64>, Terms)> {
        match &self.0 {
            Kind::Local(operator) => Ok((operator.constant(), operator.terms())),
            _ => Err(different_kinds()),
        }
    }

    fn paulis(&self) -> PyResult<Vec<(String, Complex<f64>)>> {
        let Kind::Pauli(operator) = &self.0 else {
            return Err(different_kinds());
        };
        let mut terms = operator.terms();
        if up_is_last(operator.hilbert()) {
            for (letters, weight) in &mut terms {
                *weight *= turned_sign(letters);
            }
        }
        Ok(terms)
    }

    fn ladders(&self) -> PyResult<Vec<(Ladders, Complex<f64>)>> {
        match &self.0 {
            Kind::Fermion(operator) => operator.terms().or_raise(),
            _ => Err(different_kinds()),
        }
    }

    #[getter]
    fn is_hermitian(&self) -> bool {
        self.shared().is_hermitian()
    }

    #[getter]
    fn is_real(&self) -> bool {
        self.shared().is_real()
    }

    #[getter]
    fn max_conn_size(&self) -> usize {
        self.shared().max_conn_size()
    }

    /// Names of charges it conserves.
    fn conserved(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.run(py, |operator| {
            let charges = operator::conserved(operator);
            Ok(charges.iter().map(|charge| charge.name().into()).collect())
        })
    }

    fn check_closed(&self, py: Python<'_>) -> PyResult<()> {
        self.run(py, operator::check_closed)
    }

    /// The rows of states `(..., site)`: local indices `(n, site)`, elements `(n,)`, and where each row ends.
    #[allow(clippy::type_complexity)]
    fn rows<'py>(
        &self,
        py: Python<'py>,
        states: &Bound<'py, PyAny>,
    ) -> PyResult<(
        Bound<'py, PyArrayDyn<u8>>,
        Bound<'py, PyArrayDyn<Complex<f64>>>,
        Bound<'py, PyArrayDyn<i64>>,
    )> {
        let shared = self.shared();
        let States { sigma, batch } = States::read(shared.hilbert(), states)?;
        let n_sites = shared.hilbert().n_sites();
        let (indices, mels, ends) = self.run(py, |operator| {
            let (mut indices, mut mels, mut ends) = (Vec::new(), Vec::new(), Vec::new());
            let mut row = Connected::default();
            for sigma in sigma.chunks_exact(n_sites) {
                operator.connected(sigma, &mut row);
                for (mel, changes) in row.iter() {
                    let first = indices.len();
                    indices.extend_from_slice(sigma);
                    for &(site, new) in changes {
                        indices[first + site as usize] = new;
                    }
                    mels.push(mel);
                }
                ends.push(mels.len() as i64);
            }
            Ok((indices, mels, ends))
        })?;
        let n = mels.len();
        Ok((
            shaped(py, indices, &[n, n_sites])?,
            shaped(py, mels, &[n])?,
            shaped(py, ends, &batch)?,
        ))
    }

    /// Row starts, columns and elements of the sparse matrix.
    #[allow(clippy::type_complexity)]
    fn to_sparse<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(
        Bound<'py, PyArray1<i64>>,
        Bound<'py, PyArray1<i32>>,
        Bound<'py, PyArray1<Complex<f64>>>,
    )> {
        let (starts, columns, values) = self.run(py, |operator| {
            let csr = operator::to_sparse(operator)?;
            let starts: Vec<i64> = csr.row_starts().iter().map(|&n| n as i64).collect();
            let columns: Vec<i32> = csr.columns().iter().map(|&n| n as i32).collect();
            Ok((starts, columns, csr.values().to_vec()))
        })?;
        Ok((
            PyArray1::from_vec(py, starts),
            PyArray1::from_vec(py, columns),
            PyArray1::from_vec(py, values),
        ))
    }

    fn to_dense<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDyn<Complex<f64>>>> {
        let (n, elements) = self.run(py, |operator| {
            let matrix = operator::to_dense(operator)?;
            let n = matrix.nrows();
            let elements = (0..n * n).map(|i| matrix[(i / n, i % n)]).collect();
            Ok((n, elements))
        })?;
        shaped(py, elements, &[n, n])
    }

    /// O v of a vector, or of several: `(vector, state)`.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        vectors: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArrayDyn<Complex<f64>>>> {
        let vectors = as_dtype::<Complex<f64>>(vectors, "complex128")?;
        let shape = vectors.shape().to_vec();
        let x = vectors.as_slice()?.to_vec();
        let n = shape.last().copied().unwrap_or(1).max(1);
        let y = self.run(py, |operator| {
            let mut y = vec![Complex::default(); x.len()];
            for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
                operator::apply(operator, x, y)?;
            }
            Ok(y)
        })?;
        shaped(py, y, &shape)
    }
}

/// A molecule: its orbitals, electrons, twice Sz, space, and Hamiltonian.
#[pyfunction]
pub fn read_fcidump(path: &str) -> PyResult<(usize, usize, i64, Operator)> {
    let molecule = Fcidump::read(path).or_raise()?;
    let hilbert = molecule.hilbert().or_raise()?;
    let operator = Operator::fermion(molecule.operator(&hilbert))?;
    Ok((
        molecule.n_orbitals,
        molecule.n_electrons,
        molecule.ms2,
        operator,
    ))
}

/// Whether local index 0 is the lowest projection of a spin, which NetKet calls up all the same.
fn up_is_last(hilbert: &hilbert::Hilbert) -> bool {
    hilbert.spin_projections()[0] < 0.0
}

/// What Y and Z gain when up and down change places.
fn turned_sign(letters: &str) -> f64 {
    let odd = letters.chars().filter(|letter| matches!(letter, 'Y' | 'Z'));
    if odd.count() % 2 == 1 { -1.0 } else { 1.0 }
}

fn different_kinds() -> PyErr {
    PyTypeError::new_err("operators of different kinds")
}
