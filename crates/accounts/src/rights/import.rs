//! A copy of one's data that is brought back: `package.json`, as it was taken along.

use super::{COPIES, texts::EN};
use crate::Accounts;
use axum::{
    Json as Reply,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
};
use futures_util::StreamExt as _;
use ingress::{
    AccountCaller, Policy, Query, Route, RouteTable,
    gate::Caller,
    openapi::Doc,
    problem::{Answer, unacceptable},
};
use kernel::{Permission, Problem};
use privacy::package::read_back::{self, Bearer, Stopped};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// The largest package: all that somebody may keep, in base64, and what is around it.
const LARGEST: usize = 3 * 1024 * 1024 * 1024;

pub(super) fn routes(accounts: &Accounts) -> RouteTable {
    let policy = Policy::person(Permission::NotesWrite, LARGEST).limited(COPIES).streamed().fresh();
    let doc = Doc::new(
        "importData",
        "Reads a copy of one's data back: notes and drawings, and the name where that is asked for. Nothing is made twice",
    )
    .tag("rights")
    .query("name", "`true` to take the name too; without it the name stays as it is")
    .takes::<Brought>()
    .gives::<ReadBack>(200, "How much was made")
    .problems(&[403, 415, 422]);
    RouteTable::new([
        Route::with_state(Method::POST, "/api/account/import", policy, import, accounts.clone()).documented(doc)
    ])
}

/// A package, as it was taken along. It is read as it arrives.
#[derive(ToSchema)]
#[schema(as = DataPackage)]
#[expect(dead_code, reason = "the description of a document that is never in memory as a whole")]
struct Brought {
    /// `wordbond.package`.
    #[schema(example = "wordbond.package")]
    format: String,
    /// 1.
    #[schema(minimum = 1, maximum = 1)]
    schema_version: u32,
    /// The sections.
    sections: Vec<Value>,
    /// The files, each with its content in base64.
    files: Vec<Value>,
}

/// What is asked for besides notes and drawings.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    name: bool,
}

/// How much was made.
#[derive(Serialize, ToSchema)]
#[schema(as = DataReadBack)]
struct ReadBack {
    /// Whether the name was set.
    name: bool,
    /// Notes that were written.
    notes: usize,
    /// Drawings that were uploaded.
    drawings: usize,
    /// What was there already.
    present: usize,
    /// What nobody could have typed or uploaded.
    refused: usize,
}

/// POST /api/account/import. What it makes is in the team that the session is in, and takes what writing and uploading it would.
async fn import(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    caller: Caller,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Reply<ReadBack>> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16();
        return Err(Problem::new(status, "media-type", "Another kind of content is expected")
            .detail("JSON is expected here")
            .into());
    }
    if !caller.role.may(Permission::DrawingsWrite) {
        return Err(Problem::forbidden().detail(EN.import_drawings).into());
    }
    let (to, arriving) = mpsc::channel(4);
    // A body that breaks off ends the pieces, and what was read is cut off.
    tokio::spawn(async move {
        let mut pieces = body.into_data_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            if to.send(piece.to_vec()).await.is_err() {
                break;
            }
        }
    });
    let bearer =
        Bearer { account: session.account, tenant: caller.tenant, person: caller.person, takes_name: wanted.name };
    match read_back::import(accounts.store(), bearer, arriving).await {
        Ok(done) => {
            let read_back::Done { name, notes, drawings, present, refused } = done;
            Ok(Reply(ReadBack { name, notes, drawings, present, refused }))
        }
        Err(Stopped::NotRead(why)) => Err(unacceptable(why.0)),
        Err(Stopped::Store(error)) => Err(error.into()),
    }
}
