//! A rehearsal: copies of many days are swept as if they were real.

use super::{Stop, day_of, logs, sweep_days, unexpected};
use jiff::{ToSpan as _, civil::Date};
use kernel::{Span, Timestamp};
use std::{collections::BTreeSet, fs, path::Path};
use uuid::Uuid;

/// How many days beyond those kept are made.
const BEYOND: i64 = 10;

/// Sweeps copies of days below `folder`, and once more a day later: exactly those must go that are over for so long.
/// Yields how many days there were.
pub(super) fn rehearse(folder: &Path, keep: Span, now: Timestamp) -> Result<usize, Stop> {
    let folder = folder.join(format!("logs-{}", Uuid::new_v4().simple()));
    let done = fs::create_dir_all(&folder)
        .map_err(|error| unexpected(&folder, &error).into())
        .and_then(|()| days(&folder, keep, now));
    let removed = fs::remove_dir_all(&folder).map_err(|error| unexpected(&folder, &error));
    let days = done?;
    removed?;
    Ok(days)
}

fn days(folder: &Path, keep: Span, now: Timestamp) -> Result<usize, Stop> {
    const DAY: i64 = 24 * 60 * 60;
    let kept = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX / 4);
    let today = now.as_second().div_euclid(DAY);
    let all: BTreeSet<i64> = (today - kept / DAY - BEYOND..=today).collect();
    for day in &all {
        let path = folder.join(format!("server-{}.log", date(*day)?));
        fs::write(&path, "").map_err(|error| unexpected(&path, &error))?;
    }
    for later in [0, 1] {
        let at = now.checked_add((24 * later).hours()).unwrap_or(now);
        sweep_days(folder, keep, at, false)?;
        let left: BTreeSet<Date> = logs(folder)?.iter().filter_map(|path| day_of(path)).collect();
        for day in &all {
            // A day stays until its last instant has been kept for so long.
            let stays = (day + 1) * DAY + kept > now.as_second() + later * DAY;
            let date = date(*day)?;
            match (stays, left.contains(&date)) {
                (true, false) => {
                    return Err(Stop::Broke(format!("rehearsal: a sweep removed the log of {date} early")));
                }
                (false, true) => return Err(Stop::Broke(format!("rehearsal: a sweep left the log of {date}"))),
                _ => {}
            }
        }
    }
    Ok(all.len())
}

/// The day of that number since 1970.
fn date(day: i64) -> Result<Date, Stop> {
    let first = Date::constant(1970, 1, 1);
    first.checked_add(day.days()).map_err(|_| Stop::Failed("the clock is out of all bounds".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_what_has_run_out_goes_whatever_the_hour() {
        let folder = tempfile::tempdir().unwrap();
        for now in ["2026-11-22T00:00:00Z", "2026-11-22T00:00:01Z", "2026-03-01T23:59:59Z", "2024-02-29T12:00:00Z"] {
            for keep in [Span::days(1), Span::days(30), Span::days(90)] {
                let found = rehearse(folder.path(), keep, now.parse().unwrap());
                assert!(matches!(found, Ok(days) if days > 10), "{now} {keep}");
            }
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
