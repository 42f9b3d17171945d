//! `keybridge serve`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{self, Writer};

use super::context::Configuration;
use super::failure::{Failure, Outcome};
use super::output;
use crate::server::Server;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Listen here instead of where `[server] listen` says; may be given several times, port 0 takes
    /// a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<SocketAddr>,
    /// What to log: error, warn, info, debug, or a tracing filter [env: KEYBRIDGE_LOG]
    #[arg(
        long,
        value_name = "FILTER",
        env = "KEYBRIDGE_LOG",
        hide_env = true,
        default_value = "info"
    )]
    log: String,
}

/// Serves until SIGINT or SIGTERM.
pub(super) fn run(arguments: Arguments, config: Option<&Path>) -> Outcome {
    let filter = EnvFilter::try_new(&arguments.log)
        .map_err(|error| Failure::Usage(format!("--log {:?}: {error}", arguments.log)))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(fields())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let configuration = Configuration::find(config)?;
    let mut settings = configuration.server()?;
    if !arguments.listen.is_empty() {
        settings.listen = arguments.listen;
    }
    crate::files::allow_connections(settings.limits.connections);
    let kms = Arc::new(configuration.open()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Server(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let server = Server::bind(Arc::clone(&kms), &settings)
            .await
            .map_err(|error| Failure::Server(error.to_string()))?;
        let stop = stop_on_signal()?;
        for address in server.addresses() {
            output::print(&format!("listening on {address}"))?;
        }
        server.run(stop).await;
        tracing::info!("stopped");
        Ok::<(), Failure>(())
    })?;
    Ok(kms.fold_audit()?)
}

/// What a client says may stand in the log, but not begin a line of it, nor colour a terminal.
fn fields() -> impl for<'writer> FormatFields<'writer> + 'static {
    let write = |writer: &mut Writer<'_>, field: &Field, value: &dyn std::fmt::Debug| {
        let text = match field.name() {
            "message" => format!("{value:?}"),
            name => format!("{name}={value:?}"),
        };
        writer.write_str(&output::printable(&text, ""))
    };
    format::debug_fn(write).delimited(" ")
}

/// Turns true at SIGINT or SIGTERM.
fn stop_on_signal() -> Outcome<watch::Receiver<bool>> {
    let failed = |error| Failure::Server(format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: running requests may end");
        let _ = sender.send(true);
        // Kept until the runtime ends, so that the receivers see the value and not a lost sender.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_clients_say_is_one_line_of_the_log() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .fmt_fields(fields())
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(log, || {
            let said = "no object\n2026 INFO forged\u{1b}[31m";
            let span = tracing::info_span!("request", client = said);
            let _entered = span.enter();
            tracing::info!(reason = %said, message = said, "refused");
        });
        let text = lines.0.lock().expect("the log").clone();
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(
            !text.contains('\u{1b}') && text.contains("forged"),
            "{text:?}"
        );
    }
}
