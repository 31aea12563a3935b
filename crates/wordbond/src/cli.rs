//! The command line, as types.

use crate::{
    keys::{BlobsAt, Keys, KeysAt},
    map_command::MapCommand,
    retention_command::Retention,
    rights_command::{Erase, Export},
};
use accounts::{mailer::SmtpSettings, rights::recipients::Recipient};
use clap::{Args, Parser, Subcommand};
use ingress::forwarded::Cidr;
use kernel::Span;
use outbound::upstream::Place;
use proxy::OpenPath;
use std::{net::SocketAddr, path::PathBuf, str::FromStr};

/// A security page that cannot lie: enforces the promises of a profile, attacks the running system to see whether each
/// still holds, records what it saw in a log that outsiders can verify, and publishes the page.
#[derive(Debug, Parser)]
#[command(name = "wordbond", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve: database, enforcement, probes, ledger and page
    Up(Box<Up>),
    /// Attack the running system now, record and print what was seen
    Check(Check),
    /// Attack a service from outside, as any of its customers can
    Probe(Outside),
    /// Read a service's whole ledger and recompute every verdict on its page
    Verify(Verify),
    /// Break a scratch copy in every known way and see whether the probes notice
    Sabotage(Sabotage),
    /// Work with the promise language
    #[command(subcommand)]
    Promises(Promises),
    /// Inspect and rotate the keys
    Keys(Box<Keys>),
    /// Work with the data map of a foreign database
    #[command(subcommand)]
    Map(MapCommand),
    /// Hand out what a foreign database holds about a person
    Export(Box<Export>),
    /// Erase people from a foreign database
    Erase(Box<Erase>),
    /// Say what has run out by the data map, or let it go now
    Retention(Retention),
    /// Connect to a database socket as the calling user and say what the server answered (probes run this as other users)
    #[command(hide = true)]
    Knock {
        /// The socket.
        socket: PathBuf,
        /// The database role.
        role: String,
    },
}

/// Where the running system keeps its data.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataDir {
    /// Folder of the database, keys and certificates
    #[arg(long, default_value = ".wordbond", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
}

/// `wordbond up`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Up {
    /// The promises to keep
    #[arg(long, value_name = "FILE", default_value = "promises.toml")]
    pub(crate) profile: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Address of the https listener; plain HTTP on it is answered with a redirect
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// A further address that answers plain HTTP with a redirect, such as 0.0.0.0:80
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen_http: Option<SocketAddr>,
    /// The address that the world uses and that probes attack; overrides the profile's
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// A proxy or load balancer in front, as a range such as 10.0.0.0/8: only its X-Forwarded-For tells callers apart
    #[arg(long, value_name = "CIDR")]
    pub(crate) trusted_proxy: Vec<Cidr>,
    /// A PostgreSQL server to use instead of an own one
    #[arg(long, value_name = "URL", env = "WORDBOND_DATABASE_URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Folder of the PostgreSQL programs; searched for when not given
    #[arg(long, value_name = "DIR")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// Certificate chain in PEM, instead of a development certificate
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// An application to stand in front of, such as http://127.0.0.1:3000
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<Place>,
    /// The beginning of a path of that application that needs no session, such as /api/
    #[arg(long, value_name = "PATH", requires = "upstream")]
    pub(crate) upstream_open: Vec<OpenPath>,
    /// How often one address, and one member, may call that application in a minute
    #[arg(long, value_name = "CALLS", requires = "upstream", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) upstream_limit: Option<u32>,
    /// The mail server, as smtps://user:password@host; without it mails are files in the data directory
    #[arg(long, value_name = "URL", env = "WORDBOND_SMTP_URL", hide_env_values = true, value_parser = smtp)]
    pub(crate) smtp: Option<SmtpSettings>,
    /// The address that mails come from; the profile's support address when not given
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail_from: Option<String>,
    /// Whoever else holds people's data and is told of each erasure, as NAME=URL such as crm=https://crm.example/events
    #[arg(long, value_name = "NAME=URL", env = "WORDBOND_RECIPIENTS", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) recipient: Vec<Recipient>,
    /// SHA-1 hashes of breached passwords, sorted, one per line: none of these is taken as a new password
    #[arg(long, value_name = "FILE")]
    pub(crate) breached_passwords: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keys: KeysAt,
    #[command(flatten)]
    pub(crate) blobs: BlobsAt,
    /// How old an epoch of keys may become: then every key is wrapped anew, and what a thief copied before opens no more
    #[arg(long, value_name = "SPAN", default_value = "7 days")]
    pub(crate) key_epoch: Span,
}

/// `wordbond check`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Only these promises: ids, or rows of the published page such as L13
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `wordbond probe`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Outside {
    /// The service, as https://host
    pub(crate) url: String,
    /// A further root certificate to believe, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `wordbond verify`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// The service, as https://host
    pub(crate) url: String,
    /// A further root certificate to believe, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Where the key and the last checkpoint that were seen are remembered; by default below ~/.local/state/wordbond
    #[arg(long, value_name = "FILE")]
    pub(crate) memory: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The K-th of N shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Which, from 1.
    pub(crate) number: usize,
    /// How many there are.
    pub(crate) of: usize,
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("a share is written as K/N, such as 2/6, with K from 1 to N".to_owned()),
        }
    }
}

/// `wordbond sabotage`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Sabotage {
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// The promises of the scratch copy; those of the running system when not given
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Only these faults: ids of faults or controls
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Only a share of each control's faults, as K/N: at least one of each, and all of them over K = 1 to N
    #[arg(long, value_name = "K/N", conflicts_with = "only")]
    pub(crate) share: Option<Share>,
    /// How many scratch copies are broken at a time
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    pub(crate) copies: usize,
    /// How many of the promises that a fault must leave alone are attacked, drawn anew for each; all when not given
    #[arg(long, value_name = "COUNT")]
    pub(crate) others: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `wordbond promises`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Promises {
    /// Find what a reader of the page could hold against it
    Lint {
        /// The profile
        #[arg(default_value = "promises.toml")]
        profile: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say for each promise whether it was added, removed, made stronger, made weaker or reworded
    Diff {
        /// The older profile
        old: PathBuf,
        /// The newer profile
        new: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the promises of a profile, or the documentation of a control
    Show {
        /// The profile
        #[arg(default_value = "promises.toml")]
        profile: PathBuf,
        /// A control to explain instead
        #[arg(long, value_name = "ID")]
        control: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Reads `smtps://user:password@host:465`. The password stands as it is, with every character its own.
fn smtp(text: &str) -> Result<SmtpSettings, String> {
    let shape = || "expected smtps://user:password@host or smtps://host:465".to_owned();
    let rest = text.strip_prefix("smtps://").ok_or_else(shape)?.trim_end_matches('/');
    let (credentials, place) = rest.rsplit_once('@').map_or((None, rest), |(who, place)| (Some(who), place));
    let credentials = credentials.map(|who| who.split_once(':').ok_or_else(shape)).transpose()?;
    let (host, port) = match place.split_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| shape())?),
        None => (place, 465),
    };
    if host.is_empty() || host.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-')) {
        return Err(shape());
    }
    let credentials = credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
    Ok(SmtpSettings { host: host.to_owned(), port, credentials })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_read_and_never_half_read() {
        let full = smtp("smtps://ada:p@ss:w/rd@mail.example:4650").unwrap();
        assert_eq!((full.host.as_str(), full.port), ("mail.example", 4650));
        assert_eq!(full.credentials, Some(("ada".to_owned(), "p@ss:w/rd".to_owned())));
        assert_eq!(smtp("smtps://mail.example").map(|s| (s.port, s.credentials)).unwrap(), (465, None));
        for wrong in [
            "",
            "smtp://mail.example",
            "smtps://",
            "smtps://user@mail.example",
            "smtps://mail.example:x",
            "smtps://a b",
        ] {
            assert!(smtp(wrong).is_err(), "{wrong}");
        }
    }
}
