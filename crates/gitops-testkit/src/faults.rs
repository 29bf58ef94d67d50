//! Faults that are to happen some more times, for all requests or those of one kind.

/// What is planned, in the order in which it was.
#[derive(Debug)]
pub(crate) struct Faults<S, F>(Vec<Planned<S, F>>);

#[derive(Debug)]
struct Planned<S, F> {
    service: Option<S>,
    times: usize,
    fault: F,
}

impl<S, F> Default for Faults<S, F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<S: PartialEq, F: Clone> Faults<S, F> {
    /// Plans a fault for the next requests: of one kind, others passing meanwhile, or of any.
    pub(crate) fn plan(&mut self, service: Option<S>, times: usize, fault: F) {
        self.0.push(Planned { service, times, fault });
    }

    /// Returns the fault for a request and takes it off the plan.
    pub(crate) fn take(&mut self, service: &S) -> Option<F> {
        self.0.retain(|plan| plan.times > 0);
        let plan = self.0.iter_mut().find(|plan| plan.service.as_ref().is_none_or(|only| only == service))?;
        plan.times -= 1;
        Some(plan.fault.clone())
    }

    /// Forgets what has not happened yet.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
