//! One reader, that of `AUTOKET_FEED`, fed by libFuzzer.
#![no_main]

#[path = "../crates/autoket/tests/fuzz/feeds.rs"]
mod feeds;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    static READ: OnceLock<fn(&[u8])> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let name = std::env::var("AUTOKET_FEED").expect("AUTOKET_FEED names a reader");
        let feed = feeds::FEEDS.into_iter().find(|feed| feed.name == name);
        feed.expect("AUTOKET_FEED names a reader").read
    });
    read(bytes);
});
