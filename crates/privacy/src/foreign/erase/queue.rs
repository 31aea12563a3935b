//! What is left to do of one round: the steps of which none waits for another, each in pieces. Connections take pieces in
//! turn, of different tables where there are several.

use crate::foreign::state::At;
use std::{collections::BTreeSet, ops::Range, time::Duration};

/// How many rows a batch changes at first, at least and at most.
pub(super) const ROWS: u64 = 10_000;
const FEWEST: u64 = 250;
const MOST: u64 = 50_000;

/// A batch that took longer than this was too large; one that took less than a quarter may be larger.
const LONG: Duration = Duration::from_millis(800);

/// How many people's rows one statement looks for.
pub(super) const PEOPLE: u64 = 10_000;

/// A step whose rows are at least one to so many pages is done in the order of the disk: reading every page is then quicker
/// than looking up every row.
const PAGES_TO_A_ROW: u64 = 2;

/// One step: what is taken next, and what has been taken and is not done.
#[derive(Debug)]
pub(super) struct Lane {
    step: usize,
    by_page: bool,
    next: u64,
    end: u64,
    open: BTreeSet<u64>,
    /// About how many rows there are to a hundred pages, or to a hundred people.
    density: u64,
    /// What the server has to look up for each row, and once for the row itself.
    weight: u64,
}

/// A piece of a step: pages, or people by their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) step: usize,
    pub(super) by_page: bool,
    pub(super) range: Range<u64>,
    density: u64,
    weight: u64,
    start: u64,
}

/// The whole.
#[derive(Debug)]
pub(super) struct Queue {
    lanes: Vec<Lane>,
    rows: u64,
}

impl Lane {
    /// A step that is about so many rows, on so many pages, of so many people. Where `anywhere`, it looks for rows wherever
    /// they are, because it has been done before.
    pub(super) fn new(step: usize, (rows, pages, people): (u64, u64, u64), weight: u32, at: Option<At>) -> Self {
        let by_page = match at {
            Some(at) => matches!(at, At::Page(_)),
            None => rows > 0 && rows.saturating_mul(PAGES_TO_A_ROW) >= pages,
        };
        let end = if by_page { pages } else { people };
        let next = at.map_or(0, |at| match at {
            At::Page(next) | At::Person(next) => next,
        });
        let density = (rows.saturating_mul(100) / end.max(1)).max(1);
        Self { step, by_page, next, end, open: BTreeSet::new(), density, weight: u64::from(weight.max(1)) }
    }

    /// Before which everything is done.
    fn at(&self) -> At {
        let done = self.open.first().copied().unwrap_or(self.next);
        if self.by_page { At::Page(done) } else { At::Person(done) }
    }
}

impl Piece {
    /// The first part of it, of about so many rows, counted with what they weigh.
    pub(super) fn first(&self, rows: u64) -> Range<u64> {
        let rows = self.rows(rows);
        let most = if self.by_page { u64::MAX } else { PEOPLE };
        let span = (rows.saturating_mul(100) / self.density).clamp(1, most);
        self.range.start..self.range.end.min(self.range.start.saturating_add(span))
    }

    /// How many rows weigh as much as so many whose deletion makes the server look nothing up.
    pub(super) fn rows(&self, rows: u64) -> u64 {
        (rows / self.weight).max(1)
    }
}

impl Queue {
    pub(super) const fn new(lanes: Vec<Lane>) -> Self {
        Self { lanes, rows: ROWS }
    }

    /// How many rows a batch is about now.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// The next piece, of a table that nobody is at where there is one.
    pub(super) fn take(&mut self) -> Option<Piece> {
        let rows = self.rows;
        let free = self.lanes.iter().position(|lane| lane.next < lane.end && lane.open.is_empty());
        let number = free.or_else(|| self.lanes.iter().position(|lane| lane.next < lane.end))?;
        let lane = self.lanes.get_mut(number)?;
        let whole = Piece {
            step: lane.step,
            by_page: lane.by_page,
            range: lane.next..lane.end,
            density: lane.density,
            weight: lane.weight,
            start: lane.next,
        };
        let range = whole.first(rows);
        lane.open.insert(lane.next);
        lane.next = range.end;
        Some(Piece { range, ..whole })
    }

    /// A piece is done. Says how far its step is.
    pub(super) fn done(&mut self, piece: &Piece) -> Option<At> {
        let lane = self.lanes.iter_mut().find(|lane| lane.step == piece.step)?;
        lane.open.remove(&piece.start);
        Some(lane.at())
    }

    /// Somebody was in the way, or it took too long: batches become smaller.
    pub(super) fn smaller(&mut self) {
        self.rows = (self.rows / 2).max(FEWEST);
    }

    /// A batch of so many rows took so long.
    pub(super) fn took(&mut self, rows: u64, piece: &Piece, took: Duration) {
        let was_full = rows.saturating_mul(piece.weight).saturating_mul(2) >= self.rows;
        if took > LONG {
            self.smaller();
        } else if took < LONG / 4 && was_full {
            self.rows = (self.rows * 2).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_comes_once_and_tables_before_parts_of_tables() {
        let lane = |step| Lane::new(step, (40_000, 5_000, 1_000), 1, None);
        let mut queue = Queue::new(vec![lane(0), lane(1)]);
        let (one, other) = (queue.take().unwrap(), queue.take().unwrap());
        assert_eq!((one.step, one.by_page, one.range.clone()), (0, true, 0..1250), "ten thousand rows");
        assert_eq!((other.step, other.range.clone()), (1, 0..1250));
        let third = queue.take().unwrap();
        assert_eq!((third.step, third.range.clone()), (0, 1250..2500), "all have somebody at them");
        assert_eq!(queue.done(&third), Some(At::Page(0)), "what comes before it is not done");
        assert_eq!(queue.done(&one), Some(At::Page(2500)));
        queue.done(&other);
        let mut pages = BTreeSet::from([(0, 1250), (1, 0), (0, 0)]);
        while let Some(piece) = queue.take() {
            assert!(pages.insert((piece.step, piece.range.start)));
            queue.done(&piece);
        }
        assert_eq!(pages.len(), 8);
    }

    #[test]
    fn rows_that_lie_far_apart_are_looked_up() {
        let mut queue = Queue::new(vec![Lane::new(0, (100, 100_000, 25_000), 1, None)]);
        let people: Vec<_> = std::iter::from_fn(|| queue.take()).map(|piece| (piece.by_page, piece.range)).collect();
        assert_eq!(people, [(false, 0..10_000), (false, 10_000..20_000), (false, 20_000..25_000)]);
    }

    #[test]
    fn a_row_with_much_to_look_up_counts_as_many() {
        let mut queue = Queue::new(vec![Lane::new(0, (10_000, 1_000, 10_000), 29, None)]);
        let piece = queue.take().unwrap();
        assert_eq!((piece.range.clone(), piece.rows(ROWS)), (0..34, 344));
        queue.took(344, &piece, Duration::from_millis(20));
        assert_eq!(queue.rows(), 20_000);
        queue.took(344, &piece, Duration::from_secs(1));
        assert_eq!(queue.rows(), 10_000);
    }

    #[test]
    fn what_was_begun_goes_on_where_it_was() {
        let mut queue = Queue::new(vec![Lane::new(3, (10, 10_000, 500), 1, Some(At::Page(9_990)))]);
        assert_eq!(queue.take().unwrap().range, 9_990..10_000, "by page, though it would not be now");
        let lane = Lane::new(3, (10_000, 10, 500), 1, Some(At::Person(500)));
        assert_eq!(Queue::new(vec![lane]).take(), None);
    }
}
