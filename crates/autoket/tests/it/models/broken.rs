//! The check of the laws finds what breaks each of them.

use std::ops::Range;
use std::sync::Arc;

use autoket::Result;
use autoket::hilbert::Hilbert;
use autoket::models::{Ansatz, Arnn, ArnnDense, Autoregressive, RowOf, Samples, laws};
use autoket::nn::Initializer;
use autoket::operator::Operator;
use autoket::params::{Layout, Params};
use autoket::random::Key;
use autoket::{Error, c64};

/// What is wrong with a model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    Conditionals,
    NotANumber,
    LogPsi,
    Order,
    Draw,
    Gradient,
    Rows,
    /// Of gradient and rows alike.
    Activation,
    LocalValues,
}

struct Broken {
    model: Arnn<f64>,
    defect: Defect,
}

/// Larger than rounding, and no more.
const SLIGHTLY: f64 = 1e-6;

impl Broken {
    /// 0 or, where this is the defect, a little.
    fn slip(&self, defects: &[Defect]) -> f64 {
        match defects.contains(&self.defect) {
            true => SLIGHTLY,
            false => 0.0,
        }
    }
}

impl Ansatz<f64> for Broken {
    fn hilbert(&self) -> &Hilbert {
        self.model.hilbert()
    }
    fn layout(&self) -> &Arc<Layout> {
        self.model.layout()
    }
    fn init(&self, key: Key) -> Params<f64> {
        self.model.init(key)
    }
    fn log_psi_into(&self, theta: &[f64], sigma: &[u8], out: &mut [f64]) -> Result<()> {
        self.model.log_psi_into(theta, sigma, out)?;
        let slip = self.slip(&[Defect::LogPsi]);
        out.iter_mut().for_each(|y| *y += slip);
        Ok(())
    }
    fn vjp(&self, theta: &[f64], sigma: &[u8], cotangent: &[f64], sum: &mut [f64]) -> Result<()> {
        self.model.vjp(theta, sigma, cotangent, sum)?;
        // Rounding of differences is larger.
        let factor = 1.0 + 1e3 * self.slip(&[Defect::Gradient, Defect::Activation]);
        sum.iter_mut().for_each(|g| *g *= factor);
        Ok(())
    }
    fn jacobian(&self, theta: &[f64], sigma: &[u8], out: &mut [RowOf<f64>]) -> Result<()> {
        self.model.jacobian(theta, sigma, out)?;
        let factor = 1.0 + 1e3 * self.slip(&[Defect::Rows, Defect::Activation]);
        let all = out.iter_mut().flat_map(|row| row.iter_mut());
        all.for_each(|o| *o *= factor);
        Ok(())
    }
    fn local_values_into(
        &self,
        theta: &[f64],
        sigma: &[u8],
        operator: &dyn Operator,
        out: &mut [c64],
    ) -> Result<()> {
        self.model.local_values_into(theta, sigma, operator, out)?;
        out[0] += self.slip(&[Defect::LocalValues]);
        Ok(())
    }
    fn tabulate(&self, n_samples: usize) -> String {
        self.model.tabulate(n_samples)
    }
}

impl Autoregressive<f64> for Broken {
    fn conditionals_log_psi_into(
        &self,
        theta: &[f64],
        sigma: &[u8],
        out: &mut [f64],
    ) -> Result<()> {
        self.model.conditionals_log_psi_into(theta, sigma, out)?;
        match self.defect {
            Defect::NotANumber => out[3] = f64::NAN,
            _ => out[3] += self.slip(&[Defect::Conditionals]),
        }
        Ok(())
    }
    fn machine_pow(&self) -> u32 {
        self.model.machine_pow()
    }
    fn sample_places_into(
        &self,
        theta: &[f64],
        places: Range<usize>,
        key: Key,
        samples: &mut Samples<f64>,
    ) -> Result<()> {
        self.model.sample_places_into(theta, places, key, samples)?;
        samples.log_psi[1] += self.slip(&[Defect::Draw]);
        Ok(())
    }
    fn order(&self) -> Vec<usize> {
        let mut order = self.model.order();
        if self.defect == Defect::Order {
            order.swap(1, 2);
        }
        order
    }
}

#[test]
fn each_law_can_be_broken() {
    let dense = ArnnDense {
        bias_init: Initializer::Normal(0.2),
        ..ArnnDense::new(Hilbert::spin(0.5, 5).unwrap(), 2, 3)
    };
    let check = |defect| {
        let model = dense.build::<f64>().unwrap();
        laws::check(&Broken { model, defect })
    };
    check(Defect::None).unwrap();
    for (defect, law) in [
        (Defect::Conditionals, "probabilities sum to 1"),
        (Defect::NotANumber, "probabilities sum to 1"),
        (Defect::LogPsi, "the sum of the log-conditionals"),
        (Defect::Order, "depend on the sites drawn before alone"),
        (Defect::Draw, "log ψ of a draw"),
        (Defect::Gradient, "the sum of those of single samples"),
        (Defect::Rows, "the sum of those of single samples"),
        (Defect::Activation, "finite differences"),
        (Defect::LocalValues, "evaluating each connected state"),
    ] {
        match check(defect) {
            Err(Error::Invalid {
                field, expected, ..
            }) => {
                assert_eq!(field, "model");
                assert!(expected.contains(law), "{defect:?}: {expected}");
            }
            other => panic!("{defect:?}: {other:?}"),
        }
    }
}
