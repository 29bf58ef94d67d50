//! Reviews: may somebody do something, and who am I.

use super::User;

/// Returns the service account that a token of ours names.
pub(crate) fn service_account_of(token: &str) -> Option<User> {
    let name = token.strip_prefix("sandbox.")?;
    let (namespace, name) = name.split_once('.')?;
    let groups = vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ];
    Some(User { name: format!("system:serviceaccount:{namespace}:{name}"), groups, ..User::default() })
}

/// Answers the creation of what is no object: reviews, tokens, evictions, bindings.
pub(crate) fn create(
    call: &mut crate::lifecycle::Call<'_>,
) -> crate::wire::status::Answer<Option<crate::lifecycle::Reply>> {
    let _ = call;
    Ok(None)
}
