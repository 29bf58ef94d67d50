//! The corpus `tar`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gitops_source::SourceError;
use gitops_source::artifact::{
    Confinement, ExtractOptions, Limits, LinklessFolder, Links, PackOptions, extract, pack, resolve_links,
};
use gitops_source::ignore::IgnoreRules;
use serde_json::{Value, json};

pub(crate) fn judge(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let work = tempfile::tempdir().unwrap();
    match case["feature"].as_str().unwrap() {
        "extract" => extracted(input, expect, work.path()),
        "create" => created(input, expect, work.path()),
        "roundtrip" => {
            let archive = create(input, work.path()).map_err(|e| e.to_string())?;
            let target = work.path().join("elsewhere");
            extract(archive.as_slice(), &target, &extract_options(&input["options"]))
                .map_err(|e| e.to_string())?;
            holds(&target, expect, |text| text.as_bytes().to_vec())
        }
        "resolve" => resolved(input, expect, work.path()),
        other => Err(format!("unknown feature {other}")),
    }
}

/// Compares an error with the expectation: exact words, or any. Returns whether an error was expected.
fn failed<T>(outcome: Result<T, SourceError>, expect: &Value, target: &Path) -> Result<Option<T>, String> {
    match (outcome, &expect["error"]) {
        (Ok(value), Value::Null) => Ok(Some(value)),
        (Err(error), Value::Null) => Err(format!("failed: {error}")),
        (Ok(_), want) => Err(format!("no error, want {want}")),
        (Err(error), Value::String(words)) => {
            let want = words.replace("{target}", &target.display().to_string());
            if error.to_string() == want { Ok(None) } else { Err(format!("want {want}, got {error}")) }
        }
        (Err(_), _) => Ok(None),
    }
}

fn holds(root: &Path, expect: &Value, decode: impl Fn(&str) -> Vec<u8>) -> Result<(), String> {
    for (path, want) in expect["files"].as_object().into_iter().flatten() {
        let got = fs::read(root.join(path)).map_err(|e| format!("{path}: {e}"))?;
        if got != decode(want.as_str().unwrap()) {
            return Err(format!("{path} has another content"));
        }
    }
    for path in expect["absent"].as_array().into_iter().flatten() {
        if root.join(path.as_str().unwrap()).symlink_metadata().is_ok() {
            return Err(format!("{path} is there"));
        }
    }
    for path in expect["regular"].as_array().into_iter().flatten() {
        if !root.join(path.as_str().unwrap()).symlink_metadata().is_ok_and(|m| m.is_file()) {
            return Err(format!("{path} is not a regular file"));
        }
    }
    for (path, want) in expect["directories"].as_object().into_iter().flatten() {
        let metadata = root.join(path).symlink_metadata().map_err(|e| format!("{path}: {e}"))?;
        let bits = u32::from_str_radix(want["owner_mode_includes"].as_str().unwrap(), 8).unwrap();
        if !metadata.is_dir() || mode(&metadata) & bits != bits {
            return Err(format!("{path} has mode {:o}", mode(&metadata)));
        }
    }
    Ok(())
}

fn mode(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode()
}

fn extract_options(options: &Value) -> ExtractOptions<'_> {
    let mut chosen = ExtractOptions::default();
    match options["max_size"].as_i64() {
        None => {}
        Some(-1) => chosen = chosen.limits(Limits::default().content_bytes(u64::MAX)),
        Some(bytes) => chosen = chosen.limits(Limits::default().content_bytes(u64::try_from(bytes).unwrap())),
    }
    if options["gzip"] == false {
        chosen = chosen.without_gzip();
    }
    if options["skip_symlinks"] == true {
        chosen = chosen.links(Links::Skip);
    }
    let (prefix, suffix) = (options["skip_name_prefix"].as_str(), options["skip_name_suffix"].as_str());
    chosen.skip(move |name| {
        prefix.is_some_and(|p| name.starts_with(p)) || suffix.is_some_and(|s| name.ends_with(s))
    })
}

fn extracted(input: &Value, expect: &Value, work: &Path) -> Result<(), String> {
    let archive = STANDARD.decode(input["archive"].as_str().unwrap()).unwrap();
    let mut options = extract_options(&input["options"]);
    let mut target = work.join("target");
    match input["target"]["kind"].as_str().unwrap() {
        "fresh" => {}
        "existing" => {
            for dir in input["target"]["directories"].as_array().into_iter().flatten() {
                fs::create_dir_all(target.join(dir.as_str().unwrap())).unwrap();
            }
            fs::create_dir_all(&target).unwrap();
        }
        "relative" => {
            options = options.base(work);
            target = PathBuf::from(input["target"]["path"].as_str().unwrap());
        }
        "symlink-to-directory" => {
            fs::create_dir(work.join("real")).unwrap();
            std::os::unix::fs::symlink(work.join("real"), &target).unwrap();
        }
        other => return Err(format!("unknown target {other}")),
    }
    let Some(root) = failed(extract(archive.as_slice(), &target, &options), expect, &target)? else {
        return Ok(());
    };
    if expect["root"].as_str().is_some_and(|want| root != work.join(want)) {
        return Err(format!("root is {}", root.display()));
    }
    holds(&root, expect, |text| STANDARD.decode(text).unwrap())
}

/// Makes the tree of a case below a directory.
fn plant(tree: &Value, root: &Path) {
    fs::create_dir_all(root).unwrap();
    for (path, node) in tree.as_object().into_iter().flatten() {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        if let Some(target) = node["symlink"].as_str() {
            let target = target.replace("$ROOT", &root.display().to_string());
            std::os::unix::fs::symlink(target, place).unwrap();
        } else if node["directory"] == true {
            fs::create_dir_all(place).unwrap();
        } else {
            fs::write(place, node["content"].as_str().unwrap()).unwrap();
        }
    }
}

fn create(input: &Value, work: &Path) -> Result<Vec<u8>, SourceError> {
    let root = work.join("tree");
    match input["source"].as_str() {
        Some("missing") => {}
        Some("file") => fs::write(&root, "").unwrap(),
        _ => plant(&input["tree"], &root),
    }
    let mut options = PackOptions::default();
    if input["options"]["gzip"] == false {
        options = options.without_gzip();
    }
    let mut rules = IgnoreRules::none();
    if let Some(suffix) = input["options"]["skip_name_suffix"].as_str() {
        rules.push_text(&format!("*{suffix}"), "");
    }
    let mut archive = Vec::new();
    pack(&LinklessFolder::open(root)?, &rules, &options, &mut archive)?;
    Ok(archive)
}

fn created(input: &Value, expect: &Value, work: &Path) -> Result<(), String> {
    let Some(archive) = failed(create(input, work), expect, work)? else { return Ok(()) };
    let is_gzip = archive.starts_with(&[0x1f, 0x8b]);
    if json!(is_gzip) != expect["gzip"] {
        return Err(format!("gzip: {is_gzip}"));
    }
    let mut plain = archive;
    if is_gzip {
        let mut unzipped = Vec::new();
        flate2::read::GzDecoder::new(plain.as_slice()).read_to_end(&mut unzipped).unwrap();
        plain = unzipped;
    }
    let mut entries = BTreeMap::new();
    for entry in tar::Archive::new(plain.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        for (field, want) in expect["every_header"].as_object().into_iter().flatten() {
            let got = match field.as_str() {
                "mtime" => json!(entry.header().mtime().unwrap()),
                "uid" => json!(entry.header().uid().unwrap()),
                "gid" => json!(entry.header().gid().unwrap()),
                "uname" => json!(entry.header().username().unwrap().unwrap_or_default()),
                "gname" => json!(entry.header().groupname().unwrap().unwrap_or_default()),
                other => return Err(format!("unknown header field {other}")),
            };
            if got != *want {
                return Err(format!("{field}: want {want}, got {got}"));
            }
        }
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        entries.insert(entry.path().unwrap().to_string_lossy().into_owned(), content);
    }
    if json!(entries) != expect["entries"] {
        return Err(format!("entries: want {}, got {}", expect["entries"], json!(entries)));
    }
    Ok(())
}

fn resolved(input: &Value, expect: &Value, work: &Path) -> Result<(), String> {
    let tree = work.join("tree");
    plant(&input["tree"], &tree);
    let destination = work.join("destination");
    match input["destination"].as_str().unwrap() {
        "directory" => fs::create_dir(&destination).unwrap(),
        "file" => fs::write(&destination, "").unwrap(),
        _ => {}
    }
    let root = input["root"].as_str().map(|root| tree.join(root));
    let confinement = root.as_deref().map_or(Confinement::None, Confinement::Root);
    let outcome = resolve_links(&tree.join(input["src"].as_str().unwrap()), &destination, confinement);
    failed(outcome, expect, &destination)?;
    holds(&destination, expect, |text| text.as_bytes().to_vec())
}
