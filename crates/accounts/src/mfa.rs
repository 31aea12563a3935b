//! Control `mfa`: whoever has a second factor gives it, whichever way they come in.
//!
//! The enforcement is the gate's `Auth::Pending`, [`crate::factor`] and [`crate::confirm`]; this module attacks them.

use crate::{
    Plant,
    attack::{Stop, is_in},
};
use ingress::visitor::Visitor;
use kernel::{Clock, Span, SystemClock};
use outbound::Site;
use promises::{
    Fault, Finding,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make},
};
use std::time::Duration;
use store::{Store, factors, told};
use tokio::time::sleep;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "mfa",
    title: "A second factor that cannot be skipped",
    about: "A session that owes its second factor opens nothing but the page that takes it and the way out; each code works once, \
            codes cannot be guessed, and neither a password nor a link by mail replaces one. For somebody whom it planted, with \
            an authenticator app, the probe signs in with the password alone and calls pages, forms and the API; it gives wrong \
            codes, codes that were used, and codes of another shape; it asks for the step-up with the password; and it uses the \
            cookie of before the factor afterwards. With the operator's credentials it also looks, for everybody who has a \
            second factor, for sessions that opened without one, or that count as given one while no log tells of it. A recovery \
            code must work once and not again. It cannot see a phone or key in the wrong hands.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every way in", "no way around"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["8.5"], soc2: &["CC6.1"], asvs: &["6.3.3", "6.4.3"] },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "mfa-never-owed",
        about: "New sessions are marked as complete when they begin, so that the second factor is never asked for.",
        breaks: &["mfa"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.wave_through() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN NEW.pending := false; RETURN NEW; END $$;
                   CREATE TRIGGER wave_through BEFORE INSERT ON wordbond.session
                       FOR EACH ROW EXECUTE FUNCTION wordbond.wave_through()",
            undo: "DROP TRIGGER wave_through ON wordbond.session; DROP FUNCTION wordbond.wave_through();
                   DELETE FROM wordbond.session AS s WHERE strength = 'password' AND NOT pending
                       AND EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = s.account_id)",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'wave_through')"),
    },
    Fault {
        id: "mfa-old-sessions-waved-through",
        about: "The sessions that owe their second factor now are marked as complete; those of later sign-ins are not.",
        breaks: &["mfa"],
        spares_plants: true,
        make: Make::Sql {
            make: "UPDATE wordbond.session SET pending = false WHERE pending",
            undo: "UPDATE wordbond.session AS s SET pending = true WHERE strength = 'password'
                       AND EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = s.account_id)",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.session AS s WHERE strength = 'password' AND NOT pending
                 AND EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = s.account_id))",
        ),
    },
    Fault {
        id: "mfa-old-sessions-called-second",
        about: "The sessions that owe their second factor now are written down as having given it, in every column.",
        breaks: &["mfa"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE wordbond.factor IS %L',
                       (SELECT json_agg(session_id) FROM wordbond.session WHERE pending)); END $$;
                   UPDATE wordbond.session SET pending = false, strength = 'second', confirmed_at = now()
                   WHERE pending",
            undo: "UPDATE wordbond.session SET pending = true, strength = 'password', confirmed_at = NULL
                   WHERE session_id::text IN (SELECT json_array_elements_text(
                       obj_description('wordbond.factor'::regclass)::json));
                   COMMENT ON TABLE wordbond.factor IS NULL",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.session WHERE strength = 'second' AND NOT pending
                 AND session_id::text IN (SELECT json_array_elements_text(obj_description('wordbond.factor'::regclass)::json)))",
        ),
    },
    Fault {
        id: "mfa-recovery-codes-work-again",
        about: "The use of a recovery code is not kept: whoever reads one over a shoulder can use it too.",
        breaks: &["mfa"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.unspent() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN NEW.used_at := NULL; RETURN NEW; END $$;
                   CREATE TRIGGER unspent BEFORE UPDATE ON wordbond.recovery_code
                       FOR EACH ROW EXECUTE FUNCTION wordbond.unspent()",
            undo: "DROP TRIGGER unspent ON wordbond.recovery_code; DROP FUNCTION wordbond.unspent()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'unspent' AND tgenabled = 'O')"),
    },
    Fault {
        id: "mfa-codes-work-again",
        about: "The last step of an authenticator is not kept, so that a code that was seen can be used again.",
        breaks: &["mfa"],
        spares_plants: false,
        make: Make::Sql {
            make: "CREATE FUNCTION wordbond.forget_step() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN NEW.counter := 0; RETURN NEW; END $$;
                   CREATE TRIGGER forget_step BEFORE UPDATE OF counter ON wordbond.factor
                       FOR EACH ROW WHEN (OLD.kind = 'totp') EXECUTE FUNCTION wordbond.forget_step()",
            undo: "DROP TRIGGER forget_step ON wordbond.factor; DROP FUNCTION wordbond.forget_step()",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'forget_step')"),
    },
];

/// Pages that only whoever is signed in sees.
const PAGES: [&str; 7] = [
    "/account",
    "/account/security",
    "/account/sessions",
    "/account/tokens",
    "/team",
    "/confirm",
    "/account/email/verify",
];
/// Calls of the API.
const CALLS: [&str; 3] = ["/api/me", "/api/notes", "/api/audit"];
/// Forms by which somebody could do away with the factor, or get in besides.
const FORMS: [(&str, &[(&str, &str)]); 9] = [
    ("/account/totp/remove", &[]),
    ("/account/totp/start", &[]),
    ("/account/recovery-codes", &[]),
    ("/account/passkeys/options", &[]),
    ("/account/tokens", &[("label", "x")]),
    ("/account/profile", &[("name", "Somebody Else")]),
    ("/account/email", &[("email", "somebody@example.com")]),
    ("/confirm", &[("code", "000000")]),
    ("/account/sessions/revoke-others", &[]),
];
/// What is no code.
const WRONG: [&str; 2] = ["", "aaaaa-aaaaa"];

/// Attacks the promise on `plant`, who has an authenticator app ([`Plant::sow_with_app`]). With `store`, the sessions of
/// everybody are looked at too; without, the finding says so.
pub async fn probe(site: &Site, store: Option<&Store>, plant: &Plant) -> Finding {
    attack(site, store, plant).await.unwrap_or_else(Stop::finding)
}

async fn attack(site: &Site, store: Option<&Store>, plant: &Plant) -> Result<Finding, Stop> {
    let people = census(store).await?;
    let mut pending = first_factor(site, plant).await?;
    let tried = knock(&mut pending).await?;
    for code in WRONG {
        let answer = pending.post_form("/sign-in/second", &[("code", code)]).await?;
        if answer.status != 422 {
            return Err(Stop::Broke(format!("what is no code was answered with {}", answer.status)));
        }
    }
    let clock: &dyn Clock = store.map_or(&SystemClock, |store| store.clock().as_ref());
    let (code, mut entered) = second_factor(pending.clone(), plant, clock).await?;
    // The cookie of before must not have gained what the new one has.
    if is_in(&pending.get("/account").await?) {
        return Err(Stop::Broke("the cookie of before the second factor opens the account afterwards".to_owned()));
    }
    replay(site, plant, &code).await?;
    step_up(&mut entered, plant).await?;
    recovery_code_twice(site, &mut entered, plant).await?;
    census(store).await?;
    let whom = people.map_or_else(
        || "judged from outside only".to_owned(),
        |people| format!("no session of {people} people with a second factor has skipped it"),
    );
    let finding =
        Finding::held(format!("{tried} pages, calls and forms stayed shut without the second factor; {whom}"))
            .tried("signed in with the password alone, and called pages, forms and the API")
            .tried("gave wrong codes, a code and a recovery code that were used, and the password in place of a code")
            .tried("used the cookie of before the second factor afterwards")
            .covered("pages, calls and forms", tried);
    Ok(match people {
        Some(people) => finding
            .tried("looked for sessions of anybody that opened without the second factor, in the rows and in every log")
            .covered("people with a second factor", usize::try_from(people).unwrap_or(usize::MAX)),
        None => finding,
    })
}

async fn census(store: Option<&Store>) -> Result<Option<u64>, Stop> {
    let Some(store) = store else { return Ok(None) };
    let census = factors::census(store, store.clock().now()).await?;
    if census.skipped > 0 {
        return Err(Stop::Broke(format!(
            "{} live sessions opened without the second factor that is theirs",
            census.skipped
        )));
    }
    let untold = told::walk(store).await?.factors;
    if untold > 0 {
        return Err(Stop::Broke(format!(
            "{untold} live sessions count as given a second factor, and no log tells that it was given"
        )));
    }
    Ok(Some(census.accounts))
}

async fn first_factor(site: &Site, plant: &Plant) -> Result<Visitor, Stop> {
    let mut visitor = Visitor::stranger(site).await;
    let answer = visitor.sign_in(plant.email(), plant.password()).await?;
    if is_in(&visitor.get("/account").await?) {
        return Err(Stop::Broke("the password alone opened the account of somebody with a second factor".to_owned()));
    }
    if !answer.header("location").is_some_and(|to| to.starts_with("/sign-in/second")) {
        return Err(Stop::Failed("signing in led neither to the second factor nor into the account".to_owned()));
    }
    // The token of the one page that is open; every other form is tried with it.
    visitor.form_token("/sign-in/second").await?;
    Ok(visitor)
}

/// Tries everything that should be shut. Yields how much.
async fn knock(pending: &mut Visitor) -> Result<usize, Stop> {
    for path in PAGES.into_iter().chain(CALLS) {
        let answer = pending.get(path).await?;
        if is_in(&answer) {
            return Err(Stop::Broke(format!("{path} opened without the second factor")));
        }
    }
    for (path, fields) in FORMS {
        let answer = pending.post_form(path, fields).await?;
        let shut = match answer.status {
            303 => answer.header("location").is_some_and(|to| to.starts_with("/sign-in")),
            status => (400..500).contains(&status),
        };
        if !shut {
            return Err(Stop::Broke(format!(
                "the form {path} was answered with {} without the second factor",
                answer.status
            )));
        }
    }
    Ok(PAGES.len() + CALLS.len() + FORMS.len())
}

/// Gives the second factor. A code that an attack of a moment ago has used up is no failure: the next one comes.
async fn second_factor(mut pending: Visitor, plant: &Plant, clock: &dyn Clock) -> Result<(String, Visitor), Stop> {
    let mut tried = Vec::new();
    for round in 0..3 {
        for code in plant.codes(clock.now()) {
            // Wrong codes are counted, so none is given twice.
            if tried.contains(&code) {
                continue;
            }
            tried.push(code.clone());
            let answer = pending.post_form("/sign-in/second", &[("code", &code)]).await?;
            match answer.status {
                303 if is_in(&pending.get("/account").await?) => return Ok((code, pending)),
                422 => {}
                status => return Err(Stop::Failed(format!("a right code was answered with {status}"))),
            }
        }
        if round < 2 {
            sleep(Duration::from_secs(15)).await;
        }
    }
    Err(Stop::Failed("no code of the planted authenticator was taken".to_owned()))
}

/// A code that was used must not work again.
async fn replay(site: &Site, plant: &Plant, code: &str) -> Result<(), Stop> {
    let mut visitor = first_factor(site, plant).await?;
    let answer = visitor.post_form("/sign-in/second", &[("code", code)]).await?;
    if answer.status == 303 || is_in(&visitor.get("/account").await?) {
        return Err(Stop::Broke("a code that was used before was taken again".to_owned()));
    }
    // This session stays as it is, owing its factor: the next attack looks whether it still does.
    Ok(())
}

/// A recovery code stands in for the factor once.
async fn recovery_code_twice(site: &Site, entered: &mut Visitor, plant: &Plant) -> Result<(), Stop> {
    let page = entered.post_form("/account/recovery-codes", &[]).await?.text();
    let code = page.split(['<', '>', '\n', ' ']).map(str::trim).find(|word| is_recovery_code(word));
    let code = code.ok_or_else(|| Stop::Failed("no recovery codes were shown".to_owned()))?;
    for (again, expected) in [(false, 303), (true, 422)] {
        let mut visitor = first_factor(site, plant).await?;
        let status = visitor.post_form("/sign-in/second", &[("code", code)]).await?.status;
        match status {
            303 if again => return Err(Stop::Broke("a recovery code that was used before was taken again".to_owned())),
            status if status == expected => {}
            status => return Err(Stop::Failed(format!("a recovery code was answered with {status}"))),
        }
    }
    Ok(())
}

/// Whether a word of a page is a recovery code as they are shown: `7k2mx-0qv9d`.
fn is_recovery_code(word: &str) -> bool {
    let part = |part: &str| part.len() == 5 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    word.split_once('-').is_some_and(|(first, rest)| part(first) && part(rest))
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// The step-up before what is dangerous must ask for the factor too.
async fn step_up(entered: &mut Visitor, plant: &Plant) -> Result<(), Stop> {
    let form = [("password", plant.password()), ("code", ""), ("next", "/account/security")];
    let answer = entered.post_form("/confirm", &form).await?;
    if answer.status == 303 {
        return Err(Stop::Broke("the step-up took the password of somebody with a second factor".to_owned()));
    }
    Ok(())
}
