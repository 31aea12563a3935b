//! The words of these pages. A translation is one more constant.

use crate::progress::{Light, Mood};
use store::objectives::{Deed, Direction, Every, Level, Status, Unit};

macro_rules! texts {
    ($($name:ident = $text:literal;)+) => {
        /// The words of these pages, each documented by what it says in English.
        #[derive(Clone, Copy, Debug)]
        pub struct Texts {
            $(#[doc = concat!("«", $text, "»")] pub $name: &'static str,)+
        }

        /// English.
        pub const EN: Texts = Texts { $($name: $text,)+ };
    };
}

texts! {
    objectives = "Objectives";
    lead = "What the company, the team and each person want to reach. Everybody in the team sees all of them.";
    archived = "Archived objectives";
    archived_lead = "Put away and not lost: each can be restored.";
    current = "Current objectives";
    mine = "Only mine";
    everybody = "Everybody's";
    new = "New objective";
    new_lead = "It begins as a draft. Add key results, then set it to active.";
    edit = "Edit objective";
    edit_link = "Edit";
    archive = "Archive";
    archive_question = "Archive this?";
    archive_lead = "It is put away with all of its history and can be restored at any time. It no longer counts for what it supports.";
    keep = "Keep it where it is";
    restore = "Restore";
    is_archived = "This is archived.";
    history = "History";
    history_lead = "Every change, the newest first: who, when and what.";
    no_history = "There are no changes here.";
    export = "Export";
    export_lead = "Everything there is, archived objectives and history too. The archive has it all; the tables are for any spreadsheet (CSV), and a text in them that begins like a formula has an apostrophe in front.";
    export_archive = "Everything, as one archive (ZIP)";
    export_document = "Everything, to be read by a program (JSON)";
    export_people = "People";
    import = "Read an export back";
    import_lead = "Into a workspace without objectives only. Objectives go to members of the same name; who wrote what elsewhere is shown as a former member.";
    import_file = "The archive, or the JSON file";
    no_file = "Choose a file.";
    done_import = "Everything was read back.";
    export_objectives = "Objectives";
    export_key_results = "Key results";
    export_check_ins = "Check-ins";
    export_history = "History";
    back = "All objectives";
    back_to_objective = "Back to the objective";
    title = "Title";
    description = "Description";
    level = "Level";
    level_hint = "Chosen once. The company's are its admins' to write, a personal one its owner's.";
    status = "Status";
    owner = "Owner";
    nobody = "Nobody";
    former = "A former member";
    parent = "Supports";
    no_parent = "Nothing above it";
    parent_hint = "One of a higher level.";
    starts_on = "First day";
    ends_on = "Last day";
    period = "Period";
    weight = "Weight";
    weight_hint = "0 to 100: how much it counts among its siblings. Together they should make 100.";
    check_in_every = "Check in";
    create = "Create";
    save = "Save";
    progress = "Progress";
    no_progress = "Nothing measured yet";
    next_check_in = "Next check-in";
    overdue = "Check-in overdue";
    key_results = "Key results";
    no_key_results = "There are no key results yet: what would show that the objective is reached?";
    add_key_result = "Add a key result";
    edit_key_result = "Edit key result";
    archived_key_results = "Archived key results";
    weights_off = "The weights of the key results do not make 100; each counts by its share.";
    supporting = "Supported by";
    unit = "Unit";
    unit_hint = "Yes or no is measured from 0 to 1.";
    direction = "Good is";
    initial = "Initial value";
    target = "Target";
    target_hint = "For a range: its upper bound.";
    lower = "Lower bound";
    lower_hint = "Only for a range.";
    value = "Value";
    value_hint = "For yes or no: 1 for yes, 0 for no.";
    confidence = "Confidence";
    confidence_hint = "1 to 10: how likely is it that the target will be reached?";
    comment = "Comment";
    check_in = "Check in";
    check_ins = "Check-ins";
    no_check_ins = "Nobody has checked in yet.";
    who = "Who";
    when = "When";
    what = "What";
    changed = "Changed";
    was = "before";
    of_key_result = "Key result";
    of_objective = "Objective";
    empty = "There are no objectives yet.";
    empty_archived = "Nothing is archived.";
    older = "Older";
    newest = "Back to the newest";
    next_page = "Next page";
    previous_page = "Previous page";
    stale = "Somebody changed this in the meantime. What you typed is still here; look at the newest version before you save again, which would overwrite it.";
    stale_act = "Somebody changed this in the meantime; this is the newest version. Try again if you still want to.";
    bad_day = "This is no day.";
    bad_number = "This is no number.";
    bad_weight = "This is no whole number from 0 to 100.";
    bad_confidence = "This is no whole number from 1 to 10.";
    bad_choice = "Choose one of the list.";
    bad_version = "The form is not complete; load the page again.";
    done_create = "Created.";
    done_save = "Saved.";
    done_archive = "Archived.";
    done_restore = "Restored.";
    done_check_in = "Checked in.";
}

/// How people call a level.
#[must_use]
pub const fn level(level: Level) -> &'static str {
    match level {
        Level::Company => "Company",
        Level::Team => "Team",
        Level::Personal => "Personal",
    }
}

/// How people call a status.
#[must_use]
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Draft => "Draft",
        Status::Active => "Active",
        Status::Completed => "Completed",
        Status::OnHold => "On hold",
        Status::Cancelled => "Cancelled",
    }
}

/// How people call an interval.
#[must_use]
pub const fn every(every: Every) -> &'static str {
    match every {
        Every::Week => "Every week",
        Every::TwoWeeks => "Every two weeks",
        Every::Month => "Every month",
    }
}

/// How people call a unit.
#[must_use]
pub const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Number => "Number",
        Unit::Percentage => "Per cent",
        Unit::Currency => "Money",
        Unit::Boolean => "Yes or no",
    }
}

/// How people call a direction.
#[must_use]
pub const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Increase => "More",
        Direction::Decrease => "Less",
        Direction::Maintain => "Staying within a range",
    }
}

/// How people call what was done.
#[must_use]
pub const fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Created => "Created",
        Deed::Edited => "Edited",
        Deed::Archived => "Archived",
        Deed::Restored => "Restored",
    }
}

/// What a colour says, for whoever does not see it.
#[must_use]
pub const fn light(light: Light) -> &'static str {
    match light {
        Light::Red => "far to go",
        Light::Yellow => "on the way",
        Light::Green => "nearly there or reached",
    }
}

/// What a confidence says.
#[must_use]
pub const fn mood(mood: Mood) -> &'static str {
    match mood {
        Mood::AtRisk => "At risk",
        Mood::HasIssues => "Has issues",
        Mood::OnTrack => "On track",
    }
}

/// How people call a field of the history.
#[must_use]
pub fn field(name: &str) -> &str {
    match name {
        "title" => EN.title,
        "description" => EN.description,
        "level" => EN.level,
        "status" => EN.status,
        "owner" => EN.owner,
        "parent" => EN.parent,
        "starts_on" => EN.starts_on,
        "ends_on" => EN.ends_on,
        "weight" => EN.weight,
        "check_in_every" => EN.check_in_every,
        "unit" => EN.unit,
        "direction" => EN.direction,
        "initial" => EN.initial,
        "target" => EN.target,
        "lower" => EN.lower,
        "archived" => EN.done_archive,
        other => other,
    }
}
