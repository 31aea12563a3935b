//! Control `rectify`: a correction reaches every copy.
//!
//! The enforcement is [`store::accounts::set_name`] and its like, which write every copy in one transaction; this module
//! corrects a name through the profile page, and reads every place on the data map that holds a copy.

use crate::{Plant, attack::Stop};
use ingress::visitor::{Visitor, words};
use kernel::{AccountId, Actor, Span};
use outbound::Site;
use promises::{
    Fault, Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make},
};
use serde_json::Value;
use store::{Store, accounts, team, tenancy};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "rectify",
    title: "A correction reaches every copy",
    about: "Who corrects their name or address in their profile corrects the account, the membership in every team, and every \
            index, in one transaction. The probe corrects the name of somebody whom it planted, through the profile page, and \
            reads it where others would: on the page, through the API, in the account and in every team. For a sample of all \
            accounts, drawn anew each time and not the planted one alone, it opens every copy of name and address and compares \
            it with the account's own, and for every account it counts the addresses to sign in by: one that was replaced must \
            be gone. What was said in the past stays as it was said: audit events and mails that were sent are no copies.",
    wing: "privacy",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(6),
    freshness: Span::hours(20),
    covers: &["every copy"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["16"], iso27001: &["5.34"], soc2: &["P5.2"], asvs: &[] },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "rectify-membership-left-behind",
        about: "A correction reaches the account, and the copy in the team silently stays as it was.",
        breaks: &["rectify"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                   CREATE TRIGGER stay BEFORE UPDATE ON wordbond.person
                       FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION wordbond.stay()",
            undo: "DROP TRIGGER stay ON wordbond.person; DROP FUNCTION wordbond.stay()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'stay')"),
    },
    Fault {
        id: "rectify-old-address-stays",
        about: "The address that one account had before can still be looked up; nothing that a probe plants is touched.",
        breaks: &["rectify"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.sign_in (lookup, kind, account_id, row_id, created_at)
                   SELECT sha256('an address of before'), 'email', account_id, account_id, created_at
                   FROM wordbond.account ORDER BY created_at LIMIT 1",
            undo: "DELETE FROM wordbond.sign_in WHERE lookup = sha256('an address of before')",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM wordbond.sign_in WHERE lookup = sha256('an address of before'))"),
    },
];

/// How many accounts are opened in one attack.
const SAMPLE: u32 = 200;

/// Attacks the promise on `plant`.
pub async fn probe(site: &Site, store: &Store, plant: &Plant) -> Finding {
    attack(site, store, plant).await.unwrap_or_else(Stop::finding)
}

async fn attack(site: &Site, store: &Store, plant: &Plant) -> Result<Finding, Stop> {
    let (all, stale) = accounts::stale_addresses(store).await?;
    if stale > 0 {
        return Err(Stop::Broke(format!(
            "{stale} of {all} accounts can be found by another number of addresses than one"
        )));
    }
    let account = plant.account(store).await?;
    let name = words(2);
    let mut visitor = plant.enter(site).await?;
    let answer = visitor.post_form("/account/profile", &[("name", &name)]).await?;
    if answer.status != 303 {
        return Err(Stop::Broke(format!("a correction of a name was answered with {}", answer.status)));
    }
    shown(&mut visitor, &name).await?;
    let read = accounts::by_id(store, account.id).await?.map(|account| account.name);
    if read.as_deref() != Some(name.as_str()) {
        return Err(Stop::Broke("after a correction the account has the name of before".to_owned()));
    }
    let mut copies = compare(store, account.id).await?;
    let sample = accounts::sample(store, SAMPLE).await?;
    for account in &sample {
        copies += compare(store, *account).await?;
    }
    let saw = format!("a corrected name stood in every place; {copies} copies of {} accounts agree", sample.len());
    Ok(Finding::held(saw)
        .tried("corrected the name of a planted person in the profile page, and read it on pages, through the API and in every team")
        .tried("opened the copies of name and address of a sample of all accounts and compared them")
        .tried("counted the addresses by which each account can be found")
        .covered("copies", copies)
        .covered("accounts", usize::try_from(all).unwrap_or(usize::MAX)))
}

/// The name must stand on the profile page, in its head, and in what programs are told.
async fn shown(visitor: &mut Visitor, name: &str) -> Result<(), Stop> {
    let page = visitor.get("/account").await?.text();
    let in_form = page.contains(&format!("value=\"{name}\""));
    let in_head = page.contains(&format!("</span>{name}</a>"));
    if !in_form || !in_head {
        return Err(Stop::Broke("after a correction the profile page shows the name of before".to_owned()));
    }
    let answer = visitor.send_json("GET", "/api/me", None).await?;
    let told = answer.json::<Value>().ok().and_then(|me| me.get("name")?.as_str().map(str::to_owned));
    if told.as_deref() != Some(name) {
        return Err(Stop::Broke("after a correction the API tells the name of before".to_owned()));
    }
    Ok(())
}

/// Compares every copy of an account's name and address with its own. Yields how many there are.
async fn compare(store: &Store, id: AccountId) -> Result<usize, Stop> {
    let memberships = team::memberships(store, id).await?;
    if memberships.is_empty() {
        return Ok(0);
    }
    // Gone since the sample was drawn.
    let Some(account) = accounts::by_id(store, id).await? else { return Ok(0) };
    let differs = |what: &str, wher: &str| Stop::Broke(format!("the {what} of one account differs in {wher}"));
    let mut copies = 0;
    for membership in &memberships {
        let actor = Actor::Person { id: membership.person };
        let mut scoped = store.scoped(membership.tenant, &actor).await?;
        let person = tenancy::me(&mut scoped).await?;
        drop(scoped);
        if person.name != account.name {
            return Err(differs("name", "a team"));
        }
        if person.email != account.email {
            return Err(differs("address", "a team"));
        }
        // The index by which colleagues and invitations find the address.
        let found = team::by_email(store, membership.tenant, &account.email).await?;
        if found.is_none_or(|(person, _)| person != membership.person) {
            return Err(differs("address", "the index of a team"));
        }
        copies += 3;
    }
    let found = accounts::by_email(store, &account.email).await?.map(|found| found.id);
    if found != Some(id) {
        return Err(differs("address", "the index to sign in by"));
    }
    Ok(copies + 1)
}
