//! What somebody holds to be known by: API tokens, sessions, links that are good once, invitations.

use crate::StoreError;
use aws_lc_rs::rand;
use std::fmt;

/// What a token is for. The prefix says it, so that one that is found somewhere is recognised and none is taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Of a person, for the API.
    Api,
    /// Of a browser.
    Session,
    /// Good once.
    OneTime,
    /// Into a team.
    Invitation,
}

impl Form {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Api => "wbt_",
            Self::Session => "wbs_",
            Self::OneTime => "wbo_",
            Self::Invitation => "wbi_",
        }
    }

    /// Whether a text could be such a token at all. Saves the database the rest.
    pub(crate) fn fits(self, text: &str) -> bool {
        text.strip_prefix(self.prefix()).is_some_and(|rest| {
            rest.len() == 64 && rest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
    }
}

/// A token in the clear. It exists once, in the answer to its making; the database holds a keyed hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub(crate) fn fresh(form: Form) -> Result<Self, StoreError> {
        let bytes = random()?;
        Ok(Self(bytes.iter().fold(form.prefix().to_owned(), |text, byte| text + &format!("{byte:02x}"))))
    }

    /// The text, for the one answer that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// 32 random bytes.
pub(crate) fn random() -> Result<[u8; 32], StoreError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| StoreError::Vault(vault::VaultError::NoRandomness))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_its_form_only() {
        let forms = [Form::Api, Form::Session, Form::OneTime, Form::Invitation];
        for form in forms {
            let token = Token::fresh(form).unwrap();
            for other in forms {
                assert_eq!(other.fits(token.expose()), form == other);
            }
            assert_eq!(format!("{token:?}"), "Token(..)");
        }
        assert!(!Form::Api.fits("wbt_"));
        assert!(!Form::Api.fits(&format!("wbt_{}", "A".repeat(64))));
        assert_ne!(Token::fresh(Form::Api).unwrap(), Token::fresh(Form::Api).unwrap());
    }
}
