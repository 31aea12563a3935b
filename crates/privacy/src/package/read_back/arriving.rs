//! What arrives in pieces, as something that is read.

use std::io;
use tokio::sync::mpsc;

/// Bytes that arrive. Read on a thread that may wait.
pub(super) struct Arriving {
    from: mpsc::Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Arriving {
    pub(super) const fn new(from: mpsc::Receiver<Vec<u8>>) -> Self {
        Self { from, piece: io::Cursor::new(Vec::new()) }
    }
}

impl io::Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            match self.from.blocking_recv() {
                Some(piece) => self.piece = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}
