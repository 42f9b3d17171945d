//! Request and response headers (1.4 section 7.2; 2.1 section 8).

use super::{Authentication, Nonce};
use crate::enums::{AsynchronousIndicator, AttestationType, BatchErrorContinuationOption};
use crate::error::{DecodeError, EncodeError};
use crate::item::ItemType;
use crate::secret::SecretBytes;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::version::Version;
use crate::wire::{Context, DateTime, Encoder, Wire, structure};

structure! {
    /// Request Header.
    RequestHeader {
        /// Version of the message, to which the answer keeps.
        protocol_version: required Version = ProtocolVersion,
        /// Largest response that the client takes, in bytes.
        maximum_response_size: optional i32 = MaximumResponseSize,
        /// For the server's log; from 1.4.
        client_correlation_value: optional String = ClientCorrelationValue,
        /// From a server as sender; from 1.4.
        server_correlation_value: optional String = ServerCorrelationValue,
        /// Whether the client takes asynchronous responses; absent, it does not.
        asynchronous_indicator: optional Asynchronous = AsynchronousIndicator,
        /// Whether the client can attest its state; from 1.2.
        attestation_capable_indicator: optional bool = AttestationCapableIndicator,
        /// How it can; from 1.2.
        attestation_types: repeated AttestationType = AttestationType,
        /// Who asks.
        authentication: optional Authentication = Authentication,
        /// What a failed batch item means to the others; absent, Stop.
        batch_error_continuation_option: optional BatchErrorContinuationOption =
            BatchErrorContinuationOption,
        /// Whether batch items are processed in order; absent, false to 1.4 and true from 2.0.
        batch_order_option: optional bool = BatchOrderOption,
        /// The client's time.
        time_stamp: optional DateTime = TimeStamp,
        /// Number of batch items.
        batch_count: required i32 = BatchCount,
    }
}

structure! {
    /// Response Header.
    ResponseHeader {
        /// Version of the message.
        protocol_version: required Version = ProtocolVersion,
        /// The server's time.
        time_stamp: required DateTime = TimeStamp,
        /// For the client to attest with; from 1.2.
        nonce: optional Nonce = Nonce,
        /// Proof that the server knows the password, for a Hashed Password credential; from 2.0.
        server_hashed_password: optional SecretBytes = ServerHashedPassword,
        /// Attestation types of the server; from 1.2.
        attestation_types: repeated AttestationType = AttestationType,
        /// The request's value, from a client as sender; from 1.4.
        client_correlation_value: optional String = ClientCorrelationValue,
        /// For the client's log; from 1.4.
        server_correlation_value: optional String = ServerCorrelationValue,
        /// Number of batch items.
        batch_count: required i32 = BatchCount,
    }
}

impl RequestHeader {
    /// A header with nothing but the version; the batch count is filled in on encoding.
    pub const fn new(protocol_version: Version) -> Self {
        Self {
            protocol_version,
            maximum_response_size: None,
            client_correlation_value: None,
            server_correlation_value: None,
            asynchronous_indicator: None,
            attestation_capable_indicator: None,
            attestation_types: Vec::new(),
            authentication: None,
            batch_error_continuation_option: None,
            batch_order_option: None,
            time_stamp: None,
            batch_count: 0,
        }
    }
}

impl ResponseHeader {
    /// A header with nothing but version and time; the batch count is filled in on encoding.
    pub const fn new(protocol_version: Version, time_stamp: DateTime) -> Self {
        Self {
            protocol_version,
            time_stamp,
            nonce: None,
            server_hashed_password: None,
            attestation_types: Vec::new(),
            client_correlation_value: None,
            server_correlation_value: None,
            batch_count: 0,
        }
    }
}

/// Asynchronous Indicator: a Boolean to 1.4, an Enumeration from 2.0 (1.4 section 6.7;
/// 2.1 section 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asynchronous(
    /// In the words of 2.0. From 1.x true is Optional and false is Prohibited.
    pub AsynchronousIndicator,
);

impl Wire for Asynchronous {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        if out.version().has_tagged_attributes() {
            return self.0.encode(tag, out);
        }
        out.writer
            .boolean(tag, self.0 != AsynchronousIndicator::Prohibited);
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, _: Context) -> Result<Self, DecodeError> {
        // Clients are seen to send the Boolean in 2.0 as well.
        if item.kind == ItemType::Boolean {
            let optional = item.boolean()?;
            return Ok(Self(if optional {
                AsynchronousIndicator::Optional
            } else {
                AsynchronousIndicator::Prohibited
            }));
        }
        item.enumeration()
            .map(|value| Self(AsynchronousIndicator(value)))
    }
}

impl Wire for Version {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        let mark = out.writer.begin(tag);
        out.writer
            .integer(Tag::ProtocolVersionMajor, self.major.into());
        out.writer
            .integer(Tag::ProtocolVersionMinor, self.minor.into());
        out.writer.end(mark);
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        let mut reader = item.structure()?;
        let (mut major, mut minor) = (None, None);
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::ProtocolVersionMajor => context.once(&mut major, &field)?,
                Tag::ProtocolVersionMinor => context.once(&mut minor, &field)?,
                tag => context.unexpected(item.tag, tag)?,
            }
        }
        let missing = |tag| DecodeError::Missing {
            structure: item.tag,
            tag,
        };
        let major: i32 = major.ok_or(missing(Tag::ProtocolVersionMajor))?;
        let minor: i32 = minor.ok_or(missing(Tag::ProtocolVersionMinor))?;
        let narrow = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        Ok(Self::new(narrow(major), narrow(minor)))
    }
}
