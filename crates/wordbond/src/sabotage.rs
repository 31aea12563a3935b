//! `wordbond sabotage`: break a scratch copy in every known way.

use crate::{
    build,
    catalogue::CONTROLS,
    check,
    cli::Sabotage,
    output::{complain, json, say},
    running::Ready,
};
use kernel::{Clock, SystemClock};
use ledger::Leaf;
use promises::Fault;
use serde::Serialize;
use std::{error::Error, path::PathBuf};
use store::observations;
use testkit::{Outcome, Runner, Score};

#[derive(Serialize)]
struct Published {
    faults: Vec<Outcome>,
    score: Score,
}

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Sabotage) -> Result<u8, Box<dyn Error>> {
    let ready = Ready::find(&arguments.data.data_dir).ok();
    let profile = profile(&arguments, ready.as_ref())?;
    let chosen = chosen(&arguments.only)?;
    let executable = std::env::current_exe()?;
    let mut runner = Runner::warm_up(&executable, &profile).await?;
    let faults: Vec<_> = chosen.into_iter().filter(|(_, fault)| runner.concerns(fault)).collect();
    if !arguments.json {
        say(format!("a scratch copy keeps {} promises; {} faults to make", runner.kept().len(), faults.len()));
    }
    let mut outcomes = Vec::new();
    for (control, fault) in faults {
        let outcome = runner.run(control, fault).await?;
        if !arguments.json {
            say(line(&outcome));
        }
        let spoilt = !outcome.undone;
        outcomes.push(outcome);
        if spoilt {
            // What could not be undone would colour everything after it.
            runner.finish().await?;
            runner = Runner::warm_up(&executable, &profile).await?;
        }
    }
    runner.finish().await?;
    let score = Score::of(&outcomes);
    if let Some(ready) = ready.filter(|_| arguments.only.is_empty()) {
        publish(&arguments, &ready, &outcomes, score).await?;
    } else if arguments.only.is_empty() {
        complain("no system runs there, so the score is published nowhere");
    }
    let clean = score.missed == 0 && score.not_undone == 0 && score.caught > 0;
    if arguments.json {
        json(&Published { faults: outcomes, score });
    } else {
        say(format!("{} caught · {} missed · {} not undone", score.caught, score.missed, score.not_undone));
    }
    Ok(u8::from(!clean))
}

fn profile(arguments: &Sabotage, ready: Option<&Ready>) -> Result<PathBuf, String> {
    let named = arguments.profile.clone().or_else(|| ready.map(|ready| ready.profile.clone()));
    named
        .ok_or_else(|| "say which promises to sabotage with --profile, or start a system with `wordbond up`".to_owned())
}

/// The faults asked for by their own id or their control's; all when none is.
fn chosen(only: &[String]) -> Result<Vec<(&'static str, &'static Fault)>, String> {
    let every =
        || CONTROLS.into_iter().flat_map(|control| control.faults.iter().map(move |fault| (control.spec.id, fault)));
    let names = |name: &String, (control, fault): &(&str, &Fault)| name == fault.id || name == control;
    if let Some(unknown) = only.iter().find(|name| !every().any(|one| names(name, &one))) {
        let known: Vec<&str> = every().map(|(_, fault)| fault.id).collect();
        return Err(format!("there is no fault `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(every().filter(|one| only.is_empty() || only.iter().any(|name| names(name, one))).collect())
}

fn line(outcome: &Outcome) -> String {
    let word = match (outcome.caught, outcome.undone) {
        (true, true) => "caught",
        (true, false) => "NOT UNDONE",
        (false, _) => "MISSED",
    };
    let seconds = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.1} s"));
    let note = outcome.note.as_ref().map_or_else(String::new, |note| format!("  {note}"));
    format!(
        "{word:<10}  {:<36}  red after {}, green after {}{note}",
        outcome.id,
        seconds(outcome.seconds_to_red),
        seconds(outcome.seconds_to_green)
    )
}

/// A whole run's score becomes a leaf of the running system's ledger, and stands on its page for this build.
async fn publish(
    arguments: &Sabotage,
    ready: &Ready,
    outcomes: &[Outcome],
    score: Score,
) -> Result<(), Box<dyn Error>> {
    let system = check::attach(&arguments.data.data_dir, ready).await?;
    let survivors = outcomes.iter().filter(|o| !o.caught || !o.undone).map(|o| o.id.clone()).collect();
    let Score { caught, missed, not_undone } = score;
    let leaf = Leaf::Sabotage { build: build::hash()?, caught, missed, not_undone, survivors, at: SystemClock.now() };
    observations::append(&system.store, &leaf).await?;
    system.store.close().await;
    Ok(())
}
