//! `wordbond promises`: lint, diff, show.

use crate::{
    catalogue,
    check::read_profile,
    cli::Promises,
    output::{json, say},
};
use kernel::{Clock, SystemClock};
use promises::{
    Catalogue, ControlSpec, diff,
    lint::{self, lint},
};
use std::error::Error;

/// Runs the command and says how it ended.
pub(crate) fn run(command: Promises) -> Result<u8, Box<dyn Error>> {
    let catalogue = catalogue::catalogue();
    match command {
        Promises::Lint { profile, json: as_json } => {
            let read = read_profile(&profile, &catalogue)?;
            let found = lint(&read.profile, &catalogue, SystemClock.now());
            if as_json {
                json(&found);
            } else {
                say(lint::render(&found, &profile.display().to_string(), &read.text));
                say(format!(
                    "{}: {} promises, {} findings",
                    profile.display(),
                    read.profile.promises.len(),
                    found.len()
                ));
            }
            Ok(u8::from(!found.is_empty()))
        }
        Promises::Diff { old, new, json: as_json } => {
            let (old, new) = (read_profile(&old, &catalogue)?, read_profile(&new, &catalogue)?);
            let changes = diff(&old.profile, &new.profile, &catalogue);
            if as_json {
                json(&changes);
            } else {
                changes.iter().for_each(|change| say(change.to_string()));
                if changes.is_empty() {
                    say("nothing changed");
                }
            }
            Ok(0)
        }
        Promises::Show { control: Some(id), json: as_json, .. } => show_control(&catalogue, &id, as_json),
        Promises::Show { profile, control: None, json: as_json } => {
            let read = read_profile(&profile, &catalogue)?;
            if as_json {
                json(&read.profile);
            } else {
                for promise in &read.profile.promises {
                    let claims = promise.claims.join(", ");
                    let control = promise.control.as_deref().unwrap_or("–");
                    say(format!("{:<28} {claims:<16} {control:<20} {}", promise.id, promise.words));
                }
            }
            Ok(0)
        }
    }
}

fn show_control(catalogue: &Catalogue, id: &str, as_json: bool) -> Result<u8, Box<dyn Error>> {
    let spec = catalogue.get(id).ok_or_else(|| {
        let known: Vec<&str> = catalogue.iter().map(|spec| spec.id).collect();
        format!("there is no control `{id}`; there are {}", known.join(", "))
    })?;
    if as_json {
        json(spec);
    } else {
        say(document(spec, catalogue.is_built(id)));
    }
    Ok(0)
}

/// The documentation that a control's definition yields.
fn document(spec: &ControlSpec, built: bool) -> String {
    let state = if built { "built" } else { "announced: its promises are Unproven" };
    let mut text = format!("{} — {}\n{state}; wing {}\n\n{}\n", spec.id, spec.title, spec.wing, spec.about.trim());
    for param in spec.params {
        let default = param.default.map_or_else(|| "required".to_owned(), |default| format!("default {default}"));
        text += &format!("\n  {:<16} {} ({default})", param.name, param.about);
    }
    let standards = [
        ("GDPR", spec.standards.gdpr),
        ("ISO 27001:2022", spec.standards.iso27001),
        ("SOC 2", spec.standards.soc2),
        ("ASVS 5.0", spec.standards.asvs),
    ];
    for (name, clauses) in standards.into_iter().filter(|(_, clauses)| !clauses.is_empty()) {
        text += &format!("\n  {name}: {}", clauses.join(", "));
    }
    text + &format!("\n  attacked every {}, counts for {}", spec.cadence, spec.freshness)
}
