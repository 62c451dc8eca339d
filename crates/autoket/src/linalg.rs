//! Dense linear algebra, by faer, with the degree of parallelism fixed by the size of the problem:
//! faer's bits depend on it, and must not depend on the number of threads.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::traits::ComplexField;
use faer::traits::ext::ComplexFieldExt;
use faer::{Conj, Mat, MatRef, Par};

use crate::error::{Error, Result};

fn parallelism(n: usize) -> Par {
    match n {
        0..512 => Par::Seq,
        _ => Par::rayon(4),
    }
}

/// x of M x = b by Cholesky, M from its lower triangle; `None` where M is not positive to rounding.
pub(crate) fn cholesky_solve(m: &Mat<f64>, b: &[f64]) -> Option<Vec<f64>> {
    let n = m.nrows();
    let par = parallelism(n);
    let mut l = m.clone();
    let scratch = factor::cholesky_in_place_scratch::<f64>(n, par, Default::default())
        .or(solve::solve_in_place_scratch::<f64>(n, 1, par));
    let mut memory = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut memory);
    let options = Default::default();
    factor::cholesky_in_place(l.as_mut(), Default::default(), par, stack, options).ok()?;
    let mut x = Mat::from_fn(n, 1, |i, _| b[i]);
    solve::solve_in_place_with_conj(l.as_ref(), Conj::No, x.as_mut(), par, stack);
    Some(x.col(0).iter().copied().collect())
}

/// Eigenvalues, ascending, and eigenvectors of a Hermitian matrix, from its lower triangle.
///
/// The degree of parallelism depends on the size alone, and so do the bits.
pub(crate) fn eigen<S: ComplexField<Real = f64>>(
    matrix: MatRef<S>,
    vectors: ComputeEigenvectors,
) -> Result<(Vec<f64>, Mat<S>)> {
    let n = matrix.nrows();
    let par = parallelism(n);
    let mut values = Diag::<S>::zeros(n);
    let mut basis = match vectors {
        ComputeEigenvectors::Yes => Some(Mat::<S>::zeros(n, n)),
        ComputeEigenvectors::No => None,
    };
    let scratch = self_adjoint_evd_scratch::<S>(n, vectors, par, Default::default());
    self_adjoint_evd(
        matrix,
        values.as_mut(),
        basis.as_mut().map(|basis| basis.as_mut()),
        par,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|_| Error::NotConverged {
        what: "the dense eigenvalue solver".into(),
        iterations: 0,
        residual: f64::NAN,
        cure: "look for NaN or infinity in the operator".into(),
    })?;
    let values = values.column_vector().iter().map(|value| value.real());
    Ok((values.collect(), basis.unwrap_or_else(|| Mat::zeros(0, 0))))
}
