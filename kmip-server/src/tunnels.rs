//! Clients that call PKCS#11 through KMIP: each C_Initialize makes a module of the client's account,
//! kept under its Correlation Value until C_Finalize, or until it was not used for long.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use keybridge_core::model::Role;
use keybridge_core::{AccountId, Caller, Error, Kms, PrincipalId};
use keybridge_kmip::enums::ResultReason;
use keybridge_pkcs11::rv::Rv;
use keybridge_pkcs11::tunnel::{CodecError, Function, Reply, Tunnel};

use crate::failure::{Failure, Result};

/// A Correlation Value.
type Value = [u8; 16];

/// The modules of the clients.
pub(crate) struct Tunnels {
    open: Mutex<HashMap<Value, Open>>,
    kms: Arc<Kms>,
    limits: TunnelLimits,
}

/// How many modules there may be, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TunnelLimits {
    pub(crate) per_client: usize,
    pub(crate) in_all: usize,
    /// How long one is kept that nobody uses.
    pub(crate) idle: Duration,
}

struct Open {
    owner: (AccountId, PrincipalId),
    tunnel: Arc<Tunnel>,
    used: Instant,
}

impl Open {
    /// Nobody has used it for that long, and nobody is using it.
    fn is_idle(&self, now: Instant, longest: Duration) -> bool {
        now.duration_since(self.used) > longest && Arc::strong_count(&self.tunnel) == 1
    }
}

impl Tunnels {
    pub(crate) fn new(kms: Arc<Kms>, limits: TunnelLimits) -> Self {
        Self {
            open: Mutex::default(),
            kms,
            limits,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Value, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the modules that nobody used for long, and those of clients that are revoked, whose certificates have
    /// expired or who are gone. How many they were.
    ///
    /// # Errors
    /// Store errors; idle ones have ended then.
    pub(crate) fn end_unused(&self) -> keybridge_core::Result<usize> {
        let now = Instant::now();
        let mut ended = Vec::new();
        let owners: HashSet<PrincipalId> = {
            let mut open = self.lock();
            let idle = open.extract_if(|_, entry| entry.is_idle(now, self.limits.idle));
            ended.extend(idle.map(|(_, entry)| entry));
            open.values().map(|entry| entry.owner.1).collect()
        };
        let mut gone = HashSet::new();
        for owner in owners {
            if !self.kms.may_still_call(owner)? {
                gone.insert(owner);
            }
        }
        if !gone.is_empty() {
            let mut open = self.lock();
            let theirs = open.extract_if(|_, entry| gone.contains(&entry.owner.1));
            ended.extend(theirs.map(|(_, entry)| entry));
        }
        // Ending sessions takes the key manager's locks: not under ours.
        Ok(ended.len())
    }

    /// Calls a function; with the Correlation Value to go on with, when the function made one.
    ///
    /// # Errors
    /// PKCS#11 Codec Error; Permission Denied for a principal that uses no keys; Server Limit
    /// Exceeded. What PKCS#11 says is in the reply.
    pub(crate) fn call(
        &self,
        caller: &Caller,
        value: Option<&[u8]>,
        function: Function,
        input: &[u8],
    ) -> Result<(Reply, Option<Vec<u8>>)> {
        // The token's PIN says what may be done; a principal that may use no keys gets no token.
        if !matches!(caller.role(), Role::User | Role::Administrator) {
            return Err(Failure::new(
                ResultReason::PermissionDenied,
                "this principal uses no keys",
            ));
        }
        let owner = (caller.account(), caller.principal());
        let found = self.find(owner, value);
        match function {
            Function::C_Initialize if found.is_some() => {
                Ok((Reply::of(Rv::CRYPTOKI_ALREADY_INITIALIZED), None))
            }
            Function::C_Initialize => {
                let value = self.initialize(owner, input)?;
                Ok((
                    Reply {
                        rv: 0,
                        output: Default::default(),
                    },
                    Some(value),
                ))
            }
            Function::C_Finalize => Ok((self.finalize(value, found.is_some()), None)),
            _ => match found {
                None => Ok((Reply::of(Rv::CRYPTOKI_NOT_INITIALIZED), None)),
                Some(tunnel) => Ok((tunnel.call(function, input).map_err(codec)?, None)),
            },
        }
    }

    /// The module of a value, if it is this client's.
    fn find(&self, owner: (AccountId, PrincipalId), value: Option<&[u8]>) -> Option<Arc<Tunnel>> {
        let key: Value = value?.try_into().ok()?;
        let now = Instant::now();
        let mut open = self.lock();
        let entry = open.get_mut(&key).filter(|entry| entry.owner == owner)?;
        if !entry.is_idle(now, self.limits.idle) {
            entry.used = now;
            return Some(Arc::clone(&entry.tunnel));
        }
        let ended = open.remove(&key);
        drop(open);
        // Ending sessions takes the key manager's locks: not under ours.
        drop(ended);
        None
    }

    fn initialize(&self, owner: (AccountId, PrincipalId), input: &[u8]) -> Result<Vec<u8>> {
        let accounts = self.kms.accounts()?;
        let account = accounts
            .iter()
            .find(|account| account.id == owner.0)
            .ok_or_else(|| Error::Internal("a caller without an account".into()))?;
        let tunnel = Tunnel::initialize(Arc::clone(&self.kms), &account.name, input);
        let tunnel = Arc::new(tunnel.map_err(codec)?);
        let mut value = Value::default();
        rand::fill(&mut value)
            .map_err(|_| Error::Internal("the random generator failed".into()))?;
        let mut open = self.lock();
        let own = open.values().filter(|entry| entry.owner == owner);
        let own = own.count();
        for (count, limit, name) in [
            (own, self.limits.per_client, "pkcs11-per-client"),
            (open.len(), self.limits.in_all, "pkcs11-modules"),
        ] {
            if count >= limit {
                return Err(Failure::by_version(
                    ResultReason::GeneralFailure,
                    ResultReason::ServerLimitExceeded,
                    format!("limit {name} = {limit} reached; server.limits.{name} changes it"),
                ));
            }
        }
        let used = Instant::now();
        open.insert(
            value,
            Open {
                owner,
                tunnel,
                used,
            },
        );
        Ok(value.to_vec())
    }

    fn finalize(&self, value: Option<&[u8]>, is_open: bool) -> Reply {
        let key: Option<Value> = value.and_then(|value| value.try_into().ok());
        let Some(key) = key.filter(|_| is_open) else {
            return Reply::of(Rv::CRYPTOKI_NOT_INITIALIZED);
        };
        let mut open = self.lock();
        let ended = open.remove(&key);
        drop(open);
        drop(ended);
        Reply {
            rv: 0,
            output: Default::default(),
        }
    }
}

fn codec(CodecError: CodecError) -> Failure {
    Failure::new(
        ResultReason::PKCS_11CodecError,
        "the PKCS#11 Input Parameters are not those of the function",
    )
}
