//! How far along things are. Pure: figures in, shares of one out.

use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use store::objectives::{Direction, Every, KeyResult, KeyResultFields, Objective, Status, Tree};
use uuid::Uuid;

/// How far a value is on the way from the initial one to the target, from 0 to 1.
///
/// Up or down: `(current − initial) / (target − initial)`, at most 1 and at least 0; where initial value and target are the
/// same, it is reached or not. Between two bounds: 1 between them; outside falling evenly, to 0 at the distance of the
/// range's own width.
#[must_use]
pub fn of_value(fields: &KeyResultFields, current: f64) -> f64 {
    let KeyResultFields { initial, target, direction, .. } = *fields;
    let share = match direction {
        Direction::Maintain => return between(fields.lower.unwrap_or(target), target, current),
        Direction::Increase | Direction::Decrease if same(target, initial) => {
            let reached = if direction == Direction::Increase { current >= target } else { current <= target };
            return f64::from(u8::from(reached));
        }
        Direction::Increase | Direction::Decrease => (current - initial) / (target - initial),
    };
    share.clamp(0.0, 1.0)
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < f64::EPSILON
}

fn between(lower: f64, upper: f64, current: f64) -> f64 {
    let outside = (lower - current).max(current - upper);
    if outside <= 0.0 {
        return 1.0;
    }
    let width = upper - lower;
    if width > 0.0 { (1.0 - outside / width).clamp(0.0, 1.0) } else { 0.0 }
}

/// The mean of shares by weight. Where all weights are 0 each counts the same; of nothing there is none.
#[must_use]
pub fn mean(parts: &[(f64, u8)]) -> Option<f64> {
    let total: f64 = parts.iter().map(|(_, weight)| f64::from(*weight)).sum();
    let count = parts.len();
    if count == 0 {
        return None;
    }
    let sum = |weight: &dyn Fn(u8) -> f64| parts.iter().map(|(share, own)| share * weight(*own)).sum::<f64>();
    let mean = if total > 0.0 {
        sum(&f64::from) / total
    } else {
        // A list longer than 2³² items is none that anybody made.
        sum(&|_| 1.0) / f64::from(u32::try_from(count).unwrap_or(u32::MAX))
    };
    Some(mean.clamp(0.0, 1.0))
}

/// How a share is coloured: red below a third, yellow below two thirds, else green.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// Below 33.33 %.
    Red,
    /// Below 66.66 %.
    Yellow,
    /// From there.
    Green,
}

impl Light {
    /// The light of a share.
    #[must_use]
    pub fn of(share: f64) -> Self {
        match share * 100.0 {
            percent if percent < 33.33 => Self::Red,
            percent if percent < 66.66 => Self::Yellow,
            _ => Self::Green,
        }
    }
}

/// What a confidence from 1 to 10 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// 1 to 3.
    AtRisk,
    /// 4 to 7.
    HasIssues,
    /// 8 to 10.
    OnTrack,
}

impl Mood {
    /// What the confidence says.
    #[must_use]
    pub const fn of(confidence: u8) -> Self {
        match confidence {
            0..=3 => Self::AtRisk,
            4..=7 => Self::HasIssues,
            _ => Self::OnTrack,
        }
    }
}

/// The progress of every objective of a tree.
///
/// An objective's parts are its own key results and the objectives that support it, each by its weight. What is archived,
/// a draft or cancelled counts for nothing above it, and what has no parts has no progress.
#[must_use]
pub fn of_tree(tree: &Tree) -> HashMap<Uuid, Option<f64>> {
    let mut children: HashMap<Uuid, Vec<&Objective>> = HashMap::new();
    for objective in &tree.objectives {
        if let Some(parent) = objective.fields.parent.filter(|_| counts(objective)) {
            children.entry(parent).or_default().push(objective);
        }
    }
    let mut key_results: HashMap<Uuid, Vec<&KeyResult>> = HashMap::new();
    for key_result in tree.key_results.iter().filter(|key_result| key_result.archived_at.is_none()) {
        key_results.entry(key_result.objective).or_default().push(key_result);
    }
    let mut climb = Climb { children, key_results, known: HashMap::new(), open: HashSet::new() };
    for objective in &tree.objectives {
        climb.progress(objective.id);
    }
    climb.known
}

/// Whether what supports another counts there.
fn counts(objective: &Objective) -> bool {
    objective.archived_at.is_none() && !matches!(objective.fields.status, Status::Draft | Status::Cancelled)
}

struct Climb<'a> {
    children: HashMap<Uuid, Vec<&'a Objective>>,
    key_results: HashMap<Uuid, Vec<&'a KeyResult>>,
    known: HashMap<Uuid, Option<f64>>,
    /// What is being computed: levels rule out circles, and a damaged database must not send us round and round.
    open: HashSet<Uuid>,
}

impl Climb<'_> {
    fn progress(&mut self, id: Uuid) -> Option<f64> {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        if !self.open.insert(id) {
            return None;
        }
        let own = self.key_results.get(&id).into_iter().flatten();
        let mut parts: Vec<(f64, u8)> =
            own.map(|one| (of_value(&one.fields, one.current()), one.fields.weight)).collect();
        let children: Vec<(Uuid, u8)> =
            self.children.get(&id).into_iter().flatten().map(|child| (child.id, child.fields.weight)).collect();
        for (child, weight) in children {
            parts.extend(self.progress(child).map(|share| (share, weight)));
        }
        let share = mean(&parts);
        self.open.remove(&id);
        self.known.insert(id, share);
        share
    }
}

/// The day after which a check-in is overdue, counted from the last one, or from the first day.
#[must_use]
pub fn due(every: Every, last: Date) -> Date {
    let span = match every {
        Every::Week => jiff::Span::new().days(7),
        Every::TwoWeeks => jiff::Span::new().days(14),
        Every::Month => jiff::Span::new().months(1),
    };
    last.saturating_add(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use kernel::Timestamp;
    use proptest::prelude::*;
    use store::objectives::{Level, ObjectiveFields, Unit};

    fn fields(direction: Direction, initial: f64, target: f64, lower: Option<f64>) -> KeyResultFields {
        let title = String::new();
        KeyResultFields { title, owner: None, unit: Unit::Number, direction, initial, target, lower, weight: 100 }
    }

    fn percent(fields: &KeyResultFields, current: f64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "a share of one")]
        let percent = (of_value(fields, current) * 100.0).round() as i64;
        percent
    }

    #[test]
    fn values_are_on_their_way() {
        let up = fields(Direction::Increase, 10.0, 25.0, None);
        assert_eq!([5.0, 10.0, 15.0, 25.0, 99.0].map(|value| percent(&up, value)), [0, 0, 33, 100, 100]);
        let down = fields(Direction::Decrease, 8.0, 2.0, None);
        assert_eq!([9.0, 8.0, 5.0, 2.0, 0.0].map(|value| percent(&down, value)), [0, 0, 50, 100, 100]);
        let flat = fields(Direction::Increase, 5.0, 5.0, None);
        assert_eq!([4.9, 5.0, 6.0].map(|value| percent(&flat, value)), [0, 100, 100]);
        let range = fields(Direction::Maintain, 0.0, 20.0, Some(10.0));
        assert_eq!(
            [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 99.0].map(|v| percent(&range, v)),
            [0, 50, 100, 100, 100, 50, 0, 0]
        );
        let point = fields(Direction::Maintain, 0.0, 20.0, Some(20.0));
        assert_eq!([19.9, 20.0].map(|value| percent(&point, value)), [0, 100]);
    }

    #[test]
    fn colours_change_at_thirds() {
        assert_eq!([0.0, 0.333, 0.334, 0.666, 0.667, 1.0].map(Light::of), {
            use Light::{Green, Red, Yellow};
            [Red, Red, Yellow, Yellow, Green, Green]
        });
        assert_eq!([1, 3, 4, 7, 8, 10].map(Mood::of), {
            use Mood::{AtRisk, HasIssues, OnTrack};
            [AtRisk, AtRisk, HasIssues, HasIssues, OnTrack, OnTrack]
        });
    }

    fn objective(id: u128, parent: Option<u128>, status: Status, weight: u8) -> Objective {
        let fields = ObjectiveFields {
            title: String::new(),
            description: String::new(),
            level: Level::Team,
            status,
            owner: None,
            parent: parent.map(Uuid::from_u128),
            starts_on: date(2026, 1, 1),
            ends_on: date(2026, 3, 31),
            weight,
            check_in_every: Every::Week,
        };
        let at = Timestamp::UNIX_EPOCH;
        Objective { id: Uuid::from_u128(id), fields, version: 1, created_at: at, updated_at: at, archived_at: None }
    }

    fn key_result(id: u128, objective: u128, target: f64, weight: u8) -> KeyResult {
        let at = Timestamp::UNIX_EPOCH;
        let fields = KeyResultFields { weight, ..fields(Direction::Increase, 0.0, target, None) };
        let (id, objective) = (Uuid::from_u128(id), Uuid::from_u128(objective));
        KeyResult { id, objective, fields, version: 1, created_at: at, updated_at: at, archived_at: None, latest: None }
    }

    /// At its target from the beginning.
    fn reached(id: u128, objective: u128, weight: u8) -> KeyResult {
        key_result(id, objective, 0.0, weight)
    }

    fn shares(tree: &Tree, ids: &[u128]) -> Vec<Option<f64>> {
        let all = of_tree(tree);
        ids.iter().map(|id| all.get(&Uuid::from_u128(*id)).copied().flatten()).collect()
    }

    #[test]
    fn progress_climbs_from_key_results_to_the_top() {
        let tree = Tree {
            objectives: vec![
                objective(1, None, Status::Active, 100),
                objective(2, Some(1), Status::Active, 75),
                objective(3, Some(1), Status::Completed, 25),
                objective(4, Some(1), Status::Draft, 100),
                objective(5, Some(1), Status::Cancelled, 100),
                objective(6, Some(1), Status::Active, 100),
            ],
            key_results: vec![
                reached(20, 2, 1),
                key_result(21, 2, 9.0, 3),
                reached(30, 3, 0),
                key_result(40, 4, 9.0, 100),
                key_result(50, 5, 9.0, 100),
            ],
        };
        // 2: 1·1/4; 3: its only part, of no weight; 1: 75 % of 2 and 25 % of 3. 6 has no parts and says nothing.
        let expected = [Some(0.25 * 0.75 + 0.25), Some(0.25), Some(1.0), Some(0.0), None];
        assert_eq!(shares(&tree, &[1, 2, 3, 4, 6]), expected);
    }

    #[test]
    fn a_circle_ends() {
        let tree = Tree {
            objectives: vec![objective(1, Some(2), Status::Active, 100), objective(2, Some(1), Status::Active, 100)],
            key_results: vec![reached(10, 1, 100)],
        };
        assert_eq!(of_tree(&tree).len(), 2);
    }

    #[test]
    fn check_ins_are_due() {
        assert_eq!(due(Every::Week, date(2026, 12, 28)), date(2027, 1, 4));
        assert_eq!(due(Every::Month, date(2026, 1, 31)), date(2026, 2, 28));
    }

    proptest! {
        #[test]
        fn progress_is_a_share(
            initial in -1e15..1e15, target in -1e15..1e15, current in -1e15..1e15, lower in -1e15..1e15,
            kind in 0..3_u8,
        ) {
            let direction = match kind { 0 => Direction::Increase, 1 => Direction::Decrease, _ => Direction::Maintain };
            let share = of_value(&fields(direction, initial, target, Some(lower)), current);
            prop_assert!((0.0..=1.0).contains(&share), "{share}");
        }

        #[test]
        fn nearer_to_the_target_is_never_less(initial in -1e6..1e6, way in 1.0..1e6, a in 0.0..1.0, b in 0.0..1.0) {
            let up = fields(Direction::Increase, initial, initial + way, None);
            let down = fields(Direction::Decrease, initial, initial - way, None);
            let (less, more) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(of_value(&up, initial + less * way) <= of_value(&up, initial + more * way));
            prop_assert!(of_value(&down, initial - less * way) <= of_value(&down, initial - more * way));
        }

        #[test]
        fn a_mean_lies_between_its_parts(parts in proptest::collection::vec((0.0..=1.0, 0..=100_u8), 1..20)) {
            let mean = mean(&parts).unwrap();
            let least = parts.iter().map(|part| part.0).fold(1.0, f64::min);
            let most = parts.iter().map(|part| part.0).fold(0.0, f64::max);
            prop_assert!((least - 1e-9..=most + 1e-9).contains(&mean));
        }
    }
}
