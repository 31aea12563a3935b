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
        let ways = Links::row().button("/", ERRORS.home, Tone::Quiet);
        let ways = ways.link("/sign-in", ERRORS.sign_in).link("/trust", ERRORS.trust);
        let page = page.add(ways);
        // Memory ran out; the status says the rest.
        page.render(&shell).unwrap_or_default()
    }
}

/// Where to from an error.
struct Texts {
    home: &'static str,
    sign_in: &'static str,
    trust: &'static str,
}

const ERRORS: Texts = Texts { home: "Go to the start page", sign_in: "Sign in", trust: "Security promises" };

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
        assert!(page.contains("The &#60;b&#62;."), "{page}");
        for way in ["/", "/sign-in", "/trust"] {
            assert!(page.split("<main").nth(1).unwrap().contains(&format!("href=\"{way}\"")), "{way}: {page}");
        }
    }
}
