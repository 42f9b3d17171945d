//! Cases beyond the three sets: those of 1.0 to 1.4 that other projects carry (410 files of the
//! repository ovh/kmip-go, put as `<version>/public/*.xml` into the folder of the cases). They are run
//! where they are found. What a case asks that the standard does not is on a list here, with its reason;
//! a listed case must fail, so that the list only shrinks.

/// Where in the folder they are.
pub(crate) const FOLDER: &str = "/public/";

/// Cases that go on with what others left at the server, by the beginnings of their names.
pub(crate) const AFTER: &[(&str, &[&str])] = &[
    ("SASED-M-3-10", &["SASED-M-2-10"]),
    ("SASED-M-3-13", &["SASED-M-2-13"]),
    ("TL-M-3-10", &["TL-M-2-10"]),
    ("TL-M-3-13", &["TL-M-2-13"]),
    ("SASED-M-3-14", &["SASED-M-2-14"]),
    ("TL-M-3-14", &["TL-M-2-14"]),
];

const SPLIT: &str =
    "1.2's answers to Create and Join Split Key have an Object Type (Tables 221 and 223)";

/// Names of cases that cannot be met, or their beginnings up to a hyphen, and why.
const JUDGED: &[(&str, &str)] = &[
    // Of the server that the case was recorded with.
    ("TC-111-", "logs in as a user of that server"),
    ("TC-112-", "logs in as a device of that server"),
    ("TC-122-", "asks for extensions of that server's vendor"),
    (
        "TC-151-",
        "takes a fresh key from a group that server came with",
    ),
    (
        "TC-153-",
        "that server's group is a round robin; the default member is the server's to choose (1.1 section 4.9)",
    ),
    ("TC-Q-CAP-1-14", "that server's capabilities"),
    ("TC-Q-PROF-1-14", "that server's profiles"),
    ("TC-Q-RNGS-1-14", "that server's generator"),
    ("TC-Q-S2C-1-14", "that server's capabilities"),
    (
        "TC-SK-CREATE-ENCRYPT-DECRYPT-DESTROY",
        "no OASIS case: encrypts without a Block Cipher Mode",
    ),
    (
        "CS-BC-M-7-12-Encrypt-with-All-Fields",
        "no OASIS case: fields of 1.4 in a request of 1.2, and a key that was never made",
    ),
    (
        "CS-BC-M-GCM-3-14-okms",
        "no OASIS case: another vector than CS-BC-M-GCM-3-14's, with its answer",
    ),
    (
        "TC-32-10-",
        "the answer to Cancel has the recorded correlation value, where the others have the request's",
    ),
    // What the runner does not play.
    ("TC-NP-1-", "Put is the server's request, not the client's"),
    ("TC-NP-2-", "Notify and Put are the server's requests"),
    ("TC-92-", "waits for minutes until the key expires"),
    (
        "TC-PKCS12-1-14",
        "$KEY_VALUE stands for a container that comes out otherwise each time",
    ),
    // The standard's text says otherwise.
    (
        "TC-101-",
        "Get Attributes of an archived object is refused (1.0 section 11.12, 1.2 section 11.13)",
    ),
    (
        "TC-142-",
        "wraps the bare key where attributes are asked for (Table 11: without an Encoding Option TTLV)",
    ),
    (
        "TC-141-12-",
        "No Encoding without the Key Value structure (1.2 section 2.1.5; TC-WRAP-1-14 and PyKMIP have it)",
    ),
    ("TC-SJ-1-12-", SPLIT),
    ("TC-SJ-2-12-", SPLIT),
    ("TC-SJ-3-12-", SPLIT),
    ("TC-SJ-4-12-", SPLIT),
    (
        "TC-312-12-",
        "a template is no cryptographic object and has no Lease Time (1.2 section 3.20)",
    ),
    (
        "TC-ECC-2-12-",
        "Get decrypts a key that was registered encrypted, and nobody gave the password",
    ),
    (
        "TC-ECC-3-11-",
        "Get encrypts a key that was registered in the clear, and nobody gave a password",
    ),
    (
        "TC-ECC-3-10-",
        "certificates have a Cryptographic Length (1.0 section 3.5, TC-132-10 and TC-ECC-3-11)",
    ),
    (
        "TC-PGP-1-12-",
        "every cryptographic object has a Cryptographic Usage Mask (1.2 section 3.19)",
    ),
    (
        "CS-AC-M-1-13",
        "a PSS signature that is the same each time; 1.4's case has a variable",
    ),
    ("CS-BC-M-6-13", "a wrong ciphertext, which 1.4's case mends"),
    // Refused on purpose.
    ("TC-134-", "a certificate request that is signed with SHA-1"),
];

/// Why a case of this name is not met.
pub(crate) fn judgement(name: &str) -> Option<&'static str> {
    let means = |row: &str| name == row || (row.ends_with('-') && name.starts_with(row));
    let row = JUDGED.iter().find(|row| means(row.0));
    row.map(|row| row.1)
}
