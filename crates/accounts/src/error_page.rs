//! Errors as pages, for people at a browser.

use kernel::Problem;
use ui::{Links, Page, Shell};

/// Makes pages of problems, for [`ingress::State::with_error_page`].
pub fn error_page(service: impl Into<String>) -> impl Fn(&Problem) -> String + Send + Sync + 'static {
    let shell = Shell { service: service.into(), path: String::new(), nav: None };
    move |problem| {
        let detail = problem.detail.clone().unwrap_or_default();
        let page = Page::new(problem.title.clone()).lead(detail).add(Links::new().link("/", WAY_OUT));
        // Memory ran out; the status says the rest.
        page.render(&shell).unwrap_or_default()
    }
}

/// Where to from an error.
const WAY_OUT: &str = "Go to the start page";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_page_says_what_happened_and_the_way_out() {
        let page = error_page("Leide")(&Problem::not_found().detail("<b>"));
        assert!(page.contains("&#60;b&#62;") && page.contains("href=\"/\""), "{page}");
    }
}
