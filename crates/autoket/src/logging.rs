//! placeholder until merged
use crate::error::{Error, Result};
/// Writes a file whole or not at all.
pub fn write_atomically(path: &std::path::Path, content: &[u8]) -> Result<()> {
    std::fs::write(path, content).map_err(|e| Error::io(path, e))
}
