//! What a module's author does with arrays; each operation knows the shape of its result without computing.

use num_complex::Complex;
use num_traits::Float;

use super::array::{Values, shape_text, with_dtype, with_scalars};
use super::places::{Places, broadcast, canonical_axes, for_each_place, strides};
use super::{Array, Element};
use crate::error::{Error, Result};
use crate::nn::{Activation, Function};
use crate::scalar::{Dtype, Real, Scalar};
use crate::simd::Row;

/// The four operations between two elements.
#[derive(Clone, Copy)]
enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

impl Binary {
    fn scalars<S: Scalar>(self, a: S, b: S) -> S {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
        }
    }

    fn integers(self, a: i64, b: i64) -> i64 {
        match self {
            Self::Add => a.wrapping_add(b),
            Self::Sub => a.wrapping_sub(b),
            Self::Mul => a.wrapping_mul(b),
            Self::Div => a.checked_div(b).unwrap_or(0),
        }
    }
}

/// The functions of one element.
#[derive(Clone, Copy)]
enum Unary {
    Exp,
    Log,
    Sqrt,
    Rsqrt,
}

impl Unary {
    fn apply<S: Scalar>(self, x: S) -> S {
        if S::PLANES == 1 {
            let x = x.re();
            let y = match self {
                Self::Exp => x.exp(),
                Self::Log => x.ln(),
                Self::Sqrt => x.sqrt(),
                Self::Rsqrt => x.sqrt().recip(),
            };
            return S::new(y, y);
        }
        let x = Complex::new(x.re().widen(), x.im().widen());
        S::from_c64(match self {
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Rsqrt => x.sqrt().inv(),
        })
    }
}

impl Array {
    /// a + b, with broadcasting: axes are aligned at the last, and an axis of 1 is repeated.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.binary(other, Binary::Add)
    }

    /// a - b, with broadcasting.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.binary(other, Binary::Sub)
    }

    /// a · b element by element, with broadcasting.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        self.binary(other, Binary::Mul)
    }

    /// a/b element by element, with broadcasting; integers are divided as `float64`.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    pub fn div(&self, other: &Self) -> Result<Self> {
        self.inexact().binary(other, Binary::Div)
    }

    fn binary(&self, other: &Self, operation: Binary) -> Result<Self> {
        let shape = broadcast(self.shape(), other.shape())?;
        let element = self.element().promote(other.element());
        let (a, b) = (self.cast(element), other.cast(element));
        let (Some(x), Some(y)) = (a.known(), b.known()) else {
            return Ok(Self::shape_only(&shape, element));
        };
        let places = Places::new(&shape, [a.shape(), b.shape()]);
        macro_rules! on {
            ($x:ident, $y:ident, $f:ident) => {
                places
                    .map(|[i, j]| operation.$f($x[i], $y[j]))
                    .collect::<Vec<_>>()
            };
        }
        Ok(match (x, y) {
            (Values::Integers(x), Values::Integers(y)) => {
                let values = on!(x, y, integers);
                Self::from_integers(shape, element, values)
            }
            (Values::Float32(x), Values::Float32(y)) => {
                Self::from_scalars(shape.clone(), on!(x, y, scalars))
            }
            (Values::Float64(x), Values::Float64(y)) => {
                Self::from_scalars(shape.clone(), on!(x, y, scalars))
            }
            (Values::Complex64(x), Values::Complex64(y)) => {
                Self::from_scalars(shape.clone(), on!(x, y, scalars))
            }
            (Values::Complex128(x), Values::Complex128(y)) => {
                Self::from_scalars(shape.clone(), on!(x, y, scalars))
            }
            _ => unreachable!("both have been cast to the same type"),
        })
    }

    /// Σ_k x\[…, k\] w\[k, …\]: the last axis with the first one.
    ///
    /// # Errors
    /// The two axes have different lengths, or there is none.
    pub fn dot(&self, w: &Self) -> Result<Self> {
        let (Some((&inner, batch)), Some((&first, rest))) =
            (self.shape().split_last(), w.shape().split_first())
        else {
            return Err(shapes_do_not_fit("dot", self, w));
        };
        if inner != first {
            return Err(shapes_do_not_fit("dot", self, w));
        }
        let shape = [batch, rest].concat();
        let element = self.element().promote(w.element());
        let element = Self::shape_only(&[], element).inexact().element();
        let Element::Inexact(dtype) = element else {
            unreachable!("made inexact")
        };
        if self.is_abstract() || w.is_abstract() {
            return Ok(Self::shape_only(&shape, element));
        }
        with_dtype!(dtype, S => {
            let sizes = [batch.iter().product(), inner, rest.iter().product()];
            let values = matmul::<S>(&self.values()?, &w.values()?, sizes);
            Ok(Self::from_scalars(shape, values))
        })
    }

    /// eˣ; integers as `float64`, as in the other functions.
    pub fn exp(&self) -> Self {
        self.unary(Unary::Exp)
    }

    /// log x; NaN for negative real numbers.
    pub fn log(&self) -> Self {
        self.unary(Unary::Log)
    }

    /// √x
    pub fn sqrt(&self) -> Self {
        self.unary(Unary::Sqrt)
    }

    /// 1/√x
    pub fn rsqrt(&self) -> Self {
        self.unary(Unary::Rsqrt)
    }

    fn unary(&self, function: Unary) -> Self {
        let x = self.inexact();
        match x.known() {
            None => x,
            Some(values) => with_scalars!(values, v, S => {
                let values: Vec<S> = v.iter().map(|&x| function.apply(x)).collect();
                Self::from_scalars(x.shape().to_vec(), values)
            }, integers _i => x.clone()),
        }
    }

    /// f(x) of each element.
    pub fn activate(&self, activation: &Activation) -> Self {
        let x = self.inexact();
        match x.known() {
            None => x,
            Some(values) => with_scalars!(values, v, S => {
                Self::from_scalars(x.shape().to_vec(), activate::<S>(activation, v))
            }, integers _i => x.clone()),
        }
    }

    /// Real parts, of the real dtype.
    pub fn real(&self) -> Self {
        self.cast(real_of(self.element()))
    }

    /// |x|², of the real dtype.
    pub fn abs_squared(&self) -> Self {
        let x = self.inexact();
        let element = real_of(x.element());
        match x.known() {
            None => Self::shape_only(x.shape(), element),
            Some(values) => with_scalars!(values, v, S => {
                let square = |x: &S| x.re() * x.re() + x.im() * x.im();
                let values: Vec<<S as Scalar>::Real> = v.iter().map(square).collect();
                Self::from_scalars(x.shape().to_vec(), values)
            }, integers _i => x.clone()),
        }
    }

    /// max(Re x, 0), of the real dtype.
    pub fn at_least_zero(&self) -> Self {
        self.real().activate(&Function::Relu.into())
    }

    /// The sum over some axes, which are left out; negative axes count from the last.
    ///
    /// # Errors
    /// There is no such axis.
    pub fn sum(&self, axes: &[isize]) -> Result<Self> {
        let axes = canonical_axes(axes, self.shape())?;
        let kept = |axis: &usize| !axes.contains(axis);
        let ones: Vec<usize> = (0..self.ndim())
            .map(|axis| if kept(&axis) { self.shape()[axis] } else { 1 })
            .collect();
        let shape: Vec<usize> = (0..self.ndim())
            .filter(kept)
            .map(|axis| self.shape()[axis])
            .collect();
        let Some(values) = self.known() else {
            return Ok(Self::shape_only(&shape, self.element()));
        };
        let n: usize = shape.iter().product();
        let places = Places::new(self.shape(), [self.shape(), &ones]);
        Ok(with_scalars!(values, v, S => {
            let mut sums = vec![S::default(); n];
            for [from, to] in places {
                sums[to] += v[from];
            }
            Self::from_scalars(shape, sums)
        }, integers v => {
            let mut sums = vec![0_i64; n];
            for [from, to] in places {
                sums[to] = sums[to].wrapping_add(v[from]);
            }
            Self::from_integers(shape, self.element(), sums)
        }))
    }

    /// The mean over some axes, which are left out.
    ///
    /// # Errors
    /// There is no such axis.
    pub fn mean(&self, axes: &[isize]) -> Result<Self> {
        let sum = self.inexact().sum(axes)?;
        let count = self.size() / sum.size().max(1);
        let dtype = real_of(sum.element());
        sum.div(&Self::full(&[], count as f64).cast(dtype))
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// The shape has another number of elements.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        if shape.iter().product::<usize>() == self.size() {
            return Ok(self.with_shape(shape.to_vec()));
        }
        Err(Error::invalid(
            "reshape",
            format!("a shape of {} elements", self.size()),
            shape_text(shape),
            format!("the array is {self}"),
        ))
    }

    /// The axes in reversed order.
    pub fn transpose(&self) -> Self {
        let shape: Vec<usize> = self.shape().iter().rev().copied().collect();
        let mut strides = strides(self.shape());
        strides.reverse();
        self.gather(shape.clone(), &|place| {
            Some(
                place
                    .iter()
                    .zip(&strides)
                    .map(|(i, stride)| i * stride)
                    .sum(),
            )
        })
    }

    /// x\[index, …\] along an axis, which is left out.
    ///
    /// # Errors
    /// There is no such axis or entry.
    pub fn at(&self, axis: isize, index: usize) -> Result<Self> {
        let axis = canonical_axes(&[axis], self.shape())?[0];
        let length = self.shape()[axis];
        if index >= length {
            return Err(Error::invalid(
                "index",
                format!("less than {length}"),
                index,
                format!("the array is {self}"),
            ));
        }
        let mut shape = self.shape().to_vec();
        shape.remove(axis);
        let strides = strides(self.shape());
        Ok(self.gather(shape, &|place| {
            let mut place = place.to_vec();
            place.insert(axis, index);
            Some(
                place
                    .iter()
                    .zip(&strides)
                    .map(|(i, stride)| i * stride)
                    .sum(),
            )
        }))
    }

    /// Entries of an axis in another order, or some of them: x\[indices, …\]. JAX: `take`.
    ///
    /// # Errors
    /// There is no such axis or entry.
    pub fn take(&self, axis: isize, indices: &[usize]) -> Result<Self> {
        let axis = canonical_axes(&[axis], self.shape())?[0];
        let length = self.shape()[axis];
        if let Some(index) = indices.iter().find(|&&index| index >= length) {
            return Err(Error::invalid(
                "indices",
                format!("less than {length}"),
                index,
                format!("the array is {self}"),
            ));
        }
        let mut shape = self.shape().to_vec();
        shape[axis] = indices.len();
        let strides = strides(self.shape());
        Ok(self.gather(shape, &|place| {
            let steps = place.iter().zip(&strides).enumerate();
            let steps = steps.map(|(k, (&i, stride))| match k == axis {
                true => indices[i] * stride,
                false => i * stride,
            });
            Some(steps.sum())
        }))
    }

    /// The same numbers as elements of another type; a real one drops imaginary parts, an integer fractions.
    pub fn cast(&self, element: impl Into<Element>) -> Self {
        let element = element.into();
        if element == self.element() {
            return self.clone();
        }
        match (self.known(), element) {
            (None, _) => Self::shape_only(self.shape(), element),
            (Some(values), Element::Inexact(dtype)) => with_dtype!(dtype, S => {
                Self::from_scalars(self.shape().to_vec(), values.to_scalars::<S>())
            }),
            (Some(Values::Integers(values)), _) => {
                Self::from_integers(self.shape().to_vec(), element, values.clone())
            }
            (Some(values), _) => {
                let values = values.to_scalars::<f64>().into_iter().map(|x| x as i64);
                Self::from_integers(self.shape().to_vec(), element, values.collect())
            }
        }
    }

    /// Itself, integers as `float64`.
    fn inexact(&self) -> Self {
        match self.element().is_integer() {
            true => self.cast(Dtype::Float64),
            false => self.clone(),
        }
    }

    /// An array of elements of this one: `from` gives the place of each in C order, or `None` for 0.
    pub(super) fn gather(
        &self,
        shape: Vec<usize>,
        from: &dyn Fn(&[usize]) -> Option<usize>,
    ) -> Self {
        let Some(values) = self.known() else {
            return Self::shape_only(&shape, self.element());
        };
        let mut places = Vec::with_capacity(shape.iter().product());
        for_each_place(&shape, |place| places.push(from(place)));
        with_scalars!(values, v, S => {
            let take = |place: &Option<usize>| place.map_or(S::default(), |place| v[place]);
            Self::from_scalars(shape, places.iter().map(take).collect::<Vec<S>>())
        }, integers v => {
            let take = |place: &Option<usize>| place.map_or(0, |place| v[place]);
            Self::from_integers(shape, self.element(), places.iter().map(take).collect())
        })
    }
}

/// `(batch, inner)` times `(inner, columns)`.
fn matmul<S: Scalar>(x: &[S], w: &[S], [batch, inner, columns]: [usize; 3]) -> Vec<S> {
    let mut y = vec![S::default(); batch * columns];
    if inner == 0 || columns == 0 {
        return y;
    }
    for (x, y) in x.chunks_exact(inner).zip(y.chunks_exact_mut(columns)) {
        for (&x, w) in x.iter().zip(w.chunks_exact(columns)) {
            for (y, &w) in y.iter_mut().zip(w) {
                *y += x * w;
            }
        }
    }
    y
}

/// The activation of each number, by the kernel that works on rows of lanes.
fn activate<S: Scalar>(activation: &Activation, x: &[S]) -> Vec<S> {
    let lanes = <S::Real as Real>::Row::LANES;
    let zero = <S::Real as Real>::Row::splat(S::Real::from_f64(0.0));
    let n_rows = x.len().div_ceil(lanes);
    let mut rows = vec![zero; n_rows * S::PLANES];
    let mut out = rows.clone();
    for (i, x) in x.iter().enumerate() {
        let row = i / lanes * S::PLANES;
        rows[row][i % lanes] = x.re();
        if S::PLANES == 2 {
            rows[row + 1][i % lanes] = x.im();
        }
    }
    activation.apply::<S>(&rows, None, &mut out);
    let number = |i: usize| {
        let row = i / lanes * S::PLANES;
        S::new(out[row][i % lanes], out[row + S::PLANES - 1][i % lanes])
    };
    (0..x.len()).map(number).collect()
}

fn real_of(element: Element) -> Element {
    match element {
        Element::Inexact(dtype) => dtype.real().into(),
        integer => integer,
    }
}

fn shapes_do_not_fit(operation: &str, a: &Array, b: &Array) -> Error {
    Error::invalid(
        operation,
        "a last axis as long as the first axis of the other",
        format!("{a} and {b}"),
        "transpose or reshape one of them",
    )
}
