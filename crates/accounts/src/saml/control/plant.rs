//! A team of the probe's own, made as anybody could make it.

use ingress::visitor::{Somebody, VisitError, Visitor};
use outbound::Site;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A team of the probe's own: its owner, and somebody who comes in through its provider. It can be remembered.
#[derive(Clone, Serialize, Deserialize)]
pub struct Plant {
    /// The owner's address.
    pub(super) email: String,
    /// The owner's password.
    pub(super) password: String,
    /// The address of whoever comes in through the provider.
    pub(super) guest: String,
    /// Who the provider is.
    pub(super) provider: String,
}

impl fmt::Debug for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plant(..)")
    }
}

impl Plant {
    /// Makes one through the public pages.
    ///
    /// # Errors
    /// They do not answer as they do for everybody.
    pub async fn sow(site: &Site) -> Result<Self, VisitError> {
        let owner = Visitor::stranger(site).await.sign_up().await?;
        let guest = Somebody::new().email;
        let host = guest.split('@').nth(1).unwrap_or("example").to_owned();
        Ok(Self { email: owner.email, password: owner.password, guest, provider: format!("https://{host}/saml") })
    }
}
