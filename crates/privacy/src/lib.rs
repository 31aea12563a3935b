//! A person's rights over their data. What a request is and when it falls due ([`case`], [`deadline`]); what goes and what
//! stays ([`erasure`], [`retention`]) and what is kept of that ([`receipt`]); what a person is given ([`package`]); and the same against databases of applications
//! that nobody here wrote ([`foreign`]). No HTTP: the pages stand in `accounts`.

pub mod case;
pub mod deadline;
pub mod erasure;
pub mod foreign;
pub mod package;
pub mod receipt;
pub mod retention;
pub mod work;
