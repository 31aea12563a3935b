//! The pages at their addresses.

use crate::board::{Board, Shown};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ingress::{Failure, Policy, Route, RouteTable, problem::internal};
use kernel::Problem;
use page::{Document, RenderError, Snapshot};
use std::sync::Arc;

type On = State<Arc<Board>>;
type Answer = Result<Response, Failure>;

/// Every page of the trust wing; with `home`, also the way there from `/`.
pub(crate) fn routes(board: &Arc<Board>, home: bool) -> RouteTable {
    let page = |path, handler: fn(&Shown) -> Result<Document, RenderError>| {
        let show = move |State(board): On, headers: HeaderMap| async move {
            let shown = board.current().await.map_err(internal)?;
            Ok::<_, Failure>(respond(&handler(&shown).map_err(internal)?, &headers))
        };
        Route::with_state(axum::http::Method::GET, path, Policy::PAGE, show, Arc::clone(board))
    };
    let table = RouteTable::new([
        page("/trust", |shown| Ok(shown.trust.clone())),
        page("/trust.json", |shown| Ok(shown.json.clone())),
        page("/trust/changes", |shown| page::changes::render(&shown.snapshot)),
        page("/trust/feed.atom", |shown| page::feed::render(&shown.snapshot)),
        page("/trust/oscal.json", |shown| page::oscal::render(&shown.snapshot)),
        page("/.well-known/security.txt", |shown| Ok(page::security_txt::render(&shown.snapshot))),
        page("/promises.toml", |shown| Ok(promises_toml(&shown.snapshot))),
        get(board, "/trust/promises/{id}", Policy::PAGE, promise),
        get(board, "/trust/observations/{leaf}", Policy::PAGE, observation),
        get(board, "/trust/proofs/{leaf}", Policy::PAGE, proof),
        get(board, "/assets/{name}", Policy::IMMUTABLE, asset),
        get(board, "/ledger/vkey", Policy::PAGE, vkey),
        get(board, "/ledger/checkpoint", Policy::PAGE, checkpoint),
        get(board, "/ledger/tile/{*path}", Policy::IMMUTABLE, tile),
    ]);
    if home { table.with(get(board, "/", Policy::PAGE, to_the_page)) } else { table }
}

fn get<H, T>(board: &Arc<Board>, path: &'static str, policy: Policy, handler: H) -> Route
where
    H: axum::handler::Handler<T, Arc<Board>>,
    T: 'static,
{
    Route::with_state(axum::http::Method::GET, path, policy, handler, Arc::clone(board))
}

/// The document, or 304 where the caller holds it already.
fn respond(document: &Document, request: &HeaderMap) -> Response {
    let tag = document.etag();
    let held = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let held = held.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let status = if held { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let body = if held { Vec::new() } else { document.body.clone() };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(document.media));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

async fn to_the_page() -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/trust")]).into_response()
}

fn promises_toml(snapshot: &Snapshot) -> Document {
    Document::new("application/toml; charset=utf-8", snapshot.profile_text.as_bytes())
}

async fn promise(State(board): On, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let shown = board.current().await.map_err(internal)?;
    let document = page::promise::render(&shown.snapshot, &id).map_err(internal)?;
    Ok(respond(&document.ok_or_else(Problem::not_found)?, &headers))
}

/// `/trust/observations/{leaf}` for people, `/trust/observations/{leaf}.json` for the leaf's own bytes.
async fn observation(State(board): On, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let (leaf, raw) = name.strip_suffix(".json").map_or((name.as_str(), false), |leaf| (leaf, true));
    let leaf: u64 = leaf.parse().map_err(|_| Problem::not_found())?;
    let mut reader = board.store().auditor().await.map_err(internal)?;
    let entry = ledger::read::entry(reader.conn(), leaf).await.map_err(internal)?.ok_or_else(Problem::not_found)?;
    if raw {
        return Ok(respond(&page::observation::raw(entry), &headers));
    }
    let Ok(ledger::Leaf::Observation(observation)) = ledger::Leaf::from_bytes(&entry) else {
        return Err(Problem::not_found().into());
    };
    let shown = board.current().await.map_err(internal)?;
    let recorded = promises::Recorded { leaf, observation };
    Ok(respond(&page::observation::render(&shown.snapshot, &recorded).map_err(internal)?, &headers))
}

async fn proof(State(board): On, Path(leaf): Path<u64>, headers: HeaderMap) -> Answer {
    let mut reader = board.store().auditor().await.map_err(internal)?;
    let receipt = ledger::receipt(reader.conn(), leaf, board.key()).await.map_err(internal)?;
    let receipt = receipt.ok_or_else(Problem::not_found)?;
    Ok(respond(&page::observation::proof(receipt.to_string()), &headers))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let document = page::assets::find(&format!("/assets/{name}")).ok_or_else(Problem::not_found)?;
    Ok(respond(document, &headers))
}

async fn vkey(State(board): On, headers: HeaderMap) -> Response {
    respond(&Document::new("text/plain; charset=utf-8", format!("{}\n", board.key())), &headers)
}

async fn checkpoint(State(board): On, headers: HeaderMap) -> Answer {
    file(&board, "checkpoint", "text/plain; charset=utf-8", &headers).await
}

async fn tile(State(board): On, Path(path): Path<String>, headers: HeaderMap) -> Answer {
    file(&board, &format!("tile/{path}"), "application/octet-stream", &headers).await
}

async fn file(board: &Board, path: &str, media: &'static str, headers: &HeaderMap) -> Answer {
    let mut reader = board.store().auditor().await.map_err(internal)?;
    let bytes = ledger::serve(reader.conn(), path).await.map_err(internal)?.ok_or_else(Problem::not_found)?;
    Ok(respond(&Document::new(media, bytes), headers))
}
