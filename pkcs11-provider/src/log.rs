//! Messages for people: to standard error, only when `KEYBRIDGE_LOG` asks for them (`error`,
//! `warn`, `info`, `debug`, `trace`), and never to standard output, which belongs to the
//! application.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Starts logging if the environment asks for it and nobody in this process has set up `tracing`.
pub(crate) fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(text) = std::env::var("KEYBRIDGE_LOG") else {
            return;
        };
        let level = text.parse().unwrap_or(Level::INFO);
        // Fails when the process (a server of ours, a test) has a subscriber: then that one is
        // used.
        let _ = tracing::subscriber::set_global_default(StandardError { level });
    });
}

/// Writes each event as a line. Spans are not kept: the module makes none.
struct StandardError {
    level: Level,
}

impl Subscriber for StandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line(String::new());
        event.record(&mut line);
        let id = std::process::id();
        let text = format!(
            "keybridge[{id}] {} {}\n",
            metadata.level(),
            line.0.trim_start()
        );
        // Nothing can be done about a standard error that is closed.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
