//! What ranks take of the hosts they are on.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::thread::available_parallelism;

use super::Ranks;

/// Threads of a rank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Threads {
    /// How many.
    pub own: usize,
    /// Ranks on its host.
    pub neighbours: usize,
    /// Cores of its host that these may use.
    pub cores: usize,
}

impl Threads {
    /// Would there be more threads than cores, if all ranks on its host had as many?
    pub fn are_too_many(&self) -> bool {
        self.neighbours * self.own > self.cores
    }
}

impl Ranks {
    /// Threads of this rank: as asked, or its part of the cores that its host and launcher leave it.
    pub fn threads(&self, asked: Option<usize>) -> Threads {
        let bound = available_parallelism().map_or(1, usize::from);
        let (neighbours, allowed) = self.on_this_host();
        // Of one alone there may also be a quota.
        let cores = match neighbours {
            1 => bound,
            _ => allowed.max(bound),
        };
        let own = asked.unwrap_or_else(|| bound.min((cores / neighbours).max(1)));
        Threads {
            own,
            neighbours,
            cores,
        }
    }

    /// Bytes each rank takes for what need not be kept: as asked, or its part of a quarter of what is free on the
    /// fullest host.
    pub fn memory(&self, asked: Option<usize>) -> usize {
        let own = asked.unwrap_or_else(|| crate::memory::quarter_of_free() / self.on_this_host().0);
        self.min(own as u64) as usize
    }

    /// How many of them are on this host, and the cores that these may use, each where its launcher has bound it.
    fn on_this_host(&self) -> (usize, usize) {
        let name = host();
        let all = self.gather("hosts and cores", format!("{name}\n{}", allowed()).into());
        let all = all.iter().filter_map(|bytes| str::from_utf8(bytes).ok());
        let here = all.filter_map(|text| text.strip_prefix(&name)?.strip_prefix('\n'));
        let here: Vec<&str> = here.collect();
        let cores: BTreeSet<usize> = here.iter().flat_map(|list| cores_of(list)).collect();
        (here.len().max(1), cores.len())
    }
}

/// The name of this host.
fn host() -> String {
    let name = read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim_end().to_owned()
}

/// The cores that this process may use, as Linux lists them: `0-3,8`.
fn allowed() -> String {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let mut lists = status
        .lines()
        .filter_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    lists.next().unwrap_or_default().trim().to_owned()
}

/// The cores of a list.
fn cores_of(list: &str) -> impl Iterator<Item = usize> {
    list.split(',').flat_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        match (first.parse(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => first..last.saturating_add(1),
            _ => 0..0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::cores_of;

    #[test]
    fn lists_of_cores_are_read() {
        let read = |list| cores_of(list).collect::<Vec<_>>();
        assert_eq!(read("0-3,8,10-11"), [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!(read("5"), [5]);
        assert!(read("").is_empty());
    }
}
