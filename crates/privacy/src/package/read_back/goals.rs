//! Objectives of one's own that are made again, with their key results and where those stood.
//!
//! They are typed anew, today, by whoever brings them: in their name, with the rights that they have in the team. History stays
//! where it was made; of each key result their newest check-in is made again, since without it nobody would see how far it was.
//!
//! What was put away is made at the end, each with all that belongs to it in one transaction: it takes no room from what is
//! current, and is never seen half made.

use super::Reader;
use std::collections::BTreeMap;
use store::{
    Scoped, StoreError,
    objectives::{self, Filter, KeyResultFields, NewCheckIn, ObjectiveFields, Refusal, Writer},
};
use uuid::Uuid;

/// An objective that was here before.
struct Objective {
    id: Uuid,
    fields: ObjectiveFields,
    archived: bool,
}

/// A key result that was here before.
struct KeyResult {
    id: Uuid,
    objective: Uuid,
    fields: KeyResultFields,
    archived: bool,
    has_check_in: bool,
}

/// A key result here, and whether somebody has checked in.
#[derive(Clone, Copy)]
struct Place {
    objective: Uuid,
    id: Uuid,
    has_check_in: bool,
}

/// A key result that is made at the end.
struct Late {
    id: Uuid,
    /// In the package.
    objective: Uuid,
    fields: KeyResultFields,
    archived: bool,
    check_in: Option<NewCheckIn>,
}

/// What was here, of which each stands for one of what is brought; and what became of that. Ids are those in the package.
#[derive(Default)]
pub(super) struct Goals {
    is_known: bool,
    objectives: Vec<Objective>,
    key_results: Vec<KeyResult>,
    objectives_here: BTreeMap<Uuid, Uuid>,
    key_results_here: BTreeMap<Uuid, Place>,
    late_objectives: BTreeMap<Uuid, ObjectiveFields>,
    late_key_results: Vec<Late>,
}

impl Reader {
    fn writer(&self) -> Writer {
        Writer { person: self.bearer.person, role: self.bearer.role }
    }

    /// Looks at what is here, before the first is made.
    async fn know_goals(&mut self) -> Result<(), StoreError> {
        if self.goals.is_known {
            return Ok(());
        }
        let tree = objectives::tree(&mut self.scoped().await?, Filter::All).await?;
        let own = tree.objectives.into_iter().filter(|one| one.fields.owner == Some(self.bearer.person));
        let objective = |one: objectives::Objective| Objective {
            id: one.id,
            fields: one.fields,
            archived: one.archived_at.is_some(),
        };
        self.goals.objectives = own.map(objective).collect();
        let key_result = |one: objectives::KeyResult| KeyResult {
            id: one.id,
            objective: one.objective,
            archived: one.archived_at.is_some(),
            has_check_in: one.latest.is_some(),
            fields: one.fields,
        };
        self.goals.key_results = tree.key_results.into_iter().map(key_result).collect();
        self.goals.is_known = true;
        Ok(())
    }

    pub(super) async fn objective(
        &mut self,
        (id, parent): (Uuid, Option<Uuid>),
        fields: ObjectiveFields,
        archived: bool,
    ) -> Result<(), StoreError> {
        self.know_goals().await?;
        let parent = parent.and_then(|parent| self.goals.objectives_here.get(&parent).copied());
        let fields = ObjectiveFields { owner: Some(self.bearer.person), parent, ..fields }.checked()?;
        // Where what it supports is not in the copy, it may support whatever it does here.
        let same = |other: &Objective| {
            let parent = parent.or(other.fields.parent);
            other.archived == archived && other.fields == ObjectiveFields { parent, ..fields.clone() }
        };
        if let Some(at) = self.goals.objectives.iter().position(same) {
            let known = self.goals.objectives.remove(at);
            self.goals.objectives_here.insert(id, known.id);
            self.done.present += 1;
            return Ok(());
        }
        if archived {
            self.goals.late_objectives.insert(id, fields);
            return Ok(());
        }
        let mut scoped = self.scoped().await?;
        let new = acceptable(objectives::create(&mut scoped, self.writer(), fields).await)?;
        scoped.commit().await?;
        self.goals.objectives_here.insert(id, new);
        self.done.objectives += 1;
        Ok(())
    }

    pub(super) async fn key_result(
        &mut self,
        (id, above): (Uuid, Uuid),
        fields: KeyResultFields,
        archived: bool,
    ) -> Result<(), StoreError> {
        let fields = KeyResultFields { owner: Some(self.bearer.person), ..fields }.checked()?;
        let late = |fields| Late { id, objective: above, fields, archived, check_in: None };
        if self.goals.late_objectives.contains_key(&above) {
            self.goals.late_key_results.push(late(fields));
            return Ok(());
        }
        let objective = self.goals.objectives_here.get(&above).copied().ok_or_else(elsewhere)?;
        let same =
            |other: &KeyResult| (other.objective, other.archived) == (objective, archived) && other.fields == fields;
        if let Some(at) = self.goals.key_results.iter().position(same) {
            let KeyResult { id: known, has_check_in, .. } = self.goals.key_results.remove(at);
            self.goals.key_results_here.insert(id, Place { objective, id: known, has_check_in });
            self.done.present += 1;
            return Ok(());
        }
        if archived {
            self.goals.late_key_results.push(late(fields));
            return Ok(());
        }
        let mut scoped = self.scoped().await?;
        let new = acceptable(objectives::add(&mut scoped, self.writer(), objective, fields).await)?;
        scoped.commit().await?;
        self.goals.key_results_here.insert(id, Place { objective, id: new, has_check_in: false });
        self.done.key_results += 1;
        Ok(())
    }

    pub(super) async fn check_in(&mut self, key_result: Uuid, new: NewCheckIn) -> Result<(), StoreError> {
        if let Some(late) = self.goals.late_key_results.iter_mut().find(|late| late.id == key_result) {
            late.check_in = Some(new);
            return Ok(());
        }
        let place = self.goals.key_results_here.get(&key_result).copied().ok_or_else(elsewhere)?;
        if place.has_check_in {
            self.done.present += 1;
            return Ok(());
        }
        let mut scoped = self.scoped().await?;
        acceptable(objectives::check_in(&mut scoped, self.writer(), (place.objective, place.id), new).await)?;
        scoped.commit().await?;
        self.done.check_ins += 1;
        Ok(())
    }

    /// Makes what was put away.
    pub(super) async fn put_away(&mut self) -> Result<(), StoreError> {
        let writer = self.writer();
        let mut late = std::mem::take(&mut self.goals.late_key_results);
        // Each that is put away gives its room up at once.
        late.sort_by_key(|one| !one.archived);
        for (id, fields) in std::mem::take(&mut self.goals.late_objectives) {
            let own: Vec<Late> = late.extract_if(.., |one| one.objective == id).collect();
            let mut scoped = self.scoped().await?;
            let made = put_away(&mut scoped, writer, fields, &own).await;
            self.count((1, &own), made, scoped).await?;
        }
        for one in late {
            let Some(objective) = self.goals.objectives_here.get(&one.objective).copied() else { continue };
            let mut scoped = self.scoped().await?;
            let made = add(&mut scoped, writer, objective, &one).await;
            self.count((0, std::slice::from_ref(&one)), made, scoped).await?;
        }
        Ok(())
    }

    /// Keeps and counts what was made in one transaction: so many objectives, and these key results.
    async fn count(
        &mut self,
        (objectives, key_results): (usize, &[Late]),
        made: Result<(), Refusal>,
        scoped: Scoped,
    ) -> Result<(), StoreError> {
        let check_ins = key_results.iter().filter(|one| one.check_in.is_some()).count();
        match acceptable(made) {
            Ok(()) => {
                scoped.commit().await?;
                self.done.objectives += objectives;
                self.done.key_results += key_results.len();
                self.done.check_ins += check_ins;
                Ok(())
            }
            Err(StoreError::Invalid(_)) => {
                self.done.refused += objectives + key_results.len() + check_ins;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

async fn put_away(
    scoped: &mut Scoped,
    writer: Writer,
    fields: ObjectiveFields,
    key_results: &[Late],
) -> Result<(), Refusal> {
    let id = objectives::create(scoped, writer, fields).await?;
    for one in key_results {
        add(scoped, writer, id, one).await?;
    }
    objectives::set_archived(scoped, writer, id, 1, true).await.map(drop)
}

async fn add(scoped: &mut Scoped, writer: Writer, objective: Uuid, one: &Late) -> Result<(), Refusal> {
    let id = objectives::add(scoped, writer, objective, one.fields.clone()).await?;
    if let Some(new) = one.check_in.clone() {
        objectives::check_in(scoped, writer, (objective, id), new).await?;
    }
    if one.archived {
        objectives::set_key_result_archived(scoped, writer, (objective, id), 1, true).await?;
    }
    Ok(())
}

fn elsewhere() -> StoreError {
    StoreError::Invalid("what it belongs to is not in the copy".to_owned())
}

/// What its bearer may not write is not acceptable.
fn acceptable<T>(result: Result<T, Refusal>) -> Result<T, StoreError> {
    result.map_err(|refusal| match refusal {
        Refusal::Store(error) => error,
        other => StoreError::Invalid(other.to_string()),
    })
}
