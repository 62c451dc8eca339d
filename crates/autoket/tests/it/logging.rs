//! The log: NetKet's layout, and a file that is always whole.

use autoket::c64;
use autoket::logging::{JsonLog, Value, write_atomically};

#[test]
fn the_layout_is_netkets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    let mut log = JsonLog::create(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}");

    log.record_estimate(0, "Energy", Value::Real(-1.5), 2.0, 0.25);
    log.record_estimate(1, "Energy", Value::Real(f64::NAN), 0.5, 0.125);
    let z = c64::new(1.0, -2.0);
    log.record_estimate(0, "Flux", Value::Complex(z), 2.0, 0.25);
    log.record(1, "wallclock", &[("value", Value::Real(0.5))]);
    log.write().unwrap();
    let expected = concat!(
        r#"{"Energy":{"iters":[0,1],"Mean":[-1.5,null],"Variance":[2.0,0.5],"Sigma":[0.25,0.125],"#,
        r#""R_hat":[null,null],"TauCorr":[0.0,0.0]},"#,
        r#""Flux":{"iters":[0],"Mean":{"real":[1.0],"imag":[-2.0]},"Variance":[2.0],"#,
        r#""Sigma":[0.25],"R_hat":[null],"TauCorr":[0.0]},"#,
        r#""wallclock":{"iters":[1],"value":[0.5]}}"#
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn a_file_is_replaced_and_nothing_else_remains() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_atomically(&path, b"a longer first text").unwrap();
    write_atomically(&path, b"second").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"second");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = write_atomically(&path.join("below"), b"").unwrap_err();
    assert!(error.to_string().contains("below"), "{error}");
}

#[test]
fn keys_are_those_of_a_netket_run_in_their_order() {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../golden/data/jsonlog_example.json"
    );
    let netket = std::fs::read_to_string(golden).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    let mut log = JsonLog::create(&path).unwrap();
    log.record_estimate(0, "Energy", Value::Real(-1.5), 2.0, 0.25);
    log.record(0, "wallclock", &[("value", Value::Real(0.5))]);
    log.write().unwrap();
    let keys = |text: &str| -> Vec<String> {
        // In this layout only keys are strings.
        text.split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        keys(&std::fs::read_to_string(&path).unwrap()),
        keys(&netket)
    );
}

/// Records of so many steps.
fn steps(log: &mut JsonLog, steps: std::ops::Range<usize>) {
    for step in steps {
        let x = 0.1 + step as f64;
        log.record_estimate(step, "Energy", Value::Real(-x), x.sqrt(), f64::NAN);
        if step % 2 == 0 {
            let z = c64::new(x.sin(), x.exp());
            log.record(step, "flux", &[("Mean", Value::Complex(z))]);
        }
        log.end_step().unwrap();
    }
}

/// A log that goes on is, byte for byte, one that never stopped, wherever its last line was cut.
#[test]
fn a_log_goes_on_after_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, path] = ["whole.json", "log.json"].map(|name| folder.path().join(name));
    let mut log = JsonLog::create(&whole).unwrap();
    steps(&mut log, 0..9);
    log.write().unwrap();
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let lines = path.with_extension("jsonl");

    let mut log = JsonLog::create(&path).unwrap();
    steps(&mut log, 0..7);
    drop(log);
    let written = read(&lines);
    let after_five = written.match_indices('\n').nth(4).unwrap().0 + 1;
    for end in after_five..=written.len() {
        std::fs::write(&lines, &written[..end]).unwrap();
        let mut log = JsonLog::resume(&path, 5).unwrap();
        assert_eq!(log.steps(), 5);
        steps(&mut log, 5..9);
        log.write().unwrap();
        assert_eq!(read(&path), read(&whole));
        assert_eq!(read(&lines), read(&whole.with_extension("jsonl")));
    }
    // Lines that were lost are missed, and a file that was lost is begun again.
    std::fs::write(&lines, &written[..after_five - 1]).unwrap();
    assert_eq!(JsonLog::resume(&path, 5).unwrap().steps(), 4);
    std::fs::remove_file(&lines).unwrap();
    assert_eq!(JsonLog::resume(&path, 5).unwrap().steps(), 0);
}
