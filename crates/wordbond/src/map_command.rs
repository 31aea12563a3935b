//! `wordbond map`: proposing and checking a map of a foreign database.

use crate::output::{json, say};
use clap::{Args, Subcommand};
use privacy::foreign::{
    Map,
    discover::discover,
    lint::{Gravity, lint},
};
use serde_json::json as object;
use std::{collections::BTreeSet, error::Error, path::PathBuf};
use store::foreign::{Catalogue, Foreign, Kind, Purpose, TableName};

/// `wordbond map`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// Propose a map of a database from its schema and samples of its rows; no value is ever shown
    Discover {
        /// The database, as postgres://role:password@host/database?sslmode=verify-full; also in $WORDBOND_FOREIGN_URL
        #[arg(env = "WORDBOND_FOREIGN_URL", hide_env_values = true)]
        url: String,
        /// Write the map here instead of printing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The table of people, as schema.table; found where not named
        #[arg(long, value_name = "TABLE")]
        people: Option<TableName>,
        #[command(flatten)]
        schemas: Schemas,
    },
    /// Find what would make an erasure by this map incomplete, or stop it half way
    Lint {
        /// The map
        map: PathBuf,
        /// The database, as postgres://role:password@host/database?sslmode=verify-full; also in $WORDBOND_FOREIGN_URL
        #[arg(env = "WORDBOND_FOREIGN_URL", hide_env_values = true)]
        url: String,
        #[command(flatten)]
        schemas: Schemas,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which schemas of the database.
#[derive(Clone, Debug, Args)]
pub(crate) struct Schemas {
    /// Only these schemas; all when not given
    #[arg(long = "schema", value_name = "NAME")]
    names: Vec<String>,
}

impl Schemas {
    /// The part of the catalogue that is meant.
    pub(crate) fn of(&self, catalogue: Catalogue) -> Catalogue {
        catalogue.within(&self.names.iter().cloned().collect::<BTreeSet<_>>())
    }
}

/// Runs the command and says how it ended.
pub(crate) async fn run(command: MapCommand) -> Result<u8, Box<dyn Error>> {
    match command {
        MapCommand::Discover { url, out, people, schemas } => propose(&url, out, people, &schemas).await,
        MapCommand::Lint { map, url, schemas, json: as_json } => check(&map, &url, &schemas, as_json).await,
    }
}

async fn propose(
    url: &str,
    out: Option<PathBuf>,
    people: Option<TableName>,
    schemas: &Schemas,
) -> Result<u8, Box<dyn Error>> {
    let mut foreign = Foreign::connect(url, Purpose::Read).await?;
    let catalogue = schemas.of(foreign.catalogue().await?);
    let proposal = discover(&mut foreign, &catalogue, people).await?;
    let left = lint(&proposal.map, &catalogue).into_iter().filter(|finding| finding.gravity == Gravity::Error).count();
    let views = catalogue.tables.values().filter(|table| table.kind == Kind::Materialized).count();
    let Some(path) = out else {
        say(proposal.text);
        return Ok(0);
    };
    std::fs::write(&path, &proposal.text).map_err(|error| format!("{}: {error}", path.display()))?;
    say(format!(
        "{}: {} tables ({views} of them materialized views), {} columns, {} of them for you to classify; people are in {}; \
         {} links guessed, {} indexes recommended; `map lint` has {left} errors",
        path.display(),
        catalogue.tables.len(),
        proposal.columns,
        proposal.unclassified,
        proposal.map.subject.table,
        proposal.guessed,
        proposal.indexes.len(),
    ));
    Ok(0)
}

async fn check(path: &PathBuf, url: &str, schemas: &Schemas, as_json: bool) -> Result<u8, Box<dyn Error>> {
    let (_, map) = read(path)?;
    let mut foreign = Foreign::connect(url, Purpose::Read).await?;
    let catalogue = schemas.of(foreign.catalogue().await?);
    let findings = lint(&map, &catalogue);
    let errors = findings.iter().filter(|finding| finding.gravity == Gravity::Error).count();
    if as_json {
        json(&object!({ "findings": findings, "errors": errors }));
    } else {
        findings.iter().for_each(|finding| say(finding.to_string()));
        say(format!(
            "{}: {} tables, {errors} errors, {} pieces of advice",
            path.display(),
            map.tables.len(),
            findings.len() - errors
        ));
    }
    Ok(u8::from(errors > 0))
}

/// Reads a map: as it is written, and what it says.
pub(crate) fn read(path: &PathBuf) -> Result<(String, Map), Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let map = Map::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((text, map))
}
