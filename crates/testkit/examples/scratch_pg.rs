//! Serves one scratch server for many test processes: prints its socket directory, and ends when its input does.
//!
//! `exec 3> >(cargo run -p testkit --example scratch_pg)` is not needed by hand; `bin/test` does it.

use std::io::{Read as _, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = testkit::scratch_db::ScratchDir::new()?;
    let server = testkit::scratch_db::serve(dir.path())?;
    writeln!(std::io::stdout(), "{}", server.layout().socket_dir().display())?;
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.stop();
    Ok(())
}
