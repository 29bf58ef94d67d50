//! Paths.

use percent::decode;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`.
    Version {
        group: String,
        version: String,
    },
    Resource(Target),
    /// Everything else.
    Other(String),
}

/// A resource, an object of it, or a part of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// A path of the old form for watches, `/api/v1/watch/…`.
    pub(crate) watch: bool,
}

impl Route {
    pub(crate) fn parse(path: &str) -> Self {
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let mut parts = trimmed.split('/').skip(1).map(decode);
        let other = || Self::Other(path.to_owned());
        let (group, version) = match parts.next().as_deref() {
            Some("api") => match parts.next() {
                None => return Self::CoreVersions,
                Some(version) => (String::new(), version),
            },
            Some("apis") => match (parts.next(), parts.next()) {
                (None, _) => return Self::Groups,
                (Some(group), None) => return Self::Group(group),
                (Some(group), Some(version)) => (group, version),
            },
            _ => return other(),
        };
        let mut rest: Vec<String> = parts.collect();
        if rest.is_empty() {
            return Self::Version { group, version };
        }
        let watch = rest.first().is_some_and(|part| part == "watch");
        if watch {
            rest.remove(0);
        }
        let mut target = Target { group, version, watch, ..Target::default() };
        // A namespace's own subresources look like resources in it.
        let in_namespace = rest.len() > 2
            && rest[0] == "namespaces"
            && !(rest.len() == 3
                && target.group.is_empty()
                && matches!(rest[2].as_str(), "status" | "finalize"));
        if in_namespace {
            target.namespace = rest.remove(1);
            rest.remove(0);
        }
        let mut rest = rest.into_iter();
        target.plural = rest.next().unwrap_or_default();
        target.name = rest.next().unwrap_or_default();
        target.subresource = rest.collect::<Vec<_>>().join("/");
        Self::Resource(target)
    }
}

mod percent {
    /// Decodes `%20` and its like.
    pub(super) fn decode(part: &str) -> String {
        if !part.contains('%') {
            return part.to_owned();
        }
        // A plus sign is one in a path.
        let part = part.replace('+', "%2B");
        url::form_urlencoded::parse(part.as_bytes())
            .next()
            .map_or_else(String::new, |(name, _)| name.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, want: [&str; 6]) {
        let Route::Resource(found) = Route::parse(path) else { return assert_eq!(path, "a resource") };
        let got =
            [&found.group, &found.version, &found.plural, &found.namespace, &found.name, &found.subresource];
        assert_eq!(got, want, "{path}");
    }

    #[test]
    fn a_path_names_a_resource_an_object_or_a_part_of_it() {
        check("/api/v1/pods", ["", "v1", "pods", "", "", ""]);
        check("/api/v1/namespaces/a", ["", "v1", "namespaces", "", "a", ""]);
        check("/api/v1/namespaces/a/finalize", ["", "v1", "namespaces", "", "a", "finalize"]);
        check("/api/v1/namespaces/a/pods", ["", "v1", "pods", "a", "", ""]);
        check(
            "/apis/apps/v1/namespaces/a/deployments/b/scale",
            ["apps", "v1", "deployments", "a", "b", "scale"],
        );
        check("/apis/g/v1/widgets/b/status", ["g", "v1", "widgets", "", "b", "status"]);
        check("/api/v1/namespaces/a/configmaps/b%20c", ["", "v1", "configmaps", "a", "b c", ""]);
    }
}
