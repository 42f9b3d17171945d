//! The seal of the store's root key with a non-extractable key in the HSM.
//!
//! AES-256-GCM where the token has it; else AES-256-CBC and HMAC-SHA-256 over the ciphertext, with two keys.
//! The sealed form (all lengths fixed):
//!
//! ```text
//! version 1 | method | CKA_ID of the keys (16) | initialization vector | ciphertext | tag
//! ```
//!
//! The method, the CKA_ID and the store's id are authenticated, so that one store's seal does not open as
//! another's.

use std::sync::Arc;

use cryptoki::error::Error as TokenError;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism as TokenMechanism, MechanismType};
use cryptoki::object::{
    Attribute, AttributeType, KeyType, ObjectClass as TokenClass, ObjectHandle,
};
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use subtle::ConstantTimeEq;

use super::connection::Lease;
use super::failure::Failure;
use super::pool::{HsmPool, Repeat};
use crate::error::{Error, Result};
use crate::seal::Seal;
use crate::secret::SecretBytes;

const VERSION: u8 = 1;
const ROOT_LENGTH: usize = 32;
const ID_LENGTH: usize = 16;
const HEADER_LENGTH: usize = 2 + ID_LENGTH;
const GCM_IV_LENGTH: usize = 12;
const GCM_TAG_LENGTH: usize = 16;
const CBC_IV_LENGTH: usize = 16;
const HMAC_LENGTH: usize = 32;

/// How the root key is encrypted; the number stands in the sealed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Gcm = 1,
    CbcHmac = 2,
}

impl Method {
    fn sealed_length(self) -> usize {
        HEADER_LENGTH
            + ROOT_LENGTH
            + match self {
                Self::Gcm => GCM_IV_LENGTH + GCM_TAG_LENGTH,
                Self::CbcHmac => CBC_IV_LENGTH + HMAC_LENGTH,
            }
    }
}

/// Seals a store's root key with a key of a pool.
#[derive(Clone, Debug)]
pub struct HsmSeal {
    pool: Arc<HsmPool>,
    store: String,
    /// Takes no notice of the token's GCM: for tests of the other method.
    without_gcm: bool,
}

impl HsmSeal {
    /// A seal for the store with that id. Its key is labelled `keybridge-seal-<store>` in the HSM; it is made
    /// when a root key is sealed for the first time, never when one is opened.
    #[must_use]
    pub fn new(pool: Arc<HsmPool>, store: &str) -> Self {
        Self {
            pool,
            store: store.to_owned(),
            without_gcm: false,
        }
    }

    /// Its pool.
    #[must_use]
    pub fn pool(&self) -> &Arc<HsmPool> {
        &self.pool
    }

    #[cfg(test)]
    pub(super) fn without_gcm(mut self) -> Self {
        self.without_gcm = true;
        self
    }

    fn label(&self) -> String {
        format!("keybridge-seal-{}", self.store)
    }

    fn failed(&self, words: impl std::fmt::Display) -> Error {
        Error::SealFailed(format!("HSM pool {:?}: {words}", self.pool.name()))
    }

    fn method(&self) -> Result<Method> {
        let connection = self.pool.connection()?;
        let both_ways = |kind| {
            connection
                .mechanism(kind)
                .is_some_and(|info| info.encrypt() && info.decrypt())
        };
        let signs = |kind| connection.mechanism(kind).is_some_and(|info| info.sign());
        if !self.without_gcm && both_ways(MechanismType::AES_GCM) {
            Ok(Method::Gcm)
        } else if both_ways(MechanismType::AES_CBC) && signs(MechanismType::SHA256_HMAC) {
            Ok(Method::CbcHmac)
        } else {
            Err(self
                .failed("the token has neither CKM_AES_GCM nor CKM_AES_CBC with CKM_SHA256_HMAC"))
        }
    }

    /// The key of that class of use, by its id.
    fn find(
        &self,
        lease: &Lease,
        kind: KeyType,
        id: Option<&[u8]>,
    ) -> std::result::Result<Option<ObjectHandle>, TokenError> {
        let mut template = vec![
            Attribute::Class(TokenClass::SECRET_KEY),
            Attribute::KeyType(kind),
            Attribute::Token(true),
            Attribute::Label(self.label().into_bytes()),
        ];
        template.extend(id.map(|id| Attribute::Id(id.to_vec())));
        Ok(super::key::find_objects(lease, &template)?.first().copied())
    }

    /// The seal's keys' `CKA_ID`: of those that are there, or of new ones.
    fn find_or_make(&self, method: Method) -> Result<Vec<u8>> {
        let there = self.pool.call(Repeat::Safe, |lease| {
            let session = lease.session();
            let Some(key) = self.find(lease, KeyType::AES, None)? else {
                return Ok(None);
            };
            self.check_guarded(session, key)?;
            let id = session
                .get_attributes(key, &[AttributeType::Id])?
                .into_iter()
                .find_map(|attribute| match attribute {
                    Attribute::Id(id) if id.len() == ID_LENGTH => Some(id),
                    _ => None,
                })
                .ok_or_else(|| self.failed("its seal key has no CKA_ID of 16 bytes"))?;
            if method == Method::CbcHmac
                && self
                    .find(lease, KeyType::GENERIC_SECRET, Some(&id))?
                    .is_none()
            {
                return Err(self
                    .failed("the token has only one of the seal's two keys")
                    .into());
            }
            Ok(Some(id))
        })?;
        match there {
            Some(id) => Ok(id),
            None => self.make(method),
        }
    }

    fn make(&self, method: Method) -> Result<Vec<u8>> {
        let id = uuid::Uuid::new_v4().as_bytes().to_vec();
        let template = |kind, extra: &[Attribute]| {
            let mut template = vec![
                Attribute::Class(TokenClass::SECRET_KEY),
                Attribute::KeyType(kind),
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Id(id.clone()),
                Attribute::Label(self.label().into_bytes()),
                Attribute::ValueLen(Ulong::new(32)),
            ];
            template.extend_from_slice(extra);
            template
        };
        self.pool.call(Repeat::Never, |lease| {
            let session = lease.session();
            if method == Method::CbcHmac {
                // First: an AES key without its companion would be found, and refused, ever after.
                session.generate_key(
                    &TokenMechanism::GenericSecretKeyGen,
                    &template(KeyType::GENERIC_SECRET, &[Attribute::Sign(true)]),
                )?;
            }
            session.generate_key(
                &TokenMechanism::AesKeyGen,
                &template(
                    KeyType::AES,
                    &[Attribute::Encrypt(true), Attribute::Decrypt(true)],
                ),
            )?;
            Ok(())
        })?;
        Ok(id)
    }

    /// A key of our label that could be read out was not made by us, and protects nothing.
    fn check_guarded(
        &self,
        session: &Session,
        key: ObjectHandle,
    ) -> std::result::Result<(), Failure> {
        let attributes =
            session.get_attributes(key, &[AttributeType::Sensitive, AttributeType::Extractable])?;
        let guarded = attributes.contains(&Attribute::Sensitive(true))
            && attributes.contains(&Attribute::Extractable(false));
        if guarded {
            Ok(())
        } else {
            Err(self
                .failed(format!(
                    "the key {:?} on the token is extractable",
                    self.label()
                ))
                .into())
        }
    }

    fn key(
        &self,
        lease: &Lease,
        kind: KeyType,
        id: &[u8],
    ) -> std::result::Result<ObjectHandle, Failure> {
        let found = self.find(lease, kind, Some(id))?;
        found.ok_or_else(|| {
            let token = &lease.connection.token;
            self.failed(format!(
                "the token {:?} (serial number {}) does not have the key {:?} that sealed this store",
                token.label(),
                token.serial_number(),
                self.label()
            ))
            .into()
        })
    }

    /// What is authenticated besides the ciphertext.
    fn context(&self, header: &[u8]) -> Vec<u8> {
        [
            b"keybridge seal\0".as_slice(),
            header,
            self.store.as_bytes(),
        ]
        .concat()
    }

    /// HMAC over context, IV and ciphertext. Their lengths are fixed but the store's id's, which is therefore
    /// followed by its length.
    fn mac(
        &self,
        lease: &Lease,
        header: &[u8],
        body: &[u8],
    ) -> std::result::Result<Vec<u8>, Failure> {
        let key = self.key(lease, KeyType::GENERIC_SECRET, &header[2..])?;
        let length = (self.store.len() as u64).to_be_bytes();
        let input = [self.context(header).as_slice(), &length, body].concat();
        Ok(lease
            .session()
            .sign(&TokenMechanism::Sha256Hmac, key, &input)?)
    }

    fn encrypt(
        &self,
        lease: &Lease,
        method: Method,
        header: &[u8],
        iv: &[u8],
        root: &SecretBytes,
    ) -> std::result::Result<Vec<u8>, Failure> {
        let key = self.key(lease, KeyType::AES, &header[2..])?;
        let session = lease.session();
        let mut body = iv.to_vec();
        match method {
            Method::Gcm => {
                let (mut iv, aad) = (iv.to_vec(), self.context(header));
                let mechanism = TokenMechanism::AesGcm(gcm(&mut iv, &aad)?);
                body.extend(session.encrypt(&mechanism, key, root.expose())?);
            }
            Method::CbcHmac => {
                let mechanism = TokenMechanism::AesCbc(cbc_iv(iv)?);
                body.extend(session.encrypt(&mechanism, key, root.expose())?);
                let tag = self.mac(lease, header, &body)?;
                body.extend(tag);
            }
        }
        Ok(body)
    }

    fn decrypt(
        &self,
        lease: &Lease,
        method: Method,
        sealed: &[u8],
    ) -> std::result::Result<SecretBytes, Failure> {
        let (header, body) = sealed.split_at(HEADER_LENGTH);
        let key = self.key(lease, KeyType::AES, &header[2..])?;
        let session = lease.session();
        let changed = || self.failed("the sealed root key was changed");
        let root = match method {
            Method::Gcm => {
                let (iv, ciphertext) = body.split_at(GCM_IV_LENGTH);
                let (mut iv, aad) = (iv.to_vec(), self.context(header));
                let mechanism = TokenMechanism::AesGcm(gcm(&mut iv, &aad)?);
                session
                    .decrypt(&mechanism, key, ciphertext)
                    .map_err(|error| super::key::judge_data(lease, error, changed()))?
            }
            Method::CbcHmac => {
                let (body, tag) = body.split_at(body.len() - HMAC_LENGTH);
                let expected = self.mac(lease, header, body)?;
                if !bool::from(expected.as_slice().ct_eq(tag)) {
                    return Err(changed().into());
                }
                let (iv, ciphertext) = body.split_at(CBC_IV_LENGTH);
                let mechanism = TokenMechanism::AesCbc(cbc_iv(iv)?);
                session.decrypt(&mechanism, key, ciphertext)?
            }
        };
        Ok(SecretBytes::new(root))
    }
}

fn gcm<'a>(iv: &'a mut [u8], aad: &'a [u8]) -> Result<GcmParams<'a>> {
    GcmParams::new(
        iv,
        aad,
        Ulong::new(8 * GCM_TAG_LENGTH as std::os::raw::c_ulong),
    )
    .map_err(|_| Error::Internal("GCM parameters of the seal".to_owned()))
}

fn cbc_iv(iv: &[u8]) -> Result<[u8; CBC_IV_LENGTH]> {
    iv.try_into()
        .map_err(|_| Error::Internal("CBC initialization vector of the seal".to_owned()))
}

impl Seal for HsmSeal {
    fn kind(&self) -> &'static str {
        "hsm"
    }

    fn seal(&self, root: &SecretBytes) -> Result<Vec<u8>> {
        if root.len() != ROOT_LENGTH {
            return Err(self.failed(format!("a root key has {ROOT_LENGTH} bytes")));
        }
        let method = self.method()?;
        let id = self.find_or_make(method)?;
        let header = [[VERSION, method as u8].as_slice(), &id].concat();
        let mut iv = vec![
            0;
            match method {
                Method::Gcm => GCM_IV_LENGTH,
                Method::CbcHmac => CBC_IV_LENGTH,
            }
        ];
        aws_lc_rs::rand::fill(&mut iv)
            .map_err(|_| Error::Internal("no random numbers".to_owned()))?;
        let body = self.pool.call(Repeat::Safe, |lease| {
            self.encrypt(lease, method, &header, &iv, root)
        })?;
        let sealed = [header, body].concat();
        if sealed.len() == method.sealed_length() {
            Ok(sealed)
        } else {
            Err(self.failed("the token's ciphertext has an unexpected length"))
        }
    }

    fn discard(&self) -> Result<()> {
        self.pool.call(Repeat::Safe, |lease| {
            for kind in [KeyType::AES, KeyType::GENERIC_SECRET] {
                while let Some(key) = self.find(lease, kind, None)? {
                    lease.session().destroy_object(key)?;
                }
            }
            Ok(())
        })
    }

    fn unseal(&self, sealed: &[u8]) -> Result<SecretBytes> {
        let method = match sealed {
            [VERSION, 1, ..] => Method::Gcm,
            [VERSION, 2, ..] => Method::CbcHmac,
            _ => return Err(self.failed("this is no root key sealed by an HSM")),
        };
        if sealed.len() != method.sealed_length() {
            return Err(self.failed("the sealed root key is cut or too long"));
        }
        let root = self
            .pool
            .call(Repeat::Safe, |lease| self.decrypt(lease, method, sealed))?;
        if root.len() == ROOT_LENGTH {
            Ok(root)
        } else {
            Err(self.failed("the sealed root key was changed"))
        }
    }
}
