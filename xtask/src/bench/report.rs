//! What was measured, as a table and as JSON.

use serde_json::{Map, Value, json};

/// All of one workload.
pub struct Report {
    /// The letter.
    pub workload: &'static str,
    /// Processor, rates, versions.
    pub machine: Value,
    /// In the order they ran.
    pub phases: Vec<PhaseTimes>,
}

/// Medians of one phase, in seconds.
pub struct PhaseTimes {
    name: &'static str,
    autoket: f64,
    netket: Option<f64>,
    limit: f64,
    calls: usize,
}

impl PhaseTimes {
    /// From the calls of both programs and the arithmetic limit.
    pub fn new(name: &'static str, times: &[(f64, Option<f64>)], limit: f64) -> Self {
        let netket: Option<Vec<f64>> = times.iter().map(|(_, theirs)| *theirs).collect();
        Self {
            name,
            autoket: median(times.iter().map(|(ours, _)| *ours).collect()),
            netket: netket.map(median),
            limit,
            calls: times.len(),
        }
    }

    /// How many times faster autoket is.
    fn ratio(&self) -> Option<f64> {
        self.netket.map(|netket| netket / self.autoket)
    }

    /// How many times the limit autoket takes.
    fn over_limit(&self) -> f64 {
        self.autoket / self.limit
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    match times.len() % 2 {
        0 => 0.5 * (times[middle - 1] + times[middle]),
        _ => times[middle],
    }
}

impl Report {
    /// One object.
    pub fn json(&self) -> Value {
        let phases: Map<String, Value> = self
            .phases
            .iter()
            .map(|phase| {
                let numbers = json!({
                    "autoket_s": phase.autoket,
                    "netket_s": phase.netket,
                    "ratio": phase.ratio(),
                    "limit_s": phase.limit,
                    "over_limit": phase.over_limit(),
                });
                (phase.name.to_owned(), numbers)
            })
            .collect();
        json!({ "workload": self.workload, "machine": self.machine, "phases": phases })
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = format!("workload {}\nmachine  {}\n\n", self.workload, self.machine);
        out += "phase             autoket s    netket s    ratio     limit s  over limit   calls\n";
        for phase in &self.phases {
            let netket = phase.netket.map_or("-".into(), seconds);
            let ratio = phase.ratio().map_or("-".into(), |r| format!("{r:.1}"));
            out += &format!(
                "{:<16} {:>10}  {netket:>10}  {ratio:>7}  {:>10}  {:>10.1}  {:>6}\n",
                phase.name,
                seconds(phase.autoket),
                seconds(phase.limit),
                phase.over_limit(),
                phase.calls,
            );
        }
        out
    }
}

/// Three digits or more.
fn seconds(s: f64) -> String {
    match s {
        s if s < 0.01 => format!("{s:.6}"),
        s if s < 1.0 => format!("{s:.4}"),
        s => format!("{s:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let times = [(0.2, Some(1.0)), (0.4, Some(3.0)), (0.3, Some(2.0))];
        Report {
            workload: "a",
            machine: Value::Null,
            phases: vec![
                PhaseTimes::new("sampling", &times, 0.1),
                PhaseTimes::new("solve", &[(0.5, None)], 0.25),
            ],
        }
    }

    #[test]
    fn json() {
        let phases = &report().json()["phases"];
        let close = |x: &Value, y: f64| (x.as_f64().unwrap() - y).abs() < 1e-12;
        let sampling = &phases["sampling"];
        assert!(close(&sampling["autoket_s"], 0.3), "{sampling}");
        assert!(close(&sampling["netket_s"], 2.0), "{sampling}");
        assert!(close(&sampling["ratio"], 2.0 / 0.3), "{sampling}");
        assert!(close(&sampling["limit_s"], 0.1), "{sampling}");
        assert!(close(&sampling["over_limit"], 3.0), "{sampling}");
        let solve = &phases["solve"];
        assert!(solve["netket_s"].is_null() && solve["ratio"].is_null());
        assert!(close(&solve["over_limit"], 2.0), "{solve}");
    }

    #[test]
    fn table_is_aligned() {
        let table = report().table();
        let ends = |line: &str| line.trim_end().chars().count();
        let mut lines = table.lines().skip(3);
        let head = lines.next().unwrap();
        assert!(head.contains("over limit"), "{table}");
        assert!(lines.all(|line| ends(line) == ends(head)), "{table}");
    }
}
