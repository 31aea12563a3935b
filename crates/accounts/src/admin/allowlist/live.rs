//! The attack on the running system, with what a stranger has.

use super::{Stop, enrol, strangers};
use crate::provider::{
    loopback::{LoopbackError, LoopbackIssuer},
    memory,
    planting::{self, Browser, Vouched},
};
use ingress::visitor::Visitor;
use outbound::Site;
use serde::{Deserialize, Serialize};
use std::path::Path;
use uuid::Uuid;

/// Where the plants are remembered, below the data directory.
const MEMORY: &str = "probe/admin-plants.json";

/// Two strangers with their browsers.
#[derive(Serialize, Deserialize)]
struct Plants {
    /// Signed up with a password, and proved no address.
    unproven: Browser,
    /// Has a proven address and a second factor.
    proven: Browser,
}

#[derive(Deserialize)]
struct Me {
    tenant: Uuid,
}

/// What was tried.
pub(super) struct Live {
    pub(super) routes: usize,
    pub(super) calls: usize,
}

/// Calls every admin route as strangers.
pub(super) async fn attack(site: &Site, data_dir: &Path) -> Result<Live, Stop> {
    let routes = strangers::routes(site).await?;
    let file = data_dir.join(MEMORY);
    let known = match memory::read::<Plants>(&file) {
        Some(plants) => plants.water(site).await?,
        None => None,
    };
    let mut plants = match known {
        Some(plants) => plants,
        None => Plants::sow(site, data_dir).await?,
    };
    memory::write(&file, &plants).map_err(|error| Stop::Failed(format!("{MEMORY}: {error}")))?;
    // A team that is there: of one that is not, an open door would say that there is nothing as well.
    let me = plants.proven.get("/api/me").await?.json::<Me>();
    let team = me.map_err(|_| Stop::Failed("somebody planted is in no team".to_owned()))?.tenant;
    let mut calls = strangers::shut(&mut Browser::new(site), &routes, "somebody who is not signed in", team).await?;
    calls += strangers::shut(&mut plants.unproven, &routes, "somebody who proved no address", team).await?;
    calls += strangers::shut(&mut plants.proven, &routes, "somebody who is not on the list", team).await?;
    Ok(Live { routes: routes.len(), calls })
}

impl Plants {
    async fn sow(site: &Site, data_dir: &Path) -> Result<Self, Stop> {
        let mut visitor = Visitor::new(site);
        visitor.sign_up().await.map_err(|error| Stop::Failed(error.to_string()))?;
        let mut unproven = Browser::new(site);
        unproven.take_over(&visitor);
        unproven.get("/account").await?;
        let mut proven = Browser::new(site);
        {
            let issuer = LoopbackIssuer::open(data_dir).await.map_err(|error: LoopbackError| {
                Stop::Failed(format!("nobody can be planted whose address is proven: {error}"))
            })?;
            planting::sign_up(&mut proven, &issuer, &Vouched::stranger(), &planting::word()).await?;
        }
        enrol::second_factor(&mut proven).await?;
        proven.get("/account").await?;
        Ok(Self { unproven, proven })
    }

    /// The same strangers, if they are still signed in.
    async fn water(self, site: &Site) -> Result<Option<Self>, Stop> {
        let (mut unproven, mut proven) = (self.unproven.at(site), self.proven.at(site));
        for browser in [&mut unproven, &mut proven] {
            if browser.get("/account").await?.status != 200 {
                return Ok(None);
            }
        }
        Ok(Some(Self { unproven, proven }))
    }
}
