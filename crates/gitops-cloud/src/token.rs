//! What was obtained for a while, kept until it is about to end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::error::CloudError;

/// How long before its end a thing is obtained anew.
const EARLY: Duration = Duration::from_secs(60);

/// The longest that anything is kept, as in Flux.
const LONGEST: Duration = Duration::from_secs(3600);

/// Things by name. Whoever asks while one is being obtained waits for it.
pub(crate) struct Kept<T>(Mutex<HashMap<String, (Arc<T>, Instant)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// Returns what is kept under the name, or obtains it. `obtain` returns for how long it is good.
    pub(crate) async fn get(
        &self,
        name: &str,
        obtain: impl AsyncFnOnce() -> Result<(T, Duration), CloudError>,
    ) -> Result<Arc<T>, CloudError> {
        let mut kept = self.0.lock().await;
        let now = Instant::now();
        kept.retain(|_, (_, until)| *until > now);
        if let Some((known, _)) = kept.get(name) {
            return Ok(known.clone());
        }
        let (thing, life) = obtain().await?;
        let thing = Arc::new(thing);
        let until = Instant::now() + life.min(LONGEST).saturating_sub(EARLY);
        kept.insert(name.to_owned(), (thing.clone(), until));
        Ok(thing)
    }
}
