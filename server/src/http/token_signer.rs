//! Personal access tokens as JWTs: signed here, but good only while their row is.
//!
//! The signature (HS256 under the server's own key) stops forgery before the database is asked; owner, scope and
//! revocation are read from the row alone, so nothing in a token's claims is ever trusted to be current.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::db::secrets::TokenKey;
use crate::db::tokens::{Scope, TokenInfo};
use crate::ids::{Login, TokenId};

const ISSUER: &str = "practicum";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// The owner's login, for people who decode it.
    sub: String,
    jti: TokenId,
    scope: Scope,
    iat: i64,
    exp: i64,
}

#[derive(Clone)]
pub struct TokenSigner {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSigner(…)")
    }
}

impl TokenSigner {
    pub fn new(key: &TokenKey) -> TokenSigner {
        TokenSigner { encoding: EncodingKey::from_secret(&key.0), decoding: DecodingKey::from_secret(&key.0) }
    }

    pub fn sign(&self, token: &TokenInfo, owner: &Login) -> String {
        let claims = Claims {
            iss: ISSUER.into(),
            sub: owner.to_string(),
            jti: token.id,
            scope: token.scope,
            iat: token.created_at.unix_timestamp(),
            exp: token.expires_at.unix_timestamp(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).expect("plain claims and a fitting key")
    }

    /// The id of a token that we signed and that has not expired.
    pub fn verify(&self, token: &str) -> Option<TokenId> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        Some(decode::<Claims>(token, &self.decoding, &validation).ok()?.claims.jti)
    }
}
