use super::{
    list::{Listed, document, is_known, listed},
    *,
};
use axum::http::Method;
use ingress::{Auth, Policy, Route, RouteTable};
use kernel::{Permission, TeamRole, access::MATRIX};
use std::fmt::Write as _;

async fn nothing() {}

fn table() -> RouteTable {
    let read = Policy::read(Permission::NotesRead);
    let form = Policy::form(Auth::Person(Permission::MembersManage), 9).fresh();
    RouteTable::new([
        Route::get("/a/{id}/b/{other}", read, nothing),
        Route::new(Method::POST, "/team/members/{id}/role", form, nothing),
        Route::get("/admin", Policy::page(Auth::Admin), nothing),
    ])
}

#[test]
fn the_list_says_who_may() {
    let routes = listed(&table());
    let of = |path: &str| routes.iter().find(|route| route.path == path).unwrap();
    assert_eq!(of("/a/{id}/b/{other}").permission(), Some(Permission::NotesRead));
    assert_eq!(of("/a/{id}/b/{other}").parameters().collect::<Vec<_>>(), ["id", "other"]);
    let filled =
        |values: &[&str]| of("/a/{id}/b/{other}").filled(&values.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(filled(&["1", "2"]), "/a/1/b/2");
    assert_eq!(filled(&["1"]), "/a/1/b/1");
    assert_eq!(of("/admin").permission(), None);
    assert!(of("/team/members/{id}/role").fresh && !of("/team/members/{id}/role").reads());
    assert_eq!(document(&table()).path(), PATH);
    let text = serde_json::to_string(&routes).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Listed>>(&text).unwrap(), routes);
    assert!(table().iter().all(|route| is_known(route.policy().auth)));
}

/// The matrix as people read it; a change of it is a change of this text.
#[test]
fn the_matrix_can_be_read() {
    let mut text = format!("{:<26}", "");
    for role in TeamRole::ALL {
        let _ = write!(text, "{:<8}", role.as_str());
    }
    for (permission, roles) in MATRIX {
        let _ = write!(text, "\n{:<26}", permission.as_str());
        for role in TeamRole::ALL {
            let _ = write!(text, "{:<8}", if roles.contains(&role) { "yes" } else { "-" });
        }
    }
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(text);
}
