//! Access tokens: `<id>.<256-bit secret>`, of which only the SHA-256 is kept.
//!
//! They live in the journal's table `tokens` and, while the daemon runs, in memory: a request is never checked
//! against the disk.

use crate::time::now;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use schakel_contract::Timestamp;
use schakel_contract::requests::TokenRequest;
use schakel_contract::views::{CreatedToken, Scope, TokenView};
use schakel_journal::{Store, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The journal's table.
const TABLE: &str = "tokens";

/// 256 bits: not to be guessed, so nothing has to slow a guesser down.
const SECRET_BYTES: usize = 32;

/// A token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record in the journal is not one of ours.
    #[error("token {id} in the journal cannot be read: {detail}; remove it with `schakel token revoke {id}`")]
    Record {
        /// Which.
        id: String,
        /// What is wrong.
        detail: String,
    },
    /// The system gives no entropy.
    #[error("the system's source of randomness failed: {0}")]
    Entropy(String),
}

/// A token as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredToken {
    #[serde(flatten)]
    view: TokenView,
    /// SHA-256 of the secret, base64url.
    sha256: String,
}

/// Who asks, after his token was checked.
#[derive(Debug, Clone)]
pub struct Access {
    /// The token.
    pub token: Arc<TokenView>,
}

impl Access {
    /// Whether the token has a scope; `admin` has all.
    pub fn has(&self, scope: Scope) -> bool {
        self.token.scopes.iter().any(|each| *each == scope || *each == Scope::Admin)
    }
}

/// A token in memory, with the SHA-256 of its secret.
type Known = (Arc<TokenView>, [u8; 32]);

/// The tokens of a running daemon.
#[derive(Debug, Clone)]
pub struct Tokens {
    store: Store,
    known: Arc<RwLock<BTreeMap<String, Known>>>,
}

impl Tokens {
    /// Those in the journal. Blocks for a look-up.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn load(store: Store) -> Result<Self, TokenError> {
        let mut known = BTreeMap::new();
        for record in store.reader()?.records(TABLE)? {
            let wrong = |detail: String| TokenError::Record { id: record.id.clone(), detail };
            let stored: StoredToken =
                serde_json::from_str(&record.json).map_err(|error| wrong(error.to_string()))?;
            let digest =
                URL_SAFE_NO_PAD.decode(&stored.sha256).ok().and_then(|digest| digest.try_into().ok());
            let digest = digest.ok_or_else(|| wrong("its digest is not a SHA-256".into()))?;
            known.insert(record.id, (Arc::new(stored.view), digest));
        }
        Ok(Self { store, known: Arc::new(RwLock::new(known)) })
    }

    /// Makes a token. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// When the journal or the source of randomness fails.
    pub async fn create(&self, request: TokenRequest) -> Result<CreatedToken, TokenError> {
        let (created, stored, digest) = make(request)?;
        self.store.put_record(TABLE, &created.token.id, &stored).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(created.token.id.clone(), (Arc::new(created.token.clone()), digest));
        Ok(created)
    }

    /// All of them, by id.
    pub fn list(&self) -> Vec<TokenView> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|(view, _)| (**view).clone()).collect()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes a token away; whether it was there.
    ///
    /// # Errors
    /// When the journal fails.
    pub async fn revoke(&self, id: &str) -> Result<bool, StoreError> {
        let there = self.store.delete_record(TABLE, id).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(there)
    }

    /// Who a bearer token belongs to, if it is one of ours and has not expired.
    pub(crate) fn check(&self, bearer: &str) -> Option<Access> {
        let (id, secret) = bearer.split_once('.')?;
        let token = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let (view, digest) = known.get(id)?;
            is_equal(digest, &digest_of(secret)).then(|| view.clone())?
        };
        is_valid(&token).then_some(Access { token })
    }

    /// Whether there is a token with this id.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Whether a token that was checked earlier is still good.
    pub(crate) fn is_still_good(&self, access: &Access) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.contains_key(&access.token.id) && is_valid(&access.token)
    }
}

/// Makes a token in the journal of a daemon that does not run. Blocks.
///
/// # Errors
/// When the journal or the source of randomness fails.
pub fn create_offline(store: &Store, request: TokenRequest) -> Result<CreatedToken, TokenError> {
    let (created, stored, _) = make(request)?;
    store.put_record(TABLE, &created.token.id, &stored).wait()?;
    Ok(created)
}

/// Takes a token out of the journal of a daemon that does not run; whether it was there. Blocks.
///
/// # Errors
/// When the journal fails.
pub fn revoke_offline(store: &Store, id: &str) -> Result<bool, StoreError> {
    store.delete_record(TABLE, id).wait()
}

fn make(request: TokenRequest) -> Result<(CreatedToken, String, [u8; 32]), TokenError> {
    let id = URL_SAFE_NO_PAD.encode(random::<9>()?);
    let secret = URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?);
    let digest = digest_of(&secret);
    let view = TokenView {
        id: id.clone(),
        name: request.name,
        scopes: request.scopes,
        agent: request.agent,
        created_at: now(),
        expires_at: request.expires_at,
    };
    let stored = StoredToken { view: view.clone(), sha256: URL_SAFE_NO_PAD.encode(digest) };
    let json = serde_json::to_string(&stored)
        .map_err(|error| TokenError::Record { id: id.clone(), detail: error.to_string() })?;
    Ok((CreatedToken { token: view, secret: format!("{id}.{secret}") }, json, digest))
}

fn random<const N: usize>() -> Result<[u8; N], TokenError> {
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| TokenError::Entropy(error.to_string()))?;
    Ok(bytes)
}

fn digest_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Looks at every byte, so that the time it takes says nothing.
fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

fn is_valid(token: &TokenView) -> bool {
    token.expires_at.is_none_or(|at: Timestamp| at > now())
}
