//! Where somebody is signed in.

use crate::system::{System, to};
use ingress::cookie;

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let system = System::open().await;
    let mut here = system.visitor();
    let somebody = here.sign_up().await.unwrap();
    let (mut there, mut third) = (system.visitor(), system.visitor());
    there.sign_in(&somebody.email, &somebody.password).await.unwrap();
    third.sign_in(&somebody.email, &somebody.password).await.unwrap();
    let page = here.get("/account/sessions").await.unwrap().text();
    assert_eq!(page.matches("<tr>").count(), 4, "{page}");
    assert!(page.contains("This browser") && page.contains("End all other sessions"), "{page}");
    let revoke: Vec<&str> = page
        .split("action=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|path| path.contains("/revoke\"") || path.ends_with("/revoke"))
        .collect();
    assert_eq!(revoke.len(), 2, "{revoke:?}");
    system.stale(&here).await;
    for path in [revoke[0], "/account/sessions/revoke-others"] {
        assert!(to(&here.post_form(path, &[]).await.unwrap()).starts_with("/confirm"), "{path}");
    }
    assert_eq!(there.get("/account").await.unwrap().status, 200, "nothing ends before that");
    here.post_form("/confirm", &[("password", &somebody.password)]).await.unwrap();
    assert_eq!(to(&here.post_form(revoke[0], &[]).await.unwrap()), "/account/sessions?done=ended");
    let alive = [there.get("/account").await.unwrap().status, third.get("/account").await.unwrap().status];
    assert_eq!(alive.iter().filter(|status| **status == 200).count(), 1, "{alive:?}");
    assert_eq!(
        to(&here.post_form("/account/sessions/revoke-others", &[]).await.unwrap()),
        "/account/sessions?done=ended"
    );
    assert_eq!(there.get("/account").await.unwrap().status, 303);
    assert_eq!(third.get("/account").await.unwrap().status, 303);
    assert_eq!(here.get("/account").await.unwrap().status, 200);
}

#[tokio::test]
async fn nobody_ends_the_session_of_somebody_else() {
    let system = System::open().await;
    let (mut ada, mut eve) = (system.visitor(), system.visitor());
    ada.sign_up().await.unwrap();
    eve.sign_up().await.unwrap();
    let store = system.db.store();
    let token = ada.cookie(cookie::SESSION).unwrap();
    let lifetimes = system.accounts.lifetimes();
    let session = store::sessions::find(store, token, lifetimes, system.accounts.now()).await.unwrap().unwrap();
    let answer = eve.post_form(&format!("/account/sessions/{}/revoke", session.id), &[]).await.unwrap();
    assert!(answer.status == 404 || answer.status == 303, "{}", answer.status);
    assert_eq!(ada.get("/account").await.unwrap().status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let system = System::open().await;
    let html = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (path, headers, kind) in [
        ("/nothing-here", &html[..], "text/html; charset=utf-8"),
        ("/api/nothing-here", &html[..], "text/html; charset=utf-8"),
        ("/nothing-here", &[("accept", "*/*")][..], "application/problem+json"),
        ("/nothing-here", &[][..], "application/problem+json"),
    ] {
        let answer = system.site.send("GET", path, headers, &[]).await.unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (404, Some(kind)), "{path} {headers:?}");
        assert_eq!((answer.header("vary"), answer.header("cache-control")), (Some("accept"), Some("no-store")));
        let text = answer.text();
        if kind.starts_with("text/html") {
            for way in ["href=\"/\"", "href=\"/sign-in\"", "href=\"/trust\""] {
                assert!(text.contains(way), "{way}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_is_made_shown_once_and_revoked() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    system.stale(&ada).await;
    assert!(to(&ada.post_form("/account/tokens", &[("label", "CI")]).await.unwrap()).starts_with("/confirm"));
    ada.post_form("/confirm", &[("password", &somebody.password)]).await.unwrap();
    assert_eq!(ada.post_form("/account/tokens", &[("label", "")]).await.unwrap().status, 422);
    let page = ada.post_form("/account/tokens", &[("label", "CI")]).await.unwrap().text();
    let token = page.split("wbt_").nth(1).unwrap().split_whitespace().next().unwrap();
    let bearer = format!("Bearer wbt_{token}");
    let me = async || system.site.send("GET", "/api/me", &[("authorization", &bearer)], &[]).await.unwrap().status;
    assert_eq!(me().await, 200);
    let list = ada.get("/account/tokens").await.unwrap().text();
    assert!(list.contains("CI") && !list.contains("wbt_"), "{list}");
    // Good for a year where nothing was chosen, and for no longer than is offered.
    assert!(list.contains("Good until") && list.contains("<option value=\"30\""), "{list}");
    let fields = [("label", "too long"), ("days", "400")];
    assert_eq!(ada.post_form("/account/tokens", &fields).await.unwrap().status, 422);
    assert_eq!(ada.post_form("/account/tokens", &[("label", "brief"), ("days", "1")]).await.unwrap().status, 200);
    let hours = "SELECT bool_and(expires_at - created_at IN (interval '1 day', interval '365 days')) AND count(*) = 2
        FROM wordbond.token";
    assert!(system.db.is_so(hours).await);
    system
        .db
        .as_superuser("UPDATE wordbond.token SET expires_at = now() WHERE expires_at > now() + interval '2 days'")
        .await;
    assert_eq!(me().await, 401, "an expired token opens nothing");
    assert!(ada.get("/account/tokens").await.unwrap().text().contains("Expired"));
    system.db.as_superuser("UPDATE wordbond.token SET expires_at = now() + interval '1 hour'").await;
    assert_eq!(me().await, 200);
    let paths = list.split("action=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for path in paths.filter(|path| path.ends_with("/revoke")).map(str::to_owned).collect::<Vec<_>>() {
        assert_eq!(to(&ada.post_form(&path, &[]).await.unwrap()), "/account/tokens?done=revoked");
    }
    assert_eq!(me().await, 401);
}
