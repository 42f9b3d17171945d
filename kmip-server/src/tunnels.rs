//! Clients that call PKCS#11 through KMIP: each C_Initialize makes a module of the client's account,
//! kept under its Correlation Value until C_Finalize, or until it was not used for long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
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
    per_client: usize,
    idle: Duration,
}

struct Open {
    owner: (AccountId, PrincipalId),
    tunnel: Arc<Tunnel>,
    used: Instant,
}

impl Tunnels {
    pub(crate) fn new(kms: Arc<Kms>, per_client: usize, idle_seconds: u32) -> Self {
        Self {
            open: Mutex::default(),
            kms,
            per_client,
            idle: Duration::from_secs(idle_seconds.into()),
        }
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
            Function::INITIALIZE if found.is_some() => {
                Ok((Reply::of(Rv::CRYPTOKI_ALREADY_INITIALIZED), None))
            }
            Function::INITIALIZE => {
                let value = self.initialize(owner, input)?;
                Ok((
                    Reply {
                        rv: 0,
                        output: Default::default(),
                    },
                    Some(value),
                ))
            }
            Function::FINALIZE => Ok((self.finalize(value, found.is_some()), None)),
            _ => match found {
                None => Ok((Reply::of(Rv::CRYPTOKI_NOT_INITIALIZED), None)),
                Some(tunnel) => Ok((tunnel.call(function, input).map_err(codec)?, None)),
            },
        }
    }

    /// The module of a value. Those that nobody used for long end here.
    fn find(&self, owner: (AccountId, PrincipalId), value: Option<&[u8]>) -> Option<Arc<Tunnel>> {
        let now = Instant::now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let old: Vec<Value> = open
            .iter()
            .filter(|(_, entry)| now.duration_since(entry.used) > self.idle)
            .map(|(value, _)| *value)
            .collect();
        let ended: Vec<_> = old.iter().filter_map(|value| open.remove(value)).collect();
        let key: Option<Value> = value.and_then(|value| value.try_into().ok());
        let found = key
            .and_then(|key| open.get_mut(&key))
            .filter(|entry| entry.owner == owner)
            .map(|entry| {
                entry.used = now;
                Arc::clone(&entry.tunnel)
            });
        drop(open);
        // Ending sessions takes the key manager's locks: not under ours.
        drop(ended);
        found
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
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.values().filter(|entry| entry.owner == owner);
        if own.count() >= self.per_client {
            return Err(Failure::by_version(
                ResultReason::GeneralFailure,
                ResultReason::ServerLimitExceeded,
                format!(
                    "limit pkcs11-per-client = {} reached; server.limits.pkcs11-per-client changes it",
                    self.per_client
                ),
            ));
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
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
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
