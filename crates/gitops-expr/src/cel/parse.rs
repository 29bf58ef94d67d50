//! Tokens to expressions, by the grammar of the CEL specification; macros become loops here.

use super::ast::{Call, Entry, Expr, Index, Item, Loop, LoopKind, Node, Select};
use super::functions;
use super::lex::{Flaw, Kind, Token, tokens};
use super::typed::Libraries;
use super::value::Value;

/// Expressions are no deeper than this, in nesting or in chains of operators; `&&` and `||` chains count once.
pub(super) const MAX_DEPTH: usize = 96;

pub(super) const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Parses a whole text.
pub(super) fn parse(text: &str, libraries: Libraries) -> Result<Expr, Flaw> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, libraries };
    let (expr, _) = parser.choice()?;
    match parser.peek() {
        Kind::End => Ok(expr),
        _ => Err(parser.unexpected("<EOF>")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    libraries: Libraries,
}

/// An expression with the depth of its tree.
type Deep = (Expr, usize);

impl Parser {
    fn token(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &Kind {
        &self.token().kind
    }

    fn at(&self) -> usize {
        self.token().at
    }

    fn take(&mut self) -> Kind {
        let kind = self.peek().clone();
        self.next += 1;
        kind
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Kind::Symbol(s) if *s == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Flaw> {
        if self.accept(symbol) { Ok(()) } else { Err(self.unexpected(&format!("'{symbol}'"))) }
    }

    fn unexpected(&self, wanted: &str) -> Flaw {
        let found = match self.peek() {
            Kind::End => "<EOF>".to_owned(),
            Kind::Symbol(symbol) => (*symbol).to_owned(),
            Kind::Name(name) => name.clone(),
            Kind::Int(number) | Kind::Uint(number) => number.to_string(),
            Kind::Double(number) => number.to_string(),
            Kind::String(text) => format!("\"{text}\""),
            Kind::Bytes(_) => "a bytes literal".to_owned(),
        };
        Flaw { at: self.at(), why: format!("Syntax error: mismatched input '{found}' expecting {wanted}") }
    }

    fn deeper(&self, at: usize, node: Node, depth: usize) -> Result<Deep, Flaw> {
        if depth >= MAX_DEPTH {
            return Err(Flaw { at, why: format!("expression is deeper than {MAX_DEPTH} levels") });
        }
        Ok((Expr { at, node }, depth + 1))
    }

    fn choice(&mut self) -> Result<Deep, Flaw> {
        if self.depth >= MAX_DEPTH {
            return Err(Flaw { at: self.at(), why: format!("expression is deeper than {MAX_DEPTH} levels") });
        }
        self.depth += 1;
        let (condition, first) = self.chain(true)?;
        let at = self.at();
        let result = if self.accept("?") {
            let (then, second) = self.chain(true)?;
            self.expect(":")?;
            let (other, third) = self.choice()?;
            let depth = first.max(second).max(third);
            self.deeper(at, Node::Choice(Box::new([condition, then, other])), depth)
        } else {
            Ok((condition, first))
        };
        self.depth -= 1;
        result
    }

    /// A chain of `||`, or inside of it of `&&`.
    fn chain(&mut self, or: bool) -> Result<Deep, Flaw> {
        let part = |parser: &mut Self| if or { parser.chain(false) } else { parser.binary(0) };
        let (first, mut depth) = part(self)?;
        let (at, symbol) = (self.at(), if or { "||" } else { "&&" });
        if !self.is(symbol) {
            return Ok((first, depth));
        }
        let mut parts = vec![first];
        while self.accept(symbol) {
            let (next, its) = part(self)?;
            depth = depth.max(its);
            parts.push(next);
        }
        self.deeper(at, if or { Node::Or(parts) } else { Node::And(parts) }, depth)
    }

    fn binary(&mut self, level: usize) -> Result<Deep, Flaw> {
        const LEVELS: [&[&str]; 3] =
            [&["==", "!=", "<", "<=", ">", ">=", "in"], &["+", "-"], &["*", "/", "%"]];
        let Some(symbols) = LEVELS.get(level) else { return self.unary() };
        let (mut left, mut depth) = self.binary(level + 1)?;
        loop {
            let at = self.at();
            let found = match self.peek() {
                Kind::Symbol(symbol) => *symbol,
                Kind::Name(name) if name == "in" => "in",
                _ => return Ok((left, depth)),
            };
            let Some(name) = symbols.iter().find(|s| **s == found) else { return Ok((left, depth)) };
            self.next += 1;
            let (right, its) = self.binary(level + 1)?;
            let name = if *name == "in" { "@in".to_owned() } else { format!("_{name}_") };
            let call = Call { name, method: false, arguments: vec![left, right] };
            (left, depth) = self.deeper(at, Node::Call(call), depth.max(its))?;
        }
    }

    fn unary(&mut self) -> Result<Deep, Flaw> {
        let (at, mut minus, mut not) = (self.at(), 0_usize, 0_usize);
        while self.accept("!") {
            not += 1;
        }
        if not == 0 {
            while self.accept("-") {
                minus += 1;
            }
        }
        if minus > 0 {
            let number = match *self.peek() {
                Kind::Int(size) => {
                    Some(Value::Int(0_i64.checked_sub_unsigned(size).ok_or_else(|| self.too_large())?))
                }
                Kind::Double(number) => Some(Value::Double(-number)),
                _ => None,
            };
            if let Some(number) = number {
                self.next += 1;
                let literal = Expr { at, node: Node::Literal(number) };
                let member = self.members((literal, 1))?;
                return if minus % 2 == 0 { self.negated("-_", at, member) } else { Ok(member) };
            }
        }
        let primary = self.primary()?;
        let member = self.members(primary)?;
        // As in cel-go, two signs cancel each other.
        match (minus % 2, not % 2) {
            (1, _) => self.negated("-_", at, member),
            (_, 1) => self.negated("!_", at, member),
            _ => Ok(member),
        }
    }

    fn too_large(&self) -> Flaw {
        Flaw { at: self.at(), why: "invalid int literal".to_owned() }
    }

    fn negated(&self, name: &str, at: usize, (expr, depth): Deep) -> Result<Deep, Flaw> {
        let call = Call { name: name.to_owned(), method: false, arguments: vec![expr] };
        self.deeper(at, Node::Call(call), depth)
    }

    /// Selections, indexes and methods behind an operand.
    fn members(&mut self, mut operand: Deep) -> Result<Deep, Flaw> {
        loop {
            let at = self.at();
            if self.accept(".") {
                let optional = self.accept("?");
                let name = self.field()?;
                let open = self.at();
                operand = if !optional && self.accept("(") {
                    let (arguments, depth) = self.arguments(")")?;
                    // As in cel-go, a call stands where its arguments begin.
                    self.method(open, operand, name, arguments, depth)?
                } else {
                    let select = Select { operand: operand.0, field: name, optional };
                    self.deeper(at, Node::Select(Box::new(select)), operand.1)?
                };
            } else if self.accept("[") {
                let optional = self.accept("?");
                let (key, depth) = self.choice()?;
                self.expect("]")?;
                let index = Index { operand: operand.0, key, optional };
                operand = self.deeper(at, Node::Index(Box::new(index)), operand.1.max(depth))?;
            } else {
                return Ok(operand);
            }
        }
    }

    /// A name after a dot: reserved words are fields like any other, except those that are literals or operators.
    fn field(&mut self) -> Result<String, Flaw> {
        match self.peek() {
            Kind::Name(name) if !matches!(name.as_str(), "true" | "false" | "null" | "in") => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("IDENTIFIER")),
        }
    }

    fn arguments(&mut self, close: &str) -> Result<(Vec<Expr>, usize), Flaw> {
        let (mut found, mut depth) = (Vec::new(), 0);
        if self.accept(close) {
            return Ok((found, depth));
        }
        loop {
            let (argument, its) = self.choice()?;
            depth = depth.max(its);
            found.push(argument);
            if self.accept(close) {
                return Ok((found, depth));
            }
            self.expect(",")?;
        }
    }

    fn primary(&mut self) -> Result<Deep, Flaw> {
        let at = self.at();
        let literal = |value: Value| Ok((Expr { at, node: Node::Literal(value) }, 1));
        match self.peek().clone() {
            Kind::Int(size) => {
                let value = i64::try_from(size).map_err(|_| self.too_large())?;
                self.next += 1;
                literal(Value::Int(value))
            }
            Kind::Uint(value) => {
                self.next += 1;
                literal(Value::Uint(value))
            }
            Kind::Double(value) => {
                self.next += 1;
                literal(Value::Double(value))
            }
            Kind::String(text) => {
                self.next += 1;
                literal(Value::text(text))
            }
            Kind::Bytes(bytes) => {
                self.next += 1;
                literal(Value::Bytes(bytes.into()))
            }
            Kind::Symbol("(") => {
                self.next += 1;
                let inner = self.choice()?;
                self.expect(")")?;
                Ok(inner)
            }
            Kind::Symbol("[") => {
                self.next += 1;
                self.list(at)
            }
            Kind::Symbol("{") => {
                self.next += 1;
                self.map(at)
            }
            Kind::Symbol(".") => {
                self.next += 1;
                self.name(at)
            }
            Kind::Name(_) => self.name(at),
            _ => Err(self.unexpected("an expression")),
        }
    }

    fn name(&mut self, at: usize) -> Result<Deep, Flaw> {
        let position = self.at();
        let Kind::Name(name) = self.take() else {
            self.next -= 1;
            return Err(self.unexpected("IDENTIFIER"));
        };
        let word = match name.as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        };
        if let Some(value) = word {
            return Ok((Expr { at, node: Node::Literal(value) }, 1));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(Flaw { at: position, why: format!("reserved identifier: {name}") });
        }
        let open = self.at();
        if !self.accept("(") {
            return Ok((Expr { at, node: Node::Name(name) }, 1));
        }
        let at = open;
        let (mut arguments, depth) = self.arguments(")")?;
        if name == "has" && arguments.len() == 1 {
            return match arguments.pop().map(|argument| argument.node) {
                Some(Node::Select(select)) => self.deeper(at, Node::Has(select), depth),
                _ => Err(Flaw { at, why: "invalid argument to has() macro".to_owned() }),
            };
        }
        self.deeper(at, Node::Call(Call { name, method: false, arguments }), depth)
    }

    fn list(&mut self, at: usize) -> Result<Deep, Flaw> {
        let (mut items, mut depth) = (Vec::new(), 0);
        if self.accept(",") {
            self.expect("]")?;
            return self.deeper(at, Node::List(items), depth);
        }
        while !self.accept("]") {
            let optional = self.accept("?");
            let (value, its) = self.choice()?;
            depth = depth.max(its);
            items.push(Item { value, optional });
            if !self.accept(",") {
                self.expect("]")?;
                break;
            }
        }
        self.deeper(at, Node::List(items), depth)
    }

    fn map(&mut self, at: usize) -> Result<Deep, Flaw> {
        let (mut entries, mut depth) = (Vec::new(), 0);
        if self.accept(",") {
            self.expect("}")?;
            return self.deeper(at, Node::Map(entries), depth);
        }
        while !self.accept("}") {
            let optional = self.accept("?");
            let (key, first) = self.choice()?;
            self.expect(":")?;
            let (value, second) = self.choice()?;
            depth = depth.max(first).max(second);
            entries.push(Entry { key, value, optional });
            if !self.accept(",") {
                self.expect("}")?;
                break;
            }
        }
        self.deeper(at, Node::Map(entries), depth)
    }

    /// A method: a macro, a function with a qualified name such as `sets.contains`, or a function of its receiver.
    fn method(
        &mut self,
        at: usize,
        (receiver, its): Deep,
        name: String,
        mut arguments: Vec<Expr>,
        depth: usize,
    ) -> Result<Deep, Flaw> {
        let depth = depth.max(its);
        if let Some(kind) = self.macro_of(&name, arguments.len()) {
            let looped = looped(at, kind, receiver, arguments)?;
            return self.deeper(at, Node::Loop(Box::new(looped)), depth);
        }
        if let Node::Name(space) = &receiver.node {
            let qualified = format!("{space}.{name}");
            if functions::is_qualified(&qualified, self.libraries) {
                return self.deeper(
                    at,
                    Node::Call(Call { name: qualified, method: false, arguments }),
                    depth,
                );
            }
        }
        arguments.insert(0, receiver);
        self.deeper(at, Node::Call(Call { name, method: true, arguments }), depth)
    }

    /// Returns the loop that a method is, by its name and how many arguments it has.
    fn macro_of(&self, name: &str, arguments: usize) -> Option<LoopKind> {
        let kind = match (name, arguments) {
            ("all", 2) => LoopKind::All,
            ("exists", 2) => LoopKind::Exists,
            ("exists_one", 2) => LoopKind::ExistsOne,
            ("filter", 2) => LoopKind::Filter,
            ("map", 2 | 3) => LoopKind::Map,
            ("optMap", 2) => LoopKind::OptMap,
            ("optFlatMap", 2) => LoopKind::OptFlatMap,
            _ if self.libraries == Libraries::Flux => return None,
            ("all", 3) => LoopKind::All,
            ("exists", 3) => LoopKind::Exists,
            ("exists_one" | "existsOne", 3) => LoopKind::ExistsOne,
            ("transformList", 3 | 4) => LoopKind::TransformList,
            ("transformMap", 3 | 4) => LoopKind::TransformMap,
            ("transformMapEntry", 3 | 4) => LoopKind::TransformMapEntry,
            ("sortBy", 2) => LoopKind::SortBy,
            _ => return None,
        };
        Some(kind)
    }
}

/// Takes the arguments of a macro apart: one or two variables, what is kept, and the body.
fn looped(at: usize, kind: LoopKind, over: Expr, arguments: Vec<Expr>) -> Result<Loop, Flaw> {
    let two = match kind {
        LoopKind::TransformList | LoopKind::TransformMap | LoopKind::TransformMapEntry => true,
        LoopKind::All | LoopKind::Exists | LoopKind::ExistsOne => arguments.len() == 3,
        _ => false,
    };
    let mut given = arguments.into_iter();
    let mut variable = || match given.next() {
        Some(Expr { node: Node::Name(name), .. }) => Ok(name),
        _ => Err(Flaw { at, why: "argument is not an identifier".to_owned() }),
    };
    let first = variable()?;
    let second = if two { Some(variable()?) } else { None };
    let (body, last) = (given.next(), given.next());
    let (keep, body) = match (body, last) {
        (keep, Some(last)) => (keep, last),
        (Some(body), None) => (None, body),
        (None, None) => return Err(Flaw { at, why: "argument is missing".to_owned() }),
    };
    Ok(Loop { kind, over, variable: first, second, keep, body })
}
