//! The API: metadata as JSON, drawings as the bytes they are. Handlers parse, call the store, and render.

mod wire;

use crate::{Drawings, file_name, original, sniff, texts::EN};
use axum::{
    Json as Reply, extract,
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use ingress::{
    Answer, Arriving, Caller, Ids, Policy, Query, Route, RouteTable,
    input::media_type,
    openapi::Doc,
    problem::{for_status, unacceptable},
};
use kernel::{Permission, PersonId};
use serde::Deserialize;
use store::{
    blobs::{Staged, Writer},
    drawings::{self, LARGEST, Which},
};
use uuid::Uuid;
use wire::{File, Listed, Shared, Shares, Shown, Uploaded};

/// How many are listed at once, if nothing else is asked for.
const SHOWN: u32 = 50;
/// How many at most.
const MOST: u32 = 200;

/// What is served.
const FILES: [&str; 6] =
    ["image/png", "image/jpeg", "application/pdf", "image/svg+xml", "image/vnd.dxf", "image/vnd.dwg"];
/// What is taken besides.
const ANY: &str = "application/octet-stream";

pub(crate) fn routes(app: &Drawings) -> RouteTable {
    let read = Policy::read(Permission::DrawingsRead);
    let write = |most| Policy::person(Permission::DrawingsWrite, most);
    let doc = |id, about| Doc::new(id, about).tag("drawings");
    let one = |id, about| doc(id, about).id("id", "The drawing");
    let grant = |id, about| one(id, about).id("person", "A member of the team");
    let upload =
        doc("uploadDrawing", "Keeps a drawing of the caller's; its name is that of Content-Disposition (RFC 6266)");
    let upload = FILES.iter().chain([&ANY]).fold(upload, |doc, media| doc.takes_as::<File>(media));
    let original = one("getOriginal", "The drawing as it was uploaded, whole or one range of it")
        .header("range", "One range of bytes (RFC 9110 section 14); anything else is answered with the whole")
        .header("if-range", "The entity tag with which the range must go")
        .gives_file(200, "Its bytes", &FILES)
        .gives_file(206, "The range", &FILES)
        .problems(&[416]);
    let listed = doc("listDrawings", "The drawings that the caller may see")
        .query("which", "`own`, `shared` or `all`")
        .query("before", "The id of the last one of the page before")
        .query("limit", "How many, at most 200");
    RouteTable::new([
        Route::with_state(Method::GET, "/api/drawings", read, list, app.clone())
            .documented(listed.gives::<Listed>(200, "The newest first").problems(&[422])),
        Route::with_state(Method::POST, "/api/drawings", write(LARGEST).streamed(), upload_one, app.clone())
            .documented(upload.gives::<Uploaded>(201, "The drawing's id").problems(&[415, 422])),
        Route::with_state(Method::GET, "/api/drawings/{id}", read, get, app.clone())
            .documented(one("getDrawing", "A drawing without its content").gives::<Shown>(200, "The drawing")),
        Route::with_state(Method::GET, "/api/drawings/{id}/original", read, content, app.clone()).documented(original),
        Route::with_state(Method::DELETE, "/api/drawings/{id}", write(0), delete, app.clone())
            .documented(one("deleteDrawing", "Deletes a drawing of the caller's").gives_nothing("Done")),
        Route::with_state(Method::GET, "/api/drawings/{id}/grants", read, grants, app.clone()).documented(
            one("listGrants", "With whom a drawing of the caller's is shared").gives::<Shares>(200, "The latest first"),
        ),
        Route::with_state(Method::PUT, "/api/drawings/{id}/grants/{person}", write(0), share, app.clone()).documented(
            grant("shareDrawing", "Lets a member of the team see a drawing of the caller's")
                .gives_nothing("Done")
                .problems(&[422]),
        ),
        Route::with_state(Method::DELETE, "/api/drawings/{id}/grants/{person}", write(0), unshare, app.clone())
            .documented(grant("unshareDrawing", "Takes that back").gives_nothing("Done")),
    ])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    which: Option<String>,
    before: Option<Uuid>,
    limit: Option<u32>,
}

async fn list(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Reply<Listed>> {
    let which = match asked.which.as_deref() {
        None | Some("all") => Which::All,
        Some("own") => Which::Own,
        Some("shared") => Which::Shared,
        Some(_) => return Err(unacceptable("which is `all`, `own` or `shared`")),
    };
    let limit = asked.limit.unwrap_or(SHOWN);
    if !(1..=MOST).contains(&limit) {
        return Err(unacceptable(format!("limit is a number from 1 to {MOST}")));
    }
    let mut found = drawings::list(&mut app.scoped(caller).await?, which, asked.before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.id);
    Ok(Reply(Listed { drawings: found.into_iter().map(Shown::from).collect(), next }))
}

/// The file is sealed and stored as it arrives: no more of it is in memory than a part, and its first bytes say what it is.
async fn upload_one(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    headers: HeaderMap,
    mut arriving: Arriving,
) -> Answer<(StatusCode, Reply<Uploaded>)> {
    let declared = media_type(&headers).unwrap_or_default();
    let expected = sniff::named(&declared);
    if expected.is_none() && declared != ANY {
        return Err(for_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail("a drawing is expected here").into());
    }
    let mut head = Vec::new();
    while head.len() < sniff::ENOUGH {
        let Some(piece) = arriving.next().await? else { break };
        head.extend_from_slice(&piece);
    }
    let kind = sniff::kind(&head).ok_or_else(|| unacceptable(EN.unknown_file))?;
    if expected.is_some_and(|expected| expected != kind) {
        return Err(unacceptable(format!("the content is of the kind {}, not what it is called", kind.word())));
    }
    let named = headers.get(header::CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    let name = named.and_then(file_name::from_header).unwrap_or_else(|| EN.unnamed.to_owned());
    // What cannot be kept is refused before it is stored; what it comes to is looked at again in the end.
    drawings::check(&mut app.scoped(caller).await?, &name, said_length(&headers, head.len())).await?;
    let staged = stored(&app, caller, &head, arriving).await?;
    let mut scoped = app.scoped(caller).await?;
    let drawing = drawings::create(&mut scoped, &name, kind, &staged).await?;
    scoped.commit().await?;
    Ok((StatusCode::CREATED, Reply(Uploaded { drawing })))
}

/// How long the content is, as far as it is known before it has come.
fn said_length(headers: &HeaderMap, come: usize) -> u64 {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|said| said.to_str().ok()?.parse().ok());
    said.unwrap_or(come as u64)
}

/// Stores what arrives behind its head. What breaks off leaves nothing.
async fn stored(app: &Drawings, caller: Caller, head: &[u8], mut arriving: Arriving) -> Answer<Staged> {
    let mut writer = Writer::begin(app.store(), caller.tenant, caller.person)?;
    let come = async {
        writer.push(head).await?;
        while let Some(piece) = arriving.next().await? {
            writer.push(&piece).await?;
        }
        Ok(())
    };
    let come: Answer<()> = come.await;
    match come {
        Ok(()) => Ok(writer.finish().await?),
        Err(failure) => {
            writer.abort().await?;
            Err(failure)
        }
    }
}

async fn get(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
) -> Answer<Reply<Shown>> {
    Ok(Reply(drawings::get(&mut app.scoped(caller).await?, id).await?.into()))
}

async fn content(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (drawing, reader) = drawings::reader(app.store(), app.scoped(caller).await?, id).await?;
    original::answer(&drawing, reader, true, &headers).await
}

async fn delete(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
) -> Answer<StatusCode> {
    let mut scoped = app.scoped(caller).await?;
    drawings::delete(&mut scoped, id).await?;
    scoped.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn grants(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids(id): Ids<Uuid>,
) -> Answer<Reply<Shares>> {
    let found = drawings::grants(&mut app.scoped(caller).await?, id).await?;
    Ok(Reply(Shares { grants: found.into_iter().map(Shared::from).collect() }))
}

async fn share(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids((id, person)): Ids<(Uuid, Uuid)>,
) -> Answer<StatusCode> {
    let mut scoped = app.scoped(caller).await?;
    drawings::share(&mut scoped, id, PersonId::from(person)).await?;
    scoped.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unshare(
    extract::State(app): extract::State<Drawings>,
    caller: Caller,
    Ids((id, person)): Ids<(Uuid, Uuid)>,
) -> Answer<StatusCode> {
    let mut scoped = app.scoped(caller).await?;
    drawings::unshare(&mut scoped, id, PersonId::from(person)).await?;
    scoped.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
