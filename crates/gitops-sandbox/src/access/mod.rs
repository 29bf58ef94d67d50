//! Who asks, and whether they may.

mod bootstrap;
mod rbac;
pub(crate) mod reviews;

use http::{HeaderMap, Method};

use crate::server::{Door, Server, Settings};
use crate::wire::status::{Answer, Refusal};

pub(crate) use bootstrap::furnish;
pub(crate) use rbac::{Attributes, allows, compacted, rules_of, uncovered};

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: Vec<(String, Vec<String>)>,
}

const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";

impl User {
    pub(crate) fn admin() -> Self {
        Self::known("admin", &[MASTERS])
    }

    /// Returns somebody who has proved who he is.
    pub(crate) fn known(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().copied().chain([AUTHENTICATED]).map(str::to_owned).collect();
        Self { name: name.to_owned(), uid: name.to_owned(), groups, ..Self::default() }
    }

    fn anonymous() -> Self {
        let groups = vec!["system:unauthenticated".to_owned()];
        Self { name: "system:anonymous".to_owned(), groups, ..Self::default() }
    }

    pub(crate) fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// Tells whose token it is.
pub(crate) fn user_of(token: &str, settings: &Settings) -> Option<User> {
    if token == settings.token {
        return Some(User::admin());
    }
    let user = settings.users.iter().find(|(known, _)| known == token).map(|(_, user)| user.clone());
    user.or_else(|| reviews::service_account_of(token))
}

/// Tells who asks, and as whom if it says so, for those who watch requests.
pub(crate) fn asks(headers: &HeaderMap, door: Door, settings: &Settings) -> (String, Option<String>) {
    let user = authenticate(headers, door, settings).map(|user| user.name).unwrap_or_default();
    let other = headers.get("impersonate-user").and_then(|name| name.to_str().ok()).map(str::to_owned);
    (user, other)
}

/// Tells who a request's token is of.
pub(crate) fn authenticate(headers: &HeaderMap, door: Door, settings: &Settings) -> Answer<User> {
    let given = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
    });
    match (given, door) {
        (Some(given), _) => match user_of(given, settings) {
            Some(user) => Ok(user),
            None => Err(Refusal::new(401, "Unauthorized", "Unauthorized")),
        },
        (None, Door::Inside) => Ok(User::admin()),
        (None, Door::Outside) => Ok(User::anonymous()),
    }
}

/// Makes the user somebody else, if the headers say so and it may.
pub(crate) fn impersonate(server: &Server, user: User, headers: &HeaderMap) -> Answer<User> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = text("impersonate-user").to_owned();
    let groups: Vec<String> = headers
        .get_all("impersonate-group")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(str::to_owned)
        .collect();
    let mut extra: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in headers {
        if let (Some(key), Ok(value)) = (key.as_str().strip_prefix("impersonate-extra-"), value.to_str()) {
            match extra.iter_mut().find(|(of, _)| of == key) {
                Some((_, values)) => values.push(value.to_owned()),
                None => extra.push((key.to_owned(), vec![value.to_owned()])),
            }
        }
    }
    let uid = text("impersonate-uid").to_owned();
    if name.is_empty() {
        if groups.is_empty() && extra.is_empty() && uid.is_empty() {
            return Ok(user);
        }
        let why = "requested impersonation without impersonating a user";
        return Err(Refusal::unknown(format!("Internal error occurred: {why}")));
    }
    let account = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let check = |group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
        let wanted =
            Attributes { verb: "impersonate", group, resource, subresource, namespace, name, path: "" };
        authorize(server, &user, &wanted)
    };
    match account {
        Some((namespace, name)) => check("", "serviceaccounts", "", namespace, name)?,
        None => check("", "users", "", "", &name)?,
    }
    for group in &groups {
        check("", "groups", "", "", group)?;
    }
    for (key, values) in &extra {
        for value in values {
            check("authentication.k8s.io", "userextras", key, "", value)?;
        }
    }
    if !uid.is_empty() {
        check("authentication.k8s.io", "uids", "", "", &uid)?;
    }
    let mut all = groups;
    if let (Some((namespace, _)), true) = (account, all.is_empty()) {
        all.push("system:serviceaccounts".to_owned());
        all.push(format!("system:serviceaccounts:{namespace}"));
    }
    let last = if name == "system:anonymous" { "system:unauthenticated" } else { AUTHENTICATED };
    if !all.iter().any(|group| group == last) {
        all.push(last.to_owned());
    }
    Ok(User { name, uid, groups: all, extra })
}

/// Refuses what the user may not do.
pub(crate) fn authorize(server: &Server, user: &User, wanted: &Attributes<'_>) -> Answer<()> {
    if user.is_master() || allows(server, user, wanted).is_some() {
        return Ok(());
    }
    let Attributes { verb, group, resource, subresource, namespace, name, .. } = wanted;
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let full =
        if subresource.is_empty() { (*resource).to_owned() } else { format!("{resource}/{subresource}") };
    let user = &user.name;
    let why = format!("User {user:?} cannot {verb} resource {full:?} in API group {group:?} {place}");
    Err(Refusal::forbidden(group, resource, name, &why))
}

pub(crate) fn authorize_path(server: &Server, user: &User, method: &Method, path: &str) -> Answer<()> {
    let verb = match method.as_str() {
        "HEAD" => "head".to_owned(),
        other => other.to_lowercase(),
    };
    let wanted = Attributes { verb: &verb, path, ..Attributes::default() };
    if user.is_master() || allows(server, user, &wanted).is_some() {
        return Ok(());
    }
    Err(Refusal::forbidden("", "", "", &format!("User {:?} cannot {verb} path {path:?}", user.name)))
}
