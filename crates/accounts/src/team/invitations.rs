//! Invitations, as the invited person meets them. Opening one changes nothing: programs that scan mail open every link.

use super::{acts::switched, texts::EN, view::Viewer};
use crate::Accounts;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use ingress::{gate::AccountCaller, problem::Answer, reply::with_next};
use store::{
    StoreError, accounts,
    team::{self, OpenInvitation},
};
use ui::{Facts, Form, Links, Notice, Page, Tone};

/// GET /invitations/{token}.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    viewer: Viewer,
    Path(token): Path<String>,
) -> Answer<Response> {
    let path = format!("/invitations/{token}");
    let Some(open) = team::invitation(accounts.store(), &token).await? else {
        return gone(&accounts, &viewer).await;
    };
    let mut page = Page::new(EN.invitation).lead(EN.join_lead).add(
        Facts::new()
            .fact(EN.team_name, &open.team)
            .fact(EN.join_as, EN.of(open.role))
            .html(EN.expires, ui::moment(open.expires_at)),
    );
    page = match viewer.session.as_ref().filter(|session| !session.pending) {
        None => page.add(Links::row().button(with_next("/sign-in", &path), EN.join_sign_in, Tone::Main).button(
            with_next("/sign-up", &path),
            EN.join_sign_up,
            Tone::Quiet,
        )),
        Some(session) => match accounts::by_id(accounts.store(), session.account).await? {
            Some(account) if !account.verified => page.add(Notice::warning(EN.join_unverified, "")),
            Some(account) if !same(&account.email, &open) => page.add(Notice::warning(EN.join_other, "")),
            _ => page.add(Form::post(path.as_str(), viewer.csrf(), EN.join)),
        },
    };
    viewer.show(&accounts, "/invitations", StatusCode::OK, &page).await
}

/// POST /invitations/{token}. The store accepts it only for an account whose address is the invited one, and proven.
pub(super) async fn accept(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Path(token): Path<String>,
) -> Answer<Response> {
    match team::accept(accounts.store(), &token, caller.account, Some(caller.id)).await {
        Ok((tenant, _)) => switched(&accounts, &caller, tenant).await,
        Err(StoreError::Invalid(why)) => {
            let page = Page::new(EN.invitation).error(Some(why)).add(Links::new().link("/account", EN.join_unverified));
            viewer.show(&accounts, "/invitations", StatusCode::FORBIDDEN, &page).await
        }
        Err(StoreError::NotFound) => gone(&accounts, &viewer).await,
        Err(other) => Err(other.into()),
    }
}

async fn gone(accounts: &Accounts, viewer: &Viewer) -> Answer<Response> {
    let page = Page::new(EN.invitation_gone).lead(EN.invitation_gone_lead);
    viewer.show(accounts, "/invitations", StatusCode::NOT_FOUND, &page).await
}

fn same(email: &str, open: &OpenInvitation) -> bool {
    email.trim().to_lowercase() == open.email.trim().to_lowercase()
}
