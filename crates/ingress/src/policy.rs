//! What a route is allowed to do. There is no default: whoever adds a route says it.

use kernel::access::Permission;
use std::fmt;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Anybody. Nobody is looked up.
    Public,
    /// Anybody; the handler learns who is signed in, if somebody is ([`crate::gate::Visitor`]).
    Visitor,
    /// Whoever has given a first factor, even where the second is still owed. For the pages that take the second factor and
    /// for leaving; nothing else may stand behind it. The handler gets a [`crate::gate::AccountCaller`].
    Pending,
    /// Whoever is signed in, every factor given. They need not be in a team. The handler gets a
    /// [`crate::gate::AccountCaller`].
    Account,
    /// A member of a team whose role has the permission, by session or bearer token. The handler gets a
    /// [`crate::gate::Caller`].
    Person(Permission),
    /// Whoever stands on the administrators' list and signed in with more than a password; to all others there is nothing
    /// here. The handler gets a [`crate::gate::AccountCaller`].
    Admin,
    /// Whoever holds the operator's token.
    Operator,
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Visitor => f.write_str("visitor"),
            Self::Pending => f.write_str("pending"),
            Self::Account => f.write_str("account"),
            Self::Person(permission) => f.write_str(permission.as_str()),
            Self::Admin => f.write_str("admin"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

/// How long a response may be kept by browsers and caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Nowhere.
    Never,
    /// Kept, but asked for again each time: a verdict is never shown past its time. The handler may send an entity tag.
    Revalidate,
    /// Kept for so many seconds; the table adds an entity tag and answers `304` where it matches.
    Seconds(u32),
    /// Kept for good: the address changes with the content, as that of a full ledger tile. Entity tag as above.
    Forever,
    /// As the handler says: it passes on what somebody else has marked. Without a mark, nowhere.
    Theirs,
}

impl Cache {
    /// The value of `Cache-Control`; `None` where the handler says it.
    #[must_use]
    pub fn control(self) -> Option<String> {
        match self {
            Self::Never => Some("no-store".to_owned()),
            Self::Revalidate => Some("no-cache".to_owned()),
            Self::Seconds(seconds) => Some(format!("public, max-age={seconds}")),
            Self::Forever => Some("public, max-age=31536000, immutable".to_owned()),
            Self::Theirs => None,
        }
    }

    /// Whether the table computes entity tags for it.
    #[must_use]
    pub const fn is_tagged(self) -> bool {
        matches!(self, Self::Seconds(_) | Self::Forever)
    }
}

/// Whom a route talks to, which decides how it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A person at a browser: who is not signed in is led to the sign-in page, and errors are pages.
    Page,
    /// A program: refusals are problems (RFC 9457).
    Api,
}

/// What a request that changes something must show, so that no other site can have a browser send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Where a cookie speaks for somebody, and on open forms: that it comes from here, and the form token.
    Form,
    /// That it comes from here. For applications behind the proxy, whose forms know nothing of our tokens.
    Origin,
    /// Nothing: it carries its own proof and comes from another site by design, as a signed SAML document does.
    Carried,
}

/// Where the form stands that is sent to a route: whoever must first show that it is them is led back there, since what was sent
/// is not sent again by following an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// On no page that the route knows of.
    Nowhere,
    /// On the page of the same path.
    Here,
    /// On the page whose path is one step shorter.
    Above,
}

/// What happens where the limiter's own store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// The route answers 503: guessing and writing stop rather than go on without a limit.
    Closed,
    /// The route answers as if the limit were not reached, and the log says so.
    Open,
}

/// How often a route may be called from one address (IPv6: one /64), and as often again by one actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many calls a minute, over time.
    pub per_minute: u32,
    /// How many at once, after a rest.
    pub burst: u32,
    /// What happens where the limiter's store fails.
    pub fails: Fails,
}

impl Limit {
    /// Pages.
    pub const PAGES: Self = Self { per_minute: 3_000, burst: 3_000, fails: Fails::Open };
    /// Files that are read by the thousand, such as the ledger's tiles.
    pub const FILES: Self = Self { per_minute: 60_000, burst: 60_000, fails: Fails::Open };
    /// Calls that read.
    pub const READS: Self = Self { per_minute: 3_000, burst: 1_500, fails: Fails::Open };
    /// Calls that change something.
    pub const WRITES: Self = Self { per_minute: 1_200, burst: 600, fails: Fails::Closed };
    /// Where passwords, codes and tokens are tried, and where mails are sent.
    pub const SIGN_IN: Self = Self { per_minute: 30, burst: 30, fails: Fails::Closed };

    /// Where a team is founded without anybody signing up: a household of programs does it now and then, and nobody by the
    /// dozen.
    pub const FOUNDING: Self = Self { per_minute: 20, burst: 60, fails: Fails::Closed };

    /// Over how many seconds an emptied burst fills again.
    #[must_use]
    pub const fn window(self) -> u32 {
        let per_minute = if self.per_minute == 0 { 1 } else { self.per_minute };
        let seconds = (self.burst as u64 * 60).div_ceil(per_minute as u64);
        if seconds > 86_400 { 86_400 } else { seconds as u32 }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fails = match self.fails {
            Fails::Closed => "closed",
            Fails::Open => "open",
        };
        write!(f, "{}/min burst {} fails {fails}", self.per_minute, self.burst)
    }
}

/// What a route is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may call it.
    pub auth: Auth,
    /// How long its responses may be kept.
    pub cache: Cache,
    /// The largest request body in bytes; more is refused with 413 before the handler runs.
    pub body: usize,
    /// How often it may be called.
    pub limit: Limit,
    /// Whom it talks to.
    pub face: Face,
    /// Whether the session must have been confirmed within the last ten minutes ([`crate::gate::FRESH`]).
    pub fresh: bool,
    /// What a request that changes something must show besides credentials.
    pub proof: Proof,
    /// Whether the body is handed on as it arrives, instead of whole. The limit holds all the same.
    pub streamed: bool,
    /// Where its form stands.
    pub stands: Stands,
}

impl Policy {
    /// A page or document that anybody may read and that changes with every observation.
    pub const PAGE: Self =
        Self { cache: Cache::Revalidate, limit: Limit::PAGES, face: Face::Page, ..Self::of(Auth::Public) };
    /// A file that changes only with the build: styles, images, fonts.
    pub const ASSET: Self = Self { cache: Cache::Seconds(3_600), limit: Limit::FILES, ..Self::of(Auth::Public) };
    /// A file whose address names its content.
    pub const IMMUTABLE: Self = Self { cache: Cache::Forever, limit: Limit::FILES, ..Self::of(Auth::Public) };

    const fn of(auth: Auth) -> Self {
        Self {
            auth,
            cache: Cache::Never,
            body: 0,
            limit: Limit::READS,
            face: Face::Api,
            fresh: false,
            proof: Proof::Form,
            streamed: false,
            stands: Stands::Nowhere,
        }
    }

    /// A page that is shown to `auth` and kept nowhere.
    #[must_use]
    pub const fn page(auth: Auth) -> Self {
        Self { limit: Limit::PAGES, face: Face::Page, ..Self::of(auth) }
    }

    /// A form of a page, sent by `auth` with at most so many bytes. It must carry the form token.
    #[must_use]
    pub const fn form(auth: Auth, body: usize) -> Self {
        Self { body, limit: Limit::WRITES, face: Face::Page, ..Self::of(auth) }
    }

    /// A call that reads, by a person with the permission.
    #[must_use]
    pub const fn read(permission: Permission) -> Self {
        Self::of(Auth::Person(permission))
    }

    /// A call that changes something, by a person with the permission, with a body of at most so many bytes.
    #[must_use]
    pub const fn person(permission: Permission, body: usize) -> Self {
        Self { body, limit: Limit::WRITES, ..Self::of(Auth::Person(permission)) }
    }

    /// A call by anybody with a body of at most so many bytes.
    #[must_use]
    pub const fn open(body: usize) -> Self {
        Self { body, limit: Limit::WRITES, ..Self::of(Auth::Public) }
    }

    /// A call of the API by `auth` with a body of at most so many bytes.
    #[must_use]
    pub const fn call(auth: Auth, body: usize) -> Self {
        Self { body, limit: Limit::WRITES, ..Self::of(auth) }
    }

    /// A call by the operator with a body of at most so many bytes.
    #[must_use]
    pub const fn operator(body: usize) -> Self {
        Self { body, limit: Limit::WRITES, ..Self::of(Auth::Operator) }
    }

    /// The same with another limit.
    #[must_use]
    pub const fn limited(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// The same, for sessions that were confirmed within the last ten minutes only.
    #[must_use]
    pub const fn fresh(self) -> Self {
        Self { fresh: true, ..self }
    }

    /// The same, for a form that stands there.
    #[must_use]
    pub const fn stands(self, stands: Stands) -> Self {
        Self { stands, ..self }
    }

    /// The same with another proof that changes are meant.
    #[must_use]
    pub const fn proven_by(self, proof: Proof) -> Self {
        Self { proof, ..self }
    }

    /// Whether this is for what goes to an application behind the proxy, as it arrives and comes back.
    pub(crate) const fn is_passed_on(&self) -> bool {
        self.streamed && matches!(self.proof, Proof::Carried) && matches!(self.cache, Cache::Theirs)
    }

    /// The same, with the body handed on as it arrives.
    #[must_use]
    pub const fn streamed(self) -> Self {
        Self { streamed: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_fills_again_as_the_rate_says() {
        assert_eq!(Limit::SIGN_IN.window(), 60);
        assert_eq!(Limit::WRITES.window(), 30);
        let slow = Limit { per_minute: 0, burst: u32::MAX, fails: Fails::Open };
        assert_eq!(slow.window(), 86_400);
    }
}
