//! The table of routes: every form of an account is limited, protected and bounded.

use crate::system::System;
use ingress::{Auth, Face};

#[tokio::test]
async fn every_route_says_who_may_call_it() {
    let system = System::open().await;
    let table = accounts::routes(&system.accounts);
    for route in table.iter() {
        let policy = route.policy();
        let changes = route.method() != "GET";
        assert!(
            !(changes && policy.auth == Auth::Public && policy.face == Face::Page),
            "{route} is open without a token"
        );
        assert!(policy.streamed || policy.body <= 1 << 20, "{route} takes too much");
    }
    insta::assert_snapshot!(
        table
            .to_string()
            .lines()
            .filter(|line| {
                ["/account", "/sign", "/confirm", "/forgot", "/reset", "/verify", "/app", "/dev"]
                    .iter()
                    .any(|own| line.contains(own))
                    && !line.contains("/sign-in/with")
                    && !line.contains("/account/links")
                    && !line.contains("saml")
            })
            .collect::<Vec<_>>()
            .join("\n")
    );
}
