//! The store on a real server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod accounts;
mod drawings;
mod factors;
mod forensics;
mod house;
mod jobs;
mod limits;
mod link;
mod managed;
mod notes;
mod objectives;
mod records;
mod scope;
mod server;
mod sessions;
mod takeover;
mod team;
mod teams;
mod told;
mod trail;
mod upkeep;
mod uploads;

use kernel::{AccountId, Actor, PersonId, Span, TenantId};
use store::{
    Scoped, Store,
    accounts::{NewAccount, SignedUp, sign_up},
    sessions::{Lifetimes, NewSession, Opened, Strength},
    tenancy::{self, Joined, NewPerson},
};

/// A tenant with its first person.
async fn team(store: &Store, name: &str) -> Joined {
    let first = NewPerson { name: "Ada", email: "ada@example.org" };
    tenancy::create(store, &Actor::Visitor, name, first).await.unwrap()
}

async fn colleague(store: &Store, tenant: TenantId, email: &str) -> Joined {
    let person = NewPerson { name: "Grace", email };
    tenancy::add_person(store, tenant, &Actor::Operator, person).await.unwrap()
}

async fn scoped(store: &Store, joined: &Joined) -> Scoped {
    as_person(store, joined.tenant, joined.person).await
}

async fn as_person(store: &Store, tenant: TenantId, person: PersonId) -> Scoped {
    store.scoped(tenant, &Actor::Person { id: person }).await.unwrap()
}

/// How long sessions live in these tests.
const LIVES: Lifetimes = Lifetimes { idle: Span::hours(1), absolute: Span::hours(12) };

/// An account with a team of its own, its address proven.
async fn account(store: &Store, email: &str) -> SignedUp {
    let new = NewAccount {
        name: "Ada",
        email,
        password_hash: Some(
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
        ),
        team: "Engines",
        verified: true,
    };
    sign_up(store, new).await.unwrap()
}

async fn session(store: &Store, account: AccountId, tenant: Option<TenantId>) -> Opened {
    let new = NewSession {
        account,
        tenant,
        strength: Strength::Password,
        pending: false,
        device: "Firefox on Linux",
        lifetimes: LIVES,
        proved_at: None,
    };
    store::sessions::open(store, new).await.unwrap()
}
