//! Keys derived from a key that is bytes: the simple derivations of PKCS#11 ("Miscellaneous simple key derivation"),
//! hashes, SP 800-108, TLS 1.2. HKDF is in `kdf`.

use aws_lc_rs::cmac;
use shake::digest::{ExtendableOutput, Update, XofReader};
use shake::{Shake128, Shake256};
use zeroize::Zeroizing;

use super::digest::{Hasher, LONGEST_DIGEST};
use super::kdf::{Hkdf, keep_first, room};
use super::mac::Hmac;
use super::ready::{length, parameter};
use crate::algorithm::HashAlgorithm;
use crate::engine::unsupported;
use crate::error::{Error, Result};
use crate::mechanism::{KdfField, KdfMode, KdfPrf, Mechanism, Purpose};
use crate::secret::SecretBytes;

/// Longest output of a TLS derivation, in bytes.
const LONGEST_TLS: usize = 64 * 1024;

/// Bytes of a TLS master secret (RFC 5246 section 8.1).
const MASTER_SECRET: usize = 48;

/// Whether a mechanism derives from the bytes of a key, whatever they are a key of.
pub(super) const fn is_of_bytes(mechanism: &Mechanism) -> bool {
    matches!(
        mechanism,
        Mechanism::Concatenate { .. }
            | Mechanism::Xor { .. }
            | Mechanism::Extract { .. }
            | Mechanism::HashKey { .. }
            | Mechanism::ShakeKey { .. }
            | Mechanism::Sp800108 { .. }
            | Mechanism::Hkdf { .. }
            | Mechanism::TlsPrf { .. }
    )
}

/// Derives from a key's bytes.
pub(super) fn from_bytes(
    key: &[u8],
    mechanism: &Mechanism,
    wanted: Option<usize>,
) -> Result<SecretBytes> {
    match mechanism {
        Mechanism::Concatenate { data, before } => {
            let parts = if *before {
                [data.expose(), key]
            } else {
                [key, data.expose()]
            };
            let all = Zeroizing::new(parts.concat());
            keep_first(SecretBytes::from(all.as_slice()), wanted)
        }
        Mechanism::Xor { data } => {
            let mixed = key
                .iter()
                .zip(data.expose())
                .map(|(one, other)| one ^ other);
            keep_first(SecretBytes::new(mixed.collect()), wanted)
        }
        Mechanism::Extract { first_bit } => extract(key, *first_bit, wanted),
        Mechanism::HashKey { hash } => {
            let digest = Hasher::digest(*hash, key);
            keep_first(SecretBytes::from(digest.as_ref()), wanted)
        }
        Mechanism::ShakeKey { bits } => shake(key, *bits, wanted),
        Mechanism::Sp800108 {
            mode,
            prf,
            fields,
            keys,
        } => Sp800108 {
            mode,
            prf: &Prf::new(*prf, key)?,
            fields,
        }
        .derive(wanted, keys),
        Mechanism::TlsPrf {
            hash, label, seed, ..
        } => {
            let wanted = wanted.unwrap_or(MASTER_SECRET);
            tls_prf(*hash, key, &[label, seed], wanted)
        }
        Mechanism::Hkdf {
            hash,
            salt,
            info,
            extract,
            expand,
        } => {
            let hkdf = Hkdf {
                hash: *hash,
                salt: salt.expose(),
                info,
                extract: *extract,
                expand: *expand,
            };
            hkdf.derive(key, wanted)
        }
        _ => unsupported(Purpose::Derive, mechanism),
    }
}

/// `CKM_EXTRACT_KEY_FROM_KEY`: consecutive bits from that one on, round the end.
fn extract(key: &[u8], first_bit: usize, wanted: Option<usize>) -> Result<SecretBytes> {
    let bits = key.len() * 8;
    let Some(wanted) = wanted.filter(|wanted| (1..=key.len()).contains(wanted)) else {
        return Err(length("extraction wants a length, the base key's at most"));
    };
    if first_bit >= bits {
        return Err(parameter("the base key has not so many bits"));
    }
    let mut derived = Zeroizing::new(vec![0; wanted]);
    for (at, byte) in derived.iter_mut().enumerate() {
        for place in 0..8 {
            let from = (first_bit + at * 8 + place) % bits;
            let bit = key[from / 8] >> (7 - from % 8) & 1;
            *byte |= bit << (7 - place);
        }
    }
    Ok(SecretBytes::from(derived.as_slice()))
}

fn shake(key: &[u8], bits: u32, wanted: Option<usize>) -> Result<SecretBytes> {
    let Some(wanted) = wanted else {
        return Err(length("SHAKE gives any length; one must be given"));
    };
    let mut derived = room(wanted)?;
    match bits {
        128 => {
            let mut shake = Shake128::default();
            shake.update(key);
            shake.finalize_xof().read(&mut derived);
        }
        256 => {
            let mut shake = Shake256::default();
            shake.update(key);
            shake.finalize_xof().read(&mut derived);
        }
        _ => return Err(parameter("there are SHAKE128 and SHAKE256")),
    }
    Ok(SecretBytes::from(derived.as_slice()))
}

/// The PRF of TLS 1.2 (RFC 5246 section 5): P_hash of the seed, whose first part is the label.
pub(super) fn tls_prf(
    hash: HashAlgorithm,
    secret: &[u8],
    seed: &[&[u8]],
    wanted: usize,
) -> Result<SecretBytes> {
    if wanted > LONGEST_TLS {
        return Err(length("too long for the TLS PRF"));
    }
    let mut derived = room(wanted)?;
    let keyed = Hmac::new(hash, secret);
    let hmac = |parts: &[&[u8]], output: &mut [u8; LONGEST_DIGEST]| {
        let mut hmac = keyed.clone();
        parts.iter().for_each(|part| hmac.update(part));
        hmac.finish(output);
    };
    let whole = hash.length();
    let (mut a, mut output) = (
        Zeroizing::new([0; LONGEST_DIGEST]),
        Zeroizing::new([0; LONGEST_DIGEST]),
    );
    hmac(seed, &mut a);
    for part in derived.chunks_mut(whole) {
        let mut parts = vec![&a[..whole]];
        parts.extend_from_slice(seed);
        hmac(&parts, &mut output);
        part.copy_from_slice(&output[..part.len()]);
        let before = Zeroizing::new(*a);
        hmac(&[&before[..whole]], &mut a);
    }
    Ok(SecretBytes::from(derived.as_slice()))
}

/// A pseudo-random function of SP 800-108 under its key.
enum Prf {
    Hmac(HashAlgorithm, Box<Hmac>),
    Cmac(cmac::Key),
}

impl Prf {
    fn new(prf: KdfPrf, key: &[u8]) -> Result<Self> {
        match prf {
            KdfPrf::Hmac(hash) => Ok(Self::Hmac(hash, Box::new(Hmac::new(hash, key)))),
            KdfPrf::Cmac => {
                let algorithm = match key.len() {
                    16 => cmac::AES_128,
                    24 => cmac::AES_192,
                    32 => cmac::AES_256,
                    _ => return Err(parameter("CMAC takes AES keys")),
                };
                let key = cmac::Key::new(algorithm, key);
                key.map(Self::Cmac).map_err(|_| cmac_failed())
            }
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Hmac(hash, _) => hash.length(),
            Self::Cmac(_) => 16,
        }
    }

    fn run(&self, input: &[u8]) -> Result<Zeroizing<[u8; LONGEST_DIGEST]>> {
        let mut output = Zeroizing::new([0; LONGEST_DIGEST]);
        match self {
            Self::Hmac(_, keyed) => {
                let mut hmac = keyed.as_ref().clone();
                hmac.update(input);
                hmac.finish(&mut output);
            }
            Self::Cmac(key) => {
                let tag = cmac::sign(key, input).map_err(|_| cmac_failed())?;
                output[..16].copy_from_slice(tag.as_ref());
            }
        }
        Ok(output)
    }
}

fn cmac_failed() -> Error {
    Error::Internal("AWS-LC failed in CMAC".to_owned())
}

/// SP 800-108r1 section 4, with the input's fields in the order that the caller gives.
struct Sp800108<'a> {
    mode: &'a KdfMode,
    prf: &'a Prf,
    fields: &'a [KdfField],
}

impl Sp800108<'_> {
    /// One key of `wanted` bytes, or several of these lengths one after the other: "no key can be created using part
    /// of a segment that was used for another key".
    fn derive(&self, wanted: Option<usize>, keys: &[usize]) -> Result<SecretBytes> {
        self.check()?;
        let whole = self.prf.length();
        let wanted = wanted.unwrap_or(whole);
        let one_key = [wanted];
        let keys = if keys.is_empty() { &one_key } else { keys };
        if keys.iter().sum::<usize>() != wanted {
            return Err(Error::Internal("keys of other lengths are wanted".into()));
        }
        let mut derived = room(wanted)?;
        let segments = keys.iter().map(|key| key.div_ceil(whole) * whole).sum();
        // The iteration variable of feedback (K(i-1)) and of the double pipeline (A(i)).
        let mut variable = match self.mode {
            KdfMode::Counter => Zeroizing::new(Vec::new()),
            KdfMode::Feedback { iv } => Zeroizing::new(iv.clone()),
            KdfMode::DoublePipeline => {
                let start = self.input(None, 0, wanted, segments)?;
                Zeroizing::new(self.prf.run(&start)?[..whole].to_vec())
            }
        };
        let mut rest = derived.as_mut_slice();
        let parts = keys.iter().flat_map(|key| {
            let (own, others) = std::mem::take(&mut rest).split_at_mut(*key);
            rest = others;
            own.chunks_mut(whole)
        });
        for (counter, part) in (1u64..).zip(parts) {
            let input = self.input(Some(&variable), counter, wanted, segments)?;
            let output = self.prf.run(&input)?;
            part.copy_from_slice(&output[..part.len()]);
            variable = match self.mode {
                KdfMode::DoublePipeline => {
                    Zeroizing::new(self.prf.run(&variable)?[..whole].to_vec())
                }
                _ => Zeroizing::new(output[..whole].to_vec()),
            };
        }
        Ok(SecretBytes::from(derived.as_slice()))
    }

    /// One iteration variable; a counter beside it only where it is none itself.
    fn check(&self) -> Result<()> {
        let count = |wanted: fn(&KdfField) -> bool| {
            self.fields.iter().filter(|field| wanted(field)).count()
        };
        let variables = count(|field| matches!(field, KdfField::Iteration { .. }));
        let counters = count(|field| matches!(field, KdfField::Counter { .. }));
        let lengths = count(|field| matches!(field, KdfField::Length { .. }));
        let most_counters = usize::from(!matches!(self.mode, KdfMode::Counter));
        if variables == 1 && counters <= most_counters && lengths <= 1 {
            Ok(())
        } else {
            Err(parameter("the fields of SP 800-108 do not go together"))
        }
    }

    /// The input of the PRF; without a variable the first input of the double pipeline, A(0).
    fn input(
        &self,
        variable: Option<&[u8]>,
        counter: u64,
        wanted: usize,
        segments: usize,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let mut input = Zeroizing::new(Vec::new());
        for field in self.fields {
            match (field, variable) {
                (KdfField::Iteration { .. } | KdfField::Counter { .. }, None) => {}
                (
                    KdfField::Iteration {
                        bits,
                        little_endian,
                    },
                    Some(_),
                ) if matches!(self.mode, KdfMode::Counter) => {
                    number(&mut input, counter, *bits, *little_endian)?;
                }
                (KdfField::Iteration { .. }, Some(variable)) => input.extend_from_slice(variable),
                (
                    KdfField::Counter {
                        bits,
                        little_endian,
                    },
                    Some(_),
                ) => number(&mut input, counter, *bits, *little_endian)?,
                (
                    KdfField::Length {
                        bits,
                        little_endian,
                        of_segments,
                    },
                    _,
                ) => {
                    let bytes = if *of_segments { segments } else { wanted };
                    number(&mut input, bytes as u64 * 8, *bits, *little_endian)?;
                }
                (KdfField::Bytes(bytes), _) => input.extend_from_slice(bytes),
                (KdfField::Key(Some(value)), _) => input.extend_from_slice(value.expose()),
                (KdfField::Key(None), _) => return Err(parameter("a key's value is not there")),
            }
        }
        Ok(input)
    }
}

/// Writes a number of 8, 16, … 64 bits.
fn number(input: &mut Vec<u8>, value: u64, bits: u32, little_endian: bool) -> Result<()> {
    if !bits.is_multiple_of(8) || !(8..=64).contains(&bits) {
        return Err(parameter(
            "numbers of SP 800-108 have 8 to 64 bits, whole bytes",
        ));
    }
    if bits < 64 && value >> bits != 0 {
        return Err(length("a number of SP 800-108 does not fit its width"));
    }
    let width = bits as usize / 8;
    if little_endian {
        input.extend_from_slice(&value.to_le_bytes()[..width]);
    } else {
        input.extend_from_slice(&value.to_be_bytes()[8 - width..]);
    }
    Ok(())
}

/// PBKDF2 (RFC 8018 section 5.2).
///
/// # Errors
/// [`Error::MechanismParameter`] for no iterations, [`Error::DataLength`] for a length that there is not.
pub fn pbkdf2(
    hash: HashAlgorithm,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    wanted: usize,
) -> Result<SecretBytes> {
    if iterations == 0 {
        return Err(parameter("PBKDF2 iterates once or more"));
    }
    let mut derived = room(wanted)?;
    let keyed = Hmac::new(hash, password);
    let whole = hash.length();
    for (block, part) in (1u32..).zip(derived.chunks_mut(whole)) {
        let mut hmac = keyed.clone();
        hmac.update(salt);
        hmac.update(&block.to_be_bytes());
        let mut last = Zeroizing::new([0; LONGEST_DIGEST]);
        hmac.finish(&mut last);
        let mut sum = last.clone();
        for _ in 1..iterations {
            let mut hmac = keyed.clone();
            hmac.update(&last[..whole]);
            hmac.finish(&mut last);
            for (sum, byte) in sum.iter_mut().zip(last.iter()) {
                *sum ^= byte;
            }
        }
        part.copy_from_slice(&sum[..part.len()]);
    }
    Ok(SecretBytes::from(derived.as_slice()))
}
