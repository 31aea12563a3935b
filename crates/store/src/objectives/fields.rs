//! What people write about an objective and a key result, and what is accepted of it.

use super::{LONGEST_TEXT, LONGEST_TITLE, invalid};
use crate::{StoreError, tenancy::text};
use jiff::civil::Date;
use kernel::PersonId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $one:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$about])* #[serde(rename = $word)] $one),+ }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$one),+];

            /// The word in the database, in forms and in answers.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$one => $word),+ }
            }

            /// The one of this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// Whose an objective is.
    Level {
        /// The company's.
        Company = "company",
        /// The team's.
        Team = "team",
        /// One person's.
        Personal = "personal",
    }
}

words! {
    /// Where an objective is in its life.
    Status {
        /// Being written.
        Draft = "draft",
        /// Being worked on.
        Active = "active",
        /// Reached, or its time is over.
        Completed = "completed",
        /// Waiting.
        OnHold = "on-hold",
        /// Given up.
        Cancelled = "cancelled",
    }
}

words! {
    /// How often somebody should check in.
    Every {
        /// Each week.
        Week = "week",
        /// Every two weeks.
        TwoWeeks = "two-weeks",
        /// Each month.
        Month = "month",
    }
}

words! {
    /// What a key result is measured in.
    Unit {
        /// Anything that is counted.
        Number = "number",
        /// Per cent.
        Percentage = "percentage",
        /// Money.
        Currency = "currency",
        /// Done (1) or not (0).
        Boolean = "boolean",
    }
}

words! {
    /// Which way is good.
    Direction {
        /// Up to the target.
        Increase = "increase",
        /// Down to the target.
        Decrease = "decrease",
        /// Between the lower and the upper bound.
        Maintain = "maintain",
    }
}

/// What people write about an objective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectiveFields {
    /// What is to be reached.
    pub title: String,
    /// What that means; may be empty.
    pub description: String,
    /// Whose it is. Chosen once: it says who may write.
    pub level: Level,
    /// Where it is in its life.
    pub status: Status,
    /// Who answers for it.
    pub owner: Option<PersonId>,
    /// The objective that it supports, of a higher level.
    pub parent: Option<Uuid>,
    /// The first day.
    pub starts_on: Date,
    /// The last day.
    pub ends_on: Date,
    /// How much it counts among its siblings, 0 to 100.
    pub weight: u8,
    /// How often somebody should check in.
    pub check_in_every: Every,
}

/// What people write about a key result. Figures are finite and below 10¹⁵ either way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyResultFields {
    /// What is measured.
    pub title: String,
    /// Who answers for it.
    pub owner: Option<PersonId>,
    /// In what.
    pub unit: Unit,
    /// Which way is good.
    pub direction: Direction,
    /// The value at the beginning.
    pub initial: f64,
    /// The value to reach; the upper bound where a value is maintained.
    pub target: f64,
    /// The lower bound where a value is maintained.
    pub lower: Option<f64>,
    /// How much it counts among its siblings, 0 to 100.
    pub weight: u8,
}

/// The largest figure.
const LARGEST: f64 = 1e15;

pub(super) fn figure(what: &str, value: f64) -> Result<(), StoreError> {
    if value.is_finite() && value.abs() <= LARGEST {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!("{what} is no number of at most fifteen digits")))
    }
}

fn weight(weight: u8) -> Result<(), StoreError> {
    if weight <= 100 { Ok(()) } else { Err(invalid("weight is more than 100")) }
}

pub(super) fn long_text(what: &str, value: &str) -> Result<(), StoreError> {
    if value.trim().is_empty() { Ok(()) } else { text(what, value, LONGEST_TEXT) }
}

impl ObjectiveFields {
    /// The fields without blanks around texts.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] with what is wrong.
    pub fn checked(mut self) -> Result<Self, StoreError> {
        self.title = self.title.trim().to_owned();
        self.description = self.description.trim().to_owned();
        text("title", &self.title, LONGEST_TITLE)?;
        long_text("description", &self.description)?;
        weight(self.weight)?;
        let years = 1970..=2200;
        if !years.contains(&self.starts_on.year()) || !years.contains(&self.ends_on.year()) {
            return Err(invalid("a day is before 1970 or after 2200"));
        }
        if self.ends_on < self.starts_on {
            return Err(invalid("the last day is before the first"));
        }
        Ok(self)
    }
}

impl KeyResultFields {
    /// The fields without blanks around texts, and without a lower bound where none is used.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] with what is wrong.
    pub fn checked(mut self) -> Result<Self, StoreError> {
        self.title = self.title.trim().to_owned();
        text("title", &self.title, LONGEST_TITLE)?;
        weight(self.weight)?;
        figure("the initial value", self.initial)?;
        figure("the target", self.target)?;
        if self.unit == Unit::Boolean {
            (self.initial, self.target, self.direction) = (0.0, 1.0, Direction::Increase);
        }
        match self.direction {
            Direction::Maintain => {
                let lower = self.lower.ok_or_else(|| invalid("a range needs a lower bound"))?;
                figure("the lower bound", lower)?;
                if lower > self.target {
                    return Err(invalid("the lower bound is above the upper one"));
                }
            }
            Direction::Increase if self.target < self.initial => {
                return Err(invalid("the target is below the initial value, and the value is to increase"));
            }
            Direction::Decrease if self.target > self.initial => {
                return Err(invalid("the target is above the initial value, and the value is to decrease"));
            }
            Direction::Increase | Direction::Decrease => {}
        }
        if self.direction != Direction::Maintain {
            self.lower = None;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn objective() -> ObjectiveFields {
        ObjectiveFields {
            title: " Ship ".to_owned(),
            description: String::new(),
            level: Level::Team,
            status: Status::Draft,
            owner: None,
            parent: None,
            starts_on: date(2026, 10, 1),
            ends_on: date(2026, 12, 31),
            weight: 100,
            check_in_every: Every::Week,
        }
    }

    fn key_result() -> KeyResultFields {
        KeyResultFields {
            title: "Users".to_owned(),
            owner: None,
            unit: Unit::Number,
            direction: Direction::Increase,
            initial: 10.0,
            target: 25.0,
            lower: Some(3.0),
            weight: 50,
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(objective().checked().unwrap().title, "Ship");
        let refused = |change: fn(&mut ObjectiveFields)| {
            let mut fields = objective();
            change(&mut fields);
            fields.checked().unwrap_err().to_string()
        };
        assert_eq!(refused(|fields| fields.title = "  ".to_owned()), "title is empty");
        assert_eq!(refused(|fields| fields.weight = 101), "weight is more than 100");
        assert_eq!(refused(|fields| fields.ends_on = date(2026, 9, 30)), "the last day is before the first");
        assert!(refused(|fields| fields.starts_on = date(-9999, 1, 1)).contains("1970"));
        assert!(refused(|fields| fields.description = "x".repeat(10_001)).contains("10000"));
    }

    #[test]
    fn figures_must_make_sense_together() {
        assert_eq!(key_result().checked().unwrap().lower, None);
        let refused = |change: fn(&mut KeyResultFields)| {
            let mut fields = key_result();
            change(&mut fields);
            fields.checked().unwrap_err().to_string()
        };
        assert!(refused(|fields| fields.target = 9.0).contains("below the initial value"));
        assert!(refused(|fields| fields.direction = Direction::Decrease).contains("above the initial value"));
        assert!(refused(|fields| fields.target = f64::NAN).contains("no number"));
        assert!(refused(|fields| fields.initial = 1e16).contains("no number"));
        assert!(
            refused(|fields| (fields.direction, fields.lower) = (Direction::Maintain, None)).contains("lower bound")
        );
        let range = KeyResultFields { direction: Direction::Maintain, ..key_result() };
        assert_eq!(range.checked().unwrap().lower, Some(3.0));
        let yes = KeyResultFields { unit: Unit::Boolean, ..key_result() }.checked().unwrap();
        assert_eq!((yes.initial, yes.target), (0.0, 1.0));
    }

    #[test]
    fn words_are_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.word()), Some(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.word());
        }
        assert_eq!(Level::parse("Company"), None);
    }
}
