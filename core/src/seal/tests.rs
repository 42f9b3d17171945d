//! Tests of seals and the vault.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::row::{SealedRow, index_entry};
use super::{KeyfileSeal, PassphraseSeal, Seal, Vault};
use crate::algorithm::KeySpec;
use crate::error::Error;
use crate::id::{AccountId, KeyId, ObjectId, PrincipalId};
use crate::model::{
    Account, Alias, AttributeValue, Attributes, Credential, CredentialKind, CustomAttribute, Dates,
    Lifetime, Material, Name, NameType, Object, ObjectClass, ObjectState, Principal, Protection,
    Role, Token,
};
use crate::secret::SecretBytes;
use crate::store::sqlite::SqliteStore;
use crate::store::{ObjectRow, read};
use crate::time::Timestamp;

struct Scratch {
    folder: tempfile::TempDir,
    store: SqliteStore,
    seal: KeyfileSeal,
    vault: Vault,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
        let seal = KeyfileSeal::create(&folder.path().join("seal.key")).unwrap();
        let vault = Vault::create(&store, &seal).unwrap();
        Self {
            folder,
            store,
            seal,
            vault,
        }
    }
}

fn object(material: Material) -> Object {
    let color = CustomAttribute {
        index: 0,
        value: AttributeValue::Text("red".into()),
    };
    Object {
        id: ObjectId::random(),
        account: AccountId::random(),
        class: ObjectClass::SecretKey,
        spec: Some(KeySpec::Aes { bits: 256 }),
        key: Some(KeyId::random()),
        version: 1,
        owner: PrincipalId::random(),
        state: ObjectState::Active,
        dates: Dates::default(),
        revocation: None,
        deletion: None,
        protection: Protection::Software,
        always_sensitive: true,
        never_extractable: true,
        local: true,
        key_gen_mechanism: None,
        format: None,
        digest: None,
        public_key_info: None,
        fingerprint: None,
        fresh: true,
        archived: false,
        attributes: Attributes {
            label: "label".into(),
            cka_id: vec![1, 2],
            names: vec![Name {
                value: "name".into(),
                kind: NameType::Text,
            }],
            custom: BTreeMap::from([("x-color".to_owned(), vec![color])]),
            ..Attributes::default()
        },
        lifetime: Lifetime::Stored,
        material,
    }
}

fn secret() -> Material {
    Material::Secret(SecretBytes::from(
        b"the value of this key is no news".as_slice(),
    ))
}

#[test]
fn objects_come_back_as_they_were() {
    let scratch = Scratch::new();
    let materials = [
        secret(),
        Material::None,
        Material::Public(vec![1, 2, 3]),
        Material::Secret(SecretBytes::default()),
        Material::Resident { hsm_id: vec![4] },
        Material::Wrapped { blob: vec![5, 6] },
    ];
    for material in materials {
        let object = object(material);
        let row = scratch.vault.object_row(&object).unwrap();
        assert_eq!(scratch.vault.object(&row).unwrap(), object);
    }
    let row = scratch.vault.object_row(&object(secret())).unwrap();
    let holds = |bytes: &[u8]| {
        bytes
            .windows(8)
            .any(|part| part == b"no news\0" || part == b"the valu")
    };
    assert!(!holds(&row.record) && !holds(row.material.as_ref().unwrap()));
}

#[test]
fn another_process_opens_the_same_vault() {
    let scratch = Scratch::new();
    let row = scratch.vault.object_row(&object(secret())).unwrap();
    let again = Vault::open(&scratch.store, &scratch.seal).unwrap();
    again.object(&row).unwrap();
    let key = |vault: &Vault, label| *vault.derive_key(label).unwrap();
    assert_eq!(key(&again, "audit"), key(&scratch.vault, "audit"));
    assert_ne!(key(&again, "audit"), key(&again, "other"));

    // And no other store's.
    let other = Scratch::new();
    assert!(matches!(
        other.vault.object(&row),
        Err(Error::Tampered { what: "object", .. })
    ));
    assert!(matches!(
        Vault::create(&scratch.store, &scratch.seal),
        Err(Error::AlreadyExists { .. })
    ));
}

/// A change to a row.
type Edit = fn(&mut ObjectRow);

#[test]
fn every_column_is_under_the_seal() {
    let scratch = Scratch::new();
    let object = object(secret());
    let good = scratch.vault.object_row(&object).unwrap();
    let edits: &[Edit] = &[
        |row| row.id = ObjectId::random(),
        |row| row.account = AccountId::random(),
        |row| row.class = ObjectClass::PublicKey,
        |row| row.key = None,
        |row| row.key = Some(KeyId::random()),
        |row| row.label.push('x'),
        |row| row.cka_id.clear(),
        |row| row.index.clear(),
        |row| row.index[0].0.push('x'),
        |row| row.index[0].1.push(0),
        |row| row.names.clear(),
        |row| row.names.push("more".into()),
        |row| row.private = false,
        |row| row.record[20] ^= 1,
        |row| row.material = None,
        |row| row.material.as_mut().unwrap()[0] = 1,
        |row| *row.material.as_mut().unwrap().last_mut().unwrap() ^= 1,
        |row| row.seal.clear(),
        |row| row.seal[0] ^= 1,
    ];
    for (number, edit) in edits.iter().enumerate() {
        let mut row = good.clone();
        edit(&mut row);
        let refused = scratch.vault.object(&row);
        assert!(
            matches!(&refused, Err(Error::Tampered { what: "object", id }) if *id == row.id.to_string()),
            "edit {number}: {refused:?}"
        );
    }
}

#[test]
fn other_rows_come_back_and_are_sealed() {
    let scratch = Scratch::new();
    let account = Account {
        id: AccountId::random(),
        name: "main".into(),
        token: Token::default(),
        deletion_protection: false,
        conventions: crate::model::Conventions::default(),
        created: Timestamp(5),
    };
    let row = scratch.vault.account_row(&account).unwrap();
    assert_eq!(scratch.vault.account(&row).unwrap(), account);
    let renamed = crate::store::AccountRow {
        name: "other".into(),
        ..row
    };
    assert!(matches!(
        scratch.vault.account(&renamed),
        Err(Error::Tampered { .. })
    ));

    let certificate = Credential {
        name: "01".into(),
        kind: CredentialKind::Certificate {
            fingerprint: "ab".repeat(32),
            subject: "CN=client".into(),
        },
        expires: None,
        revoked: None,
        failures: 0,
        generation: 0,
    };
    let principal = Principal {
        id: PrincipalId::random(),
        account: account.id,
        name: "client".into(),
        role: Role::User,
        credentials: vec![certificate],
        created: Timestamp(6),
    };
    let row = scratch.vault.principal_row(&principal).unwrap();
    assert_eq!(row.fingerprints, ["ab".repeat(32)]);
    assert_eq!(scratch.vault.principal(&row).unwrap(), principal);
    let mut redirected = row;
    redirected.fingerprints[0] = "cd".repeat(32);
    assert!(matches!(
        scratch.vault.principal(&redirected),
        Err(Error::Tampered { .. })
    ));

    let alias = Alias {
        account: account.id,
        name: "current".into(),
        key: KeyId::random(),
    };
    let row = scratch.vault.alias_row(&alias).unwrap();
    assert_eq!(scratch.vault.alias(&row).unwrap(), alias);
    let redirected = crate::store::AliasRow {
        key: KeyId::random(),
        ..row
    };
    assert!(matches!(
        scratch.vault.alias(&redirected),
        Err(Error::Tampered { .. })
    ));
}

/// Rows of few different small values, so that those that differ only in where a column ends are many.
fn small_row() -> impl Strategy<Value = ObjectRow> {
    let text = || "[ab]{0,2}";
    let bytes = || prop::collection::vec(0..2_u8, 0..3);
    let names = prop::collection::vec(text(), 0..3);
    let index = prop::collection::vec((text(), bytes()), 0..3);
    (
        (text(), bytes(), names, index),
        (bytes(), prop::option::of(bytes()), any::<bool>()),
        (0..2_u8, prop::option::of(0..2_u8)),
    )
        .prop_map(
            |((label, cka_id, names, index), (record, material, private), (id, key))| ObjectRow {
                id: ObjectId::from_bytes([id; 16]),
                account: AccountId::from_bytes([0; 16]),
                class: ObjectClass::Data,
                key: key.map(|key| KeyId::from_bytes([key; 16])),
                label,
                cka_id,
                index,
                names,
                private,
                record,
                material,
                seal: Vec::new(),
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn different_rows_have_different_seals(one in small_row(), other in small_row()) {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[1; 32]);
        prop_assert_eq!(one == other, one.compute(&key) == other.compute(&key));
    }

    #[test]
    fn different_values_stand_in_the_index_differently(
        one in "[ab]{0,3}", other in "[ab]{0,3}", repeated in 0..80_usize,
    ) {
        let entry = |text: &String, bytes: bool| {
            let text = text.repeat(repeated);
            let value = if bytes {
                AttributeValue::Bytes(text.into_bytes())
            } else {
                AttributeValue::Text(text)
            };
            index_entry("x-name", &value)
        };
        let same = one.repeat(repeated) == other.repeat(repeated);
        prop_assert_eq!(same, entry(&one, false) == entry(&other, false));
        prop_assert_ne!(entry(&one, false), entry(&one, true));
        prop_assert!(entry(&one, false).1.len() <= 65);
    }
}

#[test]
fn a_damaged_or_foreign_seal_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let seal = KeyfileSeal::create(&folder.path().join("one")).unwrap();
    let other = KeyfileSeal::create(&folder.path().join("two")).unwrap();
    let root = SecretBytes::new(vec![7; 32]);
    let sealed = seal.seal(&root).unwrap();
    assert_eq!(seal.unseal(&sealed).unwrap(), root);
    assert!(matches!(other.unseal(&sealed), Err(Error::SealFailed(_))));
    for length in 0..sealed.len() {
        assert!(seal.unseal(&sealed[..length]).is_err());
    }
    for place in 0..sealed.len() {
        let mut sealed = sealed.clone();
        sealed[place] ^= 1;
        assert!(seal.unseal(&sealed).is_err());
    }
}

#[test]
fn a_wrong_passphrase_is_said_to_be_wrong() {
    let seal = PassphraseSeal::new("correct horse".into());
    let root = SecretBytes::new(vec![7; 32]);
    let sealed = seal.seal(&root).unwrap();
    assert_eq!(seal.unseal(&sealed).unwrap(), root);
    let wrong = PassphraseSeal::new("correct house".into()).unseal(&sealed);
    assert!(matches!(wrong, Err(Error::SealFailed(why)) if why == "wrong passphrase"));
    // Costs that would exhaust the machine are refused before they are paid.
    let mut dear = sealed.clone();
    dear[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(seal.unseal(&dear), Err(Error::SealFailed(_))));
    for length in 0..40 {
        assert!(seal.unseal(&sealed[..length]).is_err());
    }
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.folder.path().join("seal.key");
    KeyfileSeal::read(&path).unwrap();
    assert!(matches!(
        KeyfileSeal::create(&path),
        Err(Error::AlreadyExists { .. })
    ));
    let refusal = || KeyfileSeal::read(&path).err().unwrap().to_string();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    assert!(refusal().contains("chmod 600"));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&path, [1; 31]).unwrap();
    assert!(refusal().contains("31 bytes"));
}

#[test]
fn another_kind_of_seal_is_named_and_changes_nothing() {
    let scratch = Scratch::new();
    let before = read(&scratch.store, |reader| reader.meta("seal")).unwrap();
    let refused = Vault::open(&scratch.store, &PassphraseSeal::new("x".into()));
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("sealed by keyfile"), "{message}");
    assert_eq!(
        read(&scratch.store, |reader| reader.meta("seal")).unwrap(),
        before
    );
    let empty = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&empty.path().join("store.db")).unwrap();
    assert!(matches!(
        Vault::open(&store, &scratch.seal),
        Err(Error::SealFailed(_))
    ));
}
