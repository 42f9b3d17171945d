//! Request messages: read by a server, written by a client.

use super::{MessageExtension, Outcome, RequestHeader, ResponseBatchItem, ResponseMessage};
use crate::encoding::Encoding;
use crate::enums::{Operation, ResultReason};
use crate::error::{DecodeError, EncodeError};
use crate::operations::RequestPayload;
use crate::tags::Tag;
use crate::ttlv::{ItemRef, Limits, check};
use crate::version::Version;
use crate::wire::{Context, DateTime, Encoder, Wire};

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestMessage {
    /// The header.
    pub header: RequestHeader,
    /// The batch items, as many as the header says.
    pub items: Vec<RequestBatchItem>,
}

/// One operation of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestBatchItem {
    /// The operation.
    pub operation: Operation,
    /// Whether the result is only for later batch items; from 2.0.
    pub ephemeral: Option<bool>,
    /// To be returned with the response; required when there are several items.
    pub unique_batch_item_id: Option<Vec<u8>>,
    /// What is asked. An error here concerns this batch item only.
    pub payload: Result<RequestPayload, PayloadError>,
    /// Extensions.
    pub message_extensions: Vec<MessageExtension>,
}

/// Why a batch item has no payload that a server can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The operation is unknown, or none of the message's version.
    #[error("operation {operation} is not supported in KMIP {version}")]
    OperationNotSupported {
        /// The operation.
        operation: Operation,
        /// The version.
        version: Version,
    },
    /// The payload is not that of the operation.
    #[error(transparent)]
    Payload(#[from] DecodeError),
}

impl PayloadError {
    /// The result reason that tells a client of `version` about the error.
    pub fn reason(&self, version: Version) -> ResultReason {
        match self {
            Self::OperationNotSupported { .. } => ResultReason::OperationNotSupported,
            Self::Payload(error) => error.reason(version),
        }
    }
}

/// Bytes that are no request at all, with what is known of how to say so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct RequestFailure {
    /// What is wrong.
    #[source]
    pub error: DecodeError,
    /// The version to answer in: the request's where it could be read and is supported, else the
    /// nearest that is.
    pub version: Version,
}

impl RequestFailure {
    /// The answer: a header and one failed batch item.
    pub fn response(&self, time_stamp: DateTime) -> ResponseMessage {
        let item = ResponseBatchItem {
            operation: None,
            unique_batch_item_id: None,
            outcome: Outcome::failed(self.error.reason(self.version), self.error.to_string()),
            message_extension: None,
        };
        ResponseMessage::new(self.version, time_stamp, vec![item])
    }
}

impl From<RequestPayload> for RequestBatchItem {
    fn from(payload: RequestPayload) -> Self {
        Self {
            operation: payload.operation(),
            ephemeral: None,
            unique_batch_item_id: None,
            payload: Ok(payload),
            message_extensions: Vec::new(),
        }
    }
}

impl RequestMessage {
    /// A request of these operations, in order. Several are given Unique Batch Item IDs: 0, 1, ...
    pub fn new(version: Version, payloads: Vec<RequestPayload>) -> Self {
        let mut header = RequestHeader::new(version);
        let mut items: Vec<_> = payloads.into_iter().map(RequestBatchItem::from).collect();
        if items.len() > 1 {
            header.batch_order_option = Some(true);
            for (number, item) in items.iter_mut().enumerate() {
                item.unique_batch_item_id = Some(number.to_string().into_bytes());
            }
        }
        Self { header, items }
    }

    /// Reads a request from the bytes of one TTLV message.
    ///
    /// # Errors
    /// When the bytes are no request. What is wrong within one payload is in its batch item.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, RequestFailure> {
        let mut header = None;
        Self::try_decode(bytes, limits, &mut header).map_err(|error| {
            let header = header.or_else(|| peek_header(bytes));
            let version = header
                .as_ref()
                .map_or(Version::V1_0, |header| header.protocol_version);
            RequestFailure {
                error,
                version: nearest_supported(version),
            }
        })
    }

    /// Reads a request that came in `encoding`.
    ///
    /// # Errors
    /// As [`RequestMessage::decode`].
    pub fn decode_from(
        encoding: Encoding,
        message: &[u8],
        limits: &Limits,
    ) -> Result<Self, RequestFailure> {
        let ttlv = encoding
            .to_ttlv(message, limits)
            .map_err(|error| RequestFailure {
                error,
                // Nothing of it could be read: the oldest version is the one that everybody knows.
                version: Version::V1_0,
            })?;
        Self::decode(&ttlv, limits)
    }

    fn try_decode(
        bytes: &[u8],
        limits: &Limits,
        known: &mut Option<RequestHeader>,
    ) -> Result<Self, DecodeError> {
        let message = check(bytes, limits)?;
        if message.tag != Tag::RequestMessage {
            return Err(DecodeError::Unexpected {
                structure: message.tag,
                tag: message.tag,
            });
        }
        let mut reader = message.structure()?;
        let missing = |tag| DecodeError::Missing {
            structure: Tag::RequestMessage,
            tag,
        };
        let header = reader
            .next_item()?
            .filter(|item| item.tag == Tag::RequestHeader)
            .ok_or(missing(Tag::RequestHeader))?;
        let version = version_of(&header)?;
        if !version.is_supported() {
            return Err(DecodeError::UnsupportedVersion { version });
        }
        let context = Context {
            version,
            strict: true,
        };
        let header = &*known.insert(RequestHeader::decode(&header, context)?);
        let mut items =
            Vec::with_capacity(usize::try_from(header.batch_count).unwrap_or(0).min(16));
        while let Some(item) = context.next(&mut reader)? {
            if item.tag != Tag::BatchItem {
                context.unexpected(Tag::RequestMessage, item.tag)?;
            }
            items.push(RequestBatchItem::decode(&item, context)?);
        }
        if usize::try_from(header.batch_count) != Ok(items.len()) {
            return Err(DecodeError::BatchCount {
                count: header.batch_count,
                items: items.len(),
            });
        }
        if items.is_empty() {
            return Err(missing(Tag::BatchItem));
        }
        Ok(Self {
            header: header.clone(),
            items,
        })
    }

    /// Writes the request, for the version in its header, after what is in `buffer`.
    ///
    /// # Errors
    /// When the version cannot express it.
    pub fn encode(&self, buffer: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
        let version = self.header.protocol_version;
        let mut out = Encoder::new(buffer, version);
        let mark = out.writer.begin(Tag::RequestMessage);
        let mut header = self.header.clone();
        header.batch_count = i32::try_from(self.items.len()).map_err(|_| EncodeError::TooLong)?;
        header.encode(Tag::RequestHeader, &mut out)?;
        for item in &self.items {
            item.encode(&mut out)?;
        }
        out.writer.end(mark);
        out.finish()
    }
}

impl RequestBatchItem {
    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        let mut reader = item.structure()?;
        let (mut operation, mut ephemeral, mut id) = (None, None, None);
        let mut payload: Option<ItemRef<'_>> = None;
        let mut message_extensions = Vec::new();
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::Operation => context.once(&mut operation, &field)?,
                Tag::Ephemeral => context.once(&mut ephemeral, &field)?,
                Tag::UniqueBatchItemID => context.once(&mut id, &field)?,
                Tag::RequestPayload if payload.is_none() => payload = Some(field),
                tag @ Tag::RequestPayload => return Err(DecodeError::Repeated { tag }),
                Tag::MessageExtension => message_extensions.push(Wire::decode(&field, context)?),
                tag => context.unexpected(item.tag, tag)?,
            }
        }
        let missing = |tag| DecodeError::Missing {
            structure: item.tag,
            tag,
        };
        let operation: Operation = operation.ok_or(missing(Tag::Operation))?;
        let payload = &payload.ok_or(missing(Tag::RequestPayload))?;
        Ok(Self {
            operation,
            ephemeral,
            unique_batch_item_id: id,
            payload: Self::decode_payload(operation, payload, context),
            message_extensions,
        })
    }

    fn decode_payload(
        operation: Operation,
        item: &ItemRef<'_>,
        context: Context,
    ) -> Result<RequestPayload, PayloadError> {
        let version = context.version;
        let foreign = PayloadError::OperationNotSupported { operation, version };
        if !operation.exists_in(version) {
            return Err(foreign);
        }
        RequestPayload::decode(operation, item, context)?.ok_or(foreign)
    }

    fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        let (operation, version) = (self.operation, out.version());
        let foreign = EncodeError::OperationNotInVersion { operation, version };
        let payload = self.payload.as_ref().map_err(|_| foreign.clone())?;
        if !operation.exists_in(version) {
            return Err(foreign);
        }
        let mark = out.writer.begin(Tag::BatchItem);
        out.required(Tag::Operation, &operation)?;
        out.optional(Tag::Ephemeral, self.ephemeral.as_ref())?;
        out.optional(Tag::UniqueBatchItemID, self.unique_batch_item_id.as_ref())?;
        payload.encode(out)?;
        for extension in &self.message_extensions {
            out.optional(Tag::MessageExtension, Some(extension))?;
        }
        out.writer.end(mark);
        Ok(())
    }
}

/// The version in a header, read before anything else so that the rest can be read by it.
pub(super) fn version_of(header: &ItemRef<'_>) -> Result<Version, DecodeError> {
    let lenient = Context {
        version: Version::V2_1,
        strict: false,
    };
    let mut fields = header.structure()?;
    while let Some(field) = fields.next_item()? {
        if field.tag == Tag::ProtocolVersion {
            return Version::decode(&field, lenient);
        }
    }
    Err(DecodeError::Missing {
        structure: header.tag,
        tag: Tag::ProtocolVersion,
    })
}

/// The header of a message that is broken later on, as far as it can be read.
fn peek_header(bytes: &[u8]) -> Option<RequestHeader> {
    // The message's own length may be what is broken: skip its head and read what follows.
    let mut reader = crate::ttlv::Reader::new(bytes.get(crate::ttlv::HEAD..)?);
    let item = reader.next_item().ok()??;
    if item.tag != Tag::RequestHeader {
        return None;
    }
    let version = version_of(&item).ok()?;
    let header = RequestHeader::decode(
        &item,
        Context {
            version,
            strict: false,
        },
    );
    header.ok().or(Some(RequestHeader::new(version)))
}

/// The supported version to answer a message of `version` in.
fn nearest_supported(version: Version) -> Version {
    let older = Version::SUPPORTED
        .into_iter()
        .find(|supported| *supported <= version);
    older.unwrap_or(Version::V1_0)
}
