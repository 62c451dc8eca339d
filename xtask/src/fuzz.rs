//! `cargo xtask fuzz READER SECONDS`: libFuzzer feeds a reader of files or text.

use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Tell libFuzzer which code an input reaches; they need no nightly compiler.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=4",
];

/// Builds the program and feeds it for so long; what it finds new is kept in `target/fuzz/corpus`.
///
/// # Errors
/// The arguments are wrong, the build fails, or an input brought the reader down: libFuzzer has written it to a file.
pub fn fuzz(args: &[String]) -> Result<()> {
    let [reader, seconds] = args else {
        return Err(
            "usage: cargo xtask fuzz READER SECONDS\nreaders: the folders in fuzz/corpus".into(),
        );
    };
    let seconds: u64 = seconds.parse()?;
    let given = format!("fuzz/corpus/{reader}");
    if !std::path::Path::new(&given).is_dir() {
        return Err(format!("no reader is called {reader}: there is no {given}").into());
    }
    // Named, so that build scripts and macros are built without the flags.
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let found = format!("target/fuzz/corpus/{reader}");
    std::fs::create_dir_all(&found)?;
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target-dir", "target/fuzz", "--target", &host])
        .env("RUSTFLAGS", FLAGS.join(" "))
        .status()?;
    if !built.success() {
        return Err("the build failed".into());
    }
    let fed = Command::new(format!("target/fuzz/{host}/release/fuzz"))
        .args([format!("-max_total_time={seconds}"), found, given])
        .args(["-timeout=20", "-rss_limit_mb=8192", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix=target/fuzz/{reader}-"))
        .env("AUTOKET_FEED", reader)
        .status()?;
    match fed.success() {
        true => Ok(()),
        false => Err(format!("{reader} does more than refuse: see the file named above").into()),
    }
}
