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
use store::Store;

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
            Each must leave the browser signed out. For everybody's links, the logs must tell of the same account and the same \
            identity as the rows do. It cannot see the named provider's own checks, its servers, nor what was \
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
    Fault {
        id: "oidc-link-given-to-somebody-else",
        about: "The link of one identity is written over to an account that never linked any, in its row and in the index alike: \
                whoever signs in at the provider acts as somebody else.",
        breaks: &["oidc-signin"],
        spares_plants: true,
        make: Make::Sql { make: GIVE, undo: GIVE_BACK },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM json_to_record(obj_description('wordbond.provider_link'::regclass)::json)
                                        AS k(link_id uuid, account_id uuid)
                            JOIN wordbond.provider_link AS l ON l.link_id = k.link_id AND l.account_id <> k.account_id
                            JOIN wordbond.sign_in AS i ON i.row_id = k.link_id AND i.account_id = l.account_id
                                AND i.lookup = l.subject_hash)",
        ),
    },
];

/// From the newest link, to whom nobody has heard of for longest: what other attacks stand on is left alone.
const GIVE: &str = "DO $$
    DECLARE
        given record;
        taker uuid;
    BEGIN
        SELECT link_id, account_id INTO STRICT given FROM wordbond.provider_link ORDER BY created_at DESC LIMIT 1;
        SELECT a.account_id INTO STRICT taker FROM wordbond.account AS a
        WHERE NOT EXISTS (SELECT FROM wordbond.provider_link AS l WHERE l.account_id = a.account_id)
        ORDER BY (SELECT max(seen_at) FROM wordbond.session AS s WHERE s.account_id = a.account_id) NULLS FIRST LIMIT 1;
        EXECUTE format('COMMENT ON TABLE wordbond.provider_link IS %L', row_to_json(given));
        UPDATE wordbond.provider_link SET account_id = taker WHERE link_id = given.link_id;
        UPDATE wordbond.sign_in SET account_id = taker WHERE kind = 'link' AND row_id = given.link_id;
    END $$";

const GIVE_BACK: &str = "DO $$
    DECLARE
        given record;
    BEGIN
        SELECT * INTO STRICT given FROM json_to_record(obj_description('wordbond.provider_link'::regclass)::json)
            AS k(link_id uuid, account_id uuid);
        UPDATE wordbond.provider_link SET account_id = given.account_id WHERE link_id = given.link_id;
        UPDATE wordbond.sign_in SET account_id = given.account_id WHERE kind = 'link' AND row_id = given.link_id;
    END $$;
    COMMENT ON TABLE wordbond.provider_link IS NULL";

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

/// Attacks the promise as the issuer that `data_dir` registers, and walks the links in the store.
pub async fn probe(site: &Site, store: &Store, data_dir: &Path, promise: &Promise) -> Finding {
    let issuer = match LoopbackIssuer::open(data_dir).await {
        Ok(issuer) => issuer,
        Err(error) => return Finding::nothing(format!("there is no issuer to compare with: {error}")),
    };
    attack::run(site, store, data_dir, &issuer, promise).await
}
