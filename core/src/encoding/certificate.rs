//! The public key inside a certificate. Nothing else of the certificate is judged here.

use pkcs8::der::asn1::{AnyRef, SequenceRef};
use pkcs8::der::{Decode, Error as DerError, Reader, SliceReader, Tag, TagNumber};

use super::{LONGEST_CERTIFICATE, invalid, malformed};
use crate::error::Result;

/// Fields of TBSCertificate between version and subjectPublicKeyInfo (RFC 5280 section 4.1):
/// serialNumber, signature, issuer, validity, subject.
const FIELDS_BEFORE_KEY: [Tag; 5] = [
    Tag::Integer,
    Tag::Sequence,
    Tag::Sequence,
    Tag::Sequence,
    Tag::Sequence,
];

const VERSION: Tag = Tag::ContextSpecific {
    constructed: true,
    number: TagNumber(0),
};

/// The `SubjectPublicKeyInfo` of an X.509 certificate, as it stands there.
///
/// # Errors
/// [`Error::InvalidMaterial`](crate::Error::InvalidMaterial) when it is no certificate.
pub fn public_key_info_of_certificate(bytes: &[u8]) -> Result<&[u8]> {
    if bytes.len() > LONGEST_CERTIFICATE {
        return Err(invalid(&format!(
            "certificate: longer than {LONGEST_CERTIFICATE} bytes"
        )));
    }
    find(bytes).map_err(|error| malformed("certificate", error))
}

fn find(bytes: &[u8]) -> std::result::Result<&[u8], DerError> {
    let certificate = <&SequenceRef>::from_der(bytes)?;
    let mut outer = SliceReader::new(certificate.as_bytes())?;
    let body = <&SequenceRef>::decode(&mut outer)?;
    // signatureAlgorithm and signatureValue: there, and nothing after them.
    <&SequenceRef>::decode(&mut outer)?;
    expect(&mut outer, Tag::BitString)?;
    outer.finish()?;

    let mut fields = SliceReader::new(body.as_bytes())?;
    if Tag::peek(&fields)? == VERSION {
        fields.tlv_bytes()?;
    }
    for tag in FIELDS_BEFORE_KEY {
        expect(&mut fields, tag)?;
    }
    Tag::peek(&fields)?.assert_eq(Tag::Sequence)?;
    fields.tlv_bytes()
}

fn expect(reader: &mut SliceReader<'_>, tag: Tag) -> std::result::Result<(), DerError> {
    Tag::peek(reader)?.assert_eq(tag)?;
    AnyRef::decode(reader)?;
    Ok(())
}
