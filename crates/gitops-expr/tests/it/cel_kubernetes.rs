//! Expressions as rules of custom resources: types, costs and functions. What is accepted, and what it costs, was asked of
//! kube-apiserver 1.35.4, by creating definitions with these rules in a dry run.

use gitops_expr::cel::{Declared, Environment, Expression, ListIdentity, OutputType};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What rules of these tests can read.
fn fields() -> Declared {
    let long = 3 * 1024 * 1024 - 2;
    let text = || Declared::string(long);
    let short = || Declared::string(40);
    let keyed = Declared::object([("k".to_owned(), short()), ("v".to_owned(), Declared::int())]);
    let named = [
        ("s", text()),
        ("short", short()),
        ("i", Declared::int()),
        ("n", Declared::double()),
        ("b", Declared::bool()),
        ("l", Declared::list(text(), long / 3)),
        ("ls", Declared::list(short(), 10)),
        ("li", Declared::list(Declared::int(), 10)),
        ("set", Declared::list(short(), 10).with_identity(ListIdentity::Set)),
        ("m", Declared::map(text(), long / 8)),
        ("keyed", Declared::list(keyed, 10).with_identity(ListIdentity::Keyed(["k".to_owned()].into()))),
        ("o", Declared::object([("p".to_owned(), text())])),
        ("o2", Declared::object([("p".to_owned(), text())])),
        ("union", Declared::anything(long)),
        ("d", Declared::duration(32)),
        ("t", Declared::timestamp(32)),
        ("a-b", Declared::int()),
        ("namespace", Declared::int()),
        ("nul", short().nullable()),
    ];
    Declared::object(named.map(|(name, declared)| (name.to_owned(), declared)))
}

fn environment() -> Environment {
    Environment::kubernetes().declare("self", fields()).declare("oldSelf", fields())
}

fn check(text: &str, want: Result<(), &str>) {
    let got = Expression::compile(text, &environment().with_output(OutputType::Bool));
    match (got, want) {
        (Ok(_), Ok(())) => {}
        (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{text}: {error}"),
        (got, want) => panic!("{text}: {got:?}, wanted {want:?}"),
    }
}

#[test]
fn what_the_server_takes_is_taken() {
    for text in [
        "self.i > 0.5",
        "self.n == 1.0",
        "self.union == 1 && self.union == 'a' && self.union.x == 2",
        "type(self.union) == int ? self.union < 5 : self.union.endsWith('%')",
        "self.ls.all(i, v, i >= 0 && v != '')",
        "self.m.transformMap(k, v, v + k).size() > 0",
        "self.ls.sortBy(x, x.size()) == self.ls",
        "self.?o.?p.orValue('') == 'a'",
        "self.?short.optMap(x, x + 'b').orValue('') == 'b'",
        "self.a__dash__b == self.namespace",
        "self.d == null",
        "'%s'.format([self.i]) == self.short",
        "[].size() == 0 && {}.size() == 0",
        "ip.isCanonical(self.short) && cidr(self.short).containsIP(ip('1.2.3.4'))",
        "quantity(self.short).isGreaterThan(quantity('1Gi')) && sign(quantity('1')) == 1",
        "format.dns1123Label().validate(self.short).hasValue()",
        "semver(self.short, true).isLessThan(semver('2.0.0'))",
        "optional.none().hasValue()",
        "self == oldSelf",
    ] {
        check(text, Ok(()));
    }
}

#[test]
fn what_the_server_refuses_is_refused_in_its_words() {
    for (text, want) in [
        ("self.i == 1.0", "found no matching overload for '_==_' applied to '(int, double)'"),
        ("self.nope == 1", "ERROR: <input>:1:5: undefined field 'nope'"),
        ("has(self.nope)", "ERROR: <input>:1:4: undefined field 'nope'"),
        ("self.s.nope()", "ERROR: <input>:1:12: undeclared reference to 'nope' (in container '')"),
        ("self.o == self.o2", "found no matching overload for '_==_'"),
        ("self.s == null", "found no matching overload for '_==_' applied to '(string, null)'"),
        ("[1, 'a'].size() == 2", "expected type 'int' but found 'string'"),
        ("[1, dyn('a')].size() == 2", "expected type 'int' but found 'dyn'"),
        ("self.nul == null", "found no matching overload for '_==_' applied to '(string, null)'"),
        ("self.i in [1, 2.5]", "expected type 'int' but found 'double'"),
        ("self.short.matches('[')", "invalid matches argument"),
        ("duration('x') > self.d", "invalid duration argument"),
        ("self.i.all(x, true)", "expression of type 'int' cannot be range of a comprehension"),
        ("self.b && self.i", "expected type 'bool' but found 'int'"),
        ("'%d'.format([self.s]) == ''", "decimal clause can only be used on integers, was given string"),
        ("'%s'.format([]) == ''", "index 0 out of range"),
        ("self.ls.all(v, v, true)", "duplicate variable name: v"),
        ("quantity('1').sign() == 1", "found no matching overload for 'sign'"),
        ("self.short.reverse() == ''", "found no matching overload for 'reverse'"),
        ("self.i", "output type mismatch: expected bool, got int"),
    ] {
        check(text, Err(want));
    }
}

#[test]
fn costs_grow_with_what_is_declared() {
    let all = |text: &str| Expression::compile(text, &environment()).map(|rule| rule.worst_cost());
    for (text, want) in [
        ("true", 0),
        ("self.i > 0", 3),
        ("has(self.s)", 1),
        // Ten items, each of at most 40 characters beside one: the comparison of the shorter, and two looks.
        ("self.ls.all(x, x == 'a')", 2 + 10 * (2 + 1 + 1 + 1) + 1),
        ("self.short.startsWith('abcdefghijk')", 2 + 2),
        ("self.li.sum() > 0", 2 + 10 + 1),
        ("self.s == self.s", 4 + 314_573),
    ] {
        assert_eq!(all(text), Ok(Some(want)), "{text}");
    }
    let cost = |text: &str| all(text).ok().flatten();
    assert_eq!(cost("self.l.all(x, self.l.all(y, x.contains(y)))"), Some(u64::MAX));
    // The text of a number is taken to have no bound.
    assert!(cost("string(self.i) + 'a' == 'b'") > Some(u64::MAX / 16));
}

#[test]
fn values_are_read_as_they_are_declared() {
    let object = json!({
        "i": 3, "n": 3, "short": "1.5Gi", "set": ["b", "a"], "keyed": [{"k": "b", "v": 1}, {"k": "a", "v": 2}],
        "d": "90s", "t": "2020-01-02T03:04:05Z", "a-b": 7, "namespace": 8, "nul": null, "m": {"x y": "z"},
    });
    for (text, want) in [
        ("self.n / 2.0 == 1.5", true),
        ("self.set == ['a', 'b']", true),
        ("(self.set + ['a', 'c']).size() == 3", true),
        ("self.keyed == [{'k': 'a', 'v': 2}, {'k': 'b', 'v': 1}]", false),
        ("self.keyed.all(e, e.v > 1)", false),
        ("self.d == duration('1m30s') && self.t.getFullYear() == 2020", true),
        ("self.a__dash__b == 7 && self.namespace == 8 && has(self.nul)", true),
        ("self.m.all(k, v, k == 'x y' && v == 'z')", true),
        ("quantity(self.short).compareTo(quantity('1536Mi')) == 0", true),
        ("[3, 1, 2].sort() == [1, 2, 3] && ['b', 'a'].sortBy(x, x)[0] == 'a'", true),
        ("lists.range(3).transformList(i, v, v * i) == [0, 1, 4]", true),
        ("url('https://a.b:80/c%20d?k=1&k=2').getQuery()['k'] == ['1', '2']", true),
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !isIP('::ffff:1.2.3.4')", true),
        ("'ab12'.find('[0-9]+') == '12' && 'a1b22'.findAll('[0-9]+').size() == 2", true),
        ("format.named('nope').hasValue()", false),
    ] {
        // A literal of keyed items is a list of maps, which is no list of objects.
        let Ok(rule) = Expression::compile(text, &environment()) else {
            assert!(!want, "{text}");
            continue;
        };
        assert_eq!(rule.holds(&[("self", &object)]), Ok(want), "{text}");
    }
}

#[test]
fn an_optional_variable_is_there_or_not() {
    let declared = Declared::int();
    let environment =
        Environment::kubernetes().declare("self", declared.clone()).declare_optional("oldSelf", declared);
    let rule = Expression::compile("oldSelf.optMap(old, self > old).orValue(self == 0)", &environment);
    let rule = rule.unwrap();
    let check = |now: i64, old: Option<i64>, want: bool| {
        let (now, old): (Value, Option<Value>) = (json!(now), old.map(Value::from));
        let mut variables = vec![("self", &now)];
        variables.extend(old.as_ref().map(|old| ("oldSelf", old)));
        assert_eq!(rule.holds(&variables), Ok(want));
    };
    assert!(rule.reads("oldSelf") && !rule.reads("other"));
    check(0, None, true);
    check(1, None, false);
    check(2, Some(1), true);
    check(1, Some(1), false);
}

/// Texts that are often expressions.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "self",
        "self.s",
        "self.i",
        "self.ls",
        "self.m",
        "self.o",
        "self.union",
        "self.keyed",
        "x",
        "1",
        "2.5",
        "'a'",
        "true",
        "null",
        "[]",
        "{}",
        "optional.none()",
        "self.?s",
        "oldSelf",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 40, 3, |inner| {
        let infix = prop::sample::select(vec!["+", "-", "==", "<", "&&", "||", "in", "%"]);
        let method = prop::sample::select(vec![
            "size",
            "sum",
            "split",
            "matches",
            "optMap",
            "all",
            "map",
            "sortBy",
            "transformMap",
            "flatten",
            "orValue",
            "value",
            "join",
            "replace",
            "validate",
            "distinct",
            "exists_one",
        ]);
        prop_oneof![
            (inner.clone(), infix, inner.clone()).prop_map(|(a, with, b)| format!("({a} {with} {b})")),
            (inner.clone(), method.clone()).prop_map(|(a, name)| format!("{a}.{name}()")),
            (inner.clone(), method.clone(), inner.clone())
                .prop_map(|(a, name, b)| format!("{a}.{name}(x, {b})")),
            (inner.clone(), method, inner.clone(), inner.clone())
                .prop_map(|(a, name, b, c)| format!("{a}.{name}(x, y, {b}, {c})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, ?{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a}: {b}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            inner.clone().prop_map(|a| format!("{a}.nope")),
            inner.prop_map(|a| format!("has({a}.s)")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_expression_breaks_the_checker(text in expressions()) {
        let got = Expression::compile(&text, &environment());
        let broke = |error: &str| error.contains("please report this");
        prop_assert!(!got.as_ref().is_err_and(|error| broke(&error.to_string())), "{text}: {got:?}");
        if let Ok(rule) = got {
            prop_assert!(rule.worst_cost().is_some());
            let object = json!({"s": "a", "i": 1, "ls": ["a"], "m": {"a": "b"}, "o": {}, "union": 1, "keyed": []});
            let value = rule.holds(&[("self", &object), ("oldSelf", &object)]);
            prop_assert!(!value.is_err_and(|error| broke(&error.to_string())), "{text}");
        }
    }
}
