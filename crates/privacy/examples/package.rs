//! Writes the page of a made-up person's copy to standard output: for whoever looks at how it looks.

use kernel::AccountId;
use privacy::package::{KeptBack, Package, Reach, Section, html};
use serde_json::{Value, json};
use std::{
    error::Error,
    io::{self, Write as _},
};
use uuid::Uuid;

fn section(name: &str, title: &str, about: &str, rows: Vec<Value>) -> Section {
    let rows = rows.into_iter().filter_map(|row| row.as_object().cloned()).collect();
    Section { section: name.to_owned(), title: title.to_owned(), about: about.to_owned(), rows }
}

fn main() -> Result<(), Box<dyn Error>> {
    let team = Uuid::now_v7();
    let at = "2026-11-20T08:15:00Z";
    let sections = vec![
        section(
            "account",
            "Your account",
            "Your address and name, and when your password was set.",
            vec![
                json!({"email": "ada@lovelace.example", "name": "Ada Lovelace", "email_verified_at": at, "created_at": at}),
            ],
        ),
        section(
            "tenant",
            "What your teams are called",
            "The name of each team that you are or were in.",
            vec![json!({"tenant_id": team, "name": "Analytical Engines", "created_at": at})],
        ),
        section(
            "session",
            "Signed-in browsers",
            "The browsers in which you are or were signed in.",
            vec![
                json!({"device": "Firefox on Linux", "strength": "password", "created_at": at, "seen_at": "2026-11-22T10:01:00Z"}),
                json!({"device": "Safari on iPhone", "strength": "passkey", "created_at": at, "seen_at": "2026-11-21T17:40:00Z"}),
            ],
        ),
        section(
            "note",
            "Notes",
            "The notes that you wrote.",
            vec![
                json!({"tenant_id": team, "title": "Operation cards", "body": "Two sets:\none for the mill, one for the store.", "created_at": at}),
            ],
        ),
        section(
            "note_grant",
            "Shared notes",
            "Which notes you shared, and which were shared with you.",
            vec![json!({"tenant_id": team, "person": "somebody else", "created_at": at})],
        ),
        section(
            "drawing",
            "Drawings",
            "The drawings that you uploaded. The files are in the archive.",
            vec![
                json!({"tenant_id": team, "label": {"name": "Difference engine, elevation"}, "kind": "pdf", "size": 482_133, "created_at": at}),
            ],
        ),
        section(
            "audit_event",
            "What the logs say of you",
            "What you did and what was done to you.",
            vec![
                json!({"tenant_id": team, "action": "drawing.create", "at": at, "leaf": 184}),
                json!({"tenant_id": team, "action": "note.share", "at": at, "leaf": 187, "targets": ["somebody else"]}),
            ],
        ),
        section("invitation", "Invitations", "", Vec::new()),
        section("objective", "Objectives that are yours", "", Vec::new()),
    ];
    let kept_back = vec![KeptBack {
        section: "session".to_owned(),
        column: "token".to_owned(),
        why: "only a hash of it is kept".to_owned(),
    }];
    let package = Package {
        id: Uuid::new_v4(),
        made_at: "2026-11-22T10:30:00Z".parse()?,
        reach: Reach::Access,
        account: AccountId::new(),
        sections,
        kept_back,
        files: Vec::new(),
    };
    Ok(io::stdout().write_all(html(&package)?.as_bytes())?)
}
