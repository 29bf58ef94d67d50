//! Which objects a patch or replacement is for.

use regex::Regex;

use crate::error::BuildError;
use crate::id::{Gvk, ResId};
use crate::kustomization::Selector;
use crate::regex::compile_anchored;
use crate::resmap::ResMap;
use crate::resource::Texts;
use crate::yaml::Nodes;

/// The expressions of a selector.
#[derive(Debug)]
pub(crate) struct SelectorRegex {
    parts: [Option<Regex>; 5],
}

impl SelectorRegex {
    pub(crate) fn new(selector: &Selector) -> Result<Self, BuildError> {
        let compile = |pattern: &str| {
            if pattern.is_empty() {
                return Ok(None);
            }
            compile_anchored(pattern).map(Some).map_err(BuildError::Invalid)
        };
        let parts = [
            compile(&selector.group)?,
            compile(&selector.version)?,
            compile(&selector.kind)?,
            compile(&selector.name)?,
            compile(&selector.namespace)?,
        ];
        Ok(Self { parts })
    }

    fn part(&self, at: usize, text: &str) -> bool {
        self.parts[at].as_ref().is_none_or(|regex| regex.is_match(text))
    }

    pub(crate) fn type_matches(&self, gvk: &Gvk) -> bool {
        self.part(0, &gvk.group) && self.part(1, &gvk.version) && self.part(2, &gvk.kind)
    }

    pub(crate) fn name_matches(&self, name: &str) -> bool {
        self.part(3, name)
    }

    pub(crate) fn namespace_matches(&self, namespace: &str) -> bool {
        self.part(4, namespace)
    }

    /// Tells whether an identity is selected as it is.
    pub(crate) fn matches(&self, id: &ResId) -> bool {
        self.type_matches(&id.gvk) && self.name_matches(&id.name) && self.namespace_matches(&id.namespace)
    }
}

/// Returns the places of the objects that are selected.
pub(crate) fn select(nodes: &Nodes, map: &ResMap, selector: &Selector) -> Result<Vec<usize>, BuildError> {
    let regex = SelectorRegex::new(selector)?;
    let labels = Requirements::parse(&selector.label_selector)?;
    let annotations = Requirements::parse(&selector.annotation_selector)?;
    let mut selected = Vec::new();
    for (at, resource) in map.list.iter().enumerate() {
        let gvk = resource.gvk(nodes);
        if !regex.type_matches(&gvk) {
            continue;
        }
        let (id, original) = (resource.id(nodes), resource.original_id(nodes));
        let namespace = regex.namespace_matches(original.effective_namespace())
            || regex.namespace_matches(id.effective_namespace());
        let name = regex.name_matches(&original.name) || regex.name_matches(&id.name);
        if namespace
            && name
            && (labels.is_empty() || labels.match_texts(&resource.labels(nodes)))
            && (annotations.is_empty() || annotations.match_texts(&resource.annotations(nodes)))
        {
            selected.push(at);
        }
    }
    Ok(selected)
}

/// A selector of labels in Kubernetes' grammar: `a=b, c!=d, e in (f, g), h notin (i), j, !k, l > 1`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Requirements(Vec<Requirement>);

#[derive(Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    NotExists,
    Greater,
    Less,
}

impl Requirements {
    pub(crate) fn parse(text: &str) -> Result<Self, BuildError> {
        let tokens = tokens(text);
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let mut requirements = Vec::new();
        while parser.peek().is_some() {
            let requirement = parser.requirement().ok_or_else(|| {
                BuildError::Invalid(format!("unable to parse requirement: {text:?} is no selector"))
            })?;
            requirements.push(requirement);
        }
        Ok(Self(requirements))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn match_texts(&self, texts: &Texts) -> bool {
        self.0.iter().all(|requirement| {
            let value = texts.get(requirement.key.as_str());
            let among = |value: &str| requirement.values.iter().any(|one| one == value);
            let number = |text: &str| text.parse::<i64>().ok();
            let compare = |wanted: std::cmp::Ordering| {
                let (value, bound) = (value.and_then(|value| number(value)), requirement.values.first());
                matches!((value, bound.and_then(|bound| number(bound))), (Some(value), Some(bound)) if value.cmp(&bound) == wanted)
            };
            match requirement.operator {
                Operator::In => value.is_some_and(|value| among(value)),
                Operator::NotIn => value.is_none_or(|value| !among(value)),
                Operator::Exists => value.is_some(),
                Operator::NotExists => value.is_none(),
                Operator::Greater => compare(std::cmp::Ordering::Greater),
                Operator::Less => compare(std::cmp::Ordering::Less),
            }
        })
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let special = matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
        if (special || c.is_whitespace()) && !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if special {
            let mut token = c.to_string();
            if matches!(c, '=' | '!') && chars.next_if_eq(&'=').is_some() {
                token.push('=');
            }
            tokens.push(token);
        } else if !c.is_whitespace() {
            word.push(c);
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Option<Requirement> {
        let word = |text: &str| !matches!(text, "=" | "==" | "!=" | "!" | "(" | ")" | "," | ">" | "<");
        let first = self.next()?;
        if first == "!" {
            let key = self.next().filter(|key| word(key))?.to_owned();
            self.end()?;
            return Some(Requirement { key, operator: Operator::NotExists, values: Vec::new() });
        }
        let key = Some(first).filter(|key| word(key))?.to_owned();
        let single = |parser: &mut Self| match parser.peek() {
            Some(value) if word(value) => {
                parser.at += 1;
                Some(vec![value.to_owned()])
            }
            None | Some(",") => Some(vec![String::new()]),
            Some(_) => None,
        };
        let (operator, values) = match self.peek() {
            None | Some(",") => (Operator::Exists, Vec::new()),
            Some(token) => {
                self.at += 1;
                match token {
                    "=" | "==" => (Operator::In, single(self)?),
                    "!=" => (Operator::NotIn, single(self)?),
                    ">" => (Operator::Greater, single(self)?),
                    "<" => (Operator::Less, single(self)?),
                    "in" => (Operator::In, self.list()?),
                    "notin" => (Operator::NotIn, self.list()?),
                    _ => return None,
                }
            }
        };
        self.end()?;
        Some(Requirement { key, operator, values })
    }

    fn list(&mut self) -> Option<Vec<String>> {
        if self.next()? != "(" {
            return None;
        }
        let mut values = Vec::new();
        loop {
            match self.next()? {
                ")" => break,
                "," => {}
                value => values.push(value.to_owned()),
            }
        }
        Some(values)
    }

    /// A requirement ends with the text or a comma, after which another one must follow.
    fn end(&mut self) -> Option<()> {
        match self.next() {
            None => Some(()),
            Some(",") if self.peek().is_some() => Some(()),
            Some(_) => None,
        }
    }
}
