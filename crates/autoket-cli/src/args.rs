//! The command line, as typed.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::builder::styling::{AnsiColor, Styles};

use autoket::graph::Parity;

use crate::input;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Autoregressive neural quantum states: from a lattice and a Hamiltonian to a ground state.
///
/// A run is described by a file: which lattice, which Hamiltonian, which model, how to train it.
/// `autoket run` trains it, shows its energy as it falls, and keeps the results in a folder.
#[derive(clap::Parser, Debug)]
#[command(name = "autoket", version, styles = STYLES, after_help = SHORT, after_long_help = PAGE, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program does.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Train a state and measure its energy.
    ///
    /// The model is of the kind ARNNDense, ARNNConv1D, ARNNConv2D, LSTMNet, GRUNet1D, ARNNGatedConv2D or
    /// TensorGRU2D; `autoket --help` has their fields.
    ///
    /// Ctrl-C stops and keeps the steps done: the final energy is measured and every file is
    /// written. A second Ctrl-C ends the program at once.
    #[command(after_long_help = RUN)]
    Run(RunArgs),
    /// Go on with a run that was stopped or killed, from its last whole checkpoint.
    ///
    /// Parameters and log are, to the last bit, those of a run that was never stopped. `autoket run` with the same file
    /// and folder does the same.
    #[command(after_long_help = RESUME)]
    Resume(ResumeArgs),
    /// Compute the lowest energies of a run's Hamiltonian exactly.
    ///
    /// Of a whole run file only the lattice, the local space and the Hamiltonian matter; the model must be there, but is
    /// not used. By the Lanczos method: each energy is printed with its residual |Hv - Ev|, progress goes to stderr.
    /// What would not fit into the memory is refused before anything is computed. Ctrl-C stops and says how far it was.
    #[command(after_long_help = EXACT)]
    Exact(ExactArgs),
    /// Show a run's model: formula, layers, parameters, cost, and what a site reads.
    ///
    /// A picture of the lattice shows what a site in its middle reads, and what it is blind to.
    Inspect(FileArgs),
    /// Measure observables of a finished run on fresh samples.
    ///
    /// Memory does not grow with the number of samples. Ctrl-C stops and keeps what was measured.
    #[command(after_long_help = EVALUATE)]
    Evaluate(EvaluateArgs),
    /// Draw a run's lattice: sites with their numbers, edges with their colours.
    ///
    /// Edges across a periodic border are dashed at both their ends. The picture is SVG, which browsers show.
    Draw(DrawArgs),
}

/// A run file, and changes to it.
#[derive(clap::Args, Debug)]
pub struct FileArgs {
    /// The run file.
    pub file: PathBuf,
    /// Change a field of the run file; may be given several times.
    ///
    /// The value is TOML; a word needs no quotation marks.
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub set: Vec<String>,
}

/// Arguments of `autoket run`.
#[derive(clap::Args, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    pub input: FileArgs,
    /// Folder for the results (default: the field run.out, else runs/NAME-OF-THE-FILE).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub work: WorkArgs,
    /// Replace the run that the folder already holds.
    #[arg(long)]
    pub overwrite: bool,
}

/// Arguments of `autoket resume`.
#[derive(clap::Args, Debug)]
pub struct ResumeArgs {
    /// The folder of the run.
    pub folder: PathBuf,
    /// Change a field of the run file; may be given several times.
    ///
    /// `run.steps=2000` goes on longer. Whatever else is changed holds from here on.
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub set: Vec<String>,
    /// Go on from this checkpoint; those behind it and their part of the log are removed.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub work: WorkArgs,
}

/// How a run is worked on.
#[derive(clap::Args, Debug)]
pub struct WorkArgs {
    /// Number of threads (default: one per core). The results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Memory to keep log-derivatives and their matrix in, such as 2GiB (default: a quarter of what is free).
    ///
    /// Log-derivatives that do not fit are computed anew, for 512 samples at a time, when they are needed.
    /// Samples, parameters, those 512 and the activations of some blocks on each thread come on top.
    /// A form asked for by sr.form is used whether its matrix fits or not.
    #[arg(long, value_name = "SIZE", value_parser = input::size)]
    pub memory: Option<ByteSize>,
    /// Print nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `autoket evaluate`.
#[derive(clap::Args, Debug)]
pub struct EvaluateArgs {
    /// The folder of the run.
    pub folder: PathBuf,
    /// What to measure beside the energy; may be given several times (default: those of the run file).
    #[arg(long, value_name = "NAME")]
    pub observable: Vec<String>,
    /// Number of samples.
    #[arg(long, value_name = "N", default_value_t = 65536, value_parser = clap::value_parser!(u64).range(2..))]
    pub n_samples: u64,
    /// Seed of the samples (default: the run's and one more).
    #[arg(long, value_name = "SEED")]
    pub seed: Option<i64>,
    /// Folder for the results (default: that of the run).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Number of threads (default: one per core). The results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `autoket draw`.
#[derive(clap::Args, Debug)]
pub struct DrawArgs {
    #[command(flatten)]
    pub input: FileArgs,
    /// File for the picture (default: standard output).
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `autoket exact`.
#[derive(clap::Args, Debug)]
pub struct ExactArgs {
    #[command(flatten)]
    pub input: FileArgs,
    /// How many of the lowest energies, counted with their multiplicity.
    #[arg(long, short, value_name = "K", default_value_t = 1)]
    pub k: usize,
    /// Only states of a momentum: whole numbers, k = 2 pi m/extent in each direction, such as 0,0. With sign_rule, of the
    /// Hamiltonian with turned signs.
    #[arg(long, value_name = "M,...", value_delimiter = ',', value_parser = input::momentum)]
    pub momentum: Option<Vec<usize>>,
    /// Of these, only states of a one-dimensional representation of the point group that keeps the momentum: 0 is
    /// the trivial one.
    #[arg(long, value_name = "I", requires = "momentum")]
    pub irrep: Option<usize>,
    /// Of these, only states that are even or odd when all spins are flipped.
    #[arg(long, value_name = "PARITY", requires = "momentum", value_parser = input::parity())]
    pub spin_flip: Option<Parity>,
    /// Memory for vectors and matrix, such as 8GiB (default: a quarter of what is free).
    ///
    /// Where products need a matrix and it does not fit beside the vectors it is made anew in each of them, which takes
    /// tens of times as long.
    #[arg(long, value_name = "SIZE", value_parser = input::size)]
    pub memory: Option<ByteSize>,
    /// Number of threads (default: one per core).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print the energies and nothing else but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

const SHORT: &str = "`autoket --help` explains the run file; `autoket run --help` the results.";

const RUN: &str = "\
RESULTS
  run.toml                the run file as resolved, with every default; runs again as it is
  log.json                energy of every step, in the layout of NetKet's JsonLog
  parameters.safetensors  the parameters after the last step
  summary.json            energy {mean, error_of_mean, variance, n_samples} on fresh samples,
                          v_score, exact (each may be null), steps, n_parameters, seconds,
                          observables (as `autoket evaluate --help` says, where asked for)

  log.jsonl               the same log, a line for each step, appended as it ends
  checkpoints/            step-N.safetensors, all that the run needs to go on after N steps: the last
                          ones (run.checkpoint_keep), and best.safetensors, that of the lowest energy

  Checkpoints, parameters and log.json are written every few seconds, or as run.checkpoint_every and
  run.checkpoint_minutes say, when the run stops, and on SIGUSR1. A run that was killed goes on from
  its last checkpoint when the same command is given again, or by `autoket resume`.
  A folder that holds another run is refused, unless --overwrite is given.

ENVIRONMENT
  AUTOKET_SIMD  plain, sse2, sse4.2, avx2, avx512 or neon: the SIMD level, if not the machine's best

EXIT STATUS
  0    the run ended as planned
  1    it failed: an energy that is not finite, a result that could not be written
  2    the arguments or the run file are wrong; nothing was computed or written
  130  stopped by Ctrl-C, 143 by SIGTERM; the results of the steps done are written

EXAMPLES
  autoket run examples/ising_4x4.toml
  autoket run examples/ising_4x4.toml --set hamiltonian.h=2.0 --out runs/h2
  autoket run examples/ising_4x4.toml --set lattice.extent=[3,5] --set model.dtype=float32";

const RESUME: &str = "\
EXAMPLES
  autoket resume runs/ising_4x4
  autoket resume runs/ising_4x4 --set run.steps=2000
  autoket resume runs/ising_4x4 --from runs/ising_4x4/checkpoints/best.safetensors \\
      --set optimizer.learning_rate=0.01";

const EXACT: &str = "\
EXAMPLES
  autoket exact examples/ising_4x4.toml
  autoket exact examples/heisenberg_4x4.toml --k 4
  autoket exact examples/j1_j2_4x4.toml --momentum 0,0 --irrep 0 --memory 8GiB";

const EVALUATE: &str = "\
OBSERVABLES
  The value s of a site is 2m of a spin, and the number of particles of a boson.

  correlations             <s_i s_j> - <s_i><s_j> by the distance of i and j
  structure_factor         <|sum s_j exp(-i q r_j)|^2>/N at the wave vectors of the lattice
  magnetization            m = sum s_j/N: <m>, <|m|>, <m^2>, <m^4>, Binder's 1 - <m^4>/(3 <m^2>^2)
  staggered_magnetization  the same with + and - on the sublattices of nearest neighbours
  total_spin               (sum S_j)^2 of spins 1/2
  and those that the run file has in [observables.operators], by their names

RESULTS
  evaluate.json            n_samples, seed, and of each observable its numbers
                           {label, at, mean, error_of_mean}; the energy is the first
  correlations.svg, structure_factor.svg   pictures of those that were measured

EXAMPLES
  autoket evaluate runs/ising_4x4 --observable correlations --observable magnetization
  autoket evaluate runs/ising_4x4 --observable structure_factor --n-samples 1000000 --seed 7";

const PAGE: &str = "\
THE RUN FILE
  TOML, in nine tables. Fields without a value after `=` here must be given.

  [lattice]
    kind          \"chain\", \"square\" (\"rectangular\" is the same), \"triangular\", \"honeycomb\",
                  \"kagome\", \"cubic\", \"bcc\", \"fcc\", \"diamond\", \"pyrochlore\", \"hypercube\",
                  \"grid\", \"lattice\" or \"edges\"
    extent        cells in each direction: [L] for a chain, [rows, columns] for a square
    pbc           = true; periodic or open, or one of them per direction
    color_edges   = false; colour edges by direction, for a J per direction
    max_neighbor_order = 1; edges to further neighbours, coloured by distance: 2 for J1-J2
    basis_vectors, site_offsets   of kind \"lattice\": [[1, 0], [0, 1]], and [[0, 0]] by default
    n_sites, edges, colors   of kind \"edges\": [[0, 1], [1, 2], ...]
  [hilbert]       may be left out
    kind          = \"spin\", or \"qubit\", \"fock\", \"fermions\"
    s             = 0.5; the spin, a half-integer; of \"fermions\" none, if left out
    inverted_ordering  = true; of \"spin\": local index 0 is spin down
    total_sz      of \"spin\": the sum of all z components
    n_max         of \"fock\": most particles on a site
    n_particles   of \"fock\" and \"qubit\": particles on all sites
    n_fermions, n_fermions_per_spin   of \"fermions\": in all, or of each spin projection: [3, 3]
    parity        \"even\" or \"odd\" number of particles, or of steps up of spins
  [hamiltonian]
    kind          \"Ising\":       H = -h sum sx + J sum sz sz; fields h, J = 1
                  \"Heisenberg\":  H = J sum s.s; fields J = 1, sign_rule (or one per colour)
                  \"XYZ\":         J = [Jx, Jy, Jz], h = [0, 0, 0]
                  \"BoseHubbard\": U, V = 0, J = 1, mu = 0
                  \"FermiHubbard\": U, t = 1;  \"tV\": V, t = 1
                  \"FCIDUMP\":     file; a molecule
                  \"PauliStrings\": terms = \"0.5*X0 X1 - Z2\", or a list of such sums
                  \"FermionOperator\": terms = \"0.5*0^ 1 + 0.5*1^ 0\", or a list of such sums
                  \"GraphOperator\": site_ops, bond_ops (lists of matrices), bond_ops_colors
                  \"LocalOperator\": terms = [{ sites = [0, 1], matrix = [[...], ...] }, ...],
                  constant = 0
  [model]
    kind          \"ARNNDense\", \"ARNNConv1D\", \"ARNNConv2D\", \"LSTMNet\", \"GRUNet1D\" (also with
                  NetKet's Fast before the name), \"ARNNGatedConv2D\", \"TensorGRU2D\"
    layers        number of layers, but of \"TensorGRU2D\", which has one
    features      channels of every layer but the last, or a list with one number per layer
    kernel_size   of convolutions: [height, width], or the length for \"ARNNConv1D\"
    kernel_dilation = [1, 1], use_bias = true, machine_pow = 2,
    order         \"raster\", \"snake\", \"diagonal\", \"spiral\" or a list of all sites, first drawn first
    phase         = false; a phase beside the amplitude, which wants a complex dtype
    recurrence    of \"LSTMNet\" and \"GRUNet1D\": \"chain\" or \"graph\"; or else
    reorder_idx, prev_neighbors   NetKet's lists, -1 for none
    activation    = \"selu\", or \"relu\", \"elu\", \"celu\", \"leaky_relu\", \"gelu\", \"gelu_exact\",
                  \"silu\" (\"swish\"), \"softplus\", \"sigmoid\", \"tanh\", \"log_cosh\", \"sin\",
                  \"identity\"; with reim_ before the name on real and imaginary part apart
    dtype         = \"float64\", or \"float32\", \"complex64\", \"complex128\"
    precision     = \"default\", or \"high\", \"highest\": how products of single precision are summed
    bias_init     = \"zeros\"; or, and of kernels too, \"ones\", { normal = 0.01 }, { uniform = 0.01 },
                  { constant = 1.0 }
    kernel_init   also \"lecun_uniform\", \"he_normal\", \"he_uniform\", \"glorot_normal\",
                  \"glorot_uniform\", { orthogonal = 1.0 };
                  = \"lecun_normal\", of \"LSTMNet\" and \"GRUNet1D\" { orthogonal = 1.0 },
                  of \"TensorGRU2D\" \"glorot_uniform\"
    extent        rows and columns, where the lattice does not say
    symmetries    what the wave function is averaged over, some of [\"translations\",
                  \"point_group\", \"spin_flip\"]
  [sampler]
    n_samples     configurations drawn in each step
  [optimizer]
    kind          \"Sgd\", \"Momentum\" or \"Adam\"
    learning_rate a number, or { kind = \"linear\", init_value, end_value, transition_steps }
                  (also \"exponential\" and \"cosine\", by Optax's names)
    beta, nesterov   of \"Momentum\": = 0.9, false
    b1, b2, eps   of \"Adam\": = 0.9, 0.999, 1e-8
  [sr]            stochastic reconfiguration; without this table the plain gradient is followed
    diag_shift    = 0.01; a number or a schedule
    momentum      of SPRING, from 0 to below 1; left out: none
    form          \"metric\", \"gram\", \"layerwise\" or \"cg\"; left out: the cheapest
  [observables]   measured beside the energy; without this table the energy alone
    measure       names from `autoket evaluate --help`, such as [\"magnetization\"]
    every         = 10; steps from one measurement to the next
    operators     of your own: { zz = \"Z0 Z1\", ... }, as text (fermions: \"0^ 1 + 1^ 0\")
  [run]
    steps         number of steps
    seed          = 0
    temperature   a number or a schedule: lowers the free energy H - T S, S the entropy of the samples
    final_samples fresh samples for the final energy
    out           folder for the results
    checkpoint_every, checkpoint_minutes   steps and minutes from one checkpoint to the next
    checkpoint_keep = 2; how many checkpoints are kept
    on_not_finite = \"stop\", or \"halve\": go on with half the learning rate

EXAMPLES
  autoket run examples/ising_4x4.toml            train, and see the exact energy beside
  autoket exact examples/ising_4x4.toml          the exact energy alone
  autoket inspect examples/ising_4x4.toml        the layers, what they cost and read
  autoket evaluate runs/ising_4x4 --observable correlations   measure a finished run
  autoket draw examples/ising_4x4.toml -o lattice.svg   a picture of the lattice
  autoket run --help                             results, exit status";
