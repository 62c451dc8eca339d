//! Bytes of any kind into everything that reads files and text: it may refuse, and nothing else.

use std::path::Path;
use std::sync::OnceLock;

use autoket::checkpoint::Checkpoint;
use autoket::config::RunFile;
use autoket::hilbert::Hilbert;
use autoket::logging::JsonLog;
use autoket::models::{Ansatz, Arnn, ArnnConv2d};
use autoket::operator::{Fcidump, FermionOperator, PauliStrings};
use autoket::params::Params;
use tempfile::TempDir;

/// A reader, and what it is called.
pub struct Feed {
    pub name: &'static str,
    pub read: fn(&[u8]),
    /// Bytes it may ask for in all, for each byte it is given and besides.
    pub bytes: (usize, usize),
}

pub const FEEDS: [Feed; 8] = [
    Feed {
        name: "run_file",
        read: run_file,
        // Lattices and models that fit their limits are made.
        bytes: (4096, 1 << 33),
    },
    Feed {
        name: "safetensors",
        read: safetensors,
        bytes: (256, 1 << 18),
    },
    Feed {
        name: "mpack",
        read: mpack,
        bytes: (256, 1 << 18),
    },
    Feed {
        name: "checkpoint",
        read: checkpoint,
        bytes: (256, 1 << 18),
    },
    Feed {
        name: "log",
        read: log,
        bytes: (1024, 1 << 18),
    },
    Feed {
        name: "fcidump",
        read: fcidump,
        bytes: (1 << 14, 1 << 24),
    },
    Feed {
        name: "pauli",
        read: pauli,
        bytes: (1 << 14, 1 << 18),
    },
    Feed {
        name: "fermion",
        read: fermion,
        bytes: (1 << 14, 1 << 18),
    },
];

fn run_file(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        // A run file, and one line of it as typed in the terminal.
        let _ = RunFile::parse("run.toml", text, &[]);
        if let Some((first, rest)) = text.split_once('\n') {
            let _ = RunFile::parse("run.toml", rest, &[first.to_owned()]);
        }
    }
}

fn model() -> &'static Arnn<f64> {
    static MODEL: OnceLock<Arnn<f64>> = OnceLock::new();
    MODEL.get_or_init(|| {
        let hilbert = Hilbert::spin(0.5, 4).unwrap();
        ArnnConv2d::new(hilbert, 2, 2, [2, 3]).build().unwrap()
    })
}

/// Runs `f` on a file that holds the bytes.
fn with_file(name: &str, bytes: &[u8], f: impl FnOnce(&Path)) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap()
    });
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    f(&path);
}

fn safetensors(bytes: &[u8]) {
    with_file("a.safetensors", bytes, |path| {
        let _ = Params::<f64>::load(model().layout().clone(), path);
    });
}

fn mpack(bytes: &[u8]) {
    with_file("a.mpack", bytes, |path| {
        let _ = Params::<f64>::load(model().layout().clone(), path);
    });
}

fn checkpoint(bytes: &[u8]) {
    if let Ok(checkpoint) = Checkpoint::from_bytes(bytes) {
        let again = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap());
        assert_eq!(again, Ok(checkpoint));
    }
}

fn log(bytes: &[u8]) {
    with_file("log.jsonl", bytes, |path| {
        let log = path.with_extension("json");
        let read = JsonLog::resume(&log, 3).unwrap();
        // What is kept is kept.
        let again = JsonLog::resume(&log, 3).unwrap();
        assert_eq!(read.steps(), again.steps());
    });
}

fn fcidump(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(integrals) = Fcidump::parse("FCIDUMP", text)
        && let Ok(hilbert) = integrals.hilbert()
        && hilbert.n_sites() <= 8
    {
        let _ = integrals.operator(&hilbert);
    }
}

fn pauli(bytes: &[u8]) {
    let hilbert = Hilbert::spin(0.5, 6).unwrap();
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(strings) = PauliStrings::parse(&hilbert, text)
    {
        let _ = strings.terms();
    }
}

fn fermion(bytes: &[u8]) {
    let hilbert = Hilbert::spin_orbital_fermions(6, None).unwrap();
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(operator) = FermionOperator::parse(&hilbert, text)
    {
        let _ = operator.terms();
    }
}
