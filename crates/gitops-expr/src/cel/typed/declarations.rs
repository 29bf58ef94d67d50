//! The functions that checked expressions may call, with their overloads by cel-go's names: costs are known by them.
//!
//! Each line of a table reads `function overload(arguments) result`; a dot before the name marks a method, whose receiver is the
//! first argument. `A`, `B` and `T` stand for types that each call chooses.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::kinds::Type;

/// One way to call a function.
#[derive(Debug, Clone)]
pub(super) struct Overload {
    pub(super) id: String,
    pub(super) method: bool,
    pub(super) arguments: Vec<Type>,
    pub(super) result: Type,
}

/// Which functions there are beside the language's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cel) enum Libraries {
    /// Those that Flux offers.
    #[default]
    Flux,
    /// Those of the rules of custom resources.
    Kubernetes,
}

type Table = HashMap<String, Vec<Overload>>;

/// Returns the overloads of a function; none when there is no function of this name.
pub(super) fn overloads(libraries: Libraries, name: &str) -> Option<&'static [Overload]> {
    static FLUX: LazyLock<Table> = LazyLock::new(|| table(&[LANGUAGE, STRINGS, SETS, OPTIONALS, FLUX_ONLY]));
    static KUBERNETES: LazyLock<Table> =
        LazyLock::new(|| table(&[LANGUAGE, STRINGS, SETS, OPTIONALS, LISTS, KUBERNETES_ONLY]));
    let table = match libraries {
        Libraries::Flux => &FLUX,
        Libraries::Kubernetes => &KUBERNETES,
    };
    table.get(name).map(Vec::as_slice)
}

const LANGUAGE: &str = "
_?_:_ conditional(bool,A,A) A
_&&_ logical_and(bool,bool) bool
_||_ logical_or(bool,bool) bool
!_ logical_not(bool) bool
@not_strictly_false not_strictly_false(bool) bool
_==_ equals(A,A) bool
_!=_ not_equals(A,A) bool
_+_ add_bytes(bytes,bytes) bytes
_+_ add_double(double,double) double
_+_ add_duration_duration(duration,duration) duration
_+_ add_duration_timestamp(duration,timestamp) timestamp
_+_ add_timestamp_duration(timestamp,duration) timestamp
_+_ add_int64(int,int) int
_+_ add_list(list(A),list(A)) list(A)
_+_ add_string(string,string) string
_+_ add_uint64(uint,uint) uint
_/_ divide_double(double,double) double
_/_ divide_int64(int,int) int
_/_ divide_uint64(uint,uint) uint
_%_ modulo_int64(int,int) int
_%_ modulo_uint64(uint,uint) uint
_*_ multiply_double(double,double) double
_*_ multiply_int64(int,int) int
_*_ multiply_uint64(uint,uint) uint
-_ negate_double(double) double
-_ negate_int64(int) int
_-_ subtract_double(double,double) double
_-_ subtract_duration_duration(duration,duration) duration
_-_ subtract_int64(int,int) int
_-_ subtract_timestamp_duration(timestamp,duration) timestamp
_-_ subtract_timestamp_timestamp(timestamp,timestamp) duration
_-_ subtract_uint64(uint,uint) uint
_[_] index_list(list(A),int) A
_[_] index_map(map(A,B),A) B
@in in_list(A,list(A)) bool
@in in_map(A,map(A,B)) bool
size size_bytes(bytes) int
.size bytes_size(bytes) int
size size_list(list(A)) int
.size list_size(list(A)) int
size size_map(map(A,B)) int
.size map_size(map(A,B)) int
size size_string(string) int
.size string_size(string) int
type type(A) type(A)
bool bool_to_bool(bool) bool
bool string_to_bool(string) bool
bytes bytes_to_bytes(bytes) bytes
bytes string_to_bytes(string) bytes
double double_to_double(double) double
double int64_to_double(int) double
double string_to_double(string) double
double uint64_to_double(uint) double
duration duration_to_duration(duration) duration
duration int64_to_duration(int) duration
duration string_to_duration(string) duration
dyn to_dyn(A) dyn
int int64_to_int64(int) int
int double_to_int64(double) int
int duration_to_int64(duration) int
int string_to_int64(string) int
int timestamp_to_int64(timestamp) int
int uint64_to_int64(uint) int
string string_to_string(string) string
string bool_to_string(bool) string
string bytes_to_string(bytes) string
string double_to_string(double) string
string duration_to_string(duration) string
string int64_to_string(int) string
string timestamp_to_string(timestamp) string
string uint64_to_string(uint) string
timestamp timestamp_to_timestamp(timestamp) timestamp
timestamp int64_to_timestamp(int) timestamp
timestamp string_to_timestamp(string) timestamp
uint uint64_to_uint64(uint) uint
uint double_to_uint64(double) uint
uint int64_to_uint64(int) uint
uint string_to_uint64(string) uint
.contains contains_string(string,string) bool
.endsWith ends_with_string(string,string) bool
.startsWith starts_with_string(string,string) bool
matches matches(string,string) bool
.matches matches_string(string,string) bool
.getFullYear timestamp_to_year(timestamp) int
.getFullYear timestamp_to_year_with_tz(timestamp,string) int
.getMonth timestamp_to_month(timestamp) int
.getMonth timestamp_to_month_with_tz(timestamp,string) int
.getDayOfYear timestamp_to_day_of_year(timestamp) int
.getDayOfYear timestamp_to_day_of_year_with_tz(timestamp,string) int
.getDayOfMonth timestamp_to_day_of_month(timestamp) int
.getDayOfMonth timestamp_to_day_of_month_with_tz(timestamp,string) int
.getDate timestamp_to_day_of_month_1_based(timestamp) int
.getDate timestamp_to_day_of_month_1_based_with_tz(timestamp,string) int
.getDayOfWeek timestamp_to_day_of_week(timestamp) int
.getDayOfWeek timestamp_to_day_of_week_with_tz(timestamp,string) int
.getHours timestamp_to_hours(timestamp) int
.getHours timestamp_to_hours_with_tz(timestamp,string) int
.getHours duration_to_hours(duration) int
.getMinutes timestamp_to_minutes(timestamp) int
.getMinutes timestamp_to_minutes_with_tz(timestamp,string) int
.getMinutes duration_to_minutes(duration) int
.getSeconds timestamp_to_seconds(timestamp) int
.getSeconds timestamp_to_seconds_tz(timestamp,string) int
.getSeconds duration_to_seconds(duration) int
.getMilliseconds timestamp_to_milliseconds(timestamp) int
.getMilliseconds timestamp_to_milliseconds_with_tz(timestamp,string) int
.getMilliseconds duration_to_milliseconds(duration) int
";

const STRINGS: &str = "
.charAt string_char_at_int(string,int) string
.indexOf string_index_of_string(string,string) int
.indexOf string_index_of_string_int(string,string,int) int
.lastIndexOf string_last_index_of_string(string,string) int
.lastIndexOf string_last_index_of_string_int(string,string,int) int
.lowerAscii string_lower_ascii(string) string
.upperAscii string_upper_ascii(string) string
.replace string_replace_string_string(string,string,string) string
.replace string_replace_string_string_int(string,string,string,int) string
.split string_split_string(string,string) list(string)
.split string_split_string_int(string,string,int) list(string)
.substring string_substring_int(string,int) string
.substring string_substring_int_int(string,int,int) string
.trim string_trim(string) string
.format string_format(string,list(dyn)) string
strings.quote strings_quote(string) string
.join list_join(list(string)) string
.join list_join_string(list(string),string) string
";

const SETS: &str = "
sets.contains list_sets_contains_list(list(T),list(T)) bool
sets.equivalent list_sets_equivalent_list(list(T),list(T)) bool
sets.intersects list_sets_intersects_list(list(T),list(T)) bool
";

const OPTIONALS: &str = "
optional.of optional_of(B) optional(B)
optional.ofNonZeroValue optional_ofNonZeroValue(B) optional(B)
optional.none optional_none() optional(B)
.value optional_value(optional(B)) B
.hasValue optional_hasValue(optional(B)) bool
.or optional_or_optional(optional(B),optional(B)) optional(B)
.orValue optional_orValue_value(optional(B),B) B
_?._ select_optional_field(dyn,string) optional(B)
_[?_] list_optindex_optional_int(list(B),int) optional(B)
_[?_] optional_list_optindex_optional_int(optional(list(B)),int) optional(B)
_[?_] map_optindex_optional_value(map(A,B),A) optional(B)
_[?_] optional_map_optindex_optional_value(optional(map(A,B)),A) optional(B)
_[_] optional_list_index_int(optional(list(B)),int) optional(B)
_[_] optional_map_index_value(optional(map(A,B)),A) optional(B)
.last list_last(list(B)) optional(B)
.first list_first(list(B)) optional(B)
optional.unwrap optional_unwrap(list(optional(B))) list(B)
.unwrapOpt optional_unwrapOpt(list(optional(B))) list(B)
";

const FLUX_ONLY: &str = "
-_ negate_duration(duration) duration
.reverse string_reverse(string) string
base64.decode base64_decode_string(string) bytes
base64.encode base64_encode_bytes(bytes) string
";

/// cel-go's lists; lines with a star stand for each type that has an order.
const LISTS: &str = "
.slice list_slice(list(T),int,int) list(T)
.flatten list_flatten(list(list(T))) list(T)
.flatten list_flatten_int(list(dyn),int) list(dyn)
.sort list_*_sort(list(*)) list(*)
.@sortByAssociatedKeys list_*_sortByAssociatedKeys(list(T),list(*)) list(T)
lists.range lists_range(int) list(int)
.reverse list_reverse(list(T)) list(T)
.distinct list_distinct(list(T)) list(T)
cel.@mapInsert @mapInsert_map_key_value(map(A,B),A,B) map(A,B)
cel.@mapInsert @mapInsert_map_map(map(A,B),map(A,B)) map(A,B)
";

const KUBERNETES_ONLY: &str = "
.isSorted list_*_is_sorted_bool(list(*)) bool
.sum list_int_sum_int(list(int)) int
.sum list_uint_sum_uint(list(uint)) uint
.sum list_double_sum_double(list(double)) double
.sum list_duration_sum_duration(list(duration)) duration
.max list_*_max_*(list(*)) *
.min list_*_min_*(list(*)) *
.indexOf list_a_index_of_int(list(A),A) int
.lastIndexOf list_a_last_index_of_int(list(A),A) int
.find string_find_string(string,string) string
.findAll string_find_all_string(string,string) list(string)
.findAll string_find_all_string_int(string,string,int) list(string)
url string_to_url(string) kubernetes.URL
.getScheme url_get_scheme(kubernetes.URL) string
.getHost url_get_host(kubernetes.URL) string
.getHostname url_get_hostname(kubernetes.URL) string
.getPort url_get_port(kubernetes.URL) string
.getEscapedPath url_get_escaped_path(kubernetes.URL) string
.getQuery url_get_query(kubernetes.URL) map(string,list(string))
isURL is_url_string(string) bool
quantity string_to_quantity(string) kubernetes.Quantity
isQuantity is_quantity_string(string) bool
sign quantity_sign(kubernetes.Quantity) int
.isGreaterThan quantity_is_greater_than(kubernetes.Quantity,kubernetes.Quantity) bool
.isLessThan quantity_is_less_than(kubernetes.Quantity,kubernetes.Quantity) bool
.compareTo quantity_compare_to(kubernetes.Quantity,kubernetes.Quantity) int
.asApproximateFloat quantity_get_float(kubernetes.Quantity) double
.asInteger quantity_get_int(kubernetes.Quantity) int
.isInteger quantity_is_integer(kubernetes.Quantity) bool
.add quantity_add(kubernetes.Quantity,kubernetes.Quantity) kubernetes.Quantity
.add quantity_add_int(kubernetes.Quantity,int) kubernetes.Quantity
.sub quantity_sub(kubernetes.Quantity,kubernetes.Quantity) kubernetes.Quantity
.sub quantity_sub_int(kubernetes.Quantity,int) kubernetes.Quantity
ip string_to_ip(string) net.IP
.family ip_family(net.IP) int
ip.isCanonical ip_is_canonical(string) bool
.isUnspecified ip_is_unspecified(net.IP) bool
.isLoopback ip_is_loopback(net.IP) bool
.isLinkLocalMulticast ip_is_link_local_multicast(net.IP) bool
.isLinkLocalUnicast ip_is_link_local_unicast(net.IP) bool
.isGlobalUnicast ip_is_global_unicast(net.IP) bool
isIP is_ip(string) bool
string ip_to_string(net.IP) string
cidr string_to_cidr(string) net.CIDR
.containsIP cidr_contains_ip_string(net.CIDR,string) bool
.containsIP cidr_contains_ip_ip(net.CIDR,net.IP) bool
.containsCIDR cidr_contains_cidr_string(net.CIDR,string) bool
.containsCIDR cidr_contains_cidr(net.CIDR,net.CIDR) bool
.ip cidr_ip(net.CIDR) net.IP
.prefixLength cidr_prefix_length(net.CIDR) int
.masked cidr_masked(net.CIDR) net.CIDR
isCIDR is_cidr(string) bool
string cidr_to_string(net.CIDR) string
.validate format-validate(kubernetes.NamedFormat,string) optional(list(string))
format.named format-named(string) optional(kubernetes.NamedFormat)
format.dns1123Label format-dns1123Label() kubernetes.NamedFormat
format.dns1123Subdomain format-dns1123Subdomain() kubernetes.NamedFormat
format.dns1035Label format-dns1035Label() kubernetes.NamedFormat
format.qualifiedName format-qualifiedName() kubernetes.NamedFormat
format.dns1123LabelPrefix format-dns1123LabelPrefix() kubernetes.NamedFormat
format.dns1123SubdomainPrefix format-dns1123SubdomainPrefix() kubernetes.NamedFormat
format.dns1035LabelPrefix format-dns1035LabelPrefix() kubernetes.NamedFormat
format.labelValue format-labelValue() kubernetes.NamedFormat
format.uri format-uri() kubernetes.NamedFormat
format.uuid format-uuid() kubernetes.NamedFormat
format.byte format-byte() kubernetes.NamedFormat
format.date format-date() kubernetes.NamedFormat
format.datetime format-datetime() kubernetes.NamedFormat
semver string_to_semver(string) kubernetes.Semver
semver string_bool_to_semver(string,bool) kubernetes.Semver
isSemver is_semver_string(string) bool
isSemver is_semver_string_bool(string,bool) bool
.isGreaterThan semver_is_greater_than(kubernetes.Semver,kubernetes.Semver) bool
.isLessThan semver_is_less_than(kubernetes.Semver,kubernetes.Semver) bool
.compareTo semver_compare_to(kubernetes.Semver,kubernetes.Semver) int
.major semver_major(kubernetes.Semver) int
.minor semver_minor(kubernetes.Semver) int
.patch semver_patch(kubernetes.Semver) int
";

const ORDERED: [&str; 8] = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];

fn table(sources: &[&str]) -> Table {
    let mut table = Table::new();
    for line in sources.iter().flat_map(|source| source.lines()).filter(|line| !line.is_empty()) {
        if line.contains('*') && !line.starts_with('_') {
            for kind in ORDERED {
                declare(&mut table, &line.replace('*', kind));
            }
        } else {
            declare(&mut table, line);
        }
    }
    // Comparisons: within a type that has an order, and across the numbers.
    let ordered = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"];
    let numbers = ["int", "uint", "double"];
    for (symbol, name) in
        [("_<_", "less"), ("_<=_", "less_equals"), ("_>_", "greater"), ("_>=_", "greater_equals")]
    {
        for kind in ordered {
            declare(&mut table, &format!("{symbol} {name}_{kind}({kind},{kind}) bool"));
            for other in numbers.iter().filter(|other| **other != kind && numbers.contains(&kind)) {
                declare(&mut table, &format!("{symbol} {name}_{kind}_{other}({kind},{other}) bool"));
            }
        }
    }
    table
}

fn declare(table: &mut Table, line: &str) {
    let read = || {
        let (name, rest) = line.split_once(' ')?;
        let (id, rest) = rest.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(") ")?;
        let (arguments, mut result) = (kinds(arguments), kinds(result));
        let (name, method) = name.strip_prefix('.').map_or((name, false), |name| (name, true));
        let overload = Overload { id: id.to_owned(), method, arguments, result: result.pop()? };
        Some((name.to_owned(), overload))
    };
    if let Some((name, overload)) = read() {
        table.entry(name).or_default().push(overload);
    }
}

/// Reads types, separated by commas.
fn kinds(text: &str) -> Vec<Type> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (place, c) in text.char_indices().chain([(text.len(), ',')]) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.extend(kind(&text[start..place]));
                start = place + 1;
            }
            _ => {}
        }
    }
    found
}

fn kind(text: &str) -> Option<Type> {
    if let Some((outer, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let mut inner = kinds(inner).into_iter();
        let first = inner.next()?;
        return Some(match outer {
            "list" => Type::list(first),
            "optional" => Type::optional(first),
            "type" => Type::Kind(Some(first.into())),
            _ => Type::map(first, inner.next()?),
        });
    }
    Some(match text {
        "" => return None,
        "A" => Type::Open('A'),
        "B" => Type::Open('B'),
        "T" => Type::Open('T'),
        "dyn" => Type::Dyn,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "net.IP" => Type::Opaque("net.IP"),
        "net.CIDR" => Type::Opaque("net.CIDR"),
        name => Type::Object(name.into()),
    })
}
