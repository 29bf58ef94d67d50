//! What a controller is told of an error.

use gitops_api::Failure as _;
use gitops_api::image_v1::{ImagePolicySpec, UpdateStrategy};
use gitops_image::{DiskTagStore, ImageError, Policy, RepositoryKey, ScanReport, Semver, Setters, TagSet};
use gitops_image::{ExclusionList, TagStore as _, Written};
use gitops_manifest::MemoryTree;

#[test]
fn errors_have_fluxs_reasons() {
    let check = |error: ImageError, reason: &str, is_terminal: bool| {
        assert_eq!((error.reason(), error.is_terminal()), (reason, is_terminal), "{error}");
    };
    check(Policy::new(&ImagePolicySpec::default()).unwrap_err(), "InvalidPolicy", true);
    let policy = Policy::with_rule(Semver::new("2.x").unwrap());
    let tags = TagSet::new(["1.0.0"]).unwrap();
    check(policy.decide(&tags).into_latest().unwrap_err(), "Failure", false);
    check(policy.decide(&TagSet::default()).into_latest().unwrap_err(), "Failure", false);
    check(ExclusionList::new(["("]).unwrap_err(), "ReadOperationFailed", false);
    check(RepositoryKey::new("..", "a").unwrap_err(), "ReadOperationFailed", false);
    let tree = MemoryTree::new();
    check(Setters::new().edit(&tree, "nowhere").unwrap_err(), "UpdateFailed", false);
    check(Setters::new().edit_by(None, &tree).unwrap_err(), "InvalidUpdateStrategy", true);
    let unknown = UpdateStrategy { strategy: "foo".into(), path: None };
    let error = Setters::new().edit_by(Some(&unknown), &tree).unwrap_err();
    assert_eq!(error.to_string(), "unsupported update strategy: foo");
}

#[test]
fn a_scan_is_stored_once_and_told_as_flux_tells_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskTagStore::new(dir.path()).unwrap();
    let key = RepositoryKey::new("apps", "web").unwrap();
    let exclusions = ExclusionList::of(None).unwrap();
    let report = ScanReport::of(["1.0.0", "sha256-abc.sig"], &exclusions).unwrap();
    assert_eq!(report.to_string(), "successful scan: found 1 tags with checksum 160432618");
    assert_eq!((report.listed, report.excluded()), (2, 1));
    let result = report.result();
    assert_eq!((result.tag_count, result.revision.as_deref()), (1, Some("160432618")));
    assert_eq!(report.store(&store, &key).unwrap(), Written::Changed);
    let file = dir.path().join("imagerepository/apps/web/tags.json");
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(report.store(&store, &key).unwrap(), Written::Unchanged);
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), written, "nothing was written");

    // A file that was cut short is no set of tags, and is written anew.
    let content = std::fs::read(&file).unwrap();
    std::fs::write(&file, &content[..content.len() - 2]).unwrap();
    assert_eq!(store.read(&key).unwrap(), None);
    assert_eq!(report.store(&store, &key).unwrap(), Written::Changed);
    assert_eq!(store.read(&key).unwrap(), Some(report.tags));
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing staged is left");
}
