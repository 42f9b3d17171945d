//! What the operations of one request share: who asks, in which version, and what the batch made so
//! far.

use std::sync::Arc;

use keybridge_core::{Caller, Kms, ObjectId};
use keybridge_kmip::Version;
use keybridge_kmip::attributes::UniqueIdentifier;
use keybridge_kmip::enums::{Operation, ResultReason, UniqueIdentifierEnumeration};
use keybridge_kmip::message::Ticket;
use keybridge_kmip::operations::Data;

use crate::failure::{Failure, Result};
use crate::identity::{LinkCredential, Turned};
use crate::processor::Services;
use crate::references::References;
use crate::settings::{ServerAnswers, ServerLimits};
use crate::tickets::{Grant, Wanted};

/// What the operations of one request share.
pub struct Context<'a> {
    pub(crate) kms: &'a Kms,
    pub(crate) caller: &'a Arc<Caller>,
    pub(crate) services: &'a Services,
    /// What a ticket grants its bearer.
    pub(crate) grant: Option<&'a Grant>,
    /// The operation whose objects are to be asked about, when the grant is about objects.
    pub(crate) narrowed: Option<Operation>,
    /// Where the connection learns that its roles change.
    pub(crate) turned: Option<Turned>,
    /// The credential of the connection itself.
    pub(crate) link: Option<LinkCredential>,
    /// The request's version, to which every byte of the answer keeps.
    pub version: Version,
    /// Limits in force.
    pub limits: &'a ServerLimits,
    /// Where the standard leaves the answer to the server.
    pub answers: ServerAnswers,
    /// ID Placeholder (1.4 section 4; 2.1 section 6.1).
    pub(crate) placeholder: Option<ObjectId>,
    /// Asynchronous operations whose results the answer tells.
    pub(crate) polled: Vec<Vec<u8>>,
    /// What earlier batch items gave, for 2.x's references to them.
    pub(crate) references: References,
}

impl Context<'_> {
    /// A call that is answered from memory.
    pub fn inline<T>(&self, call: impl FnOnce(&Kms, &Arc<Caller>) -> T) -> T {
        call(self.kms, self.caller)
    }

    /// A call that waits for the disk, an HSM or long arithmetic: other connections go on
    /// meanwhile.
    pub fn blocking<T>(&self, call: impl FnOnce(&Kms, &Arc<Caller>) -> T) -> T {
        tokio::task::block_in_place(|| call(self.kms, self.caller))
    }

    /// As [`Context::blocking`] when `blocks`, else inline.
    pub fn perhaps_blocking<T>(
        &self,
        blocks: bool,
        call: impl FnOnce(&Kms, &Arc<Caller>) -> T,
    ) -> T {
        if blocks {
            self.blocking(call)
        } else {
            self.inline(call)
        }
    }

    /// What lasts from request to request.
    pub(crate) const fn services(&self) -> &Services {
        self.services
    }

    /// A ticket for the caller.
    pub(crate) fn issue_ticket(&self, wanted: Wanted) -> Result<Ticket> {
        if self.grant.is_some() {
            // A ticket that begets tickets has no end, and may get rid of its rights.
            return Err(Failure::new(
                ResultReason::PermissionDenied,
                "a ticket makes no tickets: log in with the credential itself",
            ));
        }
        self.services.tickets.issue(self.caller, wanted)
    }

    /// The object that a payload names; without a name, the ID Placeholder.
    ///
    /// # Errors
    /// When there is no such object, or nothing in the placeholder, or a ticket does not allow it.
    pub fn object(&self, identifier: Option<&UniqueIdentifier>) -> Result<ObjectId> {
        let id = self.named(identifier)?;
        if let (Some(operation), Some(grant)) = (self.narrowed, self.grant) {
            let object = self.kms.inspect(self.caller, id)?;
            let groups = crate::attributes::object_groups(&object);
            grant.check_object(operation, id, &groups)?;
        }
        Ok(id)
    }

    /// [`Context::object`], for an operation for which "any archived object SHALL first be made available by a
    /// Recover operation" (2.1 section 6.1): all but Recover itself, and those that use the value, which the core refuses.
    ///
    /// # Errors
    /// As [`Context::object`]; Object Archived.
    pub fn online_object(&self, identifier: Option<&UniqueIdentifier>) -> Result<ObjectId> {
        let id = self.object(identifier)?;
        match self.kms.inspect(self.caller, id) {
            Ok(object) if object.archived => Err(keybridge_core::Error::Archived.into()),
            // What is wrong with it says the operation.
            _ => Ok(id),
        }
    }

    fn named(&self, identifier: Option<&UniqueIdentifier>) -> Result<ObjectId> {
        match identifier {
            None
            | Some(UniqueIdentifier::Enumeration(UniqueIdentifierEnumeration::IDPlaceholder)) => {
                self.placeholder.ok_or_else(|| {
                    Failure::by_version(
                        ResultReason::ItemNotFound,
                        ResultReason::ObjectNotFound,
                        "no Unique Identifier is given, and the ID Placeholder is empty",
                    )
                })
            }
            Some(UniqueIdentifier::Text(text)) => {
                text.parse().map_err(|_| Failure::no_object(text))
            }
            Some(UniqueIdentifier::Enumeration(kind)) => self
                .references
                .object(*kind)
                .ok_or_else(|| Failure::no_object(&kind.to_string())),
            Some(UniqueIdentifier::Index(index)) => self
                .references
                .nth_object(*index)
                .ok_or_else(|| Failure::no_object(&index.to_string())),
        }
    }

    /// The data of a request: its own, or what an earlier item of the batch gave.
    ///
    /// # Errors
    /// When there is none.
    pub fn data<'a>(&'a self, data: Option<&'a Data>) -> Result<&'a [u8]> {
        let data = data.ok_or_else(|| Failure::invalid_message("the Data is missing"))?;
        self.references.bytes(data)
    }

    /// An operation has an object as its result: later batch items may refer to it.
    pub fn made(&mut self, kind: UniqueIdentifierEnumeration, id: ObjectId) {
        self.references.made(kind, id);
    }

    /// Fills the ID Placeholder, or empties it.
    pub fn set_placeholder(&mut self, id: Option<ObjectId>) {
        self.placeholder = id;
    }
}

/// An object's Unique Identifier.
#[must_use]
pub fn identifier(id: ObjectId) -> UniqueIdentifier {
    UniqueIdentifier::Text(id.to_string())
}
