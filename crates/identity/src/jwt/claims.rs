//! What a token says, and what it must say.

use super::{Refusal, parts::text};
use kernel::{Span, Timestamp};
use serde_json::{Map, Value};

/// The longest leeway for clocks that differ.
const MOST_LEEWAY: u64 = 300;

/// For whom a token must have been made.
#[derive(Clone, Copy, Debug)]
pub enum Party<'a> {
    /// `aud` must be this and nothing else.
    Audience(&'a str),
    /// `azp` must be one of these: how Clerk says for which origin a session token was made.
    Origins(&'a [&'a str]),
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// Its issuer, letter by letter.
    pub issuer: &'a str,
    /// For whom it was made.
    pub party: Party<'a>,
    /// The nonce, where one was sent.
    pub nonce: Option<&'a str>,
    /// The present instant.
    pub now: Timestamp,
    /// How far clocks may differ; at most five minutes count.
    pub leeway: Span,
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: String,
    /// About whom it is; unique at that issuer.
    pub subject: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was made, where it says so.
    pub issued_at: Option<Timestamp>,
    /// Everything it says, these included.
    pub all: Map<String, Value>,
}

impl Claims {
    /// A claim that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        text(&self.all, name)
    }

    /// A claim that is true. Nothing but JSON's `true` is.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.all.get(name) == Some(&Value::Bool(true))
    }

    /// Checks what a token with a good signature says.
    pub(crate) fn accept(all: Map<String, Value>, expect: &Expect<'_>) -> Result<Self, Refusal> {
        let issuer = text(&all, "iss").ok_or(Refusal::Claim("iss"))?.to_owned();
        if issuer != expect.issuer {
            return Err(Refusal::Issuer);
        }
        party(&all, expect.party)?;
        let subject =
            text(&all, "sub").filter(|sub| !sub.is_empty() && sub.len() <= 255).ok_or(Refusal::Claim("sub"))?;
        let subject = subject.to_owned();
        let leeway = Span::seconds(expect.leeway.as_secs().min(MOST_LEEWAY)).signed();
        let late = expect.now.checked_sub(leeway).map_err(|_| Refusal::Expired)?;
        let early = expect.now.checked_add(leeway).map_err(|_| Refusal::NotYet)?;
        let expires_at = instant(&all, "exp")?.ok_or(Refusal::Claim("exp"))?;
        if expires_at <= late {
            return Err(Refusal::Expired);
        }
        let issued_at = instant(&all, "iat")?;
        if [issued_at, instant(&all, "nbf")?].into_iter().flatten().any(|from| from > early) {
            return Err(Refusal::NotYet);
        }
        if expect.nonce.is_some_and(|nonce| !same(text(&all, "nonce"), nonce)) {
            return Err(Refusal::Nonce);
        }
        // Clerk marks a session token whose session still owes something, such as a second factor.
        if all.get("sts").is_some_and(|status| status != "active") {
            return Err(Refusal::Inactive);
        }
        Ok(Self { issuer, subject, expires_at, issued_at, all })
    }
}

fn same(found: Option<&str>, wanted: &str) -> bool {
    let found = found.unwrap_or_default().as_bytes();
    aws_lc_rs::constant_time::verify_slices_are_equal(found, wanted.as_bytes()).is_ok()
}

fn party(all: &Map<String, Value>, party: Party<'_>) -> Result<(), Refusal> {
    match party {
        Party::Audience(wanted) => {
            let only = match all.get("aud").ok_or(Refusal::Claim("aud"))? {
                Value::String(one) => one == wanted,
                Value::Array(many) => !many.is_empty() && many.iter().all(|one| one == wanted),
                _ => return Err(Refusal::Claim("aud")),
            };
            // Further audiences could take the token and use it here, so there must be none.
            if !only {
                return Err(Refusal::Audience);
            }
            if all.get("azp").is_some_and(|azp| azp != wanted) { Err(Refusal::AuthorizedParty) } else { Ok(()) }
        }
        Party::Origins(allowed) => {
            let azp = text(all, "azp").ok_or(Refusal::Claim("azp"))?;
            if allowed.contains(&azp) { Ok(()) } else { Err(Refusal::AuthorizedParty) }
        }
    }
}

/// A moment in seconds since 1970, possibly with a fraction, which is dropped.
fn instant(all: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let seconds = match (value.as_i64(), value.as_f64()) {
        (Some(seconds), _) => seconds,
        #[expect(clippy::cast_possible_truncation, reason = "checked to be within what an instant can be")]
        (None, Some(seconds)) if seconds.abs() < 1e11 => seconds.floor() as i64,
        _ => return Err(Refusal::Claim(name)),
    };
    Timestamp::from_second(seconds).map(Some).map_err(|_| Refusal::Claim(name))
}
