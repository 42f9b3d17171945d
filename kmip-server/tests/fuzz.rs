//! Each fuzz target for a moment, without a sanitizer or coverage: the kept corpus as it is, then
//! mutations of it and of requests of all kinds. `KEYBRIDGE_FUZZ_SECONDS` makes it longer,
//! `KEYBRIDGE_FUZZ_SEED` other, and `KEYBRIDGE_FUZZ_SEEDS` writes the requests to a folder. What fails goes into `tests/fuzz/corpus` with its correction.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keybridge_kmip::attributes::AttributeValue;
use keybridge_kmip::enums::{CryptographicAlgorithm, CryptographicUsageMask, QueryFunction};
use keybridge_kmip::message::RequestMessage;
use keybridge_kmip::operations::{
    ActivateRequest, DestroyRequest, DiscoverVersionsRequest, EncryptRequest, GetAttributesRequest,
    GetRequest, LocateRequest, QueryRequest, RNGRetrieveRequest, RequestPayload,
};
use keybridge_kmip::{Encoding, Limits, Version};

use crate::fuzz_targets::{TARGETS, Target};

/// A small generator (xorshift64*): runs can be repeated.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Changes a few things.
fn mutate(chance: &mut Chance, corpus: &[Vec<u8>], bytes: &mut Vec<u8>) {
    const EDGES: [u32; 8] = [0, 1, 7, 8, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF8, u32::MAX];
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len());
        let end = (at + 1 + chance.below(16)).min(bytes.len());
        match chance.below(8) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[at] = chance.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, part));
            }
            4 if bytes.len() >= at + 4 => {
                let edge = EDGES[chance.below(EDGES.len())];
                bytes[at..at + 4].copy_from_slice(&edge.to_be_bytes());
            }
            5 => bytes.truncate(at),
            6 => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len());
                let to = (from + 1 + chance.below(64)).min(other.len());
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            _ => bytes.insert(at, chance.next() as u8),
        }
    }
}

fn folder(target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("../tests/fuzz/corpus").join(target)
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder(target)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Requests of several kinds and versions.
fn requests() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for version in Version::SUPPORTED {
        let mask = CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt;
        let mut create = crate::identity::aes();
        create.attributes = [
            AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES),
            AttributeValue::CryptographicLength(128),
            AttributeValue::CryptographicUsageMask(mask),
        ]
        .into_iter()
        .collect();
        let batches: Vec<Vec<RequestPayload>> = vec![
            vec![
                QueryRequest {
                    query_functions: vec![QueryFunction::QueryOperations],
                    ..QueryRequest::default()
                }
                .into(),
            ],
            vec![DiscoverVersionsRequest::default().into()],
            vec![
                create.into(),
                ActivateRequest::default().into(),
                GetRequest::default().into(),
                GetAttributesRequest::default().into(),
                DestroyRequest::default().into(),
            ],
            vec![LocateRequest::default().into()],
            vec![EncryptRequest::default().into()],
            vec![RNGRetrieveRequest { data_length: 16 }.into()],
        ];
        for batch in batches {
            // Not every version has every operation.
            if let Ok(bytes) = RequestMessage::new(version, batch).encode(Vec::new()) {
                found.push(bytes);
            }
        }
    }
    found
}

/// Calls of PKCS#11 that are right, or nearly.
fn tunnelled() -> Vec<Vec<u8>> {
    let ulong = |number: u64| number.to_be_bytes().to_vec();
    let attribute = |kind: u64, value: &[u8], array: bool| {
        let count = u32::try_from(value.len()).unwrap().to_be_bytes();
        let count: &[u8] = if array { &count } else { &[] };
        [&ulong(kind)[..], &[1, 1], count, value].concat()
    };
    let template = |attributes: &[Vec<u8>]| {
        let count = u32::try_from(attributes.len()).unwrap().to_be_bytes();
        [count.to_vec(), attributes.concat()].concat()
    };
    let aes = template(&[
        attribute(0x161, &ulong(32), false),
        attribute(0x104, &[1], false),
        attribute(0x105, &[1], false),
        attribute(3, b"seed", true),
    ]);
    let data = template(&[
        attribute(0, &ulong(0), false),
        attribute(1, &[0], false),
        attribute(0x11, b"value", true),
    ]);
    let room = [1, 0, 0, 0, 64];
    let sha256 = [&ulong(0x250)[..], &[0]].concat();
    let cbc = [&ulong(0x1085)[..], &[1, 0, 0, 0, 20, 0, 0, 0, 16], &[7; 16]].concat();
    let text = [&[0, 0, 0, 4][..], b"text", &room].concat();
    let mut found = vec![
        [&[59][..], &ulong(0x1080), &[0], &aes].concat(),
        [&[21][..], &data].concat(),
        [&[27][..], &[0; 4]].concat(),
        [&[28][..], &[0, 0, 0, 9]].concat(),
        vec![29],
        [&[38][..], &sha256].concat(),
        [&[39][..], &text].concat(),
        [&[30][..], &cbc, &ulong(1)].concat(),
        [&[31][..], &text].concat(),
        [&[34][..], &cbc, &ulong(2)].concat(),
        [&[35][..], &text].concat(),
        [&[65][..], &room].concat(),
        [&[25][..], &ulong(1), &[0, 0, 0, 1], &ulong(3), &[0, 0]].concat(),
        [&[24][..], &ulong(1)].concat(),
        [&[23][..], &ulong(1)].concat(),
    ];
    found.extend(messages_and_derivations());
    found.extend((3..=104).map(|number| [vec![number], vec![0; 24]].concat()));
    found
}

/// Calls whose parameters are structures with arrays in them: messages with GCM, and derivations.
fn messages_and_derivations() -> Vec<Vec<u8>> {
    let ulong = |number: u64| number.to_be_bytes().to_vec();
    let array = |bytes: &[u8]| {
        let count = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&count[..], bytes].concat()
    };
    let gcm = [&ulong(0x1087)[..], &[0]].concat();
    let room = [1, 0, 0, 0, 16];
    let sealing = [&array(&[7; 12])[..], &ulong(0), &ulong(1), &room].concat();
    let opening = [&array(&[7; 12])[..], &ulong(0), &ulong(0), &array(&[0; 16])].concat();
    let (sealing, opening) = (array(&sealing), array(&opening));
    let (text, room) = (array(b"text"), [1, 0, 0, 0, 64]);
    let form = [&[0][..], &ulong(32)].concat();
    let field = |kind, value: &[u8]| [&ulong(kind)[..], &array(value)].concat();
    let fields = [field(1, &form), field(4, b"label")].concat();
    let kdf = [&ulong(0x251)[..], &[0, 0, 0, 2], &fields, &[0; 4]].concat();
    let kdf = [&ulong(0x3AC)[..], &[1], &array(&kdf)].concat();
    let pbkdf2 = [&ulong(1)[..], &text, &ulong(1), &ulong(4), &[0; 4], &text].concat();
    let pbkdf2 = [&ulong(0x3B0)[..], &[1], &array(&pbkdf2)].concat();
    let length = [&[0, 0, 0, 1][..], &ulong(0x161), &[1, 1], &ulong(32)].concat();
    vec![
        [&[73][..], &gcm, &ulong(1)].concat(),
        [&[74][..], &sealing, &text, &text, &room].concat(),
        [&[75][..], &sealing, &text].concat(),
        [&[76][..], &sealing, &text, &room, &ulong(1)].concat(),
        vec![77],
        [&[78][..], &gcm, &ulong(1)].concat(),
        [&[79][..], &opening, &text, &text, &room].concat(),
        [&[80][..], &opening, &text].concat(),
        [&[81][..], &opening, &text, &room, &ulong(1)].concat(),
        [&[84][..], &[0; 4], &text, &room].concat(),
        [&[86][..], &[0; 4], &text, &[1], &room].concat(),
        [&[91][..], &[0; 4], &text, &[1], &text].concat(),
        [&[63][..], &kdf, &ulong(1), &length].concat(),
        [&[59][..], &pbkdf2, &length].concat(),
        [&[93][..], &ulong(0x17), &[0], &ulong(1), &length, &room].concat(),
        [&[95][..], &ulong(0x251), &[0], &ulong(1), &text].concat(),
    ]
}

/// What a target begins with, besides what is kept.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let limits = Limits::default();
    let ttlv = requests();
    let turned = |encoding: Encoding| -> Vec<Vec<u8>> {
        let turn = |bytes: &Vec<u8>| encoding.from_ttlv(bytes.clone(), &limits).unwrap();
        ttlv.iter().map(turn).collect()
    };
    match target {
        "kmip_ttlv" | "kmip_request" => ttlv,
        "kmip_response" => {
            let house = crate::harness::House::new();
            ttlv.iter().map(|request| house.bytes(request)).collect()
        }
        "kmip_xml" => turned(Encoding::Xml),
        "kmip_json" => turned(Encoding::Json),
        "request_path" => [Encoding::Ttlv, Encoding::Xml, Encoding::Json]
            .into_iter()
            .zip(0..)
            .flat_map(|(encoding, first): (_, u8)| {
                let with = move |body: Vec<u8>| [vec![first], body].concat();
                turned(encoding).into_iter().map(with)
            })
            .collect(),
        "pkcs11_tunnel" => tunnelled(),
        "configuration" => vec![b"[store]\npath = \"a\"\n[server]\nlisten = []\n".to_vec()],
        _ => vec![vec![0x30, 0x03, 0x02, 0x01, 0x00]],
    }
}

fn run(name: &str, target: Target, input: &[u8]) {
    let shown: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
    let began = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| target(input)));
    assert!(result.is_ok(), "{name} fails on {shown}");
    // Making a large RSA key takes long; nothing else does.
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{name} is slow on {shown}"
    );
}

#[test]
fn every_target_stands_its_corpus_and_mutations_of_it() {
    let seconds = Duration::from_secs(variable("KEYBRIDGE_FUZZ_SECONDS", 1));
    let mut chance = Chance(variable("KEYBRIDGE_FUZZ_SEED", 0x5EED) | 1);
    for (name, target) in TARGETS {
        let mut corpus = kept(name);
        for input in &corpus {
            run(name, *target, input);
        }
        corpus.extend(seeds(name));
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < seconds {
            let mut input = corpus[chance.below(corpus.len())].clone();
            mutate(&mut chance, &corpus, &mut input);
            run(name, *target, &input);
            count += 1;
        }
        println!("{name}: {} kept, {count} mutations", corpus.len());
    }
}

/// For `cargo fuzz`, which begins better with these: one file each, named by its number.
#[test]
fn seeds_can_be_written() {
    let own = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("KEYBRIDGE_FUZZ_SEEDS")
        .map_or_else(|| own.path().to_owned(), PathBuf::from);
    for (name, _) in TARGETS {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds(name).into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed).unwrap();
        }
        assert!(fs::read_dir(&folder).unwrap().count() > 0, "{name}");
    }
}

#[test]
fn a_kept_item_is_small() {
    let mut all = 0;
    for (name, _) in TARGETS {
        for input in kept(name) {
            all += input.len();
            assert!(input.len() <= 64 * 1024, "{name}");
        }
    }
    assert!(all < 1 << 20, "{all} bytes in tests/fuzz/corpus");
}
