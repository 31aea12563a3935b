//! The members of the team, by name.

use ingress::Answer;
use kernel::PersonId;
use std::collections::BTreeMap;
use store::{Scoped, team};

/// Everybody who is in the team now.
pub(crate) struct People(BTreeMap<PersonId, String>);

impl People {
    pub(crate) async fn of(scoped: &mut Scoped) -> Answer<Self> {
        let members = team::members(scoped).await?;
        Ok(Self(members.into_iter().map(|member| (member.person, member.name)).collect()))
    }

    /// The name of a member.
    pub(crate) fn name(&self, person: PersonId) -> Option<&str> {
        self.0.get(&person).map(String::as_str)
    }

    /// Every member, by name.
    pub(crate) fn by_name(&self) -> Vec<(PersonId, &str)> {
        let mut all: Vec<_> = self.0.iter().map(|(person, name)| (*person, name.as_str())).collect();
        all.sort_by_key(|(_, name)| name.to_lowercase());
        all
    }
}
