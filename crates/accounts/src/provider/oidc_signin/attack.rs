//! The attack itself.

use super::forgery::Forgery;
use crate::provider::{
    gate,
    loopback::{LoopbackIssuer, Redeemed},
    memory,
    planting::{self, Browser, PlantError, Vouched, come_back, percent, set_out},
};
use kernel::{Clock, SystemClock};
use outbound::Site;
use promises::{Finding, Promise};
use serde::{Deserialize, Serialize};
use std::path::Path;
use store::{Store, told};

/// Where the plants are remembered, below the data directory.
const MEMORY: &str = "probe/oidc-plants.json";
/// A route that only somebody signed in may read, and that says who they are.
const ME: &str = "/api/me";

/// How an attack ends early.
pub(super) enum Stop {
    /// The promise is broken.
    Broke(String),
    /// The probe could not go on.
    Failed(String),
}

impl From<PlantError> for Stop {
    fn from(error: PlantError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Two people of the probe's own, whose subjects are linked.
#[derive(Serialize, Deserialize)]
struct Plants {
    one: Vouched,
    other: Vouched,
}

#[derive(Deserialize)]
struct Me {
    email: String,
}

struct Attack<'a> {
    site: &'a Site,
    issuer: &'a LoopbackIssuer,
    plants: Plants,
}

/// Attacks, and says what came of it.
pub(super) async fn run(
    site: &Site,
    store: &Store,
    data_dir: &Path,
    issuer: &LoopbackIssuer,
    promise: &Promise,
) -> Finding {
    let provider = match promise.params.get("provider") {
        Some(provider) => provider.to_string(),
        None => "the provider".to_owned(),
    };
    match attack(site, store, data_dir, issuer).await {
        Ok((callbacks, tokens)) => Finding::held(format!(
            "2 people came in as themselves; {callbacks} hostile callbacks and {tokens} hostile session tokens let nobody in"
        ))
        .tried("signed two people up or in through an issuer on loopback that the operator registered, and compared who came in")
        .tried("came back from it with forged, foreign, expired and altered tokens, and with states and codes of other browsers")
        .tried("called the API with forged, foreign, expired and altered session tokens, in the header and in the cookie")
        .tried("compared every link with an account, in its row and in the index, with what the logs tell")
        .tried(format!("the issuer on loopback stands in for {provider}, which signs nothing false on request"))
        .covered("people let in", 2)
        .covered("hostile callbacks", callbacks)
        .covered("hostile session tokens", tokens),
        Err(Stop::Broke(how)) => Finding::broke(how),
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(site: &Site, store: &Store, data_dir: &Path, issuer: &LoopbackIssuer) -> Result<(usize, usize), Stop> {
    let strayed = told::walk(store).await.map_err(|error| Stop::Failed(error.to_string()))?.links;
    if strayed > 0 {
        return Err(Stop::Broke(format!(
            "{strayed} identities at providers lead into another account than any log tells"
        )));
    }
    let file = data_dir.join(MEMORY);
    let plants = memory::read(&file).unwrap_or_else(|| Plants { one: Vouched::stranger(), other: Vouched::stranger() });
    let attack = Attack { site, issuer, plants };
    attack.come_in(&attack.plants.one).await?;
    attack.come_in(&attack.plants.other).await?;
    memory::write(&file, &attack.plants).map_err(|error| Stop::Failed(format!("{MEMORY}: {error}")))?;
    let callbacks = attack.forged_tokens().await? + attack.strange_returns().await? + attack.strange_subjects().await?;
    Ok((callbacks, attack.session_tokens().await?))
}

impl Attack<'_> {
    /// Who the browser is signed in as.
    async fn me(&self, browser: &mut Browser) -> Result<Option<String>, Stop> {
        let answer = browser.get(ME).await?;
        match answer.status {
            200 => match answer.json::<Me>() {
                Ok(me) => Ok(Some(me.email)),
                Err(_) => Err(Stop::Failed(format!("{ME} does not say who is signed in"))),
            },
            401 | 403 => Ok(None),
            other => Err(Stop::Failed(format!("{ME} answered {other}"))),
        }
    }

    /// What must work: a linked subject signs in as themselves. Somebody new is signed up first.
    async fn come_in(&self, vouched: &Vouched) -> Result<(), Stop> {
        let mut browser = Browser::new(self.site);
        if planting::sign_in(&mut browser, self.issuer, vouched).await.is_err() {
            browser = Browser::new(self.site);
            planting::sign_up(&mut browser, self.issuer, vouched, &planting::word()).await?;
            browser = Browser::new(self.site);
            planting::sign_in(&mut browser, self.issuer, vouched).await?;
        }
        match self.me(&mut browser).await? {
            Some(email) if email == vouched.email => Ok(()),
            Some(_) => Err(Stop::Broke("a subject was signed in as somebody else".to_owned())),
            None => Err(Stop::Failed("somebody whom the issuer vouched for was not let in".to_owned())),
        }
    }

    /// Comes back as if from the issuer with what must be refused, and looks whether it was.
    async fn refused(&self, what: &str, browser: &mut Browser) -> Result<(), Stop> {
        match self.me(browser).await? {
            None => Ok(()),
            Some(_) => Err(Stop::Broke(format!("a browser was signed in by {what}"))),
        }
    }

    async fn forged_tokens(&self) -> Result<usize, Stop> {
        let mut count = 0;
        for forgery in Forgery::COMMON.into_iter().chain(Forgery::IDENTITY) {
            let mut browser = Browser::new(self.site);
            let trip = set_out(&mut browser, false).await?;
            let good = self.plants.one.draft(&self.issuer.mint, &trip.nonce);
            let token = forgery.of(&self.issuer.mint, &good, "aud");
            let (_, code) = come_back(&mut browser, self.issuer, &trip, token).await?;
            self.refused(&format!("an identity token of the kind {forgery:?}"), &mut browser).await?;
            match self.issuer.redeemed(&code) {
                Some(Redeemed::Proven) => count += 1,
                Some(Redeemed::Unproven) => {
                    return Err(Stop::Broke("a code was redeemed without the proof of who asked for it".to_owned()));
                }
                None => return Err(Stop::Failed("a code was not redeemed, so its token was not judged".to_owned())),
            }
        }
        Ok(count)
    }

    /// A good token that comes back in a way in which it may not.
    async fn strange_returns(&self) -> Result<usize, Stop> {
        type Bend = fn(&str, &str) -> String;
        let bends: [(&str, Bend); 5] = [
            ("an answer without a state", |code, _| format!("code={code}")),
            ("an answer with an empty state", |code, _| format!("code={code}&state=")),
            ("an answer with another state", |code, state| format!("code={code}&state=x{state}")),
            ("an answer in another issuer's name", |code, state| {
                format!("code={code}&state={state}&iss=https%3A%2F%2Fissuer.invalid")
            }),
            ("an answer that is an error", |code, state| format!("code={code}&state={state}&error=access_denied")),
        ];
        let mut count = 0;
        for (what, bend) in bends {
            let mut browser = Browser::new(self.site);
            let trip = set_out(&mut browser, false).await?;
            let code = self.code(&trip.challenge, &trip.nonce);
            browser.get(&format!("{}?{}", trip.back, bend(&code, &percent(&trip.state)))).await?;
            self.refused(what, &mut browser).await?;
            count += 1;
        }
        Ok(count + self.strange_browsers().await?)
    }

    /// Answers in a browser that did not ask, twice, and with a code that another request was given.
    async fn strange_browsers(&self) -> Result<usize, Stop> {
        let (mut asked, mut victim) = (Browser::new(self.site), Browser::new(self.site));
        let trip = set_out(&mut asked, false).await?;
        let theirs = set_out(&mut victim, false).await?;
        let back = |code: &str, state: &str| format!("{}?code={code}&state={}", trip.back, percent(state));
        let first = self.code(&trip.challenge, &trip.nonce);
        let mut nobody = Browser::new(self.site);
        nobody.get(&back(&first, &trip.state)).await?;
        self.refused("an answer that another browser had asked for", &mut nobody).await?;
        victim.get(&back(&first, &trip.state)).await?;
        self.refused("an answer that another browser had asked for, while it asked itself", &mut victim).await?;
        let mut victim = Browser::new(self.site);
        let own = set_out(&mut victim, false).await?;
        let injected = self.code(&theirs.challenge, &own.nonce);
        victim.get(&back(&injected, &own.state)).await?;
        self.refused("a code that was given to another request", &mut victim).await?;
        let mut browser = Browser::new(self.site);
        let trip = set_out(&mut browser, false).await?;
        let mut copy = browser.clone().at(self.site);
        let code = self.code(&trip.challenge, &trip.nonce);
        browser.get(&format!("{}?code={code}&state={}", trip.back, percent(&trip.state))).await?;
        if self.me(&mut browser).await?.is_none() {
            return Err(Stop::Failed("a good answer was not accepted, so nothing can be shown twice".to_owned()));
        }
        let again = self.code(&trip.challenge, &trip.nonce);
        copy.get(&format!("{}?code={again}&state={}", trip.back, percent(&trip.state))).await?;
        self.refused("an answer to what was answered already", &mut copy).await?;
        Ok(4)
    }

    /// Good tokens about somebody who is not linked: an address is no proof of an account.
    async fn strange_subjects(&self) -> Result<usize, Stop> {
        for (what, verified) in [("another subject with the same address", true), ("a subject of no address", false)] {
            let mut browser = Browser::new(self.site);
            let trip = set_out(&mut browser, false).await?;
            let stranger = Vouched { email: self.plants.one.email.clone(), ..Vouched::stranger() };
            let mut draft = stranger.draft(&self.issuer.mint, &trip.nonce);
            draft.set("email_verified", verified);
            come_back(&mut browser, self.issuer, &trip, self.issuer.mint.sign(&draft)).await?;
            self.refused(what, &mut browser).await?;
        }
        Ok(2)
    }

    async fn session_tokens(&self) -> Result<usize, Stop> {
        let mint = &self.issuer.mint;
        let good = mint.session(&self.plants.one.subject, SystemClock.now());
        let email = self.by_bearer(&mint.sign(&good)).await?;
        match email {
            Some(email) if email == self.plants.one.email => {}
            Some(_) => return Err(Stop::Broke("a session token let its subject in as somebody else".to_owned())),
            None => return Err(Stop::Failed("a good session token let nobody in".to_owned())),
        }
        let mut count = 0;
        for forgery in Forgery::COMMON {
            let token = forgery.of(mint, &good, "azp");
            if self.by_bearer(&token).await?.is_some() {
                return Err(Stop::Broke(format!("a session token of the kind {forgery:?} let somebody in")));
            }
            let mut browser = Browser::new(self.site);
            browser.set_cookie(gate::COOKIE, &token);
            self.refused(&format!("a session token of the kind {forgery:?} in the cookie"), &mut browser).await?;
            count += 2;
        }
        Ok(count)
    }

    async fn by_bearer(&self, token: &str) -> Result<Option<String>, Stop> {
        let mut browser = Browser::new(self.site);
        let bearer = format!("Bearer {token}");
        let answer = browser.send("GET", ME, &[("authorization", &bearer)], &[]).await?;
        match answer.status {
            200 => answer.json::<Me>().map(|me| Some(me.email)).map_err(|_| Stop::Failed(format!("{ME} says nothing"))),
            401 | 403 => Ok(None),
            other => Err(Stop::Failed(format!("{ME} answered a session token with {other}"))),
        }
    }

    /// A code that stands for a good token.
    fn code(&self, challenge: &str, nonce: &str) -> String {
        use crate::provider::loopback::Grant;
        let code = uuid::Uuid::new_v4().simple().to_string();
        let token = self.issuer.mint.sign(&self.plants.one.draft(&self.issuer.mint, nonce));
        self.issuer.grant(&code, Grant { token, challenge: challenge.to_owned() });
        code
    }
}
