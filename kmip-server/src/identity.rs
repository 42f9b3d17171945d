//! Who sends a request: the certificate of the connection, and what the request's header adds.
//!
//! A certificate (or a claim of its subject) is a principal. Credentials in the header must all
//! hold (1.4 section 6.6; 2.1 section 9.4); one that names a principal makes that principal the one
//! who asks, within the account of the certificate. A login to an HSM's token, or a token's PIN, is
//! never a proof here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use keybridge_core::authorize::Origin;
use keybridge_core::time::Timestamp;
use keybridge_core::{AccountId, Caller, Door, Error, Kms, PrincipalId, SecretBytes};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{Operation, ResultReason};
use keybridge_kmip::message::{Credential, Device, RequestHeader};

use crate::failure::{Failure, Result};
use crate::listener::{AttestationPolicy, IdentifyBy};
use crate::pki;
use crate::tickets::{Grant, Tickets};

/// Callers remembered, so that one who asks often is one actor in the audit.
const REMEMBERED: usize = 4096;

/// The version in which a client asked to be told of changes on its connection, once it did.
pub(crate) type Turned = Arc<OnceLock<Version>>;

/// Whoever lets clients in by their certificates.
pub(crate) trait Doorkeeper: std::fmt::Debug + Send + Sync {
    /// Whether a client with this certificate, DER, would be let in.
    ///
    /// # Errors
    /// Words, when not.
    fn accepts(&self, certificate: &[u8]) -> std::result::Result<(), String>;

    /// The CA that makes clients' certificates here, if there is one.
    ///
    /// # Errors
    /// When its files cannot be used.
    fn authority(&self) -> std::result::Result<Option<pki::Authority>, pki::PkiError>;
}

/// The certificate that a client came by, and whoever looked at it.
#[derive(Clone, Debug)]
pub(crate) struct LinkCredential {
    pub(crate) fingerprint: String,
    pub(crate) doorkeeper: Arc<dyn Doorkeeper>,
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    proof: Proof,
    origin: Origin,
    account: Option<AccountId>,
    attestation: AttestationPolicy,
    /// Where the roles of the connection may change (Set Endpoint Role).
    turned: Option<Turned>,
    doorkeeper: Option<Arc<dyn Doorkeeper>>,
}

#[derive(Clone, Debug)]
enum Proof {
    /// A certificate that TLS has verified: how it is looked up, and until when it is good.
    Certificate {
        identities: Vec<String>,
        expires: Timestamp,
    },
    /// Somebody who has proven themselves already: the server's own process.
    Caller(Arc<Caller>),
}

/// Who asks.
#[derive(Debug)]
pub(crate) struct Requester {
    pub(crate) caller: Arc<Caller>,
    /// What a ticket grants; none without a ticket.
    pub(crate) grant: Option<Arc<Grant>>,
    /// Whether this is somebody: strangers may ask what the server can do, and nothing else.
    pub(crate) known: bool,
}

impl Peer {
    /// The bearer of a certificate that TLS has verified.
    ///
    /// # Errors
    /// Words, when it is no certificate.
    pub fn of_certificate(
        der: &[u8],
        identify_by: &[IdentifyBy],
        origin: Origin,
    ) -> std::result::Result<Self, String> {
        let claims = pki::claims(der)?;
        let named = |kind: &str, values: &[String]| -> Vec<String> {
            values
                .iter()
                .map(|value| format!("{kind}={value}"))
                .collect()
        };
        let identities = identify_by.iter().flat_map(|by| match by {
            IdentifyBy::Fingerprint => vec![pki::fingerprint(der)],
            IdentifyBy::Cn => named("cn", &claims.cn),
            IdentifyBy::Uid => named("uid", &claims.uid),
            IdentifyBy::Serial => named("serial", std::slice::from_ref(&claims.serial)),
            IdentifyBy::San => named("san", &claims.san),
        });
        Ok(Self {
            proof: Proof::Certificate {
                identities: identities.collect(),
                expires: claims.expires,
            },
            origin,
            account: None,
            attestation: AttestationPolicy::default(),
            turned: None,
            doorkeeper: None,
        })
    }

    /// Somebody whom the key manager knows already.
    #[must_use]
    pub fn known(caller: Arc<Caller>) -> Self {
        Self {
            origin: caller.origin(),
            proof: Proof::Caller(caller),
            account: None,
            attestation: AttestationPolicy::default(),
            turned: None,
            doorkeeper: None,
        }
    }

    /// With the account of users whose certificate is nobody's.
    #[must_use]
    pub fn with_account(mut self, account: Option<AccountId>) -> Self {
        self.account = account;
        self
    }

    /// With what is done to attestation credentials.
    #[must_use]
    pub fn with_attestation(mut self, attestation: AttestationPolicy) -> Self {
        self.attestation = attestation;
        self
    }

    /// Let in by this one.
    #[must_use]
    pub(crate) fn let_in_by(mut self, doorkeeper: Arc<dyn Doorkeeper>) -> Self {
        self.doorkeeper = Some(doorkeeper);
        self
    }

    /// The credential of the connection itself, where clients are known by their very certificates.
    pub(crate) fn link_credential(&self) -> Option<LinkCredential> {
        let Proof::Certificate { identities, .. } = &self.proof else {
            return None;
        };
        // A claim has a "=", a fingerprint has none.
        let fingerprint = identities.iter().find(|identity| !identity.contains('='))?;
        Some(LinkCredential {
            fingerprint: fingerprint.clone(),
            doorkeeper: Arc::clone(self.doorkeeper.as_ref()?),
        })
    }

    /// On a connection whose roles may change.
    #[must_use]
    pub(crate) fn that_may_turn(mut self) -> Self {
        self.turned = Some(Arc::default());
        self
    }

    /// Where it is noted that they have.
    pub(crate) const fn turned(&self) -> Option<&Turned> {
        self.turned.as_ref()
    }

    /// The version to ask the client in, once they have.
    pub(crate) fn turned_in(&self) -> Option<Version> {
        self.turned.as_ref()?.get().copied()
    }

    /// The principal of the connection itself, as of now; none for a certificate that is nobody's.
    pub(crate) fn principal(&self, kms: &Kms) -> keybridge_core::Result<Option<Arc<Caller>>> {
        let (identities, expires) = match &self.proof {
            Proof::Caller(caller) => return Ok(Some(Arc::clone(caller))),
            Proof::Certificate {
                identities,
                expires,
            } => (identities, *expires),
        };
        if expires <= Timestamp::now() {
            return Err(Error::CredentialRevoked("of the certificate".into()));
        }
        for identity in identities {
            match kms.authenticate_certificate(identity, self.origin, Door::Kmip) {
                Ok(caller) => return Ok(Some(caller)),
                Err(Error::WrongCredential) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Who proved what from where: account, principal, credential, origin.
type Proven = (AccountId, PrincipalId, String, Origin);

/// Finds out who asks.
#[derive(Debug)]
pub(crate) struct Identities {
    callers: Mutex<HashMap<Proven, Arc<Caller>>>,
}

impl Identities {
    pub(crate) fn new() -> Self {
        Self {
            callers: Mutex::default(),
        }
    }

    /// Who asks, by the connection and the header.
    ///
    /// # Errors
    /// Authentication Not Successful; Attestation Failed.
    pub(crate) fn identify(
        &self,
        kms: &Kms,
        tickets: &Tickets,
        peer: &Peer,
        header: &RequestHeader,
    ) -> Result<Requester> {
        let mut who = peer.principal(kms)?;
        let account = who.as_ref().map(|caller| caller.account()).or(peer.account);
        let mut grant = None;
        let credentials = header.authentication.iter().flat_map(|a| &a.credentials);
        for credential in credentials {
            let proven = match credential {
                Credential::UsernameAndPassword(given) => Some(password(
                    kms,
                    account,
                    &given.username,
                    given.password.as_deref().unwrap_or_default(),
                    peer.origin,
                )?),
                Credential::Device(device) => device_of(kms, account, device, peer.origin)?,
                Credential::Ticket(given) => {
                    let (caller, given) = tickets.redeem(&given.ticket, kms, peer.origin)?;
                    grant = Some(given);
                    Some(caller)
                }
                Credential::Attestation(_) => {
                    refuse_attestation(peer.attestation)?;
                    None
                }
                other => {
                    let kind = other.credential_type();
                    return Err(unsuccessful(format!(
                        "credentials of type {kind} are not supported"
                    )));
                }
            };
            who = proven.map(|caller| self.remembered(caller)).or(who);
        }
        let known = who.is_some();
        let nobody = || kms.public_caller(AccountId::from_bytes([0; 16]), Door::Kmip);
        Ok(Requester {
            caller: who.unwrap_or_else(nobody),
            grant,
            known,
        })
    }

    /// The same caller as the last time, if it is the same.
    fn remembered(&self, caller: Arc<Caller>) -> Arc<Caller> {
        let key = (
            caller.account(),
            caller.principal(),
            caller.credential().to_owned(),
            caller.origin(),
        );
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = callers.get(&key)
            && known.role() == caller.role()
            && known.name() == caller.name()
        {
            return Arc::clone(known);
        }
        if callers.len() >= REMEMBERED {
            callers.clear();
        }
        callers.insert(key, Arc::clone(&caller));
        caller
    }
}

impl Requester {
    /// Whether somebody may ask this at all: "Query operations … should not require
    /// authentication" (2.1 section 9.4).
    pub(crate) fn may_ask(&self, operations: impl IntoIterator<Item = Operation>) -> Result<()> {
        let mut operations = operations.into_iter();
        let is_open =
            |operation| matches!(operation, Operation::Query | Operation::DiscoverVersions);
        if self.known || operations.all(is_open) {
            return Ok(());
        }
        Err(Error::WrongCredential.into())
    }
}

fn password(
    kms: &Kms,
    account: Option<AccountId>,
    name: &str,
    password: &str,
    origin: Origin,
) -> Result<Arc<Caller>> {
    let account = account.ok_or_else(|| {
        unsuccessful("the certificate is nobody's, and the listener has no account".into())
    })?;
    let password = SecretBytes::from(password);
    // Argon2id takes its time.
    Ok(tokio::task::block_in_place(|| {
        kms.authenticate_password(account, name, &password, origin, Door::Kmip)
    })?)
}

/// A device with a password is the user of its serial number, else of its identifier. One without
/// tells which device it is, and proves nothing that the certificate does not.
fn device_of(
    kms: &Kms,
    account: Option<AccountId>,
    device: &Device,
    origin: Origin,
) -> Result<Option<Arc<Caller>>> {
    let Some(given) = device.password.as_deref() else {
        return Ok(None);
    };
    let name = device
        .device_serial_number
        .as_deref()
        .or(device.device_identifier.as_deref())
        .ok_or_else(|| {
            unsuccessful("a Device with a password has a serial number or an identifier".into())
        })?;
    password(kms, account, name, given, origin).map(Some)
}

fn refuse_attestation(policy: AttestationPolicy) -> Result<()> {
    match policy {
        AttestationPolicy::Ignore => Ok(()),
        AttestationPolicy::Refuse => Err(Failure::new(
            ResultReason::AttestationFailed,
            "attestations are not verified here; server.attestation = \"ignore\" lets them pass",
        )),
    }
}

fn unsuccessful(message: String) -> Failure {
    Failure::new(ResultReason::AuthenticationNotSuccessful, message)
}
