//! Instants as people read them, with the exact one for programs.

use crate::Html;
use kernel::Timestamp;

/// `22 Nov 2026, 14:05 UTC`, as a `time` element.
#[must_use]
pub fn moment(at: Timestamp) -> Html {
    shown(at, "%-d %b %Y, %H:%M UTC")
}

/// `22 Nov 2026`, as a `time` element.
#[must_use]
pub fn day(at: Timestamp) -> Html {
    shown(at, "%-d %b %Y")
}

fn shown(at: Timestamp, format: &str) -> Html {
    Html::of(&Time { exact: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), words: at.strftime(format).to_string() })
}

#[derive(askama::Template)]
#[template(source = "<time datetime=\"{{ exact }}\">{{ words }}</time>", ext = "html")]
struct Time {
    exact: String,
    words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_for_people_and_programs() {
        let at: Timestamp = "2026-11-02T04:05:06.7Z".parse().unwrap();
        assert_eq!(moment(at).as_str(), "<time datetime=\"2026-11-02T04:05:06Z\">2 Nov 2026, 04:05 UTC</time>");
        assert_eq!(day(at).as_str(), "<time datetime=\"2026-11-02T04:05:06Z\">2 Nov 2026</time>");
    }
}
