//! Passwords: argon2id, a few at a time.
//!
//! One hash takes 19 MiB and tens of milliseconds of a core by design, so a storm of logins would eat the machine: a
//! semaphore lets only [`HASHES_AT_ONCE`] through, each on a blocking thread.

use std::fmt;
use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc};
use tokio::sync::Semaphore;

/// Hashes computed at the same time.
pub const HASHES_AT_ONCE: usize = 2;
/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Shortest password that can be set, in characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 10;
/// Letters of a generated password: none that are easily taken for another.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Length of a generated password: 31^16 of them.
const GENERATED_LENGTH: usize = 16;

static GATE: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);
/// What an unknown login is checked against, so that it takes as long as a known one.
static NOBODY: LazyLock<PasswordHash> = LazyLock::new(|| hash(&Password::generate()));

/// A password in the clear; never shown by accident.
#[derive(Clone)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// One that somebody typed to sign in.
    pub fn claimed(text: String) -> Result<Password, String> {
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(format!("read the password: it is longer than {PASSWORD_BYTES_MAX} bytes"));
        }
        Ok(Password(text))
    }

    /// One that somebody wants to have.
    pub fn chosen(text: &str) -> Result<Password, String> {
        let count = text.chars().count();
        if count < PASSWORD_CHARACTERS_MIN {
            return Err(format!("set the password: {count} characters, at least {PASSWORD_CHARACTERS_MIN} are wanted"));
        }
        Password::claimed(text.to_owned())
    }

    pub fn generate() -> Password {
        use rand::seq::IndexedRandom;
        let mut source = rand::rng();
        let letter = |_| char::from(*LETTERS.choose(&mut source).expect("not empty"));
        Password((0..GENERATED_LENGTH).map(letter).collect())
    }

    /// For the one moment when a generated password is handed over.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// argon2id in PHC form.
#[derive(Clone, sqlx::Type)]
#[sqlx(transparent)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn hash(password: &Password) -> PasswordHash {
    let hash = Argon2::default().hash_password(password.0.as_bytes()).expect("the default parameters are valid");
    PasswordHash(hash.to_string())
}

fn matches(password: &Password, hash: &PasswordHash) -> bool {
    phc::PasswordHash::new(&hash.0)
        .is_ok_and(|hash| Argon2::default().verify_password(password.0.as_bytes(), &hash).is_ok())
}

async fn gated<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _permit = GATE.acquire().await.expect("never closed");
    tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
}

impl PasswordHash {
    pub async fn of(password: Password) -> PasswordHash {
        gated(move || hash(&password)).await
    }

    /// Whether `password` is the right one. Takes as long when there is nobody to be right for.
    pub async fn verify(hash: Option<PasswordHash>, password: Password) -> bool {
        gated(move || match hash {
            Some(hash) => matches(&password, &hash),
            None => {
                matches(&password, &NOBODY);
                false
            }
        })
        .await
    }
}
