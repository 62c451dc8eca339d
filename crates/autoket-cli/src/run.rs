//! The commands.

use std::path::PathBuf;

use anyhow::Result;
use autoket::Interrupt;
use autoket::checkpoint::Checkpoint;
use autoket::config::RunFile;
use autoket::logging::write_atomically;
use autoket::observables::Observable;
use autoket::stats::Stats;

use crate::args::{DrawArgs, FileArgs, ResumeArgs, RunArgs, WorkArgs};
use crate::checkpoints;
use crate::evaluate;
use crate::folder::{self, Energy, Folder, Summary};
use crate::input;
use crate::progress::{Progress, Waiting, with_error};
use crate::report::{self, Refused};
use crate::session::{self, Session};
use crate::stop::Stop;
use crate::train::{Clock, clock_of, train};

/// What to say of a model whose samples are not those of its wave function.
pub const NOT_BORN: &str = "with `machine_pow` other than 2 the samples do not follow |ψ|², so the energies are not \
     expectation values";

/// `autoket run`: returns the exit status.
pub fn run(args: &RunArgs) -> Result<u8> {
    input::set_threads(args.work.threads)?;
    let mut file = input::read(&args.input)?;
    let out = out_folder(args, &file);
    file.config.run.out = Some(out.display().to_string());
    let session = Session::build(&file)?;
    let folder = Folder::open(&out)?;
    let goes_on = match folder.holds_run() && !args.overwrite {
        true => begun(&folder, &file, &args.work)?,
        false => None,
    };
    match goes_on {
        Some(checkpoint) => go_on(&file, session, &folder, &checkpoint, &args.work),
        None => {
            folder.begin(&file.config.to_toml())?;
            finish(&file, session, &folder, Clock::from(0.0), &args.work)
        }
    }
}

/// `autoket resume`: returns the exit status.
pub fn resume(args: &ResumeArgs) -> Result<u8> {
    input::set_threads(args.work.threads)?;
    let run_file = folder::run_file(&args.folder)?;
    let file = input::read_file(&run_file, &args.set)?;
    let session = Session::build(&file)?;
    let folder = Folder::open(&args.folder)?;
    let checkpoint = match &args.from {
        Some(path) => Some(Checkpoint::read(path)?),
        None => checkpoints::last_whole(&folder.checkpoints(), args.work.quiet)?,
    };
    let Some(checkpoint) = checkpoint else {
        return Err(Refused::new(
            format!("{} holds no checkpoint", args.folder.display()),
            "begin anew with `autoket run`",
        )
        .into());
    };
    go_on(&file, session, &folder, &checkpoint, &args.work)
}

/// Where the run that a folder holds has got to, if it is the one of this file; `None`: it has only just begun.
fn begun(folder: &Folder, file: &RunFile, work: &WorkArgs) -> Result<Option<Checkpoint>> {
    let shown = folder.path().display();
    let other = |why: String| {
        Refused::new(
            format!("{shown} already holds {why}"),
            "choose another folder with `--out DIR`, or replace the run with `--overwrite`",
        )
    };
    let held = input::read_file(&folder.run_file(), &[])
        .map_err(|_| other("a run whose run.toml cannot be read".to_owned()))?;
    if let Some(field) = held.config.differs_from(&file.config) {
        return Err(other(format!("another run: `{field}` differs")).into());
    }
    let found = checkpoints::last_whole(&folder.checkpoints(), work.quiet)?;
    if found.is_none() && folder.holds_summary() {
        return Err(other("a run without checkpoints".to_owned()).into());
    }
    Ok(found)
}

/// Goes on from a checkpoint to the end.
fn go_on(
    file: &RunFile,
    mut session: Session,
    folder: &Folder,
    checkpoint: &Checkpoint,
    work: &WorkArgs,
) -> Result<u8> {
    session.restore(checkpoint)?;
    let (step, planned) = (session.steps(), file.config.run.steps);
    let is_last = !checkpoints::remove_after(&folder.checkpoints(), step)?;
    if step >= planned && is_last && folder.holds_summary() {
        if !work.quiet {
            let shown = folder.path().display();
            println!(
                "all {planned} steps of {shown} are done; `autoket resume {shown} --set run.steps=N` goes on"
            );
        }
        return Ok(0);
    }
    folder.write_run_file(&file.config.to_toml())?;
    folder.remove_summary()?;
    finish(file, session, folder, clock_of(checkpoint)?, work)
}

/// Does the steps that are left, and measures.
fn finish(
    file: &RunFile,
    mut session: Session,
    folder: &Folder,
    clock: Clock,
    work: &WorkArgs,
) -> Result<u8> {
    session.set_memory(input::memory(work.memory));
    if file.config.model.machine_pow != 2 && !work.quiet {
        report::warn(NOT_BORN);
    }
    let (begun, planned) = (session.steps(), file.config.run.steps);
    let progress = Progress::new(begun, planned, work.quiet);
    let interrupt = Interrupt::default();
    session.set_interrupt(interrupt.clone());
    let stop = Stop::listen({
        let progress = progress.clone();
        move || {
            progress.say("stopping: measuring the energy reached; once more ends at once");
            interrupt.raise();
        }
    })?;
    if begun > 0 {
        progress.say(&format!("going on after step {begun} of {planned}"));
    }
    if let Some(plan) = session.plan() {
        progress.say(&format!("solving {plan}"));
    }

    train(file, &mut session, folder, clock, progress)?;
    let energy = session.measure(file.config.run.final_samples)?;
    let observables = evaluate::measure(
        &mut session,
        observables(file)?,
        file.config.run.final_samples,
        |_| true,
    )?;
    let v_score = session.v_score(&energy);
    let seconds = clock.seconds();
    // Last: the first step does not wait for it.
    let exact = {
        let _shown = (!work.quiet).then(|| Waiting::new("exact diagonalisation"));
        session.quick_ground_state_energy()
    };
    let summary = Summary {
        energy: Energy::from(&energy),
        v_score: v_score.is_finite().then_some(v_score),
        exact,
        steps: session.steps(),
        n_parameters: session.n_parameters(),
        seconds,
        observables: observables.results(),
    };
    folder.write_summary(&summary)?;
    if !work.quiet {
        print_outcome(&energy, &summary, folder);
        evaluate::print(&summary.observables);
    }
    Ok(stop.asked().unwrap_or(0))
}

/// The observables that a run file names.
pub fn observables(file: &RunFile) -> Result<Vec<Observable>> {
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
