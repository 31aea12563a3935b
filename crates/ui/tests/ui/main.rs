//! Pages as a whole.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use ui::{Act, Cell, Facts, Field, Form, Item, Nav, Notice, Page, Part, Passkey, Shell, Table, Tone};

fn shell() -> Shell {
    let nav = Nav {
        team: Some("Engines & Co".to_owned()),
        name: "Ada".to_owned(),
        role: Some("Owner".to_owned()),
        csrf: "token".to_owned(),
        items: vec![Item::new("/drawings", "Drawings"), Item::new("/team", "Team")],
    };
    Shell { service: "Leide".to_owned(), path: "/team/log".to_owned(), nav: Some(nav) }
}

fn with_errors() -> String {
    let form = Form::post("/x", "c&c", "Send")
        .title("A form")
        .field(
            Field::email("email", "E-mail address").value("<ada>").error(Some("No address of that form.")).hint("Any."),
        )
        .field(Field::password("password", "Password").value("secret").focus())
        .field(Field::select("role", "Role", [("a", "A"), ("b", "B")]).value("b"))
        .field(Field::check("all", "Everything", true))
        .field(Field::area("text", "Text", 4).optional().value("</textarea>"))
        .field(Field::hidden("next", "/a?b=c&d"));
    let table = Table::new("Members", ["Name", "Role", ""]).row([
        Cell::lines("Bob <b>", "bob@example.com"),
        Cell::badge("Admin"),
        Cell::part(Act::new("/remove", "token", "Remove").about("Bob").tone(Tone::Danger)),
    ]);
    let page = Page::new("Team").lead("Who works here.").error(Some("Too late.")).add(form).add(table);
    page.add(Facts::new().fact("a", "<b>")).add(Notice::done("Saved", "")).render(&shell()).unwrap()
}

#[test]
fn a_page_with_errors_is_as_it_should_be() {
    insta::assert_snapshot!(with_errors());
}

#[test]
fn nothing_that_was_typed_becomes_markup_and_no_password_comes_back() {
    let page = with_errors();
    for raw in ["<ada>", "</textarea><", "Bob <b>", "secret", "c&c\""] {
        assert!(!page.contains(raw), "{raw} in {page}");
    }
}

#[test]
fn what_is_wrong_is_said_in_the_title_the_summary_and_at_the_field() {
    let page = with_errors();
    for needed in [
        "<title>Error: Team · Leide</title>",
        "role=\"alert\" tabindex=\"-1\" autofocus",
        "<a href=\"#email\">No address of that form.</a>",
        "<li>Too late.</li>",
        "aria-describedby=\"email-hint email-error\"",
        "aria-invalid=\"true\"",
    ] {
        assert!(page.contains(needed), "{needed} is not in {page}");
    }
    assert_eq!(page.matches("autofocus").count(), 1, "the cursor can stand in one place only");
}

#[test]
fn no_page_carries_script_or_style_of_its_own() {
    let key = Passkey::create("/o", "/f", "c").says("Add", "It did not work.");
    assert!(key.needs_script());
    let page = Page::new("Keys").add(key).render(&shell()).unwrap();
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("<script type=\"module\" src=\"/app/passkey."));
    for page in [page, with_errors()] {
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" on"), "{page}");
    }
}

#[test]
fn every_label_names_an_input_and_ids_are_unique() {
    let page = with_errors();
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    for named in page.split("<label for=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&named), "{named}");
    }
}

#[test]
fn assets_are_found_by_their_names_only() {
    for asset in ui::assets::all() {
        assert!(ui::assets::find(&asset.path).is_some_and(|found| found.bytes == asset.bytes));
    }
    assert!(ui::assets::find("/app/style.css").is_none());
}
