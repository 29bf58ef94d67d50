//! What the controllers will do later, in the order of the server's clock.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::Workload;
use crate::store::Key;

/// Something to do at some time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// Looks at an object again.
    Look(Key),
    /// Lets become of an object (with this uid) what shall.
    Become(Key, String, Workload),
    /// Deletes an event that is old by then.
    Expire(Key),
}

#[derive(Debug, Default)]
pub(super) struct Agenda {
    tasks: Mutex<BTreeSet<(Timestamp, Task)>>,
}

impl Agenda {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, Task)>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something down; the same at the same time is done once.
    pub(super) fn add(&self, time: Timestamp, task: Task) {
        self.lock().insert((time, task));
    }

    /// Returns when the next one is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.lock().first().map(|(time, _)| *time)
    }

    /// Takes the next one that is due, if there is one.
    pub(super) fn take(&self, now: Timestamp) -> Option<Task> {
        let mut tasks = self.lock();
        if tasks.first()?.0 > now {
            return None;
        }
        tasks.pop_first().map(|(_, task)| task)
    }

    /// Forgets everything: what was is no longer.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }
}
