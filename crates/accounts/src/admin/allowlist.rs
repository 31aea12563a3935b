//! Control `admin-allowlist`: who is not on the list finds no admin area, and without a sound list nobody is on it.

mod enrol;
mod live;
mod rehearsal;
mod strangers;

pub use rehearsal::Rehearse;

use kernel::Span;
use outbound::Site;
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
    fault::{Bites, Make, Meddling, On},
};
use std::path::Path;
use store::Store;

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "admin-allowlist",
    title: "An admin area that fails closed",
    about: "An administrator is whoever has proven an address of the list, and signed in with a second factor or a passkey; to all \
            others every admin route answers that there is nothing. The probe calls each admin route of the published list at the \
            public address: as nobody, as somebody who signed up with a password and proved no address, and as somebody with a \
            proven address and a second factor. As the list of the running system is not the probe's to change, the rest is a \
            rehearsal, and labelled as one: the same program runs on an empty data directory, first with an administrator of the \
            probe's own on the list, who must get in, and whose look at a team must stand in the team's log and in the operator's; \
            meanwhile people with look-alikes of listed addresses, in another case, with spaces, with a plus, in other scripts, in \
            other domains, and with a listed address that was never proven, must find nothing. Then the program is started \
            again on the same data with the list unset, empty, malformed in several ways, and without that administrator: \
            each time the same browser, still signed in, must find nothing on any admin route. What the rehearsal shows \
            depends on the program alone, so it stands for an hour while the program's bytes are the same, and its time is \
            told. For every team the database must \
            show that a log tells of each look as it is on record, and for every account whose address \
            counts as proven, that a log tells of the proof. It cannot see whether the people on \
            the list should be on it, nor what somebody with the operating system's root account reads.",
    wing: "ingress",
    vantage: Vantage::Inside,
    params: &[ParamSpec {
        name: "variable",
        kind: ParamKind::Text,
        default: Some("ADMIN_EMAILS"),
        about: "The setting that holds the allowlist.",
        stronger: Stronger::Neither,
    }],
    cadence: Span::hours(1),
    freshness: Span::hours(4),
    covers: &["every admin route", "all admin routes", "everyone", "nobody", "only", "each look"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)", "32(4)"],
        iso27001: &["5.15", "8.2"],
        soc2: &["CC6.1", "CC6.3"],
        asvs: &["8.2.1", "8.4.2"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "admin-door-propped-open",
        about: "A layer in front answers for the admin area, and takes every refusal for a success.",
        breaks: &["admin-allowlist", "roles"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::SetStatus(On::Path("/admin"), 200)]),
        bites: Bites::Answer { method: "GET", path: "/admin", headers: &[], body: "", status: 200 },
    },
    Fault {
        id: "admin-unproven-counts-as-proven",
        about: "One account that never proved its address is written down as having proven it: were the address on the list, its \
                holder would be an administrator.",
        breaks: &["admin-allowlist"],
        spares_plants: true,
        make: Make::Sql {
            make: "UPDATE wordbond.account SET email_verified_at = '2001-01-01 00:00:00.123456Z' WHERE account_id =
                       (SELECT account_id FROM wordbond.account WHERE email_verified_at IS NULL ORDER BY created_at LIMIT 1)",
            undo: "UPDATE wordbond.account SET email_verified_at = NULL
                   WHERE email_verified_at = '2001-01-01 00:00:00.123456Z'",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.account WHERE email_verified_at = '2001-01-01 00:00:00.123456Z')",
        ),
    },
    Fault {
        id: "admin-look-untold",
        about: "Somebody with the database's password looks at the oldest team: the look is there, and no log tells of it.",
        breaks: &["admin-allowlist"],
        spares_plants: true,
        make: Make::Sql {
            make: "INSERT INTO wordbond.admin_look (tenant_id, look_id, admin_id, reason, created_at, expires_at)
                   SELECT e.tenant_id, '00000000-0000-4000-8000-00000000100c', '00000000-0000-4000-8000-00000000100c', e.body,
                          now(), now() + interval '30 minutes'
                   FROM wordbond.audit_event AS e ORDER BY e.entry_id LIMIT 1",
            undo: "DELETE FROM wordbond.admin_look WHERE look_id = '00000000-0000-4000-8000-00000000100c'",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM wordbond.admin_look WHERE look_id = '00000000-0000-4000-8000-00000000100c')",
        ),
    },
];

/// How an attack ends early.
enum Stop {
    /// The promise is broken.
    Broke(String),
    /// The probe could not go on.
    Failed(String),
}

impl From<crate::provider::planting::PlantError> for Stop {
    fn from(error: crate::provider::planting::PlantError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<outbound::OutboundError> for Stop {
    fn from(error: outbound::OutboundError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Attacks the promise: live at `site`, and in a rehearsal with the same program.
pub async fn probe(site: &Site, store: &Store, data_dir: &Path, rehearse: &Rehearse, promise: &Promise) -> Finding {
    let variable = match promise.params.get("variable") {
        Some(promises::profile::Value::Text(name)) => name.clone(),
        _ => "ADMIN_EMAILS".to_owned(),
    };
    match attack(site, store, data_dir, rehearse, &variable).await {
        Ok(finding) => finding,
        Err(Stop::Broke(how)) => Finding::broke(how),
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(
    site: &Site,
    store: &Store,
    data_dir: &Path,
    rehearse: &Rehearse,
    variable: &str,
) -> Result<Finding, Stop> {
    let live = live::attack(site, data_dir).await?;
    let told = store::told::walk(store).await.map_err(|error| Stop::Failed(error.to_string()))?;
    if told.looks > 0 {
        return Err(Stop::Broke(format!("{} looks at teams are on record otherwise than any log tells", told.looks)));
    }
    let unproven = told.addresses;
    if unproven > 0 {
        return Err(Stop::Broke(format!(
            "{unproven} addresses count as proven, and no log tells that somebody proved them"
        )));
    }
    let (rehearsed, at) = rehearsal::recent(rehearse, variable, data_dir).await?;
    Ok(Finding::held(format!(
        "{} live calls found nothing; in rehearsal an administrator came in and the look was told, {} look-alikes and {} bad \
         lists let nobody in",
        live.calls, rehearsed.look_alikes, rehearsed.lists
    ))
    .tried("live: called every admin route as nobody, as somebody unproven, and as somebody with a proven address and two factors")
    .tried("live: compared every look at a team, whose it is, its end and whether it was ended, with what the logs tell")
    .tried("rehearsal: ran the same program with an administrator on the list, looked at a team and read both logs")
    .tried("rehearsal: tried listed addresses in another case, with spaces, a plus, other scripts and domains, and unproven")
    .tried(format!("rehearsal: ran it again with {variable} unset, empty, malformed, and without the administrator"))
    .covered("admin routes", live.routes)
    .covered("live calls", live.calls)
    .covered("looks in rehearsal", rehearsed.looks)
    .covered("look-alikes in rehearsal", rehearsed.look_alikes)
    .covered("bad lists in rehearsal", rehearsed.lists)
    .covered("calls in rehearsal", rehearsed.calls)
    .tried(format!("the rehearsal was done at {} with this very program", at.strftime("%Y-%m-%dT%H:%M:%SZ")))
    .tried(format!("live: {} looks were on record", told.on_record)))
}
