//! Teams of the probe's own, with somebody in each role, made as anybody could make them.

use super::attack::Stop;
use crate::provider::{
    loopback::LoopbackIssuer,
    planting::{self, Browser, PlantError, Vouched},
};
use kernel::{Clock, SystemClock, TeamRole, Timestamp};
use outbound::Site;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How old a session may be before its holder signs in anew: dangerous acts ask for a fresh one.
const FRESH: i64 = 6 * 60;

/// A team with somebody in each role.
#[derive(Serialize, Deserialize)]
pub(super) struct Garden {
    /// The team.
    pub(super) tenant: Uuid,
    /// The viewer, the member, the admin and the owner, in the order of their roles.
    pub(super) members: Vec<Member>,
    /// One whose role is changed again and again.
    pub(super) mover: Member,
}

/// Somebody in a team.
#[derive(Serialize, Deserialize)]
pub(super) struct Member {
    /// Their role.
    pub(super) role: TeamRole,
    /// Their membership.
    pub(super) person: Uuid,
    /// Their browser.
    pub(super) browser: Browser,
    who: Vouched,
    since: Timestamp,
}

#[derive(Deserialize)]
struct Me {
    tenant: Uuid,
    person: Uuid,
}

impl Garden {
    /// A new team.
    pub(super) async fn sow(site: &Site, issuer: &LoopbackIssuer) -> Result<Self, Stop> {
        let mut owner = Member::arrive(site, issuer, TeamRole::Owner).await?;
        let me = owner.me().await?.ok_or_else(|| Stop::Failed("the founder of a team is not in it".to_owned()))?;
        owner.person = me.person;
        let mut members = Vec::new();
        for role in [TeamRole::Viewer, TeamRole::Member, TeamRole::Admin] {
            members.push(owner.invite(site, issuer, role, me.tenant).await?);
        }
        let mover = owner.invite(site, issuer, TeamRole::Viewer, me.tenant).await?;
        owner.browser.get("/team").await?;
        members.push(owner);
        Ok(Self { tenant: me.tenant, members, mover })
    }

    /// The owner.
    pub(super) fn owner(&mut self) -> Result<&mut Member, Stop> {
        self.members.last_mut().ok_or_else(|| Stop::Failed("a planted team has no owner".to_owned()))
    }

    /// Has everybody signed in again, in this team, where their session has ended or is not fresh.
    pub(super) async fn water(&mut self, site: &Site, issuer: &LoopbackIssuer) -> Result<(), Stop> {
        let tenant = self.tenant;
        for member in self.members.iter_mut().chain([&mut self.mover]) {
            member.water(site, issuer, tenant).await?;
        }
        Ok(())
    }
}

impl Member {
    /// Somebody new with a team of their own.
    async fn arrive(site: &Site, issuer: &LoopbackIssuer, role: TeamRole) -> Result<Self, Stop> {
        let (who, mut browser) = (Vouched::stranger(), Browser::new(site));
        planting::sign_up(&mut browser, issuer, &who, &planting::word()).await?;
        Ok(Self { role, person: Uuid::nil(), browser, who, since: SystemClock.now() })
    }

    /// Somebody new whom this owner invites, and who accepts.
    async fn invite(
        &mut self,
        site: &Site,
        issuer: &LoopbackIssuer,
        role: TeamRole,
        tenant: Uuid,
    ) -> Result<Self, Stop> {
        let mut guest = Self::arrive(site, issuer, role).await?;
        self.browser.get("/team").await?;
        let form = [("email", guest.who.email.as_str()), ("role", role.as_str())];
        let answer = self.browser.post("/team/invitations", &form).await?;
        let page = answer.text();
        let path = page.split("/invitations/").nth(1).and_then(|rest| rest.split(['<', '"', '\n', ' ']).next());
        let token = path.filter(|token| token.len() > 20);
        let token = token.ok_or_else(|| PlantError::Refused("POST /team/invitations".to_owned(), answer.status))?;
        let path = format!("/invitations/{token}");
        guest.browser.get(&path).await?;
        let answer = guest.browser.post(&path, &[]).await?;
        let me = guest.me().await?.filter(|me| me.tenant == tenant);
        let me = me.ok_or_else(|| PlantError::Refused("POST /invitations/{token}".to_owned(), answer.status))?;
        guest.person = me.person;
        // The session has another key for its forms since it acts in this team.
        guest.browser.get("/team").await?;
        Ok(guest)
    }

    async fn me(&mut self) -> Result<Option<Me>, Stop> {
        let answer = self.browser.get("/api/me").await?;
        Ok(answer.json::<Me>().ok().filter(|_| answer.status == 200))
    }

    async fn water(&mut self, site: &Site, issuer: &LoopbackIssuer, tenant: Uuid) -> Result<(), Stop> {
        self.browser = self.browser.clone().at(site);
        let fresh = SystemClock.now().duration_since(self.since).as_secs() < FRESH;
        if fresh && self.is_at_home(tenant).await? {
            return Ok(());
        }
        self.browser = Browser::new(site);
        planting::sign_in(&mut self.browser, issuer, &self.who).await?;
        self.since = SystemClock.now();
        if !self.is_at_home(tenant).await? {
            self.browser.get("/account").await?;
            self.browser.post("/team/switch", &[("tenant", &tenant.to_string())]).await?;
        }
        if self.is_at_home(tenant).await? {
            return Ok(());
        }
        Err(Stop::Failed(format!("a planted {} is not in the planted team any more", self.role)))
    }

    async fn is_at_home(&mut self, tenant: Uuid) -> Result<bool, Stop> {
        let person = self.person;
        let home = self.me().await?.is_some_and(|me| me.tenant == tenant && me.person == person);
        if home {
            // The token of its forms.
            self.browser.get("/team").await?;
        }
        Ok(home)
    }
}
