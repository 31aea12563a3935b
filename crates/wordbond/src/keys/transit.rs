//! A root key that HashiCorp Vault keeps: its transit engine wraps and opens the keys of epochs and never gives the root
//! key away. The requests are those of Vault's documented HTTP API; the epoch's name is bound as associated data.

use super::Failed;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use outbound::{Answer, Dialler, OutboundError, http::Request};
use serde_json::{Value, json};
use std::{fmt, thread};
use vault::{RootKeeper, VaultError};
use zeroize::Zeroizing;

/// A key of a transit engine.
pub(super) struct Transit {
    dialler: Dialler,
    /// `https://host:8200/v1/transit`.
    engine: String,
    key: String,
    token: Zeroizing<String>,
}

impl Transit {
    /// The key at `https://host:8200/v1/MOUNT/keys/NAME`, asked with `token`.
    pub(super) fn new(url: &str, token: &str, way: impl FnOnce(&str) -> Dialler) -> Result<Self, Failed> {
        let shape = || format!("`{url}` is no key of a Vault server: expected https://host:8200/v1/transit/keys/NAME");
        let rest = url.strip_prefix("https://").ok_or_else(shape)?;
        let (authority, path) = rest.split_once('/').ok_or_else(shape)?;
        let (mount, key) = path.rsplit_once("/keys/").ok_or_else(shape)?;
        let is_name = |text: &str| {
            !matches!(text, "" | "." | "..")
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        let host = authority.split(':').next().filter(|host| is_name(host)).ok_or_else(shape)?;
        if !mount.starts_with("v1/") || !mount.split('/').all(is_name) || !is_name(key) {
            return Err(shape().into());
        }
        if token.is_empty() || token.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err("the token for --root-keeper is no token: expected one line of visible characters".into());
        }
        let engine = format!("https://{authority}/{mount}");
        Ok(Self { dialler: way(host), engine, key: key.to_owned(), token: Zeroizing::new(token.to_owned()) })
    }

    /// Sends a request and waits for its answer. The keeper is asked by code that is not asynchronous, at the start and at
    /// rotations; a thread of its own waits, whoever calls.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Refused> {
        let text = body.map(ToString::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.engine))
            .header("x-vault-token", self.token.as_str())
            .header("content-type", "application/json")
            .body(text.into_bytes())
            .map_err(|error| Refused::Other(error.to_string()))?;
        let answer = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| Refused::Other(error.to_string()))?;
                runtime.block_on(self.dialler.request(request)).map_err(Refused::from)
            });
            asking.join().unwrap_or_else(|_| Err(Refused::Other("asking it panicked".to_owned())))
        })?;
        read(&answer)
    }

    fn keeper(&self, refused: Refused) -> VaultError {
        let reason = match refused {
            Refused::Bad(reason) | Refused::Other(reason) => reason,
        };
        VaultError::Keeper { keeper: self.name(), reason }
    }
}

/// The version of the key that wrapped this: `vault:vN:…`.
fn version(wrapped: &[u8]) -> Option<u64> {
    std::str::from_utf8(wrapped).ok()?.strip_prefix("vault:v")?.split_once(':')?.0.parse().ok()
}

/// Why there is no answer to use.
enum Refused {
    /// The request itself, as where a ciphertext does not open.
    Bad(String),
    /// Anything else.
    Other(String),
}

impl From<OutboundError> for Refused {
    fn from(error: OutboundError) -> Self {
        Self::Other(error.to_string())
    }
}

/// `{"data": …}`, nothing at all, or `{"errors": […]}`.
fn read(answer: &Answer) -> Result<Value, Refused> {
    let body: Value = if answer.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&answer.body).map_err(|_| Refused::Other("its answer is no JSON".to_owned()))?
    };
    if matches!(answer.status, 200 | 204) {
        return Ok(body);
    }
    let errors = body.pointer("/errors").and_then(Value::as_array).map(|errors| {
        let texts: Vec<&str> = errors.iter().filter_map(Value::as_str).collect();
        texts.join("; ")
    });
    let reason = format!("status {}: {}", answer.status, errors.filter(|text| !text.is_empty()).unwrap_or_default());
    Err(if answer.status == 400 { Refused::Bad(reason) } else { Refused::Other(reason) })
}

impl RootKeeper for Transit {
    fn name(&self) -> String {
        format!("{}/keys/{}", self.engine, self.key)
    }

    fn wrap(&self, name: &str, key: &[u8]) -> Result<Vec<u8>, VaultError> {
        let body = json!({ "plaintext": STANDARD.encode(key), "associated_data": STANDARD.encode(name) });
        let sent = self.ask("POST", &format!("encrypt/{}", self.key), Some(&body));
        let answer = sent.map_err(|refused| self.keeper(refused))?;
        match answer
            .pointer("/data/ciphertext")
            .and_then(Value::as_str)
            .filter(|text| version(text.as_bytes()).is_some())
        {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(self.keeper(Refused::Other("its answer holds no ciphertext".to_owned()))),
        }
    }

    fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let wrong = || VaultError::WrongRootKey(self.name().into());
        let text = std::str::from_utf8(wrapped).map_err(|_| wrong())?;
        let body = json!({ "ciphertext": text, "associated_data": STANDARD.encode(name) });
        let answer = match self.ask("POST", &format!("decrypt/{}", self.key), Some(&body)) {
            Ok(answer) => answer,
            Err(Refused::Bad(_)) => return Err(wrong()),
            Err(other) => return Err(self.keeper(other)),
        };
        let plain = answer
            .pointer("/data/plaintext")
            .and_then(Value::as_str)
            .and_then(|text| STANDARD.decode(text).ok())
            .map(Zeroizing::new);
        plain.ok_or_else(|| self.keeper(Refused::Other("its answer holds no plaintext".to_owned())))
    }

    fn advance(&self) -> Result<(), VaultError> {
        self.ask("POST", &format!("keys/{}/rotate", self.key), None).map_err(|refused| self.keeper(refused)).map(drop)
    }

    /// The oldest version that still opens becomes the oldest that is needed. Not the newest that there is: Vault may have
    /// rotated the key since, by itself or for somebody else.
    fn retire(&self, kept: &[Vec<u8>]) -> Result<(), VaultError> {
        let odd = || self.keeper(Refused::Other("its ciphertexts name no version".to_owned()));
        let versions = kept.iter().map(|wrapped| version(wrapped)).collect::<Option<Vec<u64>>>().ok_or_else(odd)?;
        let Some(oldest) = versions.into_iter().min() else { return Ok(()) };
        let body = json!({ "min_decryption_version": oldest });
        let sent = self.ask("POST", &format!("keys/{}/config", self.key), Some(&body));
        sent.map_err(|refused| self.keeper(refused)).map(drop)
    }

    /// Every version opens until the older ones are retired, so that nothing is half done.
    fn is_advancing(&self) -> bool {
        false
    }
}

/// Shows where it is and not the token.
impl fmt::Debug for Transit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transit({})", self.name())
    }
}

#[cfg(test)]
mod tests;
