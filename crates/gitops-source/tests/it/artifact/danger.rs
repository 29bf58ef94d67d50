//! Archives that mean harm: each is refused by name, and nothing of it is handed out.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use gitops_source::SourceError;
use gitops_source::artifact::{ArchiveFault, ExtractOptions, Limits, Links, extract, unpack};
use proptest::prelude::*;
use tar::{EntryType, Header};

use super::{packed, tree};

/// An entry with any name and type, which the builder of the `tar` crate would refuse.
fn entry(name: &str, kind: EntryType, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, EntryType::Regular, content)
}

fn link(name: &str, target: &str, kind: EntryType) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_link_name_literal(target).unwrap();
    header.set_entry_type(kind);
    header.set_mode(0o777);
    header.set_size(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn pax(record: &str) -> Vec<u8> {
    entry("pax", EntryType::XHeader, record.as_bytes())
}

fn gzip(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for part in parts {
        encoder.write_all(part).unwrap();
    }
    encoder.finish().unwrap()
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = entries.to_vec();
    parts.push(vec![0; 1024]);
    gzip(&parts)
}

fn fault(archive: &[u8], limits: &Limits) -> ArchiveFault {
    match unpack(archive, limits, Links::Skip) {
        Err(SourceError::Archive(fault)) => fault,
        other => panic!("not refused: {other:?}"),
    }
}

/// The archive is refused with this fault, by both ways of reading.
macro_rules! refused {
    ($archive:expr, $limits:expr, $fault:pat) => {{
        let (archive, limits): (Vec<u8>, Limits) = ($archive, $limits);
        let got = fault(&archive, &limits);
        assert!(matches!(got, $fault), "{got:?}");
        let dir = tempfile::tempdir().unwrap();
        let options = ExtractOptions::default().links(Links::Skip).limits(limits);
        let got = extract(archive.as_slice(), &dir.path().join("target"), &options);
        assert!(matches!(got, Err(SourceError::Archive($fault))), "extract: {got:?}");
        let outside: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(outside.iter().all(|name| name == "target"), "{outside:?}");
    }};
    ($archive:expr, $fault:pat) => {
        refused!($archive, Limits::default(), $fault)
    };
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in [
        "../evil",
        "a/../../evil",
        "..",
        "a/..",
        "/etc/evil",
        "//evil",
        "a//b",
        "a/./b",
        "\\evil",
        "a\\b",
        "..\\evil",
        "./../evil",
        "/",
        "foo../bar",
    ] {
        refused!(archive(&[file(name, b"x")]), ArchiveFault::Name { .. });
        refused!(archive(&[entry(name, EntryType::Directory, b"")]), ArchiveFault::Name { .. });
    }
    refused!(archive(&[file("", b"x")]), ArchiveFault::Name { .. });
    refused!(archive(&[file(".", b"x")]), ArchiveFault::Name { .. });
}

#[test]
fn names_in_header_extensions_are_checked_too() {
    refused!(
        archive(&[entry("x", EntryType::GNULongName, b"../../evil\0"), file("ok", b"x")]),
        ArchiveFault::Name { .. }
    );
    refused!(archive(&[pax("18 path=/etc/evil\n"), file("ok", b"x")]), ArchiveFault::Name { .. });
    refused!(archive(&[pax("14 path=a\\evil"), file("ok", b"x")]), ArchiveFault::Header { .. });
    refused!(archive(&[pax("9999 path=a\n"), file("ok", b"x")]), ArchiveFault::Header { .. });
    refused!(archive(&[pax("0 path=a\n"), file("ok", b"x")]), ArchiveFault::Header { .. });
}

#[test]
fn a_leading_dot_and_a_trailing_slash_are_normal() {
    let good = archive(&[
        entry("./", EntryType::Directory, b""),
        entry("./a/", EntryType::Directory, b""),
        file("./a/b", b"x"),
    ]);
    let unpacked = unpack(good.as_slice(), &Limits::default(), Links::Refuse).unwrap();
    assert_eq!(unpacked.tree().files().map(|(p, _)| p).collect::<Vec<_>>(), ["a/b"]);
}

#[test]
fn twins_are_refused_in_memory() {
    for entries in [
        vec![file("a", b"1"), file("a", b"2")],
        vec![file("a", b"1"), file("./a", b"2")],
        vec![file("a", b"1"), file("a/b", b"2")],
        vec![file("a/b", b"1"), file("a", b"2")],
        vec![entry("a", EntryType::Directory, b""), file("a", b"2")],
        vec![file("a", b"2"), entry("a/", EntryType::Directory, b"")],
    ] {
        let got = fault(&archive(&entries), &Limits::default());
        assert!(matches!(got, ArchiveFault::Duplicate { .. }), "{got:?}");
    }
}

#[test]
fn links_are_refused_or_left_out_and_never_made() {
    let bad = archive(&[link("out", "/etc", EntryType::Symlink), file("out/passwd", b"x")]);
    let got = unpack(bad.as_slice(), &Limits::default(), Links::Refuse);
    assert!(matches!(got, Err(SourceError::Archive(ArchiveFault::Symlink { .. }))));
    let unpacked = unpack(bad.as_slice(), &Limits::default(), Links::Skip).unwrap();
    assert_eq!(unpacked.skipped_links(), ["out"]);
    assert_eq!(unpacked.tree().files().count(), 1);
    refused!(archive(&[link("hard", "/etc/passwd", EntryType::Link)]), ArchiveFault::Unsupported { .. });
}

#[test]
fn a_link_that_waits_in_the_target_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    fs::create_dir_all(dir.path().join("target")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "kept").unwrap();
    std::os::unix::fs::symlink(&outside, dir.path().join("target/dir")).unwrap();
    std::os::unix::fs::symlink(outside.join("file"), dir.path().join("target/file")).unwrap();
    let target = dir.path().join("target");
    let through = archive(&[file("dir/file", b"evil")]);
    assert!(extract(through.as_slice(), &target, &ExtractOptions::default()).is_err());
    let over = archive(&[file("file", b"new")]);
    extract(over.as_slice(), &target, &ExtractOptions::default()).unwrap();
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "kept");
    assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "new");
    assert!(target.join("file").symlink_metadata().unwrap().is_file());
}

#[test]
fn devices_pipes_and_sparse_files_are_refused() {
    for kind in
        [EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse, EntryType::new(b'Z')]
    {
        refused!(archive(&[entry("dev", kind, b"")]), ArchiveFault::Unsupported { .. });
    }
    let sparse = pax("22 GNU.sparse.major=1\n");
    refused!(archive(&[sparse, file("a", b"x")]), ArchiveFault::Unsupported { .. });
}

#[test]
fn bombs_are_refused() {
    let limits = Limits::default;
    refused!(
        archive(&[file("a", &[7; 600]), file("b", &[7; 600])]),
        limits().content_bytes(1000),
        ArchiveFault::TooLarge { .. }
    );
    refused!(
        archive(&[file("a", b""), file("b", b""), file("c", b"")]),
        limits().entries(2),
        ArchiveFault::TooManyEntries { limit: 2 }
    );
    refused!(archive(&[file("a/b/c/d", b"")]), limits().depth(3), ArchiveFault::TooDeep { .. });
    refused!(archive(&[file("abcdef", b"")]), limits().path_bytes(5), ArchiveFault::NameTooLong { .. });
    // 16 MiB of zeros in 16 KiB.
    refused!(archive(&[file("zeros", &vec![0; 16 << 20])]), ArchiveFault::Ratio { limit: 200 });
    // Zeros behind the end.
    refused!(
        gzip(&[file("a", b"x"), vec![0; 1024], vec![0; 2 << 20]]),
        limits().ratio(u64::MAX),
        ArchiveFault::TrailingBytes
    );
}

#[test]
fn long_headers_are_refused_before_they_are_read() {
    // A header that claims a name of 4 GiB and goes on with zeros for a while: were it read, the ratio would speak first.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(4 << 30);
    header.set_cksum();
    let bomb = gzip(&[header.as_bytes().to_vec(), vec![0; 32 << 20]]);
    refused!(bomb, ArchiveFault::HeaderTooLarge { .. });
    let name = "n".repeat(70 << 10);
    refused!(
        archive(&[entry("x", EntryType::GNULongName, name.as_bytes()), file("a", b"")]),
        ArchiveFault::HeaderTooLarge { .. }
    );
    // Many small ones before one entry.
    let many: Vec<_> =
        (0..200).map(|_| pax(&format!("{} comment={}\n", 1000 + 14, "c".repeat(1000)))).collect();
    refused!(archive(&many), ArchiveFault::HeaderTooLarge { .. });
}

#[test]
fn a_size_in_a_pax_record_counts() {
    refused!(
        archive(&[pax("23 size=99999999999999\n"), file("a", b"x")]),
        Limits::default(),
        ArchiveFault::TooLarge { .. }
    );
}

#[test]
fn what_two_readers_would_read_differently_is_refused() {
    let good = packed(&tree(&[("a", "1")]));
    let mut second = good.clone();
    second.extend_from_slice(&good);
    refused!(second, ArchiveFault::SecondMember);
    let mut trailing = good.clone();
    trailing.extend_from_slice(b"more");
    refused!(trailing, ArchiveFault::TrailingBytes);
    refused!(gzip(&[file("a", b"x"), vec![0; 1024], file("b", b"y")]), ArchiveFault::TrailingBytes);
}

#[test]
fn damaged_archives_are_refused() {
    let good = packed(&tree(&[("a", "some content"), ("b", "more content")]));
    refused!(Vec::new(), ArchiveFault::NotGzip { reason: "EOF" });
    refused!(b"plain text".to_vec(), ArchiveFault::NotGzip { .. });
    refused!(good[..good.len() - 1].to_vec(), ArchiveFault::Truncated);
    refused!(good[..good.len() / 2].to_vec(), ArchiveFault::Truncated);
    let mut checksum = good.clone();
    let at = checksum.len() - 5;
    checksum[at] ^= 1;
    refused!(checksum, ArchiveFault::Gzip { .. });
    let mut header = file("a", b"x");
    header[0] = b'b';
    refused!(archive(&[header]), ArchiveFault::Header { reason: "checksum" });
    refused!(gzip(&[file("a", &[1; 2000])[..1024].to_vec()]), ArchiveFault::Truncated);
}

#[test]
fn any_damaged_byte_is_noticed_or_harmless() {
    let files = tree(&[("a", "some content"), ("b/c", "more content")]);
    let good = packed(&files);
    for at in 10..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        // The checksum covers all content, so nothing but the tree itself comes out.
        if let Ok(unpacked) = unpack(bad.as_slice(), &Limits::default(), Links::Refuse) {
            assert_eq!(unpacked.tree().files().collect::<Vec<_>>(), files.files().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_target_with_content_is_left_alone() {
    let unpacked =
        unpack(packed(&tree(&[("a", "1")])).as_slice(), &Limits::default(), Links::Refuse).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    unpacked.write_to(&target).unwrap();
    assert!(unpacked.write_to(&target).is_err());
    std::os::unix::fs::symlink(&target, dir.path().join("link")).unwrap();
    assert!(unpacked.write_to(&dir.path().join("link")).is_err());
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Without gzip no checksum stands between the damage and the reader; the header's own is put right.
    #[test]
    fn any_tar_is_extracted_inside_of_the_target_or_refused(
        damage in prop::collection::vec((0_usize..3 * 512, any::<u8>()), 1..8), cut in 0_usize..4096
    ) {
        let mut plain = [pax("16 path=deep/er\n"), file("a", b"x"), link("l", "/etc", EntryType::Symlink), file("b/c", b"y")].concat();
        for (at, byte) in damage {
            plain[at] = byte;
        }
        for header in plain.chunks_mut(512) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        plain.extend([0; 1024]);
        plain.truncate(plain.len() - cut.min(plain.len()));
        let dir = tempfile::tempdir().unwrap();
        let options = ExtractOptions::default().without_gzip().links(Links::Skip);
        let _ = extract(plain.as_slice(), &dir.path().join("target"), &options);
        let outside: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        prop_assert!(outside.iter().all(|name| name == "target"), "{:?}", outside);
    }
}
