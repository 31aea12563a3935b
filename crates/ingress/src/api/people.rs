//! Teams and their people.

use super::wire::{Joined, Me, NewPerson, NewTenant};
use crate::{
    gate::Caller,
    input::{Ids, Json},
    openapi::Doc,
    policy::{Limit, Policy},
    problem::Answer,
    route::{Route, RouteTable},
    state::State,
};
use axum::{
    Json as Reply, extract,
    http::{Method, StatusCode},
};
use kernel::{Actor, Permission, PersonId};
use store::{team, tenancy};

/// The largest body here: two names and an address.
const LARGEST: usize = 8 * 1024;

pub(super) fn routes(state: &State) -> RouteTable {
    let begin = Doc::new("createTenant", "A team begins, with its first person").tag("people").takes::<NewTenant>();
    let join = Doc::new("addPerson", "A person joins the caller's team").tag("people").takes::<NewPerson>();
    let leave = Doc::new("removePerson", "A person leaves the caller's team").tag("people").id("id", "The person");
    let me = Doc::new("me", "The caller").tag("people").gives::<Me>(200, "The caller");
    RouteTable::new([
        Route::with_state(
            Method::POST,
            "/api/tenants",
            Policy::open(LARGEST).limited(Limit::FOUNDING),
            create,
            state.clone(),
        )
        .documented(begin.gives::<Joined>(201, "The team and its first person, with the token")),
        Route::with_state(
            Method::POST,
            "/api/people",
            Policy::person(Permission::MembersManage, LARGEST),
            add,
            state.clone(),
        )
        .documented(join.gives::<Joined>(201, "The person, with the token").problems(&[409])),
        Route::with_state(
            Method::DELETE,
            "/api/people/{id}",
            Policy::person(Permission::MembersManage, 0),
            remove,
            state.clone(),
        )
        .documented(leave.gives_nothing("Done").problems(&[422])),
        Route::with_state(Method::GET, "/api/me", Policy::read(Permission::OwnAccount), show, state.clone())
            .documented(me),
    ])
}

async fn create(
    extract::State(state): extract::State<State>,
    Json(new): Json<NewTenant>,
) -> Answer<(StatusCode, Reply<Joined>)> {
    let joined = tenancy::create(&state.store, &Actor::Visitor, &new.name, new.person.as_new()).await?;
    Ok((StatusCode::CREATED, Reply(joined.into())))
}

async fn add(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Json(new): Json<NewPerson>,
) -> Answer<(StatusCode, Reply<Joined>)> {
    let joined = tenancy::add_person(&state.store, caller.tenant, &caller.actor(), new.as_new()).await?;
    Ok((StatusCode::CREATED, Reply(joined.into())))
}

async fn remove(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Ids(id): Ids<PersonId>,
) -> Answer<StatusCode> {
    team::remove_member(&state.store, caller.tenant, caller.person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show(extract::State(state): extract::State<State>, caller: Caller) -> Answer<Reply<Me>> {
    let mut scoped = state.store.scoped(caller.tenant, &caller.actor()).await?;
    let person = tenancy::me(&mut scoped).await?;
    let tenant_name = tenancy::name(&mut scoped).await?;
    Ok(Reply(Me { tenant: caller.tenant, tenant_name, person: person.id, name: person.name, email: person.email }))
}
