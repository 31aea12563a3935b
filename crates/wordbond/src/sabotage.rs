//! `wordbond sabotage`: break scratch copies in every known way.

use crate::{
    build,
    catalogue::CONTROLS,
    check,
    cli::{Sabotage, Share},
    output::{complain, json, say},
    running::Ready,
    signals::{stopped, stopping},
};
use kernel::{Clock, SystemClock};
use ledger::Leaf;
use promises::Fault;
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    error::Error,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use store::observations;
use testkit::{Outcome, Runner, Score};
use tokio::{sync::mpsc, task::JoinSet};

/// A fault and the control that declares it.
type Chosen = (&'static str, &'static Fault);

#[derive(Serialize)]
struct Published {
    faults: Vec<Outcome>,
    score: Score,
}

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Sabotage) -> Result<u8, Box<dyn Error>> {
    let ready = Ready::find(&arguments.data.data_dir).ok();
    let profile = profile(&arguments, ready.as_ref())?;
    let chosen = shared(chosen(&arguments.only)?, arguments.share);
    let whole = arguments.only.is_empty() && arguments.share.is_none();
    let executable = std::env::current_exe()?;
    let copies = arguments.copies.clamp(1, chosen.len().max(1));
    if !arguments.json {
        say(format!("{copies} scratch copies of the system; {} faults known", chosen.len()));
    }
    let say_line = |outcome: &Outcome| match arguments.json {
        true => complain(line(outcome)),
        false => say(line(outcome)),
    };
    let stop = stopping()?;
    let each = Copies { executable, profile, others: arguments.others };
    let outcomes = tokio::select! {
        outcomes = carry_out(each, chosen, copies, say_line) => outcomes?,
        // The copies end with the workers that hold them.
        () = stopped(stop) => return Err("stopped before its end; the scratch copies are ended and removed".into()),
    };
    let score = Score::of(&outcomes);
    if let Some(ready) = ready.filter(|_| whole) {
        publish(&arguments, &ready, &outcomes, score).await?;
    } else if whole {
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

/// What each scratch copy is made of.
#[derive(Clone)]
struct Copies {
    executable: PathBuf,
    profile: PathBuf,
    others: Option<usize>,
}

impl Copies {
    async fn warm_up(&self) -> io::Result<Runner> {
        Runner::warm_up(&self.executable, &self.profile, self.others).await
    }
}

/// Carries out the faults on so many scratch copies at a time, each fault alone on its copy. The outcomes come in the order
/// of the catalogue, without the faults that the profile promises nothing about.
async fn carry_out(
    each: Copies,
    faults: Vec<Chosen>,
    copies: usize,
    told: impl Fn(&Outcome),
) -> Result<Vec<Outcome>, Box<dyn Error>> {
    let queue = Arc::new(Mutex::new(faults.into_iter().enumerate().collect::<VecDeque<_>>()));
    let (done, mut outcomes) = mpsc::channel(1);
    let mut workers = JoinSet::new();
    for _ in 0..copies {
        workers.spawn(work(each.clone(), Arc::clone(&queue), done.clone()));
    }
    drop(done);
    let mut all = BTreeMap::new();
    while let Some((at, outcome)) = outcomes.recv().await {
        told(&outcome);
        all.insert(at, outcome);
    }
    while let Some(ended) = workers.join_next().await {
        match ended? {
            // The others did its work.
            Err(error) if !all.is_empty() => complain(format!("a scratch copy did not come to serve: {error}")),
            ended => ended?,
        }
    }
    Ok(all.into_values().collect())
}

/// One scratch copy after another, until no fault is left. A copy that fails is one fault that nobody saw caught, and not the end
/// of all others; only where none ever served there is nothing to go on with.
async fn work(
    each: Copies,
    queue: Arc<Mutex<VecDeque<(usize, Chosen)>>>,
    done: mpsc::Sender<(usize, Outcome)>,
) -> io::Result<()> {
    let mut copy = Some(each.warm_up().await?);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((at, (control, fault))) = next else { break };
        let ready = match copy.take() {
            Some(runner) => Ok(runner),
            None => each.warm_up().await,
        };
        let outcome = match ready {
            Err(error) => Outcome::failed(fault.id, control, &error),
            Ok(mut runner) => {
                let outcome = one(&mut runner, control, fault).await;
                let is_good =
                    outcome.as_ref().is_ok_and(|outcome| outcome.as_ref().is_none_or(|outcome| outcome.undone));
                if is_good {
                    copy = Some(runner);
                } else {
                    // What could not be undone would colour everything after it.
                    end(runner).await;
                }
                match outcome {
                    Ok(Some(outcome)) => outcome,
                    Ok(None) => continue,
                    Err(error) => Outcome::failed(fault.id, control, &error),
                }
            }
        };
        let _ = done.send((at, outcome)).await;
    }
    if let Some(runner) = copy {
        end(runner).await;
    }
    Ok(())
}

async fn end(runner: Runner) {
    if let Err(error) = runner.finish().await {
        complain(format!("a scratch copy did not end in good order: {error}"));
    }
}

/// Carries out a fault that the profile promises something about.
async fn one(runner: &mut Runner, control: &str, fault: &Fault) -> io::Result<Option<Outcome>> {
    if !runner.concerns(fault).await? {
        return Ok(None);
    }
    runner.run(control, fault).await.map(Some)
}

fn profile(arguments: &Sabotage, ready: Option<&Ready>) -> Result<PathBuf, String> {
    let named = arguments.profile.clone().or_else(|| ready.map(|ready| ready.profile.clone()));
    named
        .ok_or_else(|| "say which promises to sabotage with --profile, or start a system with `wordbond up`".to_owned())
}

/// The faults asked for by their own id or their control's; all when none is.
fn chosen(only: &[String]) -> Result<Vec<Chosen>, String> {
    let every =
        || CONTROLS.into_iter().flat_map(|control| control.faults.iter().map(move |fault| (control.spec.id, fault)));
    let names = |name: &String, (control, fault): &(&str, &Fault)| name == fault.id || name == control;
    if let Some(unknown) = only.iter().find(|name| !every().any(|one| names(name, &one))) {
        let known: Vec<&str> = every().map(|(_, fault)| fault.id).collect();
        return Err(format!("there is no fault `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(every().filter(|one| only.is_empty() || only.iter().any(|name| names(name, one))).collect())
}

/// A share of each control's faults. Of a control with fewer faults than there are shares, the shares take them in turn, so
/// that no control goes without.
fn shared(faults: Vec<Chosen>, share: Option<Share>) -> Vec<Chosen> {
    let Some(Share { number, of }) = share else { return faults };
    let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (control, _) in &faults {
        places.entry(control).or_default().1 += 1;
    }
    let mut mine = |control: &str| {
        let Some((at, count)) = places.get_mut(control) else { return false };
        let turns = of.min(*count);
        let taken = *at % turns == (number - 1) % turns;
        *at += 1;
        taken
    };
    faults.into_iter().filter(|(control, _)| mine(control)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use promises::fault::Make;
    use std::collections::BTreeSet;
    use store::accounts::{self, NewAccount};
    use testkit::{scratch_db::ScratchDb, shape::Shape};

    #[test]
    fn shares_leave_no_control_out_and_no_fault() {
        let all = chosen(&[]).unwrap();
        let mut seen = BTreeSet::new();
        for number in 1..=7 {
            let share = shared(all.clone(), Some(Share { number, of: 7 }));
            let controls: BTreeSet<&str> = share.iter().map(|(control, _)| *control).collect();
            let every: BTreeSet<&str> = all.iter().map(|(control, _)| *control).collect();
            assert_eq!(controls, every);
            assert!(share.len() < all.len() / 2);
            seen.extend(share.into_iter().map(|(_, fault)| fault.id));
        }
        assert_eq!(seen.len(), all.len());
        assert_eq!(shared(all.clone(), None).len(), all.len());
    }

    /// An undoing that is written down is true as long as what it restores stays as it is: a later migration changes it, and the
    /// copy is another one from there on.
    #[tokio::test]
    async fn every_undoing_leaves_the_database_as_it_was() {
        let db = ScratchDb::alone().await;
        for email in ["ada@customer.example", "bob@customer.example"] {
            let new = NewAccount { name: "Ada", email, password_hash: None, team: "Engines", verified: true };
            accounts::sign_up(db.store(), new).await.unwrap();
        }
        // These change rows that only a system makes which has served.
        const OF_ROWS: [&str; 5] = [
            "audit-entry-deleted",
            "session-given-to-somebody-else",
            "oidc-link-given-to-somebody-else",
            "erase-clock-set-back",
            "retention-deleted-by-night",
        ];
        let mut shape = Shape::of(&db).await.unwrap();
        let (mut tried, mut of_rows, mut wrong) = (0, Vec::new(), Vec::new());
        for (_, fault) in chosen(&[]).unwrap() {
            let (Make::Sql { make, undo } | Make::SqlWhere { make, undo, .. }) = fault.make else { continue };
            tried += 1;
            match shape.left_by(&db, make, undo).await {
                Ok(left) if left.is_empty() => {}
                Ok(left) => wrong.push(format!("{}: {left:#?}", fault.id)),
                Err(_) if OF_ROWS.contains(&fault.id) => of_rows.push(fault.id),
                Err(error) => wrong.push(format!("{}: {error}", fault.id)),
            }
        }
        assert_eq!(of_rows, OF_ROWS);
        assert!(wrong.is_empty() && tried > 50, "{tried} tried: {}", wrong.join("\n"));
    }

    #[test]
    fn a_share_is_one_of_so_many() {
        assert_eq!("2/6".parse(), Ok(Share { number: 2, of: 6 }));
        for text in ["0/6", "7/6", "2", "a/b", "1/0", ""] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
