//! The words of a person's rights. A translation is one more constant.

use crate::texts::mail::Letter;
use jiff::{SignedDuration, tz::TimeZone};
use kernel::Timestamp;
use privacy::case::{Kind, State};
use store::rights::{list::Stage, recipients::Told};

/// The words.
pub(crate) struct Texts {
    pub(crate) data: &'static str,
    pub(crate) data_lead: &'static str,
    pub(crate) held: &'static str,
    pub(crate) place: &'static str,
    pub(crate) rows: &'static str,
    pub(crate) ask: &'static str,
    pub(crate) requests: &'static str,
    pub(crate) none: &'static str,
    pub(crate) what: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) due: &'static str,
    pub(crate) state_head: &'static str,
    pub(crate) held_until: &'static str,
    pub(crate) email: &'static str,
    pub(crate) email_hint: &'static str,
    pub(crate) email_wrong: &'static str,
    pub(crate) restricted: &'static str,
    pub(crate) restricted_text: &'static str,
    pub(crate) lift: &'static str,
    pub(crate) lifted: &'static str,
    pub(crate) plan: &'static str,
    pub(crate) plan_lead: &'static str,
    pub(crate) plan_link: &'static str,
    pub(crate) goes: &'static str,
    pub(crate) stays: &'static str,
    pub(crate) happens: &'static str,
    pub(crate) teams: &'static str,
    pub(crate) team_stays: &'static str,
    pub(crate) team_goes: &'static str,
    pub(crate) team_needs: &'static str,
    pub(crate) not_yet: &'static str,
    pub(crate) waits: &'static str,
    pub(crate) waits_text: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) copy_lead: &'static str,
    pub(crate) copy_html: &'static str,
    pub(crate) copy_json: &'static str,
    pub(crate) copy_zip: &'static str,
    pub(crate) receipt: &'static str,
    pub(crate) receipt_lead: &'static str,
    pub(crate) receipt_keep: &'static str,
    pub(crate) receipt_address: &'static str,
    pub(crate) receipt_kept: &'static str,
    pub(crate) receipt_none: &'static str,
    pub(crate) recipients: &'static str,
    pub(crate) recipients_lead: &'static str,
    pub(crate) recipient: &'static str,
    pub(crate) told_at: &'static str,
    pub(crate) told_never: &'static str,
    pub(crate) tell_again: &'static str,
    pub(crate) give_up: &'static str,
    pub(crate) give_up_lead: &'static str,
    pub(crate) give_up_hint: &'static str,
    pub(crate) give_up_everywhere: &'static str,
    pub(crate) tried: &'static str,
    pub(crate) tried_until: &'static str,
    pub(crate) said: &'static str,
    pub(crate) keys: &'static str,
    pub(crate) searched: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) leaf: &'static str,
    pub(crate) unsealed: &'static str,
    pub(crate) notice: &'static str,
    pub(crate) withdraw: &'static str,
    pub(crate) withdrawn: &'static str,
    pub(crate) answer: &'static str,
    pub(crate) answer_lead: &'static str,
    pub(crate) answer_words: &'static str,
    pub(crate) answer_hint: &'static str,
    pub(crate) answered: &'static str,
    pub(crate) answered_by: &'static str,
    pub(crate) back: &'static str,
    pub(crate) cases: &'static str,
    pub(crate) cases_lead: &'static str,
    pub(crate) case: &'static str,
    pub(crate) no_cases: &'static str,
    pub(crate) late: &'static str,
    pub(crate) any_kind: &'static str,
    pub(crate) of_people: &'static str,
    pub(crate) of_probes: &'static str,
    pub(crate) of_probes_lead: &'static str,
    pub(crate) further: &'static str,
    pub(crate) beginning: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) reason_read: &'static str,
    pub(crate) reason_sealed: &'static str,
    pub(crate) until: &'static str,
    pub(crate) until_hint: &'static str,
    pub(crate) until_wrong: &'static str,
    pub(crate) until_past: &'static str,
    pub(crate) extended: &'static str,
    pub(crate) stands: &'static str,
    pub(crate) holds: &'static str,
    pub(crate) since: &'static str,
    pub(crate) held_now: &'static str,
    pub(crate) no_hold: &'static str,
    pub(crate) told: &'static str,
    pub(crate) told_nothing: &'static str,
    pub(crate) nobody: &'static str,
    pub(crate) nobody_text: &'static str,
    pub(crate) extend: &'static str,
    pub(crate) extend_lead: &'static str,
    pub(crate) pause: &'static str,
    pub(crate) pause_lead: &'static str,
    pub(crate) resume: &'static str,
    pub(crate) resume_lead: &'static str,
    pub(crate) refuse: &'static str,
    pub(crate) refuse_lead: &'static str,
    pub(crate) grant: &'static str,
    pub(crate) grant_lead: &'static str,
    pub(crate) hold: &'static str,
    pub(crate) hold_lead: &'static str,
    pub(crate) release: &'static str,
    pub(crate) release_lead: &'static str,
    pub(crate) import_drawings: &'static str,
    pub(crate) letters: Letters,
}

/// English.
pub(crate) const EN: Texts = Texts {
    data: "Your data",
    data_lead: "What is held about you, and what you can ask for. Each request is a case with a clock: it is answered within one month.",
    held: "What is held about you",
    place: "What",
    rows: "Entries",
    ask: "Make a request",
    requests: "Your requests",
    none: "You have asked for nothing yet.",
    what: "Request",
    asked: "Asked",
    due: "Due",
    state_head: "State",
    held_until: "held by law until the end of",
    email: "Your e-mail address",
    email_hint: "Type it once more, so that nobody asks for this by mistake.",
    email_wrong: "This is not the address of your account.",
    restricted: "Your data is restricted",
    restricted_text: "Nobody but you sees your notes and drawings, and nothing in your account runs out, until you lift this. Objectives stay your team's.",
    lift: "Lift the restriction",
    lifted: "The restriction is lifted.",
    plan: "Erase everything about you",
    plan_lead: "What would go, and what would stay because it is not yours alone.",
    plan_link: "See what an erasure does",
    goes: "Goes",
    stays: "Stays",
    happens: "What happens",
    teams: "Your teams",
    team_stays: "goes on without you",
    team_goes: "you are its last member: it goes with you, with everything in it",
    team_needs: "you are its last owner with an account: hand it over, or remove the others, first",
    not_yet: "This waits for you",
    waits: "A law holds your data",
    waits_text: "You can ask for the erasure now. It begins when no law holds your data any more, not before the end of {day}.",
    copy: "Your copy",
    copy_lead: "Made anew each time you open it. The archive holds your files too.",
    copy_html: "To read",
    copy_json: "For programs (JSON)",
    copy_zip: "Everything as an archive (ZIP)",
    receipt: "Receipt",
    receipt_lead: "What became of a request, in counts. It names nobody.",
    receipt_keep: "Keep this address: it works without signing in, also once your account is gone.",
    receipt_address: "Its address",
    receipt_kept: "Entries that stay, with an id that leads nowhere",
    receipt_none: "None.",
    recipients: "Whoever else was told",
    recipients_lead: "Others who hold data about people of this service. Each is told of the erasure, until it has said that it knows; of one that cannot be told the operator says why.",
    recipient: "Recipient",
    told_at: "Acknowledged",
    told_never: "not yet",
    tell_again: "Tell again",
    give_up: "Give up",
    give_up_lead: "For whoever cannot be told at all (article 19 of the GDPR). It cannot be undone: nobody knows afterwards whom it was about.",
    give_up_hint: "The receipt tells it, to whoever knows its address. Name nobody.",
    give_up_everywhere: "In every other case, too, in which it has not been told",
    tried: "Attempts",
    tried_until: "Tried until",
    said: "Said last",
    keys: "Keys destroyed",
    searched: "Places searched afterwards",
    closed: "Closed",
    leaf: "Leaf of the ledger",
    unsealed: "not sealed yet",
    notice: "What the operator wrote, the last first",
    withdraw: "Take this request back",
    withdrawn: "The request is taken back.",
    answer: "Go on",
    answer_lead: "The clock stands until you have done what is asked. Then let it go on.",
    answer_words: "Your answer",
    answer_hint: "Where you were asked something. Whoever decides reads it; it is kept with your request, under your key.",
    answered: "What you answered, the last first",
    answered_by: "What the person answered, the last first",
    back: "Back",
    cases: "Cases",
    cases_lead: "What people have asked for under data protection law: what waits, by when it is due, and what is answered, the last first.",
    case: "Case",
    no_cases: "There is no such case.",
    late: "late",
    any_kind: "Every kind",
    of_people: "Of people",
    of_probes: "Of probes",
    of_probes_lead: "Probes say which cases were theirs once these are closed: nothing that waits is put out of sight so.",
    further: "Further",
    beginning: "From the beginning",
    reason: "Reason",
    reason_read: "The person reads it. Name nobody else.",
    reason_sealed: "It is kept sealed. The person is told until when, and not why. Name nobody else.",
    until: "Until the end of",
    until_hint: "The last day on which the data is held.",
    until_wrong: "A day, as 2027-12-31.",
    until_past: "This day is over.",
    extended: "More time was taken",
    stands: "The clock stands since",
    holds: "Holds",
    since: "Since",
    held_now: "Nothing of this person is erased by a request while any of these is in force.",
    no_hold: "There is no hold to end.",
    told: "What the person was told, the last first",
    told_nothing: "The person was told nothing yet.",
    nobody: "Nothing is left to decide",
    nobody_text: "Whose case this was is not known any more.",
    extend: "Take two more months",
    extend_lead: "Once, before it is due.",
    pause: "Ask the person and stop the clock",
    pause_lead: "The clock stands until the person goes on, or you do.",
    resume: "Let the clock go on",
    resume_lead: "Without waiting for the person any longer.",
    refuse: "Refuse",
    refuse_lead: "The person is told that they may complain to their authority.",
    grant: "Grant the objection",
    grant_lead: "Their data stays restricted until they lift it.",
    hold: "Hold by law",
    hold_lead: "Nothing of this person is erased by a request until the end of that day. What they may delete themselves they still may.",
    release: "End every hold",
    release_lead: "Every hold on this person's data ends, and an erasure that waited for it is carried out.",
    import_drawings: "your role in this team may not upload drawings",
    letters: LETTERS,
};

impl Texts {
    /// How far cases are.
    pub(crate) const fn stage(&self, stage: Stage) -> &'static str {
        match stage {
            Stage::Open => "Open",
            Stage::Late => "Late",
            Stage::Done => "Done",
        }
    }

    /// A kind of request, in a word.
    pub(crate) const fn short(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Access => "Access",
            Kind::Portability => "Portability",
            Kind::Erasure => "Erasure",
            Kind::Restriction => "Restriction",
            Kind::Objection => "Objection",
        }
    }

    /// A kind of request, for people.
    pub(crate) const fn kind(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Access => "a copy of your data",
            Kind::Portability => "your data to take along",
            Kind::Erasure => "the erasure of your data",
            Kind::Restriction => "the restriction of processing",
            Kind::Objection => "an objection to processing",
        }
    }

    /// The same as a heading.
    pub(crate) const fn title(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Access => "A copy of your data",
            Kind::Portability => "Your data to take along",
            Kind::Erasure => "The erasure of your data",
            Kind::Restriction => "The restriction of processing",
            Kind::Objection => "Your objection to processing",
        }
    }

    /// The choice that asks for it.
    pub(crate) const fn button(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Access => "Access: a copy of your data",
            Kind::Portability => "Portability: your data to take along",
            Kind::Erasure => "Erase everything about me",
            Kind::Restriction => "Restriction of processing",
            Kind::Objection => "Objection to processing",
        }
    }

    /// What it means, in a sentence.
    pub(crate) const fn about(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Access => "Everything that is held about you, to read and as files (GDPR article 15).",
            Kind::Portability => {
                "What you provided, in forms that other services can read and that can be read back here (article 20)."
            }
            Kind::Erasure => {
                "Your account and everything that is yours alone is deleted, its keys are destroyed, and every place is searched afterwards. It begins within seconds, unless a law holds your data, and cannot be undone."
            }
            Kind::Restriction => {
                "Nobody but you sees your notes and drawings, and nothing in your account runs out, until you lift it; objectives stay your team's (article 18)."
            }
            Kind::Objection => {
                "Somebody at the operator's weighs it. Until then processing is restricted (article 21)."
            }
        }
    }

    /// What a receipt counts.
    pub(crate) const fn rows_of(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Erasure => "Entries erased",
            _ => "Entries in the copy",
        }
    }

    /// How far it has come to tell a recipient.
    pub(crate) const fn told_state(&self, state: Told) -> &'static str {
        match state {
            Told::Open => "being told",
            Told::Acknowledged => "knows it",
            Told::Refused => "refused to be told",
            Told::Expired => "could not be told in time",
            Told::GivenUp => "was given up",
        }
    }

    /// How far a case has come, for people.
    pub(crate) const fn state(&self, state: State) -> &'static str {
        match state {
            State::Open => "open",
            State::Paused => "waits for you",
            State::Working => "being carried out",
            State::Done => "done",
            State::Refused => "refused",
            State::Withdrawn => "taken back",
        }
    }

    /// The same for the operator.
    pub(crate) const fn state_seen(&self, state: State) -> &'static str {
        match state {
            State::Paused => "waits for the person",
            other => self.state(other),
        }
    }
}

/// The letters about a case. `{service}`, `{what}` and `{day}` are filled in.
pub(crate) struct Letters {
    /// It was asked for; `asked_erasure` where the address goes with the answer.
    pub(crate) asked: Letter,
    pub(crate) asked_erasure: Letter,
    pub(crate) question: Letter,
    pub(crate) resumed: Letter,
    pub(crate) extended: Letter,
    pub(crate) refused: Letter,
    pub(crate) granted: Letter,
    pub(crate) held: Letter,
    pub(crate) released: Letter,
    pub(crate) answered: Letter,
}

const LETTERS: Letters = Letters {
    asked: Letter {
        subject: "{service}: you asked for {what}",
        paragraphs: &[
            "We have your request. It is due on {day} at the latest, and we write again when it is answered. What becomes of it also stands at the address below, which works without signing in: keep it.",
            "If this was not you, somebody else uses your account: sign in, change your password, and look at where you are signed in.",
        ],
        link: "See the receipt",
    },
    asked_erasure: Letter {
        subject: "{service}: you asked for {what}",
        paragraphs: &[
            "We have your request. It begins within seconds unless something stands against it, and is due on {day} at the latest.",
            "When it is done we have no address of yours any more and cannot write to you. The receipt at the address below tells that it is done, and works without signing in: keep it.",
            "If this was not you, write to us at once, to the contact on our trust page. What is erased cannot be brought back.",
        ],
        link: "See the receipt",
    },
    question: Letter {
        subject: "{service}: a question about {what}",
        paragraphs: &[
            "You asked for {what}. We need something from you before we can go on. What it is stands with your request.",
            "The time in which we have to answer stands until you go on.",
        ],
        link: "See the question",
    },
    resumed: Letter {
        subject: "{service}: your request for {what} goes on",
        paragraphs: &["We wait for you no longer: your request goes on. It is due on {day} at the latest."],
        link: "See your request",
    },
    extended: Letter {
        subject: "{service}: we need more time for {what}",
        paragraphs: &[
            "You asked for {what}. We take two more months, as the law allows once. It is due on {day} at the latest.",
            "The reason stands with your request.",
        ],
        link: "See the reason",
    },
    refused: Letter {
        subject: "{service}: {what} was refused",
        paragraphs: &[
            "You asked for {what}. We refused it. The reason stands with your request.",
            "You may complain to a supervisory authority for data protection, or go to court.",
        ],
        link: "See the reason",
    },
    granted: Letter {
        subject: "{service}: {what} was granted",
        paragraphs: &["Your data stays restricted until you lift that yourself. The reason stands with your request."],
        link: "See your request",
    },
    held: Letter {
        subject: "{service}: a law holds your data",
        paragraphs: &[
            "A law makes us keep your data until the end of {day}. Nothing of it is erased by a request before then; an erasure that you asked for waits.",
            "You may complain to a supervisory authority for data protection, or go to court.",
        ],
        link: "See your request",
    },
    released: Letter {
        subject: "{service}: no law holds your data any more",
        paragraphs: &[
            "An erasure that waited for it is carried out now. When it is done we have no address of yours any more: the receipt at the address below tells that it is done.",
        ],
        link: "See the receipt",
    },
    answered: Letter {
        subject: "{service}: your request for {what} is answered",
        paragraphs: &["You asked for {what}. It is done. What there is for you stands with your request."],
        link: "See your request",
    },
};

/// The last day before an instant: whatever lasts until then lasts to its end.
pub(crate) fn last_day(until: Timestamp) -> String {
    day(until.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(until))
}

/// The day of an instant.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_until_midnight_lasts_to_the_end_of_the_day_before() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(last_day(at("2027-02-01T00:00:00Z")), "2027-01-31");
        assert_eq!(last_day(at("2027-01-31T12:00:00Z")), "2027-01-31");
    }
}
