//! The members of the team, by name.

use ingress::Answer;
use kernel::PersonId;
use std::collections::BTreeMap;
use store::{Scoped, StoreError, team};

/// Everybody who is in the team now.
pub(crate) struct People(BTreeMap<PersonId, String>);

impl People {
    pub(crate) async fn of(scoped: &mut Scoped) -> Answer<Self> {
        Ok(Self::read(scoped).await?)
    }

    /// Nobody.
    pub(crate) const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// As [`Self::of`], with the store's own error.
    pub(crate) async fn read(scoped: &mut Scoped) -> Result<Self, StoreError> {
        let members = team::members(scoped).await?;
        Ok(Self(members.into_iter().map(|member| (member.person, member.name)).collect()))
    }

    /// The name of a member.
    pub(crate) fn name(&self, person: PersonId) -> Option<&str> {
        self.0.get(&person).map(String::as_str)
    }

    /// Every member.
    pub(crate) fn ids(&self) -> impl Iterator<Item = PersonId> {
        self.0.keys().copied()
    }

    /// Every member with their name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PersonId, &str)> {
        self.0.iter().map(|(id, name)| (*id, name.as_str()))
    }

    /// Every member, by name, to choose from.
    pub(crate) fn choices(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self.0.iter().map(|(person, name)| (person.to_string(), name.clone())).collect();
        all.sort_by_key(|(_, name)| name.to_lowercase());
        all
    }
}
