//! The ground state of a Heisenberg ring with no magnetisation, to be compared with `bench/eigsh_peer.py`.
//!
//! Arguments: the number of sites, and `free` to make the matrix anew in each product. Prints one line of JSON:
//! the energy, the seconds, the states, the products.

use std::time::Instant;

use autoket::exact::{self, LanczosOptions};
use autoket::graph::Graph;
use autoket::hilbert::Hilbert;
use autoket::operator::heisenberg;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let n_sites = args.next().ok_or("how many sites?")?.parse()?;
    let free = args.next().is_some_and(|arg| arg == "free");
    let hilbert = Hilbert::spin(0.5, n_sites)?.with_total_sz(0.0)?;
    let hamiltonian = heisenberg(&hilbert, &Graph::chain(n_sites, true)?, &[1.0], None)?;
    let mut options = LanczosOptions::default();
    if free {
        options.memory = 6 * 8 * hilbert.n_states().unwrap_or(0) as usize;
    }
    let start = Instant::now();
    let found = exact::lanczos_ed(&hamiltonian, options)?;
    println!(
        "{{\"energy\": {:.12}, \"seconds\": {:.3}, \"states\": {}, \"products\": {}}}",
        found.energies[0],
        start.elapsed().as_secs_f64(),
        hilbert.n_states().unwrap_or_default(),
        found.iterations,
    );
    Ok(())
}
