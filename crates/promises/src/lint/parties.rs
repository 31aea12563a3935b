//! Third parties named in the words. Whoever is named takes part, and whoever takes part stands in the register.

use super::{
    Context, Lint, Severity,
    sentences::{self, Word},
};
use crate::profile::Promise;

/// Companies and services that security pages name. Not a complete list: other names are caught by their capital letter.
const KNOWN: &str = "\
    Adyen Airtable Akamai Algolia Amazon Amplitude Anthropic Asana Atlassian Auth0 AWS Azure Backblaze Bitbucket \
    Box Braintree Bugsnag Calendly CircleCI Clerk Cloudflare Cloudinary Cohere Confluence Datadog DigitalOcean \
    Discord Docker DocuSign Dropbox Elastic Fastly Figma Firebase Fly.io Freshdesk GCP Gemini GitHub GitLab \
    Google Grafana Gusto Heap Heroku Hetzner Hotjar HubSpot Intercom Jira Klaviyo LaunchDarkly Linear Mailchimp \
    Mailgun Mailjet Meta Microsoft Mistral Mixpanel MongoDB Neon Netlify Notion Okta OpenAI Oracle OVH PagerDuty \
    PayPal Pinecone PlanetScale Postmark Railway Render Resend Salesforce Segment SendGrid Sentry Slack \
    Snowflake Stripe Supabase Twilio Vercel WorkOS Xero Zapier Zendesk Zoom";

/// Capitalised words that name no company: months, days, places, law, and what this page calls things.
const COMMON: &str = "\
    America April Article Articles Atom August Austria Berlin Brussels Central Clause Commission Court December \
    England English Europe European February France Frankfurt French Friday General German Germany Ireland \
    January July June Kept Broken Unproven Attested Planned Waived Error London March May Monday November \
    October Paris Phase Protection Regulation Saturday September Standard States Sunday Switzerland Thursday \
    Tuesday Type Union United Wednesday Wordbond Annex Level Directive Internet Bearer Schedule";

pub(super) fn check(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    let mut seen: Vec<&str> = Vec::new();
    let mut named = false;
    for word in sentences::words(&promise.words) {
        // «Google Cloud», «Microsoft Teams»: the second word belongs to the first.
        let before = std::mem::replace(&mut named, false);
        let name = word.text.strip_suffix("'s").or_else(|| word.text.strip_suffix("’s")).unwrap_or(word.text);
        let known = listed(KNOWN, name);
        named = known;
        if seen.contains(&name) || !(known || is_name(word) && !before) || is_ours(context, name) {
            continue;
        }
        seen.push(name);
        let severity = if known { Severity::Warning } else { Severity::Note };
        let place = context.about(promise, Some(name), "words", "WB008", severity);
        let message = if known {
            format!("{name} is named here and is not in the register")
        } else {
            format!("«{name}» looks like a third party and is not in the register")
        };
        found.push(place.says(message, "add a `[[processor]]` for it, or leave the name out"));
    }
}

fn listed(list: &str, name: &str) -> bool {
    list.split(' ').any(|known| known == name)
}

/// A capital letter inside a sentence, and small ones after it.
fn is_name(word: Word<'_>) -> bool {
    let mut letters = word.text.chars();
    let capital = letters.next().is_some_and(char::is_uppercase);
    let rest = letters.as_str();
    capital
        && !word.first
        && rest.chars().count() >= 2
        && rest.chars().all(char::is_lowercase)
        && !listed(COMMON, word.text)
}

/// Whether a name is the service's own, a region's, or in the register.
fn is_ours(context: &Context<'_>, name: &str) -> bool {
    let profile = context.profile;
    let has = |text: &str| sentences::words(text).iter().any(|word| word.is(name));
    let register = profile.register.iter().any(|processor| has(&processor.name) || has(&processor.purpose));
    let regions = profile.regions.iter().any(|region| has(&region.name));
    register || regions || has(&profile.service.name) || has(&profile.service.operator)
}
