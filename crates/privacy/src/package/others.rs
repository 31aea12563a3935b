//! Nothing of anybody else: what is taken out of the rows that a person is given.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use store::copy::{Holdings, Row};
use uuid::Uuid;

/// What stands where an id of somebody else stood.
pub const SOMEBODY: &str = "somebody else";

/// Who the person is, and which things the package names by their ids.
pub(super) struct Others {
    own: BTreeSet<Uuid>,
    things: BTreeSet<Uuid>,
    addresses: BTreeSet<String>,
}

impl Others {
    pub(super) fn of(holdings: &Holdings) -> Self {
        let own = holdings.ids();
        let mut things = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for held in &holdings.held {
            for row in &held.rows {
                let columns =
                    row.iter().filter(|(column, _)| column.ends_with("_id") && !held.people.contains(*column));
                things.extend(columns.filter_map(|(_, value)| value.as_str()?.parse::<Uuid>().ok()));
                if matches!(held.table.as_str(), "wordbond.account" | "wordbond.person") {
                    addresses.extend(row.get("email").and_then(Value::as_str).map(str::to_lowercase));
                }
            }
        }
        Self { own, things, addresses }
    }

    /// A row without what is about somebody else.
    pub(super) fn without(&self, section: &str, people: &BTreeSet<String>, row: &Row) -> Row {
        let mut out = row.clone();
        for (column, value) in &mut out {
            if people.contains(column) {
                self.person(value);
            } else {
                self.within(value);
            }
        }
        match section {
            "invitation" => self.invitation(&mut out),
            "objective_revision" => own_words(&mut out),
            _ => {}
        }
        out
    }

    /// An id that names a person, or a list of them.
    fn person(&self, value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| self.person(one)),
            Value::String(text) if !text.parse().is_ok_and(|id| self.own.contains(&id)) => *value = json!(SOMEBODY),
            _ => {}
        }
    }

    /// Ids within what was sealed or told: those that are neither the person's nor of a thing of theirs.
    fn within(&self, value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| self.within(one)),
            Value::Object(all) => all.values_mut().for_each(|one| self.within(one)),
            Value::String(text) => {
                let (kind, id) = text.split_once(':').map_or((None, text.as_str()), |(kind, id)| (Some(kind), id));
                let Ok(id) = id.parse::<Uuid>() else { return };
                if !self.own.contains(&id) && !self.things.contains(&id) {
                    let named = matches!(kind, None | Some("person" | "account"));
                    *value = json!(if named { SOMEBODY.to_owned() } else { kind.unwrap_or_default().to_owned() });
                }
            }
            _ => {}
        }
    }

    /// Whom somebody invited is that person's own business.
    fn invitation(&self, row: &mut Row) {
        let to = row.get("email").and_then(Value::as_str).map(str::to_lowercase);
        if to.is_some_and(|to| !self.addresses.contains(&to)) {
            row.insert("email".to_owned(), json!(SOMEBODY));
        }
    }
}

/// Of a change, what the person wrote: not what stood there before, which others may have written.
fn own_words(row: &mut Row) {
    let Some(Value::Object(body)) = row.get_mut("body") else { return };
    body.remove("state");
    let Some(Value::Array(changes)) = body.get_mut("changes") else { return };
    for change in changes {
        if let Value::Object(change) = change {
            change.remove("from");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{AccountId, PersonId, TenantId};
    use store::copy::Seat;

    fn others(own: PersonId, thing: Uuid) -> Others {
        let seats = vec![Seat { tenant: TenantId::new(), person: own }];
        let mut others = Others::of(&Holdings { account: AccountId::new(), seats, held: Vec::new() });
        others.things.insert(thing);
        others.addresses.insert("ada@example.org".to_owned());
        others
    }

    fn row(value: Value) -> Row {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn ids_of_others_are_taken_out_wherever_they_stand() {
        let (own, other, thing) = (PersonId::new(), PersonId::new(), Uuid::now_v7());
        let others = others(own, thing);
        let people = BTreeSet::from(["owner_id".to_owned(), "ids".to_owned()]);
        let given = others.without("note_grant", &people, &row(json!({
            "owner_id": own, "ids": [own, other], "note_id": thing, "title": "words",
            "targets": [format!("person:{other}"), format!("person:{own}"), format!("note:{thing}"), format!("note:{other}")],
            "body": {"owner": other, "n": 1}, "none": null,
        })));
        let text = Value::Object(given.clone()).to_string();
        assert!(!text.contains(&other.to_string()), "{text}");
        assert_eq!(
            (&given["owner_id"], &given["ids"][0], &given["ids"][1]),
            (&json!(own), &json!(own), &json!(SOMEBODY))
        );
        assert_eq!(given["targets"], json!([SOMEBODY, format!("person:{own}"), format!("note:{thing}"), "note"]));
        assert_eq!(
            (&given["title"], &given["body"]["owner"], &given["body"]["n"]),
            (&json!("words"), &json!(SOMEBODY), &json!(1))
        );
    }

    #[test]
    fn addresses_and_texts_of_others_stay_out() {
        let others = others(PersonId::new(), Uuid::now_v7());
        let given = |email: &str| {
            others.without("invitation", &BTreeSet::new(), &row(json!({"email": email})))["email"].clone()
        };
        assert_eq!((given("Ada@example.org"), given("bob@example.org")), (json!("Ada@example.org"), json!(SOMEBODY)));
        let change = json!({"body": {"deed": "edited", "state": {"title": "a"}, "changes": [{"field": "title", "from": "b", "to": "a"}]}});
        let given = others.without("objective_revision", &BTreeSet::new(), &row(change));
        assert_eq!(given["body"], json!({"deed": "edited", "changes": [{"field": "title", "to": "a"}]}));
    }
}
