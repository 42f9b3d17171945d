//! Key pairs: RustCrypto's `rsa`, `p256`, `p384`, `p521`, and dalek's Ed25519 and X25519.

use std::sync::LazyLock;

use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPrivateKey};
use sha2::Digest as _;

use super::ciphers::wrapped_by;
use super::second_implementation::Infallible;
use super::{Draw, HashAlgorithm, Kind, digest, generate, pair_on, private_key, run};
use crate::Curve;
use crate::algorithm::{KeySpec, LatticeSet};
use crate::encoding::{EcPrivateKey, NamedCurve};
use crate::engine::ReadyKey;
use crate::engine::software::tests::{Arc, Result};
use crate::mechanism::{Hedge, KeyDerivation, Mechanism, PreHash, Purpose, RsaHash};
use crate::secret::SecretBytes;

/// A key of both; making one for each case would take minutes.
static RSA: LazyLock<(Arc<dyn ReadyKey>, RsaPrivateKey)> = LazyLock::new(|| {
    let (value, _) = generate(KeySpec::Rsa { bits: 2048 });
    (
        private_key(value.expose()).unwrap(),
        RsaPrivateKey::from_pkcs8_der(value.expose()).unwrap(),
    )
});

/// The hashes of RSA; SM3 has no identifier for it.
macro_rules! of_rsa_hash {
    ($hash:expr, $type:ident => $body:expr) => {{
        macro_rules! of {
            ($of:ty) => {{
                type $type = $of;
                $body
            }};
        }
        match $hash {
            HashAlgorithm::Sha1 => of!(sha1::Sha1),
            HashAlgorithm::Sha224 => of!(sha2::Sha224),
            HashAlgorithm::Sha256 => of!(sha2::Sha256),
            HashAlgorithm::Sha384 => of!(sha2::Sha384),
            HashAlgorithm::Sha512 => of!(sha2::Sha512),
            HashAlgorithm::Sha512_224 => of!(sha2::Sha512_224),
            HashAlgorithm::Sha512_256 => of!(sha2::Sha512_256),
            HashAlgorithm::Sha3_224 => of!(sha3::Sha3_224),
            HashAlgorithm::Sha3_256 => of!(sha3::Sha3_256),
            HashAlgorithm::Sha3_384 => of!(sha3::Sha3_384),
            HashAlgorithm::Sha3_512 => of!(sha3::Sha3_512),
            HashAlgorithm::Sm3 => unreachable!("RSA has it not"),
        }
    }};
}

fn verifies(ours: &dyn ReadyKey, of: &Mechanism, data: &[u8], signature: &[u8]) -> Result<()> {
    ours.verify(Purpose::Verify, of, data, signature)
}

pub(super) fn rsa_pkcs1(draw: &mut Draw, _kind: Kind) {
    let (ours, theirs) = &*RSA;
    let length = draw.below(246);
    let message = draw.bytes(length);
    let mechanism = Mechanism::RsaPkcs1;
    let signature = theirs
        .sign(Pkcs1v15Sign::new_unprefixed(), &message)
        .unwrap();
    assert_eq!(
        run(&**ours, Purpose::Sign, &mechanism, &message).unwrap(),
        signature
    );
    verifies(&**ours, &mechanism, &message, &signature).unwrap();
    let sealed = run(&**ours, Purpose::Encrypt, &mechanism, &message).unwrap();
    assert_eq!(theirs.decrypt(Pkcs1v15Encrypt, &sealed).unwrap(), message);
    let public = theirs.to_public_key();
    let sealed = public.encrypt(&mut Infallible, Pkcs1v15Encrypt, &message);
    let opened = run(&**ours, Purpose::Decrypt, &mechanism, &sealed.unwrap());
    assert_eq!(opened.unwrap(), message);
}

pub(super) fn rsa_pkcs1_hash(draw: &mut Draw, _kind: Kind, hash: HashAlgorithm) {
    let (ours, theirs) = &*RSA;
    let message = draw.data();
    let digest = digest(hash, &message);
    let padding = of_rsa_hash!(hash, D => Pkcs1v15Sign::new::<D>());
    let signature = theirs.sign(padding, &digest).unwrap();
    for (digested, data) in [(false, &message), (true, &digest)] {
        let mechanism = Mechanism::RsaPkcs1Hash { hash, digested };
        assert_eq!(
            run(&**ours, Purpose::Sign, &mechanism, data).unwrap(),
            signature
        );
        verifies(&**ours, &mechanism, data, &signature).unwrap();
    }
}

pub(super) fn rsa_pss(draw: &mut Draw, _kind: Kind, hash: HashAlgorithm) {
    let (ours, theirs) = &*RSA;
    let (message, salt_length) = (draw.data(), draw.below(100));
    let digest = digest(hash, &message);
    let public = theirs.to_public_key();
    for (digested, data) in [(false, &message), (true, &digest)] {
        let mechanism = Mechanism::RsaPss {
            hash: RsaHash { hash, mgf1: hash },
            salt_length,
            digested,
        };
        let signature = run(&**ours, Purpose::Sign, &mechanism, data).unwrap();
        of_rsa_hash!(hash, D => {
            let padding = || Pss::<D>::new_with_salt(salt_length);
            public.verify(padding(), &digest, &signature).unwrap();
            let signature = theirs.sign_with_rng(&mut Infallible, padding(), &digest).unwrap();
            verifies(&**ours, &mechanism, data, &signature).unwrap();
        });
    }
}

pub(super) fn rsa_oaep(draw: &mut Draw, _kind: Kind, hash: HashAlgorithm) {
    let (ours, theirs) = &*RSA;
    let length = draw.below(256 - 2 - 2 * hash.length());
    let (message, label) = (draw.bytes(length), draw.bytes(9));
    let mechanism = Mechanism::RsaOaep {
        hash: RsaHash {
            hash,
            mgf1: HashAlgorithm::Sha1,
        },
        label: label.clone(),
    };
    of_rsa_hash!(hash, D => {
        let padding = || Oaep::<D, sha1::Sha1>::new_with_mgf_hash_and_label(label.clone());
        let sealed = run(&**ours, Purpose::Encrypt, &mechanism, &message).unwrap();
        assert_eq!(theirs.decrypt(padding(), &sealed).unwrap(), message);
        let public = theirs.to_public_key();
        let sealed = public.encrypt(&mut Infallible, padding(), &message).unwrap();
        let opened = run(&**ours, Purpose::Decrypt, &mechanism, &sealed).unwrap();
        assert_eq!(opened, message);
    });
}

pub(super) fn rsa_aes_key_wrap(draw: &mut Draw, _kind: Kind, hash: HashAlgorithm) {
    let (ours, theirs) = &*RSA;
    let length = 1 + draw.below(300);
    let (value, bits) = (draw.bytes(length), draw.pick(&[128, 192, 256]));
    let mechanism = Mechanism::RsaAesKeyWrap {
        hash: RsaHash { hash, mgf1: hash },
        label: vec![],
        bits,
    };
    let wrapped = ours
        .wrap(&mechanism, &SecretBytes::from(&value[..]))
        .unwrap();
    of_rsa_hash!(hash, D => {
        let temporary = theirs.decrypt(Oaep::<D>::new(), &wrapped[..256]).unwrap();
        assert_eq!(temporary.len() as u32 * 8, bits);
        assert_eq!(wrapped[256..], wrapped_by(&temporary, &value, true));
        let temporary = draw.bytes(bits as usize / 8);
        let public = theirs.to_public_key();
        let first = public.encrypt(&mut Infallible, Oaep::<D>::new(), &temporary).unwrap();
        let wrapped = [first, wrapped_by(&temporary, &value, true)].concat();
        assert_eq!(ours.unwrap(&mechanism, &wrapped).unwrap().expose(), value);
    });
}

const CURVES: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

/// A scalar below the order of every curve of that length.
fn scalar(draw: &mut Draw, curve: Curve) -> Vec<u8> {
    let mut scalar = draw.bytes(curve.field_length());
    scalar[0] = 0;
    scalar
}

macro_rules! of_curve {
    ($curve:expr, $module:ident => $body:expr) => {
        match $curve {
            Curve::P256 => {
                use p256 as $module;
                $body
            }
            Curve::P384 => {
                use p384 as $module;
                $body
            }
            _ => {
                use p521 as $module;
                $body
            }
        }
    };
}

pub(super) fn ecdsa(draw: &mut Draw, _kind: Kind) {
    let curve = draw.pick(&CURVES);
    let scalar = scalar(draw, curve);
    let (private, public) = pair_on(NamedCurve::Weierstrass(curve), &scalar);
    // P-521's crate refuses digests of less than half the order.
    let length = curve.field_length() / 2 + draw.below(70);
    let digest = draw.bytes(length);
    let mechanism = Mechanism::Ecdsa;
    let ours = run(&*private, Purpose::Sign, &mechanism, &digest).unwrap();
    of_curve!(curve, module => {
        let theirs = module::ecdsa::SigningKey::from_slice(&scalar).unwrap();
        let signature = module::ecdsa::Signature::from_slice(&ours).unwrap();
        theirs.verifying_key().verify_prehash(&digest, &signature).unwrap();
        let signature: module::ecdsa::Signature = theirs.sign_prehash(&digest).unwrap();
        verifies(&*public, &mechanism, &digest, &signature.to_bytes()).unwrap();
    });
}

/// A hash of another implementation, and ECDSA over the digest, which is checked by itself.
pub(super) fn ecdsa_hash(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let curve = match kind {
        Kind::Secp256k1 => Curve::Secp256k1,
        _ => draw.pick(&CURVES),
    };
    let scalar = scalar(draw, curve);
    let (private, public) = pair_on(NamedCurve::Weierstrass(curve), &scalar);
    let message = draw.data();
    let digest = digest(hash, &message);
    let mechanism = Mechanism::EcdsaHash { hash };
    let ours = run(&*private, Purpose::Sign, &mechanism, &message).unwrap();
    verifies(&*public, &Mechanism::Ecdsa, &digest, &ours).unwrap();
    let raw = run(&*private, Purpose::Sign, &Mechanism::Ecdsa, &digest).unwrap();
    verifies(&*public, &mechanism, &message, &raw).unwrap();
}

/// A private key of ours, another public point, and the secret of both by another implementation.
struct Agreement {
    ours: Arc<dyn ReadyKey>,
    own_point: Vec<u8>,
    peer: Vec<u8>,
    secret: Vec<u8>,
}

fn agreement(draw: &mut Draw, kind: Kind) -> Agreement {
    let curve = match kind {
        Kind::X25519 => NamedCurve::X25519,
        Kind::Secp256k1 => NamedCurve::Weierstrass(Curve::Secp256k1),
        _ => NamedCurve::Weierstrass(draw.pick(&CURVES)),
    };
    let pair = |scalar: &[u8]| {
        let key = EcPrivateKey::new(curve, scalar, None).unwrap();
        key.public_key().unwrap().point().to_vec()
    };
    let (one, other) = match curve {
        NamedCurve::Weierstrass(curve) => (scalar(draw, curve), scalar(draw, curve)),
        _ => (draw.bytes(32), draw.bytes(32)),
    };
    let (own_point, peer) = (pair(&one), pair(&other));
    let secret = match curve {
        NamedCurve::X25519 => {
            let key = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).unwrap();
            let secret = x25519_dalek::StaticSecret::from(key(&one));
            let public = x25519_dalek::PublicKey::from(key(&peer));
            assert_eq!(
                x25519_dalek::PublicKey::from(&secret).as_bytes()[..],
                own_point
            );
            secret.diffie_hellman(&public).as_bytes().to_vec()
        }
        // The crate that the engine has; Wycheproof's vectors check the secret itself.
        NamedCurve::Weierstrass(Curve::Secp256k1) => {
            let (key, _) = pair_on(curve, &other);
            let mechanism = Mechanism::Ecdh {
                peer: own_point.clone(),
                derivation: KeyDerivation::None,
            };
            key.derive(&mechanism, None).unwrap().expose().to_vec()
        }
        NamedCurve::Weierstrass(curve) => of_curve!(curve, module => {
            let secret = module::SecretKey::from_slice(&one).unwrap();
            let public = module::PublicKey::from_sec1_bytes(&peer).unwrap();
            let shared = module::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
            shared.raw_secret_bytes().to_vec()
        }),
        _ => unreachable!("no agreement"),
    };
    let (ours, _) = pair_on(curve, &one);
    Agreement {
        ours,
        own_point,
        peer,
        secret,
    }
}

/// ANSI X9.63, and the one-step derivation of SP 800-56C.
fn derivation(
    draw: &mut Draw,
    hash: HashAlgorithm,
    secret: &[u8],
    length: usize,
) -> (KeyDerivation, Vec<u8>) {
    let info = draw.data();
    let one_step = draw.below(2) == 0;
    let mut output = Vec::new();
    for counter in 1_u32.. {
        if output.len() >= length {
            break;
        }
        let counter = counter.to_be_bytes();
        let input = match one_step {
            true => [&counter[..], secret, &info].concat(),
            false => [secret, &counter, &info].concat(),
        };
        output.extend(digest(hash, &input));
    }
    output.truncate(length);
    let how = match one_step {
        true => KeyDerivation::OneStep {
            hash,
            fixed_info: info,
        },
        false => KeyDerivation::X963 {
            hash,
            shared_info: info,
        },
    };
    (how, output)
}

pub(super) fn ecdh(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let Agreement {
        ours, peer, secret, ..
    } = agreement(draw, kind);
    let bare = Mechanism::Ecdh {
        peer: peer.clone(),
        derivation: KeyDerivation::None,
    };
    assert_eq!(ours.derive(&bare, None).unwrap().expose(), secret);
    let length = 1 + draw.below(150);
    let (derivation, expected) = derivation(draw, hash, &secret, length);
    let mechanism = Mechanism::Ecdh { peer, derivation };
    let derived = ours.derive(&mechanism, Some(length)).unwrap();
    assert_eq!(derived.expose(), expected);
    // Encapsulation is agreement with a new key pair, whose point is the ciphertext.
    let Mechanism::Ecdh { peer, .. } = &mechanism else {
        unreachable!("as it was made");
    };
    let opened = ours.decapsulate(&mechanism, peer, Some(length)).unwrap();
    assert_eq!(opened.expose(), expected);
    let (ciphertext, sent) = ours.encapsulate(&mechanism, Some(length)).unwrap();
    let opened = ours.decapsulate(&mechanism, &ciphertext, Some(length));
    assert_eq!(opened.unwrap(), sent);
}

/// The derivation after an agreement, whose secret has its own check.
pub(super) fn ecdh_derivation(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let _checked_by: fn() = super::wycheproof_more::ecdh_on_other_curves_and_in_spki;
    ecdh(draw, kind, hash);
}

pub(super) fn ecdh_aes_key_wrap(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let Agreement {
        ours,
        own_point,
        peer,
        secret,
    } = agreement(draw, kind);
    let length = 1 + draw.below(300);
    let (value, bits) = (draw.bytes(length), draw.pick(&[128, 192, 256]));
    let (derivation, temporary) = derivation(draw, hash, &secret, bits as usize / 8);
    let mechanism = Mechanism::EcdhAesKeyWrap { derivation, bits };
    let wrapped = [peer, wrapped_by(&temporary, &value, true)].concat();
    assert_eq!(ours.unwrap(&mechanism, &wrapped).unwrap().expose(), value);
    let wrapped = ours
        .wrap(&mechanism, &SecretBytes::from(&value[..]))
        .unwrap();
    assert_eq!(ours.unwrap(&mechanism, &wrapped).unwrap().expose(), value);
    assert_ne!(wrapped[..own_point.len()], own_point);
}

pub(super) fn eddsa(draw: &mut Draw, _kind: Kind) {
    use ed25519_dalek::ed25519::signature::Signer;
    let seed = draw.array();
    let (private, public) = pair_on(NamedCurve::Ed25519, &seed);
    let theirs = ed25519_dalek::SigningKey::from_bytes(&seed);
    let message = draw.data();
    let signature = theirs.sign(&message).to_bytes();
    let mechanism = Mechanism::Eddsa;
    assert_eq!(
        run(&*private, Purpose::Sign, &mechanism, &message).unwrap(),
        signature
    );
    verifies(&*public, &mechanism, &message, &signature).unwrap();
}

/// Ed25519ph; Ed25519ctx has RFC 8032's vectors.
pub(super) fn eddsa_prehashed(draw: &mut Draw, _kind: Kind) {
    let _checked_by: fn() = super::super::derivations::ed25519_with_context_and_prehash;
    let seed = draw.array();
    let (private, public) = pair_on(NamedCurve::Ed25519, &seed);
    let theirs = ed25519_dalek::SigningKey::from_bytes(&seed);
    let length = draw.below(256);
    let (message, context) = (draw.data(), draw.bytes(length));
    let digest = sha2::Sha512::new_with_prefix(&message);
    let signature = theirs
        .sign_prehashed(digest, Some(&context))
        .unwrap()
        .to_bytes();
    let mechanism = Mechanism::EddsaContext {
        prehash: true,
        context,
    };
    assert_eq!(
        run(&*private, Purpose::Sign, &mechanism, &message).unwrap(),
        signature
    );
    verifies(&*public, &mechanism, &message, &signature).unwrap();
}

/// FIPS 204 algorithm 4: what is signed is 1 ‖ length of the context ‖ context ‖ OID ‖ digest. Pure signatures have the
/// vectors of `lattice`.
pub(super) fn hash_ml_dsa(draw: &mut Draw, _kind: Kind, hash: HashAlgorithm) {
    use ml_dsa::{MlDsa44, Signature, SigningKey};
    let _checked_by: [fn(); 2] = [
        super::lattice::ml_dsa_signing_vectors,
        super::lattice::ml_dsa_verification_vectors,
    ];
    let seed: [u8; 32] = draw.array();
    let (private, public) = super::lattice::pair(LatticeSet::MlDsa44, &seed).unwrap();
    let theirs = SigningKey::<MlDsa44>::from_seed(&seed.into());
    let length = draw.below(256);
    let (message, context) = (draw.data(), draw.bytes(length));
    let digest = digest(hash, &message);
    let oid = of_rsa_hash!(hash, D => {
        use rsa::pkcs8::der::Encode as _;
        <D as rsa::pkcs8::AssociatedOid>::OID.to_der().unwrap()
    });
    let head = [1, context.len() as u8];
    let whole = [&head[..], &context, &oid, &digest].concat();
    let signed: Signature<MlDsa44> = theirs
        .expanded_key()
        .sign_internal(&[&whole], &[0; 32].into());
    for (digested, data) in [(false, &message), (true, &digest)] {
        let mechanism = Mechanism::MlDsa {
            context: context.clone(),
            prehash: Some(PreHash::Hash(hash)),
            digested,
            hedge: Hedge::Deterministic,
        };
        let ours = run(&*private, Purpose::Sign, &mechanism, data).unwrap();
        assert_eq!(ours, signed.encode().to_vec());
        verifies(&*public, &mechanism, data, &ours).unwrap();
    }
}
