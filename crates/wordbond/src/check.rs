//! `wordbond check`: attack now.

use crate::{
    board::InForce,
    catalogue,
    cli::Check,
    output::{Line, Report, complain, json, say},
    recorder,
    running::Ready,
    system::{Behind, System, operator, trust},
};
use outbound::Site;
use promises::Promise;
use std::{error::Error, io::IsTerminal, path::Path, sync::Arc};
use store::{Config, Store};

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Check) -> Result<u8, Box<dyn Error>> {
    let ready = Ready::find(&arguments.data.data_dir)?;
    let system = Arc::new(attach(&arguments.data.data_dir, &ready).await?);
    let asked = asked(&system.in_force, &arguments.only)?;
    let coloured = std::io::stdout().is_terminal();
    let tell = |line: &Line| {
        if !arguments.json {
            say(line.text(coloured));
        }
    };
    let attacked = recorder::attack(&system, &asked, tell).await?;
    let report = Report::of(lines(&system, &asked, &attacked));
    if arguments.json {
        json(&report);
    } else {
        for line in report.promises.iter().filter(|line| attacked.iter().all(|done| done.id != line.id)) {
            say(line.text(coloured));
        }
        say(report.summary_text());
    }
    system.store.close().await;
    Ok(report.exit_code())
}

/// Joins the running system with the operator's credentials.
pub(crate) async fn attach(data_dir: &Path, ready: &Ready) -> Result<System, Box<dyn Error>> {
    let catalogue = Arc::new(catalogue::catalogue());
    let in_force = Arc::new(read_profile(&ready.profile, &catalogue)?);
    let mut config = Config::at(data_dir);
    config.database = ready.managed.then(|| std::env::var("WORDBOND_DATABASE_URL")).transpose().map_err(|_| {
        "the system uses a managed database: set WORDBOND_DATABASE_URL to its URL, as for `wordbond up`".to_owned()
    })?;
    config.root = ready.keys.source(None, Some(&in_force.profile))?;
    config.key_mirror.clone_from(&ready.keys.key_mirror);
    config.blobs = ready.blobs.place(&in_force.profile, data_dir)?;
    let behind = match &ready.upstream {
        Some(place) => {
            let open = ready.upstream_open.iter().map(|path| path.parse()).collect::<Result<_, _>>()?;
            Some(Behind::at(place.parse()?, open, &ready.app)?)
        }
        None => None,
    };
    Ok(System {
        behind,
        site: Site::new(&ready.app, trust(ready.ca.as_deref())?)?,
        operator: operator(data_dir)?,
        store: Store::attach(config).await?,
        data_dir: data_dir.to_owned(),
        in_force,
        catalogue,
        build: crate::build::hash()?,
    })
}

/// Reads a profile; what is wrong with it is said in full.
pub(crate) fn read_profile(file: &Path, catalogue: &promises::Catalogue) -> Result<InForce, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let profile = promises::Profile::parse(&text, catalogue).map_err(|diagnostics| {
        complain(format!(
            "{} cannot be used:\n{}",
            file.display(),
            diagnostics.render(&file.display().to_string(), &text)
        ));
        format!("{} has errors", file.display())
    })?;
    let hash = crate::build::hash_of(&text);
    Ok(InForce { profile, text, hash })
}

/// The promises asked for by id or by row of the published page; all when none is.
fn asked(in_force: &InForce, only: &[String]) -> Result<Vec<Promise>, String> {
    let names = |promise: &Promise, name: &String| {
        promise.id == *name || promise.claims.contains(name) || family(promise, name)
    };
    if let Some(unknown) =
        only.iter().find(|name| !in_force.profile.promises.iter().any(|promise| names(promise, name)))
    {
        return Err(format!("the profile has no promise `{unknown}`; `wordbond promises show` lists them"));
    }
    let wanted = |promise: &&Promise| only.is_empty() || only.iter().any(|name| names(promise, name));
    Ok(in_force.profile.promises.iter().filter(wanted).cloned().collect())
}

/// `L20` names `L20.in`, `L20.out` and `L20.database` together.
fn family(promise: &Promise, name: &str) -> bool {
    promise.claims.iter().any(|claim| claim.strip_prefix(name).is_some_and(|part| part.starts_with('.')))
}

/// A line for each promise in the order of the page: by what was just seen, or by what the profile alone says.
pub(crate) fn lines(system: &System, promises: &[Promise], attacked: &[Line]) -> Vec<Line> {
    let line = |promise: &Promise| {
        let seen = attacked.iter().find(|line| line.id == promise.id);
        seen.cloned().unwrap_or_else(|| recorder::line(system, promise, None))
    };
    promises.iter().map(line).collect()
}
