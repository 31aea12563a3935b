//! QR codes as inline SVG: black on white whatever the page's colours, since scanners expect that.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;

/// The margin that the standard asks for, in modules.
const MARGIN: i32 = 4;

/// The text as an SVG element that grows with its place. `title` is what a screen reader says instead. Nothing, if the text is
/// too long for any code, which is beyond two thousand characters.
#[must_use]
pub fn svg(text: &str, title: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size() + 2 * MARGIN;
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" role=\"img\" shape-rendering=\"crispEdges\">\
         <title>{title}</title><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path fill=\"#000\" d=\""
    );
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(svg, "M{} {}h1v1h-1z", x + MARGIN, y + MARGIN);
        }
    }
    svg.push_str("\"/></svg>");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_and_its_title_is_text() {
        let svg = svg("otpauth://totp/x", "Scan <this> & go").unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
        assert!(svg.contains("<title>Scan &lt;this&gt; &amp; go</title>"));
        // The finder pattern's corner: dark at the margin's inner corner, and its ring is light one step in.
        assert!(svg.contains("M4 4h1v1h-1z") && !svg.contains("M5 5h1v1h-1z"));
        assert_eq!(super::svg(&"x".repeat(5_000), "too long"), None);
    }
}
