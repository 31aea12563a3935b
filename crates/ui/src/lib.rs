//! What pages are made of: one layout, one style sheet, and components that are accessible as they stand. A page is put
//! together from components, each of which renders itself; nothing here knows what a page is about.
//!
//! Everything that is shown is escaped by type. There is no inline script and no inline style, so that the strictest
//! content security policy holds; the one script there is, for passkeys, is loaded only by pages that ask for it.

pub mod assets;
mod field;
mod form;
mod html;
mod page;
mod parts;
mod table;
pub mod texts;
mod when;

pub use field::{Choice, Field};
pub use form::{Act, Form, Tone};
pub use html::{Html, Part};
pub use page::{Item, Nav, Page, RenderError, Shell};
pub use parts::{Acts, Facts, Heading, Links, Notice, Passkey, Prose, Scroll, Section};
pub use table::{Cell, Table};
pub use texts::Texts;
pub use when::{day, moment};
