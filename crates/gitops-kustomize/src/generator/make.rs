//! ConfigMaps and Secrets from literals, files and environment files.

use crate::error::BuildError;
use crate::generator::data::{set_config, set_secret};
use crate::kustomization::{GeneratorArgs, GeneratorOptions};
use crate::resource::{Behavior, Resource, annotation};
use crate::root::Place;
use crate::target::Context;
use crate::yaml::{Kind, Node, Nodes, Tag};

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    ConfigMap,
    Secret,
}

impl Sort {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }

    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::ConfigMap => "configMapGenerator",
            Self::Secret => "secretGenerator",
        }
    }
}

/// Makes an object.
pub(crate) fn make(
    context: &mut Context<'_>,
    place: &Place,
    sort: Sort,
    args: &GeneratorArgs,
) -> Result<Resource, BuildError> {
    let pairs = pairs(context, place, sort, args).map_err(|error| error.within("loading KV pairs"))?;
    let nodes = &mut context.nodes;
    let resource = base(nodes, sort, args)?;
    if sort == Sort::Secret {
        let secret_type = if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type };
        let value = nodes.add(Node::string(secret_type));
        nodes.set_field(resource.node, "type", Some(value))?;
        nodes.lookup_create(resource.node, &["data"], Kind::Mapping)?;
    }
    let mut known = std::collections::BTreeMap::new();
    for (key, bytes) in pairs {
        if known.insert(key.clone(), bytes).is_some() {
            return Err(BuildError::Invalid(format!(
                "configmap {} illegally repeats the key `{key}`",
                args.name
            )));
        }
    }
    for (key, bytes) in &known {
        match sort {
            Sort::ConfigMap => set_config(nodes, &resource, key, bytes)?,
            Sort::Secret => set_secret(nodes, &resource, key, bytes)?,
        }
    }
    let options = args.options.clone().unwrap_or_default();
    for (key, value) in &options.labels {
        resource.set_label(nodes, key, value)?;
    }
    for (key, value) in &options.annotations {
        resource.set_annotation(nodes, key, value)?;
    }
    if options.immutable {
        let value = nodes.add(Node { tag: Tag::Bool, ..Node::scalar("true") });
        nodes.set_field(resource.node, "immutable", Some(value))?;
    }
    if !options.disable_name_suffix_hash {
        resource.enable(nodes, annotation::NEEDS_HASH)?;
    }
    resource.set_behavior(nodes, Behavior::parse(&args.behavior))?;
    Ok(resource)
}

fn base(nodes: &mut Nodes, sort: Sort, args: &GeneratorArgs) -> Result<Resource, BuildError> {
    if args.name.is_empty() {
        return Err(BuildError::Invalid("a configmap must have a name".to_owned()));
    }
    let root = nodes.add(Node { tag: Tag::Map, ..Node::of(Kind::Mapping) });
    for (path, text) in [
        (&["apiVersion"][..], "v1"),
        (&["kind"], sort.kind()),
        (&["metadata", "name"], &args.name),
        (&["metadata", "namespace"], &args.namespace),
    ] {
        let Some((name, parents)) = path.split_last().filter(|_| !text.is_empty()) else { continue };
        if let Some(parent) = nodes.lookup_create(root, parents, Kind::Mapping)? {
            let value = nodes.add(Node::string(text));
            nodes.set_field(parent, name, Some(value))?;
        }
    }
    Ok(Resource::new(root))
}

type Pair = (String, Vec<u8>);

fn pairs(
    context: &mut Context<'_>,
    place: &Place,
    sort: Sort,
    args: &GeneratorArgs,
) -> Result<Vec<Pair>, BuildError> {
    let list = |paths: &[String]| format!("[{}]", paths.join(" "));
    let mut all = Vec::new();
    for path in &args.envs {
        let named = |error: BuildError| error.within(format!("env source files: {}", list(&args.envs)));
        let bytes = context.root.load(place, path, sort.field()).map_err(named)?;
        all.extend(environment(&bytes, path).map_err(named)?);
    }
    for literal in &args.literals {
        let Some((key, value)) = literal.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            // The literal of a Secret is not repeated, it may hold the secret.
            let shown = if sort == Sort::Secret { "of a Secret" } else { literal };
            return Err(BuildError::Invalid(format!(
                "literal sources: invalid literal source {shown}, expected key=value"
            )));
        };
        all.push((key.to_owned(), unquoted(value).as_bytes().to_vec()));
    }
    for file in &args.files {
        let named = |error: BuildError| error.within(format!("file sources: {}", list(&args.files)));
        let (key, path) = file_source(file).map_err(named)?;
        let bytes = context.root.load(place, path, sort.field()).map_err(named)?;
        all.push((key.to_owned(), bytes.to_vec()));
    }
    Ok(all)
}

/// Returns the file, and the line where it is known, of every key that comes from one.
pub(crate) fn sources(
    context: &Context<'_>,
    place: &Place,
    args: &GeneratorArgs,
) -> std::collections::BTreeMap<String, (String, usize)> {
    let below = |path: &str| crate::origin::join_clean(&place.dir, path);
    let mut found = std::collections::BTreeMap::new();
    for path in &args.envs {
        let bytes = context.root.tree().read(&below(path)).unwrap_or_default();
        for (at, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let key = line.trim_start().split_once('=').map_or(line, |(key, _)| key);
            found.insert(key.trim_start().to_owned(), (below(path), at + 1));
        }
    }
    for source in &args.files {
        if let Ok((key, path)) = file_source(source) {
            found.insert(key.to_owned(), (below(path), 0));
        }
    }
    found
}

/// Reads lines of `KEY=value`.
fn environment(bytes: &[u8], path: &str) -> Result<Vec<Pair>, BuildError> {
    let mut pairs = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line).map_err(|_| {
            BuildError::Malformed(format!("line {} of {path} has invalid utf8 bytes", number + 1))
        })?;
        let line = if number == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(pairs)
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

/// Splits `key=path`; a path alone gives its last part as key.
fn file_source(source: &str) -> Result<(&str, &str), BuildError> {
    let Some((key, path)) = source.split_once('=') else {
        return Ok((source.trim_end_matches('/').rsplit('/').next().unwrap_or(source), source));
    };
    let wrong = if path.contains('=') {
        format!("source {source:?} key name or file path contains '='")
    } else if key.is_empty() {
        format!("missing key name for file path {path:?} in source {source:?}")
    } else if path.is_empty() {
        format!("missing file path for key name {key:?} in source {source:?}")
    } else {
        return Ok((key, path));
    };
    Err(BuildError::Invalid(wrong))
}

/// Fills what a generator leaves open from the options of its kustomization.
pub(crate) fn with_defaults(args: &GeneratorArgs, global: Option<&GeneratorOptions>) -> GeneratorArgs {
    let mut args = args.clone();
    if let Some(global) = global {
        let mut options = args.options.unwrap_or_default();
        for (key, value) in &global.labels {
            options.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for (key, value) in &global.annotations {
            options.annotations.entry(key.clone()).or_insert_with(|| value.clone());
        }
        options.disable_name_suffix_hash |= global.disable_name_suffix_hash;
        options.immutable |= global.immutable;
        args.options = Some(options);
    }
    args
}
