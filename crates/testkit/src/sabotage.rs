//! The sabotage runner: warm-up → break → see independently that it bites → expect exactly the declared promises to be
//! Broken → undo → Kept. Everything it does, it does from outside, to a scratch copy.

use crate::{
    around::Around, copying::Copying, moved::Moved, restoring::Restoring, scratch_system::ScratchSystem, superuser,
};
use promises::fault::{Bites, Fault, Make};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, raw_sql};
use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};
use tokio::{process::Command, time::sleep};

/// How long a fault may go unnoticed before it counts as missed, and an undone one before it counts as not undone.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often it is looked at least, however long that takes: on a machine that is busy with other things, one look at all
/// promises may outlast the time above, and one probe that failed would then count as a fault that was missed.
const LOOKS: u32 = 3;
/// Paths whose answers are recorded when a fault freezes them.
const FREEZABLE: [&str; 3] = ["/trust", "/trust.json", "/ledger/checkpoint"];

/// What became of one fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The fault.
    pub id: String,
    /// The control that declares it.
    pub control: String,
    /// The promises that had to turn Broken.
    pub promise: Vec<String>,
    /// Whether exactly they did.
    pub caught: bool,
    /// Whether they were Kept again afterwards.
    pub undone: bool,
    /// Seconds from the break until the probes said Broken.
    pub seconds_to_red: Option<f64>,
    /// Seconds from the undoing until they said Kept.
    pub seconds_to_green: Option<f64>,
    /// What went differently, where something did.
    pub note: Option<String>,
}

impl Outcome {
    /// The outcome of a fault on a copy that failed meanwhile: nobody saw it caught, and the copy is of no use any more.
    #[must_use]
    pub fn failed(id: &str, control: &str, error: &io::Error) -> Self {
        Self { note: Some(format!("the scratch copy failed: {error}")), ..Self::begun(id, control) }
    }

    fn begun(id: &str, control: &str) -> Self {
        Self {
            id: id.to_owned(),
            control: control.to_owned(),
            promise: Vec::new(),
            caught: false,
            undone: false,
            seconds_to_red: None,
            seconds_to_green: None,
            note: None,
        }
    }
}

/// The score of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Faults that were noticed, and undone.
    pub caught: u64,
    /// Faults that went unnoticed, or were noticed as something else.
    pub missed: u64,
    /// Faults after whose undoing the promise did not become Kept again.
    pub not_undone: u64,
}

impl Score {
    /// The score of these outcomes.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let count = |test: fn(&Outcome) -> bool| outcomes.iter().filter(|o| test(o)).count() as u64;
        Self {
            caught: count(|o| o.caught && o.undone),
            missed: count(|o| !o.caught),
            not_undone: count(|o| o.caught && !o.undone),
        }
    }
}

/// One row of `wordbond check --json`, as far as the runner needs it.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    id: String,
    control: Option<String>,
    verdict: String,
    observed: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Report {
    promises: Vec<Line>,
}

/// Carries out faults on scratch copies of one executable and profile.
#[derive(Debug)]
pub struct Runner {
    /// The promises that were Kept before anything was broken; the others prove nothing here.
    kept: BTreeSet<String>,
    /// Those that nothing was proven about, such as a way of asking that is not built: a fault says nothing about them.
    unproven: BTreeSet<String>,
    controls: Vec<(String, String)>,
    /// How many promises that a fault must leave alone are looked at, drawn anew for each; all of them without a number.
    others: Option<usize>,
    around: Option<Around>,
    copying: Option<Copying>,
    moved: Option<Moved>,
    restoring: Option<Restoring>,
    // Dropped after the agents, which would bring parts of it back.
    system: ScratchSystem,
}

impl Runner {
    /// Starts a scratch copy and sees which promises it keeps.
    ///
    /// # Errors
    /// The copy does not serve, or its first check cannot be read.
    pub async fn warm_up(executable: &Path, profile: &Path, others: Option<usize>) -> io::Result<Self> {
        let system = ScratchSystem::start(executable, profile).await?;
        let mut rows = check(&system, &[]).await?;
        // A probe that failed says nothing about the copy, which has only just begun to serve: it is asked once more.
        let failed: Vec<String> = rows.iter().filter(|row| row.verdict == "error").map(|row| row.id.clone()).collect();
        if !failed.is_empty() {
            let again = check(&system, &failed.iter().map(String::as_str).collect::<Vec<_>>()).await?;
            rows.retain(|row| !failed.contains(&row.id));
            rows.extend(again.into_iter().filter(|row| failed.contains(&row.id)));
        }
        let of = |verdict: &str| rows.iter().filter(|row| row.verdict == verdict).map(|row| row.id.clone()).collect();
        let (kept, unproven) = (of("kept"), of("unproven"));
        let controls = rows.into_iter().filter_map(|row| Some((row.id, row.control?))).collect();
        Ok(Self { system, kept, unproven, controls, others, around: None, copying: None, moved: None, restoring: None })
    }

    /// The promises that the untouched copy keeps.
    #[must_use]
    pub const fn kept(&self) -> &BTreeSet<String> {
        &self.kept
    }

    /// Whether the profile promises what the fault is for, the first of what it breaks, and the copy has what it takes away: a
    /// service without files has none that could be moved.
    ///
    /// # Errors
    /// The copy cannot be asked.
    pub async fn concerns(&self, fault: &Fault) -> io::Result<bool> {
        let promised = fault.breaks.first().is_some_and(|own| self.controls.iter().any(|(_, control)| control == own));
        match fault.make {
            Make::Moving { which, .. } if promised => Ok(!self.paths(which).await?.is_empty()),
            Make::SqlWhere { there, .. } if promised => self.is_so(there).await,
            _ => Ok(promised),
        }
    }

    /// Carries out one fault.
    ///
    /// # Errors
    /// The scratch copy itself fails: it cannot be restarted or reached by other means than the probes.
    pub async fn run(&mut self, control: &str, fault: &Fault) -> io::Result<Outcome> {
        let targets = self.targets(fault);
        let mut outcome = Outcome { promise: targets.iter().cloned().collect(), ..Outcome::begun(fault.id, control) };
        if let Some(missing) = targets.iter().find(|id| !self.kept.contains(*id)) {
            outcome.note = Some(format!("{missing} is not Kept even before anything is broken"));
            return Ok(outcome);
        }
        if let Some(control) = fault.breaks.iter().find(|control| self.proves_nothing_of(control)) {
            outcome.note = Some(format!("no promise of {control} is Kept even before anything is broken"));
            return Ok(outcome);
        }
        let begun = Instant::now();
        self.make(fault).await?;
        let mut bites = self.bites(fault).await;
        // What nobody sees altered without a session is altered once the attack passes, and what is to be put back must go first.
        let is_later = bites.is_err() && matches!(fault.bites, Bites::Altered | Bites::PutBack);
        if bites.is_ok() || is_later {
            let red = self.until_red(&targets, begun).await?;
            if is_later {
                bites = self.bites(fault).await;
            }
            match red {
                Ok((seconds, at_first)) => {
                    outcome.caught = true;
                    outcome.seconds_to_red = Some(seconds);
                    outcome.note = at_first.map(|what| format!("at first {what}"));
                }
                Err(why) => outcome.note = Some(why),
            }
        }
        if let Err(why) = bites {
            outcome.caught = false;
            outcome.note = Some(format!("the fault does not bite: {why}"));
        }
        let undoing = Instant::now();
        self.undo(fault).await?;
        match self.until_green(&targets, undoing).await? {
            Ok(seconds) => {
                outcome.undone = true;
                outcome.seconds_to_green = Some(seconds);
            }
            Err(why) => outcome.note = Some(why),
        }
        Ok(outcome)
    }

    /// Ends the scratch copy.
    ///
    /// # Errors
    /// It does not stop.
    pub async fn finish(self) -> io::Result<()> {
        let Self { system, around, copying, restoring, .. } = self;
        drop((around, copying, restoring));
        system.stop().await
    }

    /// The promises that must turn Broken: those of the fault's controls, but for what is Unproven before and after.
    fn targets(&self, fault: &Fault) -> BTreeSet<String> {
        let hit = self.controls.iter().filter(|(_, control)| fault.breaks.contains(&control.as_str()));
        hit.map(|(id, _)| id.clone()).filter(|id| !self.unproven.contains(id)).collect()
    }

    /// Whether the profile promises something of the control, and all of it is Unproven.
    fn proves_nothing_of(&self, control: &str) -> bool {
        let mut promised = self.controls.iter().filter(|(_, of)| of == control).peekable();
        promised.peek().is_some() && promised.all(|(id, _)| self.unproven.contains(id))
    }

    /// Attacks the targets until all of them are Broken, and then the others until all that were Kept still are.
    /// Yields the seconds it took to see the fault, and what stood in the way at first where something did.
    async fn until_red(
        &self,
        targets: &BTreeSet<String>,
        begun: Instant,
    ) -> io::Result<Result<(f64, Option<String>), String>> {
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        let (seconds, at_first) = match self.until(&targets, "broken", begun).await? {
            Ok(at_first) => (begun.elapsed().as_secs_f64(), at_first),
            Err(stands) => return Ok(Err(stands)),
        };
        let others: Vec<&str> = self.kept.iter().map(String::as_str).filter(|id| !targets.contains(id)).collect();
        let others = drawn(others, self.others.unwrap_or(usize::MAX));
        if others.is_empty() {
            return Ok(Ok((seconds, at_first)));
        }
        Ok(self.until(&others, "kept", Instant::now()).await?.map(|_| (seconds, at_first)))
    }

    /// Attacks these promises until each reads so. Yields what stood in the way at first, or what still does.
    async fn until(
        &self,
        promises: &[&str],
        verdict: &str,
        begun: Instant,
    ) -> io::Result<Result<Option<String>, String>> {
        let (mut at_first, mut looks) = (None, 0);
        loop {
            looks += 1;
            let rows = check(&self.system, promises).await?;
            let wrong = rows.iter().find(|row| promises.contains(&row.id.as_str()) && row.verdict != verdict);
            let Some(row) = wrong else { return Ok(Ok(at_first)) };
            let stands = format!("{} is {} ({})", row.id, row.verdict, row.observed.as_deref().unwrap_or("nothing"));
            if is_enough(looks, begun.elapsed()) {
                return Ok(Err(stands));
            }
            at_first.get_or_insert(stands);
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn until_green(&self, targets: &BTreeSet<String>, undoing: Instant) -> io::Result<Result<f64, String>> {
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        let ended = self.until(&targets, "kept", undoing).await?;
        let still = |stands: String| format!("after the undoing {stands}");
        Ok(ended.map(|_| undoing.elapsed().as_secs_f64()).map_err(still))
    }

    async fn make(&mut self, fault: &Fault) -> io::Result<()> {
        match fault.make {
            Make::Sql { make, .. } | Make::SqlWhere { make, .. } => self.sql(make).await,
            Make::Middle(meddling) => {
                self.system.middle().meddle(meddling, &FREEZABLE).await;
                Ok(())
            }
            Make::File { from, to } => {
                let to = self.system.data_dir().join(to);
                if let Some(parent) = to.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                std::fs::copy(self.system.data_dir().join(from), to)?;
                self.system.restart().await
            }
            Make::Copying { from, to, form } => {
                let data = self.system.data_dir();
                self.copying = Some(Copying::begin(&data.join(from), &data.join(to), form)?);
                Ok(())
            }
            Make::Restoring(folder) => {
                self.restoring = Some(Restoring::begin(&self.system.data_dir().join(folder))?);
                Ok(())
            }
            Make::Moving { which, aside } => {
                let paths = self.paths(which).await?;
                self.moved = Some(Moved::aside(self.system.data_dir(), &paths, aside)?);
                Ok(())
            }
            Make::AroundTheGate => {
                if let Some(upstream) = upstream(self.system.data_dir()) {
                    self.around = Some(Around::open(upstream).await?);
                }
                Ok(())
            }
            Make::Server { hba, settings, socket_mode } => {
                crate::server_fault::make(self.system.data_dir(), hba, settings, socket_mode).await
            }
        }
    }

    async fn undo(&mut self, fault: &Fault) -> io::Result<()> {
        match fault.make {
            Make::Sql { undo, .. } | Make::SqlWhere { undo, .. } => self.sql(undo).await,
            Make::Middle(_) => {
                self.system.middle().straighten();
                Ok(())
            }
            Make::File { to, .. } => {
                std::fs::remove_file(self.system.data_dir().join(to))?;
                self.system.restart().await
            }
            Make::Copying { .. } => self.copying.take().map_or(Ok(()), Copying::end),
            Make::Restoring(_) => self.restoring.take().map_or(Ok(()), Restoring::end),
            Make::Moving { .. } => self.moved.take().map_or(Ok(()), Moved::back),
            Make::AroundTheGate => {
                self.around = None;
                Ok(())
            }
            Make::Server { .. } => crate::server_fault::undo(self.system.data_dir()).await,
        }
    }

    async fn sql(&self, statements: &'static str) -> io::Result<()> {
        let mut connection = superuser::connect(self.system.data_dir()).await?;
        raw_sql(statements).execute(&mut connection).await.map_err(io::Error::other)?;
        connection.close().await.map_err(io::Error::other)
    }

    /// What a question answers: yes or no.
    async fn is_so(&self, question: &'static str) -> io::Result<bool> {
        let mut connection = superuser::connect(self.system.data_dir()).await?;
        let yes = sqlx::query_scalar(question).fetch_one(&mut connection).await.map_err(io::Error::other)?;
        connection.close().await.map_err(io::Error::other)?;
        Ok(yes)
    }

    /// What a question names, one text in each row.
    async fn paths(&self, question: &'static str) -> io::Result<Vec<String>> {
        let mut connection = superuser::connect(self.system.data_dir()).await?;
        let paths = sqlx::query_scalar(question).fetch_all(&mut connection).await.map_err(io::Error::other)?;
        connection.close().await.map_err(io::Error::other)?;
        Ok(paths)
    }

    /// Looks by other means than the probe whether the fault is there.
    async fn bites(&self, fault: &Fault) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        match fault.bites {
            Bites::Sql(question) => {
                let yes = self.is_so(question).await.map_err(|e| text(&e))?;
                yes.then_some(()).ok_or_else(|| format!("`{question}` says no"))
            }
            Bites::HeaderNot(path, name, value) => {
                let answer = curl(&self.system, path, &["--head"]).await?;
                let whole = format!("{name}: {value}").to_lowercase();
                let found = answer.to_lowercase().lines().any(|line| line.trim() == whole);
                if found { Err(format!("{path} still carries {name}: {value}")) } else { Ok(()) }
            }
            Bites::Body(path, part) => {
                let body = curl(&self.system, path, &[]).await?;
                body.contains(part).then_some(()).ok_or_else(|| format!("{path} does not contain {part:?}"))
            }
            Bites::Handshake(arguments) => handshake(&self.system, arguments).await,
            Bites::Plain(path, status) => {
                let url = self.system.url().replace("https://", "http://");
                let code =
                    run(Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}"]).arg(url + path))
                        .await?;
                (code == status.to_string()).then_some(()).ok_or_else(|| format!("plain HTTP answered {code}"))
            }
            Bites::Swallowed(path) => {
                let arguments = ["-X", "POST", "-H", "Content-Type: application/reports+json", "-d", "[]"];
                curl(&self.system, path, &arguments).await?;
                (self.system.middle().swallowed() > 0).then_some(()).ok_or_else(|| "nothing was swallowed".to_owned())
            }
            Bites::Altered => {
                curl(&self.system, "/trust", &[]).await?;
                curl(&self.system, "/trust.json", &[]).await?;
                (self.system.middle().altered() > 0).then_some(()).ok_or_else(|| "nothing was altered".to_owned())
            }
            Bites::Answer { method, path, headers, body, status } => {
                let mut arguments = vec!["-X", method, "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", body];
                arguments.extend(headers.iter().flat_map(|header| ["-H", header]));
                let code = curl(&self.system, path, &arguments).await?;
                (code == status.to_string()).then_some(()).ok_or_else(|| format!("{method} {path} answered {code}"))
            }
            Bites::Around => match &self.around {
                Some(around) if around.bites().await => Ok(()),
                Some(_) => Err("the application cannot be reached past the gate".to_owned()),
                None => Err("no application stands behind the scratch copy".to_owned()),
            },
            Bites::PutBack => {
                let restored = self.restoring.as_ref().is_some_and(|agent| agent.restored() > 0);
                restored.then_some(()).ok_or_else(|| "nothing was put back".to_owned())
            }
            Bites::File(path) => {
                self.system.data_dir().join(path).exists().then_some(()).ok_or_else(|| format!("{path} is not there"))
            }
        }
    }
}

/// Whether to give up after so many looks and so much time.
fn is_enough(looks: u32, elapsed: Duration) -> bool {
    looks >= LOOKS && elapsed > PATIENCE
}

/// The application behind the proxy of the system in that data directory, as its `ready.json` names it.
fn upstream(data_dir: &Path) -> Option<SocketAddr> {
    let ready: serde_json::Value = serde_json::from_slice(&std::fs::read(data_dir.join("ready.json")).ok()?).ok()?;
    let authority = ready.get("upstream")?.as_str()?.strip_prefix("http://")?.trim_end_matches('/');
    let (host, port) = authority.rsplit_once(':')?;
    let host = if host == "localhost" { Ipv4Addr::LOCALHOST.into() } else { host.parse().ok()? };
    Some(SocketAddr::new(host, port.parse().ok()?))
}

/// So many of them, drawn at random.
fn drawn(mut promises: Vec<&str>, count: usize) -> Vec<&str> {
    let dice = RandomState::new();
    promises.sort_by_cached_key(|promise| dice.hash_one(promise));
    promises.truncate(count);
    promises
}

/// Runs `wordbond check --json` against the scratch copy, as a process of its own.
async fn check(system: &ScratchSystem, only: &[&str]) -> io::Result<Vec<Line>> {
    let mut command = Command::new(system.executable());
    command.kill_on_drop(true).args(["check", "--json", "--data-dir"]).arg(system.data_dir());
    if !only.is_empty() {
        command.arg("--only").args(only);
    }
    let output = command.output().await?;
    let report: Report = serde_json::from_slice(&output.stdout).map_err(|error| {
        io::Error::other(format!(
            "the check printed no report ({error}): {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    })?;
    Ok(report.promises)
}

async fn curl(system: &ScratchSystem, path: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("curl");
    command.args(["-s", "--max-time", "10", "--cacert"]).arg(system.data_dir().join("tls/ca.pem"));
    run(command.args(arguments).arg(system.url() + path)).await
}

async fn handshake(system: &ScratchSystem, arguments: &[&str]) -> Result<(), String> {
    let authority = system.url().replace("https://", "");
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &authority]).args(arguments);
    if !arguments.contains(&"-noservername") {
        command.args(["-servername", "localhost"]);
    }
    let output = command.stdin(std::process::Stdio::null()).output().await.map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(format!("openssl s_client {arguments:?} failed")) }
}

async fn run(command: &mut Command) -> Result<String, String> {
    let output = command.kill_on_drop(true).output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{:?} ended with {}", command.as_std().get_program(), output.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_look_is_not_enough() {
        assert!(!is_enough(1, PATIENCE * 9), "a busy machine");
        assert!(!is_enough(9, PATIENCE), "a quick one");
        assert!(is_enough(LOOKS, PATIENCE + Duration::from_secs(1)));
    }
}
