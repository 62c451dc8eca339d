//! Operations on arrays.

use autoket::module::{Array, Element};
use autoket::{Dtype, Result, c64, nn};

/// Every operation finds the shape that it computes.
#[test]
fn abstract_arrays_have_the_shapes_of_concrete_ones() {
    let x = Array::new(&[2, 3], vec![1.0_f32, -2.0, 0.5, 4.0, 3.0, -1.0]).unwrap();
    let n = Array::integers(&[3], Element::Int8, vec![1, 2, 3]).unwrap();
    type Operation<'a> = &'a dyn Fn(&Array, &Array) -> Result<Array>;
    let operations: &[Operation] = &[
        &|x, n| x.add(n),
        &|x, n| n.sub(x),
        &|x, n| x.mul(n),
        &|x, n| n.div(x),
        &|_, n| n.div(n),
        &|x, n| x.dot(n),
        &|x, _| x.dot(&x.transpose()),
        &|x, _| Ok(x.exp()),
        &|_, n| Ok(n.log()),
        &|x, _| Ok(x.cast(Dtype::Complex128).sqrt()),
        &|x, _| Ok(x.cast(Dtype::Complex64).abs_squared()),
        &|x, _| Ok(x.activate(&nn::Function::Selu.into())),
        &|x, _| x.sum(&[0]),
        &|_, n| n.sum(&[-1]),
        &|x, _| x.mean(&[0, 1]),
        &|x, _| x.reshape(&[3, 1, 2]),
        &|x, _| x.at(1, 2),
        &|x, _| x.take(-1, &[2, 0, 0, 1]),
        &|_, n| n.take(0, &[1]),
        &|x, _| Ok(x.cast(Element::Int32)),
        &|x, _| Ok(x.cast(Dtype::Complex64).real()),
    ];
    for (i, operation) in operations.iter().enumerate() {
        let concrete = operation(&x, &n).unwrap();
        assert!(!concrete.is_abstract());
        let shapes = operation(&x.to_shape_only(), &n.to_shape_only()).unwrap();
        assert_eq!(shapes, concrete.to_shape_only(), "operation {i}");
    }
    let refused: &[Operation] = &[
        &|x, _| x.add(&Array::shape_only(&[2], Dtype::Float32)),
        &|x, _| x.dot(x),
        &|x, _| x.reshape(&[4]),
        &|x, _| x.sum(&[2]),
        &|x, _| x.at(0, 2),
        &|x, _| x.take(0, &[0, 2]),
    ];
    for (i, operation) in refused.iter().enumerate() {
        assert!(operation(&x, &n).is_err(), "{i}");
        assert!(operation(&x.to_shape_only(), &n).is_err(), "{i}");
    }
}

#[test]
fn arrays_compute() {
    let x = Array::new(&[2, 3], vec![1.0, -2.0, 0.5, 4.0, 3.0, -1.0]).unwrap();
    let row = Array::new(&[3], vec![1.0, 2.0, 3.0]).unwrap();
    let column = row.at(0, 0).unwrap().reshape(&[1, 1]).unwrap();
    let values = |x: Result<Array>| x.unwrap().values::<f64>().unwrap();
    assert_eq!(values(x.add(&row)), [2.0, 0.0, 3.5, 5.0, 5.0, 2.0]);
    assert_eq!(values(x.sub(&column)), [0.0, -3.0, -0.5, 3.0, 2.0, -2.0]);
    assert_eq!(values(x.dot(&row)), [-1.5, 7.0]);
    assert_eq!(values(x.sum(&[0])), [5.0, 1.0, -0.5]);
    assert_eq!(values(x.mean(&[-1])), [-0.5 / 3.0, 2.0]);
    assert_eq!(values(x.at(1, 2)), [0.5, -1.0]);
    assert_eq!(values(x.take(1, &[2, 0])), [0.5, 1.0, -1.0, 4.0]);
    assert_eq!(values(x.take(0, &[1])), [4.0, 3.0, -1.0]);
    assert_eq!(values(Ok(x.transpose())), [1.0, 4.0, -2.0, 3.0, 0.5, -1.0]);
    let byte = Array::integers(&[1], Element::Int8, vec![130]).unwrap();
    assert_eq!(byte.to_integers().unwrap(), [-126]);
    let z = Array::new(&[1], vec![c64::new(3.0, 4.0)]).unwrap();
    assert_eq!(values(Ok(z.abs_squared())), [25.0]);
    assert_eq!(z.log().values::<c64>().unwrap()[0], c64::new(3.0, 4.0).ln());
}

/// λ and α as published, to double precision.
#[test]
fn selu_has_its_constants() {
    let (lambda, alpha) = (
        1.0507009873554804934193349852946,
        1.6732632423543772848170429916717,
    );
    let selu = |x: f64| {
        let y = Array::full(&[1], x).activate(&nn::Function::Selu.into());
        y.values::<f64>().unwrap()[0]
    };
    assert_eq!(selu(1.0), lambda);
    assert!((selu(-700.0) + lambda * alpha).abs() < 1e-15);
}
