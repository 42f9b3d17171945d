//! Re-Provision (KMIP 2.1 section 6.1.48): a client's certificate takes the place of the one that it came with.

use std::sync::Arc;

use super::Kms;
use super::change::Change;
use super::request::{Find, NewCredential, Register};
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle::effective_state;
use crate::model::{Credential, CredentialKind, Object, ObjectClass, ObjectState};
use crate::store::ObjectQuery;
use crate::time::Timestamp;

impl Kms {
    /// Gives the caller a new credential, and revokes the certificate of `fingerprint`, by which it came: its next
    /// request with that one is refused. What belongs to the new credential is kept in the same transaction.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] when the caller did not come by that certificate, [`Error::Denied`] when it was
    /// revoked as an object of the account, [`Error::AlreadyExists`] when the new one is somebody's already;
    /// those of [`Kms::register_all`].
    pub fn reprovision(
        &self,
        caller: &Arc<Caller>,
        fingerprint: &str,
        credential: NewCredential,
        objects: Vec<Register>,
    ) -> Result<Vec<ObjectId>> {
        let credential = self.refusable(caller, Verb::Reprovision, None, || {
            self.check_not_revoked(caller, fingerprint)?;
            self.credential_of(credential)
        })?;
        let made = self.register_stored(caller, Verb::Reprovision, objects, |change| {
            change.replace_credential(fingerprint, credential)
        })?;
        // Its own change does not end it: what is left of its batch may fetch what was made. The door lets it in no
        // more.
        self.freshen()?;
        caller.note_standing(self.cache.principal_changes());
        Ok(made)
    }

    /// "SHALL fail if the certificate that represents the client credential has been Revoked", or compromised: as an
    /// object, where it is one.
    fn check_not_revoked(&self, caller: &Arc<Caller>, fingerprint: &str) -> Result<()> {
        let now = Timestamp::now();
        let revoked = |object: &Object| {
            let good = matches!(
                effective_state(object.state, &object.dates, now),
                ObjectState::PreActive | ObjectState::Active
            );
            let hex = |digest: [u8; 32]| -> String {
                digest.iter().map(|byte| format!("{byte:02x}")).collect()
            };
            !good && object.digest.map(hex).as_deref() == Some(fingerprint)
        };
        let find = Find {
            query: ObjectQuery {
                class: Some(ObjectClass::Certificate),
                limit: Some(1),
                ..ObjectQuery::default()
            },
            filter: Some(&revoked),
            ..Find::default()
        };
        if self.find(caller, &find)?.is_empty() {
            Ok(())
        } else {
            Err(Error::Denied("the certificate was revoked".into()))
        }
    }
}

impl Change<'_> {
    fn replace_credential(&mut self, fingerprint: &str, credential: Credential) -> Result<()> {
        let other = || Error::InvalidRequest("the client did not come by that certificate".into());
        let id = self.caller.principal();
        let before = self.transaction.principal(id)?.ok_or_else(other)?;
        let mut principal = self.kms.vault.principal(&before)?;
        let used = principal.credentials.iter_mut().find(|credential| {
            credential.revoked.is_none()
                && matches!(&credential.kind, CredentialKind::Certificate { fingerprint: own, .. }
                    if own == fingerprint)
        });
        let used = used.ok_or_else(other)?;
        used.revoked = Some(self.now);
        self.record.detail = format!(
            "{:?}: {} for {}",
            principal.name, credential.name, used.name
        );
        if let CredentialKind::Certificate { fingerprint, .. } = &credential.kind
            && self
                .transaction
                .principal_by_fingerprint(fingerprint)?
                .is_some()
        {
            return Err(Error::AlreadyExists {
                what: "client certificate",
                name: credential.name,
            });
        }
        principal.credentials.push(credential);
        let after = self.kms.vault.principal_row(&principal)?;
        self.transaction.put_principal(&after)?;
        self.steps.principal(before, &after);
        // What is kept along gets records of its own.
        self.next_record()
    }
}
