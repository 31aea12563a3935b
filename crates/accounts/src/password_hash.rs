//! Control `password-hash`: every stored password is an Argon2id hash of at least the promised cost, and guessing tells
//! nothing and gets nowhere.
//!
//! The enforcement is `identity::Hasher`, [`crate::lockout`] and [`crate::pace`]; this module attacks them.

use crate::{
    Plant,
    attack::{Stop, is_in},
};
use ingress::visitor::{Somebody, Visitor};
use kernel::Span;
use outbound::{Answer, Site};
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
    fault::{Bites, Make},
    profile::Value,
};
use std::time::{Duration, Instant};
use store::{Store, accounts};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "password-hash",
    title: "Passwords as Argon2id hashes",
    about: "Passwords are stored as Argon2id hashes only, made anew with the present parameters whenever somebody signs in. The \
            probe signs in as somebody whom it planted and reads, for every account and not the planted one alone, the \
            algorithm and the parameters of the stored hash, and whether its salt is its own. It measures from outside whether an address without an account \
            and a wrong password can be told apart by status, text or time, and whether guessing is stopped without stopping \
            whoever guesses from elsewhere. It cannot see how a hash was computed, only what its stored text says, and that \
            the right password still opens it.",
    wing: "ingress",
    vantage: Vantage::Inside,
    params: &[
        ParamSpec {
            name: "memory",
            kind: ParamKind::Size,
            default: Some("19 MiB"),
            about: "The memory that one hash costs.",
            stronger: Stronger::More,
        },
        ParamSpec {
            name: "passes",
            kind: ParamKind::Count,
            default: Some("2"),
            about: "The passes over that memory.",
            stronger: Stronger::More,
        },
    ],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["every password", "all passwords", "never"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(a)"],
        iso27001: &["5.17", "8.5"],
        soc2: &["CC6.1"],
        asvs: &["6.3.1", "11.4.2"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "password-hash-imported-weak",
        about: "One account was imported with an MD5 hash; everybody else's, and whatever a probe plants, is as promised.",
        // Nobody made a key for what another program imports.
        breaks: &["password-hash", "sealed-columns"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.account (account_id, email, name, password_hash, created_at)
                   SELECT '00000000-0000-4000-8000-00000000a001', email, name,
                          convert_to('$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/', 'UTF8'), created_at
                   FROM wordbond.account ORDER BY created_at LIMIT 1;
                   INSERT INTO wordbond.sign_in (lookup, kind, account_id, row_id, created_at)
                   VALUES (sha256('imported'), 'email', '00000000-0000-4000-8000-00000000a001',
                           '00000000-0000-4000-8000-00000000a001', now())",
            undo: "DELETE FROM wordbond.sign_in WHERE account_id = '00000000-0000-4000-8000-00000000a001';
                   DELETE FROM wordbond.account WHERE account_id = '00000000-0000-4000-8000-00000000a001'",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.account WHERE password_hash = convert_to('$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/', 'UTF8'))",
        ),
    },
    Fault {
        id: "password-hash-imported-with-one-salt",
        about: "Two accounts were imported with the promised algorithm and cost, and with one salt for both.",
        // Nobody made a key for what another program imports.
        breaks: &["password-hash", "sealed-columns"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.account (account_id, email, name, password_hash, created_at)
                   SELECT id, email, name, convert_to('$argon2id$v=19$m=262144,t=9,p=1$c29tZXNhbHRzb21lc2FsdA$'
                              || translate(left(encode(sha256(convert_to(id::text, 'UTF8')), 'base64'), 43), '=', ''), 'UTF8'), created_at
                   FROM (SELECT * FROM wordbond.account ORDER BY created_at LIMIT 1) AS a, unnest(ARRAY[
                       '00000000-0000-4000-8000-00000000a002', '00000000-0000-4000-8000-00000000a003']::uuid[]) AS id;
                   INSERT INTO wordbond.sign_in (lookup, kind, account_id, row_id, created_at)
                   SELECT sha256(convert_to('imported ' || account_id, 'UTF8')), 'email', account_id, account_id, created_at
                   FROM wordbond.account WHERE account_id IN ('00000000-0000-4000-8000-00000000a002',
                                                             '00000000-0000-4000-8000-00000000a003')",
            undo: "DELETE FROM wordbond.sign_in WHERE account_id IN ('00000000-0000-4000-8000-00000000a002',
                                                                    '00000000-0000-4000-8000-00000000a003');
                   DELETE FROM wordbond.account WHERE account_id IN ('00000000-0000-4000-8000-00000000a002',
                                                                    '00000000-0000-4000-8000-00000000a003')",
        },
        bites: Bites::Sql(
            "SELECT count(*) = 2 FROM wordbond.account
             WHERE encode(password_hash, 'escape') LIKE '%$c29tZXNhbHRzb21lc2FsdA$%'",
        ),
    },
    Fault {
        id: "password-hash-slow-for-known",
        about: "Looking up an account that exists takes almost a second longer than looking up one that does not.",
        breaks: &["password-hash", "scope-sql"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.dawdle() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
                   BEGIN
                       IF current_query() ILIKE '%password_hash%failures%' THEN PERFORM pg_sleep(0.9); END IF;
                       RETURN true;
                   END $$;
                   GRANT EXECUTE ON FUNCTION wordbond.dawdle() TO PUBLIC;
                   CREATE POLICY dawdle ON wordbond.account AS RESTRICTIVE FOR SELECT TO wordbond_app
                       USING (wordbond.dawdle())",
            undo: "DROP POLICY dawdle ON wordbond.account; DROP FUNCTION wordbond.dawdle()",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_policies WHERE tablename = 'account' AND policyname = 'dawdle')",
        ),
    },
];

/// How many pairs of attempts are timed.
const PAIRS: usize = 4;
/// A difference that survives the noise of a network and a busy machine.
const TELLING: Duration = Duration::from_millis(120);
/// By how many guesses of one caller at one address guessing must have been stopped.
const GUESSES: usize = 30;

/// Attacks the promise on `plant`.
pub async fn probe(site: &Site, store: &Store, plant: &Plant, promise: &Promise) -> Finding {
    attack(site, store, plant, promise).await.unwrap_or_else(Stop::finding)
}

async fn attack(site: &Site, store: &Store, plant: &Plant, promise: &Promise) -> Result<Finding, Stop> {
    // Signing in renews the hash, and ends the count of wrong passwords that earlier attacks left.
    let mut owner = plant.enter(site).await?;
    if !is_in(&owner.get("/account").await?) {
        return Err(Stop::Failed("the planted person cannot sign in".to_owned()));
    }
    let (hashes, kinds) = stored(store, promise).await?;
    let timed = told_apart(site, plant).await?;
    let stopped = guess(site).await?;
    plant
        .enter(site)
        .await
        .map_err(|_| Stop::Broke("after a few wrong passwords the right one was refused".to_owned()))?;
    let saw = format!(
        "{hashes} stored hashes are Argon2id as promised; known and unknown addresses answer alike; guessing was stopped \
         after {stopped} attempts"
    );
    Ok(Finding::held(saw)
        .tried("read the algorithm and the parameters of every stored hash")
        .tried("gave wrong passwords for an address that has an account and for one that has none, and compared the answers and their times")
        .tried("guessed until it was stopped, and signed in from elsewhere meanwhile")
        .covered("hashes", usize::try_from(hashes).unwrap_or(usize::MAX))
        .covered("kinds of hashes", kinds)
        .covered("timed attempts", timed))
}

/// Every stored hash must be Argon2id with at least the promised parameters.
async fn stored(store: &Store, promise: &Promise) -> Result<(u64, usize), Stop> {
    let memory_kib = match promise.params.get("memory") {
        Some(Value::Size(bytes)) => bytes / 1024,
        _ => 19 * 1024,
    };
    let passes = promise.count("passes").unwrap_or(2);
    let census = accounts::password_census(store).await?;
    let weak: Vec<&(String, u64)> = census.iter().filter(|(kind, _)| !is_enough(kind, memory_kib, passes)).collect();
    if let Some((kind, count)) = weak.first() {
        return Err(Stop::Broke(format!("{count} stored passwords are `{kind}`, weaker than promised")));
    }
    let shared = accounts::shared_salts(store).await?;
    if shared > 0 {
        return Err(Stop::Broke(format!("{shared} stored passwords have the salt of another")));
    }
    Ok((census.iter().map(|(_, count)| count).sum(), census.len()))
}

/// Whether the part of a stored hash before its salt is Argon2id of at least that cost.
fn is_enough(kind: &str, memory_kib: u64, passes: u64) -> bool {
    let Some(costs) = kind.strip_prefix("$argon2id$v=19$") else { return false };
    let cost = |name: &str| {
        let mut parts = costs.split(',').filter_map(|part| part.split_once('='));
        parts.find(|(known, _)| *known == name).and_then(|(_, value)| value.parse::<u64>().ok()).unwrap_or_default()
    };
    cost("m") >= memory_kib && cost("t") >= passes && cost("p") >= 1
}

/// Whether an address that is somebody's can be told from one that is nobody's.
async fn told_apart(site: &Site, plant: &Plant) -> Result<usize, Stop> {
    let mut timed = 0;
    // What looks like a difference once may be somebody else's load; a difference that comes again is one.
    for again in [false, true] {
        let mut fastest = [Duration::MAX; 2];
        let mut visitor = Visitor::stranger(site).await;
        visitor.form_token("/sign-in").await?;
        for _ in 0..PAIRS {
            let nobody = Somebody::new();
            for (email, fastest) in [plant.email(), &nobody.email].into_iter().zip(&mut fastest) {
                let begun = Instant::now();
                let answer = wrong_password(&mut visitor, email).await?;
                *fastest = begun.elapsed().min(*fastest);
                timed += 1;
                same_words(&answer, email)?;
            }
        }
        let [known, unknown] = fastest;
        let difference = known.abs_diff(unknown);
        if difference < TELLING {
            return Ok(timed);
        }
        if again {
            return Err(Stop::Broke(format!(
                "an address with an account and one without can be told apart by {} ms",
                difference.as_millis()
            )));
        }
    }
    Ok(timed)
}

async fn wrong_password(visitor: &mut Visitor, email: &str) -> Result<Answer, Stop> {
    Ok(visitor.post_form("/sign-in", &[("email", email), ("password", "not the right password at all")]).await?)
}

/// What a wrong password is answered, with or without an account.
fn same_words(answer: &Answer, email: &str) -> Result<(), Stop> {
    match answer.status {
        422 if answer.text().replace(email, "").contains("role=\"alert\"") => Ok(()),
        429 => Err(Stop::Failed("earlier attempts have used up what one caller may try; later".to_owned())),
        status => Err(Stop::Broke(format!("a wrong password was answered with {status}"))),
    }
}

/// Guesses at an address that is nobody's, which is counted as if it were somebody's, until it is stopped.
async fn guess(site: &Site) -> Result<usize, Stop> {
    let target = Somebody::new();
    let mut visitor = Visitor::stranger(site).await;
    visitor.form_token("/sign-in").await?;
    for guesses in 0..GUESSES {
        let answer = wrong_password(&mut visitor, &target.email).await?;
        if answer.status == 429 {
            return answer
                .header("retry-after")
                .map(|_| guesses)
                .ok_or_else(|| Stop::Broke("guessing is stopped without saying until when".to_owned()));
        }
    }
    Err(Stop::Broke(format!("{GUESSES} wrong passwords for one address were taken one after another")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_judged_by_their_text() {
        let enough = |kind| is_enough(kind, 19 * 1024, 2);
        assert!(enough("$argon2id$v=19$m=19456,t=2,p=1") && enough("$argon2id$v=19$m=65536,t=3,p=4"));
        for weak in [
            "$argon2id$v=19$m=19455,t=2,p=1",
            "$argon2id$v=19$m=19456,t=1,p=1",
            "$argon2id$v=16$m=19456,t=2,p=1",
            "$argon2i$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=,t=2,p=1",
            "$1$",
            "unreadable",
            "",
        ] {
            assert!(!enough(weak), "{weak}");
        }
    }
}
