//! Any texts as pattern, template, range and tags: a decision, or an error, and every tag has a fate.
//!
//! `cargo +nightly fuzz run image_policy`
#![no_main]

use gitops_image::{Alphabetical, ExclusionList, Filter, Numerical, Order, Policy, Semver, TagSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let [pattern, extract, range] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let tags = TagSet::new(lines).expect("there are few");
    let _ = ExclusionList::new([pattern]);
    let filter = Filter::new(pattern, extract).ok();
    let policies = [
        Semver::new(range).ok().map(Policy::with_rule),
        Some(Policy::with_rule(Alphabetical::new(Order::Descending))),
        Some(Policy::with_rule(Numerical::new(Order::Ascending))),
    ];
    for policy in policies.into_iter().flatten() {
        let policy = match &filter {
            Some(filter) => policy.filter(filter.clone()),
            None => policy,
        };
        let decision = policy.decide(&tags);
        assert_eq!(decision.fates().count(), tags.len());
        let _ = decision.to_string();
    }
    let _ = (tags.revision(), tags.digest());
});
