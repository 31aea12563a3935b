//! Probes of what lies on the disk, and of what must leave it: each with plants of its own, and the folder in which they
//! search.

use crate::{garden::Garden, round::Round};
use accounts::rights::erase;
use promises::{Finding, Promise};
use store::{log_retention, retention_active, sealed_columns, sealed_files};

pub(super) async fn columns(round: &Round, promise: &Promise) -> Finding {
    let attack = async {
        let system = match round.system() {
            Ok(system) => system,
            Err(finding) => return finding,
        };
        let sow = sealed_columns::Plant::sow(&round.site);
        match Garden::of(&system.data_dir, sealed_columns::SPEC.id, sow).await {
            Ok(mut garden) => {
                let plant = &mut garden.plant;
                let finding = sealed_columns::probe(&round.site, &system.store, &system.data_dir, plant, promise).await;
                garden.after(finding)
            }
            Err(finding) => finding,
        }
    };
    // Two promises may stand on the same attack, of which one only names the cipher.
    let cipher = promise.params.get("cipher").map(ToString::to_string).unwrap_or_default();
    round.once(&format!("{} {cipher}", sealed_columns::SPEC.id), attack).await
}

pub(super) async fn files(round: &Round) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match Garden::of(&system.data_dir, sealed_files::SPEC.id, sealed_files::Plant::sow(&round.site)).await {
        Ok(mut garden) => {
            let plant = &mut garden.plant;
            let finding = sealed_files::probe(&round.site, &system.store, &system.data_dir, plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

pub(super) async fn logs(round: &Round, promise: &Promise) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match Garden::of(&system.data_dir, log_retention::SPEC.id, log_retention::Plant::sow()).await {
        Ok(mut garden) => {
            let plant = &mut garden.plant;
            let finding = log_retention::probe(&round.site, &system.store, &system.data_dir, plant, promise).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

pub(super) async fn retention(round: &Round) -> Finding {
    let system = match round.system() {
        Ok(system) => system,
        Err(finding) => return finding,
    };
    match Garden::of(&system.data_dir, retention_active::SPEC.id, retention_active::Plant::sow(&round.site)).await {
        Ok(mut garden) => {
            let finding = retention_active::probe(&round.site, &system.store, &mut garden.plant).await;
            garden.after(finding)
        }
        Err(finding) => finding,
    }
}

pub(super) async fn erasure(round: &Round) -> Finding {
    let attack = async {
        let system = match round.system() {
            Ok(system) => system,
            Err(finding) => return finding,
        };
        let sow = async { Ok::<_, std::convert::Infallible>(erase::Garden::default()) };
        match Garden::of(&system.data_dir, erase::SPEC.id, sow).await {
            Ok(mut garden) => {
                let stays = &mut garden.plant;
                let finding = erase::probe(&round.site, &system.store, &system.data_dir, stays).await;
                garden.after(finding)
            }
            Err(finding) => finding,
        }
    };
    // Several promises stand on the same attack, and it is slow.
    round.once(erase::SPEC.id, attack).await
}
