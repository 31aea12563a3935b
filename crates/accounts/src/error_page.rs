//! Errors as pages, for people at a browser.

use kernel::Problem;
use ui::{Links, Page, Shell, Tone};

/// Makes pages of problems, for [`ingress::State::with_error_page`].
pub fn error_page(service: impl Into<String>) -> impl Fn(&Problem) -> String + Send + Sync + 'static {
    let shell = Shell { service: service.into(), path: String::new(), nav: None };
    move |problem| {
        let page = Page::new(problem.title.clone());
        let page = match &problem.detail {
            Some(detail) => page.lead(sentence(detail)),
            None => page,
        };
        let page = page.add(Links::new().button("/", WAY_OUT, Tone::Quiet));
        // Memory ran out; the status says the rest.
        page.render(&shell).unwrap_or_default()
    }
}

/// Where to from an error.
const WAY_OUT: &str = "Go to the start page";

/// Details are written for programs, without a capital and a full stop; people read a sentence.
fn sentence(detail: &str) -> String {
    let mut signs = detail.chars();
    let first = signs.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if detail.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", signs.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_page_says_what_happened_and_the_way_out() {
        let page = error_page("Leide")(&Problem::not_found().detail("the <b>"));
        assert!(page.contains("The &#60;b&#62;.") && page.contains("href=\"/\""), "{page}");
    }
}
