use crate::system::System;
use accounts::{provider::oidc_signin, team::roles};
use ingress::visitor::Visitor;
use kernel::Span;
use outbound::{Site, Trust};
use promises::{
    Kind, Outcome, Promise,
    fault::{Bites, Make},
    profile::Value,
};
use sqlx::raw_sql;
use std::{collections::BTreeMap, fs};

fn promise(control: &str) -> Promise {
    let params = BTreeMap::from([("provider".to_owned(), Value::Text("Google".to_owned()))]);
    Promise {
        id: control.to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: String::new(),
        kind: Kind::Enforced,
        control: Some(control.to_owned()),
        params,
        cadence: Span::minutes(15),
        freshness: Span::hours(1),
        attested: None,
        planned: None,
        waiver: None,
    }
}

#[tokio::test]
async fn sign_in_through_a_provider_withstands_and_links_of_others_are_seen() {
    let system = System::open().await;
    let (site, store, dir, promise) = (&system.site, system.db.store(), system.data_dir(), promise("oidc-signin"));
    for round in ["newly planted", "remembered"] {
        let finding = oidc_signin::probe(site, store, dir, &promise).await;
        assert_eq!(finding.outcome(), Outcome::Held, "{round}: {}", finding.saw());
    }
    // Somebody who never linked an identity.
    Visitor::stranger(site).await.sign_up().await.unwrap();
    let mut owner = system.db.superuser().await.unwrap();
    for id in ["oidc-links-crossed", "oidc-link-given-to-somebody-else"] {
        let fault = oidc_signin::FAULTS.iter().find(|fault| fault.id == id).unwrap();
        let (Make::Sql { make, undo }, Bites::Sql(question)) = (fault.make, fault.bites) else { panic!("SQL") };
        raw_sql(make).execute(&mut owner).await.unwrap();
        assert!(sqlx::query_scalar::<_, bool>(question).fetch_one(&mut owner).await.unwrap(), "{id} bites");
        let finding = oidc_signin::probe(site, store, dir, &promise).await;
        assert_eq!(finding.outcome(), Outcome::Broke, "{id}: {}", finding.saw());
        raw_sql(undo).execute(&mut owner).await.unwrap();
        let finding = oidc_signin::probe(site, store, dir, &promise).await;
        assert_eq!(finding.outcome(), Outcome::Held, "{id}: {}", finding.saw());
    }
}

#[tokio::test]
async fn without_the_issuer_or_the_service_nothing_is_shown() {
    let system = System::open().await;
    let nobody = Site::new("https://localhost:9", Trust::none()).unwrap();
    let finding = oidc_signin::probe(&nobody, system.db.store(), system.data_dir(), &promise("oidc-signin")).await;
    assert_eq!(finding.outcome(), Outcome::Failed);
    fs::remove_file(system.data_dir().join("providers/loopback.toml")).unwrap();
    let finding = oidc_signin::probe(&system.site, system.db.store(), system.data_dir(), &promise("oidc-signin")).await;
    assert_eq!(finding.outcome(), Outcome::Nothing);
    let finding = roles::probe(&system.site, system.db.store(), system.data_dir(), &promise("roles")).await;
    assert_eq!(finding.outcome(), Outcome::Nothing);
}

#[tokio::test]
async fn every_role_is_held_to_the_matrix_and_what_is_widened_is_seen() {
    let system = System::open().await;
    let probe = async || {
        let finding = roles::probe(&system.site, system.db.store(), system.data_dir(), &promise("roles")).await;
        (finding.outcome(), finding.saw().to_owned())
    };
    let first = probe().await;
    assert_eq!(first.0, Outcome::Held, "{}", first.1);
    // Somebody whom no probe planted.
    drop(system.somebody(&system.issuer().await, None).await);
    let mut owner = system.db.superuser().await.unwrap();
    for fault in roles::FAULTS {
        // A layer in front takes a whole system.
        let (Make::Sql { make, undo }, Bites::Sql(question)) = (fault.make, fault.bites) else { continue };
        raw_sql(make).execute(&mut owner).await.unwrap();
        assert!(sqlx::query_scalar::<_, bool>(question).fetch_one(&mut owner).await.unwrap(), "{}", fault.id);
        let broken = probe().await;
        assert_eq!(broken.0, Outcome::Broke, "{}: {}", fault.id, broken.1);
        raw_sql(undo).execute(&mut owner).await.unwrap();
        let kept = probe().await;
        assert_eq!(kept.0, Outcome::Held, "after {}: {}", fault.id, kept.1);
    }
}
