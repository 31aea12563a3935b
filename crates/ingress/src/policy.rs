//! What a route is allowed to do. There is no default: whoever adds a route says it.

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Anybody.
    Public,
    /// A person with a bearer token; the handler gets a [`crate::gate::Caller`].
    Person,
    /// Whoever holds the operator's token.
    Operator,
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
}

impl Cache {
    /// The value of `Cache-Control`.
    #[must_use]
    pub fn control(self) -> String {
        match self {
            Self::Never => "no-store".to_owned(),
            Self::Revalidate => "no-cache".to_owned(),
            Self::Seconds(seconds) => format!("public, max-age={seconds}"),
            Self::Forever => "public, max-age=31536000, immutable".to_owned(),
        }
    }

    /// Whether the table computes entity tags for it.
    #[must_use]
    pub const fn is_tagged(self) -> bool {
        matches!(self, Self::Seconds(_) | Self::Forever)
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
}

impl Policy {
    /// A page or document that anybody may read and that changes with every observation.
    pub const PAGE: Self = Self { auth: Auth::Public, cache: Cache::Revalidate, body: 0 };
    /// A file that changes only with the build: styles, images, fonts.
    pub const ASSET: Self = Self { auth: Auth::Public, cache: Cache::Seconds(3_600), body: 0 };
    /// A file whose address names its content.
    pub const IMMUTABLE: Self = Self { auth: Auth::Public, cache: Cache::Forever, body: 0 };
    /// A call that reads, by a person.
    pub const READ: Self = Self { auth: Auth::Person, cache: Cache::Never, body: 0 };

    /// A call by anybody with a body of at most so many bytes.
    #[must_use]
    pub const fn open(body: usize) -> Self {
        Self { auth: Auth::Public, cache: Cache::Never, body }
    }

    /// A call by a person with a body of at most so many bytes.
    #[must_use]
    pub const fn person(body: usize) -> Self {
        Self { auth: Auth::Person, cache: Cache::Never, body }
    }

    /// A call by the operator with a body of at most so many bytes.
    #[must_use]
    pub const fn operator(body: usize) -> Self {
        Self { auth: Auth::Operator, cache: Cache::Never, body }
    }
}
