use autoket::exact::SectorBasis;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::operator::{heisenberg, to_dense};
use autoket::random::Key;

use crate::golden;

#[test]
fn numbers_states_as_netket() {
    for case in golden::json("hilbert")["cases"].as_array().unwrap() {
        let hilbert = golden::hilbert(case);
        let n = hilbert.n_sites();
        assert_eq!(
            hilbert.local_states(),
            golden::floats(&case["local_states"])
        );
        assert_eq!(hilbert.local_size() as u64, case["local_size"]);
        assert_eq!(hilbert.n_states(), case["n_states"].as_u64());
        let states = hilbert.all_states().unwrap();
        let rows = |key: &str| case[key].as_array().unwrap().iter().map(golden::floats);
        for (number, ((sigma, values), indices)) in (states.chunks(n))
            .zip(rows("all_states"))
            .zip(rows("local_indices"))
            .enumerate()
        {
            assert_eq!(hilbert.values_of(sigma), values);
            assert_eq!(hilbert.indices_of(&values).unwrap(), sigma);
            assert_eq!(
                sigma.iter().map(|&i| f64::from(i)).collect::<Vec<_>>(),
                indices
            );
            assert_eq!(
                hilbert.state_to_number(sigma),
                case["numbers"][number].as_u64()
            );
        }
    }
}

#[test]
fn numbers_states_there_and_back() {
    for hilbert in [
        Hilbert::spin(0.5, 63),
        Hilbert::spin(1.0, 40),
        Hilbert::fock(255, 7),
        Hilbert::fock(9, 19),
    ] {
        let hilbert = hilbert.unwrap();
        let states = hilbert.random_states(Key::new(1), 100);
        let mut sigma = vec![0; hilbert.n_sites()];
        for state in states.chunks(hilbert.n_sites()) {
            hilbert.number_to_state(hilbert.state_to_number(state).unwrap(), &mut sigma);
            assert_eq!(sigma, state);
        }
    }
}

#[test]
fn knows_how_many_states_there_are() {
    let states = |s, n| Hilbert::spin(s, n).unwrap().n_states();
    assert_eq!(states(0.5, 63), Some(1 << 63));
    assert_eq!(states(0.5, 64), None);
    assert_eq!(states(1.0, 40), Some(3_u64.pow(40)));
    assert!(!Hilbert::spin(1.0, 41).unwrap().is_indexable());
    let large = Hilbert::spin(0.5, 100).unwrap();
    assert_eq!(large.state_to_number(&[0; 100]), None);
    let small = Hilbert::spin(0.5, 2).unwrap();
    assert_eq!(small.state_to_number(&[0, 2]), None);
    assert_eq!(small.state_to_number(&[0]), None);
    let message = large.all_states().unwrap_err().to_string();
    assert!(
        message.contains("2^100 states") && message.contains("sample"),
        "{message}"
    );
    let message = Hilbert::spin(0.5, 30)
        .unwrap()
        .all_states()
        .unwrap_err()
        .to_string();
    assert!(message.contains("1073741824 states"), "{message}");
}

#[test]
fn draws_states_uniformly() {
    let hilbert = Hilbert::spin(1.0, 5).unwrap();
    let states = hilbert.random_states(Key::new(3), 6000);
    assert_eq!(states.len(), 30_000);
    for local in 0..3 {
        let count = states.iter().filter(|&&i| i == local).count();
        assert!(count.abs_diff(10_000) < 400, "{local}: {count}");
    }
    assert_eq!(states[..50], hilbert.random_states(Key::new(3), 10));
}

#[test]
fn inverts_the_order_of_spins_only() {
    let down_first = Hilbert::spin(1.0, 2).unwrap();
    let up_first = down_first.clone().with_inverted_ordering(false);
    assert_eq!(down_first.local_states(), [-2.0, 0.0, 2.0]);
    assert_eq!(up_first.local_states(), [2.0, 0.0, -2.0]);
    assert_eq!(up_first.spin_projections(), [2.0, 0.0, -2.0]);
    assert_ne!(down_first, up_first);
    assert_eq!(up_first.clone().with_inverted_ordering(true), down_first);
    assert_eq!(up_first.name(), "Spin(s=1, N=2, inverted_ordering=False)");
    let fock = Hilbert::fock(2, 2).unwrap();
    assert_eq!(fock.clone().with_inverted_ordering(false), fock);
    assert_eq!(fock.to_string(), "Fock(n_max=2, N=2)");
    assert_eq!(Hilbert::spin(1.5, 3).unwrap().name(), "Spin(s=3/2, N=3)");
    assert_eq!(Hilbert::qubit(3).unwrap().name(), "Qubit(N=3)");
    assert_eq!(Hilbert::qubit(1).unwrap().spin_projections(), [1.0, -1.0]);
}

#[test]
fn refuses_what_makes_no_sense() {
    let check = |result: autoket::Result<Hilbert>, field: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{field}`")), "{message}");
    };
    for s in [0.0, -0.5, 0.3, f64::NAN, f64::INFINITY, 128.0] {
        check(Hilbert::spin(s, 2), "s");
    }
    assert_eq!(Hilbert::spin(127.5, 2).unwrap().local_size(), 256);
    check(Hilbert::spin(0.5, 0), "n_sites");
    check(Hilbert::qubit(0), "n_sites");
    check(Hilbert::fock(1, 0), "n_sites");
    check(Hilbert::fock(0, 2), "n_max");
    check(Hilbert::fock(256, 2), "n_max");
    let message = Hilbert::spin(0.5, 2).unwrap().indices_of(&[1.0, 0.0]);
    let message = message.unwrap_err().to_string();
    assert!(
        message.starts_with("`values[1]`") && message.contains("[-1.0, 1.0]"),
        "{message}"
    );
}

#[test]
fn constrained_states_are_numbered_from_either_end() {
    let hilbert = Hilbert::spin(0.5, 6).unwrap().with_inverted_ordering(false);
    let hilbert = hilbert.with_total_sz(1.0).unwrap();
    let turned = hilbert.clone().with_descending_numbers(true);
    assert_ne!(hilbert, turned);
    let mut states: Vec<Vec<u8>> = (hilbert.all_states().unwrap().chunks(6))
        .map(<[u8]>::to_vec)
        .collect();
    states.reverse();
    assert_eq!(turned.all_states().unwrap(), states.concat());
    for (number, sigma) in states.iter().enumerate() {
        assert_eq!(turned.state_to_number(sigma), Some(number as u64));
    }
    assert_eq!(turned.state_to_number(&[0; 6]), None);
    let graph = Graph::chain(6, true).unwrap();
    let [h, t] = [&hilbert, &turned]
        .map(|hilbert| to_dense(&heisenberg(hilbert, &graph, &[1.0], None).unwrap()).unwrap());
    let n = h.nrows();
    for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
        assert_eq!(h[(i, j)], t[(n - 1 - i, n - 1 - j)]);
    }
    // In a sector too.
    let sector = &graph.space_group().unwrap().sectors()[0];
    let [h, t] = [&hilbert, &turned].map(|hilbert| {
        let operator = heisenberg(hilbert, &graph, &[1.0], None).unwrap();
        let basis = SectorBasis::new(hilbert, sector).unwrap();
        basis.full_ed(&operator).unwrap()
    });
    assert_eq!(h.len(), t.len());
    assert!(h.iter().zip(&t).all(|(h, t)| (h - t).abs() < 1e-12));
}
