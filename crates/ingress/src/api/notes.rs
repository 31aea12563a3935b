//! Notes, and with whom they are shared.

use super::wire::{Notes, Shown, Writing, Written};
use crate::{
    gate::Caller,
    input::{Ids, Json},
    openapi::Doc,
    policy::Policy,
    problem::Answer,
    route::{Route, RouteTable},
    state::State,
};
use axum::{
    Json as Reply, extract,
    handler::Handler,
    http::{Method, StatusCode},
};
use kernel::{Permission, PersonId};
use store::{Scoped, notes};
use uuid::Uuid;

/// The largest body here: a title and a text, every character escaped.
const LARGEST: usize = 640 * 1024;

pub(super) fn routes(state: &State) -> RouteTable {
    let doc = |id, about| Doc::new(id, about).tag("notes");
    let note = |id, about| doc(id, about).id("id", "The note");
    let grant = |id, about| note(id, about).id("person", "A person of the team");
    RouteTable::new([
        route(state, Method::POST, "/api/notes", Policy::person(Permission::NotesWrite, LARGEST), create)
            .documented(doc("createNote", "Writes a note").takes::<Writing>().gives::<Written>(201, "The note's id")),
        route(state, Method::GET, "/api/notes", Policy::read(Permission::NotesRead), list).documented(
            doc("listNotes", "The notes that the caller may see").gives::<Notes>(200, "At most 500, newest first"),
        ),
        route(state, Method::GET, "/api/notes/{id}", Policy::read(Permission::NotesRead), get)
            .documented(note("getNote", "A note").gives::<Shown>(200, "The note")),
        route(state, Method::PUT, "/api/notes/{id}", Policy::person(Permission::NotesWrite, LARGEST), edit)
            .documented(note("editNote", "Rewrites a note of the caller's").takes::<Writing>().gives_nothing("Done")),
        route(state, Method::DELETE, "/api/notes/{id}", Policy::person(Permission::NotesWrite, 0), delete)
            .documented(note("deleteNote", "Deletes a note of the caller's").gives_nothing("Done")),
        route(state, Method::PUT, "/api/notes/{id}/grants/{person}", Policy::person(Permission::NotesWrite, 0), share)
            .documented(
                grant("shareNote", "Lets a person of the team read a note of the caller's")
                    .gives_nothing("Done")
                    .problems(&[409, 422]),
            ),
        route(
            state,
            Method::DELETE,
            "/api/notes/{id}/grants/{person}",
            Policy::person(Permission::NotesWrite, 0),
            unshare,
        )
        .documented(grant("unshareNote", "Takes that back").gives_nothing("Done")),
    ])
}

fn route<H, T>(state: &State, method: Method, path: &'static str, policy: Policy, handler: H) -> Route
where
    H: Handler<T, State>,
    T: 'static,
{
    Route::with_state(method, path, policy, handler, state.clone())
}

async fn scoped(state: &State, caller: Caller) -> Answer<Scoped> {
    Ok(state.store.scoped(caller.tenant, &caller.actor()).await?)
}

async fn create(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Json(new): Json<Writing>,
) -> Answer<(StatusCode, Reply<Written>)> {
    let mut scoped = scoped(&state, caller).await?;
    let note = notes::create(&mut scoped, &new.title, &new.text).await?;
    scoped.commit().await?;
    Ok((StatusCode::CREATED, Reply(Written { note })))
}

async fn list(extract::State(state): extract::State<State>, caller: Caller) -> Answer<Reply<Notes>> {
    let notes = notes::list(&mut scoped(&state, caller).await?).await?;
    Ok(Reply(Notes { notes: notes.into_iter().map(Shown::from).collect() }))
}

async fn get(extract::State(state): extract::State<State>, caller: Caller, Ids(id): Ids<Uuid>) -> Answer<Reply<Shown>> {
    Ok(Reply(notes::get(&mut scoped(&state, caller).await?, id).await?.into()))
}

async fn edit(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(new): Json<Writing>,
) -> Answer<StatusCode> {
    let mut scoped = scoped(&state, caller).await?;
    notes::edit(&mut scoped, id, &new.title, &new.text).await?;
    done(scoped).await
}

async fn delete(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
) -> Answer<StatusCode> {
    let mut scoped = scoped(&state, caller).await?;
    notes::delete(&mut scoped, id).await?;
    done(scoped).await
}

async fn share(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Ids((id, person)): Ids<(Uuid, Uuid)>,
) -> Answer<StatusCode> {
    let mut scoped = scoped(&state, caller).await?;
    notes::share(&mut scoped, id, PersonId::from(person)).await?;
    done(scoped).await
}

async fn unshare(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Ids((id, person)): Ids<(Uuid, Uuid)>,
) -> Answer<StatusCode> {
    let mut scoped = scoped(&state, caller).await?;
    notes::unshare(&mut scoped, id, PersonId::from(person)).await?;
    done(scoped).await
}

async fn done(scoped: Scoped) -> Answer<StatusCode> {
    scoped.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
