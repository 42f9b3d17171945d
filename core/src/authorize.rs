//! Who calls, and whether they may. One decision for every verb of every door.

use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::audit::{Actor, Verb};
use crate::error::{Error, Result};
use crate::id::{AccountId, PrincipalId};
use crate::model::{ApplicationId, Attributes, Lifetime, Role};
use crate::undo::UndoLog;

/// The door a request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Door {
    /// The bridge itself: scheduled jobs.
    Internal = 0,
    /// The PKCS#11 module in an application's process.
    Pkcs11 = 1,
    /// The KMIP server.
    Kmip = 2,
    /// The HTTPS API.
    Api = 3,
    /// The command line.
    CommandLine = 4,
}

impl Door {
    /// The door of that number in the audit.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Internal,
            1 => Self::Pkcs11,
            2 => Self::Kmip,
            3 => Self::Api,
            4 => Self::CommandLine,
            _ => return None,
        })
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::Pkcs11 => "pkcs11",
            Self::Kmip => "kmip",
            Self::Api => "api",
            Self::CommandLine => "command-line",
        })
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A process on this machine.
    Process {
        /// Process id.
        pid: u32,
        /// User id.
        uid: u32,
    },
    /// A peer on the network.
    Network(IpAddr),
}

impl Origin {
    /// This process.
    #[must_use]
    pub fn this_process() -> Self {
        Self::Process {
            pid: std::process::id(),
            uid: rustix::process::getuid().as_raw(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, uid } => write!(f, "process {pid} of user {uid}"),
            Self::Network(address) => address.fmt(f),
        }
    }
}

/// Who calls, proven by what, from where, through which door. Made by [`crate::Kms`]'s logins only.
#[derive(Debug)]
pub struct Caller {
    account: AccountId,
    principal: PrincipalId,
    role: Role,
    name: String,
    credential: String,
    origin: Origin,
    door: Door,
    application: ApplicationId,
    actor: OnceLock<Actor>,
    standing: Standing,
    /// What a batch did so far, if it may have to be undone.
    undo: Option<UndoLog>,
}

/// Of which generation a caller's credential was, and when that was last seen to be the present one.
#[derive(Debug, Default)]
struct Standing {
    generation: u32,
    /// As the cache counts changes of principals; 0 is never.
    seen: AtomicU64,
}

impl Caller {
    /// A caller whose credential the key manager has checked.
    pub(crate) fn proven(
        account: AccountId,
        principal: PrincipalId,
        role: Role,
        name: impl Into<String>,
        credential: impl Into<String>,
        origin: Origin,
        door: Door,
    ) -> Self {
        Self {
            account,
            principal,
            role,
            name: name.into(),
            credential: credential.into(),
            origin,
            door,
            application: ApplicationId::NONE,
            actor: OnceLock::new(),
            standing: Standing::default(),
            undo: None,
        }
    }

    fn again(&self) -> Self {
        Self {
            account: self.account,
            principal: self.principal,
            role: self.role,
            name: self.name.clone(),
            credential: self.credential.clone(),
            origin: self.origin,
            door: self.door,
            application: self.application,
            actor: OnceLock::new(),
            standing: Standing {
                generation: self.standing.generation,
                seen: AtomicU64::new(self.standing.seen.load(Ordering::Relaxed)),
            },
            undo: None,
        }
    }

    /// The caller whose credential was of that generation when the cache had seen so many changes of principals.
    pub(crate) fn of_generation(mut self, generation: u32, seen: u64) -> Self {
        self.standing = Standing {
            generation,
            seen: AtomicU64::new(seen),
        };
        self
    }

    /// The generation that its credential was of.
    pub(crate) const fn generation(&self) -> u32 {
        self.standing.generation
    }

    /// Whether its credential was good when the cache had seen so many changes of principals.
    pub(crate) fn stood_at(&self, seen: u64) -> bool {
        self.standing.seen.load(Ordering::Relaxed) == seen
    }

    /// Notes that it was.
    pub(crate) fn note_standing(&self, seen: u64) {
        self.standing.seen.store(seen, Ordering::Relaxed);
    }

    /// The same caller for the length of one batch, whose changes are noted so that
    /// [`crate::Kms::undo`] can take them back.
    #[must_use]
    pub fn undoable(&self) -> Self {
        Self {
            undo: Some(UndoLog::default()),
            ..self.again()
        }
    }

    /// The same caller in an application of PKCS#11, whose session objects it sees, and nobody else's.
    #[must_use]
    pub fn in_application(&self, application: ApplicationId) -> Self {
        Self {
            application,
            ..self.again()
        }
    }

    /// What this batch did so far.
    pub(crate) const fn undo_log(&self) -> Option<&UndoLog> {
        self.undo.as_ref()
    }

    /// Who this is to the audit; made once.
    pub(crate) fn actor(&self) -> &Actor {
        self.actor.get_or_init(|| Actor::new(self))
    }

    /// The account called upon.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Who.
    #[must_use]
    pub const fn principal(&self) -> PrincipalId {
        self.principal
    }

    /// In which role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The principal's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the credential that proved it.
    #[must_use]
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// From where.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Whose session objects it sees.
    #[must_use]
    pub const fn application(&self) -> ApplicationId {
        self.application
    }

    /// Through which door.
    #[must_use]
    pub const fn door(&self) -> Door {
        self.door
    }
}

/// What a verb is done to.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    /// The account that owns it.
    pub account: AccountId,
    /// Whether a public session may see it.
    pub private: bool,
    /// Whether it is (or will be) in this process's memory only, and ends with a session.
    pub session: bool,
}

impl Resource {
    /// A key as a whole, with all its versions: nothing that is seen before a login.
    pub(crate) const fn key(account: AccountId) -> Self {
        Self {
            account,
            private: true,
            session: false,
        }
    }

    /// An object that the caller is about to make.
    #[must_use]
    pub fn to_be(caller: &Caller, attributes: &Attributes, lifetime: Lifetime) -> Self {
        Self {
            account: caller.account(),
            private: attributes.private,
            session: lifetime != Lifetime::Stored,
        }
    }
}

/// Decides. Default is to deny; another account's resources do not exist for the caller.
///
/// Grants and policies (see `docs/ARCHITECTURE.md`) will be asked here, between the account's
/// boundary and the role's table.
///
/// # Errors
/// [`Error::NotFound`] across accounts, [`Error::LoginRequired`] for a public caller,
/// [`Error::Denied`] otherwise.
pub fn authorize(caller: &Caller, verb: Verb, resource: Option<&Resource>) -> Result<()> {
    if let Some(resource) = resource
        && resource.account != caller.account()
    {
        return Err(Error::NotFound {
            what: "object",
            name: String::new(),
        });
    }
    let private = resource.is_some_and(|resource| resource.private);
    let session = resource.is_some_and(|resource| resource.session);
    if permits(caller.role(), verb, private, session) {
        return Ok(());
    }
    if caller.role() == Role::Public {
        return Err(Error::LoginRequired);
    }
    Err(Error::Denied(format!(
        "a {:?} may not do {verb}",
        caller.role()
    )))
}

/// The role table.
const fn permits(role: Role, verb: Verb, private: bool, session: bool) -> bool {
    match role {
        Role::Administrator => true,
        Role::User => !verb.is_administration(),
        // PKCS#11 3.2 section 5.6.8: the SO sees public objects, sets PINs and CKA_TRUSTED.
        Role::SecurityOfficer => {
            !private
                && (verb.is_read()
                    || matches!(
                        verb,
                        Verb::Register
                            | Verb::Modify
                            | Verb::Delete
                            | Verb::Copy
                            | Verb::SetPin
                            | Verb::InitPin
                    ))
        }
        // Read/write access to public session objects (PKCS#11 Usage Guide, table of session states); what is stored
        // is changed by nobody who is not known.
        Role::Public => {
            !private
                && (verb.is_read()
                    || verb.is_public_use()
                    || (session && !verb.is_administration()))
        }
        Role::Auditor => matches!(verb, Verb::ReadAudit),
    }
}
