//! The rehearsal: the same program on data of its own, with lists that the probe chooses.

mod copy;

use super::{Stop, enrol, strangers};
use crate::{
    provider::{
        loopback::LoopbackIssuer,
        memory,
        planting::{self, Browser, Vouched},
    },
    team::roles::Listed,
};
use aws_lc_rs::digest::{Context, SHA256};
use copy::Copy;
use kernel::{Clock, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// With what the rehearsal is done.
#[derive(Clone, Debug)]
pub struct Rehearse {
    /// The program: `std::env::current_exe()` of whoever runs it.
    pub program: PathBuf,
    /// Where PostgreSQL's programs are, where the operator named a folder.
    pub pg_bin: Option<PathBuf>,
}

/// How long a rehearsal stands for the same program: what it shows depends on nothing else.
const STANDS: i64 = 60 * 60;
/// Where it is remembered, below the data directory.
const MEMORY: &str = "probe/rehearsal.json";

/// What was rehearsed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Rehearsed {
    pub(super) looks: usize,
    pub(super) look_alikes: usize,
    pub(super) lists: usize,
    pub(super) calls: usize,
}

/// A rehearsal that went well, as it is remembered.
#[derive(Serialize, Deserialize)]
struct Remembered {
    program: String,
    variable: String,
    at: Timestamp,
    done: Rehearsed,
}

/// The rehearsal of the last hour with this very program, or a new one. Only one that went well is remembered.
///
/// # Errors
/// As [`run`].
pub(super) async fn recent(with: &Rehearse, variable: &str, data_dir: &Path) -> Result<(Rehearsed, Timestamp), Stop> {
    let file = data_dir.join(MEMORY);
    let program = hash(&with.program).map_err(|error| Stop::Failed(format!("the program cannot be read: {error}")))?;
    let now = SystemClock.now();
    if let Some(known) = memory::read::<Remembered>(&file)
        && known.program == program
        && known.variable == variable
        && (0..STANDS).contains(&now.duration_since(known.at).as_secs())
    {
        return Ok((known.done, known.at));
    }
    let done = run(with, variable).await?;
    let remembered = Remembered { program, variable: variable.to_owned(), at: now, done: done.clone() };
    memory::write(&file, &remembered).map_err(|error| Stop::Failed(format!("{MEMORY}: {error}")))?;
    Ok((done, now))
}

/// The SHA-256 of a file.
fn hash(file: &Path) -> io::Result<String> {
    let mut context = Context::new(&SHA256);
    let (mut file, mut chunk) = (File::open(file)?, vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        context.update(chunk.get(..count).unwrap_or_default());
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Somebody in the rehearsal.
struct Player {
    browser: Browser,
    team: Uuid,
}

#[derive(Deserialize)]
struct Me {
    tenant: Uuid,
}

/// Rehearses with every kind of list.
async fn run(with: &Rehearse, variable: &str) -> Result<Rehearsed, Stop> {
    let (admin, unproven) = (Vouched::stranger(), Vouched::stranger());
    let list = format!("{}, {}", admin.email, unproven.email);
    let mut done = Rehearsed::default();
    let mut copy = Copy::start(with, variable, Some(&list)).await?;
    let routes = strangers::routes(copy.site()).await?;
    let (mut player, other) = {
        let issuer = copy.issuer().await?;
        let mut player = Player::arrive(&copy, &issuer, &admin).await?;
        enrol::second_factor(&mut player.browser).await?;
        let other = Player::arrive(&copy, &issuer, &Vouched::stranger()).await?;
        let alikes = look_alikes(&copy, &issuer, &admin, &routes, other.team).await?;
        (done.look_alikes, done.calls) = (alikes.0, alikes.1);
        (player, other)
    };
    done.calls += listed_but_unproven(&copy, &unproven, &routes, other.team).await?;
    done.look_alikes += 1;
    look(&copy, &mut player, other).await?;
    done.looks = 1;
    let lacking = Vouched::stranger().email;
    let bad: [(&str, Option<String>); 6] = [
        ("unset", None),
        ("empty", Some(String::new())),
        ("separated by semicolons", Some(format!("{};{}", admin.email, unproven.email))),
        ("with a wildcard", Some(format!("{},*@{}", admin.email, domain(&admin.email)))),
        ("ending in a comma", Some(format!("{},", admin.email))),
        ("without the caller", Some(lacking)),
    ];
    for (what, list) in bad {
        copy.restart(list.as_deref()).await?;
        player.browser = player.browser.at(copy.site());
        if player.browser.get("/account").await?.status != 200 {
            return Err(Stop::Failed("in rehearsal, the administrator was signed out by a restart".to_owned()));
        }
        let who = format!("the administrator, with the list {what},");
        done.calls += strangers::shut(&mut player.browser, &routes, &who, Uuid::now_v7()).await.map_err(rehearsed)?;
        done.lists += 1;
    }
    copy.stop().await?;
    Ok(done)
}

impl Player {
    async fn arrive(copy: &Copy, issuer: &LoopbackIssuer, who: &Vouched) -> Result<Self, Stop> {
        let mut browser = Browser::new(copy.site());
        planting::sign_up(&mut browser, issuer, who, &planting::word()).await?;
        let me = browser.get("/api/me").await?.json::<Me>();
        let me = me.map_err(|_| Stop::Failed("in rehearsal, somebody who signed up is in no team".to_owned()))?;
        Ok(Self { browser, team: me.tenant })
    }
}

/// People whose addresses look like the administrator's, each with the second factor that an administrator needs.
async fn look_alikes(
    copy: &Copy,
    issuer: &LoopbackIssuer,
    admin: &Vouched,
    routes: &[Listed],
    team: Uuid,
) -> Result<(usize, usize), Stop> {
    let (local, domain) = admin.email.split_once('@').unwrap_or_default();
    let addresses = [
        admin.email.to_uppercase(),
        format!(" {}", admin.email),
        format!("{local} @{domain}"),
        format!("{local}+admin@{domain}"),
        format!("{local}.@{domain}"),
        format!("{}@{domain}", local.replacen(['a', 'e', 'o'], "\u{0430}", 1)),
        format!("{local}@{}", fullwidth(domain)),
        format!("{local}\u{200b}@{domain}"),
        format!("{local}@{domain}.elsewhere.example"),
        format!("{local}@elsewhere.example,{}", admin.email),
        format!("{}@elsewhere.example", admin.email.replace('@', "%40")),
    ];
    let (mut tried, mut calls) = (0, 0);
    for address in addresses {
        let who = Vouched { email: address, ..Vouched::stranger() };
        let mut browser = Browser::new(copy.site());
        // An address that is refused, or that is somebody's already, gives no account: then nobody is signed in.
        if planting::sign_up(&mut browser, issuer, &who, &planting::word()).await.is_ok() {
            enrol::second_factor(&mut browser).await?;
            browser.get("/account").await?;
        }
        let name = "somebody whose address looks like an administrator's";
        calls += strangers::shut(&mut browser, routes, name, team).await.map_err(rehearsed)?;
        tried += 1;
    }
    Ok((tried, calls))
}

/// Somebody signs up with an address of the list, and never proves it.
async fn listed_but_unproven(copy: &Copy, who: &Vouched, routes: &[Listed], team: Uuid) -> Result<usize, Stop> {
    let mut browser = Browser::new(copy.site());
    browser.get("/sign-up").await?;
    let password = format!("{} {} {}", planting::word(), planting::word(), Uuid::new_v4().simple());
    let (name, email) = (who.name.as_str(), who.email.as_str());
    let form = [("name", name), ("email", email), ("password", &password), ("team", "A team"), ("next", "")];
    browser.post("/sign-up", &form).await?;
    browser.get("/sign-in").await?;
    let answer = browser.post("/sign-in", &[("email", email), ("password", &password), ("next", "")]).await?;
    if answer.status != 303 {
        return Err(Stop::Failed(format!("in rehearsal, POST /sign-in answered {}", answer.status)));
    }
    enrol::second_factor(&mut browser).await?;
    browser.get("/account").await?;
    let name = "somebody who never proved a listed address";
    strangers::shut(&mut browser, routes, name, team).await.map_err(rehearsed)
}

/// The administrator looks at a team: it must work, and both logs must tell of it, with the reason.
async fn look(copy: &Copy, admin: &mut Player, mut other: Player) -> Result<(), Stop> {
    let reason = format!("{} {} {}", planting::word(), planting::word(), planting::word());
    let failed = |what: &str, status: u16| Stop::Failed(format!("in rehearsal, {what} answered {status}"));
    let area = admin.browser.get("/admin").await?;
    if area.status != 200 {
        return Err(failed("GET /admin, by an administrator of the list,", area.status));
    }
    let path = format!("/admin/teams/{}/look", other.team);
    let refused = admin.browser.post(&path, &[("reason", " ")]).await?;
    if refused.status == 303 {
        return Err(Stop::Broke("in rehearsal, a look began without a reason".to_owned()));
    }
    let answer = admin.browser.post(&path, &[("reason", &reason)]).await?;
    let place = answer.header("location").unwrap_or_default().to_owned();
    if answer.status != 303 || !place.starts_with("/admin/looks/") {
        return Err(failed("POST /admin/teams/{id}/look", answer.status));
    }
    let seen = admin.browser.get(&place).await?;
    if seen.status != 200 {
        return Err(failed("GET /admin/looks/{id}", seen.status));
    }
    for path in ["/api/audit", "/team/log"] {
        let log = other.browser.get(path).await?;
        if log.status != 200 {
            return Err(failed(path, log.status));
        }
        if !log.text().contains(&reason) {
            return Err(Stop::Broke(format!("in rehearsal, a look is not told to the team in {path}")));
        }
    }
    let log = copy.operator()?.get(copy.site(), "/operator/audit").await?;
    if log.status == 200 && log.text().contains(&reason) {
        return Ok(());
    }
    Err(Stop::Broke("in rehearsal, a look is not told in the operator's log".to_owned()))
}

/// Says that it was a rehearsal.
fn rehearsed(stop: Stop) -> Stop {
    match stop {
        Stop::Broke(how) => Stop::Broke(format!("in rehearsal, {how}")),
        Stop::Failed(why) => Stop::Failed(format!("in rehearsal, {why}")),
    }
}

fn domain(email: &str) -> &str {
    email.split_once('@').map_or("", |(_, domain)| domain)
}

/// The same letters from the block of full-width forms, which normalising folds together.
fn fullwidth(text: &str) -> String {
    let wide = |sign: char| match sign {
        'a'..='z' => char::from_u32(u32::from(sign) + 0xfee0).unwrap_or(sign),
        other => other,
    };
    text.chars().map(wide).collect()
}
