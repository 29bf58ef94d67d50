//! SOPS: files and objects that are kept encrypted in the repository.
//!
//! [`Decryptor`] decrypts with the keys of a [`Keyring`]: age and PGP keys here, those of clouds and Vaults through a
//! [`KeyService`], whose clients are in `gitops-cloud`. Everything else is a function of its input: no client, no network,
//! no program is run.
//!
//! Formats are YAML, JSON, dotenv, ini and binary, in the forms that sops 3.7 to 3.13 write. What is decrypted is printed as
//! sops prints it, byte for byte.
//!
//! # The MAC
//! A file's MAC is checked with [`Strictness::Safe`], wherever the file is whole. It holds the values in their order, and
//! neither keys, comments, nulls nor the borders between values; with `mac_only_encrypted` not even the values that are
//! in the clear. So it does not see, for example, that text was moved from the end of one plain value to the beginning
//! of the next. Who needs more must sign the repository.
//!
//! # Examples
//! ```
//! use gitops_kustomize::decrypt::{DecryptError, Decryptor, Format, Keyring};
//!
//! # futures_ready(async {
//! let mut keys = Keyring::new();
//! keys.import_age("AGE-SECRET-KEY-16HU9LHPKV2EEETXVZYXL7XQ657TTGZ2KREA7ZCLUUPFVALAD3HPQPKS0D3")?;
//! let decryptor = Decryptor::new(keys);
//! let error = decryptor.file(b"password: in the clear\n", Format::Yaml, Format::Yaml).await;
//! assert!(matches!(error, Err(DecryptError::NotEncrypted { .. })));
//! # Ok::<(), DecryptError>(())
//! # }).unwrap();
//! # fn futures_ready<T>(future: impl Future<Output = T>) -> T {
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     match std::pin::pin!(future).poll(&mut context) {
//! #         std::task::Poll::Ready(done) => done,
//! #         std::task::Poll::Pending => unreachable!("local keys wait for nobody"),
//! #     }
//! # }
//! ```

mod age_keys;
mod cipher;
mod decryptor;
mod document;
mod error;
mod flatten;
mod format;
mod keyring;
mod master_key;
mod metadata;
mod number;
mod objects;
mod pgp_keys;
mod rules;
mod shamir;
mod sources;
mod time;
mod tree;
mod walk;

pub use self::decryptor::{DecryptLimits, Decryptor, Strictness};
pub use self::error::{DecryptError, KeyServiceError, NoKey};
pub use self::format::Format;
pub use self::keyring::{KeyFuture, KeyService, Keyring};
pub use self::master_key::MasterKey;
pub use self::sources::DecryptedTree;
