//! Words that every other crate speaks: ids, the clock, actors, classes of data, spans of time as people
//! write them, and the one shape of an error that leaves the house. No IO, no async.

pub mod access;
pub mod actor;
pub mod clock;
pub mod csv;
pub mod data_class;
pub mod id;
pub mod problem;
pub mod span;

pub use access::{Permission, TeamRole};
pub use actor::Actor;
pub use clock::{Clock, FixedClock, SystemClock};
pub use data_class::DataClass;
pub use id::{AccountId, PersonId, RequestId, SessionId, TenantId};
pub use jiff::Timestamp;
pub use problem::Problem;
pub use span::Span;
