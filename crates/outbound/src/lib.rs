//! The way out. Nothing in the house opens a network connection except through this crate (and `store`, to its database):
//! a [`Dialler`] connects only to hosts of its [`Register`], only over TLS 1.3, only to certificates that verify against
//! its [`Trust`], and counts every byte per host. A [`Site`] is a service seen from outside, as a probe attacks it.

pub mod browser;
pub mod dialler;
pub mod handshake;
pub mod hello;
pub mod operator;
pub mod push;
pub mod register;
pub mod site;
pub mod tls_out;
pub mod traffic;
pub mod trust;
pub mod upstream;

mod answer;
mod dial;
mod error;

pub use answer::Answer;
pub use dialler::{Attempt, AttemptOutcome, Dialler};
pub use error::OutboundError;
pub use hyper::http;
pub use operator::Operator;
pub use register::Register;
pub use site::Site;
pub use trust::Trust;
