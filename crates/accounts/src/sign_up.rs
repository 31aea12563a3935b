//! Signing up. Somebody who types an address that has an account sees the same answer, at the same time, as somebody whose
//! account was just made; only the mail differs.

use crate::{
    Accounts, Mail,
    chrome::Frame,
    context::signed_in,
    errands::Errand,
    input,
    letters::{self, Topic},
    pace::Pace,
    policy,
    texts::{ENTRY, fill},
};
use axum::{extract::State, http::StatusCode, response::Response};
use identity::{Rules, passwords::HashError};
use ingress::{
    Form, FormToken, Route, RouteTable,
    gate::Visitor,
    problem::{Answer, Failure, internal},
    see_other,
};
use kernel::{AccountId, Problem, Span};
use serde::Deserialize;
use store::{
    StoreError,
    accounts::{self, NewAccount},
    one_time,
};
use ui::{Field, Links, Page};

/// What the token in the mail is for.
pub(crate) const VERIFY: &str = "verify-email";
/// How long it works.
pub(crate) const VERIFY_FOR: Span = Span::days(1);

pub(crate) fn routes(accounts: &Accounts) -> RouteTable {
    RouteTable::new([
        Route::get_with("/sign-up", policy::OPEN_PAGE, show, accounts),
        Route::post_with("/sign-up", policy::SIGN_IN_FORM, begin, accounts),
    ])
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SignUp {
    name: String,
    email: String,
    password: String,
    team: String,
    next: String,
}

/// What is wrong with each field.
#[derive(Default)]
struct Wrong {
    name: Option<&'static str>,
    email: Option<&'static str>,
    password: Option<String>,
    team: Option<&'static str>,
}

impl Wrong {
    const fn is_nothing(&self) -> bool {
        self.name.is_none() && self.email.is_none() && self.password.is_none() && self.team.is_none()
    }
}

fn form(token: &FormToken, new: &SignUp, wrong: &Wrong) -> Page {
    let least = Rules::least(false).to_string();
    let form = ui::Form::post("/sign-up", token.as_str(), ENTRY.sign_up_button)
        .field(
            Field::text("name", ENTRY.name)
                .autocomplete("name")
                .value(&new.name)
                .error(wrong.name)
                .longest(200)
                .focus(),
        )
        .field(Field::email("email", ENTRY.email).value(&new.email).error(wrong.email).longest(254))
        .field(
            Field::new_password("password", ENTRY.password)
                .hint(fill(ENTRY.new_password_hint, &[("least", &least)]))
                .error(wrong.password.as_deref()),
        )
        .field(
            Field::text("team", ENTRY.team)
                .autocomplete("organization")
                .hint(ENTRY.team_hint)
                .value(&new.team)
                .error(wrong.team)
                .longest(200),
        )
        .field(Field::hidden("next", &new.next));
    Page::new(ENTRY.sign_up).lead(ENTRY.sign_up_lead).add(form).add(Links::new().link("/sign-in", ENTRY.have_account))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    next: String,
}

async fn show(
    State(accounts): State<Accounts>,
    visitor: Visitor,
    token: FormToken,
    ingress::Query(asked): ingress::Query<Asked>,
) -> Answer<Response> {
    if signed_in(&visitor).is_some() {
        return Ok(see_other(accounts.settings().home));
    }
    let empty = SignUp { next: asked.next, ..SignUp::default() };
    frame(&accounts, &token).show(&form(&token, &empty, &Wrong::default())).await
}

const fn frame<'a>(accounts: &'a Accounts, token: &'a FormToken) -> Frame<'a> {
    Frame { accounts, session: None, token, path: "/sign-up" }
}

async fn begin(State(accounts): State<Accounts>, token: FormToken, Form(new): Form<SignUp>) -> Answer<Response> {
    let pace = Pace::begin(accounts.settings().pace);
    let wrong = Wrong {
        name: input::name(&new.name, ENTRY.name_missing).err(),
        email: input::email(&new.email).err(),
        password: input::password(&accounts, &new.password, false, &[&new.name, &new.email, &new.team]).await,
        team: input::name(&new.team, ENTRY.team_missing).err(),
    };
    if !wrong.is_nothing() {
        return frame(&accounts, &token).again(StatusCode::UNPROCESSABLE_ENTITY, &form(&token, &new, &wrong)).await;
    }
    make(&accounts, &new).await?;
    let sign_in = ingress::with_next("/sign-in", &new.next);
    let page = Page::new(ENTRY.check_mail)
        .lead(ENTRY.check_mail_lead)
        .add(Links::new().link(sign_in, ENTRY.check_mail_sign_in));
    let answer = frame(&accounts, &token).show(&page).await;
    pace.settle().await;
    answer
}

/// Makes the account, or tells its owner that somebody tried to.
async fn make(accounts: &Accounts, new: &SignUp) -> Answer<()> {
    // Hashed before anybody is looked up: the dearest part costs the same either way.
    let hash = accounts.settings().hasher.hash(&new.password).await.map_err(refused)?;
    let (name, email, team) = (new.name.trim(), new.email.trim(), new.team.trim());
    let made = NewAccount { name, email, password_hash: Some(&hash), team, verified: false };
    match accounts::sign_up(accounts.store(), made).await {
        Ok(signed) => send_verification(accounts, signed.account, email).await,
        Err(StoreError::Taken(_)) => accounts.tell_typed(email, &Topic::Known).await,
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Sends the link that confirms an address, after the answer.
pub(crate) async fn send_verification(accounts: &Accounts, account: AccountId, email: &str) {
    let errand = Errand::Verify { account: account.uuid(), email: email.to_owned() };
    accounts.errand(Some(account), &errand).await;
}

/// The mail with that link.
pub(crate) async fn verification(
    accounts: &Accounts,
    account: AccountId,
    email: &str,
    first: bool,
) -> Result<Option<Mail>, StoreError> {
    if first && !accounts.may_write(email).await {
        return Ok(None);
    }
    let token = one_time::issue(accounts.store(), Some(account), VERIFY, email, VERIFY_FOR).await?;
    Ok(Some(letters::about(accounts, email, &Topic::Verify(token.expose()))))
}

/// Why a password was not hashed, as an answer.
pub(crate) fn refused(error: HashError) -> Failure {
    match error {
        HashError::Busy => Problem::new(503, "busy", "The service is busy").detail(ENTRY.busy).into(),
        HashError::TooLong => ingress::problem::unacceptable(ENTRY.too_long),
        other => internal(other),
    }
}
