//! Sums of strings, `PauliStrings` and `FermionOperator`, and the models made of them.

use autoket::c64;
use autoket::exact;
use autoket::graph::Graph;
use autoket::hilbert::{Constraint, Hilbert};
use autoket::operator::{
    Charge, Connected, Conservation, FermionOperator, Kind, LocalOperator, Operator, PauliStrings,
    Strings, check_closed, fermi_hubbard, fermion, graph_operator, heisenberg, ising,
    mean_diagonal, spin, t_v, xyz,
};
use autoket::random::Key;
use faer::Mat;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::fermions::{electrons, spinless};
use crate::golden;
use crate::operator::{self, dense, distance};

fn complex(z: &Value) -> c64 {
    c64::new(z[0].as_f64().unwrap(), z[1].as_f64().unwrap())
}

/// A product of sums, each made by `make` from terms and weights.
fn product<K: Kind>(spec: &Value, make: impl Fn(&[&str], &[c64]) -> Strings<K>) -> Box<dyn Operator>
where
    Strings<K>: 'static,
{
    let factors = spec["factors"].as_array().unwrap().iter().map(|factor| {
        let terms = factor["terms"].as_array().unwrap().iter();
        let terms: Vec<&str> = terms.map(|term| term.as_str().unwrap()).collect();
        let weights = factor["weights"].as_array().unwrap().iter();
        make(&terms, &weights.map(complex).collect::<Vec<_>>())
    });
    Box::new(factors.reduce(|a, b| a * b).unwrap())
}

fn matrix(rows: &Value) -> Vec<c64> {
    let rows = rows.as_array().unwrap().iter();
    rows.flat_map(|row| golden::floats(row).into_iter().map(c64::from))
        .collect()
}

fn operator(hilbert: &Hilbert, spec: &Value) -> Box<dyn Operator> {
    let number = |key: &str| spec[key].as_f64().unwrap();
    let graph = || golden::graph(&spec["graph"]).unwrap();
    match spec["kind"].as_str().unwrap() {
        "pauli_strings" => product(spec, |terms, weights| {
            PauliStrings::new(hilbert, terms, weights).unwrap()
        }),
        "fermions" => product(spec, |terms, weights| {
            let terms = terms.iter().zip(weights).map(|(term, weight)| {
                FermionOperator::parse(hilbert, &format!("({weight}) [{term}]")).unwrap()
            });
            terms.reduce(|a, b| a + b).unwrap()
        }),
        "fermi_hubbard" => {
            Box::new(fermi_hubbard(hilbert, &graph(), number("t"), number("U")).unwrap())
        }
        "t_v" => Box::new(t_v(hilbert, &graph(), number("t"), number("V")).unwrap()),
        "graph_operator" => {
            let matrices = |key: &str| -> Vec<Vec<c64>> {
                let list = spec[key].as_array();
                list.into_iter().flatten().map(matrix).collect()
            };
            let (sites, bonds) = (matrices("site_ops"), matrices("bond_ops"));
            let colors = spec.get("bond_ops_colors").and_then(Value::as_array);
            let bonds: Vec<(&[c64], Option<usize>)> = (bonds.iter().enumerate())
                .map(|(i, bond)| (&bond[..], colors.map(|colors| golden::index(&colors[i]))))
                .collect();
            let sites: Vec<&[c64]> = sites.iter().map(|site| &site[..]).collect();
            Box::new(graph_operator(hilbert, &graph(), &sites, &bonds).unwrap())
        }
        other => panic!("{other}"),
    }
}

fn agrees_with_netket(name: &str) {
    let bytes = golden::bytes(name);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for case in golden::json(name)["cases"].as_array().unwrap() {
        let key = case["name"].as_str().unwrap();
        let hilbert = golden::hilbert(&case["hilbert"]);
        let operator = operator(&hilbert, &case["operator"]);
        let n = hilbert.n_states().unwrap() as usize;
        // NetKet's Pauli strings call index 0 up in both orders: here it is down in this one.
        let turned = key.contains("inverted");
        let at = |i: usize| if turned { n - 1 - i } else { i };
        let expected = golden::tensor(&tensors, &format!("{key}.matrix"));
        let expected = Mat::from_fn(n, n, |i, j| expected[at(i) * n + at(j)]);
        let error = distance(&dense(&*operator), &expected);
        assert!(
            error < 1e-13 * (1.0 + expected.norm_max()),
            "{key}: {error}"
        );
        assert_eq!(operator.is_hermitian(), case["is_hermitian"], "{key}");
        if hilbert.is_constrained() {
            // NetKet knows that few can hop where there are few.
            continue;
        }
        let bound = golden::index(&case["max_conn_size"]);
        assert!(
            operator.max_conn_size() <= bound,
            "{key}: {} {bound}",
            operator.max_conn_size()
        );
    }
}

#[test]
fn pauli_strings_agree_with_netket() {
    agrees_with_netket("operator_pauli");
}

#[test]
fn fermions_agree_with_netket() {
    agrees_with_netket("operator_fermion");
}

#[test]
fn graph_operators_agree_with_netket() {
    agrees_with_netket("operator_graph");
}

/// Numbers below `n`.
fn numbers(seed: i64, n: u64) -> impl Iterator<Item = usize> {
    let key = Key::new(seed);
    (0..).map(move |i| (key.uniform(i) * n as f64) as usize)
}

fn random_weight(seed: i64) -> c64 {
    let key = Key::new(seed);
    c64::new(key.uniform(0) - 0.5, key.uniform(1) - 0.5)
}

/// A random sum as text: of Pauli strings or of fermions.
fn random_text(seed: i64, n_sites: usize, factor: impl Fn(usize, usize) -> String) -> String {
    let mut kinds = numbers(seed, 3);
    let mut sites = numbers(seed + 1, n_sites as u64);
    let terms = (0..6).map(|term| {
        let factors: Vec<String> = (0..1 + term % 5)
            .map(|_| factor(kinds.next().unwrap(), sites.next().unwrap()))
            .collect();
        let weight = random_weight(seed + term);
        format!("({weight})*{}", factors.join(" "))
    });
    terms.collect::<Vec<_>>().join(" + ")
}

fn random_pauli(hilbert: &Hilbert, seed: i64) -> PauliStrings {
    let text = random_text(seed, hilbert.n_sites(), |kind, site| {
        format!("{}{site}", ["X", "Y", "Z"][kind])
    });
    PauliStrings::parse(hilbert, &text).unwrap()
}

fn random_fermions(hilbert: &Hilbert, seed: i64) -> FermionOperator {
    let text = random_text(seed, hilbert.n_sites(), |kind, site| {
        [
            format!("{site}^"),
            site.to_string(),
            format!("{site}^ {site}"),
        ][kind]
            .clone()
    });
    FermionOperator::parse(hilbert, &text).unwrap()
}

/// Rows are those of the matrix, and patterns come in one order.
fn check_rows(operator: &dyn Operator) {
    operator::check_rows(operator);
    let hilbert = operator.hilbert();
    let mut row = Connected::default();
    for sigma in hilbert.all_states().unwrap().chunks(hilbert.n_sites()) {
        operator.connected(sigma, &mut row);
        let patterns: Vec<Vec<u32>> = (row.iter())
            .map(|(_, changes)| changes.iter().map(|&(site, _)| site).collect())
            .collect();
        assert!(patterns.is_sorted_by(|a, b| a < b), "{patterns:?}");
    }
}

/// The algebra, of two operators and as the matrices have it.
fn check_algebra<K: Kind>(a: &Strings<K>, b: &Strings<K>) {
    let (da, db) = (dense(a), dense(b));
    let z = c64::new(0.4, -1.3);
    let close = |what: &str, operator: Strings<K>, matrix: Mat<c64>| {
        let error = distance(&dense(&operator), &matrix);
        assert!(error < 1e-13, "{what}: {error}");
        check_rows(&operator);
        let hermitian = distance(&matrix, &matrix.adjoint().to_owned()) < 1e-13;
        assert_eq!(operator.is_hermitian(), hermitian, "{what}");
        let real = matrix
            .col_iter()
            .flat_map(|column| column.iter())
            .all(|mel| mel.im == 0.0);
        assert!(real || !operator.is_real(), "{what}");
    };
    close("sum", a + b, &da + &db);
    close("difference", a - b, &da - &db);
    close("product", a * b, &da * &db);
    close("square", a * a, &da * &da);
    close(
        "scaled",
        z * a,
        Mat::from_fn(da.nrows(), da.ncols(), |i, j| z * da[(i, j)]),
    );
    close("adjoint", a.adjoint(), da.adjoint().to_owned());
    close("conjugate", a.conjugate(), da.conjugate().to_owned());
    close("hermitian", a + &a.adjoint(), &da + da.adjoint());
    close("positive", &a.adjoint() * a, da.adjoint() * &da);
    close(
        "commutator",
        a.commutator(b).unwrap(),
        &da * &db - &db * &da,
    );
    assert_eq!((a - &a.clone()).n_strings(), 0);
    assert!(a.commutator(a).unwrap().n_strings() == 0);
    // Equal operators are equal, however they came about.
    let (left, right) = ((a * b).adjoint(), b.adjoint() * a.adjoint());
    assert!((&left - &right).n_strings() == 0 || distance(&dense(&left), &dense(&right)) < 1e-15);
    let mean = (0..da.nrows()).map(|i| da[(i, i)]).sum::<c64>() / da.nrows() as f64;
    assert!((a.constant() - mean).norm() < 1e-15);
}

#[test]
fn algebra_is_that_of_matrices() {
    let half = Hilbert::spin(0.5, 4).unwrap();
    for hilbert in [
        Hilbert::qubit(4).unwrap(),
        half.clone(),
        half.with_inverted_ordering(false),
        spinless(3),
    ] {
        for seed in [1, 20] {
            check_algebra(
                &random_pauli(&hilbert, seed),
                &random_pauli(&hilbert, seed + 10),
            );
        }
    }
    for hilbert in [Hilbert::fock(1, 4).unwrap(), spinless(5), electrons(2)] {
        for seed in [3, 40, 500] {
            check_algebra(
                &random_fermions(&hilbert, seed),
                &random_fermions(&hilbert, seed + 10),
            );
        }
    }
}

#[test]
fn terms_make_the_same_operator() {
    let half = Hilbert::spin(0.5, 4).unwrap();
    for hilbert in [
        Hilbert::qubit(4).unwrap(),
        half.clone(),
        half.with_inverted_ordering(false),
    ] {
        for seed in [1, 20] {
            let operator = random_pauli(&hilbert, seed);
            let (letters, weights): (Vec<String>, Vec<c64>) = operator.terms().into_iter().unzip();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            let again = PauliStrings::new(&hilbert, &letters, &weights).unwrap();
            assert_eq!(again, operator);
        }
    }
    for hilbert in [spinless(5), electrons(2)] {
        for seed in [3, 40, 500] {
            let a = random_fermions(&hilbert, seed);
            for operator in [&a * &a, a] {
                let (terms, weights): (Vec<_>, Vec<c64>) =
                    operator.terms().unwrap().into_iter().unzip();
                let again = FermionOperator::from_terms(&hilbert, &terms, &weights).unwrap();
                assert!(distance(&dense(&again), &dense(&operator)) < 1e-13);
                for term in terms {
                    let n_created = term.iter().filter(|(_, creates)| *creates).count();
                    let (created, destroyed) = term.split_at(n_created);
                    assert!(created.iter().all(|(_, creates)| *creates));
                    assert!(
                        created.is_sorted_by(|a, b| a > b) && destroyed.is_sorted_by(|a, b| a > b)
                    );
                }
            }
        }
    }
    // Of all products on few sites: what comes back is one term.
    let hilbert = spinless(4);
    for text in ["3^ 2^ 1 0", "2^ 1^ 3 1", "3^ 2^ 1^ 3 2 1", "2^ 0", "3 1"] {
        let operator = FermionOperator::parse(&hilbert, text).unwrap();
        let [(term, weight)] = &operator.terms().unwrap()[..] else {
            panic!("{text}");
        };
        let factor =
            |&(site, creates): &(usize, bool)| format!("{site}{}", if creates { "^" } else { "" });
        assert_eq!(term.iter().map(factor).collect::<Vec<_>>().join(" "), text);
        assert_eq!(*weight, c64::ONE);
    }
    let far = FermionOperator::parse(&spinless(40), "39^ 0").unwrap();
    assert_eq!(far.terms().unwrap().len(), 1);
    for (terms, weights, text) in [
        (vec![vec![(4, true)]], vec![c64::ONE], "sites from 0 to 3"),
        (vec![vec![(0, true)]], vec![], "1 numbers"),
        (
            vec![vec![(0, true)]],
            vec![c64::new(f64::NAN, 0.0)],
            "a finite number",
        ),
    ] {
        let error = FermionOperator::from_terms(&hilbert, &terms, &weights).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn fermions_obey_their_algebra() {
    let hilbert = spinless(4);
    let identity = FermionOperator::identity(&hilbert).unwrap();
    for i in 0..4 {
        for j in 0..4 {
            let (create, destroy) = (
                fermion::create(&hilbert, i).unwrap(),
                fermion::destroy(&hilbert, j).unwrap(),
            );
            let anticommutator = &create * &destroy + &destroy * &create;
            let expected = if i == j {
                identity.clone()
            } else {
                0.0 * &identity
            };
            assert_eq!(anticommutator, expected);
            let other = fermion::destroy(&hilbert, i).unwrap();
            assert_eq!((&other * &destroy + &destroy * &other).n_strings(), 0);
        }
        let number = fermion::number(&hilbert, i).unwrap();
        assert_eq!(&number * &number, number);
    }
    let text = FermionOperator::parse(&hilbert, "1^ 3 + 3^ 1").unwrap();
    assert_eq!(text, fermion::hop(&hilbert, 1, 3).unwrap());
    // Either order.
    let text = FermionOperator::parse(&hilbert, "[] - 2 2^ - 2^ 2").unwrap();
    assert_eq!(text.n_strings(), 0);
}

/// A string on any sites is the product of one-site matrices.
#[test]
fn pauli_strings_are_products_of_local_operators() {
    let half = Hilbert::spin(0.5, 3).unwrap();
    for hilbert in [
        Hilbert::qubit(3).unwrap(),
        half.clone(),
        half.with_inverted_ordering(false),
        Hilbert::fock(1, 3).unwrap(),
    ] {
        let text = "0.5*X0 Y2 - 1.5j*Z1 Y1 + X2 Z2 + 2*I";
        let x = |site| spin::sigmax(&hilbert, site).unwrap();
        let y = |site| spin::sigmay(&hilbert, site).unwrap();
        let z = |site| spin::sigmaz(&hilbert, site).unwrap();
        let local = 0.5 * (x(0) * y(2)) - c64::new(0.0, 1.5) * (z(1) * y(1))
            + x(2) * z(2)
            + 2.0 * LocalOperator::identity(&hilbert);
        let strings = PauliStrings::parse(&hilbert, text).unwrap();
        assert!(distance(&dense(&strings), &dense(&local)) < 1e-15);
        assert_eq!(Some(strings.constant()), local.mean_diagonal());
    }
}

#[test]
fn strings_may_be_long() {
    let hilbert = spinless(300);
    let hop = fermion::hop(&hilbert, 3, 290).unwrap();
    assert_eq!(hop.max_conn_size(), 1);
    let mut sigma = vec![0; 300];
    sigma[3] = 1;
    for between in [7, 64, 65, 200] {
        let mut row = Connected::default();
        sigma[between] = 1;
        hop.connected(&sigma, &mut row);
        let sign = if sigma.iter().filter(|n| **n == 1).count() % 2 == 0 {
            -1.0
        } else {
            1.0
        };
        let expected = (c64::from(sign), &[(3, 0), (290, 1)][..]);
        assert_eq!(row.iter().collect::<Vec<_>>(), [expected]);
    }
    // A projector on many sites would have 2ⁿ strings.
    let all: Vec<String> = (0..300).map(|i| format!("{i}^ {i}")).collect();
    let error = FermionOperator::parse(&hilbert, &all.join(" ")).unwrap_err();
    assert!(error.to_string().contains("65536 strings"), "{error}");
}

#[test]
fn text_may_be_written_in_many_ways() {
    let hilbert = Hilbert::qubit(3).unwrap();
    let parse = |text: &str| PauliStrings::parse(&hilbert, text).unwrap();
    let sum = parse("0.5*X0 X1 + Z2");
    for text in [
        "Z2+0.5*X0 X1",
        "  0.25*X1 X0\n + .25 * X0   X1 - -1*Z2 ",
        "0.5 [X0 X1] +\n1.0 [Z2]",
        "(0.5+0j) [X0 X1] + (1) [Z2]",
        "5e-1*X0 X1 I + 1j*X2 Y2 + 2*Z2",
        "X0 Z1 X1 Y0 Y1 Y0 + 0.5*X0 X1 + Z2 - 1j*X0 + 0*Z0",
    ] {
        let other = parse(text);
        let rest = &other - &sum;
        let extra = if text.contains("Z1 X1") {
            parse("X0 Z1 X1 Y0 Y1 Y0 - 1j*X0")
        } else {
            0.0 * &sum
        };
        assert_eq!((&rest - &extra).n_strings(), 0, "{text}");
    }
    assert_eq!(parse("2 []").constant(), c64::from(2.0));
    assert_eq!(parse("- (1-2j)*I").constant(), c64::new(-1.0, 2.0));
}

#[test]
fn a_mistake_in_a_text_is_named() {
    let qubits = Hilbert::qubit(3).unwrap();
    let pauli = |text: &str| PauliStrings::parse(&qubits, text).unwrap_err().to_string();
    let sites = spinless(3);
    let fermi = |text: &str| {
        FermionOperator::parse(&sites, text)
            .unwrap_err()
            .to_string()
    };
    for (message, words) in [
        (
            pauli(""),
            &["`text`", "X, Y or Z", "the end of the text"][..],
        ),
        (pauli("X0 +"), &["the end of the text after `X0 +`"]),
        (pauli("X0 Q1"), &["`Q1` after `X0`", "such as X0"]),
        (pauli("X3"), &["sites from 0 to 2", "`X3`"]),
        (pauli("X0 0.5"), &["`0.5`"]),
        (
            pauli("0.5 X0"),
            &["a coefficient and `*`", "`0.5`", "0.5*[]"],
        ),
        (pauli("0.5*"), &["the end of the text"]),
        (pauli("1e999*X0"), &["`1e999`"]),
        (pauli("(1+2*X0"), &["`+`, `-` or `)`", "`*`"]),
        (pauli("(1+)*X0"), &["a number", "`)`"]),
        (pauli("[X0"), &["the end of the text"]),
        (pauli("X0*X1"), &["such as X0", "`*` after `X0`"]),
        (pauli("X99999999999999999999"), &["sites from 0 to 2"]),
        (fermi("0^ 3"), &["sites from 0 to 2", "`3`"]),
        (
            fermi("1.5 + 0^ 1"),
            &["a coefficient and `*`", "`1.5`", "0.5*[]"],
        ),
        (fermi("0^ X1"), &["a site, with ^", "`X1`"]),
        (fermi("0^^"), &["`0^^`"]),
    ] {
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    let wide = Hilbert::spin(1.0, 3).unwrap();
    let error = PauliStrings::parse(&wide, "X0").unwrap_err().to_string();
    assert!(error.contains("two local states"), "{error}");
    let error = FermionOperator::parse(&Hilbert::spin(0.5, 3).unwrap(), "0").unwrap_err();
    assert!(error.to_string().contains("empty or filled"), "{error}");
    let error = fermion::create(&sites, 3).unwrap_err().to_string();
    assert!(error.contains("0 to 2"), "{error}");
    for (operators, weights, words) in [
        (&["XX"][..], &[1.0][..], "3 letters"),
        (&["XXA"], &[1.0], "XXA"),
        (&["XXX"], &[], "weights"),
        (&["XXX"], &[f64::NAN], "finite"),
    ] {
        let weights: Vec<c64> = weights.iter().copied().map(c64::from).collect();
        let error = PauliStrings::new(&qubits, operators, &weights)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn charges_are_found_that_are_conserved() {
    let names = |operator: &dyn Operator| -> Vec<String> {
        let charges = Charge::usual(operator.hilbert());
        let kept = charges
            .iter()
            .filter(|charge| operator.conservation(charge) == Conservation::Conserved);
        kept.map(|charge| charge.name().to_owned()).collect()
    };
    let spins = Hilbert::spin(0.5, 4).unwrap();
    let ring = Graph::chain(4, true).unwrap();
    let (sz, parity) = ("magnetisation", "parity of the magnetisation");
    assert_eq!(
        names(&heisenberg(&spins, &ring, &[1.0], None).unwrap()),
        [parity, sz]
    );
    assert!(names(&ising(&spins, &ring, 1.0, 1.0).unwrap()).is_empty());
    assert_eq!(
        names(&xyz(&spins, &ring, [1.0, 0.5, 0.3], [0.0, 0.0, 0.4]).unwrap()),
        [parity]
    );
    for (text, expected) in [
        ("X0 X1 + Y0 Y1 + Z3", &[parity, sz][..]),
        ("X0 X1 + 0.999*Y0 Y1", &[parity]),
        ("X0 X1 X2 X3", &[parity]),
        ("X0 X1 X2", &[]),
        // Raises at 0 and lowers at 2, whatever is between.
        ("X0 Z1 X2 + Y0 Z1 Y2 + 0.5*X0 Y2 - 0.5*Y0 X2", &[parity, sz]),
    ] {
        let strings = PauliStrings::parse(&spins, text).unwrap();
        assert_eq!(names(&strings), expected, "{text}");
        // The rows say the same.
        for charge in Charge::usual(&spins) {
            let by_rows = Opaque(&strings).conservation(&charge) == Conservation::Conserved;
            let by_terms = strings.conservation(&charge) == Conservation::Conserved;
            assert_eq!(by_rows, by_terms, "{text} {}", charge.name());
        }
    }
    let hubbard = fermi_hubbard(&electrons(4), &ring, 1.0, 4.0).unwrap();
    let number = "number of particles";
    let both = [
        "parity of the number of particles",
        number,
        "number of particles with m = -1/2",
        "number of particles with m = 1/2",
    ];
    assert_eq!(names(&hubbard), both);
    // A flip of a spin, and a pair.
    let flip = FermionOperator::parse(&electrons(2), "0^ 2 + 2^ 0").unwrap();
    assert_eq!(names(&flip), both[..2]);
    let pair = FermionOperator::parse(&electrons(2), "0^ 2^ + 2 0").unwrap();
    assert_eq!(names(&pair), both[..1]);
    let broken = pair.conservation(&Charge::sum("N", vec![1; 4]));
    assert_eq!(broken, Conservation::Broken(vec![0, 2]));
}

/// An operator that does not say what it conserves.
struct Opaque<'a>(&'a dyn Operator);

impl Operator for Opaque<'_> {
    fn hilbert(&self) -> &Hilbert {
        self.0.hilbert()
    }
    fn is_hermitian(&self) -> bool {
        self.0.is_hermitian()
    }
    fn max_conn_size(&self) -> usize {
        self.0.max_conn_size()
    }
    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        self.0.connected(sigma, out);
    }
}

/// In a space too large to look at all rows, terms tell whether an operator keeps to it.
#[test]
fn terms_tell_whether_an_operator_keeps_to_a_large_space() {
    let n = 200;
    let hilbert = spinless(n).with_n_particles(4).unwrap();
    let mut chain = t_v(&hilbert, &Graph::chain(n, false).unwrap(), 1.0, 1.0).unwrap();
    assert!(check_closed(&chain).is_ok());
    // Only a state that has its two particles just there would show it.
    chain += FermionOperator::parse(&hilbert, "120^ 120 130 131^ 131 140^ 140").unwrap();
    let error = check_closed(&chain).unwrap_err().to_string();
    assert!(error.contains("changes sites [130]"), "{error}");
    let even = spinless(n)
        .with_constraint(Constraint::parity(true))
        .unwrap();
    let pairs = FermionOperator::parse(&even, "0^ 199^ + 199 0").unwrap();
    assert!(check_closed(&pairs).is_ok());
}

#[test]
fn xyz_is_what_its_name_says() {
    let (hilbert, graph) = (
        Hilbert::spin(0.5, 3).unwrap(),
        Graph::chain(3, false).unwrap(),
    );
    let text = "0.3*X0 X1 + 0.3*X1 X2 + 0.7*Y0 Y1 + 0.7*Y1 Y2 - 1.1*Z0 Z1 - 1.1*Z1 Z2
        - 0.2*X0 - 0.2*X1 - 0.2*X2 + 0.4*Y0 + 0.4*Y1 + 0.4*Y2 - 0.6*Z0 - 0.6*Z1 - 0.6*Z2";
    let strings = PauliStrings::parse(&hilbert, text).unwrap();
    let model = xyz(&hilbert, &graph, [0.3, 0.7, -1.1], [0.2, -0.4, 0.6]).unwrap();
    assert!(distance(&dense(&model), &dense(&strings)) < 1e-15);
    assert_eq!(
        xyz(&hilbert, &graph, [0.0, 0.0, 1.5], [0.5, 0.0, 0.0]).unwrap(),
        ising(&hilbert, &graph, 0.5, 1.5).unwrap()
    );
    let symmetric = heisenberg(&hilbert, &graph, &[1.3], Some(&[false])).unwrap();
    assert_eq!(
        xyz(&hilbert, &graph, [1.3; 3], [0.0; 3]).unwrap(),
        symmetric
    );
    let error = xyz(&hilbert, &graph, [0.0, f64::NAN, 0.0], [0.0; 3]).unwrap_err();
    assert!(error.to_string().contains("`J`"), "{error}");
}

/// E∞ of electrons is that of their numbers, U N↓N↑/N; of spins that of all states.
#[test]
fn the_mean_of_the_diagonal_is_over_the_right_states() {
    let ring = Graph::chain(6, true).unwrap();
    let hilbert = electrons(6).with_n_fermions_per_spin(&[2, 3]).unwrap();
    let hubbard = fermi_hubbard(&hilbert, &ring, 1.0, 4.0).unwrap();
    assert!((mean_diagonal(&hubbard) - 4.0).abs() < 1e-12);
    let all = fermi_hubbard(&electrons(6), &ring, 1.0, 4.0).unwrap();
    assert!((mean_diagonal(&all) - 6.0).abs() < 1e-12);
    let spins = Hilbert::spin(0.5, 6).unwrap();
    let sector = spins.with_total_sz(1.0).unwrap();
    let heisenberg = heisenberg(&sector, &ring, &[1.0], None).unwrap();
    assert_eq!(mean_diagonal(&heisenberg), 0.0);
    // By samples: each site is filled in a quarter of the states.
    let large = spinless(40).with_n_particles(10).unwrap();
    let number = fermion::number(&large, 7).unwrap();
    assert!((mean_diagonal(&number) - 0.25).abs() < 0.02);
}

/// Energies of the 4x4 J1-J2 model, published to so many digits by VarBench (arXiv:2302.04919).
#[test]
fn j1_j2_has_its_published_energy_with_marshalls_rule_and_without() {
    let hilbert = Hilbert::spin(0.5, 16).unwrap().with_total_sz(0.0).unwrap();
    let graph = Graph::square(4, true).unwrap().with_neighbors(2).unwrap();
    let energy = |rule: [bool; 2]| {
        let h = heisenberg(&hilbert, &graph, &[1.0, 0.5], Some(&rule)).unwrap();
        exact::ground_state_energy(&h).unwrap()
    };
    for rule in [[true, false], [false, false]] {
        assert!((energy(rule) - -33.83169340557936).abs() < 1e-9);
    }
    // J2's bonds are within the sublattices.
    for rule in [[true, true], [false, true]] {
        let error = heisenberg(&hilbert, &graph, &[1.0, 0.5], Some(&rule)).unwrap_err();
        assert!(error.to_string().contains("two sublattices"), "{error}");
    }
}
