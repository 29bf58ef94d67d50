//! The latest of 100,000 tags beside Flux's way: by version, by text, by number, and by what a pattern extracts.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement may fail loudly")]

use std::hint::black_box;
use std::time::Duration;

use benches::{go_peer, print_ratio, print_times, shortest};
use gitops_image::policy::{Alphabetical, Filter, Numerical, Order, Policy, Semver};
use gitops_image::tags::TagSet;
use serde_json::{Value, json};

const TAGS: u64 = 100_000;
const BUDGET: Duration = Duration::from_millis(1500);

/// One policy, for both sides, and how many times faster ours should be.
struct Case {
    name: &'static str,
    kind: &'static str,
    argument: &'static str,
    pattern: &'static str,
    extract: &'static str,
    want: Option<f64>,
    tags: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        name: "image-policy-semver",
        kind: "semver",
        argument: "1.x",
        pattern: "",
        extract: "",
        want: Some(15.0),
        tags: "versions",
    },
    Case {
        name: "image-policy-filter",
        kind: "numerical",
        argument: "",
        pattern: "^main-[a-f0-9]+-(?P<ts>.*)",
        extract: "$ts",
        want: Some(7.0),
        tags: "builds",
    },
    Case {
        name: "image-policy-numerical",
        kind: "numerical",
        argument: "",
        pattern: "",
        extract: "",
        want: None,
        tags: "numbers",
    },
    Case {
        name: "image-policy-alphabetical",
        kind: "alphabetical",
        argument: "",
        pattern: "",
        extract: "",
        want: None,
        tags: "builds",
    },
];

fn main() {
    let folder = tempfile::tempdir().unwrap();
    for case in &CASES {
        let tags = tags(case.tags);
        let peer = peer(folder.path(), case, &tags);
        let policy = policy(case);
        let latest = policy.decide(&tags).into_latest().unwrap().to_owned();
        let ours = shortest(BUDGET, || {
            black_box(policy.decide(black_box(&tags)).latest().is_ok());
        });
        let Some((time, theirs)) = peer else {
            println!("bench {}: ours {ours:.1?}", case.name);
            continue;
        };
        assert_eq!(latest, theirs, "{}: both sides choose the same tag", case.name);
        match case.want {
            Some(want) => print_ratio(case.name, ours, time, want),
            None => print_times(case.name, ours, time),
        }
    }
}

fn policy(case: &Case) -> Policy {
    let policy = match case.kind {
        "semver" => Policy::with_rule(Semver::new(case.argument).unwrap()),
        "numerical" => Policy::with_rule(Numerical::new(Order::Ascending)),
        _ => Policy::with_rule(Alphabetical::new(Order::Ascending)),
    };
    if case.pattern.is_empty() {
        return policy;
    }
    policy.filter(Filter::new(case.pattern, case.extract).unwrap())
}

/// Tags as they are found: versions with prereleases and other names between them, or builds of a branch.
fn tags(kind: &str) -> TagSet {
    let tag = |n: u64| {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        match (kind, n % 10) {
            ("versions", 0) => format!("1.{}.{}-rc.{}", mixed % 40, mixed % 90, n % 7),
            ("versions", 1) => format!("sha-{mixed:016x}"),
            ("versions", major) => format!("v{}.{}.{n}", major % 3, mixed % 50),
            ("builds", 0) => format!("pr-{n}"),
            ("builds", _) => format!("main-{:08x}-{}", mixed >> 32, 1_600_000_000 + n),
            _ => format!("{}", mixed >> 24),
        }
    };
    TagSet::new((0..TAGS).map(tag)).unwrap()
}

/// Returns what the peer needs for one choice, and its choice; none where there is no peer.
fn peer(folder: &std::path::Path, case: &Case, tags: &TagSet) -> Option<(Duration, String)> {
    let write = |name: &str, value: Value| {
        let path = folder.join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let tags = write("tags.json", tags.iter().collect());
    let policies = write(
        "policies.json",
        json!([{"Name": case.name, "Kind": case.kind, "Argument": case.argument,
                "Pattern": case.pattern, "Extract": case.extract}]),
    );
    match go_peer("image-policy", &[&tags, &BUDGET.as_millis().to_string(), &policies]) {
        Ok(text) => {
            let mut words = text.split_whitespace().skip(1);
            let time = Duration::from_nanos(words.next().unwrap().parse().unwrap());
            Some((time, words.next().unwrap().to_owned()))
        }
        Err(error) => {
            println!("bench {}: no peer to measure beside: {error}", case.name);
            None
        }
    }
}
