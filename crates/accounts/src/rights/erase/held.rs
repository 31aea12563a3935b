//! Somebody whose data a law holds: asked to be erased they stay, until the hold ends.

use crate::attack::{Plant, Stop};
use ingress::visitor::Visitor;
use kernel::{AccountId, Clock as _, Span, SystemClock};
use outbound::{Answer, Site};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use std::time::{Duration, Instant};
use store::{
    Store, accounts,
    rights::{
        decide::{self, Decision},
        list,
    },
};
use tokio::time::sleep;
use uuid::Uuid;

/// How long an erasure may take until it waits, and once the hold has ended until it is done.
const SOON: Duration = Duration::from_secs(40);

/// How long the hold lasts, should the attack be cut short.
const HELD: Span = Span::hours(1);

/// Somebody whose data is held, and who has asked to be erased.
pub(super) struct Held {
    visitor: Visitor,
    account: AccountId,
    /// At which the hold was decided.
    other: Uuid,
    erasure: Made,
}

#[derive(Deserialize)]
struct Made {
    case: Uuid,
    receipt: String,
}

#[derive(Deserialize)]
struct Shown {
    state: String,
    held_until: Option<String>,
}

impl Held {
    /// Signs somebody up, holds their data as the operator's page does, and asks for their erasure as they would.
    pub(super) async fn sow(site: &Site, store: &Store) -> Result<Self, Stop> {
        let plant = Plant::sow(site).await?;
        let mut visitor = plant.enter(site).await?;
        let form = [("password", plant.password()), ("next", crate::rights::HOME)];
        visitor.post_form("/confirm", &form).await?;
        let account = plant.account(store).await?.id;
        let other = ask(&mut visitor, &plant, "access").await?.case;
        let until = SystemClock.now().checked_add(HELD.signed()).map_err(|error| Stop::Failed(error.to_string()))?;
        // No administrator is planted: who decides is named by the account itself.
        let decision = Decision { case: other, admin: account, reason: "Records that must be kept", letter: None };
        decide::hold(store, decision, until).await?;
        let erasure = ask(&mut visitor, &plant, "erasure").await?;
        Ok(Self { visitor, account, other, erasure })
    }

    /// The erasure must wait, and the account be there as before. Then the hold is ended.
    pub(super) async fn stays(&mut self, site: &Site, store: &Store) -> Result<(), Stop> {
        let begun = Instant::now();
        loop {
            let shown = self.look(site).await?;
            if matches!(shown.state.as_str(), "working" | "done") {
                return Err(Stop::Broke("somebody whose data a law holds was erased all the same".to_owned()));
            }
            // The job that would have erased them says so when it has found the hold.
            if shown.held_until.is_some() {
                break;
            }
            if begun.elapsed() > SOON {
                return Err(Stop::Broke(format!(
                    "an erasure that a law forbids does not say so: it is {}",
                    shown.state
                )));
            }
            sleep(Duration::from_millis(250)).await;
        }
        let there = accounts::by_id(store, self.account).await?.is_some();
        if !there || self.visitor.get("/account").await?.status != 200 {
            return Err(Stop::Broke("the account of somebody whose data a law holds is gone".to_owned()));
        }
        let decision = Decision {
            case: self.other,
            admin: self.account,
            reason: "They need not be kept any longer",
            letter: None,
        };
        decide::release(store, decision).await?;
        Ok(())
    }

    /// The erasure must be carried out now.
    pub(super) async fn goes(self, site: &Site, store: &Store) -> Result<(), Stop> {
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            if self.look(site).await?.state == "done" {
                if accounts::by_id(store, self.account).await?.is_some() {
                    return Err(Stop::Broke(
                        "an erasure that waited is reported done, and the account is there".to_owned(),
                    ));
                }
                list::of_probe(store, self.other).await?;
                list::of_probe(store, self.erasure.case).await?;
                return Ok(());
            }
            sleep(Duration::from_millis(250)).await;
        }
        Err(Stop::Broke("an erasure that waited for a hold is not carried out now that it has ended".to_owned()))
    }

    async fn look(&self, site: &Site) -> Result<Shown, Stop> {
        let answer = site.get(&format!("/api{}", self.erasure.receipt)).await?;
        read(&answer, "a receipt")
    }
}

async fn ask(visitor: &mut Visitor, plant: &Plant, kind: &str) -> Result<Made, Stop> {
    let asked = json!({ "kind": kind, "email": plant.email() });
    let answer = visitor.post_json("/api/account/requests", &asked).await?;
    if answer.status != 202 {
        return Err(Stop::Broke(format!("a request was answered with {}", answer.status)));
    }
    read(&answer, "a request")
}

fn read<T: DeserializeOwned>(answer: &Answer, what: &str) -> Result<T, Stop> {
    answer.json().map_err(|_| Stop::Failed(format!("{what} was answered with {}", answer.status)))
}
