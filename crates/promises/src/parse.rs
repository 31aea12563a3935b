//! A profile's text in, promises out, or every error at once.

mod params;
mod promise;
mod register;
pub(crate) mod section;
mod words;

use crate::{
    control::Catalogue,
    diagnostics::{Diagnostics, Sink},
    profile::Profile,
};
use params::Names;
use section::Section;
use toml::de::DeTable;

/// The largest text that is read, in bytes.
pub const LARGEST: usize = 1 << 20;

/// The keys of the text itself.
const KEYS: [&str; 5] = ["service", "contacts", "region", "processor", "promise"];

impl Profile {
    /// Reads a profile and checks it against the controls that it may name. docs/PROMISES.md describes the language.
    ///
    /// # Errors
    ///
    /// Every error of the text, each with its place; never panics, whatever the text.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self, Diagnostics> {
        if text.len() > LARGEST {
            return Err(Diagnostics::single(format!("the profile has {} bytes; the limit is {LARGEST}", text.len())));
        }
        let mut sink = Sink::new(text);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            sink.error(error.span().unwrap_or(0..0), error.message(), None);
        }
        sink.recovering = !errors.is_empty();
        let profile = read(&sink, document.get_ref(), text, catalogue);
        sink.into_diagnostics().map_or(Ok(profile), Err)
    }
}

fn read(sink: &Sink<'_>, document: &DeTable<'_>, text: &str, catalogue: &Catalogue) -> Profile {
    let root = Section::open(sink, "the profile", document, 0..0, &KEYS);
    let service = register::service(&root);
    let contacts = register::contacts(&root);
    let regions = register::regions(&root);
    let register = register::register(&root, &regions);
    let promises = promise::all(&root, catalogue, &Names { regions: &regions, register: &register });
    if promises.is_empty() && root.get("promise").is_none() {
        root.missing("[[promise]]", "…");
    }
    Profile { service, contacts, regions, register, promises, source: text.to_owned() }
}
