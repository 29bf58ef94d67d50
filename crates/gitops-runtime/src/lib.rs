//! How a controller behaves: conditions, status, requeue, events, metrics, leases.
