//! `autoket evaluate`: observables of a finished run.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use autoket::config::ObservablesConfig;
use autoket::logging::write_atomically;
use autoket::observables::{Measured, Measurement, Observable, ObservableName};
use autoket::ranks::Ranks;
use serde::Serialize;

use crate::args::EvaluateArgs;
use crate::folder;
use crate::input;
use crate::progress::{Portions, with_error};
use crate::report::{self, Refused};
use crate::run::NOT_BORN;
use crate::session::{self, Session};
use crate::stop::Stop;
use crate::team;

/// Samples drawn at once.
const PORTION: usize = 1 << 12;

/// What is written.
#[derive(Serialize)]
struct Outcome {
    n_samples: usize,
    seed: i64,
    observables: Vec<Measured>,
}

/// `autoket evaluate`: returns the exit status.
pub fn evaluate(args: &EvaluateArgs, ranks: &Ranks) -> Result<u8> {
    let quiet = args.quiet || !ranks.is_first();
    team::set_threads(ranks, args.threads, quiet)?;
    let [run_file, parameters] = folder::finished(&args.folder)?;
    let mut file = input::read_file(&run_file, &[])?;
    let seed = args.seed.unwrap_or(file.config.run.seed.wrapping_add(1));
    file.config.run.seed = seed;
    let of_file = file.config.observables.clone().unwrap_or_default();
    let named = match &args.observable[..] {
        [] => of_file,
        names => chosen(names, of_file)?,
    };
    let mut session = Session::build(&file, ranks)?;
    session.load_parameters(&parameters)?;
    let mut observables = vec![session.energy()];
    observables.extend(session::observables(&file, &named)?);
    let out = args.out.as_deref().unwrap_or(&args.folder);
    if ranks.is_first() {
        fs::create_dir_all(out)?;
    }

    if file.config.model.machine_pow != 2 && !quiet {
        report::warn(NOT_BORN);
    }

    let progress = Portions::new(args.n_samples, quiet);
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Stop::listen({
        let stopped = Arc::clone(&stopped);
        move || stopped.store(true, Ordering::SeqCst)
    })?;
    let n_samples = usize::try_from(args.n_samples).unwrap_or(usize::MAX);
    let measurement = measure(&mut session, observables, n_samples, |done| {
        progress.show(done as u64);
        !ranks.any(stopped.load(Ordering::SeqCst))
    })?;
    progress.finish();
    if !ranks.is_first() {
        return Ok(stop.asked().unwrap_or(0));
    }

    let outcome = Outcome {
        n_samples: measurement.n_samples(),
        seed,
        observables: measurement.results(),
    };
    let mut text = serde_json::to_string_pretty(&outcome)?;
    text.push('\n');
    write_atomically(&out.join("evaluate.json"), text.as_bytes())?;
    for measured in &outcome.observables {
        if let Some(svg) = measured.to_svg() {
            let name = format!("{}.svg", measured.observable);
            write_atomically(&out.join(name), svg.as_bytes())?;
        }
    }
    if !quiet {
        print(&outcome.observables);
        println!(
            "{} samples; results in {}",
            outcome.n_samples,
            out.display()
        );
    }
    Ok(stop.asked().unwrap_or(0))
}

/// The observables of some names, those of the run file's operators among them.
fn chosen(names: &[String], mut of_file: ObservablesConfig) -> Result<ObservablesConfig> {
    let mut measure = Vec::new();
    for name in names {
        let mut known = ObservableName::ALL.into_iter();
        match known.find(|known| known.as_str() == name) {
            Some(known) if !measure.contains(&known) => measure.push(known),
            None if !of_file.operators.contains_key(name) => {
                let known = ObservableName::ALL.map(ObservableName::as_str);
                let own = of_file.operators.keys().map(String::as_str);
                let names: Vec<&str> = known.into_iter().chain(own).collect();
                return Err(Refused::new(
                    format!("`--observable {name}`: unknown name"),
                    format!("the names are {}", names.join(", ")),
                )
                .into());
            }
            _ => {}
        }
    }
    of_file.operators.retain(|name, _| names.contains(name));
    of_file.measure = measure;
    Ok(of_file)
}

/// Measures in portions, as long as `go_on` says so of the samples done.
pub fn measure(
    session: &mut Session,
    observables: Vec<Observable>,
    n_samples: usize,
    go_on: impl Fn(usize) -> bool,
) -> autoket::Result<Measurement> {
    let nothing = observables.is_empty();
    let mut measurement = Measurement::new(observables);
    while !nothing && measurement.n_samples() < n_samples {
        let portion = PORTION.min(n_samples - measurement.n_samples());
        session.measure_observables(&mut measurement, portion)?;
        if !go_on(measurement.n_samples()) {
            break;
        }
    }
    Ok(measurement)
}

/// Entries of one observable that are shown; all are in the files.
const SHOWN: usize = 8;

/// Prints what was measured, numbers below each other.
pub fn print(observables: &[Measured]) {
    let shown = |measured: &Measured| measured.entries.len().min(SHOWN);
    let labels = (observables.iter())
        .flat_map(|measured| &measured.entries[..shown(measured)])
        .map(|entry| entry.label.chars().count());
    let width = labels.max().unwrap_or(0);
    for measured in observables {
        println!("{}", measured.observable.replace('_', " "));
        for entry in &measured.entries[..shown(measured)] {
            let number = with_error(entry.mean, entry.error_of_mean);
            // A minus stands before the column.
            let sign = if number.starts_with('-') { "" } else { " " };
            println!("  {:<width$}  {sign}{number}", entry.label);
        }
        if measured.entries.len() > SHOWN {
            println!("  ... {} more", measured.entries.len() - SHOWN);
        }
    }
}
