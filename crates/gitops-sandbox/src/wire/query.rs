//! Query parameters, and the options that they carry.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::status::{Answer, Cause, Refusal};

/// The parameters of a request, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(BTreeMap<String, Vec<String>>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            parameters.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        Self(parameters)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Reads a truth as Kubernetes' conversion does: everything but `0`, `false` and nothing is true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.0.get(name).and_then(|values| values.first()) {
            None => false,
            Some(value) => !matches!(value.to_lowercase().as_str(), "false" | "0"),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.get(name).parse().ok()
    }
}

/// How unknown and duplicate fields are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Strict,
    Warn,
    Ignore,
}

/// The options of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_manager: String,
    pub(crate) field_validation: FieldValidation,
    pub(crate) force: Option<bool>,
}

impl WriteOptions {
    /// Reads the options of `CreateOptions`, `UpdateOptions` or `PatchOptions`.
    pub(crate) fn read(query: &Query, options: &str, apply: bool) -> Answer<Self> {
        let mut causes = Vec::new();
        let is_patch = options == "PatchOptions";
        let force = query.has("force").then(|| query.flag("force"));
        let manager = query.get("fieldManager");
        if is_patch && apply && manager.is_empty() {
            causes.push(Cause::required("fieldManager", "is required for apply patch"));
        }
        if is_patch && !apply && force.is_some() {
            causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
        }
        check_manager(manager, &mut causes);
        let dry_run = check_dry_run(query.all("dryRun"), &mut causes);
        let field_validation = match query.get("fieldValidation") {
            "" | "Warn" => FieldValidation::Warn,
            "Strict" => FieldValidation::Strict,
            "Ignore" => FieldValidation::Ignore,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                causes.push(Cause::not_supported("fieldValidation", &json!(other), &supported));
                FieldValidation::Warn
            }
        };
        if !causes.is_empty() {
            return Err(Refusal::invalid("meta.k8s.io", options, "", &causes));
        }
        Ok(Self { dry_run, field_manager: manager.to_owned(), field_validation, force })
    }
}

fn check_manager(manager: &str, causes: &mut Vec<Cause>) {
    const LIMIT: usize = 128;
    if manager.chars().count() > LIMIT {
        causes.push(Cause::too_long("fieldManager", LIMIT));
    }
    for (position, c) in manager.char_indices() {
        if c.is_control() || c == '\u{fffd}' {
            let why = "should only contain printable characters";
            let _ = position;
            causes.push(Cause::invalid("fieldManager", &json!(manager), why));
            break;
        }
    }
}

pub(crate) fn check_dry_run(values: &[String], causes: &mut Vec<Cause>) -> bool {
    if values.iter().any(|value| value != "All") {
        let given: Value = values.iter().map(|value| json!(value)).collect();
        causes.push(Cause::not_supported("dryRun", &given, &["All"]));
    }
    !values.is_empty()
}

/// Where a list or a watch starts, and what it is of.
#[derive(Clone, Debug)]
pub(crate) struct ListOptions {
    pub(crate) watch: bool,
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) limit: usize,
    pub(crate) token: String,
    pub(crate) revision: String,
    pub(crate) revision_match: String,
    pub(crate) send_initial_events: Option<bool>,
    pub(crate) bookmarks: bool,
    pub(crate) timeout: Option<u64>,
}

impl ListOptions {
    pub(crate) fn read(query: &Query, is_watch: bool) -> Self {
        Self {
            watch: is_watch || query.flag("watch"),
            label_selector: query.get("labelSelector").to_owned(),
            field_selector: query.get("fieldSelector").to_owned(),
            limit: query.number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0),
            token: query.get("continue").to_owned(),
            revision: query.get("resourceVersion").to_owned(),
            revision_match: query.get("resourceVersionMatch").to_owned(),
            send_initial_events: query.has("sendInitialEvents").then(|| query.flag("sendInitialEvents")),
            bookmarks: query.flag("allowWatchBookmarks"),
            timeout: query.number("timeoutSeconds").and_then(|seconds| u64::try_from(seconds).ok()),
        }
    }

    /// Refuses what does not go together.
    pub(crate) fn check(&self) -> Answer<()> {
        let mut causes = Vec::new();
        let forbid =
            |causes: &mut Vec<Cause>, field: &str, why: &str| causes.push(Cause::forbidden(field, why));
        let (rvm, send) = (self.revision_match.as_str(), self.send_initial_events);
        let field = "resourceVersionMatch";
        if self.watch {
            if send.is_some() {
                if rvm != "NotOlderThan" {
                    let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                    forbid(&mut causes, field, why);
                }
            } else if !rvm.is_empty() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                forbid(&mut causes, field, why);
            }
            if !rvm.is_empty() && rvm != "NotOlderThan" && send.is_some() {
                causes.push(Cause::not_supported(field, &json!(rvm), &["NotOlderThan"]));
            }
            if send.is_some() && !self.token.is_empty() {
                forbid(&mut causes, "continue", "sendInitialEvents and continue are mutually exclusive");
            }
        } else {
            if send.is_some() {
                forbid(&mut causes, "sendInitialEvents", "sendInitialEvents is forbidden for list");
            }
            if !rvm.is_empty() {
                if self.revision.is_empty() {
                    forbid(
                        &mut causes,
                        field,
                        "resourceVersionMatch is forbidden unless resourceVersion is provided",
                    );
                }
                if !self.token.is_empty() {
                    forbid(&mut causes, field, "resourceVersionMatch is forbidden when continue is provided");
                }
                if rvm != "Exact" && rvm != "NotOlderThan" {
                    causes.push(Cause::not_supported(field, &json!(rvm), &["Exact", "NotOlderThan", ""]));
                }
                if rvm == "Exact" && self.revision == "0" {
                    let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                    forbid(&mut causes, field, why);
                }
            }
        }
        if causes.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid("meta.k8s.io", "ListOptions", "", &causes))
        }
    }
}
