//! Objectives of one's own that are made again, with their key results and where those stood.
//!
//! They are typed anew, today, by whoever brings them: in their name, with the rights that they have in the team. History stays
//! where it was made; of each key result the newest check-in is made again, since without it nobody would see how far it was.

use super::Reader;
use std::collections::BTreeMap;
use store::{
    StoreError,
    objectives::{self, Filter, KeyResultFields, NewCheckIn, ObjectiveFields, Refusal, Writer},
};
use uuid::Uuid;

/// A key result here.
struct Known {
    objective: Uuid,
    id: Uuid,
    fields: KeyResultFields,
    has_check_in: bool,
}

/// What there is, and what became of what is brought.
#[derive(Default)]
pub(super) struct Goals {
    /// The bearer's objectives here; `None` until one is brought.
    objectives: Option<Vec<(Uuid, ObjectiveFields)>>,
    key_results: Vec<Known>,
    /// Ids here by those in the package.
    objective_ids: BTreeMap<Uuid, Uuid>,
    key_result_ids: BTreeMap<Uuid, Uuid>,
    /// What was made here and was put away there: objectives, and key results with theirs.
    archived: Vec<Uuid>,
    archived_key_results: Vec<(Uuid, Uuid)>,
}

impl Reader {
    fn writer(&self) -> Writer {
        Writer { person: self.bearer.person, role: self.bearer.role }
    }

    /// Looks at the objectives that the bearer has here already.
    async fn know_goals(&mut self) -> Result<(), StoreError> {
        if self.goals.objectives.is_some() {
            return Ok(());
        }
        let tree = objectives::tree(&mut self.scoped().await?, Filter::All).await?;
        let own = tree.objectives.into_iter().filter(|one| one.fields.owner == Some(self.bearer.person));
        self.goals.objectives = Some(own.map(|one| (one.id, one.fields)).collect());
        self.goals.key_results = tree
            .key_results
            .into_iter()
            .map(|one| Known {
                objective: one.objective,
                id: one.id,
                has_check_in: one.latest.is_some(),
                fields: one.fields,
            })
            .collect();
        Ok(())
    }

    pub(super) async fn objective(
        &mut self,
        (id, parent): (Uuid, Option<Uuid>),
        fields: ObjectiveFields,
        archived: bool,
    ) -> Result<(), StoreError> {
        self.know_goals().await?;
        let parent = parent.and_then(|parent| self.goals.objective_ids.get(&parent).copied());
        let fields = ObjectiveFields { owner: Some(self.bearer.person), parent, ..fields }.checked()?;
        // What it supports may be somebody else's there and nothing here: the same objective all the same.
        let same = |other: &ObjectiveFields| ObjectiveFields { parent, ..other.clone() } == fields;
        let there = self.goals.objectives.iter().flatten().find(|(_, other)| same(other));
        if let Some((known, _)) = there {
            self.goals.objective_ids.insert(id, *known);
            self.done.present += 1;
            return Ok(());
        }
        let mut scoped = self.scoped().await?;
        let new = acceptable(objectives::create(&mut scoped, self.writer(), fields.clone()).await)?;
        scoped.commit().await?;
        self.goals.objectives.get_or_insert_default().push((new, fields));
        self.goals.objective_ids.insert(id, new);
        if archived {
            self.goals.archived.push(new);
        }
        self.done.objectives += 1;
        Ok(())
    }

    pub(super) async fn key_result(
        &mut self,
        (id, objective): (Uuid, Uuid),
        fields: KeyResultFields,
        archived: bool,
    ) -> Result<(), StoreError> {
        let objective = made(&self.goals.objective_ids, objective)?;
        let fields = KeyResultFields { owner: Some(self.bearer.person), ..fields }.checked()?;
        let same = |known: &&Known| known.objective == objective && known.fields == fields;
        if let Some(known) = self.goals.key_results.iter().find(same) {
            self.goals.key_result_ids.insert(id, known.id);
            self.done.present += 1;
            return Ok(());
        }
        let mut scoped = self.scoped().await?;
        let new = acceptable(objectives::add(&mut scoped, self.writer(), objective, fields.clone()).await)?;
        scoped.commit().await?;
        self.goals.key_results.push(Known { objective, id: new, fields, has_check_in: false });
        self.goals.key_result_ids.insert(id, new);
        if archived {
            self.goals.archived_key_results.push((objective, new));
        }
        self.done.key_results += 1;
        Ok(())
    }

    pub(super) async fn check_in(&mut self, key_result: Uuid, new: NewCheckIn) -> Result<(), StoreError> {
        let id = made(&self.goals.key_result_ids, key_result)?;
        let (writer, mut scoped) = (self.writer(), self.scoped().await?);
        let known = self.goals.key_results.iter_mut().find(|known| known.id == id).ok_or(StoreError::NotFound)?;
        if known.has_check_in {
            self.done.present += 1;
            return Ok(());
        }
        acceptable(objectives::check_in(&mut scoped, writer, (known.objective, id), new).await)?;
        scoped.commit().await?;
        known.has_check_in = true;
        self.done.check_ins += 1;
        Ok(())
    }

    /// At the end: nothing can be added to what is put away.
    pub(super) async fn put_away(&mut self) -> Result<(), StoreError> {
        let writer = self.writer();
        for place in std::mem::take(&mut self.goals.archived_key_results) {
            let mut scoped = self.scoped().await?;
            acceptable(objectives::set_key_result_archived(&mut scoped, writer, place, 1, true).await)?;
            scoped.commit().await?;
        }
        for id in std::mem::take(&mut self.goals.archived) {
            let mut scoped = self.scoped().await?;
            acceptable(objectives::set_archived(&mut scoped, writer, id, 1, true).await)?;
            scoped.commit().await?;
        }
        Ok(())
    }
}

/// What was made here of something in the package.
fn made(ids: &BTreeMap<Uuid, Uuid>, id: Uuid) -> Result<Uuid, StoreError> {
    ids.get(&id).copied().ok_or_else(|| StoreError::Invalid("what it belongs to is not in the copy".to_owned()))
}

/// What its bearer may not write is not acceptable.
fn acceptable<T>(result: Result<T, Refusal>) -> Result<T, StoreError> {
    result.map_err(|refusal| match refusal {
        Refusal::Store(error) => error,
        other => StoreError::Invalid(other.to_string()),
    })
}
