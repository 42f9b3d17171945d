//! Answers of commands: tables for people, JSON for programs.

use std::io::{IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use keybridge_core::time::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use super::failure::{Failure, Outcome};

/// Where and how answers go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// JSON when asked for, else tables.
    #[must_use]
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read the answer.
    #[must_use]
    pub(super) const fn is_json(self) -> bool {
        self.json
    }

    /// Writes `value` as JSON, or what `people` makes of it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn show<T: Serialize>(
        self,
        value: &T,
        people: impl FnOnce(&T) -> String,
    ) -> Outcome {
        let text = if self.json {
            serde_json::to_string_pretty(value)
                .map_err(|error| Failure::Server(format!("cannot write JSON: {error}")))?
        } else {
            printable(&people(value), "\n")
        };
        print(&text)
    }
}

/// Writes a text to standard output. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Server(format!("cannot write the answer: {error}")))
        }
        _ => Ok(()),
    }
}

/// A table: one row a thing.
#[must_use]
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    table.add_rows(rows.into_iter().map(|row| {
        let cells = row.iter().map(|cell| printable(cell, ""));
        cells.collect::<Vec<_>>()
    }));
    table.trim_fmt()
}

/// The text with its control characters in words, but for those `kept`: names come from clients, and what they say
/// must not move a terminal's cursor, nor look like another row.
#[must_use]
pub(super) fn printable(text: &str, kept: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && !kept.contains(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A list of facts about one thing; empty ones are left out.
#[must_use]
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name:width$}  {}\n", printable(value, "")))
        .collect()
}

/// A time for people: `2026-11-22 02:04:27Z`.
#[must_use]
pub(super) fn time(timestamp: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(timestamp.0)
        .ok()
        .and_then(|time| time.format(&format).ok())
        .unwrap_or_else(|| timestamp.0.to_string())
}

/// A time for programs: RFC 3339.
#[must_use]
pub(super) fn rfc3339(timestamp: Timestamp) -> String {
    time(timestamp).replacen(' ', "T", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        assert_eq!(time(Timestamp(0)), "1970-01-01 00:00:00Z");
        assert_eq!(rfc3339(Timestamp(1_000_000_000)), "2001-09-09T01:46:40Z");
        assert_eq!(time(Timestamp(i64::MAX)), i64::MAX.to_string());
    }

    #[test]
    fn names_cannot_write_to_the_terminal() {
        let rows = [vec!["a\u{1b}[2J\nb".to_owned(), "\u{9b}c".to_owned()]];
        let text = table(&["name", "other"], rows);
        assert!(
            text.contains("a\\u{1b}[2J\\nb") && text.contains("\\u{9b}c"),
            "{text}"
        );
        assert_eq!(printable("a\nb\r", "\n"), "a\nb\\r");
    }

    #[test]
    fn facts_are_aligned_and_empty_ones_left_out() {
        let text = facts(&[
            ("name", "a".into()),
            ("identifier", "b".into()),
            ("x", String::new()),
            ("label", "c\nstate  enabled".into()),
        ]);
        let shown = "name        a\nidentifier  b\nlabel       c\\nstate  enabled\n";
        assert_eq!(text, shown);
    }
}
