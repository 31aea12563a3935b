//! Limits as a caller sees them: the headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).

use crate::{gate::Draw, policy::Limit};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// What is left of each quota.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The quotas.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What calls of a route are counted under, and how its quota reads. Made once, since it is told at every request.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) name: String,
    quota: String,
}

impl Counted {
    pub(crate) fn new(name: String, limit: Limit) -> Self {
        Self { name, quota: format!(";q={};w={}", limit.burst, limit.window()) }
    }
}

/// What the limits of one request said.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    quotas: String,
    left: String,
}

impl Meter {
    /// Notes one draw.
    pub(crate) fn note(&mut self, name: &str, counted: &Counted, draw: Draw) {
        item(&mut self.quotas, name);
        self.quotas.push_str(&counted.quota);
        item(&mut self.left, name);
        for (key, number) in [(";r=", draw.left), (";t=", draw.reset)] {
            self.left.push_str(key);
            decimal(&mut self.left, number);
        }
    }

    /// Writes the headers.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        for (name, line) in [(RATE_LIMIT_POLICY, self.quotas), (RATE_LIMIT, self.left)] {
            if let Some(value) = (!line.is_empty()).then(|| HeaderValue::try_from(line).ok()).flatten() {
                headers.insert(name, value);
            }
        }
    }
}

/// Begins one item of a list.
fn item(line: &mut String, name: &str) {
    if line.is_empty() {
        line.reserve(96);
    } else {
        line.push_str(", ");
    }
    line.push('"');
    line.push_str(name);
    line.push('"');
}

/// Written by hand, since it is done for every request.
fn decimal(line: &mut String, mut number: u32) {
    let (mut digits, mut count) = ([b'0'; 10], 0);
    // From the last to the first; there is at least one.
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        (number, count) = (number / 10, count + 1);
        if number == 0 {
            break;
        }
    }
    let written = digits.get(digits.len() - count..).unwrap_or_default();
    line.push_str(std::str::from_utf8(written).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_lists_of_quotas() {
        let mut meter = Meter::default();
        let counted = Counted::new("POST /sign-in".to_owned(), Limit::SIGN_IN);
        meter.note("address", &counted, Draw { granted: true, left: 29, reset: 2 });
        meter.note("actor", &counted, Draw { granted: false, left: 0, reset: 60 });
        let mut headers = HeaderMap::new();
        meter.write(&mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"address\";q=30;w=60, \"actor\";q=30;w=60");
        assert_eq!(headers[RATE_LIMIT], "\"address\";r=29;t=2, \"actor\";r=0;t=60");
        let mut none = HeaderMap::new();
        Meter::default().write(&mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        for number in [0, 9, 10, 99, 100, 3_000, u32::MAX] {
            let mut line = String::new();
            decimal(&mut line, number);
            assert_eq!(line, number.to_string());
        }
    }
}
