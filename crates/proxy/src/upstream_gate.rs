//! Control `upstream-gate`: the application behind the gate is reached through the gate only.

use crate::{KEYS, Settings};
use kernel::Span;
use outbound::{
    Site,
    upstream::{Place, reach},
};
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
    fault::{Bites, Make, Meddling, On},
    profile::Value,
};
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "upstream-gate",
    title: "No way around the gate",
    about: "The application takes connections on an address that only the gate can reach, and the gate passes on nothing \
            from callers who are not signed in, except below the paths that are declared open. The probe dials the \
            application's port at every address of the machine but loopback, and at every address of the public host name; \
            each connection that comes about is a way around. It then asks through the gate, without signing in, for the \
            usual paths of applications and for open paths that are spelt so as to lead elsewhere; each answer but a refusal \
            or the way to the sign-in page is a way through. It cannot see what other machines reach through a network that \
            this one is not part of, nor a second application server on another port.",
    wing: "proxy",
    vantage: Vantage::Inside,
    params: &[ParamSpec {
        name: "open",
        kind: ParamKind::List,
        default: Some("[]"),
        about: "Beginnings of paths that need no session.",
        stronger: Stronger::Fewer,
    }],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["only through the gate", "every request"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["8.20", "8.22"],
        soc2: &["CC6.1", "CC6.6"],
        asvs: &["4.1.3", "13.2.2"],
    },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "upstream-listens-to-all",
        about: "The application's port is open at the machine's other addresses too, as where it was bound to 0.0.0.0.",
        breaks: &["upstream-gate"],
        spares_plants: true,
        make: Make::AroundTheGate,
        bites: Bites::Around,
    },
    Fault {
        id: "upstream-served-by-a-layer-in-front",
        about: "A layer in front serves /static/ from the application itself, past the sign-in.",
        breaks: &["upstream-gate"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::SetStatus(On::Path("/static/"), 200)]),
        bites: Bites::Answer { method: "GET", path: "/static/", headers: &[], body: "", status: 200 },
    },
];

/// Paths that applications have.
const USUAL: [&str; 9] = [
    "/static/",
    "/static/app.js",
    "/media/",
    "/uploads/",
    "/accounts/",
    "/dashboard",
    "/graphql",
    "/index.php",
    "/users/1",
];

/// What follows an open path where it is meant to lead elsewhere.
const ELSEWHERE: [&str; 6] =
    ["../users/1", "%2e%2e/users/1", "..%2fusers/1", ".%2e/users/1", "..;/users/1", "%252e%252e%252fusers/1"];

/// Attacks the promise. `place` is where the application is; without one there is nothing to attack.
pub async fn probe(site: &Site, place: Option<&Place>, settings: Option<&Settings>, promise: &Promise) -> Finding {
    let (Some(place), Some(settings)) = (place, settings) else {
        return Finding::nothing("no application stands behind this gate");
    };
    if let Some(path) = undeclared(settings, promise) {
        return Finding::broke(format!("{path} needs no session, and the promise does not say so"));
    }
    let doors = match doors(site, place).await {
        Ok(doors) => doors,
        Err(why) => return Finding::failed(why),
    };
    let mut tried = Vec::new();
    for door in &doors {
        tried.push(format!("connected to {door}"));
        if reach::is_open(*door).await {
            let saw =
                format!("port {} is open at {}: the application can be asked past the gate", place.port(), door.ip());
            return with(Finding::broke(saw), tried);
        }
    }
    through(site, settings, place, doors.len(), tried).await
}

async fn through(site: &Site, settings: &Settings, place: &Place, doors: usize, mut tried: Vec<String>) -> Finding {
    match site.get(KEYS).await {
        Ok(answer) if answer.status == 200 => {}
        Ok(answer) => return Finding::nothing(format!("{KEYS} answers {}: no gate stands there", answer.status)),
        Err(error) => return Finding::failed(error.to_string()),
    }
    let mut paths: Vec<String> =
        USUAL.iter().filter(|path| !settings.is_open(path)).map(|&path| path.to_owned()).collect();
    for open in settings.open_paths() {
        paths.extend(ELSEWHERE.iter().map(|rest| format!("{open}{rest}")));
    }
    let forged = [("x-wordbond-identity", "forged"), ("x_wordbond_identity", "forged"), ("x-forwarded-user", "admin")];
    for path in &paths {
        tried.push(format!("asked for {path} without a session"));
        match site.send("GET", path, &forged, &[]).await {
            Ok(answer) if matches!(answer.status, 400 | 401 | 403 | 404 | 429) => {}
            Ok(answer) if answer.status == 303 && is_sign_in(answer.header("location")) => {}
            Ok(answer) => {
                let saw = format!("{path} answers {} to somebody who is not signed in", answer.status);
                return with(Finding::broke(saw), tried);
            }
            Err(error) => return with(Finding::failed(error.to_string()), tried),
        }
    }
    let saw = format!("port {} is closed at every address but loopback, and nothing passes unsigned", place.port());
    with(Finding::held(saw).covered("paths", paths.len()).covered("addresses looked for", doors + 1), tried)
}

fn with(finding: Finding, tried: Vec<String>) -> Finding {
    tried.into_iter().fold(finding, Finding::tried)
}

fn is_sign_in(location: Option<&str>) -> bool {
    location.is_some_and(|to| to == ingress::SIGN_IN || to.starts_with(&format!("{}?", ingress::SIGN_IN)))
}

/// An open path of the gate that the promise does not name.
fn undeclared(settings: &Settings, promise: &Promise) -> Option<String> {
    let declared: &[String] = match promise.params.get("open") {
        Some(Value::List(paths)) => paths,
        _ => &[],
    };
    settings.open_paths().find(|path| !declared.iter().any(|said| said == path)).map(str::to_owned)
}

/// Where the application must not be reached: every address of the machine and of the public name but loopback, unless it
/// is the application's own address in a private network, which the gate itself must reach.
async fn doors(site: &Site, place: &Place) -> Result<BTreeSet<SocketAddr>, String> {
    let own = reach::own_addresses().map_err(|error| format!("the machine's addresses are not known: {error}"))?;
    let public = reach::addresses_of(site.host()).await.map_err(|error| error.to_string())?;
    let elsewhere: BTreeSet<IpAddr> = place
        .addresses()
        .await
        .map_err(|error| error.to_string())?
        .iter()
        .map(SocketAddr::ip)
        .filter(|address| !own.contains(address))
        .collect();
    let addresses =
        own.into_iter().chain(public).filter(|address| !address.is_loopback() && !elsewhere.contains(address));
    Ok(addresses.map(|address| SocketAddr::new(address, place.port())).collect())
}
