//! Full and Lanczos diagonalisation of whole spaces.

use std::f64::consts::PI;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use autoket::c64;
use autoket::exact::{self, LanczosInfo, LanczosOptions, Products};
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::operator::{
    Connected, LocalOperator, Operator, apply, heisenberg, ising, spin, to_sparse,
};
use autoket::random::Key;

pub fn chain(n: usize, pbc: bool) -> Graph {
    Graph::chain(n, pbc).unwrap()
}

pub fn half(n: usize) -> Hilbert {
    Hilbert::spin(0.5, n).unwrap()
}

pub fn options(n_energies: usize) -> LanczosOptions {
    LanczosOptions {
        n_energies,
        ..Default::default()
    }
}

fn lanczos(operator: &dyn Operator, options: LanczosOptions) -> LanczosInfo {
    let info = exact::lanczos_ed(operator, options).unwrap();
    let n = info.vectors[0].len();
    let energies = info.energies.iter().zip(&info.residuals);
    for ((energy, expected), vector) in energies.zip(&info.vectors) {
        let mut product = vec![c64::ZERO; n];
        apply(operator, vector, &mut product).unwrap();
        let pairs = || product.iter().zip(vector);
        let residual: f64 = pairs().map(|(hv, v)| (hv - v * energy).norm_sqr()).sum();
        assert!((residual.sqrt() - expected).abs() <= 0.01 * expected + 1e-13);
        let norm: f64 = vector.iter().map(|v| v.norm_sqr()).sum();
        assert!((norm - 1.0).abs() < 1e-13);
    }
    info
}

#[test]
fn open_ising_chain_has_its_analytic_energy() {
    for n in [2, 5, 8, 11, 14] {
        let h = ising(&half(n), &chain(n, false), 1.0, 1.0).unwrap();
        let analytic = 1.0 - 1.0 / (PI / (2.0 * (2 * n + 1) as f64)).sin();
        let energy = exact::ground_state_energy(&h).unwrap();
        assert!(
            (energy - analytic).abs() < 1e-11,
            "{n}: {energy} {analytic}"
        );
        let energy = lanczos(&h, options(1)).energies[0];
        assert!(
            (energy - analytic).abs() < 1e-11,
            "{n}: {energy} {analytic}"
        );
    }
}

#[test]
fn published_energies() {
    let check = |h: LocalOperator, energy: f64, digits: f64| {
        let found = lanczos(&h, options(1)).energies[0];
        assert!((found - energy).abs() < digits, "{found} {energy}");
    };
    // VarBench (Wu et al., Science 386, 296 (2024)): exact diagonalisation.
    check(
        ising(&half(10), &chain(10, false), 1.0, 1.0).unwrap(),
        -12.381489999654734,
        1e-11,
    );
    check(
        ising(&half(10), &chain(10, true), 1.0, 1.0).unwrap(),
        -12.784906442999322,
        1e-11,
    );
    let square = Graph::square(4, true).unwrap();
    for rule in [true, false] {
        let h = heisenberg(&half(16), &square, &[1.0], Some(&[rule])).unwrap();
        check(h, -44.9139328, 1e-7);
    }
    let neutral = |n| half(n).with_total_sz(0.0).unwrap();
    let ring = |pbc| heisenberg(&neutral(20), &chain(20, pbc), &[1.0], None).unwrap();
    check(ring(true), -35.61754611950579, 1e-11);
    check(ring(false), -34.72989333759587, 1e-11);
    let square = Graph::square(4, true).unwrap();
    let square = square.with_neighbors(2).unwrap();
    for (j2, energy, digits) in [
        (0.05, -43.5577625, 1e-7),
        (0.2, -39.6719323, 1e-7),
        (0.4, -35.2734575, 1e-7),
        (0.5, -33.83169340557936, 1e-11),
        (0.6, -33.6573326, 1e-7),
        (0.8, -40.1494467, 1e-7),
        (1.0, -49.1819609, 1e-7),
    ] {
        let h = heisenberg(&neutral(16), &square, &[1.0, j2], None).unwrap();
        check(h, energy, digits);
    }
}

#[test]
fn lanczos_agrees_with_dense_diagonalisation() {
    let hilbert = half(7);
    let ring = chain(7, true);
    let complex = ising(&hilbert, &ring, 0.4, 1.0).unwrap()
        + 0.3 * spin::sigmay(&hilbert, 2).unwrap()
        + 0.2 * (spin::sigmax(&hilbert, 1).unwrap() * spin::sigmay(&hilbert, 5).unwrap());
    assert!(!complex.is_real());
    let operators = [
        complex,
        // Degenerate: frustrated rings, no field, all states alike.
        heisenberg(&hilbert, &ring, &[1.0], None).unwrap(),
        heisenberg(&hilbert, &ring, &[-1.0], None).unwrap(),
        ising(&hilbert, &ring, 0.0, 1.0).unwrap(),
        ising(&hilbert, &ring, 0.0, -1.0).unwrap(),
        LocalOperator::identity(&hilbert) * -2.5,
        LocalOperator::new(&hilbert),
    ];
    for operator in operators {
        let dense = exact::full_ed(&operator).unwrap();
        assert!(dense.is_sorted());
        // Enough for the matrix, or just for the vectors.
        for memory in [usize::MAX, 9 * 16 * dense.len()] {
            let options = LanczosOptions {
                memory,
                ..options(6)
            };
            let info = lanczos(&operator, options);
            for (found, expected) in info.energies.iter().zip(&dense) {
                assert!(
                    (found - expected).abs() < 1e-11,
                    "{:?} {:?}",
                    info.energies,
                    &dense[..6]
                );
            }
        }
    }
}

#[test]
fn finds_all_energies_of_a_small_space() {
    let hilbert = Hilbert::spin(1.0, 2).unwrap();
    let h = spin::sigmax(&hilbert, 0).unwrap() + 0.3 * spin::sigmaz(&hilbert, 1).unwrap();
    let dense = exact::full_ed(&h).unwrap();
    let found = lanczos(&h, options(9)).energies;
    assert!(dense.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-13));
}

#[test]
fn ferromagnets_keep_their_multiplets() {
    // 2S + 1 = 13 states share the lowest energy.
    let h = heisenberg(&half(12), &chain(12, true), &[-1.0], None).unwrap();
    let info = lanczos(&h, options(14));
    assert!(
        info.energies[..13]
            .iter()
            .all(|energy| (energy + 12.0).abs() < 1e-10)
    );
    assert!(info.energies[13] > -11.9);
}

#[test]
fn results_do_not_depend_on_threads() {
    let h = ising(&half(13), &Graph::chain(13, true).unwrap(), 1.0, 1.0).unwrap();
    let stored = ByRows(h.clone());
    let small = ising(&half(10), &chain(10, true), 1.0, 1.0).unwrap();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            (
                exact::lanczos_ed(&h, options(2)).unwrap(),
                exact::lanczos_ed(&stored, options(2)).unwrap(),
                exact::full_ed(&small).unwrap(),
            )
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn knows_what_is_quick() {
    assert!(exact::is_quick(&half(18)));
    assert!(!exact::is_quick(&half(19)));
    assert!(!exact::is_quick(&half(100)));
}

/// Elements in many tiles: of one value or each of its own, real and complex, in each row or in few.
#[test]
fn a_stored_matrix_is_the_operator() {
    let mut random = (0..).map(|i| 2.0 * Key::new(3).uniform(i) - 1.0);
    let mut random = || random.next().unwrap();
    // Any Hermitian matrix on two sites.
    let mut pair = |hilbert: &Hilbert, i: usize, j: usize, is_real: bool| {
        let mut matrix = [c64::ZERO; 16];
        for (a, b) in (0..4).flat_map(|a| (0..=a).map(move |b| (a, b))) {
            let phase = if is_real || a == b { 0.0 } else { random() };
            let mel = c64::from_polar(random(), phase);
            (matrix[4 * a + b], matrix[4 * b + a]) = (mel, mel.conj());
        }
        LocalOperator::term(hilbert, &[i, j], &matrix).unwrap()
    };
    let whole = half(15);
    let mut each_own = |is_real| {
        let bonds = (0..15).map(|i| pair(&whole, i, (i * 4 + 1) % 15, is_real));
        bonds.fold(LocalOperator::new(&whole), |sum, bond| sum + &bond)
    };
    let x = |site| spin::sigmax(&whole, site).unwrap();
    let fields = (0..15).map(|i| spin::sigmaz(&whole, i).unwrap() * (1.0 + 0.1 * i as f64));
    // Elements above the diagonal in 32 rows of 64, in the first half, and after 15 rows and then each 16th.
    let mut last = [c64::ZERO; 256];
    last[255] = c64::ONE;
    let last = LocalOperator::term(&whole, &[11, 12, 13, 14], &last).unwrap();
    let flips = x(0) * x(14) + &(0.3 * x(9)) + &(0.2 * (x(1) * last));
    let few = fields.fold(flips, |sum, z| sum + &z);
    // 11,440 states: an odd number of parts.
    let odd = half(16).with_total_sz(1.0).unwrap();
    let odd = heisenberg(&odd, &chain(16, true), &[1.0], None).unwrap();
    for operator in [each_own(true), each_own(false), few, odd] {
        let operator = ByRows(operator);
        let plan = options(1).plan(&operator).unwrap();
        assert_eq!(plan.products, Products::Stored);
        // Residuals are compared there with those by rows made anew.
        let info = lanczos(&operator, options(1));
        assert!(info.residuals[0] < 1e-6, "{:?}", info.residuals);
    }
}

/// An operator whose terms are not known, so that products go by rows or a stored matrix.
struct ByRows(LocalOperator);

impl Operator for ByRows {
    fn hilbert(&self) -> &Hilbert {
        self.0.hilbert()
    }
    fn is_hermitian(&self) -> bool {
        true
    }
    fn is_real(&self) -> bool {
        self.0.is_real()
    }
    fn max_conn_size(&self) -> usize {
        self.0.max_conn_size()
    }
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        self.0.connected(sigma, out);
    }
}

/// An operator that does not say whether it is real, and asks for too many sites.
struct Opaque(LocalOperator);

impl Operator for Opaque {
    fn hilbert(&self) -> &Hilbert {
        self.0.hilbert()
    }
    fn is_hermitian(&self) -> bool {
        true
    }
    fn max_conn_size(&self) -> usize {
        self.0.max_conn_size()
    }
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        self.0.connected(sigma, out);
    }
}

/// A constrained operator that does not say what it conserves, and counts its rows.
pub struct Counted(pub LocalOperator, pub AtomicUsize);

impl Operator for Counted {
    fn hilbert(&self) -> &Hilbert {
        self.0.hilbert()
    }
    fn is_hermitian(&self) -> bool {
        true
    }
    fn max_conn_size(&self) -> usize {
        self.0.max_conn_size()
    }
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.connected(sigma, out);
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_computed() {
    let hilbert = half(16).with_total_sz(0.0).unwrap();
    let h = heisenberg(&hilbert, &chain(16, true), &[1.0], None).unwrap();
    // The diagonal, four bytes for each element above it, and two vectors for products; four complex vectors beside it.
    let elements = to_sparse(&h).unwrap().values().len();
    let (vectors, matrix) = (
        12870 * 4 * 16,
        (elements - 12870) / 2 * 4 + 12870 * (8 + 2 * 16),
    );
    let counted = Counted(h, AtomicUsize::new(0));
    let with = |memory| LanczosOptions {
        memory,
        ..options(1)
    };
    let refused = exact::lanczos_ed(&counted, with(vectors - 1)).unwrap_err();
    assert!(matches!(refused, autoket::Error::TooLarge { .. }));
    let plan = with(vectors).plan(&counted).unwrap();
    assert_eq!(
        (plan.products, plan.bytes, plan.n_states),
        (Products::ByRows, vectors, 12870)
    );
    // Told by some rows, three errors above their mean, with room for rows that are gone on.
    let plan = with(vectors + matrix / 20 * 23).plan(&counted).unwrap();
    assert_eq!(plan.products, Products::Stored);
    let over = plan.bytes as f64 / (vectors + matrix) as f64;
    assert!((1.0..1.1).contains(&over), "{over}");
    let plan = with(vectors + matrix / 20 * 19).plan(&counted).unwrap();
    assert_eq!(plan.products, Products::ByRows);
    let free = LanczosOptions {
        matrix_free: true,
        ..with(vectors + 2 * matrix)
    };
    assert_eq!(free.plan(&counted).unwrap().products, Products::ByRows);
    // Terms that are known need no matrix.
    let plan = with(vectors + 2 * matrix).plan(&counted.0).unwrap();
    assert_eq!(
        (plan.products, plan.bytes),
        (Products::ByTerms, vectors / 2)
    );
    assert!(counted.1.load(Ordering::Relaxed) <= 5 * 1024);
}

/// Estimates fall to the energy, all products are shown, and breaking off is an error.
#[test]
fn a_search_can_be_watched_and_broken_off() {
    let h = ising(&half(10), &chain(10, true), 1.0, 1.0).unwrap();
    let mut seen = Vec::new();
    let found = exact::lanczos_ed_watched(&h, options(2), &mut |progress| {
        seen.push(progress);
        ControlFlow::Continue(())
    });
    let found = found.unwrap();
    for i in 0..2 {
        let of_this: Vec<_> = seen.iter().filter(|p| p.found == i).collect();
        let energies: Vec<f64> = of_this.iter().filter_map(|p| p.energy).collect();
        assert!(energies.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12));
        assert!((energies.last().unwrap() - found.energies[i]).abs() < 1e-9);
        let last = of_this.last().unwrap();
        // The one that gives the residual is left.
        assert_eq!(last.left, Some(1));
        assert!(last.residual <= 1e-9 && last.iterations < found.iterations);
    }
    let broken = exact::lanczos_ed_watched(
        &h,
        options(1),
        &mut |progress| match progress.iterations < 5 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        },
    );
    assert!(matches!(broken, Err(autoket::Error::Interrupted)));
}

#[test]
fn takes_any_operator() {
    let h = Opaque(ising(&half(9), &chain(9, false), 1.0, 1.0).unwrap());
    let real = exact::ground_state_energy(&h.0).unwrap();
    assert!((exact::ground_state_energy(&h).unwrap() - real).abs() < 1e-12);
}

#[test]
fn refuses_what_makes_no_sense() {
    fn check<T>(result: autoket::Result<T>, words: &[&str]) {
        let message = result.err().unwrap().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    let raise = spin::sigmap(&half(3), 0).unwrap();
    check(exact::full_ed(&raise), &["Hermitian", "adjoint"]);
    check(exact::lanczos_ed(&raise, options(1)), &["Hermitian"]);
    check(exact::ground_state_energy(&raise), &["Hermitian"]);
    let large = LocalOperator::identity(&half(40));
    check(
        exact::full_ed(&large),
        &["dense diagonalisation", "1099511627776"],
    );
    check(
        exact::ground_state_energy(&large),
        &["Lanczos", "1099511627776"],
    );
    let h = ising(&half(10), &chain(10, false), 1.0, 1.0).unwrap();
    let with = |options| exact::lanczos_ed(&h, options);
    check(with(options(0)), &["`n_energies`", "1 to 1024"]);
    check(with(options(1025)), &["`n_energies`", "1025"]);
    for tolerance in [0.0, 2.0, f64::NAN] {
        check(
            with(LanczosOptions {
                tolerance,
                ..options(1)
            }),
            &["`tolerance`"],
        );
    }
    check(
        with(LanczosOptions {
            memory: 1000,
            ..options(1)
        }),
        &["4 vectors of 1024 states", "memory"],
    );
    let short = LanczosOptions {
        max_iterations: 5,
        ..options(1)
    };
    check(
        with(short),
        &["did not converge in 5 iterations", "max_iterations"],
    );
    let large = 1e200 * h;
    check(exact::lanczos_ed(&large, options(1)), &["unit of energy"]);
    let small = 1e200 * ising(&half(3), &chain(3, true), 1.0, 1.0).unwrap();
    let refused = exact::full_ed(&small).unwrap_err().to_string();
    assert!(refused.contains("unit of energy"), "{refused}");
}

/// Free fermions against the matrix: both signs of field and coupling, frustrated rings, both phases.
#[test]
fn the_ising_chain_is_solved_by_free_fermions() {
    for n in 2..=9 {
        for pbc in [false, true] {
            if pbc && n < 3 {
                continue;
            }
            let (hilbert, graph) = (
                Hilbert::spin(0.5, n).unwrap(),
                Graph::chain(n, pbc).unwrap(),
            );
            for h in [0.0, 0.3, -0.3, 0.9, 1.0, -1.0, 1.7] {
                for j in [-1.0, 1.0, 0.0] {
                    let operator = ising(&hilbert, &graph, h, j).unwrap();
                    let exact = exact::full_ed(&operator).unwrap()[0];
                    let energy = exact::ising_chain_energy(n, h, j, pbc).unwrap();
                    assert!(
                        (energy - exact).abs() < 1e-12 * n as f64,
                        "{n} sites, h = {h}, J = {j}, pbc = {pbc}: {energy}, not {exact}"
                    );
                }
            }
        }
    }
    // Published: open chain of 40 at the critical field, ring of 32.
    let energy = |n, h, pbc| exact::ising_chain_energy(n, h, -1.0, pbc).unwrap();
    assert!((energy(40, 1.0, false) + 50.56943379479492).abs() < 1e-12);
    assert!((energy(32, 0.5, true) + 34.03342111916819).abs() < 1e-11);
    assert!((energy(32, 1.0, true) + 40.76003249419223).abs() < 1e-11);
    assert!(exact::ising_chain_energy(1, 1.0, 1.0, false).is_err());
    assert!(exact::ising_chain_energy(2, 1.0, 1.0, true).is_err());
    assert!(exact::ising_chain_energy(5, f64::NAN, 1.0, true).is_err());
}

/// A matrix that is stored is shown as it is made, several times if it is large, and making it can be broken off.
#[test]
fn the_making_of_a_matrix_can_be_watched_and_broken_off() {
    let hilbert = half(22).with_total_sz(0.0).unwrap();
    let h = heisenberg(&hilbert, &chain(22, true), &[1.0], None).unwrap();
    // Nothing is known of its terms.
    let h = Counted(h, AtomicUsize::new(0));
    let mut rows = Vec::new();
    let broken = exact::lanczos_ed_watched(&h, options(1), &mut |progress| {
        rows.push((progress.rows, progress.iterations));
        match progress.iterations {
            1.. => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert!(matches!(broken, Err(autoket::Error::Interrupted)));
    assert_eq!(
        rows,
        [(262_144, 0), (524_288, 0), (705_432, 0), (705_432, 1)]
    );
    let mut looks = 0;
    let broken = exact::lanczos_ed_watched(&h, options(1), &mut |_| {
        looks += 1;
        ControlFlow::Break(())
    });
    assert!(matches!(broken, Err(autoket::Error::Interrupted)));
    assert_eq!(looks, 1);
}

/// A constant moves all energies alike, up to its own rounding.
#[test]
fn a_constant_makes_no_difference() {
    let ring = chain(12, true);
    let h = heisenberg(&half(12), &ring, &[1.0], None).unwrap();
    let plain = exact::lanczos_ed(&h, options(3)).unwrap().energies;
    let shifted = h + &(1e8 * LocalOperator::identity(&half(12)));
    let moved = exact::lanczos_ed(&shifted, options(3)).unwrap().energies;
    for (a, b) in plain.iter().zip(moved) {
        assert!((b - 1e8 - a).abs() < 3e-6, "{a} {}", b - 1e8);
    }
}
