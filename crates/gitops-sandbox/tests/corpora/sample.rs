//! A sample of the recorded scripts: some of every area, always the same.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// How many scripts of all areas there are to be, about, and how many generated ones.
const SCRIPTS: usize = 60;
const GENERATED: usize = 30;

/// Writes the sample of the scripts that need this into a file, and returns how many they are.
pub(crate) fn write(corpus: &Path, needs: &str, out: &Path) -> usize {
    let mut areas: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut total = 0;
    for file in files(corpus) {
        for line in read(&file).lines().filter(|line| !line.is_empty()) {
            let script: Value = serde_json::from_str(line).unwrap();
            let of =
                if script["needs"][0] == "controller-manager" { "controller-manager" } else { "apiserver" };
            let area = script["area"].as_str().unwrap();
            total += usize::from(area != "generated");
            if of == needs {
                areas.entry(area.to_owned()).or_default().push(line.to_owned());
            }
        }
    }
    let mut chosen = String::new();
    let mut count = 0;
    for (area, scripts) in &areas {
        let share =
            if area == "generated" { GENERATED } else { (scripts.len() * SCRIPTS).div_ceil(total.max(1)) };
        let share = share.clamp(1, scripts.len());
        // Evenly spread, so that neighbours, which are alike, are not all there is of an area.
        for n in 0..share {
            chosen += &scripts[n * scripts.len() / share];
            chosen.push('\n');
        }
        count += share;
    }
    std::fs::write(out, chosen).unwrap();
    count
}

fn files(corpus: &Path) -> Vec<PathBuf> {
    let names = |folder: PathBuf| -> Vec<PathBuf> {
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    let mut files = names(corpus.join("scripts"));
    files.extend(names(corpus.to_owned()));
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        (name.ends_with(".jsonl") || name.ends_with(".jsonl.gz")) && name != "fixtures.jsonl"
    });
    files.sort();
    files
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        return text;
    }
    String::from_utf8(bytes).unwrap()
}
