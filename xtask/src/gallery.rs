//! `cargo xtask gallery`: every example in full, and what came of it as `examples/README.md`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HEAD: &str = "\
# Examples

Run files for `autoket run`, each with what came of it in full, on fresh samples (`cargo xtask gallery`, which makes
this page; times on its machine, and for nothing else). Scripts are in [python](python).

| run file | system | network | steps | energy | exact | above it | V-score | time |
|---|---|---|---|---|---|---|---|---|
";

/// Runs all examples and writes the page.
///
/// # Errors
/// The build or a run fails, or a file cannot be read or written.
pub fn gallery() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--package", "autoket-cli", "--locked"])
        .status()?;
    if !built.success() {
        return Err("the build failed".into());
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir("examples")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    let mut page = HEAD.to_owned();
    for file in files {
        let name = file.file_stem().unwrap_or_default().display().to_string();
        eprintln!("{name}");
        let out = Path::new("target/gallery").join(&name);
        let ran = Command::new("target/release/autoket")
            .arg("run")
            .arg(&file)
            .args(["--quiet", "--overwrite", "--out"])
            .arg(&out)
            .status()?;
        if !ran.success() {
            return Err(format!("{name} failed").into());
        }
        let summary = std::fs::read_to_string(out.join("summary.json"))?;
        let summary: Value = serde_json::from_str(&summary)?;
        let resolved = std::fs::read_to_string(out.join("run.toml"))?;
        let system = system(&std::fs::read_to_string(&file)?);
        let network = network(&resolved);
        writeln!(page, "{}", line(&name, &system, &network, &summary))?;
    }
    std::fs::write("examples/README.md", page)?;
    Ok(())
}

/// The first sentence of a file's first comment.
fn system(text: &str) -> String {
    let comment = text.lines().map_while(|line| line.strip_prefix("# "));
    let comment: String = comment.collect::<Vec<_>>().join(" ");
    let end = comment.find([':', '.']).unwrap_or(comment.len());
    comment[..end].to_owned()
}

/// The kind of a resolved run file's model.
fn network(resolved: &str) -> String {
    let (_, model) = resolved.split_once("[model]").unwrap_or_default();
    let kind = model.split('"').nth(1);
    kind.unwrap_or_default().to_owned()
}

fn line(name: &str, system: &str, network: &str, summary: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let energy = &summary["energy"];
    let (mean, error) = (number(&energy["mean"]), number(&energy["error_of_mean"]));
    let (exact, above) = match summary["exact"].as_f64() {
        None => (String::new(), String::new()),
        Some(exact) => (
            format!("{exact:.6}"),
            format!("{:.1e}", (mean - exact) / exact.abs()),
        ),
    };
    let energy = with_error(mean, error);
    let (steps, score) = (&summary["steps"], number(&summary["v_score"]));
    let seconds = number(&summary["seconds"]);
    format!(
        "| [{name}]({name}.toml) | {system} | {network} | {steps} | {energy} | {exact} | {above} | {score:.1e} | \
         {seconds:.0} s |"
    )
}

/// A number with two digits of its error in parentheses.
fn with_error(mean: f64, error: f64) -> String {
    let digits = (1.0 - error.log10().floor()).clamp(0.0, 10.0);
    let scaled = (error * 10f64.powf(digits)).round();
    format!("{mean:.*}({scaled:.0})", digits as usize)
}
