//! Accounts: signing up and in, second factors, sessions, profile, teams, providers, the admin area. Handlers parse, make one
//! call of a domain, and render; rules about passwords and factors live in `identity`, rows in `store`, the gate in `ingress`.

pub mod admin;
mod assets;
mod attack;
mod chrome;
mod confirm;
mod context;
mod device;
mod entry;
mod errands;
mod error_page;
mod factor;
mod input;
mod letters;
mod links;
mod lockout;
pub mod mailer;
pub mod mfa;
mod outbox;
mod pace;
mod passkeys;
pub mod password_hash;
mod policy;
pub mod profile;
pub mod provider;
pub mod rectify;
mod reset;
pub mod rights;
pub mod saml;
mod second;
mod security;
pub mod session_expiry;
mod sessions;
mod sign_in;
mod sign_up;
pub mod team;
mod texts;
mod tokens;
mod totp;

pub use attack::Plant;
pub use context::{Accounts, Settings};
pub use error_page::error_page;
pub use mailer::{FileOutbox, Mail, MailError, Mailer};
pub use pace::STEP as PACE;

use ingress::RouteTable;

/// Every route of this crate.
#[must_use]
pub fn routes(accounts: &Accounts) -> RouteTable {
    assets::routes()
        .merge(sign_up::routes(accounts))
        .merge(sign_in::routes(accounts))
        .merge(second::routes(accounts))
        .merge(passkeys::routes(accounts))
        .merge(confirm::routes(accounts))
        .merge(reset::routes(accounts))
        .merge(links::routes(accounts))
        .merge(profile::routes(accounts))
        .merge(security::routes(accounts))
        .merge(totp::routes(accounts))
        .merge(sessions::routes(accounts))
        .merge(tokens::routes(accounts))
        .merge(outbox::routes(accounts))
        .merge(saml::routes(accounts))
        .merge(team::routes(accounts))
        .merge(rights::routes(accounts))
        .merge(admin::routes(accounts))
        .merge(provider::routes(accounts))
}
