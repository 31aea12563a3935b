//! One line of the table of controls.

use promises::{ControlSpec, control::Mode};

/// How docs/PROMISES.md shows a control.
pub(crate) fn row(spec: &ControlSpec) -> String {
    let params = spec.params.iter().map(|param| match param.default {
        Some(default) => format!("`{}` ({default})", param.name),
        None => format!("`{}`", param.name),
    });
    let params = params.collect::<Vec<_>>().join(", ");
    let covers = spec.covers.iter().map(|phrase| format!("«{phrase}»")).collect::<Vec<_>>().join(" ");
    let mode = match spec.modes.first() {
        Some(Mode::Proxy) => "proxy",
        Some(Mode::Mapped) => "mapped",
        _ => "built",
    };
    format!("| `{}` | {} | {params} | {covers} | {mode} |", spec.id, spec.title)
}
