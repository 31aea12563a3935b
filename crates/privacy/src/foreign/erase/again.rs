//! Going on with a case: after its process died, or because it left something, perhaps with a better map. Who is meant and
//! what was looked for stay as they were when it began: by now the database may not know any more.

use super::{Request, orphans, work};
use crate::foreign::{
    error::ForeignError,
    find::{handles, subjects_in},
    plan::{plan, steps, what},
    state::{Case, Folder, Progress, hex},
};
use store::foreign::Foreign;

/// The map and the steps that follow from it: with others, what is noted of how far it is says nothing.
pub(super) fn way(request: Request<'_>) -> String {
    let steps = steps(request.territory).into_iter().map(|step| format!("{:?} {}\n", what(step), step.table));
    hex([request.text.to_owned()].into_iter().chain(steps).collect::<String>().as_bytes())
}

/// Takes a case up again.
pub(super) async fn go_on(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    request: Request<'_>,
    folder: &Folder,
    mut case: Case,
) -> Result<(Case, Progress), ForeignError> {
    let mut progress = folder.progress()?.unwrap_or_default();
    work::settle(foreign, &mut progress).await?;
    progress.resumed += 1;
    case.identifiers.extend(request.also.iter().cloned());
    let way = way(request);
    if progress.way != way {
        progress = Progress {
            done: carried(request, &case, &progress),
            redacted: progress.redacted,
            resumed: progress.resumed,
            way: way.clone(),
            ..Progress::default()
        };
    }
    if case.way != way {
        adopt((foreign, other), request, &mut case, &progress).await?;
        case.way = way;
    }
    // The progress first: where only that is noted, the case is made to fit it the next time.
    folder.note(&progress)?;
    folder.begin(&case)?;
    Ok((case, progress))
}

/// How many rows each step of now has done already.
fn carried(request: Request<'_>, case: &Case, progress: &Progress) -> Vec<u64> {
    let before = || case.plan.lines.iter().zip(&progress.done);
    let done = |step| before().filter(move |(line, _)| line.is_of(step)).map(|(_, done)| done).sum();
    steps(request.territory).into_iter().map(done).collect()
}

/// Makes the case one of the map of now.
async fn adopt(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    request: Request<'_>,
    case: &mut Case,
    progress: &Progress,
) -> Result<(), ForeignError> {
    let root = &request.map.subject.table;
    let other_people = |why: &str| Err(ForeignError::Refused(format!("{why} than when this erasure was begun")));
    if *root != case.table {
        return other_people("the map names another table of people");
    }
    let Some(subjects) = subjects_in(request.territory, &case.people) else {
        return other_people("the map knows people by a column of other rows");
    };
    let handles = handles(request.territory, &subjects);
    for (table, column) in request.map.identifiers().map_err(ForeignError::Map)? {
        if table == *root {
            case.identifiers.extend(case.people.iter().filter_map(|row| row.get(&column).cloned().flatten()));
        } else if !case.sources.contains(&format!("{table}.{column}")) {
            let found = foreign.values(&table, &column, request.territory.reaches(&table), &handles).await?;
            case.identifiers.extend(found);
            case.sources.insert(format!("{table}.{column}"));
        }
    }
    case.plan = plan((foreign, other), request.map, request.territory, &subjects).await?;
    for (line, done) in case.plan.lines.iter_mut().zip(&progress.done) {
        line.rows += done;
    }
    // What lost its owner by this erasure is not taken for what had none before.
    let mut before = orphans(foreign, request.map).await?;
    before.append(&mut case.orphans);
    case.orphans = before;
    case.subjects = subjects;
    case.map = hex(request.text.as_bytes());
    Ok(())
}
