//! A vector for each integer.

use super::{computation, display, only_input};
use crate::error::{Error, Result};
use crate::module::{Array, CALL, Module, Scope, no_method};
use crate::nn::{Distribution, Fan, Initializer, VarianceScaling};
use crate::scalar::Dtype;

/// y\[…, :\] = embedding\[x\[…\], :\]; negative integers count from the last.
///
/// Parameter: `embedding` (num_embeddings, features). The method `attend` is the product of a query
/// (…, features) with all vectors, (…, num_embeddings). Flax: `nn.Embed`.
///
/// ```
/// use autoket::{module::{Array, Element, Embed, Module}, random::Key};
/// let x = Array::integers(&[2], Element::Int32, vec![0, -1])?;
/// let (y, _) = Embed::new(5, 3).init_with_output(Key::new(0), &[x], Default::default())?;
/// assert_eq!(y.to_string(), "float32[2,3]");
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Embed {
    /// The number of integers.
    pub num_embeddings: usize,
    /// The length of a vector.
    pub features: usize,
    /// The type of the output; `None`: that of the parameters, in `attend` together with the query.
    pub dtype: Option<Dtype>,
    /// The type of the parameters.
    pub param_dtype: Dtype,
    /// How the vectors begin.
    pub embedding_init: Initializer,
}

impl Embed {
    /// Flax's defaults for what is not given: normal vectors of variance 1/features.
    pub fn new(num_embeddings: usize, features: usize) -> Self {
        Self {
            num_embeddings,
            features,
            dtype: None,
            param_dtype: Dtype::Float32,
            embedding_init: Initializer::VarianceScaling(VarianceScaling {
                out_axis: 0,
                ..VarianceScaling::new(1.0, Fan::In, Distribution::Normal)
            }),
        }
    }

    fn embedding(&self, scope: &Scope) -> Result<Array> {
        let shape = [self.num_embeddings, self.features];
        scope.param(
            "embedding",
            self.embedding_init.clone(),
            &shape,
            self.param_dtype,
        )
    }

    fn attend(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let query = only_input("Embed.attend", inputs)?;
        let embedding = self.embedding(scope)?;
        let element = computation(self.dtype, &[query, &embedding]);
        query
            .cast(element)
            .dot(&embedding.cast(element).transpose())
    }
}

impl Module for Embed {
    fn class(&self) -> &'static str {
        "Embed"
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("num_embeddings", self.num_embeddings.to_string()),
            ("features", self.features.to_string()),
            ("dtype", display(self.dtype)),
            ("param_dtype", self.param_dtype.to_string()),
            ("embedding_init", format!("{:?}", self.embedding_init)),
        ]
    }

    fn call(&self, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        let x = only_input(self.class(), inputs)?;
        if !x.element().is_integer() {
            return Err(Error::invalid(
                "inputs",
                "integers",
                x,
                "cast them, or take `Dense` for numbers",
            ));
        }
        let embedding = self.embedding(scope)?;
        let embedding = embedding.cast(computation(self.dtype, &[&embedding]));
        let shape = [x.shape(), &[self.features]].concat();
        if x.is_abstract() {
            return Ok(Array::shape_only(&shape, embedding.element()));
        }
        let rows: Vec<usize> = x
            .to_integers()?
            .into_iter()
            .map(|i| self.row(i))
            .collect::<Result<_>>()?;
        let flat = [rows.len(), self.features];
        let from = |place: &[usize]| Some(rows[place[0]] * self.features + place[1]);
        embedding.gather(flat.to_vec(), &from).reshape(&shape)
    }

    fn methods(&self) -> Vec<&'static str> {
        vec![CALL, "attend"]
    }

    fn method(&self, name: &str, scope: &Scope, inputs: &[Array]) -> Result<Array> {
        match name {
            CALL => self.call(scope, inputs),
            "attend" => self.attend(scope, inputs),
            _ => Err(no_method(self.class(), name, self.methods()).into()),
        }
    }
}

impl Embed {
    /// The row of an integer.
    fn row(&self, i: i64) -> Result<usize> {
        let n = self.num_embeddings as i64;
        if (-n..n).contains(&i) {
            return Ok(i.rem_euclid(n) as usize);
        }
        Err(Error::invalid(
            "inputs",
            format!("integers from {} to {}", -n, n - 1),
            i,
            "give `num_embeddings` for all that occur",
        ))
    }
}
