//! What sections are called, for the people whose data they hold.

/// The words of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    section: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
}

const fn words(section: &'static str, title: &'static str, about: &'static str) -> Words {
    Words { section, title, about }
}

const ALL: &[Words] = &[
    words(
        "account",
        "Your account",
        "Your address and name, and when your password was set. The password itself nobody has: only a hash of it.",
    ),
    words("membership", "Your teams", "The teams that you are a member of, and since when."),
    words(
        "person",
        "You in each team",
        "Your name, address and role as each team has them, also in teams that you have left.",
    ),
    words("tenant", "What your teams are called", "The name of each team that you are or were in."),
    words("session", "Signed-in browsers", "The browsers in which you are or were signed in."),
    words("factor", "Second factors", "Authenticator apps and passkeys, by the names that you gave them."),
    words(
        "recovery_code",
        "Recovery codes",
        "When they were made and used. The codes themselves nobody has: only hashes.",
    ),
    words("provider_link", "Identities at other providers", "With which other providers you may sign in."),
    words("one_time", "Links and codes for one use", "What was sent to you or begun for you, and when it ran out."),
    words(
        "sign_in",
        "How you are found",
        "What leads to your account, sessions and tokens: kinds and instants. The keys are hashes.",
    ),
    words("token", "API tokens", "The tokens of programs that act for you, by the names that you gave them."),
    words(
        "invitation",
        "Invitations",
        "Those that you were sent, and those that you sent, without the addresses of others.",
    ),
    words("note", "Notes", "The notes that you wrote."),
    words("note_grant", "Shared notes", "Which notes you shared, and which were shared with you."),
    words("drawing", "Drawings", "The drawings that you uploaded. The files are in the archive."),
    words("blob", "Stored files", "When the bytes of each of your drawings were stored."),
    words("drawing_grant", "Shared drawings", "Which drawings you shared, and which were shared with you."),
    words("objective", "Objectives that are yours", "The objectives of your teams that you answer for."),
    words("key_result", "Key results that are yours", "The key results of your teams that you answer for."),
    words("check_in", "Your check-ins", "Every value, confidence and comment that you noted."),
    words(
        "objective_revision",
        "Your changes of objectives",
        "What you changed in objectives and key results, and what you wrote there.",
    ),
    words(
        "audit_event",
        "What the logs say of you",
        "What you did and what was done to you. Each is committed to in the public ledger, under the leaf that is named.",
    ),
    words(
        "admin_look",
        "Looks of the operator",
        "When somebody of the operator's looked at the data of a team of yours, and why.",
    ),
    words("rights_request", "Your requests", "What you asked for under data protection law, and what you were told."),
    words("rights_case", "How your requests went", "When each was opened, due and closed."),
    words("legal_hold", "Legal holds", "Until when the law forbids that you are erased."),
    words(
        "mail",
        "Mail on its way to you",
        "What is written to you and not handed over yet, and until when it is tried.",
    ),
    words("job", "Work that names you", "What the system still has to do for you."),
    words("ticket", "When that work is due", "It is listed with the work itself and names nobody."),
    words("saml_idp", "How your teams sign in", "A team's own provider. It is about nobody."),
];

/// Tables of the map whose rows name nobody, each with the reason.
#[cfg(test)]
pub(super) const NAMES_NOBODY: &[(&str, &str)] =
    &[("ticket", "it stands beside a job, which names whom it is for"), ("saml_idp", "it is the team's provider")];

/// What a person has provided: what a portability package holds.
pub(super) const PROVIDED: &[&str] =
    &["account", "person", "note", "drawing", "objective", "key_result", "check_in", "objective_revision"];

pub(super) fn of(section: &str) -> Option<Words> {
    ALL.iter().copied().find(|one| one.section == section)
}

/// A column, as people read it.
pub(super) fn label(column: &str) -> String {
    let words = match column {
        "tenant_id" => "team",
        "person_id" => "person",
        "account_id" => "account",
        other => other.strip_suffix("_at").or_else(|| other.strip_suffix("_id")).unwrap_or(other),
    };
    let words = words.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_words() {
        assert_eq!((label("created_at"), label("tenant_id")), ("Created".to_owned(), "Team".to_owned()));
        assert_eq!(label("check_in_every"), "Check in every");
    }
}
