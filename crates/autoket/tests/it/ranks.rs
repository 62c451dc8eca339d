//! Ranks, as threads of one process: whatever their number, results are those of one, bit for bit.

use std::sync::{Arc, Barrier, Mutex};

use autoket::driver::Vmc;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::models::{ArnnConv2d, ArnnDense, Autoregressive, GruNet1d, RowOf, Symmetrized};
use autoket::operator::{Operator, Symmetries, heisenberg, ising};
use autoket::optimizer::{Optimizer, Sr, SrForm};
use autoket::random::Key;
use autoket::ranks::{Communicator, Ranked, Ranks};
use autoket::simd::Row;
use autoket::vqs::{FullSumState, McState, VariationalState};
use autoket::{Error, Real, Scalar};
use num_complex::Complex;

/// What the ranks of a test put before each other.
struct Table {
    places: Mutex<Vec<Vec<u8>>>,
    all_there: Barrier,
}

struct Seat {
    rank: usize,
    size: usize,
    table: Arc<Table>,
}

impl Communicator for Seat {
    fn rank(&self) -> usize {
        self.rank
    }
    fn size(&self) -> usize {
        self.size
    }
    fn all_gather(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) {
        assert_eq!(mine.len(), lengths[self.rank]);
        self.table.places.lock().unwrap()[self.rank] = mine.to_vec();
        self.table.all_there.wait();
        all.copy_from_slice(&self.table.places.lock().unwrap().concat());
        self.table.all_there.wait();
    }
    fn abort(&self, status: u8) -> ! {
        std::process::exit(status.into())
    }
}

/// What each of so many ranks finds, which must be the same.
pub fn with_ranks<T: PartialEq + Send>(size: usize, work: impl Fn(&Ranks) -> T + Sync) -> T {
    let table = Arc::new(Table {
        places: Mutex::new(vec![Vec::new(); size]),
        all_there: Barrier::new(size),
    });
    std::thread::scope(|scope| {
        let ranks: Vec<_> = (0..size)
            .map(|rank| {
                let table = table.clone();
                let ranks = Ranks::new(Arc::new(Seat { rank, size, table }));
                let work = &work;
                scope.spawn(move || work(&ranks))
            })
            .collect();
        let mut found: Vec<T> = ranks.into_iter().map(|rank| rank.join().unwrap()).collect();
        let first = found.swap_remove(0);
        assert!(found.iter().all(|other| *other == first), "ranks differ");
        first
    })
}

const SIZES: [usize; 4] = [2, 3, 4, 7];

type Model<S> = Arc<dyn Autoregressive<S>>;

fn conv<S: Scalar>() -> Model<S> {
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    Arc::new(ArnnConv2d::new(hilbert, 2, 3, [2, 3]).build::<S>().unwrap())
}

fn dense<S: Scalar>() -> Model<S> {
    let hilbert = Hilbert::spin(0.5, 9).unwrap().with_total_sz(0.5).unwrap();
    Arc::new(ArnnDense::new(hilbert, 2, 3).build::<S>().unwrap())
}

fn averaged<S: Scalar>() -> Model<S> {
    let group = Graph::square(3, true).unwrap().point_group().unwrap();
    let symmetries = Symmetries::new(&group, true);
    Arc::new(Symmetrized::new(conv::<S>(), symmetries).unwrap())
}

fn bits<S: Scalar>(values: &[S]) -> Vec<[u64; 2]> {
    let parts = values.iter().map(|x| x.to_c64());
    parts.map(|z| [z.re.to_bits(), z.im.to_bits()]).collect()
}

fn row_bits<S: Scalar>(rows: &[RowOf<S>]) -> Vec<u64> {
    let numbers = rows.iter().flat_map(|row| row.iter());
    numbers.map(|x| x.widen().to_bits()).collect()
}

/// Every method of a model, for a number of samples.
fn all_methods<S: Scalar>(model: &Model<S>, n_samples: usize) -> impl PartialEq + Send + use<S> {
    let theta = model.init(Key::new(3)).values;
    let drawn = model.sample(&theta, n_samples, Key::new(5)).unwrap();
    let sigma = &drawn.sigma;
    let log_psi = model.log_psi(&theta, sigma).unwrap();
    let conditionals = match model.conditionals_log_psi(&theta, sigma) {
        // An average has none.
        Err(Error::Invalid { field, .. }) if field == "model" => Vec::new(),
        other => other.unwrap(),
    };
    let graph = Graph::square(3, true).unwrap();
    let h = heisenberg(model.hilbert(), &graph, &[1.0], None).unwrap();
    let local_values = model.local_values(&theta, sigma, &h).unwrap();
    let cotangent: Vec<S> = log_psi.iter().map(|y| *y * *y).collect();
    let mut gradient = vec![0.25; model.n_reals()];
    model.vjp(&theta, sigma, &cotangent, &mut gradient).unwrap();
    let n_blocks = n_samples.div_ceil(<S::Real as Real>::Row::LANES) * S::PLANES;
    let zero = <RowOf<S> as Row<S::Real>>::splat(S::Real::from_f64(0.0));
    let mut jacobian = vec![zero; n_blocks * model.n_reals()];
    model.jacobian(&theta, sigma, &mut jacobian).unwrap();
    let layers = model.layerwise().unwrap_or_default();
    let rows: usize = layers.iter().map(|layer| layer.rows()).sum();
    let mut factors = vec![zero; n_blocks * rows];
    if rows > 0 {
        model
            .layerwise_factors(&theta, sigma, &mut factors)
            .unwrap();
    }
    (
        drawn.sigma.clone(),
        [log_psi, drawn.log_psi, conditionals].map(|x| bits(&x)),
        bits(&local_values),
        bits(&gradient),
        [row_bits::<S>(&jacobian), row_bits::<S>(&factors)],
    )
}

fn methods_agree<S: Scalar>(model: Model<S>) {
    for n_samples in [1, 31, 300, 530] {
        let alone = all_methods(&model, n_samples);
        for size in SIZES {
            let shared = with_ranks(size, |ranks| {
                all_methods(&Ranked::share(model.clone(), ranks), n_samples)
            });
            assert!(shared == alone, "{size} ranks, {n_samples} samples");
        }
    }
}

#[test]
fn a_shared_batch_is_the_whole_one() {
    methods_agree(conv::<f64>());
    methods_agree(conv::<f32>());
    methods_agree(dense::<f64>());
    methods_agree(dense::<Complex<f64>>());
    let hilbert = Hilbert::spin(0.5, 9).unwrap();
    methods_agree::<f64>(Arc::new(GruNet1d::new(hilbert, 1, 4).build().unwrap()));
    methods_agree(averaged::<f64>());
}

/// Parameters after some steps, and energies on the way.
fn run<S: Scalar>(
    model: &Model<S>,
    n_samples: usize,
    (sr, memory): (Option<Sr>, usize),
    ranks: &Ranks,
) -> impl PartialEq + Send + use<S> {
    let side = model.hilbert().n_sites().isqrt();
    let graph = Graph::square(side, true).unwrap();
    let h: Arc<dyn Operator> = match model.hilbert().is_constrained() {
        true => Arc::new(heisenberg(model.hilbert(), &graph, &[1.0], None).unwrap()),
        false => Arc::new(ising(model.hilbert(), &graph, 3.0, 1.0).unwrap()),
    };
    let state = McState::new(Ranked::share(model.clone(), ranks), n_samples, 7).unwrap();
    let mut vmc = Vmc::new(h, state, Optimizer::adam(0.01), sr).unwrap();
    vmc.set_memory(memory);
    let energies: Vec<[u64; 4]> = (0..2)
        .map(|_| {
            let energy = vmc.advance().unwrap().energy;
            let (mean, rest) = (energy.mean, [energy.variance, energy.error_of_mean]);
            [mean.re, mean.im, rest[0], rest[1]].map(f64::to_bits)
        })
        .collect();
    let energy = vmc.energy(700).unwrap().mean.re.to_bits();
    (energies, energy, bits(&vmc.state.params().values))
}

/// Every form of stochastic reconfiguration, log-derivatives kept or not, and the plain gradient.
fn runs_agree<S: Scalar>(model: Model<S>) {
    let forms = [SrForm::Metric, SrForm::Gram, SrForm::Layerwise, SrForm::Cg];
    let with_form = |form| Sr {
        form: Some(form),
        momentum: Some(0.7),
        ..Sr::default()
    };
    let ways = forms
        .into_iter()
        .flat_map(|form| [usize::MAX, 0].map(|memory| (Some(with_form(form)), memory)));
    // More samples than parameters, so that the last panels of the matrix are not positive.
    let singular = Sr {
        form: Some(SrForm::Gram),
        diag_shift: 0.0.into(),
        ..Sr::default()
    };
    for way in ways.chain([(None, 0), (Some(singular), usize::MAX)]) {
        let alone = run(&model, 600, way, &Ranks::default());
        let shared = with_ranks(3, |ranks| run(&model, 600, way, ranks));
        assert!(shared == alone, "{way:?}");
    }
}

#[test]
fn a_shared_run_is_the_whole_one() {
    // So many states that hardly any is drawn twice: more than a granule of log-derivatives.
    let hilbert = Hilbert::spin(0.5, 16).unwrap();
    let large = ArnnConv2d::new(hilbert, 2, 3, [2, 3]).build::<f64>();
    runs_agree::<f64>(Arc::new(large.unwrap()));
    runs_agree(dense::<Complex<f32>>());
    runs_agree(averaged::<Complex<f64>>());
}

#[test]
fn so_is_a_sum_over_all_states() {
    let model = conv::<f64>();
    let energy = |ranks: &Ranks| {
        let graph = Graph::square(3, true).unwrap();
        let h = ising(model.hilbert(), &graph, 3.0, 1.0).unwrap();
        let mut state = FullSumState::new(Ranked::share(model.clone(), ranks), 3).unwrap();
        let (stats, gradient) = state.expect_and_grad(&h).unwrap();
        (stats.mean.re.to_bits(), bits(&gradient))
    };
    let alone = energy(&Ranks::default());
    for size in SIZES {
        assert!(with_ranks(size, energy) == alone);
    }
}

/// What ranks tell each other.
#[test]
fn ranks_agree() {
    for size in SIZES {
        with_ranks(size, |ranks| {
            assert_eq!(ranks.size(), size);
            assert!(ranks.any(ranks.rank() == size - 1));
            assert!(!ranks.any(false));
            assert_eq!(ranks.min(10 + ranks.rank() as u64), 10);
            assert_eq!(ranks.threads(None).neighbours, size);
            assert_eq!(ranks.threads(Some(3)).own, 3);
            let bytes = if ranks.is_first() {
                vec![7; 1000]
            } else {
                Vec::new()
            };
            assert_eq!(ranks.of_first(bytes), vec![7; 1000]);
            // More than is gathered at once.
            let long: Vec<u8> = match ranks.is_first() {
                true => (0..150_000_000_u32).map(|i| (i / 1000) as u8).collect(),
                false => Vec::new(),
            };
            let long = ranks.of_first(long);
            assert_eq!(long.len(), 150_000_000);
            assert!(
                long.iter()
                    .enumerate()
                    .step_by(997)
                    .all(|(i, &x)| x == (i / 1000) as u8)
            );
        });
    }
    let alone = Ranks::default();
    assert!(alone.is_first() && alone.size() == 1 && !alone.any(false) && alone.any(true));
    assert_eq!(alone.of_first(vec![1, 2]), [1, 2]);
}
