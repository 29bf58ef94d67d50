//! Replaces names, tags and digests of images.

use regex::Regex;

use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpecs};
use crate::kustomization::Image;
use crate::resmap::ResMap;
use crate::yaml::{FieldError, Id, Kind, Node, Nodes};

/// The image and the fields.
#[derive(Clone, Debug)]
pub(crate) struct ImageTagTransformer {
    image: Image,
    specs: FieldSpecs,
    /// None when the name is no expression: then it matches nothing, as in kustomize.
    pattern: Option<Regex>,
}

impl ImageTagTransformer {
    pub(crate) fn new(image: Image, specs: FieldSpecs) -> Self {
        let pattern = format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", image.name);
        let pattern = crate::regex::compile(&pattern).ok();
        Self { image, specs, pattern }
    }

    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        for resource in &map.list {
            self.filter_everywhere(nodes, resource.node)?;
        }
        for resource in &map.list {
            self.filter(nodes, resource.node)?;
        }
        Ok(())
    }

    /// Changes the configured fields of one object.
    pub(crate) fn filter(&self, nodes: &mut Nodes, root: Id) -> Result<(), FieldError> {
        if is_definition(nodes, root) {
            return Ok(());
        }
        self.specs
            .apply(nodes, root, &Creation::NONE, &mut |nodes: &mut Nodes, field: Id| self.set(nodes, field))
    }

    /// Changes the images of containers wherever they stand in an object.
    pub(crate) fn filter_everywhere(&self, nodes: &mut Nodes, root: Id) -> Result<(), FieldError> {
        if is_definition(nodes, root) { Ok(()) } else { self.walk(nodes, root) }
    }

    fn walk(&self, nodes: &mut Nodes, id: Id) -> Result<(), FieldError> {
        match nodes[id].kind {
            Kind::Mapping => {
                for (key, value) in nodes.pairs(id).collect::<Vec<_>>() {
                    self.walk(nodes, value)?;
                    let containers = matches!(&*nodes[key].value, "containers" | "initContainers");
                    if containers && nodes[value].kind == Kind::Sequence {
                        for element in nodes[value].content.clone() {
                            if let Some(image) = nodes.get(element, "image")? {
                                self.set(nodes, image)?;
                            }
                        }
                    }
                }
                Ok(())
            }
            Kind::Sequence => {
                let elements = nodes[id].content.clone();
                elements.into_iter().try_for_each(|element| self.walk(nodes, element))
            }
            _ => Ok(()),
        }
    }

    fn set(&self, nodes: &mut Nodes, id: Id) -> Result<(), FieldError> {
        nodes.expect(id, Kind::Scalar)?;
        let Some(text) = self.replace(&nodes[id].value) else { return Ok(()) };
        let value = nodes.add(Node::scalar(&text));
        nodes.set_scalar(id, value)
    }

    fn replace(&self, text: &str) -> Option<String> {
        if !self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
            return None;
        }
        let (mut name, mut tag, mut digest) = split(text);
        let image = &self.image;
        if !image.new_name.is_empty() {
            name.clone_from(&image.new_name);
        }
        match (image.new_tag.is_empty(), image.digest.is_empty()) {
            (false, false) => (tag, digest) = (image.new_tag.clone(), image.digest.clone()),
            (false, true) => (tag, digest) = (image.new_tag.clone(), String::new()),
            (true, false) => (tag, digest) = (String::new(), image.digest.clone()),
            (true, true) if !image.tag_suffix.is_empty() => {
                tag.push_str(&image.tag_suffix);
                digest.clear();
            }
            (true, true) => {}
        }
        if !tag.is_empty() {
            name = format!("{name}:{tag}");
        }
        if !digest.is_empty() {
            name = format!("{name}@{digest}");
        }
        Some(name)
    }
}

fn is_definition(nodes: &Nodes, root: Id) -> bool {
    nodes.field(root, "kind").is_some_and(|kind| &*nodes[kind].value == "CustomResourceDefinition")
}

/// Splits an image into name, tag and digest; colons before the first slash belong to the registry.
fn split(image: &str) -> (String, String, String) {
    let start = image.find('/').unwrap_or(0);
    let at = |mark: char| image[start..].find(mark).map(|at| at + start);
    let text = |text: &str| text.to_owned();
    match (at(':'), at('@')) {
        (None, None) => (text(image), String::new(), String::new()),
        (colon, Some(digest)) if colon.is_none_or(|colon| digest < colon) => {
            (text(&image[..digest]), String::new(), text(&image[digest + 1..]))
        }
        (Some(colon), Some(digest)) => {
            (text(&image[..colon]), text(&image[colon + 1..digest]), text(&image[digest + 1..]))
        }
        (Some(colon), None) => (text(&image[..colon]), text(&image[colon + 1..]), String::new()),
        (None, Some(digest)) => (text(&image[..digest]), String::new(), text(&image[digest + 1..])),
    }
}
