//! What ranks take of the hosts they are on.

use std::thread::available_parallelism;

use super::Ranks;

/// Threads of a rank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Threads {
    /// How many.
    pub own: usize,
    /// Ranks on its host.
    pub neighbours: usize,
    /// Cores of its host.
    pub cores: usize,
}

impl Threads {
    /// Would there be more threads than cores, if all ranks on its host had as many?
    pub fn are_too_many(&self) -> bool {
        self.neighbours > 1 && self.neighbours * self.own > self.cores
    }
}

impl Ranks {
    /// Threads of this rank: as asked, or its part of the cores that its host and launcher leave it.
    pub fn threads(&self, asked: Option<usize>) -> Threads {
        let bound = available_parallelism().map_or(1, usize::from);
        let neighbours = self.on_this_host();
        let cores = online_cores().max(bound);
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
        let own = asked.unwrap_or_else(|| crate::memory::quarter_of_free() / self.on_this_host());
        self.min(own as u64) as usize
    }

    /// How many of them are on this host.
    fn on_this_host(&self) -> usize {
        let name = std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
        let names = self.gather("names of hosts", name.clone());
        names.iter().filter(|other| **other == name).count()
    }
}

/// All cores of the host, those of other ranks too.
fn online_cores() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = text.lines().filter(|line| line.starts_with("processor"));
    cores.count()
}
