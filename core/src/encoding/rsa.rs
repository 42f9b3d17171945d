//! RSA keys: components, PKCS#1 (RFC 8017 appendix A.1), PKCS#8 and SPKI.

use pkcs8::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::der::{
    self, DecodeValue, Encode, EncodeValue, Error as DerError, Header, Length, Reader, Sequence,
    Writer,
};
use pkcs8::{AlgorithmIdentifierRef, PrivateKeyInfoRef, SubjectPublicKeyInfoRef};

use super::{decode, encode, invalid, malformed, recover};
use crate::algorithm::KeySpec;
use crate::error::Result;
use crate::secret::SecretBytes;

/// `rsaEncryption` (RFC 8017 appendix A.1).
pub(super) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// PKCS#1 version of a key of two primes.
const TWO_PRIMES: u8 = 0;

/// Longest modulus taken: 16384 bits, twice what the engine uses.
const LONGEST_NUMBER: usize = 2048;

/// RSA public key: numbers big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    modulus: Vec<u8>,
    public_exponent: Vec<u8>,
}

impl RsaPublicKey {
    /// A key of its numbers, big-endian; leading zeros are dropped.
    ///
    /// # Errors
    /// [`crate::Error::InvalidMaterial`] for numbers that are zero or longer than 16384 bits.
    pub fn new(modulus: &[u8], public_exponent: &[u8]) -> Result<Self> {
        Ok(Self {
            modulus: positive(modulus, "modulus")?.to_vec(),
            public_exponent: positive(public_exponent, "public exponent")?.to_vec(),
        })
    }

    /// The modulus.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent.
    #[must_use]
    pub fn public_exponent(&self) -> &[u8] {
        &self.public_exponent
    }

    /// The kind of key: RSA with the modulus's size in bits.
    #[must_use]
    pub fn spec(&self) -> KeySpec {
        let zeros = self.modulus.first().map_or(0, |byte| byte.leading_zeros());
        // At most 16384, see `LONGEST_NUMBER`.
        KeySpec::Rsa {
            bits: self.modulus.len() as u32 * 8 - zeros,
        }
    }

    /// Reads PKCS#1 `RSAPublicKey`, DER.
    ///
    /// # Errors
    /// [`crate::Error::InvalidMaterial`].
    pub fn from_pkcs1(bytes: &[u8]) -> Result<Self> {
        let numbers: PublicNumbers<'_> = decode(bytes, "RSA public key")?;
        Self::new(numbers.modulus.as_bytes(), numbers.exponent.as_bytes())
    }

    /// Writes PKCS#1 `RSAPublicKey`, DER.
    ///
    /// # Errors
    /// None in practice: the numbers are short enough.
    pub fn to_pkcs1(&self) -> Result<Vec<u8>> {
        let numbers = PublicNumbers {
            modulus: unsigned(&self.modulus)?,
            exponent: unsigned(&self.public_exponent)?,
        };
        encode(&numbers, "RSA public key")
    }

    /// Writes `SubjectPublicKeyInfo`, DER.
    ///
    /// # Errors
    /// None in practice, as above.
    pub fn to_spki(&self) -> Result<Vec<u8>> {
        let key = self.to_pkcs1()?;
        let info = SubjectPublicKeyInfoRef {
            algorithm: algorithm(),
            subject_public_key: BitStringRef::from_bytes(&key)
                .map_err(|error| malformed("RSA public key", error))?,
        };
        encode(&info, "SubjectPublicKeyInfo")
    }
}

/// RSA private key of two primes, with everything that the Chinese remainder theorem needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPrivateKey {
    /// The public half.
    pub public: RsaPublicKey,
    /// d.
    pub private_exponent: SecretBytes,
    /// p.
    pub prime1: SecretBytes,
    /// q.
    pub prime2: SecretBytes,
    /// d mod (p − 1).
    pub exponent1: SecretBytes,
    /// d mod (q − 1).
    pub exponent2: SecretBytes,
    /// q⁻¹ mod p.
    pub coefficient: SecretBytes,
}

impl RsaPrivateKey {
    /// A key from what is known of it, all numbers big-endian. The modulus, the public and the private
    /// exponent are needed; without the two primes they are computed (SP 800-56B revision 2, appendix C.2),
    /// without the rest the rest is.
    ///
    /// # Errors
    /// [`crate::Error::InvalidMaterial`] for numbers out of range or that belong to no key.
    pub fn from_components(
        public: RsaPublicKey,
        private_exponent: &[u8],
        primes: Option<(&[u8], &[u8])>,
        remainders: Option<(&[u8], &[u8], &[u8])>,
    ) -> Result<Self> {
        let private_exponent = secret(private_exponent, "private exponent")?;
        let (prime1, prime2) = match primes {
            Some((first, second)) => (secret(first, "prime1")?, secret(second, "prime2")?),
            None => recover::primes(
                public.modulus(),
                public.public_exponent(),
                private_exponent.expose(),
            )?,
        };
        let (exponent1, exponent2, coefficient) = match remainders {
            Some((first, second, coefficient)) => (
                secret(first, "exponent1")?,
                secret(second, "exponent2")?,
                secret(coefficient, "coefficient")?,
            ),
            None => {
                recover::remainders(private_exponent.expose(), prime1.expose(), prime2.expose())?
            }
        };
        Ok(Self {
            public,
            private_exponent,
            prime1,
            prime2,
            exponent1,
            exponent2,
            coefficient,
        })
    }

    /// Reads PKCS#1 `RSAPrivateKey`, DER. Keys of more than two primes are refused.
    ///
    /// # Errors
    /// [`crate::Error::InvalidMaterial`].
    pub fn from_pkcs1(bytes: &[u8]) -> Result<Self> {
        let numbers: PrivateNumbers<'_> = decode(bytes, "RSA private key")?;
        let [n, e, d, p, q, dp, dq, qinv] = numbers.0.map(|number| number.as_bytes());
        Self::from_components(
            RsaPublicKey::new(n, e)?,
            d,
            Some((p, q)),
            Some((dp, dq, qinv)),
        )
    }

    /// Writes PKCS#1 `RSAPrivateKey`, DER.
    ///
    /// # Errors
    /// None in practice: the numbers are short enough.
    pub fn to_pkcs1(&self) -> Result<SecretBytes> {
        let numbers = PrivateNumbers([
            unsigned(&self.public.modulus)?,
            unsigned(&self.public.public_exponent)?,
            unsigned(self.private_exponent.expose())?,
            unsigned(self.prime1.expose())?,
            unsigned(self.prime2.expose())?,
            unsigned(self.exponent1.expose())?,
            unsigned(self.exponent2.expose())?,
            unsigned(self.coefficient.expose())?,
        ]);
        encode(&numbers, "RSA private key").map(SecretBytes::new)
    }

    /// Writes PKCS#8, DER.
    ///
    /// # Errors
    /// None in practice, as above.
    pub fn to_pkcs8(&self) -> Result<SecretBytes> {
        let key = self.to_pkcs1()?;
        let octets = <&OctetStringRef>::try_from(key.expose())
            .map_err(|error| malformed("RSA private key", error))?;
        let info = PrivateKeyInfoRef::new(algorithm(), octets);
        encode(&info, "PKCS#8 private key").map(SecretBytes::new)
    }
}

/// RFC 8017 appendix A.1: the parameters field MUST be NULL.
pub(super) fn check_parameters(parameters: Option<AnyRef<'_>>) -> Result<()> {
    if parameters == Some(AnyRef::NULL) {
        Ok(())
    } else {
        Err(invalid("rsaEncryption: parameters are not NULL"))
    }
}

fn algorithm() -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef {
        oid: RSA_ENCRYPTION,
        parameters: Some(AnyRef::NULL),
    }
}

fn secret(number: &[u8], what: &str) -> Result<SecretBytes> {
    positive(number, what).map(SecretBytes::from)
}

/// The number without leading zeros; zero itself is no component of a key.
fn positive<'a>(number: &'a [u8], what: &str) -> Result<&'a [u8]> {
    let start = number.iter().position(|&byte| byte != 0);
    let digits = start.map_or(&[][..], |start| &number[start..]);
    if digits.is_empty() {
        Err(invalid(&format!("RSA {what} is zero")))
    } else if digits.len() > LONGEST_NUMBER {
        Err(invalid(&format!(
            "RSA {what} is longer than {LONGEST_NUMBER} bytes"
        )))
    } else {
        Ok(digits)
    }
}

fn unsigned(number: &[u8]) -> Result<UintRef<'_>> {
    UintRef::new(number).map_err(|error| malformed("RSA number", error))
}

/// `RSAPublicKey` on the wire.
struct PublicNumbers<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl<'a> DecodeValue<'a> for PublicNumbers<'a> {
    type Error = DerError;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _header: Header) -> der::Result<Self> {
        Ok(Self {
            modulus: reader.decode()?,
            exponent: reader.decode()?,
        })
    }
}

impl EncodeValue for PublicNumbers<'_> {
    fn value_len(&self) -> der::Result<Length> {
        self.modulus.encoded_len()? + self.exponent.encoded_len()?
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.modulus.encode(writer)?;
        self.exponent.encode(writer)
    }
}

impl<'a> Sequence<'a> for PublicNumbers<'a> {}

/// `RSAPrivateKey` on the wire, version 0: n, e, d, p, q, dp, dq, qinv.
struct PrivateNumbers<'a>([UintRef<'a>; 8]);

impl<'a> DecodeValue<'a> for PrivateNumbers<'a> {
    type Error = DerError;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _header: Header) -> der::Result<Self> {
        if reader.decode::<u8>()? != TWO_PRIMES {
            return Err(reader.error(der::Tag::Integer.value_error()));
        }
        let mut numbers = [UintRef::new(&[])?; 8];
        for number in &mut numbers {
            *number = reader.decode()?;
        }
        Ok(Self(numbers))
    }
}

impl EncodeValue for PrivateNumbers<'_> {
    fn value_len(&self) -> der::Result<Length> {
        let mut length = TWO_PRIMES.encoded_len()?;
        for number in &self.0 {
            length = (length + number.encoded_len()?)?;
        }
        Ok(length)
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        TWO_PRIMES.encode(writer)?;
        self.0.iter().try_for_each(|number| number.encode(writer))
    }
}

impl<'a> Sequence<'a> for PrivateNumbers<'a> {}
