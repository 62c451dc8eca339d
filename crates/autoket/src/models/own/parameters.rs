//! The arrays of a user's parameters.

use crate::error::{Error, Result};
use crate::module::Variables;
use crate::params::LeafSpec;
use crate::scalar::Dtype;

/// Arrays by the paths of their modules.
type Leaves = Vec<(String, Vec<LeafSpec>)>;

/// The one type of all parameters, and their arrays.
pub(super) fn described(variables: &Variables) -> Result<(Dtype, Leaves)> {
    let mut leaves = Vec::new();
    let mut dtypes = Vec::new();
    if let Some(tree) = variables.get("params") {
        describe(tree, "", &mut leaves, &mut dtypes)?;
    }
    let dtype = match dtypes.split_first() {
        None => Dtype::Float64,
        Some((first, rest)) if rest.iter().all(|dtype| dtype == first) => *first,
        Some(_) => {
            return Err(Error::invalid(
                "params",
                "parameters of one type",
                dtypes
                    .iter()
                    .map(Dtype::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
                "give all of them the same dtype",
            ));
        }
    };
    Ok((dtype, leaves))
}

fn describe(
    tree: &crate::module::Tree,
    module: &str,
    leaves: &mut Leaves,
    dtypes: &mut Vec<Dtype>,
) -> Result<()> {
    use crate::module::{Element, Variable};
    for (name, variable) in tree {
        match variable {
            Variable::Tree(tree) => {
                let module = match module {
                    "" => name.clone(),
                    module => format!("{module}/{name}"),
                };
                describe(tree, &module, leaves, dtypes)?;
            }
            Variable::Array(array) => {
                let Element::Inexact(dtype) = array.element() else {
                    let cure = "give it a dtype of real or complex numbers";
                    return Err(Error::invalid(name, "real or complex numbers", array, cure));
                };
                dtypes.push(dtype);
                let spec = LeafSpec {
                    name: name.clone().into(),
                    shape: array.shape().to_vec(),
                    mask: None,
                };
                leaves.push((module.to_owned(), vec![spec]));
            }
            Variable::Tuple(_) => {
                let cure = "make parameters by `param`";
                return Err(Error::invalid(name, "an array", "a tuple", cure));
            }
        }
    }
    Ok(())
}
