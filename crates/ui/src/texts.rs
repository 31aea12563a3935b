//! The words of the layout and the components. A translation is one more constant.

/// The words of the layout and the components.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    /// The language, as `lang` says it.
    pub lang: &'static str,
    /// The link that jumps over the head.
    pub skip: &'static str,
    /// Names the navigation for screen readers.
    pub nav: &'static str,
    /// The link to one's own account.
    pub account: &'static str,
    /// The button that ends the session.
    pub sign_out: &'static str,
    /// The link to the trust page.
    pub trust: &'static str,
    /// Before the title of a page on which something was wrong.
    pub error_prefix: &'static str,
    /// The head of the summary of what was wrong.
    pub error_title: &'static str,
    /// Marks a field that may stay empty.
    pub optional: &'static str,
    /// Before an error, for screen readers.
    pub error: &'static str,
    /// Before a team's name.
    pub team: &'static str,
}

/// English.
pub const EN: Texts = Texts {
    lang: "en",
    skip: "Skip to the content",
    nav: "Main",
    account: "Account",
    sign_out: "Sign out",
    trust: "Security promises",
    error_prefix: "Error: ",
    error_title: "Something needs another look",
    optional: "optional",
    error: "Error:",
    team: "Team",
};
