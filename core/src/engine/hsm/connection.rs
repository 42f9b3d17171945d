//! A connection to one token: the slot it is in, its mechanisms, and the sessions open with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cryptoki::error::{Error as TokenError, RvError};
use cryptoki::mechanism::{MechanismInfo, MechanismType};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::{AuthPin, RawAuthPin};

use super::failure::{self, Failure, return_code};
use super::module::{Module, TokenLogin, lock};
use super::pin::PinSource;
use super::token_info::token_info;
use crate::error::{Error, Result};
use crate::settings::MemberSettings;

/// Sessions of a member whose settings do not say: one RSA operation on each of a large HSM's cores, and as
/// many as the smallest HSMs have (YubiHSM 2).
const DEFAULT_SESSIONS: usize = 16;

/// How long a call waits for a session when all are busy before it is refused.
const SESSION_WAIT: Duration = Duration::from_secs(30);

/// A connection. It is never repaired: when session, login or token are lost the member makes a new one.
pub(super) struct Connection {
    /// Differs between any two connections of a process; what was found through one holds for it only.
    pub(super) number: u64,
    process: u32,
    module: Arc<Module>,
    slot: Slot,
    pub(super) token: TokenInfo,
    mechanisms: HashMap<u64, MechanismInfo>,
    login: Arc<TokenLogin>,
    sessions: Mutex<Sessions>,
    freed: Condvar,
}

/// The sessions of a connection.
struct Sessions {
    idle: Vec<Session>,
    /// Idle and in use.
    open: usize,
    limit: usize,
}

/// How many sessions there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionCounts {
    pub(super) open: usize,
    pub(super) in_use: usize,
    pub(super) limit: usize,
}

/// A session, for one call.
pub(super) struct Lease {
    pub(super) connection: Arc<Connection>,
    session: Option<Session>,
}

impl Connection {
    /// Finds the token and asks what it can do. Opens no session.
    pub(super) fn open(pool: &str, settings: &MemberSettings) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let fault = |error: TokenError| unreachable_module(pool, settings, &error);
        let module = Module::open(&settings.module).map_err(fault)?;
        let (slot, token) = find_token(pool, settings, &module)?;
        let pkcs11 = module.pkcs11();
        let mut mechanisms = HashMap::new();
        for kind in pkcs11.get_mechanism_list(slot).map_err(fault)? {
            // A mechanism whose description fails is one we do not use.
            if let Ok(info) = pkcs11.get_mechanism_info(slot, kind) {
                mechanisms.insert(*kind, info);
            }
        }
        let limit = session_limit(settings, &token);
        Ok(Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            process: std::process::id(),
            login: module.login(token.serial_number()),
            module,
            slot,
            token,
            mechanisms,
            sessions: Mutex::new(Sessions {
                idle: Vec::new(),
                open: 0,
                limit,
            }),
            freed: Condvar::new(),
        })
    }

    /// What the token says about a mechanism; none if it does not have it.
    pub(super) fn mechanism(&self, kind: MechanismType) -> Option<&MechanismInfo> {
        self.mechanisms.get(&*kind)
    }

    /// Whether the token wraps with `CKM_AES_KEY_WRAP_PAD` what it has first filled with zeros to whole blocks of
    /// eight bytes, so that another value comes out again. SoftHSM2 2.6.1 does; its result for 21 bytes
    /// unwraps to 24 in OpenSSL. (A vendor profile is the place for this once there are more.)
    pub(super) fn fills_wrapped_values(&self) -> bool {
        self.token.manufacturer_id() == "SoftHSM project"
    }

    /// Whether the connection was made by this process; a forked child has no part in its parent's.
    pub(super) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    pub(super) fn counts(&self) -> SessionCounts {
        let sessions = lock(&self.sessions);
        SessionCounts {
            open: sessions.open,
            in_use: sessions.open - sessions.idle.len(),
            limit: sessions.limit,
        }
    }

    /// A logged-in session: an idle one, a new one, or the next that comes back.
    pub(super) fn lease(
        self: &Arc<Self>,
        pool: &str,
        settings: &MemberSettings,
        pin: &PinSource,
    ) -> std::result::Result<Lease, Failure> {
        let deadline = Instant::now() + SESSION_WAIT;
        loop {
            if let Some(session) = self.idle_or_place(pool, deadline)? {
                return Ok(self.lease_of(session));
            }
            match self.open_session(pool, settings, pin) {
                Ok(session) => return Ok(self.lease_of(session)),
                Err(failure) => {
                    if self.give_place_back(&failure) {
                        // Others use the token too: make do with what we have.
                        continue;
                    }
                    return Err(failure);
                }
            }
        }
    }

    /// An idle session, or none when the caller may open one (its place is taken already).
    fn idle_or_place(&self, pool: &str, deadline: Instant) -> Result<Option<Session>> {
        let mut sessions = lock(&self.sessions);
        loop {
            if let Some(session) = sessions.idle.pop() {
                return Ok(Some(session));
            }
            if sessions.open < sessions.limit {
                sessions.open += 1;
                return Ok(None);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(failure::unavailable(
                    pool,
                    format!(
                        "all {} sessions have been busy for {} s; the member's setting sessions \
                         allows more",
                        sessions.limit,
                        SESSION_WAIT.as_secs()
                    ),
                ));
            }
            sessions = self
                .freed
                .wait_timeout(sessions, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Gives the place of a session that did not open back. True if the token has no more sessions for us
    /// but we have some: then these are the limit from now on.
    fn give_place_back(&self, failure: &Failure) -> bool {
        let mut sessions = lock(&self.sessions);
        sessions.open -= 1;
        self.freed.notify_one();
        let exhausted = matches!(failure, Failure::Token(error)
            if return_code(error) == Some(RvError::SessionCount));
        if exhausted && sessions.open > 0 {
            sessions.limit = sessions.open;
            return true;
        }
        false
    }

    /// Sessions close by our hand, not on drop: see [`Connection::close`].
    fn open_session(
        &self,
        pool: &str,
        settings: &MemberSettings,
        pin: &PinSource,
    ) -> std::result::Result<Session, Failure> {
        let session = self.module.pkcs11().open_rw_session_no_drop(self.slot)?;
        match self.log_in(&session, pool, settings, pin) {
            Ok(()) => Ok(session),
            Err(failure) => {
                self.close(session);
                Err(failure)
            }
        }
    }

    fn lease_of(self: &Arc<Self>, session: Session) -> Lease {
        Lease {
            connection: Arc::clone(self),
            session: Some(session),
        }
    }

    /// Logs the process in unless it is. A PIN that the token refused is not tried again.
    fn log_in(
        &self,
        session: &Session,
        pool: &str,
        settings: &MemberSettings,
        pin: &PinSource,
    ) -> std::result::Result<(), Failure> {
        if !self.token.login_required() || is_user(session)? {
            return Ok(());
        }
        let mut refused = lock(&self.login.refused);
        if is_user(session)? {
            return Ok(());
        }
        self.check_pin_state(pool)?;
        let Some(pin) = pin.get(settings.pin_file.as_deref())? else {
            if self.token.protected_authentication_path() {
                return Ok(session.login(UserType::User, None::<&AuthPin>)?);
            }
            return Err(failure::unavailable(
                pool,
                format!(
                    "there is no PIN: set pin-file or {}, or start where it can be asked for",
                    super::pin::variable(pool)
                ),
            )
            .into());
        };
        if refused.as_ref() == Some(&pin) {
            return Err(wrong_pin(pool).into());
        }
        let raw = RawAuthPin::new(Box::new(pin.expose().to_vec()));
        match session.login_with_raw(UserType::User, &raw) {
            Ok(()) => {
                *refused = None;
                Ok(())
            }
            Err(error) => match return_code(&error) {
                // The host application logged in between.
                Some(RvError::UserAlreadyLoggedIn) => Ok(()),
                Some(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid) => {
                    *refused = Some(pin);
                    Err(wrong_pin(pool).into())
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Leaves a last try to a person: a service that is restarted again and again must not lock the HSM.
    fn check_pin_state(&self, pool: &str) -> Result<()> {
        let info =
            token_info(&self.module, self.slot).map_err(|error| failure::to_error(pool, &error))?;
        if info.user_pin_locked() {
            return Err(failure::unavailable(pool, "the token's user PIN is locked"));
        }
        if !info.user_pin_initialized() {
            return Err(failure::unavailable(
                pool,
                "the token's user PIN is not set",
            ));
        }
        if info.user_pin_final_try() {
            return Err(failure::unavailable(
                pool,
                "wrong PINs have left the token one last try; log in once by hand with the right \
                 PIN, which brings the tries back, then restart",
            ));
        }
        Ok(())
    }

    /// Closes a session, but never a parent's in a forked child: a module that talks to a daemon would close
    /// it for the parent. Failing to close is no news: it is gone then.
    fn close(&self, session: Session) {
        if self.is_ours() {
            let _ = session.close();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut lock(&self.sessions).idle);
        for session in idle {
            self.close(session);
        }
    }
}

impl Lease {
    /// The session.
    pub(super) fn session(&self) -> &Session {
        match &self.session {
            Some(session) => session,
            // Taken out in `give_back` and `drop` only, which end the lease.
            None => unreachable!("a lease has its session until it ends"),
        }
    }

    /// Asks the session whether it is still open and logged in.
    pub(super) fn check(&self) -> std::result::Result<(), TokenError> {
        if self.connection.token.login_required() && !is_user(self.session())? {
            return Err(TokenError::Pkcs11(
                RvError::UserNotLoggedIn,
                cryptoki::context::Function::GetSessionInfo,
            ));
        }
        self.session().get_session_info().map(|_| ())
    }

    /// Ends the lease of a session that is as good as before. A lease that is dropped closes its session.
    pub(super) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            lock(&self.connection.sessions).idle.push(session);
            self.connection.freed.notify_one();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.connection.close(session);
            lock(&self.connection.sessions).open -= 1;
            self.connection.freed.notify_one();
        }
    }
}

fn is_user(session: &Session) -> std::result::Result<bool, TokenError> {
    let state = session.get_session_info()?.session_state();
    Ok(matches!(state, SessionState::RwUser | SessionState::RoUser))
}

fn wrong_pin(pool: &str) -> Error {
    failure::unavailable(
        pool,
        "the token refused the PIN (CKR_PIN_INCORRECT); it is not tried again: correct it, then \
         restart",
    )
}

fn unreachable_module(pool: &str, settings: &MemberSettings, error: &TokenError) -> Error {
    failure::unavailable(
        pool,
        format!(
            "module {}: {}",
            settings.module.display(),
            failure::describe(error)
        ),
    )
}

fn session_limit(settings: &MemberSettings, token: &TokenInfo) -> usize {
    let wanted = settings.sessions.unwrap_or(DEFAULT_SESSIONS).max(1);
    [token.max_session_count(), token.max_rw_session_count()]
        .into_iter()
        .filter_map(Option::<u64>::from)
        .filter_map(|most| usize::try_from(most).ok())
        .filter(|&most| most > 0)
        .fold(wanted, usize::min)
}

/// The one token that bears the label and serial number of the settings.
fn find_token(pool: &str, settings: &MemberSettings, module: &Module) -> Result<(Slot, TokenInfo)> {
    let fault = |error: TokenError| unreachable_module(pool, settings, &error);
    let pkcs11 = module.pkcs11();
    let mut found = Vec::new();
    let mut unread = String::new();
    for slot in pkcs11.get_slots_with_token().map_err(fault)? {
        let info = match token_info(module, slot) {
            Ok(info) => info,
            // Any of the others may still be the one we look for.
            Err(error) => {
                unread = format!(
                    "; slot {} cannot be read: {}",
                    slot.id(),
                    failure::describe(&error)
                );
                continue;
            }
        };
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        if info.token_initialized()
            && fits(&settings.token_label, info.label())
            && fits(&settings.token_serial, info.serial_number())
        {
            found.push((slot, info));
        }
    }
    let wanted = wanted_token(settings);
    match found.len() {
        0 => Err(failure::unavailable(
            pool,
            format!(
                "module {} has no token {wanted}{unread}",
                settings.module.display()
            ),
        )),
        1 => Ok(found.swap_remove(0)),
        many => Err(Error::Configuration(format!(
            "HSM pool {pool:?}: {many} tokens fit {wanted}; name one by token-serial"
        ))),
    }
}

/// The token of the settings in words.
pub(super) fn wanted_token(settings: &MemberSettings) -> String {
    match (&settings.token_label, &settings.token_serial) {
        (Some(label), Some(serial)) => format!("labelled {label:?} with serial number {serial:?}"),
        (Some(label), None) => format!("labelled {label:?}"),
        (None, Some(serial)) => format!("with serial number {serial:?}"),
        (None, None) => "at all".to_owned(),
    }
}
