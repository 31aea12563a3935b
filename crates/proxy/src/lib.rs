//! The gate in front of any application, in whatever language it is written: its requests come through our sign-in, limits
//! and headers, and it learns who is calling from a signed token. See `docs/PROXY.md`.

mod origin;
mod pages;
mod request;
mod response;
mod service;
mod settings;
mod token;
pub mod upstream_gate;

pub use service::{KEYS, Proxy, Watch, keys};
pub use settings::{OpenPath, Settings, SettingsError};
pub use token::{Claims, IDENTITY, Signer};

/// What an application stands behind, with the content of our requests.
pub type Upstream = outbound::upstream::Upstream<axum::body::Body>;
