//! Dense linear algebra, by faer, with the degree of parallelism fixed by the size of the problem:
//! faer's bits depend on it, and must not depend on the number of threads.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::traits::ComplexField;
use faer::traits::ext::ComplexFieldExt;
use faer::{Mat, MatRef, Par};

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;

fn parallelism(n: usize) -> Par {
    match n {
        0..512 => Par::Seq,
        _ => Par::rayon(4),
    }
}

/// Vectors of conjugate gradients, to be used again.
#[derive(Debug, Default)]
pub(crate) struct CgSpace {
    residual: Vec<f64>,
    direction: Vec<f64>,
    image: Vec<f64>,
}

/// b ← (M + shift)⁻¹ b by conjugate gradients, M known by its product with a vector.
///
/// Returns whether the residual fell below `tolerance` times that of the start in so many iterations;
/// where it did not, b is where it came to: after so many, or before a direction that M + shift has none of.
pub(crate) fn conjugate_gradient(
    mut product: impl FnMut(&[f64], &mut Vec<f64>) -> Result<()>,
    shift: f64,
    b: &mut [f64],
    tolerance: f64,
    iterations: usize,
    space: &mut CgSpace,
    interrupt: &Interrupt,
) -> Result<bool> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let CgSpace {
        residual,
        direction,
        image,
    } = space;
    for vector in [&mut *residual, &mut *direction] {
        vector.clear();
        vector.extend_from_slice(b);
    }
    let x = b;
    x.fill(0.0);
    let mut square = dot(residual, residual);
    let small = tolerance * tolerance * square;
    let mut converged = square <= small;
    for _ in 0..iterations {
        if converged || !square.is_finite() || interrupt.is_raised() {
            break;
        }
        product(direction, image)?;
        for (image, direction) in image.iter_mut().zip(&*direction) {
            *image += shift * direction;
        }
        let curvature = dot(direction, image);
        if curvature <= 0.0 {
            break;
        }
        let step = square / curvature;
        for i in 0..x.len() {
            x[i] += step * direction[i];
            residual[i] -= step * image[i];
        }
        let before = square;
        square = dot(residual, residual);
        for (direction, residual) in direction.iter_mut().zip(&*residual) {
            *direction = residual + square / before * *direction;
        }
        converged = square <= small;
    }
    Ok(converged)
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

/// The singular values of a matrix, descending.
pub(crate) fn singular_values(m: MatRef<f64>) -> Result<Vec<f64>> {
    let n = m.nrows().min(m.ncols());
    let par = parallelism(n);
    let no = ComputeSvdVectors::No;
    let scratch = svd_scratch::<f64>(m.nrows(), m.ncols(), no, no, par, Default::default());
    let mut memory = MemBuffer::new(scratch);
    let mut values = Diag::<f64>::zeros(n);
    svd(
        m,
        values.as_mut(),
        None,
        None,
        par,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| Error::NotConverged {
        what: "the singular value decomposition".into(),
        iterations: 0,
        residual: f64::NAN,
        cure: "look for NaN or infinity in the matrix".into(),
    })?;
    Ok(values.column_vector().iter().copied().collect())
}
