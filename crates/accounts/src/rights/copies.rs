//! Copies to take along: made anew for each call, streamed, and only for who asked for one.

use super::{Kind, case_of};
use crate::Accounts;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::stream::unfold;
use ingress::{AccountCaller, Ids, problem::Answer, problem::internal};
use kernel::{AccountId, Problem};
use privacy::{
    case::State as Far,
    package::{self, Package, Reach},
};
use store::StoreError;
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

/// What a case gives, once it is answered.
async fn gather(accounts: &Accounts, account: AccountId, id: Uuid) -> Answer<Package> {
    let case = case_of(accounts, account, id).await?.case;
    let reach = match (case.state, case.kind) {
        (Far::Done, Kind::Access) => Reach::Access,
        (Far::Done, Kind::Portability) => Reach::Portability,
        _ => return Err(Problem::not_found().into()),
    };
    Ok(package::gather(accounts.store(), account, reach).await?)
}

/// GET …/package.html. Saved as a file: it is a document of its own, with a style sheet of its own.
pub(super) async fn html(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let package = gather(&accounts, session.account, id).await?;
    let text = package::html(&package).map_err(internal)?;
    saved(Body::from(text), "text/html; charset=utf-8", "my-data.html")
}

/// GET …/package.json.
pub(super) async fn json(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let package = gather(&accounts, session.account, id).await?;
    saved(stream(package::json(accounts.store(), package)), "application/json", "my-data.json")
}

/// GET …/package.zip.
pub(super) async fn zip(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let package = gather(&accounts, session.account, id).await?;
    saved(stream(package::zip(accounts.store(), package)), "application/zip", "my-data.zip")
}

/// What comes piece by piece. A failure on the way breaks the connection off: half a copy must not look like a whole one.
fn stream(pieces: Receiver<Result<Vec<u8>, StoreError>>) -> Body {
    Body::from_stream(unfold(pieces, async |mut pieces| {
        let next = pieces.recv().await?;
        Some((next.map(Bytes::from), pieces))
    }))
}

fn saved(body: Body, media: &'static str, name: &str) -> Answer<Response> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    let named = format!("attachment; filename=\"{name}\"");
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&named).map_err(internal)?);
    Ok(response)
}
