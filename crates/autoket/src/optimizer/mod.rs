//! From a gradient to new parameters.

mod log_derivatives;
mod rules;
mod schedule;
mod sr;

pub use log_derivatives::LogDerivatives;
pub use rules::{Optimizer, Rule};
pub use schedule::{Changing, Schedule};
pub use sr::{Solution, Sr, SrForm};
