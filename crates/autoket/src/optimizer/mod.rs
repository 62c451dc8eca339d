//! From a gradient to new parameters.

mod cholesky;
pub mod layerwise;
mod log_derivatives;
mod pool;
mod rules;
mod schedule;
mod sr;
mod symmetric;

pub use log_derivatives::{Buffers, LogDerivatives};
pub use rules::{Optimizer, Rule};
pub use schedule::{Changing, Schedule};
pub use sr::{Solution, Sr, SrForm, SrPlan, SrSpace};

use pool::Pool;
use symmetric::Symmetric;
