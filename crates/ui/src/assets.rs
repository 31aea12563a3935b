//! The files beside the pages: a style sheet, the mark, and the one script. Each is served under a name that carries its
//! hash, so that it may be kept for ever.

use aws_lc_rs::digest::{SHA256, digest};
use std::{fmt::Write as _, sync::LazyLock};

/// A file and the address that names its content.
#[derive(Debug)]
pub struct Asset {
    /// The address: `/app/style.0123456789abcdef.css`.
    pub path: String,
    /// The value of `Content-Type`.
    pub media: &'static str,
    /// The file.
    pub bytes: &'static [u8],
}

struct Shelf {
    style: Asset,
    mark: Asset,
    passkey: Asset,
}

static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf {
    style: asset("style", "css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    mark: asset("mark", "svg", "image/svg+xml", include_bytes!("../assets/mark.svg")),
    passkey: asset("passkey", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/passkey.js")),
});

fn asset(name: &str, extension: &str, media: &'static str, bytes: &'static [u8]) -> Asset {
    let mut hash = String::new();
    for byte in digest(&SHA256, bytes).as_ref().iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    Asset { path: format!("/app/{name}.{hash}.{extension}"), media, bytes }
}

/// Every asset.
#[must_use]
pub fn all() -> [&'static Asset; 3] {
    [&SHELF.style, &SHELF.mark, &SHELF.passkey]
}

/// The asset at that path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    all().into_iter().find(|asset| asset.path == path)
}

/// The address of the style sheet.
#[must_use]
pub fn style() -> &'static str {
    &SHELF.style.path
}

/// The address of the mark.
#[must_use]
pub fn mark() -> &'static str {
    &SHELF.mark.path
}

/// The address of the script for passkeys.
#[must_use]
pub fn passkey() -> &'static str {
    &SHELF.passkey.path
}
