//! The words of a person's rights. A translation is one more constant.

use crate::{Accounts, Mail, texts::fill};
use jiff::tz::TimeZone;
use kernel::Timestamp;
use privacy::case::{Case, Kind, State};

/// The words.
#[derive(Clone, Copy, Debug)]
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
    pub(crate) copy: &'static str,
    pub(crate) copy_lead: &'static str,
    pub(crate) copy_html: &'static str,
    pub(crate) copy_json: &'static str,
    pub(crate) copy_zip: &'static str,
    pub(crate) receipt: &'static str,
    pub(crate) receipt_lead: &'static str,
    pub(crate) receipt_keep: &'static str,
    pub(crate) receipt_rows: &'static str,
    pub(crate) receipt_kept: &'static str,
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
    pub(crate) back: &'static str,
    pub(crate) cases: &'static str,
    pub(crate) cases_lead: &'static str,
    pub(crate) case: &'static str,
    pub(crate) no_cases: &'static str,
    pub(crate) late: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) reason_hint: &'static str,
    pub(crate) until: &'static str,
    pub(crate) until_wrong: &'static str,
    pub(crate) extend: &'static str,
    pub(crate) extend_lead: &'static str,
    pub(crate) pause: &'static str,
    pub(crate) pause_lead: &'static str,
    pub(crate) resume: &'static str,
    pub(crate) refuse: &'static str,
    pub(crate) refuse_lead: &'static str,
    pub(crate) grant: &'static str,
    pub(crate) grant_lead: &'static str,
    pub(crate) hold: &'static str,
    pub(crate) hold_lead: &'static str,
    pub(crate) release: &'static str,
    mail_subject: &'static str,
    mail_text: &'static str,
    mail_others: &'static str,
    mail_link: &'static str,
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
    due: "Answered by",
    state_head: "State",
    held_until: "held by law until",
    email: "Your e-mail address",
    email_hint: "Type it once more, so that nobody asks for this by mistake.",
    email_wrong: "This is not the address of your account.",
    restricted: "Your data is restricted",
    restricted_text: "Nobody but you sees what you uploaded, and nothing of yours runs out, until you lift this.",
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
    team_needs: "you are its last owner: hand it over first",
    not_yet: "This cannot be done yet",
    copy: "Your copy",
    copy_lead: "Made anew each time you open it. The archive holds your files too.",
    copy_html: "To read",
    copy_json: "For programs (JSON)",
    copy_zip: "Everything as an archive (ZIP)",
    receipt: "Receipt",
    receipt_lead: "What became of a request, in counts. It names nobody.",
    receipt_keep: "Keep this address: it works without signing in, also once your account is gone.",
    receipt_rows: "Entries by place",
    receipt_kept: "Entries that stay, with an id that leads nowhere",
    keys: "Keys destroyed",
    searched: "Places searched afterwards",
    closed: "Closed",
    leaf: "Leaf of the ledger",
    unsealed: "not sealed yet",
    notice: "A word from the operator",
    withdraw: "Take this request back",
    withdrawn: "The request is taken back.",
    answer: "Go on",
    answer_lead: "The clock stands until you have done what is asked. Then let it go on.",
    back: "Back",
    cases: "Cases",
    cases_lead: "What people have asked for under data protection law. The open ones come first, by when they are due.",
    case: "Case",
    no_cases: "Nobody has asked for anything yet.",
    late: "late",
    reason: "Reason",
    reason_hint: "The person reads it.",
    until: "Until",
    until_wrong: "A day, as 2027-12-31.",
    extend: "Take two more months",
    extend_lead: "Once, before it is due, with a reason that the person reads.",
    pause: "Ask the person and stop the clock",
    pause_lead: "The clock stands until the person goes on, or you do.",
    resume: "Let the clock go on",
    refuse: "Refuse",
    refuse_lead: "With a reason. The person may complain to their authority.",
    grant: "Grant the objection",
    grant_lead: "Their data stays restricted until they lift it.",
    hold: "Hold by law",
    hold_lead: "Nothing of this person is erased until then. The reason stays in the log, sealed.",
    release: "End every hold",
    mail_subject: "{service}: you asked for {what}",
    mail_text: "We have your request. It is answered by {due} at the latest. What becomes of it stands at the address below, which works without signing in: keep it.",
    mail_others: "If this was not you, sign in now, take the request back, and change your password.",
    mail_link: "See the receipt",
};

impl Texts {
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
                "Your account and everything that is yours alone is deleted, its keys are destroyed, and every place is searched afterwards. It begins within seconds and cannot be undone."
            }
            Kind::Restriction => {
                "Nobody but you sees what you uploaded, and nothing of yours runs out, until you lift it (article 18)."
            }
            Kind::Objection => {
                "Somebody at the operator's weighs it. Until then processing is restricted (article 21)."
            }
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
}

/// The day of an instant.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

/// What whoever asked is told by mail.
pub(crate) fn letter(accounts: &Accounts, to: &str, case: &Case) -> Mail {
    let values =
        [("service", accounts.settings().service.as_str()), ("what", EN.kind(case.kind)), ("due", &day(case.due_at))];
    Mail {
        to: to.to_owned(),
        subject: fill(EN.mail_subject, &values),
        paragraphs: vec![fill(EN.mail_text, &values), EN.mail_others.to_owned()],
        link: Some((EN.mail_link.to_owned(), accounts.link(&super::receipt_path(case)))),
    }
}
