//! The commands.

use std::path::{Path, PathBuf};

use anyhow::Result;
use autoket::Interrupt;
use autoket::checkpoint::Checkpoint;
use autoket::config::RunFile;
use autoket::logging::write_atomically;
use autoket::observables::Observable;
use autoket::ranks::Ranks;
use autoket::stats::Stats;

use crate::args::{DrawArgs, FileArgs, ResumeArgs, RunArgs, WorkArgs};
use crate::checkpoints;
use crate::evaluate;
use crate::folder::{self, Energy, Folder, Summary};
use crate::input;
use crate::progress::{Progress, Waiting, with_error};
use crate::report::{self, Refused};
use crate::session::{self, Session};
use crate::stop::{CheckpointAsked, Stop};
use crate::team;
use crate::train::{CONFIG, Clock, clock_of, train};

/// What to say of a model whose samples are not those of its wave function.
pub const NOT_BORN: &str = "with `machine_pow` other than 2 the samples do not follow |ψ|², so the energies are not \
     expectation values";

/// `autoket run`: returns the exit status.
pub fn run(args: &RunArgs, ranks: &Ranks) -> Result<u8> {
    let work = Work::new(&args.work, ranks)?;
    let mut file = input::read(&args.input)?;
    let out = out_folder(args, &file);
    file.config.run.out = Some(out.display().to_string());
    let session = Session::build(&file, ranks)?;
    let folder = work.folder(&out)?;
    let from = match &folder {
        Some(folder) if folder.holds_run() && !args.overwrite => begun(folder, &file, &work)?,
        _ => None,
    };
    work.go_on(&file, session, folder, from)
}

/// `autoket resume`: returns the exit status.
pub fn resume(args: &ResumeArgs, ranks: &Ranks) -> Result<u8> {
    let work = Work::new(&args.work, ranks)?;
    if args
        .set
        .iter()
        .any(|set| set.trim_start().starts_with("run.seed"))
    {
        return Err(Refused::new(
            "a run that goes on takes its random numbers from its checkpoint, not from `run.seed`",
            "leave it out, or begin another run with `autoket run`",
        )
        .into());
    }
    let run_file = folder::run_file(&args.folder)?;
    let file = input::read_file(&run_file, &args.set)?;
    let session = Session::build(&file, ranks)?;
    let folder = work.folder(&args.folder)?;
    let from = match (&folder, &args.from) {
        (Some(_), Some(path)) => Some(Checkpoint::read(path)?),
        (Some(folder), None) => checkpoints::last_whole(&folder.checkpoints(), work.quiet)?,
        (None, _) => None,
    };
    if let Some(field) = from.as_ref().and_then(|from| of_another(from, &file))
        && !work.quiet
    {
        report::warn(&format!(
            "the checkpoint is of a run in which `{field}` differs; what it says now holds from here on"
        ));
    }
    if folder.is_some() && from.is_none() {
        return Err(Refused::new(
            format!("{} holds no checkpoint", args.folder.display()),
            "begin anew with `autoket run`",
        )
        .into());
    }
    work.go_on(&file, session, folder, from)
}

/// Where the run that a folder holds has got to, if it is the one of this file; `None`: it has only just begun.
fn begun(folder: &Folder, file: &RunFile, work: &Work<'_>) -> Result<Option<Checkpoint>> {
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
    if let Some(field) = found.as_ref().and_then(|found| of_another(found, file)) {
        return Err(other(format!("checkpoints of another run: `{field}` differs")).into());
    }
    if found.is_none() && folder.holds_summary() {
        return Err(other("a run without checkpoints".to_owned()).into());
    }
    Ok(found)
}

/// The first field in which the run that wrote a checkpoint is not this one.
fn of_another(checkpoint: &Checkpoint, file: &RunFile) -> Option<String> {
    let written = checkpoint.note(CONFIG).ok()?;
    let written = RunFile::parse("checkpoint", written, &[]).ok()?;
    written.config.differs_from(&file.config)
}

/// How a run is worked on, and by whom.
struct Work<'a> {
    ranks: &'a Ranks,
    /// Listened to by all ranks: the signal would end one that does not.
    asked: CheckpointAsked,
    memory: usize,
    quiet: bool,
}

impl<'a> Work<'a> {
    fn new(args: &WorkArgs, ranks: &'a Ranks) -> Result<Self> {
        let asked = CheckpointAsked::listen()?;
        let quiet = args.quiet || !ranks.is_first();
        team::set_threads(ranks, args.threads, quiet)?;
        Ok(Self {
            ranks,
            asked,
            memory: team::memory(ranks, args.memory),
            quiet,
        })
    }

    /// The folder of the results, for the rank that writes them.
    fn folder(&self, path: &Path) -> Result<Option<Folder>> {
        let writes = self.ranks.is_first();
        writes.then(|| Folder::open(path)).transpose()
    }

    /// Goes on from a checkpoint, or begins; the rank that writes knows which.
    fn go_on(
        &self,
        file: &RunFile,
        mut session: Session,
        folder: Option<Folder>,
        from: Option<Checkpoint>,
    ) -> Result<u8> {
        let bytes = from.map_or(Ok(Vec::new()), |from| from.to_bytes())?;
        let bytes = self.ranks.of_first(bytes);
        if bytes.is_empty() {
            if let Some(folder) = &folder {
                folder.begin(&file.config.to_toml())?;
            }
            return self.finish(file, session, folder, Clock::from(0.0));
        }
        let from = Checkpoint::from_bytes(&bytes).expect("it was read by the first rank");
        session.restore(&from)?;
        let done = match &folder {
            Some(folder) => self.is_done(file, &session, &from, folder)?,
            None => false,
        };
        if self.ranks.any(done) {
            return Ok(0);
        }
        self.finish(file, session, folder, clock_of(&from)?)
    }

    /// Is the run measured to its end? If not, its folder is made ready to go on.
    fn is_done(
        &self,
        file: &RunFile,
        session: &Session,
        from: &Checkpoint,
        folder: &Folder,
    ) -> Result<bool> {
        let (step, planned) = (session.steps(), file.config.run.steps);
        // Before those behind it go: there is always one to go on from.
        let mut from = from.clone();
        from.set_note(CONFIG, file.config.to_toml());
        checkpoints::keep(&folder.checkpoints(), &from, step)?;
        let is_last = !checkpoints::remove_after(&folder.checkpoints(), step)?;
        if step >= planned && is_last && folder.holds_summary() {
            if !self.quiet {
                let shown = folder.path().display();
                println!(
                    "all {planned} steps of {shown} are done; `autoket resume {shown} --set run.steps=N` goes on"
                );
            }
            return Ok(true);
        }
        folder.write_run_file(&file.config.to_toml())?;
        folder.remove_summary()?;
        Ok(false)
    }

    /// Does the steps that are left, and measures.
    fn finish(
        &self,
        file: &RunFile,
        mut session: Session,
        folder: Option<Folder>,
        clock: Clock,
    ) -> Result<u8> {
        session.set_memory(self.memory);
        if file.config.model.machine_pow != 2 && !self.quiet {
            report::warn(NOT_BORN);
        }
        let (begun, planned) = (session.steps(), file.config.run.steps);
        let progress = Progress::new(begun, planned, self.quiet);
        let interrupt = Interrupt::default();
        // A rank that gives up a step which others go on with would keep them waiting for ever.
        if self.ranks.size() == 1 {
            session.set_interrupt(interrupt.clone());
        }
        let stop = Stop::listen({
            let (progress, interrupt) = (progress.clone(), interrupt.clone());
            move || {
                progress.say("stopping: measuring the energy reached; once more ends at once");
                interrupt.raise();
            }
        })?;
        if begun > planned {
            progress.say(&format!(
                "{begun} steps are done, more than the {planned} of run.steps: measuring"
            ));
        } else if begun > 0 {
            progress.say(&format!("going on after step {begun} of {planned}"));
        }
        if let Some(plan) = session.plan() {
            progress.say(&format!("solving {plan}"));
        }

        let is_stopped = || self.ranks.any(interrupt.is_raised());
        train(
            file,
            &mut session,
            folder.as_ref(),
            clock,
            progress,
            &self.asked,
            is_stopped,
        )?;
        let n_samples = file.config.run.final_samples;
        let energy = session.measure(n_samples)?;
        let observables = observables(file)?;
        let observables = evaluate::measure(&mut session, observables, n_samples, |_| true)?;
        let v_score = session.v_score(&energy);
        let seconds = clock.seconds();
        let Some(folder) = folder else {
            return Ok(stop.asked().unwrap_or(0));
        };
        // Last: the first step does not wait for it.
        let exact = {
            let _shown = (!self.quiet).then(|| Waiting::new("exact diagonalisation"));
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
        if !self.quiet {
            print_outcome(&energy, &summary, &folder);
            evaluate::print(&summary.observables);
        }
        Ok(stop.asked().unwrap_or(0))
    }
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
