//! The KMIP server: listeners, connections and their limits. One task a connection, one request at
//! a time on it, answered in place when memory has the answer.

mod client;
mod connection;
mod counts;
mod http;
#[cfg(feature = "legacy-tls")]
mod legacy;
mod patient;
mod tls;
mod turned;
mod verify;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keybridge_core::Kms;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::listener::Transport;
use crate::processor::Processor;
use crate::settings::ServerSettings;
use client::{Client, Entrance};
use counts::Counts;
use tls::Tls;

pub use tls::TlsError;

/// How often what is scheduled for deletion is looked at: deletions are due by the day.
const DELETION_INTERVAL: Duration = Duration::from_secs(60);

/// How often PKCS#11 modules that nobody uses any more are looked for.
const MODULES_INTERVAL: Duration = Duration::from_secs(10);

/// How often the certificates' files are looked at.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// How long an accept that failed for want of file descriptors is waited out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Certificates or keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The account of a listener.
    #[error("[server] account = {name:?}: {error}")]
    Account {
        /// Its name.
        name: String,
        /// Why it cannot be used.
        error: keybridge_core::Error,
    },
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}: {error}{}", listening(error))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's word.
        error: std::io::Error,
    },
}

/// What to do about an address that cannot be listened on.
fn listening(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "; another program listens there, maybe another `keybridge serve`: stop it, or choose \
             another address with [server] listen or --listen"
        }
        std::io::ErrorKind::AddrNotAvailable => {
            "; it is none of this machine's: [server] listen says which"
        }
        std::io::ErrorKind::PermissionDenied => "; ports below 1024 are for root",
        _ => "",
    }
}

/// A server that listens.
pub struct Server {
    listeners: Vec<(TcpListener, Arc<Entrance>)>,
    shared: Arc<Shared>,
}

/// What all connections share.
struct Shared {
    processor: Processor,
    counts: Counts,
}

impl Server {
    /// Loads the certificates and listens.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn bind(kms: Arc<Kms>, settings: &ServerSettings) -> Result<Self, ServerError> {
        let mut listeners = Vec::new();
        for listener in settings.listeners() {
            let address = listener.address;
            if listener.transport == Transport::LegacyTls {
                tracing::warn!(%address, "{}", crate::listener::LEGACY_WARNING);
            }
            let account = match &listener.account {
                Some(name) => Some(account(&kms, name)?),
                None => None,
            };
            let tls = Tls::new(settings, listener)?;
            let socket = TcpListener::bind(address)
                .await
                .map_err(|error| ServerError::Listen { address, error })?;
            let key = settings.ca_private_key.clone();
            let entrance = Entrance {
                tls,
                account,
                authority: key.map(|key| (settings.client_ca.clone(), key)),
            };
            listeners.push((socket, Arc::new(entrance)));
        }
        let shared = Arc::new(Shared {
            processor: Processor::answering(kms, settings.limits, settings.answers),
            counts: Counts::new(
                settings.limits.connections,
                settings.limits.connections_per_client,
            ),
        });
        Ok(Self { listeners, shared })
    }

    /// The addresses listened on, with the real ports, in the order of
    /// [`ServerSettings::listeners`].
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|(listener, _)| listener.local_addr().ok())
            .collect()
    }

    /// Serves until `stop` turns true (or its sender is gone), then lets running requests end.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        tasks.spawn(deletions(Arc::clone(&self.shared), stop.clone()));
        tasks.spawn(modules(Arc::clone(&self.shared), stop.clone()));
        let entrances = self
            .listeners
            .iter()
            .map(|(_, entrance)| Arc::clone(entrance));
        tasks.spawn(refresh(entrances.collect(), stop.clone()));
        for (listener, entrance) in self.listeners {
            let shared = Arc::clone(&self.shared);
            tasks.spawn(accept(listener, entrance, shared, stop.clone()));
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Accepts connections until asked to stop, then waits for those that are there.
async fn accept(
    listener: TcpListener,
    entrance: Arc<Entrance>,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (shared, stop) = (Arc::clone(&shared), stop.clone());
                    connections.spawn(connect(stream, peer, Arc::clone(&entrance), shared, stop));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Ended connections are forgotten as they end.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    let patience = shared.processor.limits().shutdown();
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, all).await.is_err() {
        tracing::warn!("connections were cut that did not end in time");
    }
}

/// Resolves when the server is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it whoever wanted the server.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// One connection, if the limits have room for it.
async fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    entrance: Arc<Entrance>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
) {
    let Some(_place) = shared.counts.enter(peer.ip()) else {
        tracing::warn!(%peer, "refused: connections or connections-per-client of server.limits");
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "no TCP_NODELAY");
    }
    if entrance.tls.listener().transport == Transport::LegacyTls {
        #[cfg(feature = "legacy-tls")]
        legacy::connect(stream, peer, entrance, &shared.processor, stop).await;
        // Without the feature the configuration was refused.
        return;
    }
    let loaded = entrance.tls.current();
    let handshake = TlsAcceptor::from(loaded.config()).accept(stream);
    let stream = match tokio::time::timeout(shared.processor.limits().handshake(), handshake).await
    {
        Err(_) => {
            tracing::info!(%peer, "the TLS handshake took too long");
            return;
        }
        Ok(Err(error)) => {
            tracing::info!(%peer, reason = %tls::reason(&error), "no TLS connection");
            return;
        }
        Ok(Ok(stream)) => stream,
    };
    let transport = entrance.tls.listener().transport;
    let Some(client) = Client::of(&stream, peer, entrance, loaded.generation()) else {
        return;
    };
    match transport {
        Transport::Tls => {
            let mut client = client;
            client.peer = client.peer.that_may_turn();
            connection::serve(stream, &client, &shared.processor, stop).await;
        }
        Transport::Https => {
            http::serve(stream, Arc::new(client), &shared.processor, stop).await;
        }
        Transport::LegacyTls => {}
    }
}

/// The account of that name.
fn account(kms: &Kms, name: &str) -> Result<keybridge_core::AccountId, ServerError> {
    kms.account(name)
        .map(|account| account.id)
        .map_err(|error| ServerError::Account {
            name: name.to_owned(),
            error,
        })
}

/// Reads certificates and revocation lists again when they change.
async fn refresh(entrances: Vec<Arc<Entrance>>, mut stop: watch::Receiver<bool>) {
    let mut clock = tokio::time::interval(REFRESH_INTERVAL);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = clock.tick() => {}
        }
        for entrance in &entrances {
            let entrance = Arc::clone(entrance);
            let read = tokio::task::spawn_blocking(move || entrance.tls.refresh());
            if let Err(error) = read.await {
                tracing::error!(%error, "certificates could not be looked at");
            }
        }
    }
}

/// Ends PKCS#11 modules that nobody uses any more, and what lives in their sessions.
async fn modules(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut clock = tokio::time::interval(MODULES_INTERVAL);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = clock.tick() => {}
        }
        let shared = Arc::clone(&shared);
        let ended = tokio::task::spawn_blocking(move || shared.processor.end_unused_modules());
        match ended.await {
            Ok(Ok(0)) => {}
            Ok(Ok(count)) => tracing::info!(count, "PKCS#11 modules that nobody used are ended"),
            Ok(Err(error)) => tracing::error!(%error, "unused PKCS#11 modules could not be ended"),
            Err(error) => tracing::error!(%error, "unused PKCS#11 modules could not be ended"),
        }
    }
}

/// Destroys what was scheduled for deletion when it is due.
async fn deletions(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut clock = tokio::time::interval(DELETION_INTERVAL);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = clock.tick() => {}
        }
        let kms = Arc::clone(shared.processor.kms());
        let work = move || {
            match kms.remove_leftovers() {
                Ok(0) => {}
                Ok(left) => tracing::warn!(left, "keys that were left over are removed from HSMs"),
                // An HSM that is away keeps its own keys waiting, not everybody's.
                Err(error) => tracing::warn!(%error, "keys are left over in an HSM"),
            }
            kms.run_due_deletions()
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(0)) => {}
            Ok(Ok(count)) => tracing::info!(count, "keys whose deletion was due are destroyed"),
            Ok(Err(error)) => tracing::error!(%error, "due deletions could not be done"),
            Err(error) => tracing::error!(%error, "due deletions could not be done"),
        }
    }
}
