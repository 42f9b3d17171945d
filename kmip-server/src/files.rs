//! How many files, and so connections, this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a server needs beside its connections: the store, journals, certificates, HSM modules.
const OTHERS: u64 = 200;

/// Raises the limit as far as the system lets it be raised; tells what it is then.
pub(crate) fn allow_many() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // What is refused leaves the limit as it was.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Raises the limit for a server, and says so in the log if it is too small for its connections.
pub(crate) fn allow_connections(connections: usize) {
    let files = allow_many();
    if files < connections as u64 + OTHERS {
        tracing::warn!(
            files,
            connections,
            "this process may open fewer files than server.limits.connections needs: raise its limit (ulimit -n, LimitNOFILE)"
        );
    }
}
