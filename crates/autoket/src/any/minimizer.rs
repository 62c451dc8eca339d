//! A minimizer of any scalar.

use std::sync::Arc;

use super::AnyState;
use crate::checkpoint::Checkpoint;
use crate::driver::{Minimizer, Record};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::module::{Array, with_dtype};
use crate::operator::Operator;
use crate::optimizer::{Optimizer, Rule, Schedule, Sr, SrPlan};
use crate::scalar::Scalar;
use crate::vqs::VariationalState;

/// [`Minimizer`] of any scalar.
pub trait AnyMinimizer: Send + Sync {
    /// [`Minimizer::propose`]; the samples it draws are then those of the state.
    ///
    /// # Errors
    /// As there; a state of another scalar.
    fn propose(&mut self, state: &mut dyn AnyState) -> Result<Record>;
    /// [`Minimizer::accept`].
    ///
    /// # Errors
    /// As there; a state of another scalar.
    fn accept(&mut self, state: &mut dyn AnyState) -> Result<()>;
    /// [`Minimizer::accept_elsewhere`].
    fn accept_elsewhere(&mut self);
    /// [`Minimizer::withdraw`].
    ///
    /// # Errors
    /// A state of another scalar.
    fn withdraw(&mut self, state: &mut dyn AnyState) -> Result<()>;
    /// [`Minimizer::change`].
    fn change(&self) -> Array;
    /// [`Minimizer::set_memory`].
    fn set_memory(&mut self, bytes: usize);
    /// [`Minimizer::set_interrupt`].
    fn set_interrupt(&mut self, interrupt: Interrupt);
    /// [`Minimizer::set_learning_rate`].
    fn set_learning_rate(&mut self, learning_rate: Schedule);
    /// [`Minimizer::set_temperature`].
    fn set_temperature(&mut self, temperature: Schedule);
    /// [`Minimizer::set_sr`].
    fn set_sr(&mut self, sr: Option<Sr>);
    /// [`Minimizer::halve_learning_rate`].
    fn halve_learning_rate(&mut self);
    /// [`Minimizer::checkpoint`].
    ///
    /// # Errors
    /// As there; a state of another scalar.
    fn checkpoint(&self, state: &dyn AnyState) -> Result<Checkpoint>;
    /// [`Minimizer::restore`].
    ///
    /// # Errors
    /// As there; a state of another scalar.
    fn restore(&mut self, state: &mut dyn AnyState, checkpoint: &Checkpoint) -> Result<()>;
    /// Steps done.
    fn steps(&self) -> usize;
    /// [`Minimizer::plan`].
    ///
    /// # Errors
    /// A state of another scalar.
    fn plan(&self, state: &dyn AnyState) -> Result<Option<SrPlan>>;
}

/// A minimizer for states of the scalar of this one.
///
/// # Errors
/// As [`Minimizer::new`]; the Hamiltonian acts on another space than the state's.
pub fn minimizer(
    state: &dyn AnyState,
    hamiltonian: Arc<dyn Operator>,
    rule: Rule,
    learning_rate: Schedule,
    sr: Option<Sr>,
) -> Result<Box<dyn AnyMinimizer>> {
    crate::models::same_space(state.hilbert(), &*hamiltonian)?;
    with_dtype!(state.dtype(), S => {
        let optimizer: Optimizer<S> = Optimizer::new(rule, learning_rate);
        Ok(Box::new(Minimizer::new(hamiltonian, optimizer, sr)?))
    })
}

impl<S: Scalar> AnyMinimizer for Minimizer<S> {
    fn propose(&mut self, state: &mut dyn AnyState) -> Result<Record> {
        // What is kept may be of parameters that a step which fails does not leave.
        state.reset();
        let state = state.typed_mut::<S>()?;
        let record = self.propose(state)?;
        state.keep(&self.estimate().samples);
        Ok(record)
    }

    fn accept(&mut self, state: &mut dyn AnyState) -> Result<()> {
        self.accept(state.typed_mut::<S>()?)?;
        state.reset();
        Ok(())
    }

    fn accept_elsewhere(&mut self) {
        self.accept_elsewhere();
    }

    fn withdraw(&mut self, state: &mut dyn AnyState) -> Result<()> {
        self.withdraw(state.typed_mut::<S>()?);
        Ok(())
    }

    fn change(&self) -> Array {
        let change = self.change();
        Array::new(&[change.len()], change.to_vec()).expect("one axis of all values")
    }

    fn set_memory(&mut self, bytes: usize) {
        self.set_memory(bytes);
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.set_interrupt(interrupt);
    }

    fn set_learning_rate(&mut self, learning_rate: Schedule) {
        self.set_learning_rate(learning_rate);
    }

    fn set_temperature(&mut self, temperature: Schedule) {
        self.set_temperature(temperature);
    }

    fn set_sr(&mut self, sr: Option<Sr>) {
        self.set_sr(sr);
    }

    fn halve_learning_rate(&mut self) {
        self.halve_learning_rate();
    }

    fn checkpoint(&self, state: &dyn AnyState) -> Result<Checkpoint> {
        self.checkpoint(state.typed::<S>()?)
    }

    fn restore(&mut self, state: &mut dyn AnyState, checkpoint: &Checkpoint) -> Result<()> {
        self.restore(state.typed_mut::<S>()?, checkpoint)?;
        state.reset();
        Ok(())
    }

    fn steps(&self) -> usize {
        self.steps()
    }

    fn plan(&self, state: &dyn AnyState) -> Result<Option<SrPlan>> {
        let n_samples = match state.n_samples() {
            Some(n_samples) => n_samples as u64,
            None => state.hilbert().n_states().unwrap_or(u64::MAX),
        };
        Ok(self.plan(state.typed::<S>()?.model(), n_samples as usize))
    }
}
