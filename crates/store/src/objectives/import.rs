//! An export that is read back, into a team that has no objectives yet.
//!
//! What is read was in somebody's hands: every row is checked as if it were typed, and the history must lead, change by
//! change, to what it is the history of. Ids are made anew. Whoever checked in or changed something in the other workspace is
//! nobody here: no member becomes the author of what they did not write.

mod check;

use super::{
    Refusal, Writer, check_ins,
    export::Everything,
    history::{self, Revision},
    invalid, key_results, number,
    read::{KeyResult, Objective},
    write,
};
use crate::{Scoped, StoreError, audit, time::At};
use kernel::{Permission, PersonId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How much was read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Objectives.
    pub objectives: usize,
    /// Key results.
    pub key_results: usize,
    /// Check-ins.
    pub check_ins: usize,
    /// Revisions.
    pub revisions: usize,
}

/// Writes everything of another workspace into the scope's team, which must have no objectives. `owners` says which member is
/// whom there; what belonged to anybody else is nobody's.
///
/// # Errors
/// [`Refusal::NotTheirs`] for whoever does not own the team; [`StoreError::Taken`] when there are objectives;
/// [`StoreError::Invalid`] with the first thing that is wrong. Nothing is written then.
pub async fn import(
    scoped: &mut Scoped,
    writer: Writer,
    mut everything: Everything,
    owners: &BTreeMap<PersonId, PersonId>,
) -> Result<Imported, Refusal> {
    if !writer.role.may(Permission::TeamOwn) {
        return Err(Refusal::NotTheirs("only the owner of a team reads a whole workspace back"));
    }
    check::check(&everything, scoped.now())?;
    empty(scoped).await?;
    Ids::of(&everything, owners).apply(&mut everything);
    let Everything { tree, check_ins, revisions } = everything;
    let done = Imported {
        objectives: tree.objectives.len(),
        key_results: tree.key_results.len(),
        check_ins: check_ins.len(),
        revisions: revisions.len(),
    };
    let mut objectives = tree.objectives;
    // What supports something is of a lower level: what it supports is there before.
    objectives.sort_by_key(|one| one.fields.level);
    for one in &objectives {
        insert_objective(scoped, one).await?;
    }
    let mut under = BTreeMap::new();
    for one in &tree.key_results {
        insert_key_result(scoped, one).await?;
        under.insert(one.id, one.objective);
    }
    for one in &check_ins {
        let objective = under.get(&one.key_result).copied().ok_or(StoreError::NotFound)?;
        check_ins::insert(scoped, objective, one).await?;
    }
    for one in revisions {
        history::insert(scoped, one).await?;
    }
    note(scoped, done).await?;
    Ok(done)
}

async fn note(scoped: &mut Scoped, done: Imported) -> Result<(), StoreError> {
    let counts = [done.objectives, done.key_results, done.check_ins, done.revisions].map(|count| count.to_string());
    let [objectives, key_results, check_ins, revisions] = counts.each_ref().map(String::as_str);
    let context =
        [("objectives", objectives), ("key-results", key_results), ("check-ins", check_ins), ("revisions", revisions)];
    let target = format!("tenant:{}", scoped.tenant());
    audit::note(scoped, "objective.import", &[target], &context).await
}

/// Refuses a team that has objectives. Of two imports at once the second waits for the first.
async fn empty(scoped: &mut Scoped) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('objectives ' || $1::text, 0))")
        .bind(tenant.uuid())
        .execute(scoped.conn())
        .await?;
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM wordbond.objective WHERE tenant_id = $1)")
        .bind(tenant.uuid())
        .fetch_one(scoped.conn())
        .await?;
    if there {
        return Err(StoreError::Taken("the team has objectives: an export is read back into an empty workspace only"));
    }
    Ok(())
}

/// The ids that everything gets here, in the order that it had there.
struct Ids<'a> {
    objectives: BTreeMap<Uuid, Uuid>,
    key_results: BTreeMap<Uuid, Uuid>,
    /// Whoever wrote something there: nobody here.
    authors: BTreeMap<PersonId, PersonId>,
    owners: &'a BTreeMap<PersonId, PersonId>,
}

impl<'a> Ids<'a> {
    fn of(everything: &Everything, owners: &'a BTreeMap<PersonId, PersonId>) -> Self {
        let Everything { tree, check_ins, revisions } = everything;
        let authors = check_ins.iter().map(|one| one.person).chain(revisions.iter().map(|one| one.person));
        Self {
            objectives: tree.objectives.iter().map(|one| (one.id, Uuid::now_v7())).collect(),
            key_results: tree.key_results.iter().map(|one| (one.id, Uuid::now_v7())).collect(),
            authors: authors.map(|person| (person, PersonId::new())).collect(),
            owners,
        }
    }

    fn apply(&mut self, everything: &mut Everything) {
        let Everything { tree, check_ins, revisions } = everything;
        for one in &mut tree.objectives {
            one.id = self.objective(one.id);
            one.fields.parent = one.fields.parent.map(|parent| self.objective(parent));
            one.fields.owner = self.owner(one.fields.owner);
        }
        for one in &mut tree.key_results {
            one.id = self.key_result(one.id);
            one.objective = self.objective(one.objective);
            one.fields.owner = self.owner(one.fields.owner);
        }
        for one in check_ins {
            one.id = Uuid::now_v7();
            one.key_result = self.key_result(one.key_result);
            one.person = self.author(one.person);
        }
        for one in revisions {
            one.id = Uuid::now_v7();
            one.objective = self.objective(one.objective);
            one.key_result = one.key_result.map(|id| self.key_result(id));
            one.person = self.author(one.person);
            self.within(one);
        }
    }

    /// What a revision tells of owners and parents.
    fn within(&mut self, revision: &mut Revision) {
        for change in &mut revision.changes {
            self.value(&change.field, &mut change.from);
            self.value(&change.field, &mut change.to);
        }
        if let Value::Object(state) = &mut revision.state {
            for (field, value) in state {
                self.value(field, value);
            }
        }
    }

    fn value(&mut self, field: &str, value: &mut Value) {
        let Some(id) = value.as_str().and_then(|text| text.parse::<Uuid>().ok()) else { return };
        match field {
            "owner" => {
                let there = PersonId::from(id);
                let here = self.owners.get(&there).copied();
                *value = json!(here.unwrap_or_else(|| *self.authors.entry(there).or_default()));
            }
            "parent" => *value = json!(self.objective(id)),
            _ => {}
        }
    }

    /// An objective that history names and that is no longer there keeps no id of elsewhere.
    fn objective(&mut self, id: Uuid) -> Uuid {
        *self.objectives.entry(id).or_insert_with(Uuid::now_v7)
    }

    fn key_result(&mut self, id: Uuid) -> Uuid {
        *self.key_results.entry(id).or_insert_with(Uuid::now_v7)
    }

    fn author(&mut self, person: PersonId) -> PersonId {
        *self.authors.entry(person).or_default()
    }

    fn owner(&self, owner: Option<PersonId>) -> Option<PersonId> {
        owner.and_then(|owner| self.owners.get(&owner).copied())
    }
}

async fn insert_objective(scoped: &mut Scoped, one: &Objective) -> Result<(), StoreError> {
    let (tenant, fields) = (scoped.tenant(), &one.fields);
    let body = write::seal(scoped, one.id, one.version, fields)?;
    const SQL: &str =
        "INSERT INTO wordbond.objective (tenant_id, objective_id, owner_id, parent_id, level, status, starts_on,
            ends_on, weight, check_in_every, body, version, created_at, updated_at, archived_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, $8::text::date, $9, $10, $11, $12, $13, $14, $15)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(one.id)
        .bind(fields.owner.map(PersonId::uuid))
        .bind(fields.parent)
        .bind(fields.level.word())
        .bind(fields.status.word())
        .bind(fields.starts_on.to_string())
        .bind(fields.ends_on.to_string())
        .bind(i16::from(fields.weight))
        .bind(fields.check_in_every.word())
        .bind(body.as_bytes())
        .bind(number(one.version))
        .bind(At(one.created_at))
        .bind(At(one.updated_at))
        .bind(one.archived_at.map(At))
        .execute(scoped.conn())
        .await?;
    Ok(())
}

async fn insert_key_result(scoped: &mut Scoped, one: &KeyResult) -> Result<(), StoreError> {
    let (tenant, fields) = (scoped.tenant(), &one.fields);
    let body = key_results::seal(scoped, one.id, one.version, fields)?;
    const SQL: &str =
        "INSERT INTO wordbond.key_result (tenant_id, key_result_id, objective_id, owner_id, unit, direction,
            weight, body, version, created_at, updated_at, archived_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(one.id)
        .bind(one.objective)
        .bind(fields.owner.map(PersonId::uuid))
        .bind(fields.unit.word())
        .bind(fields.direction.word())
        .bind(i16::from(fields.weight))
        .bind(body.as_bytes())
        .bind(number(one.version))
        .bind(At(one.created_at))
        .bind(At(one.updated_at))
        .bind(one.archived_at.map(At))
        .execute(scoped.conn())
        .await?;
    Ok(())
}
