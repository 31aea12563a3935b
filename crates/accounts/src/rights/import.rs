//! A copy of one's data that is brought back, as it was taken along: `package.json`, `package.zip`, or one table of it.

use super::{COPIES, texts::EN};
use crate::Accounts;
use axum::{
    Json as Reply,
    body::{Body, Bytes, to_bytes},
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
use privacy::package::read_back::{self, Bearer, Done, NotRead, Piece, Stopped};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::StoreError;
use tokio::{sync::mpsc, task::spawn_blocking};
use utoipa::ToSchema;

/// The largest package: all that somebody may keep, in base64, and what is around it.
const LARGEST: usize = 3 * 1024 * 1024 * 1024;

pub(super) fn routes(accounts: &Accounts) -> RouteTable {
    let policy = Policy::person(Permission::NotesWrite, LARGEST).limited(COPIES).streamed().fresh();
    let doc = Doc::new(
        "importData",
        "Reads a copy of one's data back: notes, drawings, objectives of one's own with key results and where those stood, and the \
         name where that is asked for. Nothing is made twice. Taken as `application/json` (package.json, of any size), \
         `application/zip` (package.zip, up to 64 MiB unpacked: its tables and drawings) or `text/csv` (one table)",
    )
    .tag("rights")
    .query("name", "`true` to take the name too; without it the name stays as it is")
    .query("section", "What a table holds, for `text/csv`: account, note, objective, key_result or check_in")
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

/// What is asked for besides what was written and uploaded, and what a table holds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    name: bool,
    section: String,
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
    /// Objectives that were written.
    objectives: usize,
    /// Key results that were added to them.
    key_results: usize,
    /// Key results in which the newest check-in was made again.
    check_ins: usize,
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
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !caller.role.may(Permission::DrawingsWrite) {
        return Err(Problem::forbidden().detail(EN.import_drawings).into());
    }
    let bearer = Bearer {
        account: session.account,
        tenant: caller.tenant,
        person: caller.person,
        role: caller.role,
        takes_name: wanted.name,
    };
    let done = match kind.as_str() {
        "application/json" => read_back::import(accounts.store(), bearer, arriving(body)).await,
        "application/zip" => whole(&accounts, bearer, body, |bytes| read_back::archive(&bytes)).await,
        "text/csv" => whole(&accounts, bearer, body, move |bytes| read_back::table(&wanted.section, &bytes)).await,
        _ => {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16();
            let why = "application/json, application/zip or text/csv is expected here";
            return Err(Problem::new(status, "media-type", "Another kind of content is expected").detail(why).into());
        }
    };
    match done {
        Ok(done) => {
            let Done { name, notes, drawings, objectives, key_results, check_ins, present, refused } = done;
            Ok(Reply(ReadBack { name, notes, drawings, objectives, key_results, check_ins, present, refused }))
        }
        Err(Stopped::NotRead(why)) => Err(unacceptable(why.0)),
        Err(Stopped::Store(error)) => Err(error.into()),
    }
}

/// The pieces of a body. One that breaks off ends them, and what was read is cut off.
fn arriving(body: Body) -> mpsc::Receiver<Vec<u8>> {
    let (to, arriving) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut pieces = body.into_data_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            if to.send(piece.to_vec()).await.is_err() {
                break;
            }
        }
    });
    arriving
}

/// Reads what must be there as a whole before anything is made of it.
async fn whole(
    accounts: &Accounts,
    bearer: Bearer,
    body: Body,
    read: impl FnOnce(Bytes) -> Result<Vec<Piece>, NotRead> + Send + 'static,
) -> Result<Done, Stopped> {
    let too_long = |_| NotRead(format!("this is more than {} MiB; package.json may be larger", read_back::MOST >> 20));
    let bytes = to_bytes(body, read_back::MOST).await.map_err(too_long)?;
    let panicked = |_| StoreError::Unexpected("reading a package panicked".to_owned());
    let pieces = spawn_blocking(move || read(bytes)).await.map_err(panicked)??;
    Ok(read_back::import_pieces(accounts.store(), bearer, pieces).await?)
}
