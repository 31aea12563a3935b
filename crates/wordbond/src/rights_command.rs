//! `wordbond export` and `wordbond erase`: a person's rights against a foreign database, through a map of it.

use crate::{
    map_command::{Schemas, read},
    output::{json, say},
    system,
};
use clap::Args;
use kernel::SystemClock;
use privacy::foreign::{
    ForeignError, Map, Territory, erase, find::Selector, lint, package, plan::Plan, receipt::word, state::write_whole,
};
use std::{
    error::Error,
    path::{Path, PathBuf},
};
use store::foreign::{Catalogue, Foreign, Purpose};

/// The database and its map.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The map of the database
    #[arg(long, value_name = "FILE")]
    map: PathBuf,
    /// The database, as postgres://role:password@host/database?sslmode=verify-full
    #[arg(long, value_name = "URL", env = "WORDBOND_FOREIGN_URL", hide_env_values = true)]
    database: String,
    #[command(flatten)]
    schemas: Schemas,
}

/// `wordbond export`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    place: Place,
    /// The person, by the key of the table of people
    #[arg(long, value_name = "KEY", required_unless_present = "email", conflicts_with = "email")]
    subject: Option<String>,
    /// The person, by e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A new folder for the package: JSON, HTML, and a CSV per table
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also look for the person in texts that are nobody's, which reads them all
    #[arg(long)]
    search: bool,
    /// What else identifies the person in texts, such as a nickname; may be given several times
    #[arg(long, value_name = "TEXT", requires = "search")]
    also: Vec<String>,
}

/// `wordbond erase`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    place: Place,
    /// The person, by the key of the table of people
    #[arg(long, value_name = "KEY", required_unless_present_any = ["email", "subjects"], conflicts_with_all = ["email", "subjects"])]
    subject: Option<String>,
    /// The person, by e-mail address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "subjects")]
    email: Option<String>,
    /// Many people: a file with a key or an address per line
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
    /// What else identifies the people in texts, such as a nickname; may be given several times
    #[arg(long, value_name = "TEXT")]
    also: Vec<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Where the receipt is written; by default receipt-CASE.json
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Where it is noted how far an erasure has come, until nothing is left; by default below ~/.local/state/wordbond
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What every command needs, opened and checked.
struct Open {
    foreign: Foreign,
    text: String,
    map: Map,
    catalogue: Catalogue,
    territory: Territory,
}

impl Place {
    /// Opens the database and refuses a map that does not fit.
    async fn open(&self, purpose: Purpose) -> Result<Open, Box<dyn Error>> {
        let (text, map) = read(&self.map)?;
        let mut foreign = Foreign::connect(&self.database, purpose).await?;
        let catalogue = self.schemas.of(foreign.catalogue().await?);
        let wrong = lint::errors(&lint::lint(&map, &catalogue));
        if !wrong.is_empty() {
            return Err(ForeignError::Unfit(wrong).into());
        }
        let territory = Territory::of(&map, &catalogue).map_err(ForeignError::Unfit)?;
        Ok(Open { foreign, text, map, catalogue, territory })
    }
}

/// Makes an access package.
pub(crate) async fn export(arguments: Export) -> Result<u8, Box<dyn Error>> {
    let selector = match (arguments.subject, arguments.email) {
        (Some(key), _) => Selector::Key(key),
        (None, Some(address)) => Selector::Email(address),
        (None, None) => return Err("name the person by --subject or --email".into()),
    };
    let mut open = arguments.place.open(Purpose::Read).await?;
    let request = package::Request {
        map: &open.map,
        catalogue: &open.catalogue,
        territory: &open.territory,
        selector: &selector,
        out: &arguments.out,
        search: arguments.search,
        also: &arguments.also,
        clock: &SystemClock,
    };
    let summary = package::write(&mut open.foreign, request).await?;
    let rows: u64 = summary.sections.iter().map(|section| section.rows).sum();
    let tables = summary.sections.iter().filter(|section| section.rows > 0).count();
    say(format!(
        "{}: {rows} rows of {tables} tables; open package.html, or read package.json",
        arguments.out.display()
    ));
    Ok(0)
}

/// Erases somebody, or says what that would do.
pub(crate) async fn erase(arguments: Erase) -> Result<u8, Box<dyn Error>> {
    let selectors = selectors(&arguments)?;
    // The same from wherever it is called: what a case looks for must be found again.
    let states = arguments.state.clone().or_else(|| Some(system::state()?.join("erasures")));
    let states = states.ok_or("there is no home to note in how far an erasure has come: name a folder by --state")?;
    let purpose = if arguments.dry_run { Purpose::Read } else { Purpose::Change };
    let mut open = arguments.place.open(purpose).await?;
    let request = erase::Request {
        text: &open.text,
        map: &open.map,
        catalogue: &open.catalogue,
        territory: &open.territory,
        selectors: &selectors,
        also: &arguments.also,
        states: &states,
        clock: &SystemClock,
    };
    if arguments.dry_run {
        let plan = erase::rehearse(&mut open.foreign, request).await?;
        if arguments.json {
            json(&plan)
        } else {
            show(&plan)
        }
        return Ok(0);
    }
    if let Some(path) = &arguments.receipt {
        erase::spare(&mut open.foreign, request, path).await?;
    }
    let finished = erase::erase(&mut open.foreign, request).await?;
    let path = arguments.receipt.unwrap_or_else(|| format!("receipt-{}.json", finished.receipt.case).into());
    write_whole(&path, &finished.receipt)?;
    if arguments.json {
        json(&finished.receipt)
    } else {
        say(finished.receipt.text())
    }
    let code = u8::from(!finished.receipt.complete);
    finished.close()?;
    Ok(code)
}

fn selectors(arguments: &Erase) -> Result<Vec<Selector>, Box<dyn Error>> {
    let list = |path: &Path| -> Result<Vec<Selector>, Box<dyn Error>> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let named: Vec<Selector> = text.lines().filter(|line| !line.trim().is_empty()).map(Selector::of_line).collect();
        if named.is_empty() { Err(format!("{} names nobody", path.display()).into()) } else { Ok(named) }
    };
    match (&arguments.subject, &arguments.email, &arguments.subjects) {
        (Some(key), ..) => Ok(vec![Selector::Key(key.clone())]),
        (_, Some(address), _) => Ok(vec![Selector::Email(address.clone())]),
        (_, _, Some(path)) => list(path),
        (None, None, None) => Err("name the person by --subject, --email or --subjects".into()),
    }
}

fn show(plan: &Plan) {
    say(format!(
        "{} would be erased",
        if plan.people == 1 { "1 person".to_owned() } else { format!("{} people", plan.people) }
    ));
    for line in plan.lines.iter().filter(|line| line.rows > 0) {
        say(format!("  {:<44} {:<14} {:>9}", line.table.to_string(), word(line.what), line.rows));
    }
    for kept in plan.kept.iter().filter(|kept| kept.rows > 0) {
        say(format!("  {:<44} {:<14} {:>9}: {}", kept.table.to_string(), "kept", kept.rows, kept.reason));
    }
}
