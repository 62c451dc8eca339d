//! Everything that reads files and text, fed the corpus in `fuzz/corpus` and what becomes of it by chance: no panic,
//! no hang, and no more memory than the input's size times a constant. A program of its own: it counts allocations.
//!
//! `cargo xtask fuzz` feeds the same readers for as long as one likes, and follows the code that inputs reach.

#[path = "fuzz/feeds.rs"]
mod feeds;

use std::alloc::System;
use std::path::Path;
use std::time::{Duration, Instant};

use autoket::random::Key;
use feeds::FEEDS;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Inputs of each reader.
const INPUTS: usize = 20_000;
/// No input may take so long.
const HANG: Duration = Duration::from_secs(20);

/// Pieces that readers look for.
const PIECES: [&str; 24] = [
    "[",
    "]",
    "{",
    "}",
    "=",
    "\"",
    ",",
    "\n",
    "\0",
    "-",
    "1e308",
    "1e999",
    "nan",
    "-1",
    "0",
    "999999999999",
    "18446744073709551615",
    "X0",
    "0^",
    "+1j",
    "&FCI",
    "NORB=",
    "null",
    "step",
];

/// Numbers by chance.
struct Chance(Key, u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.1 += 1;
        (self.0.bits64(self.1) % n.max(1) as u64) as usize
    }
}

/// One input turned into another, or two into one.
fn changed(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = corpus[chance.below(corpus.len())].clone();
    for _ in 0..1 + chance.below(4) {
        let at = chance.below(input.len() + 1);
        let end = (at + chance.below(32)).min(input.len());
        match chance.below(8) {
            0 if at < input.len() => input[at] ^= 1 << chance.below(8),
            1 if at < input.len() => input[at] = chance.below(256) as u8,
            2 => input.truncate(at),
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            5 => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let piece = PIECES[chance.below(PIECES.len())];
                input.splice(at..end, piece.bytes());
            }
        }
    }
    input
}

#[test]
fn readers_refuse_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for feed in FEEDS {
        let files = std::fs::read_dir(root.join(feed.name)).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let corpus: Vec<Vec<u8>> = files
            .iter()
            .map(|file| std::fs::read(file).unwrap())
            .collect();
        assert!(!corpus.is_empty(), "{}", feed.name);
        let mut chance = Chance(Key::new(1), 0);
        let by_chance = std::iter::repeat_with(|| changed(&corpus, &mut chance)).take(INPUTS);
        // The model and the folder of the readers are made once.
        (feed.read)(b"");
        for input in corpus.clone().into_iter().chain(by_chance) {
            let (start, region) = (Instant::now(), Region::new(ALLOCATOR));
            (feed.read)(&input);
            let change = region.change();
            let bytes = change.bytes_allocated + change.bytes_reallocated.max(0) as usize;
            let (each, besides) = feed.bytes;
            let shown = || format!("{}: {:?}", feed.name, String::from_utf8_lossy(&input));
            assert!(
                start.elapsed() < HANG,
                "{:?} for {}",
                start.elapsed(),
                shown()
            );
            assert!(
                bytes <= each * input.len() + besides,
                "{bytes} bytes for {}",
                shown()
            );
        }
    }
}
