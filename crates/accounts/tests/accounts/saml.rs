//! Signing in over SAML: the control against the whole service, and what people go through.

use crate::system::{System, to};
use ::saml::idp::{Answer as Said, Idp, Signed, encoded, request_id};
use accounts::saml::{REQUEST_COOKIE, control};
use ingress::{
    cookie,
    visitor::{Somebody, Visitor, hidden},
};
use kernel::{Clock as _, SystemClock};
use outbound::Answer;
use promises::{
    Outcome,
    fault::{Bites, Make},
};

#[tokio::test]
async fn the_control_holds_twice_over_and_sees_each_fault() {
    let system = System::open().await;
    let plant = control::Plant::sow(&system.site).await.unwrap();
    for round in 0..2 {
        let finding = control::probe(&system.site, system.db.store(), &plant).await;
        assert_eq!(finding.outcome(), Outcome::Held, "round {round}: {}", finding.saw());
    }
    // Somebody whom no probe planted, with a team that has no provider.
    system.visitor().sign_up().await.unwrap();
    for fault in control::FAULTS {
        let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else { panic!("{}", fault.id) };
        system.db.as_superuser(make).await;
        assert!(system.db.is_so(bites).await, "{} does not bite", fault.id);
        let finding = control::probe(&system.site, system.db.store(), &plant).await;
        assert_eq!(finding.outcome(), Outcome::Broke, "{}: {}", fault.id, finding.saw());
        system.db.as_superuser(undo).await;
        let finding = control::probe(&system.site, system.db.store(), &plant).await;
        assert_eq!(finding.outcome(), Outcome::Held, "after {}: {}", fault.id, finding.saw());
    }
}

/// A team whose owner signs in by password, and its provider.
struct Team {
    owner: Visitor,
    who: Somebody,
    idp: Idp,
    tenant: String,
}

impl Team {
    async fn new(system: &System) -> Self {
        let mut owner = system.visitor();
        let who = owner.sign_up().await.unwrap();
        let page = owner.get("/team/saml").await.unwrap().text();
        let tenant = page.split_once("/saml/").unwrap().1.split_once("/metadata").unwrap().0.to_owned();
        let idp = Idp::new("https://idp.example", "https://idp.example/sso").unwrap();
        let team = Self { owner, who, idp, tenant };
        team.provide().await
    }

    async fn provide(mut self) -> Self {
        let metadata = self.idp.metadata();
        let answer = set(&mut self.owner, &self.who, &metadata, "yes").await;
        assert_eq!(to(&answer), "/team/saml");
        self
    }

    /// Signs in as the provider says: the browser, and what it was answered.
    async fn sign_in(&self, system: &System, mut browser: Visitor, email: &str) -> (Visitor, Answer) {
        browser.form_token("/sign-in/saml").await.unwrap();
        let page = browser.post_form("/sign-in/saml", &[("team", &self.tenant)]).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.text());
        let url = page.header("refresh").unwrap().split_once("url=").unwrap().1.to_owned();
        assert!(url.starts_with("https://idp.example/sso?SAMLRequest="), "{url}");
        let line = page
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|line| line.to_str().unwrap())
            .find(|line| line.starts_with(REQUEST_COOKIE))
            .unwrap();
        assert!(line.ends_with("; Path=/; Secure; HttpOnly; SameSite=None"), "{line}");
        let answer = self.answer(system, &mut browser, email, request_id(&url)).await;
        (browser, answer)
    }

    async fn answer(&self, system: &System, browser: &mut Visitor, email: &str, request: Option<String>) -> Answer {
        self.answer_since(system, browser, email, request, 0).await
    }

    /// The same, for somebody who proved to the provider so many minutes ago who they are.
    async fn answer_since(
        &self,
        system: &System,
        browser: &mut Visitor,
        email: &str,
        request: Option<String>,
        minutes: i64,
    ) -> Answer {
        let now = SystemClock.now();
        let base = format!("{}/saml/{}", system.site.url(), self.tenant);
        let said = Said {
            acs_url: format!("{base}/acs"),
            audience: format!("{base}/metadata"),
            in_response_to: request,
            email: email.to_owned(),
            now,
            since: now - jiff::SignedDuration::from_mins(minutes),
        };
        let document = encoded(&self.idp.answer(&said, Signed::Both).unwrap());
        let body = format!("SAMLResponse={}", document.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "https://idp.example"),
            ("sec-fetch-site", "cross-site"),
        ];
        browser.send("POST", &format!("/saml/{}/acs", self.tenant), &headers, body.as_bytes()).await.unwrap()
    }
}

/// Sets a provider, with a second look where one is asked for.
async fn set(owner: &mut Visitor, who: &Somebody, metadata: &str, enabled: &str) -> Answer {
    let fields = [("metadata", metadata), ("enabled", enabled)];
    let answer = owner.post_form("/team/saml", &fields).await.unwrap();
    if !answer.header("location").is_some_and(|place| place.starts_with("/confirm")) {
        return answer;
    }
    owner.post_form("/confirm", &[("password", &who.password), ("next", "/team/saml")]).await.unwrap();
    owner.post_form("/team/saml", &fields).await.unwrap()
}

#[tokio::test]
async fn an_owner_agrees_before_a_provider_signs_them_in() {
    let system = System::open().await;
    let team = Team::new(&system).await;
    let (mut browser, answer) = team.sign_in(&system, system.visitor(), &team.who.email).await;
    assert_eq!(to(&answer), "/account/saml");
    assert!(!browser.is_signed_in());
    // Somebody else who picks the cookie up can do nothing with it.
    let mut other = browser.clone();
    let stranger = other.sign_up().await.unwrap();
    assert_ne!(stranger.email, team.who.email);
    assert_eq!(other.get("/account/saml").await.unwrap().status, 400);
    // The owner can.
    browser.sign_in(&team.who.email, &team.who.password).await.unwrap();
    let page = browser.get("/account/saml").await.unwrap();
    assert!(page.status == 200 && page.text().contains("https://idp.example"), "{}", page.text());
    let mut answer = browser.post_form("/account/saml", &[]).await.unwrap();
    if to(&answer).starts_with("/confirm") {
        browser.post_form("/confirm", &[("password", &team.who.password), ("next", "/account/saml")]).await.unwrap();
        answer = browser.post_form("/account/saml", &[]).await.unwrap();
    }
    assert_eq!(to(&answer), "/account");
    system.mail(&team.who.email, "Another way to sign in").await;
    let (mut browser, answer) = team.sign_in(&system, system.visitor(), &team.who.email).await;
    assert_eq!(to(&answer), "/account");
    assert!(browser.is_signed_in());
    assert!(browser.get("/account").await.unwrap().text().contains(&team.who.email));
}

#[tokio::test]
async fn a_provider_speaks_for_its_own_team_only() {
    let system = System::open().await;
    let (team, other) = (Team::new(&system).await, Team::new(&system).await);
    // Somebody with an account and a team of their own is not entered by the provider of a team that invites them.
    let mut owner = team.owner.clone();
    owner.post_form("/team/invitations", &[("email", &other.who.email), ("role", "member")]).await.unwrap();
    let (browser, answer) = team.sign_in(&system, system.visitor(), &other.who.email).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(!browser.is_signed_in());
    // One team's provider says nothing to another team.
    let mut browser = system.visitor();
    let foreign = Team { idp: Idp::new("https://idp.example", "https://idp.example/sso").unwrap(), ..other };
    let answer = foreign.answer(&system, &mut browser, &foreign.who.email, None).await;
    assert_eq!((answer.status, browser.is_signed_in()), (403, false));
}

#[tokio::test]
async fn what_nobody_asked_for_is_asked_about() {
    let system = System::open().await;
    let team = Team::new(&system).await;
    let guest = Somebody::new();
    let mut owner = team.owner.clone();
    owner.post_form("/team/invitations", &[("email", &guest.email), ("role", "viewer")]).await.unwrap();
    let mut browser = system.visitor();
    let page = team.answer(&system, &mut browser, &guest.email, None).await;
    assert_eq!((page.status, browser.is_signed_in()), (200, false));
    let grant = hidden(&page.text(), "grant").unwrap();
    let token = hidden(&page.text(), "csrf").unwrap();
    // Not without the form of this very browser.
    let mut thief = system.visitor();
    thief.form_token("/sign-in/saml").await.unwrap();
    let answer = thief.post_form("/sign-in/saml/continue", &[("grant", &grant), ("csrf", &token)]).await.unwrap();
    assert_eq!((answer.status, thief.is_signed_in()), (403, false));
    let own = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", system.site.url()),
        ("sec-fetch-site", "same-origin"),
    ];
    let body = format!("grant={grant}&csrf={token}");
    let answer = browser.send("POST", "/sign-in/saml/continue", &own, body.as_bytes()).await.unwrap();
    assert_eq!(to(&answer), "/account");
    assert!(browser.cookie(cookie::SESSION).is_some());
    // A viewer does not choose the provider.
    assert_eq!(browser.get("/team/saml").await.unwrap().status, 403);
}

/// A session at the provider that began this morning lets somebody in; what is dangerous takes more than that.
#[tokio::test]
async fn who_signed_in_at_the_provider_long_ago_is_not_fresh() {
    let system = System::open().await;
    let team = Team::new(&system).await;
    let mut owner = team.owner.clone();
    for (minutes, is_fresh) in [(0, true), (9, true), (11, false), (8 * 60, false)] {
        let guest = Somebody::new();
        owner.post_form("/team/invitations", &[("email", &guest.email), ("role", "member")]).await.unwrap();
        let mut browser = system.visitor();
        browser.form_token("/sign-in/saml").await.unwrap();
        let page = browser.post_form("/sign-in/saml", &[("team", &team.tenant)]).await.unwrap();
        let request = request_id(page.header("refresh").unwrap().split_once("url=").unwrap().1);
        let answer = team.answer_since(&system, &mut browser, &guest.email, request, minutes).await;
        assert_eq!(to(&answer), "/account", "{minutes} minutes: they are let in");
        let made = browser.post_form("/account/tokens", &[("label", "a program")]).await.unwrap();
        let led = made.header("location").is_some_and(|place| place.starts_with("/confirm"));
        assert_eq!((made.status == 200, led), (is_fresh, !is_fresh), "{minutes} minutes: {}", made.status);
    }
}

#[tokio::test]
async fn an_address_is_answered_by_mail_alone() {
    let system = System::open().await;
    let team = Team::new(&system).await;
    let mut browser = system.visitor();
    let mut pages = Vec::new();
    for email in [team.who.email.as_str(), "nobody@example.com"] {
        browser.form_token("/sign-in/saml").await.unwrap();
        let answer = browser.post_form("/sign-in/saml", &[("team", email)]).await.unwrap();
        pages.push((answer.status, answer.text()));
    }
    assert_eq!(pages[0], pages[1]);
    let link = system.link(&team.who.email, "company").await;
    assert_eq!(link, format!("/sign-in/saml?team={}", team.tenant));
    assert!(browser.get(&link).await.unwrap().text().contains(&team.tenant));
    assert!(system.subjects("nobody@example.com").is_empty());
}

#[tokio::test]
async fn bad_metadata_is_refused_with_its_reason() {
    let system = System::open().await;
    let mut team = Team::new(&system).await;
    let cases =
        [("<nothing/>", "exactly one SAML 2.0"), ("<!DOCTYPE x><x/>", "document type"), ("", "not well-formed")];
    for (metadata, why) in cases {
        let answer = set(&mut team.owner, &team.who, metadata, "yes").await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.text().contains(why), "{metadata}: {}", answer.text());
    }
    // What was there still stands; removed, it is gone.
    assert!(team.owner.get("/team/saml").await.unwrap().text().contains("https://idp.example/sso"));
    assert_eq!(to(&team.owner.post_form("/team/saml/remove", &[]).await.unwrap()), "/team/saml");
    let mut browser = system.visitor();
    let answer = team.answer(&system, &mut browser, &team.who.email, None).await;
    assert_eq!((answer.status, browser.is_signed_in()), (403, false));
}

/// Somebody who owns a team invites the address of whoever administers the service, and has the team's own provider vouch for
/// it. The account must not pass for one whose address is proven.
#[tokio::test]
async fn a_teams_provider_makes_nobody_an_administrator() {
    let system = System::open().await;
    let team = Team::new(&system).await;
    let root = Somebody::new();
    let mut owner = team.owner.clone();
    owner.post_form("/team/invitations", &[("email", &root.email), ("role", "viewer")]).await.unwrap();
    let (mut browser, answer) = team.sign_in(&system, system.visitor(), &root.email).await;
    assert_eq!(to(&answer), "/account");
    let page = browser.get("/account").await.unwrap().text();
    assert!(page.contains("not confirmed yet"), "{page}");
    let account = store::accounts::by_email(system.db.store(), &root.email).await.unwrap().unwrap();
    assert!(!account.verified);
    // The owner of the address comes by mail, and is alone in the account from then on.
    let mut real = system.visitor();
    real.form_token("/forgot").await.unwrap();
    real.post_form("/forgot", &[("email", &root.email)]).await.unwrap();
    let link = system.link(&root.email, "Choose a new password").await;
    let token = link.split_once("token=").unwrap().1;
    real.post_form("/reset", &[("token", token), ("password", &root.password)]).await.unwrap();
    real.sign_in(&root.email, &root.password).await.unwrap();
    assert!(!browser.get("/account").await.unwrap().text().contains(&root.email), "the old session lives on");
    let (browser, answer) = team.sign_in(&system, system.visitor(), &root.email).await;
    assert_eq!(to(&answer), "/account/saml", "the provider opens the account without its owner's consent");
    assert!(!browser.is_signed_in());
}
