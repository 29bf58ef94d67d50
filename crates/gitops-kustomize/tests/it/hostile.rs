//! Whatever stands in the files, a build ends with objects or an error.

use gitops_kustomize::{Kustomize, Limits, Substitute, expand};
use gitops_manifest::MemoryTree;
use proptest::prelude::*;

use crate::forest::grow;

/// Pieces that change what YAML, paths and expressions mean.
const PIECES: [&str; 24] = [
    "\0",
    "\t",
    "---\n",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "!x ",
    "|+\n",
    "\"",
    "'",
    "#",
    "../",
    "$(",
    "${",
    "~",
    "\u{feff}",
    "$patch: replace\n",
];

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.nodes = 200_000;
    limits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_tree_builds_or_is_refused(
        seed in 0u64..1000,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..PIECES.len()), 1..6),
    ) {
        let mut tree = grow(seed);
        for (file, at, piece) in damage {
            let names: Vec<String> = tree.files.keys().cloned().collect();
            let text = tree.files.get_mut(file.get(&names)).unwrap();
            let mut at = at.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.insert_str(at, PIECES[piece]);
        }
        let mut files = MemoryTree::new();
        for (path, text) in &tree.files {
            files.insert(path.as_str(), text.clone()).unwrap();
        }
        for kustomize in [Kustomize::new(&*tree.path), Kustomize::plain(&*tree.path)] {
            if let Ok(built) = kustomize.limits(limits()).build(&files) {
                let _ = Substitute::new([("VAR1", "x")]).lenient().apply(built);
            }
        }
    }

    #[test]
    fn any_text_expands_or_is_refused(text in "[$\\{\\}:#%/^,=a-c*?\\[\\]\\\\é0-9-]{0,40}") {
        let _ = expand(&text, |name| (name != "b").then(|| "value/é".to_owned()));
        let _ = expand(&format!("${{a{text}}}"), |name| (name != "b").then(|| "value/é".to_owned()));
    }
}
