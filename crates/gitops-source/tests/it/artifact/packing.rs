//! Same tree, same bytes; names, modes and order as Flux has them.

use std::fs;

use gitops_api::{Digest, DigestAlgorithm};
use gitops_manifest::MemoryTree;
use gitops_source::artifact::{Limits, LinklessFolder, Links, PackOptions, pack, unpack};
use gitops_source::ignore::IgnoreRules;
use proptest::prelude::*;

use super::{gunzip, packed, tree};

#[test]
fn entries_are_in_lexical_order_with_three_modes_and_no_traces_of_the_machine() {
    let mut tree = tree(&[("a-b", "1"), ("a/c", "2"), (".hidden", "")]);
    tree.insert_executable("a/run", "#!").unwrap();
    let plain = gunzip(&packed(&tree));
    let mut seen = Vec::new();
    for entry in tar::Archive::new(plain.as_slice()).entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        seen.push(format!("{name} {:o}", header.mode().unwrap()));
    }
    assert_eq!(seen, [". 750", ".hidden 600", "a 750", "a/c 600", "a/run 700", "a-b 600"]);
}

#[test]
fn the_archive_is_the_one_that_was_recorded() {
    // Made by this test when it was written. Other bytes mean that every stored artifact changes its digest with the
    // next release, which the release notes must say then.
    let mut bytes = Vec::new();
    let files = tree(&[("deploy/app.yaml", "kind: Namespace\n"), ("README.md", "# fleet\n")]);
    let packed = pack(&files, &IgnoreRules::none(), &PackOptions::default(), &mut bytes).unwrap();
    assert_eq!(packed.digest.to_string(), RECORDED);
    assert_eq!((packed.size, packed.files), (bytes.len() as u64, 2));
}

const RECORDED: &str = "sha256:d7d6dc6341ca2fad40125717ddf7d914a7a364344ffa710dc12ec5d97f88859f";

#[test]
fn the_digest_is_of_the_written_bytes_in_each_algorithm() {
    let files = tree(&[("a", "b")]);
    for (algorithm, tool) in [
        (DigestAlgorithm::Sha1, "sha1sum"),
        (DigestAlgorithm::Sha256, "sha256sum"),
        (DigestAlgorithm::Sha384, "sha384sum"),
        (DigestAlgorithm::Sha512, "sha512sum"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("artifact");
        let options = PackOptions::default().algorithm(algorithm);
        let packed = pack(&files, &IgnoreRules::none(), &options, fs::File::create(&place).unwrap()).unwrap();
        let Ok(output) = std::process::Command::new(tool).arg(&place).output() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{tool} is missing and CI=true");
            continue;
        };
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(packed.digest.hex(), told.split(' ').next().unwrap());
        assert_eq!(packed.digest.algorithm(), algorithm);
    }
    let options = PackOptions::default().algorithm(DigestAlgorithm::Blake3);
    let mut bytes = Vec::new();
    let packed = pack(&files, &IgnoreRules::none(), &options, &mut bytes).unwrap();
    let want = Digest::from_bytes(DigestAlgorithm::Blake3, blake3::hash(&bytes).as_bytes()).unwrap();
    assert_eq!(packed.digest, want);
}

#[test]
fn links_and_pipes_of_a_folder_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    fs::write(dir.path().join("real/file"), "x").unwrap();
    std::os::unix::fs::symlink("real/file", dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink("real", dir.path().join("linked")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("out")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let mut bytes = Vec::new();
    let folder = LinklessFolder::open(dir.path()).unwrap();
    pack(&folder, &IgnoreRules::none(), &PackOptions::default(), &mut bytes).unwrap();
    let unpacked = unpack(bytes.as_slice(), &Limits::default(), Links::Refuse).unwrap();
    let files: Vec<&str> = unpacked.tree().files().map(|(path, _)| path).collect();
    assert_eq!(files, ["real/file"]);
}

#[test]
fn an_ignored_directory_is_walked_for_what_is_taken_in_again() {
    let files = tree(&[("deploy/app.yaml", "x"), ("README.md", "y"), ("docs/a", "z")]);
    let mut rules = IgnoreRules::none();
    rules.push_text("/*\n!/deploy/app.yaml\n", "");
    let mut bytes = Vec::new();
    pack(&files, &rules, &PackOptions::default(), &mut bytes).unwrap();
    let unpacked = unpack(bytes.as_slice(), &Limits::default(), Links::Refuse).unwrap();
    assert_eq!(unpacked.tree().files().map(|(path, _)| path).collect::<Vec<_>>(), ["deploy/app.yaml"]);
}

#[test]
fn other_readers_take_long_and_foreign_names() {
    let long = format!("{}/{}", "d".repeat(120), "ü".repeat(60));
    let files = tree(&[(&long, "x")]);
    let plain = gunzip(&packed(&files));
    let mut archive = tar::Archive::new(plain.as_slice());
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|e| e.unwrap().path().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.contains(&long), "{names:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_comes_back_and_packs_to_the_same_bytes(
        files in prop::collection::btree_map("[a-zä]{1,3}(/[a-z]{1,40}){0,5}", (any::<Vec<u8>>(), any::<bool>()), 0..12)
    ) {
        let mut tree = MemoryTree::new();
        for (path, (content, executable)) in files {
            // A path may be another's directory.
            let _ = if executable { tree.insert_executable(path, content) } else { tree.insert(path, content) };
        }
        let bytes = packed(&tree);
        let unpacked = unpack(bytes.as_slice(), &Limits::default().ratio(u64::MAX), Links::Refuse).unwrap();
        let got: Vec<_> = unpacked.tree().files().collect();
        let want: Vec<_> = tree.files().collect();
        prop_assert_eq!(got, want);
        prop_assert_eq!(packed(unpacked.tree()), bytes.clone());

        let dir = tempfile::tempdir().unwrap();
        unpacked.write_to(&dir.path().join("out")).unwrap();
        let mut again = Vec::new();
        let folder = LinklessFolder::open(dir.path().join("out")).unwrap();
        pack(&folder, &IgnoreRules::none(), &PackOptions::default(), &mut again).unwrap();
        prop_assert_eq!(again, bytes);
    }
}
