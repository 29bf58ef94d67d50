//! Decrypts every value in place, and hashes what the file's MAC is about.

use secrecy::SecretSlice;
use sha2::{Digest as _, Sha256, Sha512};

use super::cipher;
use super::error::DecryptError;
use super::number;
use super::rules::{CommentStack, Rule};
use super::tree::{Branch, Item, Key, Value};

/// Goes through the documents in their order.
pub(super) struct Walk<'a> {
    key: &'a SecretSlice<u8>,
    rule: &'a Rule,
    only_encrypted: bool,
    hash: Sha512,
    path: Vec<String>,
    comments: CommentStack,
}

impl<'a> Walk<'a> {
    pub(super) fn new(key: &'a SecretSlice<u8>, rule: &'a Rule, only_encrypted: bool) -> Self {
        let mut hash = Sha512::new();
        if only_encrypted {
            // So that it differs from the hash over all.
            hash.update(Sha256::digest("sops"));
        }
        Self { key, rule, only_encrypted, hash, path: Vec::new(), comments: Vec::new() }
    }

    /// Returns the MAC of everything that was decrypted, in capitals.
    pub(super) fn mac(self) -> String {
        use std::fmt::Write as _;
        let digest = self.hash.finalize();
        digest.iter().fold(String::with_capacity(128), |mut text, byte| {
            let _ = write!(text, "{byte:02X}");
            text
        })
    }

    /// Decrypts a document.
    pub(super) fn branch(&mut self, branch: &mut Branch) -> Result<(), DecryptError> {
        self.comments.push(Vec::new());
        for item in branch {
            self.item(item)?;
        }
        self.comments.pop();
        Ok(())
    }

    fn item(&mut self, item: &mut Item) -> Result<(), DecryptError> {
        match &mut item.key {
            Key::Comment(comment) => {
                self.above(comment.text.clone());
                let value = Value::Comment(comment.clone());
                match self.leaf(value)? {
                    Value::Comment(decrypted) => *comment = decrypted,
                    Value::Text(text) => comment.text = text,
                    _ => return Err(self.refused("a comment is neither a comment nor a text")),
                }
                return Ok(());
            }
            Key::Foreign => return Err(self.refused("a key is no text")),
            Key::Text(key) => self.path.push(key.clone()),
        }
        let is_comment = matches!(item.value, Value::Comment(_));
        if let Value::Comment(comment) = &item.value {
            self.above(comment.text.clone());
        }
        self.value(&mut item.value)?;
        if !is_comment {
            self.passed();
        }
        self.path.pop();
        Ok(())
    }

    fn value(&mut self, value: &mut Value) -> Result<(), DecryptError> {
        match value {
            Value::Null => Ok(()),
            Value::Map(branch) => self.branch(branch),
            Value::List(items) => {
                self.comments.push(Vec::new());
                for item in items {
                    let is_comment = matches!(item, Value::Comment(_));
                    if let Value::Comment(comment) = item {
                        self.above(comment.text.clone());
                    }
                    self.value(item)?;
                    if !is_comment {
                        self.passed();
                    }
                }
                self.comments.pop();
                Ok(())
            }
            Value::Foreign(what) => Err(self.refused(what)),
            leaf => {
                let encrypted = std::mem::replace(leaf, Value::Null);
                *leaf = self.leaf(encrypted)?;
                Ok(())
            }
        }
    }

    fn leaf(&mut self, value: Value) -> Result<Value, DecryptError> {
        let is_comment = matches!(value, Value::Comment(_));
        let encrypted = self.rule.encrypts(&self.path, &self.comments, is_comment);
        let plain = if encrypted { self.decrypt(value)? } else { value };
        if (encrypted || !self.only_encrypted) && !matches!(plain, Value::Comment(_)) {
            self.hash(&plain);
        }
        Ok(plain)
    }

    fn decrypt(&self, value: Value) -> Result<Value, DecryptError> {
        let additional = format!("{}:", self.path.join(":"));
        match value {
            Value::Text(text) => {
                cipher::decrypt(&text, self.key, &additional).map_err(|reason| self.refused(reason))
            }
            // Somebody may have added a comment later.
            Value::Comment(comment) => {
                Ok(cipher::decrypt(&comment.text, self.key, &additional).unwrap_or(Value::Comment(comment)))
            }
            _ => Err(self.refused("it is not encrypted: it is no text")),
        }
    }

    fn hash(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.hash.update(text),
            Value::Bytes(bytes) => self.hash.update(bytes),
            Value::Int(int) => self.hash.update(int.to_string()),
            Value::Float(float) => self.hash.update(number::plain(*float)),
            Value::Bool(flag) => self.hash.update(if *flag { "True" } else { "False" }),
            Value::Time(time) => self.hash.update(time.to_text()),
            Value::Null | Value::Comment(_) | Value::Map(_) | Value::List(_) | Value::Foreign(_) => {}
        }
    }

    fn above(&mut self, comment: String) {
        if let Some(last) = self.comments.last_mut() {
            last.push(comment);
        }
    }

    fn passed(&mut self) {
        if let Some(last) = self.comments.last_mut() {
            last.clear();
        }
    }

    fn refused(&self, reason: &'static str) -> DecryptError {
        DecryptError::Value { path: self.path.join("."), reason }
    }
}
