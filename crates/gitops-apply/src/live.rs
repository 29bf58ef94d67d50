//! The live objects of a set, read in few requests.

use std::collections::{BTreeMap, HashMap};

use futures::FutureExt;
use serde_json::Value;

use crate::applier::concurrently;
use crate::cluster::{Cluster, Place, encode};
use crate::discovery::Resource;
use crate::fields;
use crate::options::OwnerLabels;
use crate::prepare::Prepared;

/// From so many objects of a kind and namespace on, one list replaces the single reads.
const WORTH_A_LIST: usize = 4;
const PAGE: usize = 500;

/// Live objects that bear an owner's labels, by collection and name.
///
/// What is not in it may still exist: it may belong to nobody yet, or listing may be forbidden.
#[derive(Default)]
pub(crate) struct LiveObjects(HashMap<String, HashMap<String, Value>>);

impl LiveObjects {
    /// Lists the owner's objects of those kinds and namespaces that have several in the set.
    pub(crate) async fn list(
        cluster: &Cluster,
        owner: Option<&OwnerLabels>,
        objects: &[&Prepared],
        limit: usize,
    ) -> Self {
        let Some(owner) = owner else { return Self::default() };
        let mut collections: BTreeMap<String, (Resource, usize)> = BTreeMap::new();
        for object in objects {
            if let Ok(place) = cluster.place(&object.desired).await {
                collections.entry(place.collection()).or_insert((place.resource, 0)).1 += 1;
            }
        }
        let selector: Vec<String> =
            owner.pairs().iter().map(|(key, value)| format!("{key}={value}")).collect();
        let selector = &encode(&selector.join(","));
        let mut work = Vec::new();
        for (collection, (resource, count)) in collections {
            if count >= WORTH_A_LIST {
                work.push(
                    async move { (list(cluster, &resource, &collection, selector).await, collection) }
                        .boxed(),
                );
            }
        }
        let lists = concurrently(work, limit).await;
        LiveObjects(lists.into_iter().map(|(objects, collection)| (collection, objects)).collect())
    }

    /// Returns a live object, when it was listed.
    pub(crate) fn get(&self, place: &Place) -> Option<&Value> {
        self.0.get(&place.collection())?.get(&place.name)
    }
}

async fn list(
    cluster: &Cluster,
    resource: &Resource,
    collection: &str,
    selector: &str,
) -> HashMap<String, Value> {
    let mut objects = HashMap::new();
    let mut next = String::new();
    loop {
        let path = format!("{collection}?limit={PAGE}&labelSelector={selector}{next}");
        let mut page = match cluster.calls.get(&path).await {
            Ok(page) => page,
            Err(failure) => {
                // Single reads answer as well, and tell what is wrong object by object.
                tracing::debug!(collection, %failure, "objects cannot be listed");
                return objects;
            }
        };
        for mut object in
            page.get_mut("items").and_then(Value::as_array_mut).into_iter().flat_map(std::mem::take)
        {
            // Items of a list do not name their kind.
            object["apiVersion"] = Value::from(fields::join_api_version(&resource.group, &resource.version));
            object["kind"] = Value::from(resource.kind.clone());
            objects.insert(fields::name(&object).to_owned(), object);
        }
        match fields::text(&page, &["metadata", "continue"]).filter(|token| !token.is_empty()) {
            Some(token) => next = format!("&continue={}", encode(token)),
            None => return objects,
        }
    }
}
