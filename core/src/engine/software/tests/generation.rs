//! Keys that are made, taken in, refused.

use super::*;
use crate::Curve;
use crate::encoding::{self, PrivateKey, RsaPrivateKey};
use crate::engine::Generated;
use crate::error::Error;
use crate::model::Material;

fn new_key(spec: KeySpec, public_exponent: Option<u64>) -> Result<Generated> {
    SoftwareEngine.generate(&NewKey {
        id: ObjectId::random(),
        spec,
        attributes: &Attributes::default(),
        public_exponent,
    })
}

fn import(spec: KeySpec, value: &[u8]) -> Result<Material> {
    let key = NewKey {
        id: ObjectId::random(),
        spec,
        attributes: &Attributes::default(),
        public_exponent: None,
    };
    SoftwareEngine.import(&key, SecretBytes::from(value))
}

#[test]
fn what_is_made_can_be_taken_in() {
    let mut specs = vec![
        KeySpec::Aes { bits: 192 },
        KeySpec::Sm4,
        KeySpec::Rsa { bits: 3072 },
        KeySpec::Ed25519,
        KeySpec::X25519,
        KeySpec::Sm2,
        KeySpec::GenericSecret { bits: 8 },
        KeySpec::Hmac {
            hash: HashAlgorithm::Sm3,
            bits: 256,
        },
    ];
    for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1] {
        specs.push(KeySpec::Ec { curve });
    }
    for spec in specs {
        let made = new_key(spec, None).unwrap();
        let Material::Secret(value) = &made.secret else {
            panic!("no secret material");
        };
        assert_eq!(import(spec, value.expose()).unwrap(), made.secret);
        assert_eq!(made.public.is_some(), spec.is_asymmetric());
        if let Some(spki) = made.public {
            assert_eq!(encoding::public_key_spec(&spki).unwrap(), spec);
            assert_eq!(encoding::private_key_spec(value.expose()).unwrap(), spec);
            for cut in 0..value.len() {
                import(spec, &value.expose()[..cut]).unwrap_err();
            }
        } else {
            assert_eq!(value.len() * 8, spec.bits() as usize);
            import(spec, &value.expose()[1..]).unwrap_err();
        }
        assert_ne!(new_key(spec, None).unwrap().secret, Material::None);
    }
}

#[test]
fn sizes_that_do_not_exist() {
    for spec in [
        KeySpec::Aes { bits: 64 },
        KeySpec::Aes { bits: 0 },
        KeySpec::Rsa { bits: 512 },
        KeySpec::Rsa { bits: 1030 },
        KeySpec::Rsa { bits: 8320 },
        KeySpec::Rsa { bits: 2047 },
        KeySpec::Rsa { bits: 1 << 20 },
        KeySpec::GenericSecret { bits: 0 },
        KeySpec::GenericSecret { bits: 12 },
        KeySpec::GenericSecret { bits: u32::MAX },
    ] {
        let refused = new_key(spec, None);
        assert!(matches!(refused, Err(Error::KeySize { .. })), "{spec:?}");
    }
    let foreign = KeySpec::Foreign {
        algorithm: 2,
        bits: 192,
    };
    // Random bytes are a key of whatever symmetric algorithm.
    assert_ne!(new_key(foreign, None).unwrap().secret, Material::None);
    import(foreign, &[1; 24]).unwrap();
    import(foreign, &[]).unwrap_err();
}

#[test]
fn public_exponents() {
    let rsa = KeySpec::Rsa { bits: 2048 };
    for exponent in [0, 1, 3, 65536, 65538, 1 << 33, u64::MAX] {
        new_key(rsa, Some(exponent)).unwrap_err();
    }
    let refused = new_key(rsa, Some(0x1_0000_000f)).unwrap_err();
    assert!(matches!(refused, Error::KeyUnsupported(_)), "{refused}");
    new_key(rsa, Some(0xffff_ffff)).unwrap();
    let made = new_key(rsa, Some(65539)).unwrap();
    let Material::Secret(value) = made.secret else {
        panic!("no secret material");
    };
    let PrivateKey::Rsa(key) = PrivateKey::from_pkcs8(value.expose()).unwrap() else {
        panic!("not RSA");
    };
    assert_eq!(key.public.public_exponent(), [1, 0, 3]);
}

#[test]
fn rsa_numbers_must_belong_together() {
    let rsa = KeySpec::Rsa { bits: 2048 };
    let (value, spki) = generate(rsa);
    let PrivateKey::Rsa(key) = PrivateKey::from_pkcs8(value.expose()).unwrap() else {
        panic!("not RSA");
    };
    let change = |of: fn(&mut RsaPrivateKey) -> &mut SecretBytes| {
        let mut other = key.clone();
        let number = of(&mut other);
        let mut bytes = number.expose().to_vec();
        *bytes.last_mut().unwrap() ^= 2;
        *number = SecretBytes::new(bytes);
        import(rsa, other.to_pkcs8().unwrap().expose())
    };
    for changed in [
        change(|key| &mut key.private_exponent),
        change(|key| &mut key.prime1),
        change(|key| &mut key.prime2),
        change(|key| &mut key.exponent1),
        change(|key| &mut key.exponent2),
        change(|key| &mut key.coefficient),
    ] {
        assert!(matches!(changed, Err(Error::InvalidMaterial(_))));
    }
    // Another kind than the object says, as private and as public key.
    import(KeySpec::Rsa { bits: 3072 }, value.expose()).unwrap_err();
    import(KeySpec::Ed25519, value.expose()).unwrap_err();
    assert!(ready_public_key(KeySpec::Sm2, &spki.unwrap()).is_err());
}

#[test]
fn small_and_huge_rsa() {
    let public = |length: usize| {
        let mut modulus = vec![0xff; length];
        modulus[0] = 0x80;
        let key = encoding::RsaPublicKey::new(&modulus, &[1, 0, 1]).unwrap();
        parse::public(&PublicKey::Rsa(key))
    };
    assert!(public(64).is_err());
    assert!(public(128).is_ok());
    assert!(public(1024).is_ok());
    assert!(public(1025).is_err());
}

#[test]
fn gcm_without_initialization_vector_is_refused() {
    let gcm = |iv: Vec<u8>, tag_length| Mechanism::Gcm {
        iv,
        aad: vec![],
        tag_length,
    };
    for mechanism in [
        gcm(vec![], 16),
        gcm(vec![0; 65537], 16),
        gcm(vec![0; 12], 3),
        gcm(vec![0; 12], 17),
    ] {
        let refused = run(&*aes(&[0; 16]), Purpose::Encrypt, &mechanism, b"data");
        assert!(matches!(refused, Err(Error::MechanismParameter(_))));
        assert!(aes(&[0; 16]).stream(Purpose::Encrypt, &mechanism).is_err());
    }
}

#[test]
fn derivation_by_encryption() {
    let key = aes(&[4; 16]);
    let data = SecretBytes::new(vec![6; 32]);
    let mechanism = Mechanism::EncryptData {
        iv: None,
        data: data.clone(),
    };
    let whole = key.derive(&mechanism, None).unwrap();
    assert_eq!(
        run(&*key, Purpose::Encrypt, &Mechanism::Ecb, data.expose()).unwrap(),
        whole.expose()
    );
    // What is not used is cut off at the trailing end.
    let cut = key.derive(&mechanism, Some(24)).unwrap();
    assert_eq!(cut.expose(), &whole.expose()[..24]);
    assert!(matches!(
        key.derive(&mechanism, Some(33)),
        Err(Error::DataLength(_))
    ));
    key.derive(&mechanism, Some(0)).unwrap_err();
    let ragged = Mechanism::EncryptData {
        iv: Some([0; 16]),
        data: SecretBytes::new(vec![6; 33]),
    };
    key.derive(&ragged, None).unwrap_err();
}
