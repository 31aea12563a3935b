//! What is done to a team. Each act is one call of the store, which writes the change and its event together.

use super::{
    INVITATION,
    page::{self, Typed},
    texts::EN,
    view::Viewer,
};
use crate::{Accounts, Mail, entry::with_session, input, texts::ENTRY};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Caller, Failure, form::Form, gate::AccountCaller, input::Ids, problem::Answer, reply::see_other};
use kernel::{PersonId, TeamRole, TenantId};
use serde::Deserialize;
use store::{StoreError, sessions, team};
use ui::{Links, Page, Scroll, Tone};
use uuid::Uuid;

/// What is set for the whole team.
#[derive(Deserialize)]
pub(super) struct Setting {
    name: String,
    #[serde(default)]
    require_second_factor: Option<String>,
}

/// POST /team/settings.
pub(super) async fn settings(
    State(accounts): State<Accounts>,
    caller: Caller,
    viewer: Viewer,
    Form(set): Form<Setting>,
) -> Answer<Response> {
    let require = set.require_second_factor.as_deref() == Some("yes");
    // The name is read in mails to people who are not in the team yet.
    if let Err(why) = input::name(&set.name, ENTRY.team_missing) {
        return finish(&accounts, caller, &viewer, ("settings", Err(StoreError::Invalid(why.to_owned())))).await;
    }
    let done = team::set_settings(accounts.store(), caller.tenant, caller.person, &set.name, require).await;
    finish(&accounts, caller, &viewer, ("settings", done)).await
}

/// Who is invited, and as what.
#[derive(Deserialize)]
pub(super) struct Inviting {
    email: String,
    role: TeamRole,
}

/// POST /team/invitations.
pub(super) async fn invite(
    State(accounts): State<Accounts>,
    caller: Caller,
    viewer: Viewer,
    Form(new): Form<Inviting>,
) -> Answer<Response> {
    let email = new.email.trim();
    if !is_address(email) {
        let typed = Typed { email: new.email.clone(), email_error: Some(EN.address_error), ..Typed::default() };
        return page::render(&accounts, caller, &viewer, typed).await;
    }
    let invited = team::invite(accounts.store(), caller.tenant, caller.person, email, new.role, INVITATION).await;
    let invited = match invited {
        Ok(invited) => invited,
        Err(error) => {
            let typed = Typed { email: new.email.clone(), error: Some(words(error)?), ..Typed::default() };
            return page::render(&accounts, caller, &viewer, typed).await;
        }
    };
    let mut scoped = accounts.store().scoped(caller.tenant, &caller.actor()).await?;
    let name = team::settings(&mut scoped).await?.name;
    drop(scoped);
    let link = accounts.link(&format!("/invitations/{}", invited.token.expose()));
    accounts
        .post_typed(Mail {
            to: email.to_owned(),
            subject: EN.mail_subject.to_owned(),
            paragraphs: vec![format!("{} «{name}».", EN.mail_body), EN.mail_expires.to_owned()],
            link: Some((EN.mail_link.to_owned(), link.clone())),
        })
        .await;
    let page = Page::new(EN.invited)
        .lead(EN.invited_lead)
        .add(Scroll::new(EN.invitation_link, [link]))
        .add(Links::new().button("/team", EN.back, Tone::Main));
    viewer.show(&accounts, "/team", StatusCode::OK, &page).await
}

/// POST /team/invitations/{id}/revoke.
pub(super) async fn revoke(
    State(accounts): State<Accounts>,
    caller: Caller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let done = team::revoke_invitation(accounts.store(), caller.tenant, caller.person, id).await;
    finish(&accounts, caller, &viewer, ("revoked", done)).await
}

/// The role that a member is to have.
#[derive(Deserialize)]
pub(super) struct NewRole {
    role: TeamRole,
}

/// POST /team/members/{id}/role.
pub(super) async fn set_role(
    State(accounts): State<Accounts>,
    caller: Caller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
    Form(new): Form<NewRole>,
) -> Answer<Response> {
    let (store, person) = (accounts.store(), PersonId::from(id));
    let done = team::set_role(store, caller.tenant, caller.person, person, new.role).await;
    finish(&accounts, caller, &viewer, ("role", done)).await
}

/// POST /team/members/{id}/remove.
pub(super) async fn remove(
    State(accounts): State<Accounts>,
    caller: Caller,
    viewer: Viewer,
    Ids(id): Ids<Uuid>,
) -> Answer<Response> {
    let done = team::remove_member(accounts.store(), caller.tenant, caller.person, PersonId::from(id)).await;
    finish(&accounts, caller, &viewer, ("removed", done)).await
}

/// Whether somebody means it.
#[derive(Deserialize)]
pub(super) struct Leaving {
    sure: String,
}

/// POST /team/leave.
pub(super) async fn leave(
    State(accounts): State<Accounts>,
    caller: Caller,
    viewer: Viewer,
    Form(leaving): Form<Leaving>,
) -> Answer<Response> {
    if leaving.sure != "yes" {
        return Ok(see_other("/team"));
    }
    match team::remove_member(accounts.store(), caller.tenant, caller.person, caller.person).await {
        Ok(()) => Ok(see_other("/account")),
        refused => finish(&accounts, caller, &viewer, ("left", refused)).await,
    }
}

/// Which team is to be active.
#[derive(Deserialize)]
pub(super) struct Switching {
    tenant: Uuid,
}

/// POST /team/switch. The session goes on under another token: what one team's pages could do, the other's cannot.
pub(super) async fn switch(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    Form(to): Form<Switching>,
) -> Answer<Response> {
    switched(&accounts, &caller, TenantId::from(to.tenant)).await
}

/// Makes the team active, and leads to its page.
pub(super) async fn switched(accounts: &Accounts, caller: &AccountCaller, tenant: TenantId) -> Answer<Response> {
    let token = sessions::switch(accounts.store(), caller.account, caller.id, tenant).await?;
    Ok(with_session(see_other("/team?done=switched"), accounts, &token))
}

/// Back to the page; what the store does not accept is said on it.
async fn finish(
    accounts: &Accounts,
    caller: Caller,
    viewer: &Viewer,
    (word, done): (&str, Result<(), StoreError>),
) -> Answer<Response> {
    match done {
        Ok(()) => Ok(see_other(&format!("/team?done={word}"))),
        Err(error) => {
            let typed = Typed { error: Some(words(error)?), ..Typed::default() };
            page::render(accounts, caller, viewer, typed).await
        }
    }
}

/// What people can do something about, in words; everything else stays a failure.
fn words(error: StoreError) -> Result<String, Failure> {
    match error {
        StoreError::Invalid(why) => Ok(why),
        StoreError::Taken(what) => Ok(what.to_owned()),
        other => Err(other.into()),
    }
}

/// Whether a text has the form of an address: one `@`, something on both sides, nothing that is not shown.
pub(super) fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let parts = text.split_once('@');
    let fits = parts.is_some_and(|(local, domain)| !local.is_empty() && domain.len() > 2 && !domain.contains('@'));
    fits && text.len() <= 254 && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sides() {
        assert!(is_address("ada@example.com") && is_address("ä.b+c@example.com"));
        for odd in ["", "ada", "@example.com", "ada@", "a@b@c.example", "a b@c.example", "a@b.example\r\nbcc: x@y"] {
            assert!(!is_address(odd), "{odd:?}");
        }
        assert!(!is_address(&format!("{}@example.com", "a".repeat(254))));
    }
}
