//! A pool of HSMs that hold the same keys. One member for now; who runs a call, and what happens when that
//! fails, is decided here and nowhere else, so that failover has its place.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::connection::{Connection, Lease, wanted_token};
use super::failure::{self, Failure};
use super::module::lock;
use super::pin::PinSource;
use crate::error::{Error, Result};
use crate::seal::SecretSource;
use crate::settings::{MemberSettings, PoolSettings};

/// Whether a call may be made a second time when the first was lost on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It changes nothing, or doing it twice is doing it once: sign, decrypt, find, destroy.
    Safe,
    /// It makes something. Session and login are checked before, so that what can be lost is lost then.
    Never,
}

/// A pool.
pub struct HsmPool {
    name: String,
    members: Vec<Member>,
}

/// One HSM.
struct Member {
    settings: MemberSettings,
    pin: PinSource,
    /// Held while connecting, so that many threads make one connection; never during a call.
    state: Mutex<State>,
}

/// What a member's connection is.
#[derive(Default)]
enum State {
    /// Not made yet, or lost.
    #[default]
    None,
    Up(Arc<Connection>),
    /// Could not be made.
    Down {
        since: Instant,
        reason: String,
    },
}

/// After a connection could not be made, how long callers are told so at once. Long enough that not each of
/// many callers waits for the vendor's time-out in turn, and too short for anybody to notice that the HSM is
/// back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How a pool is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its members.
    pub members: Vec<MemberStatus>,
}

/// How one HSM is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// The vendor's module.
    pub module: PathBuf,
    /// What was configured to find the token by, in words.
    pub wanted: String,
    /// The token, when it was found.
    pub token: Option<TokenStatus>,
    /// Why it cannot be used; none when it can.
    pub fault: Option<String>,
    /// Sessions that we have open with it.
    pub sessions_open: usize,
    /// Those that are at work now.
    pub sessions_in_use: usize,
    /// As many as we may open; 0 while unknown.
    pub sessions_limit: usize,
}

/// What a token says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenStatus {
    /// Label.
    pub label: String,
    /// Serial number.
    pub serial: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Firmware version, `major.minor`.
    pub firmware: String,
}

impl HsmPool {
    /// A pool as configured. Loads and opens nothing: that is done at the first use, so that a host that
    /// never needs the HSM never waits for it.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the settings name no member, more than one, or no token.
    pub fn new(settings: &PoolSettings, secrets: Arc<dyn SecretSource>) -> Result<Arc<Self>> {
        let name = &settings.name;
        if settings.member.len() != 1 {
            return Err(Error::Configuration(format!(
                "HSM pool {name:?} has {} members; this version uses exactly one",
                settings.member.len()
            )));
        }
        let mut members = Vec::with_capacity(settings.member.len());
        for member in &settings.member {
            if member.token_label.is_none() && member.token_serial.is_none() {
                return Err(Error::Configuration(format!(
                    "HSM pool {name:?}: a member needs token-label or token-serial"
                )));
            }
            if member.sessions == Some(0) {
                return Err(Error::Configuration(format!(
                    "HSM pool {name:?}: sessions must be at least 1"
                )));
            }
            members.push(Member {
                settings: member.clone(),
                pin: PinSource::new(name, Arc::clone(&secrets)),
                state: Mutex::default(),
            });
        }
        Ok(Arc::new(Self {
            name: name.clone(),
            members,
        }))
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is. Connects and logs in if that has not been done, so it can take as long as the HSM does.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        PoolStatus {
            name: self.name.clone(),
            members: self
                .members
                .iter()
                .map(|member| self.member_status(member))
                .collect(),
        }
    }

    /// Runs a call in a session. When session, login or token turn out to be lost, a new connection is made
    /// and the call is repeated once, if `repeat` allows.
    pub(super) fn call<T>(
        &self,
        repeat: Repeat,
        mut call: impl FnMut(&Lease) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        crate::exclusive::about_to_wait();
        let member = self.choose();
        let mut first = true;
        loop {
            let connection = member.connect(&self.name)?;
            let mut begun = false;
            let outcome = self.call_once(member, &connection, repeat, &mut begun, &mut call);
            let error = match outcome {
                Ok(value) => return Ok(value),
                Err(Failure::Core(error)) => return Err(error),
                Err(Failure::Token(error)) => error,
            };
            let lost = failure::is_lost(&error);
            if lost {
                member.forget(&connection);
            }
            let repeatable = !begun || repeat == Repeat::Safe;
            if first && repeatable && (lost || failure::is_vague(&error)) {
                first = false;
                tracing::warn!(
                    pool = %self.name,
                    reason = %failure::describe(&error),
                    "a call to the HSM failed and is repeated"
                );
                continue;
            }
            return Err(failure::to_error(&self.name, &error));
        }
    }

    fn call_once<T>(
        &self,
        member: &Member,
        connection: &Arc<Connection>,
        repeat: Repeat,
        begun: &mut bool,
        call: &mut impl FnMut(&Lease) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        let lease = connection.lease(&self.name, &member.settings, &member.pin)?;
        if repeat == Repeat::Never {
            lease.check()?;
        }
        *begun = true;
        let outcome = call(&lease);
        // After an answer that we did not expect, nobody knows what state the session is in.
        if !matches!(outcome, Err(Failure::Token(_))) {
            lease.give_back();
        }
        outcome
    }

    /// The connection, made if need be: to know what the HSM can do.
    pub(super) fn connection(&self) -> Result<Arc<Connection>> {
        crate::exclusive::about_to_wait();
        self.choose().connect(&self.name)
    }

    /// The member that takes the next call.
    fn choose(&self) -> &Member {
        // `new` refuses pools without members.
        &self.members[0]
    }

    fn member_status(&self, member: &Member) -> MemberStatus {
        let reached = self.call(Repeat::Safe, |lease| Ok(lease.check()?));
        let connection = member.connected();
        let counts = connection.as_ref().map(|c| c.counts()).unwrap_or_default();
        MemberStatus {
            module: member.settings.module.clone(),
            wanted: wanted_token(&member.settings),
            token: connection.map(|connection| TokenStatus {
                label: connection.token.label().to_owned(),
                serial: connection.token.serial_number().to_owned(),
                manufacturer: connection.token.manufacturer_id().to_owned(),
                model: connection.token.model().to_owned(),
                firmware: connection.token.firmware_version().to_string(),
            }),
            fault: reached.err().map(|error| error.to_string()),
            sessions_open: counts.open,
            sessions_in_use: counts.in_use,
            sessions_limit: counts.limit,
        }
    }
}

impl Member {
    fn connect(&self, pool: &str) -> Result<Arc<Connection>> {
        let mut state = lock(&self.state);
        match &*state {
            State::Up(connection) if connection.is_ours() => return Ok(Arc::clone(connection)),
            State::Down { since, reason } if since.elapsed() < RETRY_AFTER => {
                return Err(failure::unavailable(pool, reason.as_str()));
            }
            State::None | State::Up(_) | State::Down { .. } => {}
        }
        match Connection::open(pool, &self.settings) {
            Ok(connection) => {
                let connection = Arc::new(connection);
                *state = State::Up(Arc::clone(&connection));
                Ok(connection)
            }
            Err(error) => {
                *state = match &error {
                    Error::HsmUnavailable { reason, .. } => State::Down {
                        since: Instant::now(),
                        reason: reason.clone(),
                    },
                    _ => State::None,
                };
                Err(error)
            }
        }
    }

    /// The connection, if there is one.
    fn connected(&self) -> Option<Arc<Connection>> {
        match &*lock(&self.state) {
            State::Up(connection) => Some(Arc::clone(connection)),
            State::None | State::Down { .. } => None,
        }
    }

    /// Gives a lost connection up, unless another thread already has.
    fn forget(&self, lost: &Arc<Connection>) {
        let mut state = lock(&self.state);
        if matches!(&*state, State::Up(connection) if Arc::ptr_eq(connection, lost)) {
            *state = State::None;
        }
    }
}

impl std::fmt::Debug for HsmPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HsmPool")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
