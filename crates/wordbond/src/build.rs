//! Which build this is.

use aws_lc_rs::digest::{Context, SHA256};
use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
};

/// SHA-256 of the running executable, in hexadecimal.
pub(crate) fn hash() -> io::Result<String> {
    // Where the system offers it, the file that runs is read, also when another has been put in its place since.
    let mut file = File::open("/proc/self/exe").or_else(|_| File::open(std::env::current_exe()?))?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(context.finish().as_ref())),
            read => context.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn hash_of(text: &str) -> String {
    hex(aws_lc_rs::digest::digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
