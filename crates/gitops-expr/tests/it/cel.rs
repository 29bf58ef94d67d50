//! CEL: the language, the extensions, the texts of errors, and the limits.

use gitops_expr::cel::{CelError, Environment, Expression, Limits, OutputType};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn variables() -> Map<String, Value> {
    let all = json!({
        "n": 3, "text": "Grüße", "list": [1, 2, 3], "names": ["b", "a"], "nothing": null, "half": 0.5,
        "spec": {"replicas": 3, "a-b": true, "namespace": "x"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "phase": "Up"},
        "big": (0..300).collect::<Vec<_>>(),
    });
    all.as_object().unwrap().clone()
}

fn eval(text: &str) -> Result<Value, String> {
    let expression = Expression::compile(text, &Environment::new()).map_err(|e| e.to_string())?;
    expression.evaluate(&variables()).map_err(|e| e.to_string())
}

#[track_caller]
fn check(cases: &[(&str, Value)]) {
    for (text, want) in cases {
        assert_eq!(eval(text).as_ref(), Ok(want), "{text}");
    }
}

/// The error of an expression, without Flux's words before it.
#[track_caller]
fn check_error(cases: &[(&str, &str)]) {
    for (text, want) in cases {
        let got = eval(text).unwrap_err();
        let own = got.split_once(&format!("'{text}': ")).map(|(_, own)| own.to_owned());
        assert_eq!(own.as_deref(), Some(*want), "{text}: {got}");
    }
}

#[test]
fn operators_follow_the_language() {
    check(&[
        ("1 + 2 * 3 - 4 / 2", json!(5)),
        ("-7 / 2", json!(-3)),
        ("-7 % 2", json!(-1)),
        ("- -1", json!(1)),
        ("!!true", json!(true)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("0xFF", json!(255)),
        ("7u / 2u", json!(3)),
        ("1.5e3", json!(1500.0)),
        ("'a' + \"b\"", json!("ab")),
        ("[1] + [2]", json!([1, 2])),
        ("true ? 1 : 2", json!(1)),
        ("false ? 1 : true ? 2 : 3", json!(2)),
        ("1 in [1, 2]", json!(true)),
        ("'replicas' in spec", json!(true)),
        ("{'a': 1, 2: 'b'}", json!({"a": 1, "2": "b"})),
        ("{'a': {'b': 1}}.a.b", json!(1)),
        ("[[1, 2], [3]][0][1]", json!(2)),
        ("r'\\d' + '\\x41\\u00e9\\n'", json!("\\dAé\n")),
        ("'''a'b'''", json!("a'b")),
        ("b'ab'", json!("YWI=")),
        ("spec.namespace", json!("x")),
        ("spec['a-b']", json!(true)),
        ("1 // a comment\n + 1", json!(2)),
        ("type(1) == int && type('') == string && type(type(1)) == type", json!(true)),
        ("null == nothing", json!(true)),
    ]);
}

#[test]
fn numbers_are_compared_by_value() {
    check(&[
        ("spec.replicas == 3", json!(true)),
        ("spec.replicas * 2", json!(6)),
        ("n == 3.0 && n == 3u && 3u == 3.0 && n < 3.5 && 2.5 < n && half < 1u", json!(true)),
        ("1 == 1.5 || 9223372036854775807 == 9223372036854775808.0", json!(false)),
        ("-1 < 0u && 18446744073709551615u > -1", json!(true)),
        ("1.0 in [1] && {1: 'x'}[1u] == 'x' && {1: 'x'}[1.0] == 'x'", json!(true)),
        ("1 == '1'", json!(false)),
        ("double('NaN') == double('NaN')", json!(false)),
    ]);
}

#[test]
fn an_error_counts_only_where_nothing_else_decides() {
    check(&[
        ("missing || true", json!(true)),
        ("missing.a && false", json!(false)),
        ("[1, 0].exists(x, 1 / x == 1)", json!(true)),
        ("[0, 1].exists(x, 1 / x == 1)", json!(true)),
        ("[0, 2].all(x, 1 / x == 1)", json!(false)),
        ("true ? 1 : missing", json!(1)),
        ("status.?phase.orValue(missing)", json!("Up")),
    ]);
    check_error(&[
        ("missing || false", "no such attribute(s): missing"),
        ("1 && true", "no such overload"),
        ("[0].all(x, 1 / x == 1)", "division by zero"),
    ]);
}

#[test]
fn macros_walk_lists_and_the_keys_of_maps() {
    check(&[
        ("status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')", json!(true)),
        ("status.conditions.filter(c, c.type == 'x').all(c, false)", json!(true)),
        ("list.map(x, x * 2)", json!([2, 4, 6])),
        ("list.map(x, x > 1, x * 2)", json!([4, 6])),
        ("list.exists_one(x, x > 2)", json!(true)),
        ("{'a': 1, 'b': 2}.all(k, k < 'c')", json!(true)),
        ("{'b': 1, 'a': 2}.map(k, k)", json!(["a", "b"])),
        ("list.map(x, list.map(y, x * y))", json!([[1, 2, 3], [2, 4, 6], [3, 6, 9]])),
        ("has(spec.replicas) && !has(spec.nope)", json!(true)),
    ]);
    check_error(&[
        ("n.map(x, x)", "a value of type 'int' is no list and no map"),
        ("has(nope.x)", "no such attribute(s): nope.x"),
    ]);
}

#[test]
fn optional_values_stand_for_what_may_be_absent() {
    check(&[
        ("status.?nope.?deeper.orValue('-')", json!("-")),
        ("status.?nope.deeper.hasValue()", json!(false)),
        ("status.?phase.value()", json!("Up")),
        ("list[?0].orValue(0) + list[?9].orValue(10)", json!(11)),
        ("[?optional.none(), ?optional.of(1), 2]", json!([1, 2])),
        ("{?'a': optional.none(), ?'b': optional.of(1)}", json!({"b": 1})),
        ("names.first().value() + names.last().value()", json!("ba")),
        ("[].first().hasValue()", json!(false)),
        ("optional.of(2).optMap(x, x + 1).value()", json!(3)),
        ("optional.none().optMap(x, x + 1).or(optional.of(9)).value()", json!(9)),
        ("optional.of(2).optFlatMap(x, optional.none()).hasValue()", json!(false)),
        ("optional.ofNonZeroValue('').hasValue()", json!(false)),
        ("optional.unwrap([optional.of(1), optional.none()])", json!([1])),
    ]);
    check_error(&[("optional.none().value()", "optional.none() dereference")]);
}

#[test]
fn strings_count_code_points() {
    check(&[
        ("text.size() == 5 && text.charAt(2) == 'ü' && text.charAt(5) == ''", json!(true)),
        ("text.indexOf('ße') == 3 && text.indexOf('x') == -1", json!(true)),
        ("'hello mellow'.indexOf('ello', 2)", json!(7)),
        ("'hello mellow'.lastIndexOf('ello')", json!(7)),
        ("'hello mellow'.lastIndexOf('ello', 6)", json!(1)),
        ("text.substring(2, 4)", json!("üß")),
        ("'tacocat'.substring(7)", json!("")),
        ("'hello hello'.replace('he', 'we', 1)", json!("wello hello")),
        ("'abc'.split('')", json!(["a", "b", "c"])),
        ("'a,b,c'.split(',', 2)", json!(["a", "b,c"])),
        ("'a,b'.split(',', 0)", json!([])),
        ("names.join('-')", json!("b-a")),
        ("' x\\t'.trim() + 'ABÄ'.lowerAscii() + 'abä'.upperAscii()", json!("xabÄABä")),
        ("'abc'.reverse()", json!("cba")),
        ("strings.quote('a\"b\\n')", json!("\"a\\\"b\\n\"")),
        ("'a1-b'.matches('^[a-z\\\\d]+-\\\\w$')", json!(true)),
        ("matches('ü', '\\\\w')", json!(false)),
        ("'%s is %d, %.2f, %x%%'.format(['it', 3, 1.5, 255])", json!("it is 3, 1.50, ff%")),
        ("'%s %s'.format([[1, 'a'], {'k': true}])", json!("[1, a] {k: true}")),
        ("'%e'.format([1052.032911275])", json!("1.052033e+03")),
    ]);
    check_error(&[
        ("'abc'.charAt(4)", "index out of range: 4"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
    ]);
}

#[test]
fn sets_and_encoders_are_there() {
    check(&[
        ("sets.contains([1, 2, 3], [2.0, 1u])", json!(true)),
        ("sets.contains([1], [1, 4])", json!(false)),
        ("sets.equivalent([1, 1], [1])", json!(true)),
        ("sets.intersects([1], [[1]])", json!(false)),
        ("base64.encode(b'hello')", json!("aGVsbG8=")),
        ("string(base64.decode('aGVsbG8')) + string(base64.decode('aGVsbG8='))", json!("hellohello")),
    ]);
}

#[test]
fn conversions_follow_cel_go() {
    check(&[
        ("int('42') + int(2.9) + int(1u)", json!(45)),
        (
            "string(1.5) + string(1000000.0) + string(0.00001) + string(true) + string(1u)",
            json!("1.51e+061e-05true1"),
        ),
        ("bool('true') && double('1.5') == 1.5 && uint(3) == 3u", json!(true)),
        ("timestamp('2024-02-29T12:30:05.250Z').getFullYear()", json!(2024)),
        (
            "timestamp('2024-02-29T12:30:05Z').getMonth() + timestamp('2024-02-29T12:30:05Z').getDate()",
            json!(30),
        ),
        ("timestamp('2024-01-01T00:30:00Z').getHours('-02:00')", json!(22)),
        (
            "timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')",
            json!(true),
        ),
        ("string(duration('1h1.5s')) + string(timestamp(0))", json!("3601.5s1970-01-01T00:00:00Z")),
        ("duration('90m').getHours() + duration('-1m').getSeconds()", json!(-59)),
    ]);
    for text in ["int('x')", "duration('1x')", "timestamp('2024')", "int(1e30)", "uint(-1)", "bool('yes')"] {
        assert!(eval(text).is_err(), "{text}");
    }
}

#[test]
fn texts_of_errors_are_those_of_flux() {
    check_error(&[
        ("spec.nope", "no such key: nope"),
        ("nope.deep.er == 1", "no such attribute(s): nope.deep.er"),
        ("list[7]", "index out of bounds: 7"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("1 + 'a'", "no such overload"),
        ("1 % 0", "modulus by zero"),
    ]);
    let flaw = eval("a = 1").unwrap_err();
    assert!(
        flaw.starts_with("failed to parse the CEL expression 'a = 1': ERROR: <input>:1:3: ")
            && flaw.ends_with("\n | a = 1\n | ..^"),
        "{flaw}"
    );
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in [
        "",
        " ",
        "1 +",
        "(1",
        "[1",
        "{1",
        "a.",
        "a b",
        "'x",
        "1..2",
        "a ? b",
        "for",
        "has(x)",
        "[1].all(1, true)",
        "a[?]",
        "$",
        "99999999999999999999",
        "'\\q'",
        "1e999",
        "a.?b()",
        "{'a' 1}",
        ",",
    ] {
        assert!(
            matches!(Expression::compile(text, &Environment::new()), Err(CelError::Parse { .. })),
            "{text}"
        );
    }
}

#[test]
fn a_check_finds_wrong_names_and_types_beforehand() {
    let environment =
        Environment::new().checked().with_variables(["self", "dep"]).with_output(OutputType::Bool);
    for (text, want) in [
        ("dep.status.ready == true", None),
        ("dep.metadata.generation == dep.status.observedGeneration && self.x.exists(e, e.y == 'z')", None),
        ("has(dep.status) ? dep.status.a == 1 : false", None),
        ("dep.status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')", None),
        ("dep.a.b.split('-').first().value() == 'x' && size(dep.a) > 1", None),
        ("dep.?status.?phase.orValue('') == 'Up'", None),
        ("dep.status.ready", Some("CEL expression output type mismatch: expected bool, got dyn")),
        ("'x'", Some("CEL expression output type mismatch: expected bool, got string")),
        ("other.x == 1", Some("undeclared reference to 'other'")),
        (
            "self == 'x'",
            Some("found no matching overload for '_==_' applied to '(map(string, dyn), string)'"),
        ),
        ("1 + 'a' == 2", Some("found no matching overload for '_+_' applied to '(int, string)'")),
        ("nope(1)", Some("undeclared reference to 'nope'")),
        ("'a'.size(1) == 1", Some("found no matching overload for 'size' applied to 'string.(int)'")),
        ("1.0 == 1", Some("found no matching overload for '_==_' applied to '(double, int)'")),
        ("1 < 1.5", None),
    ] {
        let got = Expression::compile(text, &environment).map_err(|e| e.to_string());
        match want {
            None => assert!(got.is_ok(), "{text}: {got:?}"),
            Some(want) => assert!(got.as_ref().is_err_and(|got| got.contains(want)), "{text}: {got:?}"),
        }
    }
}

#[test]
fn hostile_expressions_end_within_the_budget() {
    let nested = "big.all(a, big.all(b, big.all(c, a + b + c >= 0)))";
    let doubled = format!("{}'x'{}", "[".repeat(20), "].map(s, s + s)[0]".repeat(20));
    let grown =
        "big.map(a, big.map(b, big.map(c, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx').join(''))).size() > 0";
    let compared = "big.all(a, big == big && [big, big, big] == [big, big, big] && big.all(b, big == big))";
    let patterns = "big.all(a, ('x' + string(a)).matches('(\\\\pL{50}){9}' + string(a)) || true)";
    for text in [nested, grown, compared, patterns] {
        let expression = Expression::compile(text, &Environment::new()).unwrap();
        let got = expression.evaluate(&variables());
        assert!(matches!(got, Err(CelError::Budget { steps: 1_000_000, .. })), "{text}: {got:?}");
    }
    let ended = Expression::compile(&doubled, &Environment::new()).and_then(|e| e.evaluate(&variables()));
    assert!(ended.is_ok() || matches!(ended, Err(CelError::Evaluate { .. })), "{ended:?}");
    let few = Environment::new().with_limits(Limits::default().with_steps(10));
    let spent =
        Expression::compile("list.map(x, x + 1).size() > 0 || true", &few).unwrap().evaluate(&variables());
    assert!(matches!(spent, Err(CelError::Budget { steps: 10, .. })), "nothing absorbs it: {spent:?}");
}

#[test]
fn depth_and_length_are_limited() {
    let cases = [
        format!("{}1{}", "(".repeat(1000), ")".repeat(1000)),
        format!("{}1", "[".repeat(2000)),
        format!("a{}", ".a".repeat(1000)),
        format!("1{}", "+1".repeat(1000)),
        format!("{}1", "-(".repeat(900)),
        format!("{}1", "a?".repeat(900)),
        format!("1{}", "?1:1".repeat(500)),
        "x".repeat(2049),
    ];
    for text in cases {
        assert!(
            matches!(Expression::compile(&text, &Environment::new()), Err(CelError::Parse { .. })),
            "{text}"
        );
    }
    for text in [
        format!("{}1{}", "(".repeat(90), ")".repeat(90)),
        format!("1{}", "+1".repeat(90)),
        format!("true{}", "&&true".repeat(340)),
        format!("{}true", "!".repeat(2000)),
    ] {
        let expression = Expression::compile(&text, &Environment::new().checked()).unwrap();
        assert!(expression.evaluate(&variables()).is_ok(), "{text}");
    }
    let mut deep = json!(1);
    for _ in 0..1000 {
        deep = json!([deep]);
    }
    let read = Expression::compile("x == 1", &Environment::new()).unwrap();
    let got = read.evaluate(json!({"x": deep}).as_object().unwrap());
    assert!(matches!(got, Err(CelError::Evaluate { .. })), "{got:?}");
}

/// Texts out of the language's own parts, most of them no expressions, some of them strange ones.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "spec",
        "status",
        "list",
        "big",
        "text",
        "x",
        ".",
        ".?",
        "[",
        "]",
        "[?",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        "?",
        "+",
        "-",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        "in ",
        "&&",
        "||",
        "!",
        "1",
        "0",
        "2.5",
        "7u",
        "'é'",
        "b'\\xff'",
        "true",
        "null",
        ".map(x,",
        ".all(x,",
        ".filter(x,",
        ".exists(x,",
        ".optMap(x,",
        "has(",
        "size(",
        "string(",
        "int(",
        "duration('1h')",
        "timestamp(0)",
        ".split(",
        ".format([",
        ".substring(",
        ".lastIndexOf(",
        ".replace(",
        ".matches(",
        ".first()",
        ".value()",
        "optional.of(",
        "sets.contains(",
        "base64.decode(",
        "-9223372036854775808",
        "9223372036854775807",
        " ",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_breaks_the_reader_or_the_evaluation(text in prop_oneof![".{0,60}", pieces(), pieces(), pieces()]) {
        let environments = [Environment::new(), Environment::new().checked().with_variables(["spec", "list", "text"])];
        for environment in environments {
            let limited = environment.with_limits(Limits::default().with_steps(20_000));
            if let Ok(expression) = Expression::compile(&text, &limited)
                && let Err(error) = expression.evaluate(&variables())
            {
                prop_assert!(!error.to_string().contains("broke off"), "{}", error);
            }
        }
    }

    #[test]
    fn whole_numbers_survive(number in any::<i64>()) {
        let expression = Expression::compile("x", &Environment::new()).unwrap();
        let got = expression.evaluate(json!({"x": number}).as_object().unwrap());
        prop_assert_eq!(got, Ok(json!(number)));
        let literal = Expression::compile(&number.to_string(), &Environment::new()).unwrap();
        prop_assert_eq!(literal.evaluate(&Map::new()), Ok(json!(number)));
    }
}
