//! A second factor for somebody planted, set up on the page as anybody does it.

use super::Stop;
use crate::provider::planting::{Browser, PlantError, hidden};
use identity::totp::Secret;
use kernel::{Clock, SystemClock};

/// Sets up an authenticator; the session counts as one with two factors from then on.
pub(super) async fn second_factor(browser: &mut Browser) -> Result<(), Stop> {
    let page = "/account/security";
    let shown = browser.get(page).await?;
    if shown.status != 200 {
        return Err(PlantError::Refused(page.to_owned(), shown.status).into());
    }
    let start = "/account/totp/start";
    let answer = browser.post(start, &[]).await?;
    let text = answer.text();
    let lacks = |what| Stop::from(PlantError::Lacks(start.to_owned(), what));
    let secret = typed(&text).and_then(|bytes| Secret::from_bytes(&bytes)).ok_or_else(|| lacks("key"))?;
    let state = hidden(&text, "state").ok_or_else(|| lacks("state"))?;
    let code = secret.code(SystemClock.now());
    let answer = browser.post("/account/totp", &[("state", &state), ("code", &code)]).await?;
    if matches!(answer.status, 200 | 303) {
        Ok(())
    } else {
        Err(PlantError::Refused("/account/totp".to_owned(), answer.status).into())
    }
}

/// The key as the page shows it to be typed: eight groups of four in base 32.
fn typed(page: &str) -> Option<Vec<u8>> {
    const LENGTH: usize = 39;
    let fits = |text: &str| {
        text.bytes().enumerate().all(|(at, byte)| {
            if at % 5 == 4 { byte == b' ' } else { byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte) }
        })
    };
    let found = page.char_indices().filter_map(|(at, _)| page.get(at..at + LENGTH)).find(|text| fits(text))?;
    let mut bits: u64 = 0;
    let mut count = 0;
    let mut bytes = Vec::new();
    for byte in found.bytes().filter(|byte| *byte != b' ') {
        let value = if byte.is_ascii_uppercase() { byte - b'A' } else { byte - b'2' + 26 };
        bits = (bits << 5) | u64::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_read_as_it_is_shown() {
        let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
        let page = format!("<dl><dd>{}</dd></dl> SOME WORDS IN CAPITALS", secret.typed());
        assert_eq!(typed(&page).as_deref(), Some(secret.expose()));
        assert_eq!(typed("nothing here"), None);
    }
}
