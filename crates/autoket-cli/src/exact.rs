//! `autoket exact`: the lowest energies by the Lanczos method.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::Result;
use autoket::config::RunFile;
use autoket::exact::{LanczosInfo, LanczosOptions, LanczosPlan, SectorBasis, Watch};
use autoket::operator::Operator;
use autoket::ranks::Ranks;
use autoket::{Error, Interrupt, exact};
use bytesize::ByteSize;

use crate::args::ExactArgs;
use crate::input;
use crate::progress::{Products, Waiting};
use crate::session;
use crate::stop::Stop;
use crate::team;

/// Returns the exit status.
pub fn exact(args: &ExactArgs) -> Result<u8> {
    team::set_threads(&Ranks::default(), args.threads, args.quiet)?;
    let file = input::read(&args.input)?;
    let options = LanczosOptions {
        n_energies: args.k,
        memory: team::memory(&Ranks::default(), args.memory),
        ..Default::default()
    };
    let start = Instant::now();
    let hamiltonian = session::hamiltonian(&file)?;
    let interrupt = Interrupt::default();
    let stop = Stop::listen({
        let interrupt = interrupt.clone();
        move || interrupt.raise()
    })?;
    let task = match Task::new(args, &file, &*hamiltonian, &options, &interrupt) {
        Err(error) if error.downcast_ref().is_some_and(is_interrupted) => {
            eprintln!("stopped: before the first product");
            return Ok(stop.asked().unwrap_or(0));
        }
        task => task?,
    };
    let plan = task.plan(&options)?;
    if !args.quiet {
        eprintln!("{}", describe(&plan));
    }
    let mut products = Products::new(args.k, plan.n_states, args.quiet);
    let solved = task.solve(options, &mut |progress| {
        products.show(&progress);
        match interrupt.is_raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    let reached = products.finish();
    match solved {
        Ok(found) => print(&found, args.quiet, start),
        Err(Error::Interrupted) => eprintln!("stopped: {reached}"),
        Err(error) => return Err(error.into()),
    }
    Ok(stop.asked().unwrap_or(0))
}

/// An operator on its whole space, or in a sector of it.
struct Task<'a> {
    operator: &'a dyn Operator,
    sector: Option<SectorBasis>,
}

impl<'a> Task<'a> {
    fn new(
        args: &ExactArgs,
        file: &RunFile,
        operator: &'a dyn Operator,
        options: &LanczosOptions,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let Some(momentum) = &args.momentum else {
            let sector = None;
            return Ok(Self { operator, sector });
        };
        let graph = session::graph(file)?;
        let sector = match args.irrep {
            None => graph.momentum(momentum)?,
            Some(irrep) => session::irrep(graph.sectors(momentum)?, irrep)?,
        };
        let sector = match args.spin_flip {
            None => sector,
            Some(parity) => sector.with_spin_flip(parity),
        };
        if !args.quiet && file.config.hamiltonian.sign_rule() {
            eprintln!("sign_rule is on: the sector is one of the Hamiltonian with turned signs");
        }
        // About so many states are found below.
        options.plan_sector(operator, &sector)?;
        let _shown = (!args.quiet).then(|| Waiting::new("states of the sector"));
        let sector = Some(SectorBasis::search(operator.hilbert(), &sector, interrupt)?);
        Ok(Self { operator, sector })
    }

    fn plan(&self, options: &LanczosOptions) -> autoket::Result<LanczosPlan> {
        match &self.sector {
            None => options.plan(self.operator),
            Some(sector) => sector.lanczos_plan(self.operator, options),
        }
    }

    fn solve(
        &self,
        options: LanczosOptions,
        watch: &mut Watch<'_>,
    ) -> autoket::Result<LanczosInfo> {
        match &self.sector {
            None => exact::lanczos_ed_watched(self.operator, options, watch),
            Some(sector) => sector.lanczos_ed_watched(self.operator, options, watch),
        }
    }
}

fn is_interrupted(error: &Error) -> bool {
    matches!(error, Error::Interrupted)
}

fn describe(plan: &LanczosPlan) -> String {
    let matrix = match plan.products {
        exact::Products::Stored => "the matrix is stored",
        exact::Products::ByTerms => "products go by terms, without a matrix",
        exact::Products::ByRows => "the matrix is made anew in each product",
    };
    let bytes = ByteSize::b(plan.bytes as u64);
    format!("{} states, about {bytes}: {matrix}", plan.n_states)
}

fn print(found: &LanczosInfo, quiet: bool, start: Instant) {
    for (energy, residual) in found.energies.iter().zip(&found.residuals) {
        println!("{energy:.10}  (residual {residual:.1e})");
    }
    if !quiet {
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("{} products, {seconds:.1} s", found.iterations);
    }
}
