//! Control `oidc-signin`: what a provider did not sign, or signed for somebody else, lets nobody in.

mod attack;
mod forgery;

use super::loopback::{LoopbackIssuer, WIDENED};
use kernel::Span;
use outbound::Site;
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
    fault::{Bites, Make},
};
use std::path::Path;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "oidc-signin",
    title: "Sign-in through an identity provider",
    about: "Identity and session tokens are verified against the keys that their issuer publishes, for this service as the \
            audience or party, within their time; a sign-in is bound to the browser that began it by state, nonce and PKCE, and \
            a subject signs in only as the account whose owner agreed to the link. The provider that customers know signs \
            nothing false on request, so the operator's data directory registers one more issuer, on loopback, under the same \
            rules. As that issuer the probe signs two people up and in at the public address, and each must be let in as \
            themselves: without that nothing would be shown by refusals. Then it comes back from the issuer with tokens that are \
            forged with another key, unsigned, signed with the public key as a secret, altered, carrying their own key, expired, \
            not yet valid, of another issuer, for another audience, without or with another nonce; with a state of another \
            browser, without one, and twice; and it calls the API with session tokens of the same kinds and of another party. \
            Each must leave the browser signed out. It cannot see the named provider's own checks, its servers, nor what was \
            agreed with it about addresses to return to.",
    wing: "ingress",
    vantage: Vantage::Inside,
    params: &[ParamSpec {
        name: "provider",
        kind: ParamKind::Text,
        default: None,
        about: "The identity provider, as customers know it.",
        stronger: Stronger::Neither,
    }],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every token", "only"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["5.16", "8.5"],
        soc2: &["CC6.1"],
        asvs: &["9.1.1", "9.1.2", "9.1.3", "9.2.1", "9.2.3", "10.5.1", "10.5.2", "10.5.3", "10.5.4"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "oidc-another-audience",
        about: "The same issuer is registered a second time, with another service's client: tokens that were meant for that \
                service are accepted here.",
        breaks: &["oidc-signin"],
        spares_plants: true,
        make: Make::File { from: WIDENED, to: "providers/loopback-widened.toml" },
        bites: Bites::File("providers/loopback-widened.toml"),
    },
    Fault {
        id: "oidc-links-crossed",
        about: "The subjects of all links are passed on in a ring: each signs in as somebody else.",
        breaks: &["oidc-signin"],
        spares_plants: false,
        make: Make::Sql { make: CROSS, undo: UNCROSS },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM json_to_recordset(obj_description('wordbond.provider_link'::regclass)::json)
                                        AS k(lookup text, account_id uuid)
                            JOIN wordbond.sign_in AS s ON encode(s.lookup, 'hex') = k.lookup
                            WHERE s.account_id <> k.account_id)",
        ),
    },
];

/// Links of people who share a team with nobody: what other attacks stand on is left alone.
const CROSS: &str = "DO $$
    DECLARE
        kept json;
    BEGIN
        SELECT json_agg(json_build_object('lookup', encode(s.lookup, 'hex'), 'account_id', s.account_id, 'row_id', s.row_id)
                        ORDER BY s.lookup) INTO kept
        FROM wordbond.sign_in AS s
        WHERE s.kind = 'link' AND NOT EXISTS (
            SELECT FROM wordbond.membership AS m
            JOIN wordbond.membership AS n ON n.tenant_id = m.tenant_id AND n.account_id <> m.account_id
            WHERE m.account_id = s.account_id);
        EXECUTE format('COMMENT ON TABLE wordbond.provider_link IS %L', kept);
        UPDATE wordbond.sign_in AS s SET account_id = r.account_id, row_id = r.row_id
        FROM (SELECT k.lookup,
                     coalesce(lead(k.account_id) OVER w, first_value(k.account_id) OVER w) AS account_id,
                     coalesce(lead(k.row_id) OVER w, first_value(k.row_id) OVER w) AS row_id
              FROM json_to_recordset(kept) AS k(lookup text, account_id uuid, row_id uuid)
              WINDOW w AS (ORDER BY k.lookup)) AS r
        WHERE r.lookup = encode(s.lookup, 'hex');
        UPDATE wordbond.provider_link AS p SET subject_hash = s.lookup
        FROM wordbond.sign_in AS s
        WHERE s.kind = 'link' AND s.account_id = p.account_id AND s.row_id = p.link_id;
    END $$";

const UNCROSS: &str = "DO $$
    BEGIN
        UPDATE wordbond.sign_in AS s SET account_id = k.account_id, row_id = k.row_id
        FROM json_to_recordset(obj_description('wordbond.provider_link'::regclass)::json)
             AS k(lookup text, account_id uuid, row_id uuid)
        WHERE k.lookup = encode(s.lookup, 'hex');
        UPDATE wordbond.provider_link AS p SET subject_hash = s.lookup
        FROM wordbond.sign_in AS s
        WHERE s.kind = 'link' AND s.account_id = p.account_id AND s.row_id = p.link_id;
    END $$;
    COMMENT ON TABLE wordbond.provider_link IS NULL";

/// Attacks the promise as the issuer that `data_dir` registers.
pub async fn probe(site: &Site, data_dir: &Path, promise: &Promise) -> Finding {
    let issuer = match LoopbackIssuer::open(data_dir).await {
        Ok(issuer) => issuer,
        Err(error) => return Finding::nothing(format!("there is no issuer to compare with: {error}")),
    };
    attack::run(site, data_dir, &issuer, promise).await
}
