//! When a request falls due: a calendar month, as Regulation (EEC, Euratom) No 1182/71 counts one.
//!
//! Article 3: the day of the event does not count. A month ends with the expiry of the last hour of the day of the same
//! date as the day of the event, or of the month's last day where there is no such date. Where that is a Saturday, a
//! Sunday or a public holiday, it ends with the last hour of the following working day. A period of two days or more
//! holds two working days at least, which any month does.

use jiff::{
    SignedDuration, Timestamp, ToSpan as _, Zoned,
    civil::{Date, Weekday},
    tz::{self, TimeZone},
};
use std::collections::BTreeSet;

/// Where a day begins and ends where nothing else is said.
pub const ZONE: &str = "Europe/Brussels";

/// By which calendar time is counted: where midnight is, and which days besides weekends nobody works.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    holidays: BTreeSet<Date>,
}

/// Why there is no calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// There is no such zone.
    #[error("`{0}` is no time zone of the IANA database, such as Europe/Brussels")]
    Zone(String),
    /// A holiday is no date.
    #[error("`{0}` is no date as in 2026-12-25")]
    Holiday(String),
}

impl Calendar {
    /// The calendar of a time zone, with `holidays` as dates of the form 2026-12-25.
    ///
    /// # Errors
    /// [`CalendarError`] for what is no zone or no date.
    pub fn new(zone: &str, holidays: &[&str]) -> Result<Self, CalendarError> {
        let known = TimeZone::get(zone).map_err(|_| CalendarError::Zone(zone.to_owned()))?;
        let holidays = holidays
            .iter()
            .map(|text| text.parse().map_err(|_| CalendarError::Holiday((*text).to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Self { zone: known, holidays })
    }

    /// The calendar of the house: that of the institutions in Brussels. The zones are part of the program, whatever the machine
    /// knows. Should this one ever leave the database, days end as early as they ever did there, so that nobody is answered
    /// later than they should be.
    #[must_use]
    pub fn house() -> Self {
        Self::new(ZONE, &[]).unwrap_or_else(|error| {
            tracing::warn!(%error, "days are counted two hours ahead of UTC");
            Self { zone: TimeZone::fixed(tz::offset(2)), holidays: BTreeSet::new() }
        })
    }

    /// The last instant at which a request that came at `opened` is answered in time, `months` calendar months later.
    /// The answer is due before it: it is the midnight that ends the last day.
    #[must_use]
    pub fn due(&self, opened: Timestamp, months: u8) -> Timestamp {
        let day = opened.to_zoned(self.zone.clone()).date();
        // A month too short for the date ends on its last day: this is how the addition saturates.
        let last = day.checked_add(i32::from(months).months()).unwrap_or(Date::MAX);
        self.end_of(self.working(last))
    }

    /// A deadline put off by the whole days of `stood`, to the end of a day that is worked on. Put off by less than one, it stays
    /// as it is.
    #[must_use]
    pub fn later(&self, due: Timestamp, stood: SignedDuration) -> Timestamp {
        let days = stood.as_hours() / 24;
        if days <= 0 {
            return due;
        }
        // A deadline is the midnight that ends its day: just before it, it is still that day.
        let before = due.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(due);
        let last = before.to_zoned(self.zone.clone()).date();
        let Ok(moved) = last.checked_add(SignedDuration::from_hours(days * 24)) else { return Timestamp::MAX };
        self.end_of(self.working(moved))
    }

    /// The first day from `day` on that is worked on.
    fn working(&self, mut day: Date) -> Date {
        while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) || self.holidays.contains(&day) {
            let Ok(next) = day.tomorrow() else { return day };
            day = next;
        }
        day
    }

    fn end_of(&self, day: Date) -> Timestamp {
        let next = day.tomorrow().unwrap_or(day);
        next.to_zoned(self.zone.clone()).map_or(Timestamp::MAX, |midnight: Zoned| midnight.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brussels(holidays: &[&str]) -> Calendar {
        Calendar::new(ZONE, holidays).unwrap()
    }

    fn due(opened: &str, months: u8) -> String {
        brussels(&["2026-12-25"]).due(opened.parse().unwrap(), months).to_string()
    }

    #[test]
    fn a_month_ends_on_the_day_of_the_same_date() {
        // Tuesday 3 March until the end of Friday 3 April, summer time having begun.
        assert_eq!(due("2026-03-03T09:00:00Z", 1), "2026-04-03T22:00:00Z");
        assert_eq!(due("2026-03-03T09:00:00Z", 3), "2026-06-03T22:00:00Z");
    }

    #[test]
    fn a_short_month_ends_on_its_last_day() {
        // 31 March; April has thirty days, and the thirtieth of 2026 is a Thursday.
        assert_eq!(due("2026-03-31T09:00:00Z", 1), "2026-04-30T22:00:00Z");
        // 31 January 2028: a leap year's 29 February is a Tuesday.
        assert_eq!(due("2028-01-31T09:00:00Z", 1), "2028-02-29T23:00:00Z");
    }

    #[test]
    fn a_weekend_or_holiday_moves_the_end_to_the_next_working_day() {
        // 22 October and a month: a Sunday, so Monday 23 November.
        assert_eq!(due("2026-10-22T09:00:00Z", 1), "2026-11-23T23:00:00Z");
        // Friday 25 December is a holiday, and then comes a weekend: Monday 28.
        assert_eq!(due("2026-11-25T09:00:00Z", 1), "2026-12-28T23:00:00Z");
    }

    #[test]
    fn the_day_is_that_of_the_zone() {
        // Half past eleven at night in London is the next day in Brussels.
        assert_eq!(due("2026-03-03T23:30:00Z", 1), "2026-04-06T22:00:00Z");
    }

    #[test]
    fn a_pause_puts_the_deadline_off_by_as_many_days() {
        let calendar = brussels(&[]);
        // Friday 3 April, and a clock that stood for a day and a half: Sunday, so Monday 6 April.
        let due = "2026-04-03T22:00:00Z".parse().unwrap();
        assert_eq!(calendar.later(due, SignedDuration::from_hours(36)).to_string(), "2026-04-06T22:00:00Z");
        for less in [0, 1, 86_399] {
            assert_eq!(calendar.later(due, SignedDuration::from_secs(less)), due);
        }
        // Summer time ends in between: days are days.
        let autumn = "2026-10-23T22:00:00Z".parse().unwrap();
        assert_eq!(calendar.later(autumn, SignedDuration::from_hours(72)).to_string(), "2026-10-26T23:00:00Z");
        assert_eq!(calendar.later(due, SignedDuration::from_hours(24 * 5)).to_string(), "2026-04-08T22:00:00Z");
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        assert!(matches!(Calendar::new("Europe/Atlantis", &[]), Err(CalendarError::Zone(_))));
        assert!(matches!(Calendar::new(ZONE, &["25.12."]), Err(CalendarError::Holiday(_))));
    }

    proptest! {
        #[test]
        fn a_month_is_between_28_and_34_days(seconds in 0_i64..4_000_000_000) {
            let opened = Timestamp::from_second(seconds).unwrap();
            let days = brussels(&[]).due(opened, 1).duration_since(opened).as_hours() / 24;
            prop_assert!((28..=34).contains(&days), "{days}");
        }

        #[test]
        fn nobody_who_asks_later_is_answered_earlier(seconds in 0_i64..4_000_000_000, later in 0_i64..10_000_000) {
            let calendar = brussels(&[]);
            let (one, two) = (Timestamp::from_second(seconds).unwrap(), Timestamp::from_second(seconds + later).unwrap());
            prop_assert!(calendar.due(one, 1) <= calendar.due(two, 1));
        }
    }
}
