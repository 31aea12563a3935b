//! Prints the data map for people: `cargo run -p store --example data_map > docs/DATA_MAP.md`.

use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let map = store::DataMap::own()?.markdown();
    Ok(std::io::stdout().write_all(map.as_bytes())?)
}
