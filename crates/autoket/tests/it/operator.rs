use autoket::c64;
use autoket::exact::{LanczosOptions, Products};
use autoket::graph::Graph;
use autoket::hilbert::{Constraint, Hilbert};
use autoket::operator::{
    Connected, LocalOperator, Operator, PauliStrings, apply, bose_hubbard, boson, heisenberg,
    ising, spin, to_dense, to_sparse,
};
use autoket::random::Key;
use faer::Mat;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::golden;

fn half(n: usize) -> Hilbert {
    Hilbert::spin(0.5, n).unwrap()
}

pub fn dense(operator: &dyn Operator) -> Mat<c64> {
    to_dense(operator).unwrap()
}

pub fn distance(a: &Mat<c64>, b: &Mat<c64>) -> f64 {
    (a - b).norm_max()
}

/// A number per (seed, element), in the unit square around 0.
fn random(seed: i64, n: usize) -> Vec<c64> {
    let part = |i: usize| Key::new(seed).uniform(i as u64) - 0.5;
    (0..n)
        .map(|i| c64::new(part(2 * i), part(2 * i + 1)))
        .collect()
}

fn random_term(hilbert: &Hilbert, seed: i64, sites: &[usize]) -> LocalOperator {
    let size = hilbert.local_size().pow(sites.len() as u32);
    LocalOperator::term(hilbert, sites, &random(seed, size * size)).unwrap()
}

/// Sums of overlapping terms of all kinds on three sites.
fn zoo() -> Vec<LocalOperator> {
    let mut zoo = Vec::new();
    for hilbert in [
        half(3),
        half(3).with_inverted_ordering(false),
        Hilbert::spin(1.0, 3).unwrap(),
        Hilbert::fock(2, 3).unwrap(),
    ] {
        let one = random_term(&hilbert, 1, &[1]);
        let two = random_term(&hilbert, 2, &[2, 0]);
        let three = random_term(&hilbert, 3, &[1, 2, 0]);
        zoo.push(&one + &two);
        zoo.push(&one * &two + &three);
        zoo.push(&two + &two.adjoint() + LocalOperator::identity(&hilbert) * 0.7);
        zoo.push(&spin::sigmaz(&hilbert, 0).unwrap() * &spin::sigmax(&hilbert, 2).unwrap());
    }
    zoo.push(ising(&half(4), &Graph::square(2, false).unwrap(), 0.7, -1.1).unwrap());
    zoo.push(
        heisenberg(
            &half(4),
            &Graph::chain(4, true).unwrap(),
            &[0.8],
            Some(&[false]),
        )
        .unwrap(),
    );
    zoo
}

fn build(hilbert: &Hilbert, expression: &Value) -> LocalOperator {
    let (key, value) = expression.as_object().unwrap().iter().next().unwrap();
    let all = || value.as_array().unwrap().iter().map(|e| build(hilbert, e));
    let complex = |z: &Value| match z.as_f64() {
        Some(re) => re.into(),
        None => c64::new(z[0].as_f64().unwrap(), z[1].as_f64().unwrap()),
    };
    let site = || golden::index(value);
    let conjugate = |value: &Value| {
        let (_, local) = value.as_object().unwrap().iter().next().unwrap();
        let mut local = local.clone();
        for z in local["matrix"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .flat_map(|row| row.as_array_mut().unwrap())
        {
            z[1] = (-z[1].as_f64().unwrap()).into();
        }
        build(hilbert, &serde_json::json!({ "local": local }))
    };
    match key.as_str() {
        "sigmax" => spin::sigmax(hilbert, site()).unwrap(),
        "sigmay" => spin::sigmay(hilbert, site()).unwrap(),
        "sigmaz" => spin::sigmaz(hilbert, site()).unwrap(),
        "sigmap" => spin::sigmap(hilbert, site()).unwrap(),
        "sigmam" => spin::sigmam(hilbert, site()).unwrap(),
        "create" => boson::create(hilbert, site()).unwrap(),
        "destroy" => boson::destroy(hilbert, site()).unwrap(),
        "number" => boson::number(hilbert, site()).unwrap(),
        "local" => {
            let sites: Vec<_> = value["sites"]
                .as_array()
                .unwrap()
                .iter()
                .map(golden::index)
                .collect();
            let rows = value["matrix"].as_array().unwrap().iter();
            let matrix: Vec<_> = rows
                .flat_map(|row| row.as_array().unwrap())
                .map(complex)
                .collect();
            LocalOperator::term(hilbert, &sites, &matrix).unwrap()
        }
        "constant" => LocalOperator::identity(hilbert) * complex(value),
        "sum" => all().reduce(|a, b| a + b).unwrap(),
        "difference" => all().reduce(|a, b| a - b).unwrap(),
        "product" => all().reduce(|a, b| a * b).unwrap(),
        "scale" => complex(&value["by"]) * build(hilbert, &value["of"]),
        "adjoint" => build(hilbert, value).adjoint(),
        "conjugate" => conjugate(value),
        "transpose" => conjugate(value).adjoint(),
        other => panic!("{other}"),
    }
}

/// The operator a golden file describes.
pub fn operator(hilbert: &Hilbert, spec: &Value) -> LocalOperator {
    let number = |key: &str, default: f64| spec.get(key).map_or(default, |x| x.as_f64().unwrap());
    let kind = spec["kind"].as_str().unwrap();
    if kind == "local" {
        return build(hilbert, &spec["expression"]);
    }
    let graph = golden::graph(&spec["graph"]).unwrap();
    match kind {
        "ising" => ising(hilbert, &graph, number("h", f64::NAN), number("J", 1.0)),
        "bose_hubbard" => bose_hubbard(
            hilbert,
            &graph,
            number("U", f64::NAN),
            number("V", 0.0),
            number("J", 1.0),
            number("mu", 0.0),
        ),
        "heisenberg" => {
            let coupling = match &spec["J"] {
                Value::Array(_) => golden::floats(&spec["J"]),
                one => vec![one.as_f64().unwrap()],
            };
            let rule: Option<Vec<bool>> = match &spec["sign_rule"] {
                Value::Null => None,
                Value::Bool(on) => Some(vec![*on]),
                list => Some(
                    list.as_array()
                        .unwrap()
                        .iter()
                        .map(|on| on.as_bool().unwrap())
                        .collect(),
                ),
            };
            heisenberg(hilbert, &graph, &coupling, rule.as_deref())
        }
        other => panic!("{other}"),
    }
    .unwrap()
}

fn agrees_with_netket(name: &str) {
    let bytes = golden::bytes(name);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for case in golden::json(name)["cases"].as_array().unwrap() {
        let key = case["name"].as_str().unwrap();
        let hilbert = golden::hilbert(&case["hilbert"]);
        let operator = operator(&hilbert, &case["operator"]);
        let n = operator.hilbert().n_states().unwrap() as usize;
        // NetKet's Pauli matrices call index 0 up in both orders: here it is down in this one.
        let turned = key.contains("inverted") && name == "operator_local";
        let at = |i: usize| if turned { n - 1 - i } else { i };
        let expected = golden::tensor(&tensors, &format!("{key}.matrix"));
        let expected = Mat::from_fn(n, n, |i, j| expected[at(i) * n + at(j)]);
        let error = distance(&dense(&operator), &expected);
        assert!(
            error < 1e-13 * (1.0 + expected.norm_max()),
            "{key}: {error}"
        );
        assert_eq!(operator.is_hermitian(), case["is_hermitian"], "{key}");
        assert!(
            operator.max_conn_size() <= golden::index(&case["max_conn_size"]),
            "{key}"
        );
        let real = expected
            .col_iter()
            .flat_map(|column| column.iter())
            .all(|mel| mel.im == 0.0);
        assert_eq!(operator.is_real(), real, "{key}");
    }
}

#[test]
fn ising_agrees_with_netket() {
    agrees_with_netket("operator_ising");
}

#[test]
fn heisenberg_agrees_with_netket() {
    agrees_with_netket("operator_heisenberg");
}

#[test]
fn bose_hubbard_agrees_with_netket() {
    agrees_with_netket("operator_bose_hubbard");
}

#[test]
fn local_operators_agree_with_netket() {
    agrees_with_netket("operator_local");
}

/// Rows are those of the matrix, changes ascend, no σ′ comes twice.
pub fn check_rows(operator: &dyn Operator) {
    let hilbert = operator.hilbert();
    let matrix = dense(operator);
    let mut row = Connected::default();
    let mut sum = Mat::<c64>::zeros(matrix.nrows(), matrix.ncols());
    for (number, sigma) in hilbert
        .all_states()
        .unwrap()
        .chunks(hilbert.n_sites())
        .enumerate()
    {
        operator.connected(sigma, &mut row);
        assert!(row.len() <= operator.max_conn_size());
        assert_eq!(row.iter().count(), row.len());
        for (mel, changes) in row.iter() {
            assert!(changes.is_sorted_by(|a, b| a.0 < b.0));
            let mut prime = sigma.to_vec();
            for &(site, new) in changes {
                assert_ne!(sigma[site as usize], new);
                prime[site as usize] = new;
            }
            let column = hilbert.state_to_number(&prime).unwrap() as usize;
            assert_ne!(mel, c64::ZERO);
            assert_eq!(sum[(number, column)], c64::ZERO, "σ′ came twice");
            sum[(number, column)] = mel;
        }
    }
    assert_eq!(sum, matrix);
}

#[test]
fn rows_are_those_of_the_matrix() {
    for operator in zoo() {
        check_rows(&operator);
    }
}

#[test]
fn algebra_is_that_of_matrices() {
    for hilbert in [
        half(3),
        Hilbert::spin(1.0, 3).unwrap(),
        Hilbert::fock(3, 3).unwrap(),
    ] {
        let a = random_term(&hilbert, 1, &[0, 2]) + LocalOperator::identity(&hilbert) * 0.3;
        let b = random_term(&hilbert, 2, &[1, 0]) + random_term(&hilbert, 3, &[2]);
        let (da, db) = (dense(&a), dense(&b));
        let z = c64::new(0.4, -1.3);
        let close = |operator: LocalOperator, matrix: Mat<c64>| {
            let error = distance(&dense(&operator), &matrix);
            assert!(error < 1e-13, "{error}");
        };
        close(&a + &b, &da + &db);
        close(&a - &b, &da - &db);
        close(&a * &b, &da * &db);
        close(&b * &a * &b, &db * &da * &db);
        close(a.commutator(&b).unwrap(), &da * &db - &db * &da);
        close(
            z * &a,
            Mat::from_fn(da.nrows(), da.ncols(), |i, j| z * da[(i, j)]),
        );
        close(-&a, -&da);
        close(a.adjoint(), da.adjoint().to_owned());
        close(a.conjugate(), da.conjugate().to_owned());
        let terms = (&a * &b).terms();
        let terms = terms
            .iter()
            .map(|(sites, matrix)| LocalOperator::term(&hilbert, sites, matrix).unwrap());
        let constant = LocalOperator::identity(&hilbert).scaled((&a * &b).constant());
        assert_eq!(terms.fold(constant, |sum, term| sum + term), &a * &b);
        let mut sum = a.clone();
        sum += &b;
        sum -= &b;
        close(sum, da.clone());
        assert_eq!(&a - &a, LocalOperator::new(&hilbert));
        assert_eq!(
            (&a * &b).adjoint().n_terms(),
            (b.adjoint() * a.adjoint()).n_terms()
        );
    }
}

#[test]
fn spin_matrices_obey_their_algebra() {
    for s in [0.5, 1.0, 1.5, 3.0] {
        for ascending in [true, false] {
            let hilbert = Hilbert::spin(s, 2)
                .unwrap()
                .with_inverted_ordering(ascending);
            let [x, y, z] =
                [spin::sigmax, spin::sigmay, spin::sigmaz].map(|f| f(&hilbert, 1).unwrap());
            let zero = &x * &y - &y * &x - c64::new(0.0, 2.0) * &z;
            assert!(dense(&zero).norm_max() < 1e-13);
            let length = &x * &x + &y * &y + &z * &z
                - LocalOperator::identity(&hilbert) * (4.0 * s * (s + 1.0));
            assert!(dense(&length).norm_max() < 1e-13);
            assert_eq!(
                spin::sigmap(&hilbert, 1).unwrap().adjoint(),
                spin::sigmam(&hilbert, 1).unwrap()
            );
            // σᶻ is the local state.
            let mut row = Connected::default();
            for i in 0..hilbert.local_size() {
                z.connected(&[0, i as u8], &mut row);
                let value = hilbert.local_states()[i];
                let found: Vec<_> = row.iter().map(|(mel, _)| mel.re).collect();
                assert_eq!(found, if value == 0.0 { vec![] } else { vec![value] });
            }
        }
    }
}

#[test]
fn physics_does_not_depend_on_the_order_of_local_states() {
    let n = 4;
    let build = |hilbert: &Hilbert| {
        let graph = Graph::chain(n, false).unwrap();
        ising(hilbert, &graph, 0.7, 1.0).unwrap()
            + heisenberg(hilbert, &graph, &[0.3], None).unwrap()
            + 0.2 * spin::sigmaz(hilbert, 1).unwrap()
            + 0.1 * (spin::sigmay(hilbert, 0).unwrap() * spin::sigmaz(hilbert, 3).unwrap())
    };
    let down_first = dense(&build(&half(n)));
    let up_first = dense(&build(&half(n).with_inverted_ordering(false)));
    let last = down_first.nrows() - 1;
    let turned = Mat::from_fn(last + 1, last + 1, |i, j| up_first[(last - i, last - j)]);
    assert_eq!(turned, down_first);
}

#[test]
fn simplifies() {
    let hilbert = half(4);
    let x = |i| spin::sigmax(&hilbert, i).unwrap();
    let z = |i| spin::sigmaz(&hilbert, i).unwrap();
    let identity = LocalOperator::identity(&hilbert);
    // The same sites merge, whatever their order.
    let zz = z(0) * z(3) + z(3) * z(0);
    assert_eq!(zz.acting_on().collect::<Vec<_>>(), [vec![0, 3]]);
    // Sites left alone are dropped, down to a constant.
    assert_eq!(x(1) * x(2) * x(1), x(2));
    assert_eq!((x(0) * x(0)).constant(), c64::ONE);
    let eye = [1.0, 0.0, 0.0, 1.0].map(c64::from);
    assert_eq!(LocalOperator::term(&hilbert, &[2], &eye).unwrap(), identity);
    assert_eq!((x(0) + z(1) - x(0)).n_terms(), 1);
    assert_eq!((0.0 * x(0)).n_terms(), 0);
    // Two terms that flip the same site give one element, or none where they cancel.
    let sum = x(0) + x(0) * z(1);
    let mut row = Connected::default();
    sum.connected(&[0, 1, 0, 0], &mut row);
    assert_eq!(
        row.iter().collect::<Vec<_>>(),
        [(c64::from(2.0), &[(0, 1)][..])]
    );
    sum.connected(&[0, 0, 0, 0], &mut row);
    assert!(row.is_empty());
    assert_eq!(sum.max_conn_size(), 1);
    // A string over many sites stays small.
    let long = half(16);
    let string = (0..16)
        .map(|i| spin::sigmax(&long, i).unwrap())
        .reduce(|a, b| a * b)
        .unwrap();
    string.connected(&[1; 16], &mut row);
    assert_eq!(row.iter().next().unwrap().1.len(), 16);
}

#[test]
fn knows_whether_it_is_hermitian() {
    let hilbert = half(3);
    let raise = spin::sigmap(&hilbert, 0).unwrap();
    assert!(!raise.is_hermitian());
    assert!((&raise + &raise.adjoint()).is_hermitian());
    assert!(!(LocalOperator::identity(&hilbert) * c64::I).is_hermitian());
    assert!((spin::sigmay(&hilbert, 0).unwrap() * spin::sigmay(&hilbert, 1).unwrap()).is_real());
    assert!(!spin::sigmay(&hilbert, 0).unwrap().is_real());
    for operator in zoo() {
        let matrix = dense(&operator);
        let error = distance(&matrix, &matrix.adjoint().to_owned());
        assert_eq!(operator.is_hermitian(), error < 1e-12);
    }
}

#[test]
fn products_do_not_depend_on_threads() {
    let hilbert = half(12);
    let operator = heisenberg(&hilbert, &Graph::chain(12, true).unwrap(), &[1.0], None).unwrap()
        + spin::sigmay(&hilbert, 5).unwrap();
    let x = random(7, 4096);
    let product = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut y = vec![c64::ZERO; 4096];
        pool.install(|| apply(&operator, &x, &mut y)).unwrap();
        y
    };
    let one = product(1);
    assert_eq!(one, product(3));
    let sparse = to_sparse(&operator).unwrap();
    for row in 0..sparse.n_rows() {
        let (columns, values) = sparse.row(row);
        assert!(columns.is_sorted_by(|a, b| a < b));
        let y: c64 = columns
            .iter()
            .zip(values)
            .map(|(&j, mel)| mel * x[j as usize])
            .sum();
        assert!((y - one[row]).norm() < 1e-13);
    }
}

#[test]
fn refuses_what_makes_no_sense() {
    fn check<T>(result: autoket::Result<T>, words: &[&str]) {
        let message = result.err().unwrap().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    let hilbert = half(4);
    let eye = [1.0, 0.0, 0.0, 1.0].map(c64::from);
    let term = |sites: &[usize], matrix: &[c64]| LocalOperator::term(&hilbert, sites, matrix);
    check(term(&[], &eye), &["`sites`", "at least one site"]);
    check(term(&[4], &eye), &["`sites`", "0 to 3", "got 4"]);
    check(term(&[1, 1], &[c64::ZERO; 16]), &["site 1 twice"]);
    check(
        term(&[0, 1], &eye),
        &["`matrix`", "4 x 4 = 16", "got 4 elements"],
    );
    check(
        term(&[0], &[c64::from(f64::NAN); 4]),
        &["`matrix[0][0]`", "finite"],
    );
    check(spin::sigmax(&hilbert, 7), &["`sites`", "got 7"]);
    check(boson::create(&hilbert, 4), &["got 4"]);
    let long = half(20);
    let all: Vec<usize> = (0..20).collect();
    check(
        LocalOperator::term(&long, &all, &eye),
        &["20 sites", "2^20", "split"],
    );
    let string = |sites: std::ops::Range<usize>| {
        sites
            .map(|i| spin::sigmax(&long, i).unwrap())
            .reduce(|a, b| a * b)
            .unwrap()
    };
    check(string(0..10).times(&string(10..20)), &["2^20"]);
    let dense_term = random_term(&half(14), 5, &[0, 1, 2, 3, 4, 5, 6]);
    let other_term = random_term(&half(14), 6, &[7, 8, 9, 10, 11, 12, 13]);
    check(dense_term.times(&other_term), &["product", "16777216"]);
    let other = ising(&half(3), &Graph::chain(3, false).unwrap(), 1.0, 1.0).unwrap();
    check(
        term(&[0], &eye).unwrap().plus(&other),
        &["`hilbert`", "N=4", "N=3"],
    );
    check(term(&[0], &eye).unwrap().times(&other), &["`hilbert`"]);
    let inverted = hilbert.clone().with_inverted_ordering(false);
    check(
        term(&[0], &eye)
            .unwrap()
            .plus(&LocalOperator::new(&inverted)),
        &["inverted_ordering"],
    );

    let chain = Graph::chain(4, false).unwrap();
    check(
        ising(&half(5), &chain, 1.0, 1.0),
        &["`graph`", "5 sites", "4 sites"],
    );
    check(ising(&hilbert, &chain, f64::NAN, 1.0), &["`h`", "finite"]);
    check(ising(&hilbert, &chain, 1.0, f64::INFINITY), &["`J`"]);
    check(
        ising(&Hilbert::spin(1.0, 4).unwrap(), &chain, 1.0, 1.0),
        &["`hilbert`", "two local states"],
    );
    check(
        heisenberg(&Hilbert::fock(2, 4).unwrap(), &chain, &[1.0], None),
        &["`hilbert`"],
    );
    check(
        heisenberg(&hilbert, &chain, &[1.0, 0.5], None),
        &["`J`", "one value", "2 values"],
    );
    check(
        heisenberg(&hilbert, &chain, &[], None),
        &["`J`", "0 values"],
    );
    check(
        heisenberg(&hilbert, &chain, &[f64::NAN], None),
        &["`J`", "finite"],
    );
    let colored = chain.clone().with_colors(vec![0, 1, 2]).unwrap();
    check(
        heisenberg(&hilbert, &colored, &[1.0, 0.5], None),
        &["`J`", "3: one per colour"],
    );
    check(
        heisenberg(&hilbert, &colored, &[1.0], Some(&[true, true])),
        &["`sign_rule`"],
    );
    let ring = Graph::chain(3, true).unwrap();
    check(
        heisenberg(&half(3), &ring, &[1.0], Some(&[true])),
        &["`sign_rule`", "sublattices"],
    );
    check(
        bose_hubbard(&Hilbert::fock(2, 3).unwrap(), &chain, 1.0, 0.0, 1.0, 0.0),
        &["`graph`"],
    );
    check(
        bose_hubbard(
            &Hilbert::fock(2, 4).unwrap(),
            &chain,
            f64::NAN,
            0.0,
            1.0,
            0.0,
        ),
        &["`U`"],
    );

    let large = LocalOperator::identity(&half(30));
    check(to_dense(&large), &["dense matrix", "1073741824", "8192"]);
    check(to_sparse(&large), &["sparse matrix", "1073741824"]);
    check(
        apply(&LocalOperator::identity(&half(40)), &[], &mut []),
        &["1099511627776"],
    );
    let mut y = vec![c64::ZERO; 16];
    check(
        apply(&term(&[0], &eye).unwrap(), &[c64::ZERO; 8], &mut y),
        &["`x`", "16 elements", "8"],
    );
    check(
        apply(&term(&[0], &eye).unwrap(), &[c64::ZERO; 16], &mut y[1..]),
        &["`y`", "15"],
    );
}

#[test]
#[should_panic(expected = "build both on the same Hilbert space")]
fn plus_sign_panics_with_the_cure() {
    let _ = LocalOperator::new(&half(2)) + LocalOperator::new(&half(3));
}

/// What is too large for a number is infinite, not nothing.
#[test]
fn overflow_is_not_zero() {
    let hilbert = Hilbert::spin(0.5, 2).unwrap();
    let huge = spin::sigmaz(&hilbert, 0).unwrap().scaled(c64::from(1e200));
    let strings = PauliStrings::new(&hilbert, &["ZI"], &[c64::from(1e200)]).unwrap();
    let squares: [Box<dyn Operator>; 4] = [
        Box::new(huge.times(&huge).unwrap()),
        Box::new(huge.scaled(c64::from(1e200))),
        Box::new(strings.times(&strings).unwrap()),
        Box::new(strings.scaled(c64::from(1e200))),
    ];
    for square in squares {
        let matrix = dense(&*square);
        assert!((0..4).all(|i| !matrix[(i, i)].is_finite()));
    }
}

/// A random term that keeps the sum of local indices.
fn conserving_term(hilbert: &Hilbert, seed: i64, sites: &[usize]) -> LocalOperator {
    let d = hilbert.local_size();
    let size = d.pow(sites.len() as u32);
    let sum = |mut state: usize| {
        let digits = sites.iter().map(|_| {
            let digit = state % d;
            state /= d;
            digit
        });
        digits.sum::<usize>()
    };
    let mut matrix = random(seed, size * size);
    for (i, element) in matrix.iter_mut().enumerate() {
        if sum(i / size) != sum(i % size) {
            *element = c64::ZERO;
        }
    }
    LocalOperator::term(hilbert, sites, &matrix).unwrap()
}

/// Products by terms are those with the matrix: far and near sites in any order, spaces of one beginning and of many,
/// with and without constraints, numbers that fall as well as such that rise.
#[test]
fn products_by_terms_are_those_with_the_matrix() {
    let many = Hilbert::spin(0.5, 14).unwrap();
    let spaces = [
        half(3),
        half(14),
        Hilbert::spin(1.0, 9).unwrap(),
        Hilbert::fock(4, 6).unwrap(),
        half(4).with_total_sz(1.0).unwrap(),
        many.clone().with_total_sz(-1.0).unwrap(),
        many.clone()
            .with_inverted_ordering(false)
            .with_total_sz(0.0)
            .unwrap(),
        many.clone()
            .with_descending_numbers(true)
            .with_total_sz(2.0)
            .unwrap(),
        many.with_constraint(Constraint::parity(true)).unwrap(),
        Hilbert::spin(1.0, 9).unwrap().with_total_sz(1.0).unwrap(),
        Hilbert::fock(4, 7).unwrap().with_n_particles(14).unwrap(),
        // Without a constraint numbers do not fall.
        half(14).with_descending_numbers(true),
    ];
    for hilbert in spaces {
        let last = hilbert.n_sites() - 1;
        let term = match hilbert.constraints().is_empty() {
            true => random_term,
            false => conserving_term,
        };
        let operator = term(&hilbert, 1, &[last])
            + term(&hilbert, 2, &[0])
            + term(&hilbert, 3, &[last, 0])
            + term(&hilbert, 4, &[1, 0])
            + term(&hilbert, 5, &[0, last, 1])
            + term(&hilbert, 6, &[last / 2, last])
            + term(&hilbert, 8, &[last - 1, last])
            + LocalOperator::identity(&hilbert) * c64::new(0.3, -0.2);
        goes_by_terms(&operator);
        products_agree(&operator);
    }
}

/// Terms that lead out of the space, or to where other ends may follow.
#[test]
fn products_by_terms_know_where_terms_lead() {
    // Σ σz = 2 everywhere: nothing is left of (Σ σz - 2) σx, though each of its terms flips a spin.
    let spins = half(14).with_total_sz(1.0).unwrap();
    let z = |site| spin::sigmaz(&spins, site).unwrap();
    let graph = Graph::chain(14, true).unwrap();
    let mut operator = heisenberg(&spins, &graph, &[1.0], None).unwrap();
    for flipped in [0, 13] {
        let x = spin::sigmax(&spins, flipped).unwrap();
        operator += &x * c64::from(-2.0);
        for site in 0..14 {
            operator += z(site) * &x;
        }
    }
    // No two neighbours are occupied: more may follow where the last of a beginning is emptied.
    let blockade = Constraint::custom("blockade", vec![0], |last, _, state| {
        (last[0] == 0 || state == 0).then(|| vec![state])
    });
    let sites = Hilbert::fock(1, 14).unwrap();
    let sites = sites.with_constraint(blockade).unwrap();
    let mut emptied = LocalOperator::new(&sites);
    for site in 0..14 {
        emptied += boson::create(&sites, site).unwrap() * c64::new(1.0, site as f64);
    }
    for operator in [operator, emptied] {
        goes_by_terms(&operator);
        products_agree(&operator);
    }
}

fn goes_by_terms(operator: &LocalOperator) {
    let plan = LanczosOptions::default().plan(operator).unwrap();
    assert_eq!(plan.products, Products::ByTerms, "{}", operator.hilbert());
}

/// A product is that with the matrix.
fn products_agree(operator: &LocalOperator) {
    let matrix = to_sparse(operator).unwrap();
    let x = random(7, matrix.n_rows());
    let mut y = vec![c64::ZERO; x.len()];
    apply(operator, &x, &mut y).unwrap();
    for (row, y) in y.iter().enumerate() {
        let (columns, values) = matrix.row(row);
        let elements = columns.iter().zip(values);
        let expected: c64 = elements
            .map(|(&column, mel)| mel * x[column as usize])
            .sum();
        let scale = values.iter().map(|mel| mel.norm()).fold(1.0, f64::max);
        assert!(
            (y - expected).norm() < 1e-12 * scale,
            "{} {row}: {y} {expected}",
            operator.hilbert()
        );
    }
}

/// A site has up to 256 states: as many as a local index has values.
#[test]
fn sites_of_256_states_have_products() {
    for hilbert in [
        Hilbert::fock(255, 2).unwrap(),
        Hilbert::fock(255, 3).unwrap().with_n_particles(9).unwrap(),
    ] {
        let graph = Graph::chain(hilbert.n_sites(), false).unwrap();
        products_agree(&bose_hubbard(&hilbert, &graph, 1.5, 0.5, 1.0, 0.25).unwrap());
        let states = hilbert.all_states().unwrap();
        for (number, sigma) in states.chunks(hilbert.n_sites()).enumerate() {
            assert_eq!(hilbert.state_to_number(sigma), Some(number as u64));
        }
    }
}
