//! Control `erase`: whoever asks to be erased is gone from every place on the data map.
//!
//! The enforcement is `privacy` over [`store::rights`] and the vault; this module attacks it: with somebody who is everywhere,
//! asks as anybody would, and is then looked for as a thief of the disk would.

mod census;
mod faults;
mod garden;
mod held;
mod person;
mod remains;
pub mod trace;

pub use faults::FAULTS;
pub use garden::Garden;

use crate::{
    attack::Stop,
    provider::{loopback::LoopbackIssuer, planting::PlantError},
};
use held::Held;
use kernel::Span;
use outbound::Site;
use person::Person;
use promises::{
    Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
};
use remains::{After, Before};
use std::path::Path;
use store::{
    Store,
    rights::{bystanders::Bystanders, list},
    scrub::{self, Night, Nights},
};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "erase",
    title: "Erasure reaches every place on the data map",
    about: "An erasure deletes or anonymises rows as the data map says, destroys the person's keys in every copy of \
            the key store, deletes their files, and is done only when every place was searched again. The probe \
            plants somebody through the public routes in every place on the map that can be reached so: an account \
            with a proven address, a team of their own that goes with them and a team of others that stays, notes, \
            drawings, objectives and check-ins, shares both ways, tokens, sessions, a second factor, links and \
            invitations, also such that others sent to their address and to the one that they had before, and people \
            without an account whom others put down under either. It sees that it finds their rows, ciphertext, keys \
            and objects in the raw files; asks for the erasure as they would; and waits for the receipt. Then their \
            sessions, tokens and sign-in must be dead; no row of any table of the database, on the map or not, nor \
            of the server's catalogues, may hold an id, look-up key or ciphertext of theirs, but for ids that the \
            map lets stand as the team's; there may be no large object, no foreign server and, on a server of our \
            own, no other database; the team must show neither address; their keys must lie nowhere in the data \
            directory, the key store or its mirror, under no name, and not beside the mark of their destruction \
            either, neither as they are nor in hexadecimal digits, in Base64 or packed with gzip or zip (what is \
            packed otherwise proves nothing); their objects must be gone; no word of theirs may stand anywhere there \
            in the clear; and every row of the others, and of a sample of all people and teams, drawn anew each \
            time, must be as before. Somebody else whose data a law holds must stay, asked or not, and go when the \
            hold ends. For all erasures that were ever reported done, not the planted one alone, it compares every \
            id in every column and every key with what was erased. What stays in the database's own files until the \
            nightly scrub, and in its write-ahead log, is ciphertext: under their own keys, which are destroyed, and, \
            of invitations to their address, letters to somebody without an account and whom a recipient is told of, \
            under keys that stay. The finding counts it, and says when the last scrub was: if the log tells of none for \
            two days, if none of a week reached everything, or if a replication slot has the server keep what was \
            deleted, the promise is broken. The \
            hold, and the change of the address, are made by the call that their pages make: the probe is no \
            administrator and reads no mail. Not seen: looks of administrators, which no visitor can plant; mails \
            that were sent; backups, which are another promise; what is kept outside the data directory and the \
            places of keys and objects; copies that were made of other people's keys before; and, at a managed \
            server, its raw files.",
    wing: "privacy",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::hours(6),
    freshness: Span::hours(20),
    covers: &["every place on the data map", "all personal data"],
    modes: &[Mode::Built],
    standards: Standards { gdpr: &["17(1)"], iso27001: &["5.34", "8.10"], soc2: &["C1.2", "P4.3"], asvs: &["14.2.7"] },
};

impl From<PlantError> for Stop {
    fn from(error: PlantError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Attacks the promise. `garden` is whoever stays, of the probe's own: remembered, so that the next attack sees them too.
pub async fn probe(site: &Site, store: &Store, data_dir: &Path, garden: &mut Garden) -> Finding {
    let issuer = match LoopbackIssuer::open(data_dir).await {
        Ok(issuer) => issuer,
        Err(error) => return Finding::nothing(format!("nobody can be planted whose address is proven: {error}")),
    };
    attack(site, store, data_dir, garden, &issuer).await.unwrap_or_else(Stop::finding)
}

async fn attack(
    site: &Site,
    store: &Store,
    data_dir: &Path,
    garden: &mut Garden,
    issuer: &LoopbackIssuer,
) -> Result<Finding, Stop> {
    census::take(store).await?;
    let scrubbed = scrubs_come(store).await?;
    let mut held = Held::sow(site, store).await?;
    garden.water(site, issuer).await?;
    let mut person = Person::sow(site, store, issuer, garden).await?;
    let before = Before::look(store, data_dir, &person, garden).await?;
    let bystanders = Bystanders::look(store).await?;
    held.stays(site, store).await?;
    let receipt = person.ask(site).await?;
    list::of_probe(store, receipt.case).await?;
    person.is_shut_out(site).await?;
    if let Some(address) = garden.shows(&[&person.who.email, &person.former]).await?.first() {
        let which = if *address == person.former { "one that they had before" } else { "their own" };
        return Err(Stop::Broke(format!("a team shows an address of somebody who was erased, {which}")));
    }
    let after = After::look(store, data_dir, &before).await?;
    let others = bystanders.compare(store).await?;
    if let Some((table, count)) = others.harmed.first() {
        return Err(Stop::Broke(format!(
            "{count} rows of {table} of people and teams that were not erased are gone or altered"
        )));
    }
    held.goes(site, store).await?;
    let census = census::take(store).await?;
    let (rows, tables) = (before.rows(), before.tables());
    let saw = format!(
        "somebody in {rows} rows of {tables} tables was erased in {} s; {} rows of others stayed as they were; of {} erasures \
         nothing has come back; somebody whose data a law held stayed until it ended; {} pieces of ciphertext wait for the \
         scrub{scrubbed}",
        receipt.seconds,
        after.others + others.rows,
        census.tombstones,
        after.ciphertext
    );
    let finding = Finding::held(saw)
        .tried("planted somebody in every table that visitors can reach, and found their rows, ciphertext, keys and objects")
        .tried("had others invite them and put them down under their address, changed it, and looked for both addresses afterwards")
        .tried("held the data of somebody else who asked for their erasure, saw that they stayed, and ended the hold")
        .tried("asked for their erasure as they would, and waited for the receipt")
        .tried("used their sessions and tokens, and tried to sign in")
        .tried("searched every column of every table, and of the catalogues, for their ids, look-up keys and ciphertext")
        .tried("looked for large objects, foreign servers and other databases, in which no row is searched")
        .tried("compared every id and every key with everything that was ever erased")
        .tried("compared every row of whoever stays in their team, and of a sample of all people and teams, before and after")
        .tried("looked in the log for the scrubs of the last two nights")
        .covered("tables reached", tables)
        .covered("rows planted", rows)
        .covered("rows of others", after.others + others.rows)
        .covered("erasures", census.tombstones)
        .covered("ids compared", census.ids);
    let finding = match before.left_out() {
        "" => finding,
        left_out => finding.tried(format!("no visitor can plant in: {left_out}")),
    };
    Ok(match after.files {
        Some(files) => finding
            .tried("searched every raw file for their keys, objects and words, with a mark in the clear in each kind of place")
            .covered("raw files", files),
        None => finding.tried("the raw files of a managed server cannot be searched"),
    })
}

/// What an erasure leaves in the database's files waits for a scrub, which must come. Yields when the newest was.
async fn scrubs_come(store: &Store) -> Result<String, Stop> {
    match scrub::nights(store).await? {
        Some(Nights { missed: true, .. }) => Err(Stop::Broke(
            "no scrub of the database's files is told of for two days, and what was erased stays in them as ciphertext"
                .to_owned(),
        )),
        Some(Nights { partial: true, .. }) => Err(Stop::Broke(
            "no scrub of the last week reached everything, and what was erased stays in the rest".to_owned(),
        )),
        Some(Nights { kept: kept @ 1.., .. }) => Err(Stop::Broke(format!(
            "{kept} replication slots or prepared transactions have the server keep what was erased, whoever scrubs its files"
        ))),
        Some(Nights { last: Some(Night { at, whole }), .. }) => {
            let left = if whole { "" } else { ", and left some of it to the next" };
            Ok(format!(", of which the newest was at {at}{left}"))
        }
        _ => Ok(String::new()),
    }
}
