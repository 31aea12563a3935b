//! Serves one scratch server: prints its socket directory, and ends when its input does. With a name as argument it has a
//! database of that name, with everything that the system's own has.
//!
//! `bin/test` runs it for all test processes; `judges/pgrls/run` for its judge.

use std::io::{Read as _, Write as _};
use store::{Address, bootstrap, server::layout::PORT};
use testkit::scratch_db::{ScratchDir, serve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = ScratchDir::new()?;
    let server = serve(dir.path())?;
    let socket = server.layout().socket_dir();
    if let Some(name) = std::env::args().nth(1) {
        let keys = vault::KeyRing::open(dir.path(), None)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(bootstrap::prepare(&Address::socket(socket, PORT, &name), &keys))?;
    }
    writeln!(std::io::stdout(), "{}", socket.display())?;
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.stop();
    Ok(())
}
