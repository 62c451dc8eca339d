//! Diagonalisation within sectors of momentum, point group and spin flip.

use std::sync::atomic::AtomicUsize;

use autoket::exact::{self, LanczosInfo, LanczosOptions, SectorBasis};
use autoket::graph::{Graph, Parity, Sector};
use autoket::hilbert::Hilbert;
use autoket::operator::{LocalOperator, Operator, bose_hubbard, boson, heisenberg, spin};
use autoket::{Error, Interrupt, c64};

use crate::exact::{Counted, chain, half, options};

/// A momentum alone has all its states, those of little groups' higher representations too.
#[test]
fn momenta_make_up_the_space() {
    let square = Graph::square(3, true).unwrap();
    let hilbert = half(9);
    let h = heisenberg(&hilbert, &square, &[1.0], None).unwrap();
    let mut energies = Vec::new();
    for (a, b) in (0..9).map(|m| (m / 3, m % 3)) {
        let sector = square.momentum(&[a, b]).unwrap();
        let basis = SectorBasis::new(&hilbert, &sector).unwrap();
        let plan = options(1).plan_sector(&h, &sector).unwrap();
        assert!(plan.n_states.abs_diff(basis.n_states()) <= 8);
        energies.extend(basis.full_ed(&h).unwrap());
    }
    energies.sort_by(f64::total_cmp);
    let whole = exact::full_ed(&h).unwrap();
    assert_eq!(energies.len(), whole.len());
    for (a, b) in energies.iter().zip(&whole) {
        assert!((a - b).abs() < 1e-11, "{a} {b}");
    }
}

/// The sectors of all momenta, and of both signs under spin flip, have the energies of the whole space.
#[test]
fn energies_of_sectors_make_the_whole() {
    let ring = chain(6, true);
    let translations = ring.translations().unwrap();
    let spaces = [
        half(6),
        half(6).with_total_sz(0.0).unwrap(),
        Hilbert::spin(1.0, 6).unwrap().with_total_sz(0.0).unwrap(),
    ];
    for hilbert in spaces {
        let h = match hilbert.local_size() {
            2 => heisenberg(&hilbert, &ring, &[1.0], None).unwrap(),
            _ => {
                let z = |site| spin::sigmaz(&hilbert, site).unwrap();
                let hop = |i: usize, j: usize| {
                    let up = spin::sigmap(&hilbert, i).unwrap();
                    let down = spin::sigmam(&hilbert, j).unwrap();
                    &up * &down
                        + &spin::sigmam(&hilbert, i).unwrap() * &spin::sigmap(&hilbert, j).unwrap()
                };
                let bonds = ring.edges().iter();
                bonds.fold(LocalOperator::new(&hilbert), |sum, &(i, j)| {
                    sum + hop(i, j) + 0.7 * (&z(i) * &z(j))
                })
            }
        };
        let whole = exact::full_ed(&h).unwrap();
        for flips in [&[None][..], &[Some(Parity::Even), Some(Parity::Odd)]] {
            let mut energies = Vec::new();
            for sector in translations.sectors() {
                for &flip in flips {
                    let sector = match flip {
                        None => sector.clone(),
                        Some(parity) => sector.clone().with_spin_flip(parity),
                    };
                    let Ok(basis) = SectorBasis::new(&hilbert, &sector) else {
                        continue;
                    };
                    let found = basis.full_ed(&h).unwrap();
                    let lowest = basis.lanczos_ed(&h, options(1)).unwrap().energies[0];
                    assert!((lowest - found[0]).abs() < 1e-11);
                    energies.extend(found);
                }
            }
            energies.sort_by(f64::total_cmp);
            assert_eq!(energies.len(), whole.len(), "{hilbert}");
            for (a, b) in energies.iter().zip(&whole) {
                assert!((a - b).abs() < 1e-10, "{hilbert}: {a}, not {b}");
            }
        }
    }
}

/// Local indices of one, two, four and eight bits, and states of more than 64 bits.
#[test]
fn sectors_of_any_local_size_and_length_make_the_whole() {
    let ring = |n| chain(n, true);
    let bosons = |n_max, n, particles| {
        let hilbert = Hilbert::fock(n_max, n).unwrap().with_n_particles(particles);
        bose_hubbard(&hilbert.unwrap(), &ring(n), 1.0, 0.3, 0.1, 0.2).unwrap()
    };
    let magnons = half(66).with_total_sz(2.0 - 33.0).unwrap();
    let hamiltonians = [
        (6, bosons(1, 6, 3)),
        (5, bosons(3, 5, 5)),
        (5, bosons(4, 5, 5)),
        (3, bosons(20, 3, 20)),
        (9, bosons(20, 9, 2)),
        (66, heisenberg(&magnons, &ring(66), &[1.0], None).unwrap()),
    ];
    for (n, h) in hamiltonians {
        let whole = exact::full_ed(&h).unwrap();
        let mut energies = Vec::new();
        for sector in ring(n).translations().unwrap().sectors() {
            if let Ok(basis) = SectorBasis::new(h.hilbert(), &sector) {
                energies.extend(basis.full_ed(&h).unwrap());
            }
        }
        energies.sort_by(f64::total_cmp);
        assert_eq!(energies.len(), whole.len(), "{}", h.hilbert());
        for (a, b) in energies.iter().zip(&whole) {
            assert!((a - b).abs() < 1e-9, "{}: {a}, not {b}", h.hilbert());
        }
    }
    let long = Hilbert::fock(9, 65).unwrap().with_n_particles(1).unwrap();
    let sector = ring(65).translations().unwrap().sectors().swap_remove(0);
    let refused = SectorBasis::new(&long, &sector).unwrap_err().to_string();
    assert!(refused.contains("320 bits for a state"), "{refused}");
}

/// Published: the 4x4 Heisenberg antiferromagnet, -11.228483208 J in units of S = 1/2.
#[test]
fn the_ground_state_lies_in_the_sector_of_all_symmetries() {
    let square = Graph::square(4, true).unwrap();
    let hilbert = half(16).with_total_sz(0.0).unwrap();
    let h = heisenberg(&hilbert, &square, &[1.0], None).unwrap();
    let group = square.space_group().unwrap();
    let sector = group.sectors().swap_remove(0).with_spin_flip(Parity::Even);
    let basis = SectorBasis::new(&hilbert, &sector).unwrap();
    assert!(basis.n_states() < 200, "{}", basis.n_states());
    let found = basis.lanczos_ed(&h, options(1)).unwrap();
    assert!((found.energies[0] / 4.0 + 11.228483208).abs() < 1e-8);
}

#[test]
fn sectors_of_what_is_not_symmetric_are_refused() {
    let ring = chain(6, true);
    let sector = ring.translations().unwrap().sectors().swap_remove(0);
    let refused = |result: Result<_, Error>, part: &str| {
        let message = result.map(drop::<LanczosInfo>).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    let basis = |hilbert: &Hilbert, sector: &Sector| {
        SectorBasis::new(hilbert, sector).map(|_| unreachable!("it is refused"))
    };
    let up = half(6).with_total_sz(1.0).unwrap();
    refused(
        basis(&up, &sector.clone().with_spin_flip(Parity::Odd)),
        "a symmetry of",
    );
    refused(basis(&half(5), &sector), "permutations of 5 sites");
    let bosons = Hilbert::fock(1, 6).unwrap();
    refused(
        basis(&bosons, &sector.clone().with_spin_flip(Parity::Odd)),
        "a space of spins",
    );
    let h = heisenberg(&half(6), &chain(6, false), &[1.0], None).unwrap();
    let basis = SectorBasis::new(&half(6), &sector).unwrap();
    refused(
        basis.lanczos_ed(&h, options(1)),
        "with the symmetry of the sector",
    );
    let h = heisenberg(&up, &ring, &[1.0], None).unwrap();
    refused(basis.lanczos_ed(&h, options(1)), "an operator on");
}

/// Terms that break the symmetry at few states are found, whatever the share of these.
#[test]
fn rare_terms_that_break_a_symmetry_are_refused() {
    let refused = |h: &dyn Operator, ring: &Graph| {
        let sector = ring.translations().unwrap().sectors().swap_remove(0);
        let basis = SectorBasis::new(h.hilbert(), &sector).unwrap();
        let message = basis.lanczos_ed(h, options(1)).unwrap_err().to_string();
        assert!(message.contains("with the symmetry"), "{message}");
    };
    // Two bosons on one site, three, and ten spins up.
    let ring = chain(100, true);
    let hilbert = Hilbert::fock(2, 100).unwrap().with_n_particles(2).unwrap();
    let h = bose_hubbard(&hilbert, &ring, 1.0, 0.0, 1.0, 0.0).unwrap();
    let pair = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -20.0].map(|x| c64::new(x, 0.0));
    let trap = LocalOperator::term(&hilbert, &[0], &pair).unwrap();
    let trapped = h + &trap;
    refused(&trapped, &ring);
    // The same from its rows, where it does not give its terms.
    refused(&Counted(trapped, AtomicUsize::new(0)), &ring);
    let ring = chain(14, true);
    let h = heisenberg(&half(14), &ring, &[1.0], None).unwrap();
    let mut projector = vec![c64::ZERO; 1 << 20];
    projector[(1 << 20) - 1] = c64::new(-100.0, 0.0);
    let sites: Vec<usize> = (0..10).collect();
    refused(
        &(h.clone() + &LocalOperator::term(&half(14), &sites, &projector).unwrap()),
        &ring,
    );
    // On all sites alike it breaks the spin flip only.
    let everywhere = (0..14).fold(h, |sum, first| {
        let sites: Vec<usize> = (0..10).map(|i| (first + i) % 14).collect();
        sum + &LocalOperator::term(&half(14), &sites, &projector).unwrap()
    });
    let sector = ring.translations().unwrap().sectors().swap_remove(0);
    let basis = |sector: Sector| SectorBasis::new(&half(14), &sector).unwrap();
    assert!(
        basis(sector.clone())
            .lanczos_ed(&everywhere, options(1))
            .is_ok()
    );
    let flipped = basis(sector.with_spin_flip(Parity::Even));
    let message = flipped.lanczos_ed(&everywhere, options(1)).unwrap_err();
    assert!(
        message.to_string().contains("with the symmetry"),
        "{message}"
    );
}

/// A symmetry that holds by the constraint only: Σ n is the same everywhere.
#[test]
fn symmetries_of_the_constrained_space_are_taken() {
    let ring = chain(6, true);
    let hilbert = Hilbert::fock(3, 6).unwrap().with_n_particles(3).unwrap();
    let h = bose_hubbard(&hilbert, &ring, 1.0, 0.2, 1.0, 0.0).unwrap();
    // n₀ (Σ n - 3) = 0 here.
    let n = |i| boson::number(&hilbert, i).unwrap();
    let extra = (1..6).fold(n(0) * &n(0) - 3.0 * n(0), |sum, i| sum + &(n(0) * &n(i)));
    let same = h.clone() + &extra;
    for sector in ring.translations().unwrap().sectors() {
        let basis = SectorBasis::new(&hilbert, &sector).unwrap();
        let (a, b) = (basis.full_ed(&h).unwrap(), basis.full_ed(&same).unwrap());
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}

#[test]
fn the_search_for_states_can_be_broken_off() {
    let sector = chain(8, true)
        .translations()
        .unwrap()
        .sectors()
        .swap_remove(0);
    let interrupt = Interrupt::default();
    assert!(SectorBasis::search(&half(8), &sector, &interrupt).is_ok());
    interrupt.raise();
    let broken = SectorBasis::search(&half(8), &sector, &interrupt);
    assert!(matches!(broken, Err(Error::Interrupted)));
}

/// The tables of a large group are part of the plan.
#[test]
fn tables_of_a_sector_are_planned() {
    let square = Graph::square(16, true).unwrap();
    let hilbert = half(256).with_total_sz(126.0).unwrap();
    let h = heisenberg(&hilbert, &square, &[1.0], None).unwrap();
    let sector = square.momentum(&[0, 0]).unwrap();
    let plan = options(1).plan_sector(&h, &sector).unwrap();
    // 256 permutations, 32 bytes of 256 values, images of 32 bytes.
    assert!(plan.bytes >= 256 * 32 * 256 * 32, "{}", plan.bytes);
    let few = LanczosOptions {
        memory: 20_000_000,
        ..options(1)
    };
    let refused = few.plan_sector(&h, &sector).unwrap_err().to_string();
    assert!(refused.contains("tables"), "{refused}");
    let many = options(1 << 20).plan_sector(&h, &sector).unwrap_err();
    assert!(many.to_string().contains("1 to 32640"), "{many}");
}

/// One spin up, carried around a ring with a phase φ at each step: E = 2 cos(k - φ), which tells k from -k.
#[test]
fn sectors_have_the_momentum_that_they_are_called_by() {
    let (n, phi) = (7, 0.4);
    let ring = chain(n, true);
    let hilbert = half(n).with_total_sz(1.0 - n as f64 / 2.0).unwrap();
    let mut h = LocalOperator::new(&hilbert);
    for x in 0..n {
        let raise = spin::sigmap(&hilbert, (x + 1) % n).unwrap();
        let step = raise * spin::sigmam(&hilbert, x).unwrap() * c64::cis(phi);
        h += step.adjoint() + step;
    }
    for sector in ring.translations().unwrap().sectors() {
        // A translation by one site has the character exp(-ik).
        let steps = sector.permutations().iter().zip(sector.characters());
        let k = -steps
            .filter(|(g, _)| g[0] == 1)
            .map(|(_, x)| x.arg())
            .sum::<f64>();
        let basis = SectorBasis::new(&hilbert, &sector).unwrap();
        let energies = basis.full_ed(&h).unwrap();
        assert_eq!(energies.len(), 1);
        let expected = 2.0 * (k - phi).cos();
        assert!(
            (energies[0] - expected).abs() < 1e-12,
            "{k}: {energies:?}, not {expected}"
        );
    }
}

/// Where elements of a row cancel but for rounding, some of its images lack them.
#[test]
fn elements_that_cancel_break_no_symmetry() {
    let graph = Graph::square(4, true).unwrap().with_neighbors(2).unwrap();
    let hilbert = half(16).with_total_sz(0.0).unwrap();
    let signs = [true, false];
    let h = heisenberg(&hilbert, &graph, &[1.0, 0.4], Some(&signs)).unwrap();
    let sector = graph.sectors(&[0, 0]).unwrap()[0].clone();
    let basis = SectorBasis::new(&hilbert, &sector.with_spin_flip(Parity::Even)).unwrap();
    let found = basis.lanczos_ed(&h, LanczosOptions::default()).unwrap();
    let whole = exact::ground_state_energy(&h).unwrap();
    assert!((found.energies[0] - whole).abs() < 1e-9 * whole.abs());
}
