//! A number that others wait for.
//!
//! Who waits is woken in the order in which the waiting began, so that a run can be repeated; tokio's `watch` wakes
//! in random order.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// The side that tells; when it is gone, listeners learn that too.
#[derive(Debug)]
pub(crate) struct Signal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    number: AtomicU64,
    closed: AtomicBool,
    notify: Notify,
}

impl Default for Signal {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Signal {
    pub(crate) fn new(number: u64) -> Self {
        let (number, closed) = (AtomicU64::new(number), AtomicBool::new(false));
        Self { shared: Arc::new(Shared { number, closed, notify: Notify::new() }) }
    }

    pub(crate) fn get(&self) -> u64 {
        self.shared.number.load(Ordering::Acquire)
    }

    /// Tells a number; the same number again is no news.
    pub(crate) fn send(&self, number: u64) {
        self.shared.number.store(number, Ordering::Release);
        self.shared.notify.notify_waiters();
    }

    /// Moves the number on.
    pub(crate) fn add(&self, more: u64) {
        let add = |number: u64| Some(number.saturating_add(more));
        // It always gives a number.
        let _ = self.shared.number.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        self.shared.notify.notify_waiters();
    }

    /// Returns a listener to whom the number of now is no news.
    pub(crate) fn subscribe(&self) -> Listener {
        Listener { seen: self.get(), shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.notify.notify_waiters();
    }
}

/// The side that waits.
#[derive(Debug)]
pub(crate) struct Listener {
    shared: Arc<Shared>,
    seen: u64,
}

impl Listener {
    /// Returns the number, which is no news any more.
    pub(crate) fn see(&mut self) -> u64 {
        self.seen = self.shared.number.load(Ordering::Acquire);
        self.seen
    }

    /// Whether the number is another one than was last seen.
    pub(crate) fn has_news(&self) -> bool {
        self.shared.number.load(Ordering::Acquire) != self.seen
    }

    /// Waits for another number than the one that was last seen; false when nobody will tell one any more.
    pub(crate) async fn changed(&self) -> bool {
        self.wait_for(|number| number != self.seen).await
    }

    /// Waits for a number that fits; false when nobody will tell one any more.
    pub(crate) async fn wait_for(&self, fits: impl Fn(u64) -> bool) -> bool {
        loop {
            let mut notified = pin!(self.shared.notify.notified());
            // What is told from here on is not missed.
            notified.as_mut().enable();
            if fits(self.shared.number.load(Ordering::Acquire)) {
                return true;
            }
            if self.shared.closed.load(Ordering::Acquire) {
                return false;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn listeners_are_woken_in_the_order_in_which_they_began_to_wait() {
        let signal = Signal::default();
        let woken = Arc::new(Mutex::new(Vec::new()));
        let waiting: Vec<_> = (0..20)
            .map(|number| {
                let (listener, woken) = (signal.subscribe(), Arc::clone(&woken));
                tokio::spawn(async move {
                    let told = listener.changed().await;
                    woken.lock().expect("because nobody panics with it").push((number, told));
                })
            })
            .collect();
        tokio::task::yield_now().await;
        signal.add(1);
        for task in waiting {
            task.await.expect("because it ends");
        }
        let want: Vec<_> = (0..20).map(|number| (number, true)).collect();
        assert_eq!(*woken.lock().expect("because nobody panics with it"), want);
    }

    #[tokio::test]
    async fn listeners_learn_that_there_will_be_no_more_news() {
        let signal = Signal::new(7);
        let mut listener = signal.subscribe();
        signal.send(8);
        assert!(listener.has_news());
        assert!(listener.changed().await);
        assert_eq!(listener.see(), 8);
        drop(signal);
        assert!(!listener.changed().await);
    }
}
