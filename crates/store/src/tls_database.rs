//! The link to the database (control `tls-database`): a unix socket that lets one user in, or verified TLS 1.3.
//!
//! Behind the socket the attack comes from other operating-system users: this very program is started again as one of
//! them and knocks in every role. At a managed server the attack comes over the wire: plain text, old TLS, a certificate
//! that does not verify.

mod faults;
pub mod knock;
mod wire;

pub use faults::FAULTS;
pub use knock::{Knock, knock};

use crate::{
    Address, Role, Store, StoreError,
    server::{
        SUPERUSER,
        layout::{RunsAs, other_users, own_name},
    },
};
use kernel::Span;
use knock::SOCKET;
use promises::{
    ControlSpec, Finding, Promise,
    control::{Mode, Standards, Vantage},
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::task::JoinSet;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "tls-database",
    title: "The link to the database is verified TLS 1.3, or a unix socket that knows its callers",
    about: "The server of this machine listens on one unix socket in a directory of mode 0700 and identifies callers by peer \
            authentication. The probe knocks at it as another operating-system user and as the server's own, in every role, \
            and as every user of the machine at any other socket that is named like PostgreSQL's and is no other server's; it \
            looks for a listener on TCP of the server or its user, at whatever address; Wordbond's own user must get in. At a managed server the probe \
            tries plain text, TLS 1.2 and a certificate that does not verify, all of which must fail, and TLS 1.3, which must \
            succeed. Knocking as another user takes root; without it the probe proves nothing and says so.",
    wing: "store",
    vantage: Vantage::Inside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::minutes(45),
    covers: &["database link", "database connection", "link to the database"],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(a)"],
        iso27001: &["8.20", "8.24"],
        soc2: &["CC6.1", "CC6.7"],
        asvs: &["12.3.1", "12.3.3"],
    },
};

/// Attacks the link. `program` is the executable that understands `knock SOCKET-DIRECTORY ROLE`, prints [`Knock::line`] and
/// nothing else: Wordbond itself, best as `/proc/self/exe`, which another user can start wherever it lies.
pub async fn probe(store: &Store, program: &Path, _promise: &Promise) -> Finding {
    let finding = match store.address() {
        Address::Socket { dir, port, .. } => socket(store, dir, *port, program).await,
        Address::Url { bootstrap } => wire::attack(store, bootstrap).await,
    };
    finding.unwrap_or_else(|error| Finding::failed(format!("the link could not be attacked: {error}")))
}

/// Everybody whom a caller could claim to be.
fn roles() -> impl Iterator<Item = &'static str> {
    Role::ALL.into_iter().map(Role::name).chain([SUPERUSER, "postgres"])
}

async fn socket(store: &Store, dir: &Path, port: u16, program: &Path) -> Result<Finding, StoreError> {
    // The positive control: what is refused to others must be open to us, or the refusals prove nothing.
    drop(store.connect_as(Role::App).await?);
    let own = own_name()?;
    let mut leaks = directory(dir);
    let listeners = wire::listeners(dir, port).await;
    leaks.extend(listeners.open);
    let Some(strangers) = strangers() else {
        return Ok(match leaks.first() {
            Some(leak) => Finding::broke(leak.clone()),
            None => Finding::nothing(format!(
                "knocking at the socket as somebody else takes root, and this program runs as {own}; run the check as root"
            )),
        });
    };
    let known = dir.join(format!("{SOCKET}{port}"));
    let others = wire::doors(&known, &wire::Server::of(dir, port));
    let mut round = Round::default();
    // Where a directory stops a user who is nobody's, it stops every ordinary user; where not, all get to the door.
    let mut reached = false;
    for (at, user) in strangers.iter().enumerate() {
        reached |= round.knock(program, &known, "the server's socket", *user).await && at == 0;
    }
    let mut unable = std::mem::take(&mut round.unable);
    if reached {
        for user in other_users() {
            round.knock(program, &known, "the server's socket", user).await;
        }
        unable.append(&mut round.unable);
    }
    // A door elsewhere may go while it is looked at, and one that does not answer lets nobody in.
    for door in &others {
        for user in strangers.iter().copied().chain(other_users()) {
            round.knock(program, door, "another socket", user).await;
        }
    }
    leaks.extend(round.leaks);
    let knocks = round.knocks;
    let finding = if let Some(first) = leaks.first() {
        let more = leaks.len() - 1;
        Finding::broke(if more == 0 { first.clone() } else { format!("{first}; and {more} more") })
    } else if let Some(why) = unable.first() {
        Finding::failed(format!("a knock did not happen: {why}"))
    } else {
        Finding::held(format!(
            "{knocks} knocks at the socket as {} other users were refused, no PostgreSQL listens on TCP, and {own} gets in",
            strangers.len()
        ))
    };
    Ok(finding
        .tried("knocked at the unix socket as other operating-system users, the server's own among them, in every role")
        .tried(format!("knocked at {} other sockets as every user of the machine", others.len()))
        .tried(format!("spoke PostgreSQL to {} local TCP addresses", listeners.tried))
        .tried("looked at the permissions of the socket's directory")
        .covered("users", strangers.len())
        .covered("knocks", knocks)
        .covered("addresses", listeners.tried))
}

/// What came of knocking.
#[derive(Default)]
struct Round {
    knocks: usize,
    leaks: Vec<String>,
    unable: Vec<String>,
}

impl Round {
    /// Knocks at one door as one user, in every role at once. Whether the user got as far as the door.
    async fn knock(&mut self, program: &Path, door: &Path, which: &str, (uid, gid): (u32, u32)) -> bool {
        let knock = |role: &'static str| {
            let (program, door) = (program.to_owned(), door.to_owned());
            async move { (role, knock::as_user(&program, &door, role, uid, gid).await) }
        };
        let mut knocking: JoinSet<(&'static str, Knock)> = roles().map(knock).collect();
        let mut reached = false;
        while let Some(Ok((role, knock))) = knocking.join_next().await {
            self.knocks += 1;
            match knock {
                Knock::Refused(why) => reached |= why != knock::BY_THE_DIRECTORY,
                Knock::LetIn => {
                    reached = true;
                    self.leaks.push(format!("the user with id {uid} is let in as {role} at {which}"));
                }
                Knock::Unable(why) => self.unable.push(why),
            }
        }
        reached
    }
}

/// What is wrong with the directory of the socket.
fn directory(dir: &Path) -> Vec<String> {
    match fs::metadata(dir) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            vec![format!(
                "the socket's directory has the mode {:04o} instead of 0700",
                meta.permissions().mode() & 0o7777
            )]
        }
        Ok(_) => Vec::new(),
        Err(error) => vec![format!("the socket's directory cannot be looked at: {error}")],
    }
}

/// Other users to knock as: one that has nothing to do with the server, and the one that the server runs as. `None` where
/// this program cannot become anybody else.
fn strangers() -> Option<Vec<(u32, u32)>> {
    let server = RunsAs::choose().ok().filter(|who| who.other)?;
    // Two ids that nobody is given by default: below the range of dynamic users and above that of people.
    let stranger = (60_999..61_002).find(|id| *id != server.uid)?;
    Some(vec![(stranger, stranger), (server.uid, server.gid)])
}
