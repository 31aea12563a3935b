//! What the world sees: the trust page and its details, feeds, exports, and the reader that verifies them.
//!
//! A [`Snapshot`] is everything the pages say at one instant. Rendering is pure: the same snapshot yields the same bytes,
//! and no row of it can say more than [`promises::judge`] says of the observations it was made from.

pub mod assets;
pub mod bar;
pub mod changes;
pub mod digest;
pub mod document;
pub mod evidence;
pub mod feed;
pub mod honest_page;
pub mod model;
pub mod observation;
pub mod oscal;
pub mod promise;
pub mod reading;
pub mod row;
pub mod security_txt;
pub mod trust;
pub mod turn;
pub mod verify;
pub mod wire;
pub mod words;

pub use document::{Document, RenderError};
pub use evidence::Evidence;
pub use model::{Change, Inputs, LedgerFacts, Sabotage, Snapshot};
pub use reading::{Court, Reading};
pub use row::Row;
