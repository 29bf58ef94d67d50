//! Log lines as Flux's controllers write them: one JSON object a line, with the keys that dashboards look for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Starts logging to standard error at this level (`trace`, `debug`, `info`, `error` or `off`).
///
/// A second call in the same process changes nothing.
pub fn start(level: &str) {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter(level)).unwrap_or_default())
        .with_writer(std::io::stderr)
        .fmt_fields(Silent)
        .event_format(FluxJson::default())
        .try_init();
}

/// The libraries below tell less than we do: what they warn of, we tell with its object. They never tell more.
fn filter(level: &str) -> String {
    match level {
        "off" => "off".to_owned(),
        "error" => "error".to_owned(),
        _ => format!("{level},kube_lease_manager=error,hyper=error,kube=warn"),
    }
}

/// Formats events as `{"level":…,"ts":…,"msg":…,…}`, the fields of spans included.
#[derive(Debug, Default, Clone)]
struct FluxJson {
    /// Events may come from several threads; a line is written whole.
    writing: Arc<Mutex<()>>,
}

/// Span fields are kept by [`FluxJson`] itself from each event; nothing is rendered beforehand.
#[derive(Debug, Clone, Copy)]
struct Silent;

impl<'w> FormatFields<'w> for Silent {
    fn format_fields<R: tracing_subscriber::field::RecordFields>(
        &self,
        mut writer: Writer<'w>,
        fields: R,
    ) -> fmt::Result {
        let mut found = Fields::default();
        fields.record(&mut found);
        writer.write_str(&serde_json::to_string(&found.0).map_err(|_| fmt::Error)?)
    }
}

impl<S> FormatEvent<S, Silent> for FluxJson
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Silent>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let _one_line_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let rendered = extensions.get::<tracing_subscriber::fmt::FormattedFields<Silent>>();
            let known = rendered.and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(text).ok());
            fields.0.extend(known.into_iter().flatten());
        }
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        let mut line = format!(
            "{{\"level\":\"{}\",\"ts\":\"{}\",\"msg\":{message}",
            level(*event.metadata().level()),
            jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ"),
        );
        for (key, value) in &fields.0 {
            line.push_str(&format!(",{}:{value}", json!(key)));
        }
        writeln!(writer, "{line}}}")
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR | Level::WARN => "error",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), Value::String(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_library_is_louder_than_what_was_asked_for() {
        assert_eq!(filter("off"), "off");
        assert_eq!(filter("error"), "error");
        assert!(filter("info").ends_with("kube=warn"));
    }
}
