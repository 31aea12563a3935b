//! What several tests share: keys that sign tokens, and a fetcher that answers by itself.

use crate::{
    encode::base64url,
    fetch::{Answering, Fetch, FetchError, Fetched, Question},
};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaKeyPair,
    },
};
use kernel::Timestamp;
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A key that signs tokens.
pub(crate) enum TestKey {
    Rsa(RsaKeyPair),
    Pss(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl TestKey {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn pss() -> Self {
        Self::Pss(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) const fn alg(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Pss(_) => "PS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) | Self::Pss(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": base64url(&public.n), "e": base64url(&public.e), "kid": kid, "use": "sig"})
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..]), "kid": kid})
            }
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key().as_ref()), "kid": kid})
            }
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rsa = |pair: &RsaKeyPair, padding: &'static dyn aws_lc_rs::signature::RsaEncoding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        };
        match self {
            Self::Rsa(pair) => rsa(pair, &RSA_PKCS1_SHA256),
            Self::Pss(pair) => rsa(pair, &RSA_PSS_SHA256),
            Self::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        self.raw(&json!({"alg": self.alg(), "kid": kid, "typ": "JWT"}).to_string(), &claims.to_string())
    }

    /// A token of any header and any payload, honestly signed.
    pub(crate) fn raw(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
        format!("{signed}.{}", base64url(&self.sign(signed.as_bytes())))
    }
}

pub(crate) fn jwks(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

/// How a question is answered.
pub(crate) type Answerer = dyn Fn(&Question) -> Result<Fetched, FetchError> + Send + Sync;

/// A fetcher that answers by itself and counts.
#[derive(Clone)]
pub(crate) struct Scripted {
    answer: Arc<Mutex<Arc<Answerer>>>,
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) questions: Arc<Mutex<Vec<Question>>>,
}

impl Scripted {
    pub(crate) fn new(answer: impl Fn(&Question) -> Result<Fetched, FetchError> + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(Mutex::new(Arc::new(answer))), asked: Arc::default(), questions: Arc::default() }
    }

    pub(crate) fn says(body: Vec<u8>) -> Self {
        Self::new(move |_| Ok(Fetched { status: 200, body: body.clone() }))
    }

    pub(crate) fn now_answers(
        &self,
        answer: impl Fn(&Question) -> Result<Fetched, FetchError> + Send + Sync + 'static,
    ) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    pub(crate) fn now_says(&self, body: Vec<u8>) {
        self.now_answers(move |_| Ok(Fetched { status: 200, body: body.clone() }));
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for Scripted {
    fn fetch(&self, question: Question) -> Answering<'_> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            // Long enough for others to come in the meantime.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            let answer = Arc::clone(&self.answer.lock().unwrap());
            let answered = answer(&question);
            self.questions.lock().unwrap().push(question);
            answered
        })
    }
}
