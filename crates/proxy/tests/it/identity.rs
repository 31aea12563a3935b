//! What the application learns of the caller.

use crate::{
    application::{Application, field},
    house::House,
};

#[tokio::test]
async fn a_token_says_who_calls_for_a_minute() {
    let house = House::of(Application::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await).await;
    house.get("/a", "").await;
    house.get("/b", "").await;
    let asked = house.application.asked();
    let tokens: Vec<serde_json::Value> =
        asked.iter().map(|asked| serde_json::from_str(field(asked, "x-wordbond-identity").unwrap()).unwrap()).collect();
    let token = &tokens[0];
    assert_eq!(token["iss"], format!("https://localhost:{}", house.port));
    assert_eq!((&token["aud"], &token["role"], &token["via"]), (&"upstream".into(), &"member".into(), &"token".into()));
    assert_eq!(token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap(), 60);
    assert_eq!(token["sub"], token["person"]);
    assert_eq!(tokens[0]["sub"], tokens[1]["sub"]);
    let keys =
        house.say("GET /.well-known/wordbond/jwks.json HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").await;
    assert_eq!((keys.status(), keys.content()), (200, "{\"keys\":[]}"));
    assert_eq!(house.application.asked().len(), 2);
}
