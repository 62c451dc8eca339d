//! The commands.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use autoket::config::RunFile;
use autoket::driver::Record;
use autoket::logging::{JsonLog, Value, write_atomically};
use autoket::observables::{Measured, Observable};
use autoket::stats::Stats;
use autoket::{Error, Interrupt};

use crate::args::{DrawArgs, FileArgs, RunArgs};
use crate::evaluate;
use crate::folder::{Energy, Folder, Summary};
use crate::input;
use crate::progress::{Progress, Waiting, with_error};
use crate::report;
use crate::session::{self, Session};
use crate::stop::Stop;

/// What to say of a model whose samples are not those of its wave function.
pub const NOT_BORN: &str = "with `machine_pow` other than 2 the samples do not follow |ψ|², so the energies are not \
     expectation values";

/// `autoket run`: returns the exit status.
pub fn run(args: &RunArgs) -> Result<u8> {
    input::set_threads(args.threads)?;
    let mut file = input::read(&args.input)?;
    let out = out_folder(args, &file);
    file.config.run.out = Some(out.display().to_string());
    let mut session = Session::build(&file)?;
    session.set_memory(input::memory(args.memory));
    let folder = Folder::claim(&out, args.overwrite, &file.config.to_toml())?;
    if file.config.model.machine_pow != 2 && !args.quiet {
        report::warn(NOT_BORN);
    }

    let progress = Progress::new(file.config.run.steps, args.quiet);
    let interrupt = Interrupt::default();
    session.set_interrupt(interrupt.clone());
    let stop = Stop::listen({
        let progress = progress.clone();
        move || {
            progress.say("stopping: measuring the energy reached; once more ends at once");
            interrupt.raise();
        }
    })?;
    if let Some(plan) = session.plan() {
        progress.say(&format!("solving {plan}"));
    }

    let start = Instant::now();
    let steps = train(&file, &mut session, &folder, progress)?;
    let energy = session.measure(file.config.run.final_samples)?;
    let observables = evaluate::measure(
        &mut session,
        observables(&file)?,
        file.config.run.final_samples,
        |_| true,
    )?;
    let v_score = session.v_score(&energy);
    let seconds = start.elapsed().as_secs_f64();
    // Last: the first step does not wait for it.
    let exact = {
        let _shown = (!args.quiet).then(|| Waiting::new("exact diagonalisation"));
        session.quick_ground_state_energy()
    };
    let summary = Summary {
        energy: Energy::from(&energy),
        v_score: v_score.is_finite().then_some(v_score),
        exact,
        steps,
        n_parameters: session.n_parameters(),
        seconds,
        observables: observables.results(),
    };
    folder.write_summary(&summary)?;
    if !args.quiet {
        print_outcome(&energy, &summary, &folder);
        evaluate::print(&summary.observables);
    }
    Ok(stop.asked().unwrap_or(0))
}

/// Steps until the planned number is done or the user asks to stop; returns the steps done.
///
/// However it ends, the log and the last good parameters are written.
fn train(
    file: &RunFile,
    session: &mut Session,
    folder: &Folder,
    mut progress: Progress,
) -> Result<usize> {
    let planned = file.config.run.steps;
    let mut log = JsonLog::create(folder.log())?;
    let observables = observables(file)?;
    let every = file
        .config
        .observables
        .as_ref()
        .map_or(1, |named| named.every);
    let start = Instant::now();
    let (mut step, mut warned) = (0, false);
    let ended = loop {
        if step == planned {
            break Ok(());
        }
        let measured = match step % every {
            0 => session.measure_step(&observables)?,
            _ => Vec::new(),
        };
        let Record {
            energy, solution, ..
        } = match session.advance() {
            Ok(record) => record,
            Err(Error::Interrupted) => break Ok(()),
            Err(error) => break Err(error),
        };
        if !warned && solution.is_some_and(|solution| solution.fallback) {
            warned = true;
            progress.say(&unsolved(step));
        }
        record(&mut log, step, &energy, session.is_complex(), start);
        measured
            .iter()
            .for_each(|observable| record_observable(&mut log, step, observable));
        step += 1;
        progress.step(step, &energy);
        if log.write_if_due()? {
            session.save_parameters(&folder.parameters())?;
        }
    };
    progress.finish();
    log.write()?;
    session.save_parameters(&folder.parameters())?;
    ended.map(|()| step).map_err(|error| {
        anyhow::Error::from(error).context(format!(
            "the run ended after {step} of {planned} steps; {} holds its log and its last good \
             parameters",
            folder.path().display()
        ))
    })
}

/// Said once: an update that is not what was asked for.
fn unsolved(step: usize) -> String {
    format!(
        "warning: at step {step} the system of sr was singular to rounding or did not converge, so the \
         update is not exact; raise `sr.diag_shift`"
    )
}

fn record(log: &mut JsonLog, step: usize, energy: &Stats, complex: bool, start: Instant) {
    let mean = if complex {
        Value::Complex(energy.mean)
    } else {
        Value::Real(energy.mean.re)
    };
    log.record_estimate(step, "Energy", mean, energy.variance, energy.error_of_mean);
    let seconds = Value::Real(start.elapsed().as_secs_f64());
    log.record(step, "wallclock", &[("value", seconds)]);
}

/// Each number of an observable as a column, and its error.
fn record_observable(log: &mut JsonLog, step: usize, measured: &Measured) {
    let names: Vec<[String; 2]> = (measured.entries.iter())
        .map(|entry| {
            [
                format!("{} Mean", entry.label),
                format!("{} Sigma", entry.label),
            ]
        })
        .collect();
    let pairs = names.iter().zip(&measured.entries);
    let columns: Vec<(&str, Value)> = pairs
        .flat_map(|([mean, sigma], entry)| {
            [
                (mean.as_str(), Value::Real(entry.mean)),
                (sigma.as_str(), Value::Real(entry.error_of_mean)),
            ]
        })
        .collect();
    log.record(step, &measured.observable, &columns);
}

/// The observables that a run file names.
fn observables(file: &RunFile) -> Result<Vec<Observable>> {
    match &file.config.observables {
        None => Ok(Vec::new()),
        Some(named) => session::observables(file, named),
    }
}

fn out_folder(args: &RunArgs, file: &RunFile) -> PathBuf {
    if let Some(out) = &args.out {
        return out.clone();
    }
    if let Some(out) = &file.config.run.out {
        return PathBuf::from(out);
    }
    let stem = args.input.file.file_stem().unwrap_or("run".as_ref());
    PathBuf::from("runs").join(stem)
}

fn print_outcome(energy: &Stats, summary: &Summary, folder: &Folder) {
    let shown = with_error(energy.mean.re, energy.error_of_mean);
    println!("energy    {shown}  ({} fresh samples)", energy.n_samples);
    match (summary.exact, energy.mean.re) {
        (None, _) => {}
        (Some(exact), mean) if exact == 0.0 => {
            println!("exact     {exact:.8}  (error {:.1e})", mean.abs());
        }
        (Some(exact), mean) => {
            let relative = (mean - exact).abs() / exact.abs();
            println!("exact     {exact:.8}  (relative error {relative:.1e})");
        }
    }
    println!("variance  {:.3e}", energy.variance);
    if let Some(v_score) = summary.v_score {
        println!("V-score   {v_score:.3e}");
    }
    println!(
        "{} steps, {} parameters, {:.1} s; results in {}",
        summary.steps,
        summary.n_parameters,
        summary.seconds,
        folder.path().display()
    );
}

/// `autoket inspect`.
pub fn inspect(args: &FileArgs) -> Result<u8> {
    let file = input::read(args)?;
    print!("{}", session::inspect(&file)?);
    Ok(0)
}

/// `autoket draw`.
pub fn draw(args: &DrawArgs) -> Result<u8> {
    let file = input::read(&args.input)?;
    let svg = session::graph(&file)?.to_svg();
    match &args.output {
        None => print!("{svg}"),
        Some(path) => write_atomically(path, svg.as_bytes())?,
    }
    Ok(0)
}
