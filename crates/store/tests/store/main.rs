//! The store on a real server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod house;
mod jobs;
mod link;
mod managed;
mod notes;
mod records;
mod scope;
mod server;
mod teams;
mod trail;

use kernel::{Actor, PersonId, TenantId};
use store::{
    Scoped, Store,
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
