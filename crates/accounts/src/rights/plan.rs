//! GET /account/data/erase: what an erasure would do, before anybody asks for it.

use super::{
    HOME, Kind,
    overview::{email, place},
    texts::EN,
};
use crate::{Accounts, chrome::Frame, profile::ways};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{AccountCaller, FormToken, problem::Answer, session::LiveSession};
use privacy::erasure;
use std::collections::BTreeMap;
use store::{
    data_map::OnErase,
    rights::footprint::{Seat, Team},
    team,
};
use ui::{Cell, Field, Form, Links, Notice, Page, Table, Tone};

pub(super) async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
) -> Answer<Response> {
    render(&accounts, &session, &token, StatusCode::OK, None).await
}

/// The page, after a request that was not taken too.
pub(super) async fn render(
    accounts: &Accounts,
    session: &LiveSession,
    token: &FormToken,
    status: StatusCode,
    wrong: Option<&str>,
) -> Answer<Response> {
    let plan = erasure::plan(accounts.store(), session.account).await?;
    let mut fates = Table::new(EN.happens, [EN.place, EN.rows, EN.state_head, EN.happens]);
    for fate in &plan.fates {
        let word = if fate.what == OnErase::Delete { EN.goes } else { EN.stays };
        let rows = Cell::text(fate.rows.to_string());
        fates = fates.row([place(&fate.table), rows, Cell::badge(word), Cell::text(&fate.words)]);
    }
    let page = Page::new(EN.plan).lead(EN.plan_lead).wide().add(ways(HOME));
    let page = page.add(plan.obstacle.as_deref().map(|why| Notice::warning(EN.not_yet, why)));
    let page = page.add(teams(accounts, session, &plan.seats).await?).add(fates);
    let ask = plan.obstacle.is_none().then(|| {
        Form::post("/account/data/requests", token.as_str(), EN.button(Kind::Erasure))
            .title(EN.button(Kind::Erasure))
            .lead(EN.about(Kind::Erasure))
            .field(Field::hidden("kind", Kind::Erasure.word()))
            .field(email(wrong))
            .tone(Tone::Danger)
    });
    let page = page.add(ask).add(Links::new().link(HOME, EN.back));
    let frame = Frame { accounts, session: Some(session), token, path: HOME };
    frame.again(status, &page).await
}

async fn teams(accounts: &Accounts, session: &LiveSession, seats: &[Seat]) -> Answer<Table> {
    let names: BTreeMap<_, _> = team::memberships(accounts.store(), session.account)
        .await?
        .into_iter()
        .map(|membership| (membership.tenant, membership.name))
        .collect();
    let mut table = Table::new(EN.teams, [EN.teams, EN.happens]);
    for seat in seats.iter().filter(|seat| !seat.left) {
        let words = match seat.team {
            Team::Stays => EN.team_stays,
            Team::Goes => EN.team_goes,
            Team::Needs => EN.team_needs,
        };
        let name = names.get(&seat.tenant).map(String::as_str).unwrap_or_default();
        table = table.row([Cell::text(name), Cell::text(words)]);
    }
    Ok(table)
}
