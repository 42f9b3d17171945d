//! `keybridge audit …`.

use keybridge_core::audit::{Filter, Record, Verb};
use keybridge_core::error::audit_result_name;
use keybridge_core::time::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::{self, Output};

/// Records shown when nothing is said.
const LIST_LIMIT: usize = 100;
const NANOSECONDS: i64 = 1_000_000_000;

/// `audit …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List what was done, the newest last
    List(ListArguments),
    /// Prove that no record was removed, changed or reordered
    Verify,
}

/// Arguments of `audit list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    /// On this key only: name, alias or identifier
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// On this object only: KMIP Unique Identifier
    #[arg(long, value_name = "IDENTIFIER")]
    object: Option<String>,
    /// By this client or user only
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// This only: encrypt, sign, disable, …
    #[arg(long, value_name = "VERB", value_parser = parse_verb)]
    verb: Option<Verb>,
    /// Since then: RFC 3339, as 2026-11-22T02:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<i64>,
    /// Until then
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
    /// Refusals and failures only
    #[arg(long)]
    failed: bool,
    /// At most this many, the newest
    #[arg(long, default_value_t = LIST_LIMIT)]
    limit: usize,
}

#[derive(Debug, Serialize)]
struct RecordView {
    time: String,
    request: u64,
    who: String,
    credential: String,
    origin: String,
    door: String,
    verb: &'static str,
    key: Option<String>,
    version: u32,
    object: Option<String>,
    result: &'static str,
    detail: String,
}

#[derive(Debug, Serialize)]
struct Proof {
    intact: bool,
    rows: u64,
    head: String,
    records: u64,
    journals: u64,
    findings: Vec<String>,
}

impl Command {
    /// Whether it is about the whole store, whichever account asks.
    pub(super) const fn is_of_all_accounts(&self) -> bool {
        matches!(self, Self::Verify)
    }
}

/// Does an `audit` command.
pub(super) fn run(command: Command, context: &Context, output: Output) -> Outcome {
    match command {
        Command::List(arguments) => list(&arguments, context, output),
        Command::Verify => verify(context, output),
    }
}

fn list(arguments: &ListArguments, context: &Context, output: Output) -> Outcome {
    let Context { kms, caller, .. } = context;
    let key = arguments
        .key
        .as_ref()
        .map(|key| kms.resolve_key(caller, key))
        .transpose()?;
    let object = arguments
        .object
        .as_ref()
        .map(|id| {
            id.parse()
                .map_err(|_| Failure::Usage(format!("{id:?} is no identifier")))
        })
        .transpose()?;
    let principal = match &arguments.who {
        Some(name) => {
            let all = kms.clients(caller)?;
            let found = all.into_iter().find(|principal| principal.name == *name);
            let missing = || keybridge_core::Error::NotFound {
                what: "client",
                name: name.clone(),
            };
            Some(found.ok_or_else(missing)?.id)
        }
        None => None,
    };
    let filter = Filter {
        from: arguments.since,
        to: arguments.until,
        principal,
        object,
        key,
        verb: arguments.verb,
        failed: arguments.failed,
        ..Filter::default()
    };
    let records = kms.audit_records(caller, &filter, arguments.limit)?;
    let views: Vec<_> = records.iter().map(view).collect();
    output.show(&views, |views| {
        let header = [
            "time", "who", "from", "door", "verb", "result", "key", "object", "detail",
        ];
        let rows = views.iter().map(|record| {
            let short = |id: &Option<String>| {
                id.as_deref()
                    .and_then(|id| id.split('-').next())
                    .unwrap_or_default()
                    .to_owned()
            };
            vec![
                record.time.clone(),
                record.who.clone(),
                record.origin.clone(),
                record.door.clone(),
                record.verb.to_owned(),
                record.result.to_owned(),
                short(&record.key),
                short(&record.object),
                record.detail.clone(),
            ]
        });
        output::table(&header, rows)
    })
}

fn verify(context: &Context, output: Output) -> Outcome {
    let report = context.kms.verify_audit(&context.caller)?;
    let proof = Proof {
        intact: report.is_intact(),
        rows: report.rows,
        head: report
            .head
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        records: report.records,
        journals: report.journals,
        findings: report.findings.iter().map(ToString::to_string).collect(),
    };
    output.show(&proof, |proof| {
        let what = format!(
            "{} records in {} rows and {} journals",
            proof.records, proof.rows, proof.journals
        );
        if proof.intact {
            return format!(
                "The audit is intact: {what}; the head, row {}, is {}.",
                proof.rows, proof.head
            );
        }
        format!(
            "The audit was changed ({what}):\n  {}",
            proof.findings.join("\n  ")
        )
    })?;
    if proof.intact {
        return Ok(());
    }
    Err(Failure::Verification(
        "the audit is not what the bridge wrote".into(),
    ))
}

fn view(record: &Record) -> RecordView {
    RecordView {
        time: output::rfc3339(Timestamp(record.time.div_euclid(NANOSECONDS))),
        request: record.request,
        who: record.who.clone(),
        credential: record.credential.clone(),
        origin: record.origin.clone(),
        door: record.door.clone(),
        verb: record.verb.name(),
        key: record.key.map(|id| id.to_string()),
        version: record.version,
        object: record.object.map(|id| id.to_string()),
        result: audit_result_name(record.result),
        detail: record.detail.clone(),
    }
}

fn parse_verb(text: &str) -> Result<Verb, String> {
    let known = Verb::ALL.iter().find(|verb| verb.name() == text);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = Verb::ALL.iter().map(|verb| verb.name()).collect();
        format!("no such verb; there are {}", names.join(", "))
    })
}

/// A time in nanoseconds since 1970.
fn parse_time(text: &str) -> Result<i64, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|error| format!("{error}; a time is like 2026-11-22T02:00:00Z"))?;
    i64::try_from(time.unix_timestamp_nanos()).map_err(|_| "the time is out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_filter() {
        assert_eq!(parse_verb("sign"), Ok(Verb::Sign));
        assert!(parse_verb("sing").is_err());
        assert_eq!(parse_time("1970-01-01T00:00:01Z"), Ok(NANOSECONDS));
        assert!(parse_time("yesterday").is_err());
    }
}
