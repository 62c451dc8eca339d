//! A driver that goes on where another one was, to the last bit.

use super::{Minimizer, Vmc};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::params::Layout;
use crate::random::Key;
use crate::scalar::Scalar;
use crate::vqs::VariationalState;

/// Names in a checkpoint.
const STEP: &str = "step";
const LAYOUT: &str = "layout";
const KEY: &str = "key";
const PARAMETERS: &str = "parameters";
const GOOD: &str = "driver/last_finite";
const PREVIOUS: &str = "sr/previous";

impl<S: Scalar> Minimizer<S> {
    /// All that it and the state need to go on as if they had never stopped: parameters, memory of the optimizer and
    /// of stochastic reconfiguration, step, key of the next draw.
    ///
    /// # Errors
    /// A step is half done: [`accept`](Self::accept) it first.
    pub fn checkpoint(&self, state: &dyn VariationalState<S>) -> Result<Checkpoint> {
        if self.is_proposed {
            return Err(Error::invalid(
                "checkpoint",
                "a driver between two steps",
                "one whose update has been proposed and not accepted",
                "save after the step",
            ));
        }
        let mut checkpoint = Checkpoint::default();
        checkpoint.set_note(STEP, self.step);
        checkpoint.set_note(LAYOUT, describe(&state.params().layout));
        if let Some(key) = state.key() {
            let [a, b] = key.words();
            checkpoint.set_note(KEY, (u64::from(a) << 32) | u64::from(b));
        }
        checkpoint.put(PARAMETERS, &state.params().values);
        checkpoint.put(GOOD, &self.good);
        checkpoint.put(PREVIOUS, &self.space.previous);
        self.optimizer.store(&mut checkpoint);
        Ok(checkpoint)
    }

    /// Goes on from a checkpoint of a run like this one. What is no state of the run is this one's own: Hamiltonian,
    /// number of samples, learning rate, regularisation.
    ///
    /// # Errors
    /// It is of another model, dtype or rule; nothing is changed.
    pub fn restore(
        &mut self,
        state: &mut dyn VariationalState<S>,
        checkpoint: &Checkpoint,
    ) -> Result<()> {
        let layout = &state.params().layout;
        same_layout(checkpoint.note(LAYOUT)?, &describe(layout))?;
        let n = layout.n_parameters();
        let step = checkpoint.parse(STEP)?;
        let values = checkpoint.expect(PARAMETERS, n)?;
        let good = match step {
            0 => Vec::new(),
            _ => checkpoint.expect(GOOD, n)?,
        };
        let previous = checkpoint.get(PREVIOUS)?.unwrap_or_default();
        let optimizer = self.optimizer.recall(checkpoint, step, n)?;
        let key = match state.key() {
            None => None,
            Some(_) => Some(checkpoint.parse::<u64>(KEY)?),
        };

        if let Some(key) = key {
            state.set_key(Key::from_words([(key >> 32) as u32, key as u32]));
        }
        state.params_mut().values = values;
        self.good = good;
        self.space.previous = previous;
        self.optimizer = optimizer;
        self.step = step;
        self.is_proposed = false;
        Ok(())
    }

    /// Half the learning rate from the next step on.
    pub fn halve_learning_rate(&mut self) {
        self.optimizer.halve_learning_rate();
    }
}

impl<S: Scalar, V: VariationalState<S>> Vmc<S, V> {
    /// All that a run needs to go on as if it had never stopped.
    pub fn checkpoint(&self) -> Checkpoint {
        let checkpoint = self.minimizer.checkpoint(&self.state);
        checkpoint.expect("a step of `advance` is whole or left no proposal")
    }

    /// [`Minimizer::restore`].
    ///
    /// # Errors
    /// As there.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.minimizer.restore(&mut self.state, checkpoint)
    }

    /// [`Minimizer::halve_learning_rate`].
    pub fn halve_learning_rate(&mut self) {
        self.minimizer.halve_learning_rate();
    }
}

/// The arrays of a model, a line for each.
fn describe(layout: &Layout) -> String {
    let lines = layout.leaves().iter();
    let lines = lines.map(|leaf| format!("{} {:?}\n", leaf.path(), leaf.shape));
    lines.collect()
}

fn same_layout(found: &str, expected: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let mut pairs = expected
        .lines()
        .zip(found.lines().chain(std::iter::repeat("none")));
    let (expected, found) = pairs
        .find(|(expected, found)| expected != found)
        .unwrap_or(("no more arrays", "more"));
    Err(Error::invalid(
        "checkpoint",
        format!("one of this model, with {expected}"),
        found,
        "take a checkpoint of the same model",
    ))
}
