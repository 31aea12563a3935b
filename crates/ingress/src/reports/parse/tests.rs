use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn batch(directive: &str, blocked: &str, page: &str) -> Vec<u8> {
    let body =
        json!({"documentURL": page, "effectiveDirective": directive, "blockedURL": blocked, "sample": "secret()"});
    json!([{"type": "csp-violation", "age": 1, "url": page, "user_agent": "x", "body": body}]).to_string().into_bytes()
}

fn one(blocked: &str, page: &str) -> (String, String) {
    let violation = modern(&batch("img-src", blocked, page)).unwrap().remove(0);
    (violation.blocked, violation.path)
}

#[test]
fn both_notations_say_the_same() {
    let old = json!({"csp-report": {
        "document-uri": "https://example.com/trust?token=1#x",
        "violated-directive": "img-src 'self'",
        "blocked-uri": "https://user:secret@evil.example:8443/pixel.gif?who=ada",
        "source-file": "https://example.com/?q", "status-code": 200
    }});
    let wanted = Violation {
        directive: "img-src".to_owned(),
        blocked: "https://evil.example".to_owned(),
        path: "/trust".to_owned(),
    };
    assert_eq!(legacy(old.to_string().as_bytes()), Ok(wanted.clone()));
    let new = batch(
        "img-src",
        "https://user:secret@evil.example:8443/pixel.gif?who=ada",
        "https://example.com/trust?token=1#x",
    );
    assert_eq!(modern(&new), Ok(vec![wanted]));
}

#[test]
fn nothing_about_a_person_is_kept() {
    let page = "https://example.com/";
    assert_eq!(one("inline", page).0, "inline");
    assert_eq!(one("", page).0, "inline");
    assert_eq!(one("data", page).0, "data");
    assert_eq!(one("data:text/html;base64,c2VjcmV0", page).0, "data");
    assert_eq!(one("http://203.0.113.9/x", page).0, "http://address");
    assert_eq!(one("http://[2001:db8::1]:80/x", page).0, "http://address");
    assert_eq!(one("http://3405803785/", page).0, "http://address");
    assert_eq!(one("HTTPS://EVIL.example/", page).0, "https://evil.example");
    assert_eq!(one("inline", "https://example.com/people/ada@example.com/x?y").1, "/people/-/x");
    assert_eq!(one("inline", "https://example.com/people/ada%40example.com").1, "/people/-");
}

#[test]
fn what_is_malformed_is_refused_whole() {
    let page = "https://example.com/";
    for text in ["", "{}", "[1]", "[{}]", "null", "{\"csp-report\":1}", "[{\"type\":\"csp-violation\"}]"] {
        assert_eq!(modern(text.as_bytes()), Err(ReportError::Shape), "{text}");
        assert_eq!(legacy(text.as_bytes()), Err(ReportError::Shape), "{text}");
    }
    assert_eq!(modern(&batch("script src", "inline", page)), Err(ReportError::Directive));
    assert_eq!(modern(&batch("<b>", "inline", page)), Err(ReportError::Directive));
    assert_eq!(modern(&batch("img-src", "not a url", page)), Err(ReportError::Blocked));
    assert_eq!(modern(&batch("img-src", "https://<script>/", page)), Err(ReportError::Blocked));
    assert_eq!(modern(&batch("img-src", "inline", "/relative")), Err(ReportError::Page));
    assert_eq!(modern(&batch("img-src", "inline", "file:///etc/passwd")), Err(ReportError::Page));
    assert_eq!(modern(br#"[{"type":"deprecation","body":{}}]"#), Ok(vec![]));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from)
    ];
    let key = prop_oneof![
        Just("type".to_owned()),
        Just("body".to_owned()),
        Just("csp-report".to_owned()),
        Just("documentURL".to_owned()),
        ".{0,8}"
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (modern(&bytes), legacy(&bytes));
    }

    #[test]
    fn no_json_panics(value in any_json()) {
        let text = value.to_string();
        let _ = (modern(text.as_bytes()), legacy(text.as_bytes()));
    }

    #[test]
    fn what_is_kept_is_short_and_plain(blocked in ".{0,300}", page in "https://[a-z]{1,9}\\.example/.{0,300}") {
        for violation in modern(&batch("img-src", &blocked, &page)).unwrap_or_default() {
            prop_assert!(violation.blocked.len() <= 210 && violation.path.chars().count() <= LONGEST_PATH);
            prop_assert!(!violation.path.contains(['?', '#', '@']));
            prop_assert!(violation.blocked.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@')));
        }
    }
}
