//! Accepted events become deliveries, and every delivery ends in a receipt.

mod directory;
mod dispatcher;
mod observe;
mod options;
mod outbox;
mod retry;
mod worker;

pub use directory::{Directory, ProviderRecord, StaticDirectory};
pub use dispatcher::{Accepted, Dispatcher};
pub use observe::{AlertWarning, Failed, GiveUp, Observation, Observer, Outcome, Receipt};
pub use options::{DispatchOptions, ProviderFactory};
pub use retry::RetryPolicy;
