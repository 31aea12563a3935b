//! What an erasure leaves in raw files, step by step, and that the scrub takes it out. `docs/FORENSICS.md` has a run of this:
//! `cargo nextest run -p store forensics --no-capture`.

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use std::time::{Duration, Instant};
use store::{
    Config, Store,
    forensics::{self, Kind, Needles, Searched},
    reports,
    scrub::{self, Scrub, Scrubbed, Scrubber},
};
use testkit::ScratchDir;
use uuid::Uuid;

/// How many rows are planted, among how many.
const PLANTED: usize = 303;
const AMONG: usize = 20_000;

/// What is counted.
const KINDS: [Kind; 6] = [Kind::Table, Kind::BTree, Kind::Gin, Kind::LongValues, Kind::Statistics, Kind::Wal];

const TABLE: &str =
    "CREATE SCHEMA trace; CREATE TABLE trace.row (id bigint PRIMARY KEY, name text NOT NULL, tags text[], body text);
    ALTER TABLE trace.row ALTER body SET STORAGE EXTENDED;
    CREATE INDEX row_name ON trace.row (name); CREATE INDEX row_tags ON trace.row USING gin (tags)";

/// Letters that nothing compresses.
fn word() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let random = [Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes).concat();
    random.iter().map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().map_or('x', char::from)).collect()
}

struct Trace {
    store: Store,
    superuser: PgConnection,
    dir: ScratchDir,
    needles: Needles,
    words: Vec<String>,
}

impl Trace {
    async fn open() -> Self {
        let dir = ScratchDir::new().unwrap();
        let store = Store::open(Config::at(dir.path())).await.unwrap();
        let superuser = store.address().bootstrap().connect().await.unwrap();
        // The words do not repeat, so that nothing compresses them.
        let words: Vec<String> = (0..PLANTED).map(|_| word()).collect();
        let named = |needles: Needles, (at, word): (usize, &String)| needles.bytes(&at.to_string(), word.as_bytes());
        let needles = words.iter().enumerate().fold(Needles::new(), named);
        Self { store, superuser, dir, needles, words }
    }

    /// Rows of others, and in between those that are looked for: in the row, a key, an inverted index and a long value.
    async fn plant(&mut self) {
        self.superuser.execute(TABLE).await.unwrap();
        let every = AMONG / PLANTED;
        for (at, word) in self.words.iter().enumerate() {
            let others = format!(
                "INSERT INTO trace.row SELECT id, md5(id::text) || md5('x' || id), ARRAY[md5('t' || id)], NULL
                 FROM generate_series({}, {}) AS id",
                at * every * 2,
                at * every * 2 + every - 1
            );
            self.superuser.execute(AssertSqlSafe(others)).await.unwrap();
            const ROW: &str = "INSERT INTO trace.row VALUES ($1, $2, ARRAY[$2], $2 || (SELECT string_agg(
                encode(sha256(convert_to(n::text || $2, 'UTF8')), 'base64'), '') FROM generate_series(1, 120) AS n))";
            let id = -1 - i64::try_from(at).unwrap();
            sqlx::query(ROW).bind(id).bind(word).execute(&mut self.superuser).await.unwrap();
        }
        self.superuser
            .execute("ALTER TABLE trace.row ALTER name SET STATISTICS 1000; ANALYZE trace.row")
            .await
            .unwrap();
    }

    async fn search(&self) -> Searched {
        let places = forensics::places(&self.store, self.dir.path()).await.unwrap().unwrap();
        forensics::search(&places, &self.needles).await.unwrap()
    }

    /// How many of those that were planted are found in which kind of place.
    async fn count(&self) -> [usize; 6] {
        let searched = self.search().await;
        KINDS.map(|kind| searched.hits.iter().filter(|hit| hit.kind == kind).count())
    }

    async fn run(&mut self, statement: &'static str) {
        self.superuser.execute(statement).await.unwrap();
    }
}

#[expect(clippy::print_stdout, reason = "the figures of docs/FORENSICS.md")]
fn line(step: &str, counts: [usize; 6]) {
    let cells: Vec<String> = counts.iter().map(ToString::to_string).collect();
    println!("| {step} | {} |", cells.join(" | "));
}

#[tokio::test]
async fn what_an_erasure_leaves_is_counted_step_by_step() {
    let mut trace = Trace::open().await;
    trace.plant().await;
    let kinds: Vec<String> = KINDS.iter().map(ToString::to_string).collect();
    println!("| step | {} |", kinds.join(" | "));
    let before = trace.count().await;
    line("planted", before);
    // The positive control: each kind of place holds them, or counting none there would prove nothing.
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    assert_eq!([before[0], before[1], before[2]], [PLANTED; 3], "{before:?}");
    // Compression cuts a few so small that no eight letters stay together.
    assert!(before[3] > PLANTED * 9 / 10 && before[5] > PLANTED * 9 / 10, "{before:?}");
    trace.run("DELETE FROM trace.row WHERE id < 0").await;
    let deleted = trace.count().await;
    line("DELETE", deleted);
    assert_eq!(deleted[..4], before[..4], "a deletion removes nothing from the files");
    trace.run("VACUUM (FREEZE, ANALYZE) trace.row").await;
    let vacuumed = trace.count().await;
    line("VACUUM (FREEZE, ANALYZE)", vacuumed);
    assert!(vacuumed.iter().sum::<usize>() > 0, "a vacuum is no erasure");
    trace.run("VACUUM FULL trace.row").await;
    line("VACUUM FULL", trace.count().await);
    trace.run("VACUUM FULL pg_catalog.pg_statistic").await;
    line("VACUUM FULL pg_statistic", trace.count().await);
    for _ in 0..3 {
        trace.run("SELECT pg_switch_wal()").await;
        trace.run("CHECKPOINT").await;
    }
    let left = trace.count().await;
    line("three × (switch the log, checkpoint)", left);
    assert_eq!(left, [0; 6]);
    trace.superuser.close().await.unwrap();
    trace.store.close().await;
}

#[tokio::test]
async fn a_scrub_takes_out_what_an_erasure_left_and_nothing_else() {
    let mut trace = Trace::open().await;
    trace.plant().await;
    trace.run("DELETE FROM trace.row WHERE id < 0").await;
    let mut scrubber = Scrubber::over(vec!["trace.row".to_owned()]);
    let before = trace.count().await;
    let scrubbed = done(&mut scrubber, &trace.store).await;
    assert_eq!(scrubbed.tables, ["trace.row"]);
    line("before a scrub", before);
    let begun = Instant::now();
    // A connection holds the part of the log open that it wrote last, although it has no name any more, until it writes again.
    trace.run("CREATE TABLE trace.more ()").await;
    let searched = trace.search().await;
    let (bytes, took) = (searched.all_bytes() >> 20, begun.elapsed());
    line("after it", trace.count().await);
    println!("{scrubbed:?}; searched {bytes} MiB in {took:?}");
    let kinds: std::collections::BTreeSet<Kind> = searched.hits.iter().map(|hit| hit.kind).collect();
    assert!(kinds.is_empty(), "still in {kinds:?}");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM trace.row").fetch_one(&mut trace.superuser).await.unwrap();
    assert_eq!(rows, i64::try_from(AMONG / PLANTED * PLANTED).unwrap());
    // Nothing was deleted since: the table is left alone.
    assert!(
        until(&mut scrubber, &trace.store, &[]).await,
        "a table in which nothing changes is scrubbed again and again"
    );
    trace.run("DELETE FROM trace.row WHERE id = 1").await;
    assert!(until(&mut scrubber, &trace.store, &["trace.row"]).await, "a deletion is not noticed");
    trace.superuser.close().await.unwrap();
    trace.store.close().await;
}

async fn done(scrubber: &mut Scrubber, store: &Store) -> Scrubbed {
    match scrubber.scrub(store).await.unwrap() {
        Scrub::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_table_that_somebody_still_looked_back_at_is_scrubbed_again() {
    let mut trace = Trace::open().await;
    trace.run("CREATE SCHEMA trace; CREATE TABLE trace.past (id int); INSERT INTO trace.past SELECT generate_series(1, 100)").await;
    trace.run("DELETE FROM trace.past WHERE id < 50").await;
    let mut scrubber = Scrubber::over(vec!["trace.past".to_owned()]).waiting(Duration::from_millis(100));
    let mut looking = trace.store.address().bootstrap().connect().await.unwrap();
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
        .execute(&mut looking)
        .await
        .unwrap();
    let watched = done(&mut scrubber, &trace.store).await;
    assert!(watched.watched, "{watched:?}");
    let nights = scrub::nights(&trace.store).await.unwrap().unwrap();
    assert_eq!(nights.last.map(|night| night.whole), Some(false));
    sqlx::raw_sql("COMMIT").execute(&mut looking).await.unwrap();
    looking.close().await.unwrap();
    let again = done(&mut scrubber, &trace.store).await;
    assert_eq!((again.watched, again.tables), (false, vec!["trace.past".to_owned()]));
    // Each is told, and another session's lock is no scrub.
    let nights = scrub::nights(&trace.store).await.unwrap().unwrap();
    assert!(nights.last.is_some_and(|night| night.whole) && !nights.missed, "{nights:?}");
    // What somebody has the server keep is seen at once, and no scrub takes it out.
    assert_eq!(nights.kept, 0);
    trace.run("SELECT pg_create_physical_replication_slot('kept', true)").await;
    assert!(done(&mut scrubber, &trace.store).await.kept);
    let nights = scrub::nights(&trace.store).await.unwrap().unwrap();
    assert_eq!((nights.kept, nights.last.map(|night| night.whole)), (1, Some(false)));
    trace.run("SELECT pg_drop_replication_slot('kept')").await;
    // A server that does not count what is deleted has every table written anew.
    assert!(until(&mut scrubber, &trace.store, &[]).await);
    trace.run("ALTER DATABASE wordbond SET track_counts = off").await;
    for _ in 0..2 {
        assert_eq!(done(&mut scrubber, &trace.store).await.tables, ["trace.past"]);
    }
    trace.run("ALTER DATABASE wordbond RESET track_counts").await;
    trace.run("SELECT pg_advisory_lock(x'7363727562626564'::bigint)").await;
    assert_eq!(scrubber.scrub(&trace.store).await.unwrap(), Scrub::Taken);
    trace.superuser.close().await.unwrap();
    trace.store.close().await;
}

/// Whether a scrub comes to write exactly these tables anew: the server counts what is deleted with some delay.
async fn until(scrubber: &mut Scrubber, store: &Store, tables: &[&str]) -> bool {
    for _ in 0..100 {
        if done(scrubber, store).await.tables == tables {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn the_marks_are_found_in_every_kind_of_place_and_gone_afterwards() {
    let (dir, mirror) = (ScratchDir::new().unwrap(), ScratchDir::new().unwrap());
    let key_mirror = Some(mirror.path().to_owned());
    let store = Store::open(Config { durable: false, key_mirror, ..Config::at(dir.path()) }).await.unwrap();
    let needles = Needles::new().words("nothing", "Wordthatnobodywrote");
    let marked = forensics::search_marked(&store, dir.path(), &needles).await.unwrap().unwrap();
    // Every kind of place but mails, which are another's.
    assert_eq!(marked.proves(|_| true).unwrap(), 14, "{marked:?}");
    assert_eq!(marked.searched.hits, []);
    assert_eq!(reports::list(&store).await.unwrap(), []);
    let left = std::fs::read_dir(mirror.path()).unwrap().chain(std::fs::read_dir(dir.path()).unwrap());
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".new-")), "{left:?}");
    let search = async || {
        let marked = forensics::search_marked(&store, dir.path(), &needles).await.unwrap().unwrap();
        let kinds: Vec<Kind> = marked.searched.hits.iter().map(|hit| hit.kind).collect();
        (kinds, marked)
    };
    // A file that lies open and has no name any more is found too.
    let path = dir.path().join("forgotten");
    std::fs::write(&path, "a Wordthatnobodywrote that somebody wrote").unwrap();
    let held = std::fs::File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(search().await.0, [Kind::Deleted]);
    drop(held);
    // And what lies in the mirror, outside the data directory.
    std::fs::write(mirror.path().join("forgotten"), "a Wordthatnobodywrote that somebody wrote").unwrap();
    assert_eq!(search().await.0, [Kind::Keys]);
    std::fs::remove_file(mirror.path().join("forgotten")).unwrap();
    // Into what is packed in an unknown way nobody looks: then nothing is proven where it lies.
    std::fs::write(dir.path().join("forgotten.zst"), b"\x28\xb5\x2f\xfd whatever it is").unwrap();
    let (kinds, marked) = search().await;
    assert_eq!(kinds, []);
    assert!(marked.proves(|_| true).unwrap_err().contains("forgotten.zst"), "{marked:?}");
    assert!(marked.proves(Kind::is_database).is_ok());
    store.close().await;
}
