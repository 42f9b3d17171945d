//! What an unwrapping or decrypting oracle would learn from: nothing to tell, and nonces that never repeat.

#![allow(unsafe_code)]

use super::attacks::{target, unwrap_as, wrap};
use super::*;
use crate::{Curve, ObjectClass};

fn unwrapping_pair(bridge: &Bridge, user: &Arc<Caller>) -> Created {
    let mut request = CreateKey::new(KeySpec::Rsa { bits: 2048 });
    request.secret.usage = UsageMask::UNWRAP | UsageMask::DECRYPT;
    request.public.usage = UsageMask::WRAP | UsageMask::ENCRYPT;
    bridge.kms.create_key(user, request).expect("a pair")
}

/// Bleichenbacher's question, "was that padded well?", has one answer: a key came out. Always the same for
/// the same ciphertext, and of no use.
#[test]
fn pkcs1_unwrapping_does_not_tell_whether_the_padding_was_right() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let pair = unwrapping_pair(&bridge, &user);
    let public = pair.public.expect("a public half");
    let secret = target(&bridge.kms, &user);
    let mechanism = Mechanism::RsaPkcs1;
    let wrapped = wrap(&bridge.kms, &user, public, &mechanism, secret).expect("wrap");
    let digest =
        |wrapped: &[u8], spec: Option<KeySpec>, kind: &dyn Fn(usize) -> Option<KeySpec>| {
            let mut template = Register::new(ObjectClass::SecretKey, SecretBytes::default());
            (template.spec, template.attributes) = (spec, attributes("back"));
            let request = UnwrapKey {
                unwrapping_key: pair.secret,
                mechanism: Mechanism::RsaPkcs1,
                wrapped,
                template,
                kind,
                decode: &Ok,
            };
            let id = bridge.kms.unwrap(&user, request)?;
            let object = bridge.kms.inspect(&user, id)?;
            Ok::<_, Error>((object.digest, object.spec, object.attributes.sensitive))
        };
    let aes = Some(KeySpec::Aes { bits: 256 });
    let any = |length: usize| {
        let bits = u32::try_from(length * 8).ok()?;
        matches!(length, 16 | 24 | 32).then_some(KeySpec::Aes { bits })
    };
    let right = digest(&wrapped, aes, &any).expect("unwrap");
    assert_eq!(digest(&wrapped, None, &any).expect("by its length"), right);
    for byte in 0..8 {
        let mut changed = wrapped.clone();
        changed[100 + byte] ^= 1;
        let one = digest(&changed, aes, &any).expect("a key, all the same");
        let again = digest(&changed, aes, &any).expect("and again");
        assert_eq!(one, again, "the same key");
        assert!(one.0 != right.0 && one.1 == right.1 && one.2);
        let open = digest(&changed, None, &any).expect("of a length that AES has");
        assert_eq!(open, digest(&changed, None, &any).expect("the same"));
    }
    // Well padded, of another length.
    let aes_128 = Some(KeySpec::Aes { bits: 128 });
    assert_eq!(digest(&wrapped, aes_128, &any).expect("a key").1, aes_128);
    // What everybody sees may be said.
    assert!(matches!(
        digest(&wrapped[1..], aes, &any),
        Err(Error::InvalidWrappedKey)
    ));
}

/// Padding, length or tag: the error is the same one.
#[test]
fn decryption_has_one_error() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let pair = unwrapping_pair(&bridge, &user);
    let key = bridge.aes(&user, "k").secret;
    let outer = bridge.aes(&user, "outer").secret;
    // Made, not met by chance: one random block in 256 ends like a padding.
    for ending in [[7, 0], [7, 17], [7, 0xff], [1, 2]] {
        let mut plain = [7; 32];
        plain[30..].copy_from_slice(&ending);
        let decrypt = |mechanism, data: &[u8]| {
            one_part(&bridge.kms, &user, key, Purpose::Decrypt, mechanism, data)
        };
        let cbc = Mechanism::Cbc { iv: [0; 16] };
        let sealed = one_part(&bridge.kms, &user, key, Purpose::Encrypt, cbc, &plain);
        let padded = decrypt(Mechanism::CbcPad { iv: [0; 16] }, &sealed.expect("sealed"));
        assert!(
            matches!(padded, Err(Error::InvalidCiphertext)),
            "{ending:?}"
        );
    }
    for byte in [0_u8, 1, 2, 0x7f] {
        let rsa = one_part(
            &bridge.kms,
            &user,
            pair.secret,
            Purpose::Decrypt,
            Mechanism::RsaPkcs1,
            &[byte; 256],
        );
        assert!(matches!(rsa, Err(Error::InvalidCiphertext)));
        for (wrapped, bits) in [(&[byte; 48][..], 256), (&[byte; 31][..], 256), (&[], 128)] {
            for mechanism in [
                Mechanism::CbcPad { iv: [0; 16] },
                Mechanism::KeyWrapPad,
                gcm(),
            ] {
                let back = unwrap_as(&bridge.kms, &user, outer, mechanism, wrapped, |template| {
                    template.spec = Some(KeySpec::Aes { bits });
                });
                assert!(matches!(back, Err(Error::InvalidWrappedKey)));
            }
        }
    }
}

/// Signs the same again and says the nonces' points.
fn sign(key: &dyn crate::engine::ReadyKey) {
    for _ in 0..20 {
        let mut signature = [0; 64];
        let purpose = Purpose::Sign;
        key.run(purpose, &Mechanism::Ecdsa, &[7; 32], &mut signature)
            .expect("sign");
        let point: String = signature[..32].iter().map(|b| format!("{b:02x}")).collect();
        println!("nonce {point}");
    }
}

const FORKS: &str = "KEYBRIDGE_TEST_NONCES";

/// What the other process does. Without the variable (a usual run of the tests) it does nothing.
#[test]
fn a_process_signs_forks_and_signs() {
    if std::env::var_os(FORKS).is_none() {
        return;
    }
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let mut request = CreateKey::new(KeySpec::Ec { curve: Curve::P256 });
    request.secret.usage = UsageMask::SIGN;
    let key = bridge
        .kms
        .create_key(&user, request)
        .expect("a pair")
        .secret;
    let loaded = bridge.kms.load(key).expect("load");
    let ready = bridge.kms.ready(&loaded).expect("ready");
    sign(ready.as_ref());
    for _ in 0..3 {
        // SAFETY: no other thread of this process holds a lock; the child signs, writes and leaves.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        sign(ready.as_ref());
        if child == 0 {
            // SAFETY: leaves without running anything.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: waits for the child just made.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
}

#[test]
fn nonces_do_not_repeat_after_a_fork() {
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("kms::tests::oracles::a_process_signs_forks_and_signs")
        .env(FORKS, "1")
        .output()
        .expect("run");
    let said = String::from_utf8_lossy(&output.stdout);
    let nonces = said.lines().filter_map(|line| line.split("nonce ").nth(1));
    let mut nonces: Vec<&str> = nonces.collect();
    assert_eq!(nonces.len(), 20 + 3 * 40, "{said}");
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 20 + 3 * 40, "a nonce was used twice");
}
