//! PKCS#12 containers (RFC 7292): a private key and its certificate chain, under a password. Written with PBES2
//! (PBKDF2 with HMAC-SHA-256, AES-256-CBC) and a MAC with HMAC-SHA-256; read as that, and as the older ciphers
//! are not.

use std::sync::{Mutex, PoisonError};

use keybridge_core::{SecretBytes, encoding};
use p12_keystore::{
    Certificate, KeyStore, KeyStoreEntry, Pkcs12Archive, PrivateKey, PrivateKeyChain,
};
use x509_cert::der::{Decode, Encode};

use crate::failure::{Failure, Result};

/// Bytes of a container that is read: each of its bags may cost as much as a password check.
const LARGEST: usize = 64 * 1024;

/// Certificates of a chain that is written or read.
pub(crate) const LONGEST_CHAIN: usize = 16;

/// Iterations of what is written: of PBKDF2 for the key and the certificates, and of the MAC.
const ITERATIONS: u32 = 100_000;

/// What a container holds for one private key.
pub(crate) struct Contents {
    /// The private key, PKCS#8.
    pub(crate) key: SecretBytes,
    /// The name under which it stands there.
    pub(crate) friendly_name: Option<String>,
    /// Its certificate and those above it, DER.
    pub(crate) chain: Vec<Vec<u8>>,
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::invalid_field(format!("PKCS#12: {error}"))
}

/// Writes a container.
///
/// # Errors
/// For a key that is no PKCS#8, certificates that are none, and names that BMPString has no letters for.
pub(crate) fn write(contents: &Contents, password: &str) -> Result<SecretBytes> {
    let key = PrivateKey::from_der(contents.key.expose()).map_err(broken)?;
    let chain = contents.chain.iter().map(|der| Certificate::from_der(der));
    let chain = chain
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(broken)?;
    let mut store = KeyStore::new();
    let name = contents.friendly_name.as_deref().unwrap_or("alias");
    let entry = PrivateKeyChain::new(vec![1], key, chain);
    store.add_entry(name, KeyStoreEntry::PrivateKeyChain(entry));
    let written = store
        .writer(password)
        .encryption_iterations(ITERATIONS)
        .mac_iterations(ITERATIONS)
        .write();
    written.map(SecretBytes::new).map_err(broken)
}

/// Reads a container: the private key of that name, else the first one.
///
/// # Errors
/// For what is no container, or not under that password.
pub(crate) fn read(bytes: &[u8], password: &str, name: Option<&str>) -> Result<Contents> {
    /// What opening costs is the container's to say, up to a gigabyte or a second: one at a time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if bytes.len() > LARGEST {
        return Err(broken(format!("more than {LARGEST} bytes")));
    }
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(broken)?;
    drop(turn);
    let has_name = |own: Option<&str>| match name {
        None => true,
        // RFC 7292 refers to caseIgnoreMatch.
        Some(name) => own.is_some_and(|own| own.to_lowercase() == name.to_lowercase()),
    };
    let mut keys = archive.keys.iter();
    let found = keys.find(|bag| has_name(bag.friendly_name.as_deref()));
    let bag = found.ok_or_else(|| broken("there is no such private key in it"))?;
    let key = SecretBytes::from(bag.key.as_der());
    let certificates: Vec<&[u8]> = archive.certs.iter().map(|bag| bag.cert.as_der()).collect();
    Ok(Contents {
        chain: chain_of(&key, &certificates),
        key,
        friendly_name: bag.friendly_name.clone(),
    })
}

/// The certificate of a private key among others, and those above it.
fn chain_of(key: &SecretBytes, certificates: &[&[u8]]) -> Vec<Vec<u8>> {
    let Ok(own) = encoding::public_key_info_of(key.expose()) else {
        return Vec::new();
    };
    let parsed: Vec<_> = certificates
        .iter()
        .filter_map(|der| Some((*der, x509_cert::Certificate::from_der(der).ok()?)))
        .collect();
    let leaf = parsed.iter().find(|(_, certificate)| {
        let info = certificate.tbs_certificate().subject_public_key_info();
        info.to_der().is_ok_and(|info| info == own)
    });
    let mut chain: Vec<&(&[u8], x509_cert::Certificate)> = leaf.into_iter().collect();
    while let Some((_, last)) = chain.last() {
        let issuer = last.tbs_certificate().issuer();
        let above = parsed.iter().find(|one| {
            one.1.tbs_certificate().subject() == issuer
                && !chain.iter().any(|known| known.0 == one.0)
        });
        match above {
            Some(above) if chain.len() < LONGEST_CHAIN => chain.push(above),
            _ => break,
        }
    }
    chain.into_iter().map(|(der, _)| der.to_vec()).collect()
}
