//! How a run looks while it runs: a bar in a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use autoket::exact::LanczosProgress;
use autoket::stats::Stats;
use indicatif::{ProgressBar, ProgressStyle};

/// Shows the steps of a run on stderr.
#[derive(Clone)]
pub enum Progress {
    /// Nothing.
    Quiet,
    /// A bar that is redrawn.
    Bar(ProgressBar),
    /// A line now and then.
    Lines(Lines),
}

/// When the next plain line is due.
#[derive(Clone)]
pub struct Lines {
    begun: usize,
    steps: usize,
    start: Instant,
    last: Instant,
}

/// Time between two drawings of a bar.
const TICK: Duration = Duration::from_millis(250);
/// Plain lines of a whole run, about.
const LINES: usize = 20;
/// Time without a line at most.
const SILENCE: Duration = Duration::from_secs(30);

impl Progress {
    /// Of the steps from `begun` on; chooses by where the output goes.
    pub fn new(begun: usize, steps: usize, quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        let start = Instant::now();
        if !std::io::stderr().is_terminal() {
            return Self::Lines(Lines {
                begun,
                steps,
                start,
                last: start,
            });
        }
        let bar = ProgressBar::new(steps as u64).with_position(begun as u64);
        let style = "{pos}/{len} {bar:12.cyan/black} {msg}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is fixed"));
        // What is left is told by the steps of this process.
        bar.reset_eta();
        bar.enable_steady_tick(TICK);
        Self::Bar(bar)
    }

    /// Shows a line that stays, above the bar.
    pub fn say(&self, line: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.println(line),
            Self::Lines(_) => eprintln!("{line}"),
        }
    }

    /// Shows the state after a step, counted from 1.
    pub fn step(&mut self, done: usize, energy: &Stats) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.set_message(describe(energy));
                bar.set_position(done as u64);
            }
            Self::Lines(lines) => lines.step(done, energy),
        }
    }

    /// Leaves the terminal as it was.
    pub fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Shows on a terminal how many samples have been measured.
pub struct Portions(Option<ProgressBar>);

impl Portions {
    /// For a measurement of so many samples.
    pub fn new(n_samples: u64, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(n_samples);
        let style = "{human_pos}/{human_len} samples {bar:12.cyan/black}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is fixed"));
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// Shows how many are done.
    pub fn show(&self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(done);
        }
    }

    /// Leaves the terminal as it was.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Shows how far a search for energies is: a line that is redrawn in a terminal, plain lines elsewhere.
pub struct Products {
    n_energies: usize,
    n_states: usize,
    shown: Shown,
    last: String,
}

enum Shown {
    Nothing,
    Line(ProgressBar),
    /// When the last line was said, and the next product with one.
    Lines(Instant, usize),
}

impl Products {
    /// For so many energies of a matrix of so many rows.
    pub fn new(n_energies: usize, n_states: usize, quiet: bool) -> Self {
        let shown = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (_, true) => Shown::Line(spinner()),
            _ => Shown::Lines(Instant::now(), 1),
        };
        let last = "before the first product".to_owned();
        Self {
            n_energies,
            n_states,
            shown,
            last,
        }
    }

    /// Shows the state after a product, or after some rows.
    pub fn show(&mut self, progress: &LanczosProgress) {
        self.last = describe_products(progress, self.n_energies, self.n_states);
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Line(line) => line.set_message(self.last.clone()),
            Shown::Lines(last, next) => {
                if progress.iterations >= *next || last.elapsed() >= SILENCE {
                    eprintln!("{}", self.last);
                    *last = Instant::now();
                    *next = (2 * progress.iterations).max(1);
                }
            }
        }
    }

    /// Leaves the terminal as it was, and says what was reached.
    pub fn finish(self) -> String {
        if let Shown::Line(line) = self.shown {
            line.finish_and_clear();
        }
        self.last
    }
}

fn describe_products(progress: &LanczosProgress, n_energies: usize, n_states: usize) -> String {
    if progress.iterations == 0 {
        return format!("{} of {n_states} rows of the matrix", progress.rows);
    }
    let of_several = match n_energies {
        1 => String::new(),
        n => format!("energy {} of {n}  ", progress.found + 1),
    };
    let reached = match progress.energy {
        None => String::new(),
        Some(energy) => format!("  energy {energy:.10}  residual {:.1e}", progress.residual),
    };
    let left = match progress.left {
        None => String::new(),
        Some(left) => format!("  {left} products left for its vector"),
    };
    format!("{of_several}product {}{reached}{left}", progress.iterations)
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{msg}: {elapsed}");
    spinner.set_style(style.expect("the template is fixed"));
    spinner.enable_steady_tick(TICK);
    spinner
}

/// Shows on a terminal what is waited for and how long it has taken, until it is dropped.
pub struct Waiting(ProgressBar);

impl Waiting {
    /// For something that says nothing on its way.
    pub fn new(what: &'static str) -> Self {
        let spinner = spinner();
        spinner.set_message(what);
        Self(spinner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Lines {
    fn step(&mut self, done: usize, energy: &Stats) {
        let every = self.steps.div_ceil(LINES).max(1);
        let due = done == self.begun + 1 || done.is_multiple_of(every) || done == self.steps;
        if !due && self.last.elapsed() < SILENCE {
            return;
        }
        self.last = Instant::now();
        let here = done - self.begun;
        let per_step = self.start.elapsed().as_secs_f64() / here as f64;
        let left = per_step * (self.steps - done) as f64;
        eprintln!(
            "step {done}/{}  {}  {left:.0} s left",
            self.steps,
            describe(energy)
        );
    }
}

fn describe(energy: &Stats) -> String {
    format!(
        "energy {}  variance {:.2e}",
        with_error(energy.mean.re, energy.error_of_mean),
        energy.variance
    )
}

/// A number and its error, both to the second digit of the error.
pub fn with_error(mean: f64, error: f64) -> String {
    let digits = if error.is_finite() && error > 0.0 {
        (1 - error.log10().floor() as i64).clamp(0, 12) as usize
    } else {
        6
    };
    format!("{mean:.digits$} ± {error:.digits$}")
}
