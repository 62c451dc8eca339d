//! Fermions on lattices and in molecules: known energies, files of integrals.

use autoket::exact;
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::operator::{Fcidump, Operator, fermi_hubbard, t_v};

pub fn electrons(n: usize) -> Hilbert {
    Hilbert::spin_orbital_fermions(n, Some(0.5)).unwrap()
}

pub fn spinless(n: usize) -> Hilbert {
    Hilbert::spin_orbital_fermions(n, None).unwrap()
}

/// Free fermions fill the lowest levels -2 cos k; two sites are solved by hand.
#[test]
fn fermions_on_a_lattice_have_their_known_energies() {
    let n = 6;
    let ring = Graph::chain(n, true).unwrap();
    let mut levels: Vec<f64> = (0..n)
        .map(|k| -2.0 * (std::f64::consts::TAU * k as f64 / n as f64).cos())
        .collect();
    levels.sort_by(f64::total_cmp);
    for n_fermions in 1..n {
        let filled: f64 = levels[..n_fermions].iter().sum();
        let hilbert = spinless(n).with_n_particles(n_fermions).unwrap();
        let free = t_v(&hilbert, &ring, 1.0, 0.0).unwrap();
        assert!((exact::ground_state_energy(&free).unwrap() - filled).abs() < 1e-12);
        let pair = [n_fermions, n - n_fermions];
        let hilbert = electrons(n).with_n_fermions_per_spin(&pair).unwrap();
        let free = fermi_hubbard(&hilbert, &ring, 1.0, 0.0).unwrap();
        let both = filled + levels[..pair[1]].iter().sum::<f64>();
        assert!((exact::ground_state_energy(&free).unwrap() - both).abs() < 1e-10);
    }
    // Half filling, two sites: (U - √(U² + 16 t²))/2.
    let hilbert = electrons(2).with_n_fermions_per_spin(&[1, 1]).unwrap();
    let dimer = fermi_hubbard(&hilbert, &Graph::chain(2, false).unwrap(), 1.5, 3.0).unwrap();
    let expected = (3.0 - (9.0 + 16.0 * 2.25_f64).sqrt()) / 2.0;
    assert!((exact::ground_state_energy(&dimer).unwrap() - expected).abs() < 1e-12);
    let graph = Graph::chain(3, false).unwrap();
    let error = fermi_hubbard(&electrons(2), &graph, 1.0, 1.0).unwrap_err();
    assert!(error.to_string().contains("half of the 4 sites"), "{error}");
    let error = t_v(&spinless(2), &graph, 1.0, 1.0).unwrap_err();
    assert!(error.to_string().contains("`graph`"), "{error}");
}

fn example(name: &str) -> std::path::PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../examples", name]
        .iter()
        .collect()
}

/// Full configuration interaction by PySCF: golden/molecules.py.
#[test]
fn molecules_have_the_energies_of_full_configuration_interaction() {
    for (name, energy) in [
        ("h2_sto3g.fcidump", -1.137270174660903),
        ("lih_sto3g.fcidump", -7.882403410335502),
    ] {
        let molecule = Fcidump::read(example(name)).unwrap();
        let hilbert = molecule.hilbert().unwrap();
        let h = molecule.operator(&hilbert).unwrap();
        assert!(h.is_hermitian() && h.is_real());
        assert!(
            (exact::ground_state_energy(&h).unwrap() - energy).abs() < 1e-8,
            "{name}"
        );
    }
    let mut h2 = Fcidump::read(example("h2_sto3g.fcidump")).unwrap();
    // Other sectors: the cation's and the triplet's.
    for (n_electrons, ms2, energy) in [(3, 1, -0.4469857176706652), (2, 2, -0.5324790068861723)] {
        (h2.n_electrons, h2.ms2) = (n_electrons, ms2);
        let h = h2.operator(&h2.hilbert().unwrap()).unwrap();
        assert!((exact::ground_state_energy(&h).unwrap() - energy).abs() < 1e-8);
    }
    let error = h2.operator(&electrons(3)).unwrap_err().to_string();
    assert!(error.contains("4 sites"), "{error}");
}

#[test]
fn fcidump_files_are_read_or_refused_at_their_line() {
    let parse = |text: &str| Fcidump::parse("m.fcidump", text);
    let header = " &FCI NORB=2,NELEC=2,MS2=0,\n  ORBSYM=1,1,\n  ISYM=1,\n &END\n";
    let with = |line: &str| format!("{header} 0.5 1 1 1 1\n{line}\n");
    let plain = parse(&with("0.25 2 1 2 1")).unwrap();
    for text in [
        // In any of eight orders, or all; with Fortran's exponents, other ends, blank lines.
        with("2.5D-01 1 2 2 1"),
        with("0.25 1 2 1 2\n0.25 2 1 1 2\n\n0.25 2 1 2 1"),
        with("-0.7 1 0 0 0\n0.25 2 1 2 1"),
        with("0.25 2 1 2 1").replace("&END", "/"),
        with("0.25 2 1 2 1").replace(
            " &FCI NORB=2,NELEC=2,MS2=0,",
            "\n&fci\n norb = 2\n nelec= 2 ,",
        ),
        with("0.25 2 1 2 1").replace("ISYM=1", "ISYM=1, IUHF=0"),
    ] {
        assert_eq!(parse(&text).unwrap(), plain, "{text}");
    }
    for (text, words) in [
        (String::new(), &["m.fcidump", "no end"][..]),
        ("hello".into(), &["line 1", "&FCI"]),
        (header.replace("&END", ""), &["no end"]),
        (header.replace("NORB=2,", ""), &["no `NORB=`"]),
        (
            header.replace("NORB=2", "NORB=two"),
            &["line 1", "an integer", "TWO"],
        ),
        (header.replace("NORB=2", "NORB=0"), &["line 1", "1 to 1024"]),
        (header.replace("NELEC=2", "NELEC=5"), &["line 1", "1 to 4"]),
        (header.replace("MS2=0", "MS2=1"), &["line 1", "MS2=1"]),
        (
            header.replace("ISYM=1", "IUHF=1"),
            &["line 3", "restricted"],
        ),
        (
            header.replace("ISYM=1", "UHF=.TRUE."),
            &["line 3", "restricted"],
        ),
        (with("0.25 2 1 2"), &["line 6", "four orbitals, got 3"]),
        (with("0.25 2 1 2 3"), &["line 6", "1 to 2", "`3`"]),
        (with("0.25 2 1 2 -1"), &["line 6", "`-1`"]),
        (with("x 2 1 2 1"), &["line 6", "a number", "`x`"]),
        (with("(0.2,0.1) 2 1 2 1"), &["line 6", "complex"]),
        (with("0.25 2 1 2 0"), &["line 6", "two and two zeros"]),
        (
            with("0.25 2 1 2 1\n0.35 1 2 1 2"),
            &["line 7", "0.25 in line 6"],
        ),
    ] {
        let message = parse(&text).expect_err(&text).to_string();
        assert!(
            words.iter().all(|word| message.contains(word)),
            "{text}: {message}"
        );
    }
    let error = Fcidump::read(example("none.fcidump"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("none.fcidump"), "{error}");
}
