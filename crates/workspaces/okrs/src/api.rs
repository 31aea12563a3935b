//! The API. Handlers parse, call the store, and render.

mod wire;

use crate::{
    Okrs,
    export::{self, Document},
    frame::writer,
    pages::export::file as export_file,
    progress::of_tree,
    refusal,
};
use axum::{
    Json as Reply, extract,
    http::{Method, StatusCode},
};
use ingress::{Answer, Caller, Ids, Json, Policy, Query, Route, RouteTable, openapi::Doc, problem::unacceptable};
use kernel::{Permission, Problem};
use serde::Deserialize;
use store::objectives::{self, Filter, LONGEST_TEXT};
use uuid::Uuid;
use wire::{
    CheckIns, CheckedIn, Created, History, Listed, NewCheckIn, NewKeyResult, NewObjective, ReadBack, Saved, Shown,
    Version, Whole,
};

/// The largest body: a description, every character escaped, and what is around it.
const LARGEST: usize = LONGEST_TEXT * 6 + 16 * 1024;
/// How many are listed at once, if nothing else is asked for.
const SHOWN: u32 = 50;
/// How many at most.
const MOST: u32 = 200;

const KEY_RESULTS: &str = "/api/objectives/{id}/key-results";
const KEY_RESULT: &str = "/api/objectives/{id}/key-results/{key_result}";

pub(crate) fn routes(okrs: &Okrs) -> RouteTable {
    of_objectives(okrs).merge(of_key_results(okrs))
}

fn doc(id: &str, about: &str) -> Doc {
    Doc::new(id, about).tag("objectives")
}

fn of_objectives(okrs: &Okrs) -> RouteTable {
    let read = Policy::read(Permission::ObjectivesRead);
    let write = Policy::person(Permission::ObjectivesWrite, LARGEST);
    let back = Policy::person(Permission::TeamOwn, export::LARGEST);
    let one = |id, about| doc(id, about).id("id", "The objective");
    let listed = doc("listObjectives", "The team's objectives with their key results")
        .query("which", "`current` or `archived`")
        .query("page", "The page, from 1")
        .query("limit", "How many, at most 200");
    let put = |id, about| one(id, about).takes::<Version>().gives::<Saved>(200, "The new version").problems(&[409]);
    RouteTable::new([
        Route::with_state(Method::GET, "/api/objectives", read, list, okrs.clone())
            .documented(listed.gives::<Listed>(200, "The oldest first")),
        Route::with_state(Method::POST, "/api/objectives", write, create, okrs.clone()).documented(
            doc("createObjective", "Writes an objective")
                .takes::<NewObjective>()
                .gives::<Created>(201, "The objective's id"),
        ),
        Route::with_state(Method::GET, "/api/objectives/{id}", read, get, okrs.clone())
            .documented(one("getObjective", "An objective").gives::<Whole>(200, "The objective with its key results")),
        Route::with_state(Method::PUT, "/api/objectives/{id}", write, edit, okrs.clone()).documented(
            one("editObjective", "Changes an objective")
                .takes::<NewObjective>()
                .gives::<Saved>(200, "The new version")
                .problems(&[409]),
        ),
        Route::with_state(Method::POST, "/api/objectives/{id}/archive", write, archive, okrs.clone())
            .documented(put("archiveObjective", "Puts an objective away")),
        Route::with_state(Method::POST, "/api/objectives/{id}/restore", write, restore, okrs.clone())
            .documented(put("restoreObjective", "Takes that back")),
        Route::with_state(Method::GET, "/api/objectives/{id}/history", read, history, okrs.clone()).documented(
            one("listRevisions", "Every change of an objective and its key results")
                .query("before", "The id of the last one of the page before")
                .query("limit", "How many, at most 200")
                .gives::<History>(200, "The newest first"),
        ),
        Route::with_state(Method::GET, "/api/objectives/export/{file}", read, export_file, okrs.clone()).documented(
            doc(
                "exportObjectives",
                "Everything there is, as CSV: objectives.csv, key-results.csv, check-ins.csv or history.csv",
            )
            .word("file", "The table")
            .gives_file(200, "The table", &["text/csv"]),
        ),
        Route::with_state(Method::GET, "/api/objectives/export", read, whole, okrs.clone()).documented(
            doc("exportWorkspace", "Everything there is as one document, at one instant")
                .gives::<Document>(200, "Everything"),
        ),
        Route::with_state(Method::POST, "/api/objectives/import", back, import, okrs.clone()).documented(
            doc("importWorkspace", "Reads such a document back, into a workspace without objectives")
                .takes::<Document>()
                .gives::<ReadBack>(201, "How much was read back")
                .problems(&[409, 422]),
        ),
    ])
}

fn of_key_results(okrs: &Okrs) -> RouteTable {
    let read = Policy::read(Permission::ObjectivesRead);
    let write = Policy::person(Permission::ObjectivesWrite, LARGEST);
    let below = |id, about| doc(id, about).id("id", "The objective");
    let one = |id, about| below(id, about).id("key_result", "The key result");
    let put = |id, about| one(id, about).takes::<Version>().gives::<Saved>(200, "The new version").problems(&[409]);
    RouteTable::new([
        Route::with_state(Method::POST, KEY_RESULTS, write, add, okrs.clone()).documented(
            below("addKeyResult", "Adds a key result")
                .takes::<NewKeyResult>()
                .gives::<Created>(201, "The key result's id"),
        ),
        Route::with_state(Method::PUT, KEY_RESULT, write, edit_key_result, okrs.clone()).documented(
            one("editKeyResult", "Changes a key result, not its value")
                .takes::<NewKeyResult>()
                .gives::<Saved>(200, "The new version")
                .problems(&[409]),
        ),
        Route::with_state(
            Method::POST,
            "/api/objectives/{id}/key-results/{key_result}/archive",
            write,
            archive_key_result,
            okrs.clone(),
        )
        .documented(put("archiveKeyResult", "Puts a key result away")),
        Route::with_state(
            Method::POST,
            "/api/objectives/{id}/key-results/{key_result}/restore",
            write,
            restore_key_result,
            okrs.clone(),
        )
        .documented(put("restoreKeyResult", "Takes that back")),
        Route::with_state(
            Method::POST,
            "/api/objectives/{id}/key-results/{key_result}/check-ins",
            write,
            check_in,
            okrs.clone(),
        )
        .documented(
            one("checkIn", "Checks in: the only way in which a value changes")
                .takes::<NewCheckIn>()
                .gives::<Created>(201, "The check-in's id"),
        ),
        Route::with_state(
            Method::GET,
            "/api/objectives/{id}/key-results/{key_result}/check-ins",
            read,
            check_ins,
            okrs.clone(),
        )
        .documented(
            one("listCheckIns", "Every check-in of a key result")
                .query("before", "The id of the last one of the page before")
                .query("limit", "How many, at most 200")
                .gives::<CheckIns>(200, "The newest first"),
        ),
    ])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    which: Option<String>,
    page: Option<u32>,
    limit: Option<u32>,
}

fn limit(asked: Option<u32>) -> Answer<u32> {
    let limit = asked.unwrap_or(SHOWN);
    if (1..=MOST).contains(&limit) {
        Ok(limit)
    } else {
        Err(unacceptable(format!("limit is a number from 1 to {MOST}")))
    }
}

async fn list(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Reply<Listed>> {
    let filter = match asked.which.as_deref() {
        None | Some("current") => Filter::Current,
        Some("archived") => Filter::Archived,
        Some(_) => return Err(unacceptable("which is `current` or `archived`")),
    };
    let (page, limit) = (asked.page.unwrap_or(1).max(1), limit(asked.limit)?);
    let tree = objectives::tree(&mut app.scoped(caller).await?, filter).await?;
    let shares = of_tree(&tree);
    let skipped = (page as usize - 1).saturating_mul(limit as usize);
    let more = tree.objectives.len() > skipped.saturating_add(limit as usize);
    let whole = |one: &objectives::Objective| {
        let own = tree.key_results.iter().filter(|key_result| key_result.objective == one.id);
        Whole::of(one, own, shares.get(&one.id).copied().flatten())
    };
    let objectives = tree.objectives.iter().skip(skipped).take(limit as usize).map(whole).collect();
    Ok(Reply(Listed { objectives, next: more.then(|| page.saturating_add(1)) }))
}

async fn create(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Json(new): Json<NewObjective>,
) -> Answer<(StatusCode, Reply<Created>)> {
    let mut scoped = app.scoped(caller).await?;
    let id = objectives::create(&mut scoped, writer(caller), new.into_fields().0).await.map_err(refusal)?;
    scoped.commit().await?;
    Ok((StatusCode::CREATED, Reply(Created { id })))
}

async fn get(extract::State(app): extract::State<Okrs>, caller: Caller, Ids(id): Ids<Uuid>) -> Answer<Reply<Whole>> {
    let mut scoped = app.scoped(caller).await?;
    let (objective, key_results) = objectives::get(&mut scoped, id).await?;
    let filter = if objective.archived_at.is_some() { Filter::All } else { Filter::Current };
    let shares = of_tree(&objectives::tree(&mut scoped, filter).await?);
    Ok(Reply(Whole::of(&objective, key_results.iter(), shares.get(&id).copied().flatten())))
}

async fn edit(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(new): Json<NewObjective>,
) -> Answer<Reply<Saved>> {
    let (fields, from) = new.into_fields();
    let from = from.ok_or_else(|| unacceptable(NO_VERSION))?;
    let mut scoped = app.scoped(caller).await?;
    let version = objectives::edit(&mut scoped, writer(caller), id, from, fields).await.map_err(refusal)?;
    scoped.commit().await?;
    Ok(Reply(Saved { version }))
}

async fn whole(extract::State(app): extract::State<Okrs>, caller: Caller) -> Answer<Reply<Document>> {
    Ok(Reply(export::document(&app, caller).await?))
}

async fn import(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Json(document): Json<Document>,
) -> Answer<(StatusCode, Reply<ReadBack>)> {
    let done = export::import(&app, caller, document).await.map_err(refusal)?;
    Ok((StatusCode::CREATED, Reply(ReadBack::from(done))))
}

/// What a change without a version is told.
const NO_VERSION: &str = "missing field `version`: the version that the change began from";

async fn archive(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(from): Json<Version>,
) -> Answer<Reply<Saved>> {
    set(&app, caller, id, from, true).await
}

async fn restore(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(from): Json<Version>,
) -> Answer<Reply<Saved>> {
    set(&app, caller, id, from, false).await
}

async fn set(app: &Okrs, caller: Caller, id: Uuid, from: Version, archived: bool) -> Answer<Reply<Saved>> {
    let mut scoped = app.scoped(caller).await?;
    let set = objectives::set_archived(&mut scoped, writer(caller), id, from.version, archived).await;
    let version = set.map_err(refusal)?;
    scoped.commit().await?;
    Ok(Reply(Saved { version }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    before: Option<Uuid>,
    limit: Option<u32>,
}

async fn history(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Query(asked): Query<Page>,
) -> Answer<Reply<History>> {
    let limit = limit(asked.limit)?;
    let mut scoped = app.scoped(caller).await?;
    objectives::get(&mut scoped, id).await?;
    let mut told = objectives::revisions(&mut scoped, id, asked.before, limit + 1).await?;
    let more = told.len() > limit as usize;
    told.truncate(limit as usize);
    let next = told.last().filter(|_| more).map(|last| last.id);
    Ok(Reply(History { revisions: told.into_iter().map(Shown::from).collect(), next }))
}

async fn add(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    Json(new): Json<NewKeyResult>,
) -> Answer<(StatusCode, Reply<Created>)> {
    let mut scoped = app.scoped(caller).await?;
    let id = objectives::add(&mut scoped, writer(caller), id, new.into_fields().0).await.map_err(refusal)?;
    scoped.commit().await?;
    Ok((StatusCode::CREATED, Reply(Created { id })))
}

async fn edit_key_result(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(place): Ids<(Uuid, Uuid)>,
    Json(new): Json<NewKeyResult>,
) -> Answer<Reply<Saved>> {
    let (fields, from) = new.into_fields();
    let from = from.ok_or_else(|| unacceptable(NO_VERSION))?;
    let mut scoped = app.scoped(caller).await?;
    let edited = objectives::edit_key_result(&mut scoped, writer(caller), place, from, fields).await;
    let version = edited.map_err(refusal)?;
    scoped.commit().await?;
    Ok(Reply(Saved { version }))
}

async fn archive_key_result(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(place): Ids<(Uuid, Uuid)>,
    Json(from): Json<Version>,
) -> Answer<Reply<Saved>> {
    set_key_result(&app, caller, place, from, true).await
}

async fn restore_key_result(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(place): Ids<(Uuid, Uuid)>,
    Json(from): Json<Version>,
) -> Answer<Reply<Saved>> {
    set_key_result(&app, caller, place, from, false).await
}

async fn set_key_result(
    app: &Okrs,
    caller: Caller,
    place: (Uuid, Uuid),
    from: Version,
    archived: bool,
) -> Answer<Reply<Saved>> {
    let mut scoped = app.scoped(caller).await?;
    let set = objectives::set_key_result_archived(&mut scoped, writer(caller), place, from.version, archived).await;
    let version = set.map_err(refusal)?;
    scoped.commit().await?;
    Ok(Reply(Saved { version }))
}

async fn check_in(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids(place): Ids<(Uuid, Uuid)>,
    Json(new): Json<NewCheckIn>,
) -> Answer<(StatusCode, Reply<Created>)> {
    let mut scoped = app.scoped(caller).await?;
    let id = objectives::check_in(&mut scoped, writer(caller), place, new.into()).await.map_err(refusal)?;
    scoped.commit().await?;
    Ok((StatusCode::CREATED, Reply(Created { id })))
}

async fn check_ins(
    extract::State(app): extract::State<Okrs>,
    caller: Caller,
    Ids((id, key_result)): Ids<(Uuid, Uuid)>,
    Query(asked): Query<Page>,
) -> Answer<Reply<CheckIns>> {
    let limit = limit(asked.limit)?;
    let mut scoped = app.scoped(caller).await?;
    let (_, key_results) = objectives::get(&mut scoped, id).await?;
    if !key_results.iter().any(|one| one.id == key_result) {
        return Err(Problem::not_found().into());
    }
    let mut found = objectives::check_ins(&mut scoped, key_result, asked.before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.id);
    Ok(Reply(CheckIns { check_ins: found.into_iter().map(CheckedIn::from).collect(), next }))
}
