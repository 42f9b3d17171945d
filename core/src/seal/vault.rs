//! The vault: model values into sealed rows and back.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use serde::Serialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Seal;
use super::locked::{KEY_BYTES, LockedKey};
use super::row::{SealedRow, index_of, keyed_hash};
use crate::error::{Error, Result};
use crate::id::{AccountId, ObjectId};
use crate::model::{
    Account, Alias, CredentialKind, Fingerprint, Imprint, Intent, Key, Material, Object,
    ObjectState, Principal,
};
use crate::secret::SecretBytes;
use crate::store::{
    self, AccountRow, AliasRow, ImprintRow, IntentRow, KeyRow, ObjectRow, PrincipalRow, Store,
};

/// Names of the store's meta values.
const META_SEAL: &str = "seal";
const META_DATA_KEY: &str = "data-key";

/// First byte of the material column.
const PUBLIC: u8 = 1;
const SEALED: u8 = 2;
const RESIDENT: u8 = 3;
const WRAPPED: u8 = 4;

/// The open vault of one store.
pub struct Vault {
    data: LockedKey,
    rows: hmac::Key,
    fingerprints: hmac::Key,
}

impl Vault {
    /// Makes root and data key for a new store.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the store has its keys already, seal and store failures.
    pub fn create(store: &dyn Store, seal: &dyn Seal) -> Result<Self> {
        let root = random_key()?;
        let data = random_key()?;
        let sealed_root = seal.seal(&SecretBytes::from(root.expose().as_slice()))?;
        let mut kept = seal.kind().as_bytes().to_vec();
        kept.push(0);
        kept.extend_from_slice(&sealed_root);
        let sealed_data = seal_with(root.expose(), data.expose(), META_DATA_KEY.as_bytes())?;
        store::write(store, |transaction| {
            if transaction.meta(META_SEAL)?.is_some() {
                return Err(Error::AlreadyExists {
                    what: "store",
                    name: "its root key".into(),
                });
            }
            transaction.put_meta(META_SEAL, &kept)?;
            transaction.put_meta(META_DATA_KEY, &sealed_data)
        })?;
        Self::with_data_key(data)
    }

    /// Opens the vault of a store; nothing is changed.
    ///
    /// # Errors
    /// [`Error::SealFailed`]: wrong passphrase, wrong key file, other HSM key, another kind of seal.
    pub fn open(store: &dyn Store, seal: &dyn Seal) -> Result<Self> {
        let (kept, sealed_data) = store::read(store, |reader| {
            Ok((reader.meta(META_SEAL)?, reader.meta(META_DATA_KEY)?))
        })?;
        let missing = || {
            Error::SealFailed("the store has no root key; was `keybridge init` interrupted?".into())
        };
        let kept = kept.ok_or_else(missing)?;
        let at = kept
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(missing)?;
        let (kind, sealed_root) = (&kept[..at], &kept[at + 1..]);
        if kind != seal.kind().as_bytes() {
            return Err(Error::SealFailed(format!(
                "the store is sealed by {}, and the configuration says {}",
                String::from_utf8_lossy(kind),
                seal.kind()
            )));
        }
        let root = seal.unseal(sealed_root)?;
        let damaged = || Error::SealFailed("the data key in the store is damaged".into());
        let root = LockedKey::from_slice(root.expose()).ok_or_else(damaged)?;
        let sealed_data = sealed_data.ok_or_else(missing)?;
        let data =
            open_with(root.expose(), &sealed_data, META_DATA_KEY.as_bytes()).ok_or_else(damaged)?;
        Self::with_data_key(LockedKey::from_slice(data.expose()).ok_or_else(damaged)?)
    }

    fn with_data_key(data: LockedKey) -> Result<Self> {
        let rows = derive(data.expose(), &[b"rows"])?;
        let fingerprints = derive(data.expose(), &[b"fingerprints"])?;
        Ok(Self {
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, fingerprints.as_slice()),
            rows: hmac::Key::new(hmac::HMAC_SHA256, rows.as_slice()),
            data,
        })
    }

    /// A key for another use of its own (the audit, fingerprints), by its label.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn derive_key(&self, label: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
        derive(self.data.expose(), &[b"label", label.as_bytes()])
    }

    /// The fingerprint of what `parts` say in that order, among the things of this `kind` that the account has.
    #[must_use]
    pub fn fingerprint(&self, account: AccountId, kind: &str, parts: &[&[u8]]) -> Fingerprint {
        keyed_hash(&self.fingerprints, kind, account, parts)
    }

    /// The row of what is remembered of a value.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn imprint_row(&self, fingerprint: Fingerprint, imprint: &Imprint) -> Result<ImprintRow> {
        let mut row = ImprintRow {
            fingerprint,
            record: to_record(imprint)?,
            seal: Vec::new(),
        };
        row.seal = row.compute(&self.rows);
        Ok(row)
    }

    /// What is remembered of a value.
    ///
    /// # Errors
    /// [`Error::Tampered`].
    pub fn imprint(&self, row: &ImprintRow) -> Result<Imprint> {
        self.check(row)?;
        from_record(row, &row.record)
    }

    /// The row of a key that is about to be made in an HSM.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn intent_row(&self, id: ObjectId, intent: &Intent) -> Result<IntentRow> {
        let mut row = IntentRow {
            id,
            record: to_record(intent)?,
            seal: Vec::new(),
        };
        row.seal = row.compute(&self.rows);
        Ok(row)
    }

    /// The intent of a row.
    ///
    /// # Errors
    /// [`Error::Tampered`].
    pub fn intent(&self, row: &IntentRow) -> Result<Intent> {
        self.check(row)?;
        from_record(row, &row.record)
    }

    /// Each value has a key of its own, so random nonces never wear out.
    fn object_key(&self, id: ObjectId) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
        derive(self.data.expose(), &[b"object", id.as_bytes()])
    }

    /// An object's row.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn object_row(&self, object: &Object) -> Result<ObjectRow> {
        let material = match &object.material {
            Material::None => None,
            Material::Public(value) => Some(tagged(PUBLIC, value)),
            Material::Resident { hsm_id } => Some(tagged(RESIDENT, hsm_id)),
            Material::Wrapped { blob } => Some(tagged(WRAPPED, blob)),
            Material::Secret(value) => {
                let key = self.object_key(object.id)?;
                let associated = value_identity(object.id, object.account);
                Some(tagged(
                    SEALED,
                    &seal_with(&key, value.expose(), &associated)?,
                ))
            }
        };
        let mut row = ObjectRow {
            id: object.id,
            account: object.account,
            class: object.class,
            key: object.key,
            label: object.attributes.label.clone(),
            cka_id: object.attributes.cka_id.clone(),
            index: index_of(&object.attributes),
            names: sorted_names(object),
            private: object.attributes.private,
            record: to_record(object)?,
            material,
            seal: Vec::new(),
        };
        row.seal = row.compute(&self.rows);
        Ok(row)
    }

    /// The object of a row.
    ///
    /// # Errors
    /// [`Error::Tampered`] naming the object.
    pub fn object(&self, row: &ObjectRow) -> Result<Object> {
        self.check(row)?;
        let mut object: Object = from_record(row, &row.record)?;
        let same = object.id == row.id
            && object.account == row.account
            && object.class == row.class
            && object.key == row.key
            && object.attributes.label == row.label
            && object.attributes.cka_id == row.cka_id
            && object.attributes.private == row.private
            && sorted_names(&object) == row.names
            && index_of(&object.attributes) == row.index;
        if !same {
            return Err(tampered(row));
        }
        object.material = match row.material.as_deref() {
            None => Material::None,
            Some([PUBLIC, value @ ..]) => Material::Public(value.to_vec()),
            Some([RESIDENT, hsm_id @ ..]) => Material::Resident {
                hsm_id: hsm_id.to_vec(),
            },
            Some([WRAPPED, blob @ ..]) => Material::Wrapped {
                blob: blob.to_vec(),
            },
            Some([SEALED, sealed @ ..]) => {
                let key = self.object_key(row.id)?;
                let associated = value_identity(row.id, row.account);
                Material::Secret(open_with(&key, sealed, &associated).ok_or_else(|| tampered(row))?)
            }
            Some(_) => return Err(tampered(row)),
        };
        Ok(object)
    }

    /// A key's row.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn key_row(&self, key: &Key) -> Result<KeyRow> {
        let mut row = KeyRow {
            id: key.id,
            account: key.account,
            name: key.name.clone(),
            deletion: key.deletion.map(|at| at.0),
            record: to_record(key)?,
            seal: Vec::new(),
        };
        row.seal = row.compute(&self.rows);
        Ok(row)
    }

    /// The key of a row.
    ///
    /// # Errors
    /// [`Error::Tampered`].
    pub fn key(&self, row: &KeyRow) -> Result<Key> {
        self.check(row)?;
        from_record(row, &row.record)
    }

    /// An account's row.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn account_row(&self, account: &Account) -> Result<AccountRow> {
        let mut row = AccountRow {
            id: account.id,
            name: account.name.clone(),
            record: to_record(account)?,
            seal: Vec::new(),
        };
        row.seal = row.compute(&self.rows);
        Ok(row)
    }

    /// The account of a row.
    ///
    /// # Errors
    /// [`Error::Tampered`].
    pub fn account(&self, row: &AccountRow) -> Result<Account> {
        self.check(row)?;
        from_record(row, &row.record)
    }

    /// A principal's row.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn principal_row(&self, principal: &Principal) -> Result<PrincipalRow> {
        let fingerprint = |kind: &CredentialKind| match kind {
            CredentialKind::Certificate { fingerprint, .. } => Some(fingerprint.clone()),
            // A claim has a "=", so it is never taken for a fingerprint.
            CredentialKind::Subject { identity } => Some(identity.clone()),
            CredentialKind::Password { .. } => None,
        };
        let mut fingerprints: Vec<String> = principal
            .credentials
            .iter()
            .filter_map(|credential| fingerprint(&credential.kind))
            .collect();
        fingerprints.sort();
        let mut row = PrincipalRow {
            id: principal.id,
            account: principal.account,
            name: principal.name.clone(),
            fingerprints,
            record: to_record(principal)?,
            seal: Vec::new(),
        };
        row.seal = row.compute(&self.rows);
        Ok(row)
    }

    /// The principal of a row.
    ///
    /// # Errors
    /// [`Error::Tampered`].
    pub fn principal(&self, row: &PrincipalRow) -> Result<Principal> {
        self.check(row)?;
        from_record(row, &row.record)
    }

    /// An alias's row.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn alias_row(&self, alias: &Alias) -> Result<AliasRow> {
        let mut row = AliasRow {
            account: alias.account,
            name: alias.name.clone(),
            key: alias.key,
            seal: Vec::new(),
        };
        row.seal = row.compute(&self.rows);
        Ok(row)
    }

    /// The alias of a row.
    ///
    /// # Errors
    /// [`Error::Tampered`].
    pub fn alias(&self, row: &AliasRow) -> Result<Alias> {
        self.check(row)?;
        Ok(Alias {
            account: row.account,
            name: row.name.clone(),
            key: row.key,
        })
    }

    fn check<R: SealedRow>(&self, row: &R) -> Result<()> {
        if bool::from(row.compute(&self.rows).ct_eq(row.seal())) {
            Ok(())
        } else {
            Err(tampered(row))
        }
    }
}

fn tampered<R: SealedRow>(row: &R) -> Error {
    Error::Tampered {
        what: R::WHAT,
        id: row.name(),
    }
}

fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + value.len());
    bytes.push(tag);
    bytes.extend_from_slice(value);
    bytes
}

/// What a sealed value is bound to beside its row's seal.
fn value_identity(id: ObjectId, account: AccountId) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(id.as_bytes());
    bytes[16..].copy_from_slice(account.as_bytes());
    bytes
}

/// The names that nobody else in the account may have. A destroyed object keeps its Name in its record (and is found
/// by its label), but holds it no longer.
fn sorted_names(object: &Object) -> Vec<String> {
    if matches!(
        object.state,
        ObjectState::Destroyed | ObjectState::DestroyedCompromised
    ) {
        return Vec::new();
    }
    let names = object.attributes.names.iter();
    let mut names: Vec<String> = names.map(|name| name.value.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn to_record(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::Internal(format!("a record does not serialize: {error}")))
}

fn from_record<R: SealedRow, T: DeserializeOwned>(row: &R, record: &[u8]) -> Result<T> {
    serde_json::from_slice(record).map_err(|error| {
        // Its seal is right, so a bridge wrote it: a newer one than this.
        Error::Store(format!(
            "the record of {} {} is not understood: {error}",
            R::WHAT,
            row.name()
        ))
    })
}

fn random_key() -> Result<LockedKey> {
    let mut key = LockedKey::zeroed();
    rand::fill(key.expose_mut())
        .map_err(|_| Error::Internal("the random generator failed".into()))?;
    Ok(key)
}

/// HKDF-SHA-256 (RFC 5869) with the parts as info.
fn derive(key: &[u8; KEY_BYTES], info: &[&[u8]]) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    let failed = |_| Error::Internal("HKDF".into());
    let mut derived = Zeroizing::new([0; KEY_BYTES]);
    hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key)
        .expand(info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(derived.as_mut_slice()))
        .map_err(failed)?;
    Ok(derived)
}

fn aead(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey> {
    let key =
        UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::Internal("AES-256-GCM".into()))?;
    Ok(LessSafeKey::new(key))
}

/// AES-256-GCM under a random nonce: nonce ‖ ciphertext ‖ tag.
pub(super) fn seal_with(
    key: &[u8; KEY_BYTES],
    plaintext: &[u8],
    associated: &[u8],
) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| Error::Internal("the random generator failed".into()))?;
    let mut buffer = Zeroizing::new(plaintext.to_vec());
    let tag = aead(key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            buffer.as_mut_slice(),
        )
        .map_err(|_| Error::Internal("AES-256-GCM".into()))?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + buffer.len() + tag.as_ref().len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&buffer);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal_with`] made; none if anything about it differs.
pub(super) fn open_with(
    key: &[u8; KEY_BYTES],
    sealed: &[u8],
    associated: &[u8],
) -> Option<SecretBytes> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let opened = aead(key)
        .ok()?
        .open_in_place(nonce, Aad::from(associated), buffer.as_mut_slice())
        .ok()?;
    Some(SecretBytes::from(&*opened))
}
