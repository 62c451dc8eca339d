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
                });
                (phase.name.to_owned(), numbers)
            })
            .collect();
        json!({ "workload": self.workload, "machine": self.machine, "phases": phases })
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = format!("workload {}\nmachine  {}\n\n", self.workload, self.machine);
        out += "phase             autoket s    netket s    ratio     limit s   calls\n";
        for phase in &self.phases {
            let netket = phase.netket.map_or("-".into(), seconds);
            let ratio = phase.ratio().map_or("-".into(), |r| format!("{r:.1}"));
            out += &format!(
                "{:<16} {:>10}  {netket:>10}  {ratio:>7}  {:>10}  {:>6}\n",
                phase.name,
                seconds(phase.autoket),
                seconds(phase.limit),
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
