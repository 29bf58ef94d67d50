//! Who we are to clouds and Vaults, and their key management, as plain HTTP.
//!
//! Each cloud is one file with the same items: its credentials, and a client that opens data keys.
//!
//! | | credentials | opens |
//! |---|---|---|
//! | [`AwsKms`] | [`AwsCredentials`], a role of the key | KMS `Decrypt`, signed with Signature Version 4 |
//! | [`AzureKeyVault`] | [`AzureCredentials`]: a client secret, or a token | Key Vault `decrypt` with RSA-OAEP-256 |
//! | [`GcpKms`] | [`GcpCredentials`]: a service account's key, a refresh token, or a token | Cloud KMS `decrypt` |
//! | [`VaultTransit`] | a token | `decrypt` of the transit engine of Vault or OpenBao |
//!
//! All go through one [`Http`]: answers are bounded in size and time, redirects are not followed, what fails in passing is
//! tried again, and no error holds a credential or what was decrypted. Names of hosts, regions and keys come from files of a
//! repository, so each is checked before it becomes part of an address.
//!
//! No SDK of a cloud is used, and no program is run.

mod aws;
mod azure;
mod error;
mod gcp;
mod http;
mod jwt;
mod sigv4;
mod token;
mod vault;

pub use self::aws::{AwsCredentials, AwsKey, AwsKms};
pub use self::azure::{AzureCredentials, AzureKeyVault};
pub use self::error::CloudError;
pub use self::gcp::{GcpCredentials, GcpKms};
pub use self::http::{Http, HttpOptions};
pub use self::vault::VaultTransit;
