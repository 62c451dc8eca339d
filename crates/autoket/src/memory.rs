//! How much memory to take where nobody says.

/// Where the system does not say what is free.
const FALLBACK: usize = 1 << 30;

/// A quarter of the memory that can be had without swapping, in bytes, as Linux says; elsewhere 1 GiB.
pub fn quarter_of_free() -> usize {
    available().map_or(FALLBACK, |bytes| {
        usize::try_from(bytes / 4).unwrap_or(usize::MAX)
    })
}

fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}
