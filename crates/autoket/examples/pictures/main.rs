//! Draws the pictures of the documentation into a folder: `cargo xtask pictures`.

mod list;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: pictures FOLDER")?;
    for (name, svg) in list::pictures()? {
        std::fs::write(PathBuf::from(&folder).join(name), svg)?;
    }
    Ok(())
}
