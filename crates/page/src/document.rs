//! What a page function hands back: bytes and how to serve them.

use crate::digest;

/// A rendered document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The value of `Content-Type`.
    pub media: &'static str,
    /// The bytes.
    pub body: Vec<u8>,
    /// Whether the address names its content, so that it may be kept for ever.
    pub immutable: bool,
}

/// A template failed. Templates are checked when the program is built, so this means that memory ran out.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template engine's own words.
    #[error("the page could not be rendered: {0}")]
    Template(#[from] askama::Error),
    /// The JSON writer's own words.
    #[error("the document could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl Document {
    /// A document that changes with the evidence.
    #[must_use]
    pub fn new(media: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { media, body: body.into(), immutable: false }
    }

    /// An HTML page.
    pub(crate) fn html(template: &impl askama::Template) -> Result<Self, RenderError> {
        Ok(Self::new("text/html; charset=utf-8", template.render()?))
    }

    /// JSON, indented: people read it too.
    pub(crate) fn json(media: &'static str, value: &impl serde::Serialize) -> Result<Self, RenderError> {
        let mut body = serde_json::to_vec_pretty(value)?;
        body.push(b'\n');
        Ok(Self::new(media, body))
    }

    /// The entity tag (RFC 9110, section 8.8.3), quotes included.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", digest::short(&self.body))
    }

    /// The value of `Cache-Control`. A page that carries verdicts must be asked for each time: a copy that outlives its
    /// evidence would say more than is known.
    #[must_use]
    pub const fn cache_control(&self) -> &'static str {
        if self.immutable { "public, max-age=31536000, immutable" } else { "no-cache" }
    }
}
