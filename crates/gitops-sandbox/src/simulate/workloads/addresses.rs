//! The addresses of pods that are up: each has one that no other has.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::server::Server;

/// Pods are usually found in 10.244.0.0/16; here they may have all addresses up to the end of 10.0.0.0/8.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);
const LAST: Ipv4Addr = Ipv4Addr::new(10, 255, 255, 254);

#[derive(Debug, Default)]
pub(super) struct Addresses {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    addresses: HashSet<u32>,
    /// By the uid of the pod.
    by: HashMap<String, u32>,
    newest: u32,
}

impl Addresses {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what happened to a pod; one that is over needs no address.
    pub(super) fn follow(&self, pod: &Value, is_there: bool) {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        let is_over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        let address: Option<Ipv4Addr> = pod["status"]["podIP"].as_str().and_then(|text| text.parse().ok());
        let mut taken = self.lock();
        match address {
            Some(address) if is_there && !is_over => {
                taken.addresses.insert(address.into());
                taken.by.insert(uid.to_owned(), address.into());
            }
            _ if is_there && !is_over => {}
            _ => {
                if let Some(address) = taken.by.remove(uid) {
                    taken.addresses.remove(&address);
                }
            }
        }
    }

    /// Gives a pod an address: the next that is free.
    pub(super) fn take(&self, uid: &str) -> String {
        let (first, last) = (u32::from(FIRST), u32::from(LAST));
        let mut taken = self.lock();
        let mut address = taken.newest;
        for _ in first..=last {
            address = if (first..last).contains(&address) { address + 1 } else { first };
            if !taken.addresses.contains(&address) {
                break;
            }
        }
        taken.newest = address;
        taken.addresses.insert(address);
        taken.by.insert(uid.to_owned(), address);
        Ipv4Addr::from(address).to_string()
    }

    /// Takes up all pods that are there.
    pub(super) fn begin_anew(&self, server: &Server) {
        *self.lock() = Taken::default();
        let page = server.store.list("pods", "", None, None, 0);
        for stored in page.map(|page| page.items).unwrap_or_default() {
            self.follow(&serde_json::from_slice(&stored.bytes).unwrap_or_default(), true);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_two_pods_have_one_address() {
        let pod = |uid: &str, phase: &str, address: &str| json!({"metadata": {"uid": uid}, "status": {"phase": phase, "podIP": address}});
        let addresses = Addresses::default();
        addresses.follow(&pod("a", "Running", "10.244.0.2"), true);
        assert_eq!(addresses.take("b"), "10.244.0.1");
        assert_eq!(addresses.take("c"), "10.244.0.3");
        // One that is over, or gone, gives its address back; the free ones are taken in turn.
        addresses.follow(&pod("b", "Succeeded", "10.244.0.1"), true);
        addresses.follow(&pod("c", "Running", "10.244.0.3"), false);
        assert_eq!(addresses.take("d"), "10.244.0.4");
        addresses.lock().newest = u32::from(LAST);
        assert_eq!(addresses.take("e"), "10.244.0.1");
        assert_eq!(addresses.take("f"), "10.244.0.3");
    }
}
