//! What a caller says in our name, in every spelling, over a real edge.

use crate::{
    application::{Application, field},
    house::House,
};

#[tokio::test]
async fn no_spelling_of_ours_passes() {
    let house = House::of(Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await).await;
    let lines = "X-Wordbond-Identity: forged\r\nx_wordbond_identity: forged\r\nX-WORDBOND_IDENTITY: forged\r\nx.wordbond.identity: forged\r\n\
                 x-wordbond-identity: forged\r\nX-Forwarded-For: 6.6.6.6\r\nx_forwarded_for: 6.6.6.6\r\nX-Forwarded-Host: forged\r\n\
                 Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nRemote-User: forged\r\nREMOTE_USER: forged\r\nX-Forwarded-User: forged\r\n\
                 X-Auth-Request-User: forged\r\nX-HTTP-Method-Override: DELETE\r\nProxy: http://forged\r\nVia: forged\r\nX-Request-Id: forged\r\n\
                 Keep-Alive: forged\r\nProxy-Authorization: forged\r\nProxy-Connection: forged\r\nTE: forged\r\nTrailer: forged\r\nUpgrade: forged\r\n\
                 HTTP2-Settings: forged\r\nconnection: x-secret-hop, cookie\r\nX-Secret-Hop: forged\r\ncookie: a=forged\r\n";
    let said = house.get("/", lines).await;
    assert_eq!(said.status(), 200, "{said:?}");
    let asked = house.application.only();
    assert!(!asked.contains("forged") && !asked.contains("6.6.6.6") && !asked.contains("DELETE"), "{asked}");
    for once in ["x-wordbond-identity", "x-forwarded-for", "forwarded", "via", "host", "x-request-id"] {
        let count = asked.lines().filter(|line| line.to_ascii_lowercase().starts_with(&format!("{once}:"))).count();
        assert_eq!(count, 1, "{once}: {asked}");
    }
    assert!(
        asked.lines().all(|line| !line.split(':').next().unwrap().contains(['_', '.']) || line.starts_with("GET ")),
        "{asked}"
    );
}

#[tokio::test]
async fn cookies_stay_on_their_side() {
    let house = House::of(Application::saying(
        "HTTP/1.1 200 OK\r\nset-cookie: sessionid=1; Path=/\r\nset-cookie: __Host-wordbond=evil; Path=/; Secure\r\nset-cookie: __host-KNOWN=evil\r\nset-cookie: =__Host-visit=evil\r\nset-cookie: theme=dark\r\ncontent-length: 0\r\n\r\n",
    ).await).await;
    let said = house
        .get(
            "/",
            "cookie: a=1; __Host-wordbond=wbs_secret; b=2; __Host-visit=secret\r\ncookie: __Host-known=secret\r\n",
        )
        .await;
    let set: Vec<_> = said.text.lines().filter(|line| line.starts_with("set-cookie: ")).collect();
    assert_eq!(set, ["set-cookie: sessionid=1; Path=/", "set-cookie: theme=dark"]);
    let asked = house.application.only();
    assert_eq!(field(&asked, "cookie"), Some("a=1; b=2"));
    assert!(!asked.contains("secret") && !asked.contains("wbt_"), "{asked}");
}

#[tokio::test]
async fn the_applications_own_credentials_pass() {
    let house = House::of(
        Application::saying(
            "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"theirs\"\r\ncontent-length: 0\r\n\r\n",
        )
        .await,
    )
    .await;
    let request = "GET /open/ HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic dTpw\r\nx-sentry-auth: key\r\nconnection: close\r\n\r\n";
    let said = house.say(request).await;
    assert_eq!((said.status(), said.field("www-authenticate")), (401, Some("Basic realm=\"theirs\"")));
    let asked = house.application.only();
    assert_eq!(field(&asked, "authorization"), Some("Basic dTpw"));
    assert_eq!(field(&asked, "x-sentry-auth"), Some("key"));
}
