//! Time-based one-time codes (RFC 6238): SHA-1, six digits, thirty seconds, which is what every authenticator app computes.

use crate::{
    NoRandomness,
    encode::{base32, pairs, percent},
    random,
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use kernel::Timestamp;
use std::fmt;
use zeroize::Zeroizing;

/// How long a code is shown.
const PERIOD: i64 = 30;
/// How many digits a code has.
const DIGITS: usize = 6;
/// How many steps before and after the present one are accepted, for clocks that are a little off.
const WINDOW: i64 = 1;

/// What the app and the service share.
pub struct Secret(Zeroizing<[u8; 20]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A fresh secret of 160 bits, the length that RFC 4226 recommends.
    ///
    /// # Errors
    /// There is no randomness to be had.
    pub fn random() -> Result<Self, NoRandomness> {
        random::bytes().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// A secret that was stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The bytes to store, sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The secret as it is typed into an app: base32 in groups of four.
    #[must_use]
    pub fn typed(&self) -> String {
        let text = base32(self.expose());
        let mut spaced = String::with_capacity(text.len() * 5 / 4);
        for (place, letter) in text.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                spaced.push(' ');
            }
            spaced.push(letter);
        }
        spaced
    }

    /// The address that an app reads from a QR code.
    #[must_use]
    pub fn uri(&self, service: &str, account: &str) -> String {
        // A colon separates the service from the account.
        let (service, account) = (service.replace(':', " "), account.replace(':', " "));
        let secret = base32(self.expose());
        let query = pairs(&[
            ("secret", &secret),
            ("issuer", &service),
            ("algorithm", "SHA1"),
            ("digits", "6"),
            ("period", "30"),
        ]);
        format!("otpauth://totp/{}:{}?{query}", percent(&service), percent(&account))
    }

    /// The code at an instant.
    #[must_use]
    pub fn code(&self, now: Timestamp) -> String {
        self.at_step(step(now))
    }

    /// The step whose code this is, if it is that of the present step or of one beside it, and later than `after`. The caller
    /// must take each step only once, in one statement: `use_totp_step` says whether it was still unused.
    #[must_use]
    pub fn verify(&self, code: &str, now: Timestamp, after: Option<i64>) -> Option<i64> {
        let typed: String = code.chars().filter(|c| !c.is_whitespace()).take(DIGITS + 1).collect();
        let present = step(now);
        let mut found = None;
        // All are compared, so that the time tells nothing.
        for step in present - WINDOW..=present + WINDOW {
            let same = verify_slices_are_equal(self.at_step(step).as_bytes(), typed.as_bytes()).is_ok();
            if same && after.is_none_or(|after| step > after) {
                found = found.or(Some(step));
            }
        }
        found
    }

    fn at_step(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        format!("{:06}", truncated(tag.as_ref()) % 1_000_000)
    }
}

/// The number of whole periods since 1970.
fn step(now: Timestamp) -> i64 {
    now.as_second().div_euclid(PERIOD)
}

/// Dynamic truncation (RFC 4226 section 5.3).
fn truncated(tag: &[u8]) -> u32 {
    let offset = tag.last().map_or(0, |byte| usize::from(byte & 15));
    let four = tag.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    u32::from_be_bytes(four) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rfc() -> Secret {
        Secret::from_bytes(b"12345678901234567890").unwrap()
    }

    /// RFC 6238, appendix B, the last six of the eight digits.
    #[test]
    fn the_vectors_of_rfc_6238() {
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().code(at(second)), code);
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_vectors_of_rfc_4226() {
        let codes =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(rfc().at_step(step), code);
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_those_beside_it() {
        let now = at(1_111_111_111);
        let (secret, step) = (rfc(), 1_111_111_111 / 30);
        assert_eq!(secret.verify("050471", now, None), Some(step));
        assert_eq!(secret.verify(" 050 471\n", now, None), Some(step), "as apps show it");
        assert_eq!(secret.verify("050471", at(1_111_111_111 + 30), None), Some(step));
        assert_eq!(secret.verify("050471", at(1_111_111_111 - 30), None), Some(step));
        assert_eq!(secret.verify("050471", at(1_111_111_111 + 60), None), None);
        assert_eq!(secret.verify("050471", at(1_111_111_111 - 60), None), None);
    }

    #[test]
    fn a_step_is_taken_once() {
        let now = at(1_111_111_111);
        let step = 1_111_111_111 / 30;
        assert_eq!(rfc().verify("050471", now, Some(step - 1)), Some(step));
        assert_eq!(rfc().verify("050471", now, Some(step)), None);
    }

    #[test]
    fn other_texts_are_no_code() {
        for code in ["", "05047", "0504711", "50471", "٠٥٠٤٧١", "05047１", "-50471", "050471050471"] {
            assert_eq!(rfc().verify(code, at(1_111_111_111), None), None, "{code}");
        }
        assert!(Secret::from_bytes(b"short").is_none());
    }

    #[test]
    fn the_address_names_service_and_account() {
        assert_eq!(
            rfc().uri("Word:bond & Co", "ada@example.com"),
            "otpauth://totp/Word%20bond%20%26%20Co:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Word%20bond%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(rfc().typed(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(format!("{:?}", rfc()), "Secret(..)");
    }

    proptest! {
        #[test]
        fn a_shown_code_verifies_and_any_text_is_harmless(bytes: [u8; 20], second in 0_i64..4_000_000_000, text: String) {
            let secret = Secret::from_bytes(&bytes).unwrap();
            prop_assert_eq!(secret.verify(&secret.code(at(second)), at(second), None).is_some(), true);
            let _ = secret.verify(&text, at(second), None);
        }
    }
}
