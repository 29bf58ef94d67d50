//! Any text as a file with markers: an edit changes the marked values alone, and once.
//!
//! `cargo +nightly fuzz run image_setters`
#![no_main]

use bytes::Bytes;
use gitops_api::image_v1::ImageRef;
use gitops_image::Setters;
use gitops_image::setter::{Edits, Marker};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let image = ImageRef { name: "r/a".to_owned(), tag: "1.10".to_owned(), digest: None };
    let setters = Setters::new().with("a", "b", image).expect("it is an image");
    let edit = |text: &[u8]| {
        let mut edits = Edits::default();
        setters.edit_file("a.yaml", Bytes::copy_from_slice(text), &mut edits);
        edits
    };
    let _ = std::str::from_utf8(text).map(Marker::parse);
    let edits = edit(text);
    let _ = (edits.to_string(), edits.patch());
    for file in &edits.files {
        let again = edit(file.after());
        assert!(again.files.is_empty(), "an edit that was made is not made again");
        let unmarked: usize = file.edits().iter().map(|edit| edit.span.len()).sum();
        let written: usize = file.edits().iter().map(|edit| edit.replacement.len()).sum();
        assert_eq!(file.before().len() - unmarked, file.after().len() - written);
    }
});
