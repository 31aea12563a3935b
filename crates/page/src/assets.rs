//! The files beside the pages: a style sheet and two drawings. Each is served under a name that carries its hash, so that
//! it may be kept for ever. There is no script.

use crate::{digest, document::Document};
use std::sync::LazyLock;

/// A file and the address that names its content.
#[derive(Debug)]
pub struct Asset {
    /// The address: `/assets/wordbond.0123456789abcdef.css`.
    pub path: String,
    /// The file.
    pub document: Document,
}

/// The assets by what they are for.
struct Shelf {
    style: Asset,
    mark: Asset,
    icon: Asset,
}

static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf {
    style: asset("wordbond", "css", "text/css; charset=utf-8", include_bytes!("../assets/wordbond.css")),
    mark: asset("mark", "svg", "image/svg+xml", include_bytes!("../assets/mark.svg")),
    icon: asset("favicon", "svg", "image/svg+xml", include_bytes!("../assets/favicon.svg")),
});

fn asset(name: &str, extension: &str, media: &'static str, bytes: &'static [u8]) -> Asset {
    let path = format!("/assets/{name}.{}.{extension}", digest::short(bytes));
    Asset { path, document: Document { media, body: bytes.to_vec(), immutable: true } }
}

/// Every asset.
#[must_use]
pub fn all() -> [&'static Asset; 3] {
    [&SHELF.style, &SHELF.mark, &SHELF.icon]
}

/// The asset at that path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Document> {
    all().into_iter().find(|asset| asset.path == path).map(|asset| &asset.document)
}

/// The address of the style sheet.
pub(crate) fn style() -> &'static str {
    &SHELF.style.path
}

/// The address of the mark that stands in the head of every page.
pub(crate) fn mark() -> &'static str {
    &SHELF.mark.path
}

/// The address of the icon that browsers show in a tab.
pub(crate) fn icon() -> &'static str {
    &SHELF.icon.path
}
