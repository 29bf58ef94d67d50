//! The order of objects that depend on each other.

use std::collections::{BTreeMap, BTreeSet};

/// Sorts nodes so that each comes after those it depends on; nodes of a cycle come last, in their own order.
///
/// `depends_on` maps a node to what it needs; needs that are no nodes themselves do not matter. Equal inputs give equal
/// outputs: where nothing else decides, the nodes' own order does.
///
/// # Difference from Flux
/// Flux enqueues nothing at all when it meets a cycle. Here a cycle keeps only its own members back.
///
/// ```
/// use std::collections::BTreeMap;
/// let needs = BTreeMap::from([("app", vec!["db", "net"]), ("db", vec!["net"]), ("net", vec![])]);
/// assert_eq!(gitops_runtime::dependency::order(&needs), ["net", "db", "app"]);
/// ```
pub fn order<N: Ord + Clone>(depends_on: &BTreeMap<N, Vec<N>>) -> Vec<N> {
    let mut open: BTreeMap<&N, BTreeSet<&N>> = depends_on
        .iter()
        .map(|(node, needs)| (node, needs.iter().filter(|n| depends_on.contains_key(n)).collect()))
        .collect();
    let mut sorted = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let free: Vec<&N> =
            open.iter().filter(|(_, needs)| needs.is_empty()).map(|(node, _)| *node).collect();
        if free.is_empty() {
            sorted.extend(open.keys().map(|node| (*node).clone()));
            break;
        }
        for node in free {
            open.remove(node);
            open.values_mut().for_each(|needs| {
                needs.remove(node);
            });
            sorted.push(node.clone());
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_keeps_back_only_its_members() {
        let needs = BTreeMap::from([
            ("a", vec!["b"]),
            ("b", vec!["a"]),
            ("c", vec![]),
            ("d", vec!["c", "elsewhere"]),
        ]);
        assert_eq!(order(&needs), ["c", "d", "a", "b"]);
    }
}
