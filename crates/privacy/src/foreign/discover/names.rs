//! What names of columns say.

use kernel::DataClass;

/// Parts of names, what they stand for, and how sure that is. The first that fits counts.
const WORDS: &[(&[&str], DataClass, f64)] = &[
    (
        &["password", "passwd", "pwd", "secret", "api_key", "apikey", "private_key", "otp", "totp", "recovery_code"],
        DataClass::Credential,
        0.95,
    ),
    (
        &["session_key", "csrf", "access_token", "refresh_token", "token", "signature", "salt"],
        DataClass::Credential,
        0.8,
    ),
    (&["email", "e_mail", "mail_address", "phone", "mobile", "telephone", "fax"], DataClass::Personal, 0.9),
    (
        &[
            "first_name",
            "last_name",
            "firstname",
            "lastname",
            "surname",
            "full_name",
            "fullname",
            "given_name",
            "family_name",
            "display_name",
            "nickname",
            "user_name",
            "username",
            "login_name",
            "screen_name",
            "maiden",
        ],
        DataClass::Personal,
        0.9,
    ),
    (
        &[
            "birth",
            "dob",
            "gender",
            "nationality",
            "religion",
            "marital",
            "passport",
            "ssn",
            "tax_id",
            "iban",
            "salary",
        ],
        DataClass::Personal,
        0.95,
    ),
    (
        &[
            "street",
            "postcode",
            "postal",
            "zip_code",
            "zipcode",
            "address_line",
            "home_address",
            "shipping_address",
            "billing_address",
        ],
        DataClass::Personal,
        0.85,
    ),
    (
        &[
            "ip_address",
            "remote_addr",
            "client_ip",
            "last_ip",
            "user_agent",
            "useragent",
            "fingerprint",
            "latitude",
            "longitude",
        ],
        DataClass::Personal,
        0.85,
    ),
    (&["avatar", "photo", "signature_image"], DataClass::Personal, 0.7),
    (&["checksum", "md5", "sha1", "sha256", "etag"], DataClass::System, 0.7),
    (
        &[
            "comment",
            "message",
            "body",
            "description",
            "note",
            "content",
            "biography",
            "about_me",
            "feedback",
            "review",
        ],
        DataClass::Content,
        0.75,
    ),
    (
        &[
            "status",
            "state",
            "kind",
            "type",
            "level",
            "priority",
            "locale",
            "language",
            "timezone",
            "time_zone",
            "currency",
            "country",
            "version",
            "slug",
            "codename",
            "app_label",
            "model",
            "migration",
            "sort",
            "position",
            "order_no",
            "color",
            "platform",
            "environment",
            "visibility",
            "permission",
            "role",
        ],
        DataClass::System,
        0.7,
    ),
];

/// Names that must fit as a whole.
const WHOLE: &[(&[&str], DataClass, f64)] = &[
    (&["mail", "tel", "name_first", "name_last", "address", "city", "zip", "bio"], DataClass::Personal, 0.7),
    (&["ip", "ua"], DataClass::Personal, 0.75),
    (&["text", "title", "subject", "summary", "caption"], DataClass::Content, 0.6),
    (&["hash", "key"], DataClass::Credential, 0.4),
];

/// What a name says, and how sure that is.
pub(super) fn class(name: &str) -> Option<(DataClass, f64)> {
    let name = snake(name);
    let whole = WHOLE.iter().find(|(words, ..)| words.contains(&name.as_str()));
    let part = || WORDS.iter().find(|(words, ..)| words.iter().any(|word| has_word(&name, word)));
    whole.or_else(part).map(|(_, class, confidence)| (*class, *confidence))
}

/// `userName` and `User-Name` are `user_name`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut last_was_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && last_was_lower {
            out.push('_');
        }
        last_was_lower = letter.is_lowercase() || letter.is_numeric();
        out.extend(if letter.is_alphanumeric() { letter.to_lowercase().next() } else { Some('_') });
    }
    out
}

/// Whether the word stands in the name, at the beginning and the end of words; a plural counts.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let begins = name.get(..at).is_some_and(|before| before.is_empty() || before.ends_with('_'));
        let rest = name.get(at + word.len()..).unwrap_or_default();
        begins && (rest.is_empty() || rest.starts_with('_') || rest == "s" || rest == "es" || rest.starts_with("s_"))
    })
}

/// Who stands in a column that is named so: what belongs to them, and what they only touched.
const OWNERS: &[&str] = &[
    "user",
    "account",
    "customer",
    "member",
    "owner",
    "person",
    "profile",
    "contact",
    "client",
    "author",
    "sender",
    "recipient",
    "subscriber",
    "employee",
    "patient",
    "student",
    "buyer",
    "seller",
];

/// Who only touched a row.
const TOUCHED: &[&str] = &[
    "created_by",
    "updated_by",
    "modified_by",
    "changed_by",
    "deleted_by",
    "approved_by",
    "assigned_to",
    "assignee",
    "resolved_by",
    "reviewer",
    "editor",
    "actor",
    "invited_by",
    "inviter",
    "performed_by",
    "closed_by",
    "last_editor",
];

/// Whether a column of that name names whom a row belongs to.
pub(super) fn is_owner(name: &str) -> bool {
    let name = snake(name);
    OWNERS.iter().any(|word| has_word(&name, word)) && !is_touched(&name)
}

/// Whether a column of that name names who only touched the row.
pub(super) fn is_touched(name: &str) -> bool {
    let name = snake(name);
    TOUCHED.iter().any(|word| has_word(&name, word))
}

/// How much a table's name sounds like one of people.
pub(super) fn people(table: &str) -> f64 {
    let name = snake(table);
    let words = [
        "user",
        "users",
        "account",
        "accounts",
        "customer",
        "customers",
        "member",
        "members",
        "person",
        "people",
        "contact",
        "contacts",
    ];
    let last = name.rsplit('_').next().unwrap_or_default();
    match words.iter().position(|word| *word == last) {
        Some(place) if name == last => 3.0 - place as f64 * 0.05,
        Some(place) => 2.5 - place as f64 * 0.05,
        None if words.iter().any(|word| has_word(&name, word)) => 0.5,
        None => 0.0,
    }
}

/// Whether the column's name could stand for a row of that table: `user_id` for `users`, or `shop_user`.
pub(super) fn stands_for(column: &str, table: &str) -> bool {
    let column = snake(column);
    let Some(stem) = ["_id", "_uuid", "_key", "_pk", "_no"].iter().find_map(|ending| column.strip_suffix(ending))
    else {
        return false;
    };
    let table = snake(table);
    let singular = table
        .strip_suffix("ies")
        .map_or_else(|| table.strip_suffix('s').unwrap_or(&table).to_owned(), |stem| format!("{stem}y"));
    [&table, &singular]
        .iter()
        .any(|name| *name == stem || name.ends_with(&format!("_{stem}")) || stem.ends_with(&format!("_{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_there() {
        for (name, wanted) in [
            ("email", Some(DataClass::Personal)),
            ("contactEmail", Some(DataClass::Personal)),
            ("password", Some(DataClass::Credential)),
            ("comments", Some(DataClass::Content)),
            ("remote_addr", Some(DataClass::Personal)),
            ("status", Some(DataClass::System)),
            ("device", None),
            ("emailing", None),
            ("ship", None),
        ] {
            assert_eq!(class(name).map(|(class, _)| class), wanted, "{name}");
        }
    }

    #[test]
    fn a_column_stands_for_a_table() {
        assert!(
            stands_for("user_id", "users")
                && stands_for("user_id", "shop_user")
                && stands_for("company_id", "companies")
        );
        assert!(stands_for("billing_customer_id", "customer") && stands_for("userId", "user"));
        assert!(!stands_for("user", "users") && !stands_for("order_id", "users"));
        assert!(
            is_owner("user_id") && is_owner("author") && !is_owner("created_by_user") && is_touched("created_by_user")
        );
        assert!(people("users") > people("auth_user") && people("auth_user") > people("user_groups"));
    }
}
