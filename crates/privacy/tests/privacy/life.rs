//! People who have left something in every place.

use jiff::{SignedDuration, Timestamp};
use kernel::{Actor, FixedClock, PersonId, Span, TeamRole, TenantId};
use privacy::{
    case::{self, Case, Kind, Own},
    deadline::Calendar,
    work,
};
use std::{collections::BTreeMap, sync::Arc};
use store::{
    Role, Scoped, Store,
    accounts::{self, NewAccount, SignedUp},
    drawings::{self, File},
    notes, one_time,
    rights::cases,
    sessions::{Lifetimes, NewSession, Strength},
    team,
};
use testkit::ScratchDb;
use uuid::Uuid;

pub(crate) const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
const LIVES: Lifetimes = Lifetimes { idle: Span::hours(1), absolute: Span::hours(12) };

/// A system whose clock stands on a Tuesday in March.
pub(crate) struct World {
    pub(crate) db: ScratchDb,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) calendar: Calendar,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(FixedClock::at("2026-03-03T09:00:00Z".parse::<Timestamp>().unwrap()));
        let db = ScratchDb::with_clock(clock.clone()).await;
        Self { db, clock, calendar: Calendar::house() }
    }

    pub(crate) fn store(&self) -> &Store {
        self.db.store()
    }

    pub(crate) fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
    }

    /// Somebody signs up.
    pub(crate) async fn somebody(&self, email: &str) -> SignedUp {
        let new = NewAccount { name: "Ada", email, password_hash: Some(HASH), team: "Engines", verified: true };
        accounts::sign_up(self.store(), new).await.unwrap()
    }

    /// A member of somebody's team.
    pub(crate) async fn joins(&self, owner: SignedUp, email: &str, role: TeamRole) -> (SignedUp, PersonId) {
        let who = self.somebody(email).await;
        let invited = team::invite(self.store(), owner.tenant, owner.person, email, role, Span::days(7)).await.unwrap();
        let joined = team::accept(self.store(), invited.token.expose(), who.account, None).await.unwrap();
        (who, joined.1)
    }

    /// Leaves something in every place that the store knows of.
    pub(crate) async fn lives(&self, who: SignedUp, tenant: TenantId, person: PersonId) {
        let store = self.store();
        accounts::new_token(store, tenant, person, "laptop", Span::days(90)).await.unwrap();
        let session = NewSession {
            account: who.account,
            tenant: Some(tenant),
            strength: Strength::Password,
            pending: false,
            device: "Firefox on Linux",
            lifetimes: LIVES,
            proved_at: None,
        };
        store::sessions::open(store, session).await.unwrap();
        store::mails::put(store, Some(who.account), "text", Span::hours(1), true, false).await.unwrap();
        one_time::issue(store, Some(who.account), "reset", "payload", Span::hours(1)).await.unwrap();
        let invited = format!("guest-of-{person}@example.org");
        team::invite(store, tenant, person, &invited, TeamRole::Viewer, Span::days(7)).await.unwrap();
        let mut scoped = self.scoped(tenant, person).await;
        notes::create(&mut scoped, "title", "body").await.unwrap();
        scoped.commit().await.unwrap();
        let file = File { name: "gear", kind: drawings::Kind::Png, content: &[7; 4_096] };
        drawings::upload(store, tenant, &Actor::Person { id: person }, file).await.unwrap();
        // What they ask for next is asked for later.
        self.pass(SignedDuration::from_secs(1));
    }

    pub(crate) async fn scoped(&self, tenant: TenantId, person: PersonId) -> Scoped {
        self.store().scoped(tenant, &Actor::Person { id: person }).await.unwrap()
    }

    pub(crate) async fn ask(&self, who: SignedUp, kind: Kind) -> Case {
        case::open(self.store(), &self.calendar, who.account, kind).await.unwrap()
    }

    /// The time passes that an erasure waits, and everything that is due is done.
    pub(crate) async fn work(&self) {
        self.pass(cases::BEGINS);
        while work::drain(self.store()).await.unwrap() > 0 {}
    }

    pub(crate) async fn own(&self, who: SignedUp, case: &Case) -> Own {
        cases::one(self.store(), who.account, case.id).await.unwrap().unwrap()
    }

    pub(crate) async fn case(&self, case: &Case) -> Case {
        cases::by_id(self.store(), case.id).await.unwrap().unwrap()
    }

    /// How many rows of each table name any of these ids, in any column of any kind.
    pub(crate) async fn naming(&self, ids: &[Uuid]) -> BTreeMap<String, i64> {
        use sqlx::{AssertSqlSafe, Row as _};
        let mut backup = self.store().connect_as(Role::Backup).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'wordbond' AND tablename <> 'migration' ORDER BY tablename",
        )
        .fetch_all(&mut backup)
        .await
        .unwrap();
        let mut found = BTreeMap::new();
        for table in tables {
            // The whole row as text, so that no column is forgotten.
            let sql = format!(
                "SELECT count(*) FROM wordbond.{table} AS t WHERE EXISTS (SELECT FROM unnest($1::text[]) AS id
                 WHERE strpos(t::text, id) > 0)"
            );
            let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
            let row = sqlx::query(AssertSqlSafe(sql)).bind(&ids).fetch_one(&mut backup).await.unwrap();
            let rows: i64 = row.try_get(0).unwrap();
            if rows > 0 {
                found.insert(table, rows);
            }
        }
        found
    }

    /// Every row of every table but those that are written all the time, as text.
    pub(crate) async fn everything_of(&self, ids: &[Uuid]) -> Vec<String> {
        use sqlx::AssertSqlSafe;
        let mut backup = self.store().connect_as(Role::Backup).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'wordbond' AND tablename <> 'migration' ORDER BY tablename",
        )
        .fetch_all(&mut backup)
        .await
        .unwrap();
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let mut out = Vec::new();
        for table in tables {
            let sql = format!(
                "SELECT '{table} ' || t::text FROM wordbond.{table} AS t
                 WHERE EXISTS (SELECT FROM unnest($1::text[]) AS id WHERE strpos(t::text, id) > 0) ORDER BY 1"
            );
            let rows: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).bind(&ids).fetch_all(&mut backup).await.unwrap();
            out.extend(rows);
        }
        out
    }
}
