//! What differs from run to run, put in one form.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// What is replaced by what, in this order.
const RULES: &[(&str, &str)] = &[
    // kubectl's own log lines begin with a time, a process and a place in its source.
    (r"(?m)^[EIW]\d{4} [0-9:.]+ +\d+ [a-z_]+\.go:\d+\] ", "LOG "),
    (r"/(LIVE|MERGED)-\d+", "/$1-N"),
    (r"kubectl-edit-[a-z]*-?\d+", "kubectl-edit-N"),
    (r"https?://127\.0\.0\.1:\d+", "SERVER"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", "TIME"),
    (r"20[2-9]\d-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?", "TIME"),
    (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} 20[2-9]\d \d\d:\d\d:\d\d \+0000", "TIME"),
    (r"\b10\.0\.\d{1,3}\.\d{1,3}\b", "IP"),
    (r#"("?resourceVersion"?: ?"?|Resource Version: +)\d+"#, "${1}RV"),
    (r"\b3[0-2]\d{3}/", "PORT/"),
    (r"(?i)(nodeport\W+(?:[a-z<>]+ +)?)3[0-2]\d{3}\b", "${1}PORT"),
    // Names that controllers make.
    (
        r"-[bcdf2456789]{1}[bcdfghjklmnpqrstvwxz2456789]{4,9}-[bcdfghjklmnpqrstvwxz2456789]{5}\b",
        "-HASH-RANDOM",
    ),
    (r"\bmade-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "made-RANDOM"),
    (r"(?m)( )(?:\d+[smhd]){1,2}( |$)", "${1}AGE$2"),
    // Columns are as wide as their widest cell.
    (r"(\S)  +", "$1  "),
    (r"(?m)[ \t]+$", ""),
];

pub(super) fn normal(text: &str, folder: &Path) -> String {
    static COMPILED: LazyLock<Vec<(Regex, &str)>> =
        LazyLock::new(|| RULES.iter().map(|(rule, by)| (Regex::new(rule).unwrap(), *by)).collect());
    let text = text.replace(&folder.display().to_string(), "FOLDER");
    let text = sorted_points(&text);
    COMPILED.iter().fold(text, |text, (rule, by)| rule.replace_all(&text, *by).into_owned())
}

/// Sorts each run of lines that begin with `* `: the real server walks maps in random order.
fn sorted_points(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    for run in lines.chunk_by_mut(|a, b| a.starts_with("* ") && b.starts_with("* ")) {
        run.sort_unstable();
    }
    lines.join("\n")
}
