//! Response messages: written by a server, read by a client.

use super::reasons::reason_in;
use super::request::version_of;
use super::{MessageExtension, ResponseHeader};
use crate::enums::{Operation, ResultReason, ResultStatus};
use crate::error::{DecodeError, EncodeError};
use crate::operations::ResponsePayload;
use crate::tags::Tag;
use crate::ttlv::{ItemRef, Limits, check};
use crate::version::Version;
use crate::wire::{Context, DateTime, Encoder, Wire};

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseMessage {
    /// The header. Its version is the one written for.
    pub header: ResponseHeader,
    /// One batch item for each of the request that was processed.
    pub items: Vec<ResponseBatchItem>,
}

/// The result of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseBatchItem {
    /// The operation of the request's batch item, where it had one.
    pub operation: Option<Operation>,
    /// The identifier of the request's batch item, where it had one.
    pub unique_batch_item_id: Option<Vec<u8>>,
    /// The result.
    pub outcome: Outcome,
    /// An extension.
    pub message_extension: Option<MessageExtension>,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum Outcome {
    /// Success; without a payload for the few operations that return none.
    Success(Option<ResponsePayload>),
    /// Failure.
    Failed {
        /// Why; for a version that does not have it, the reason nearest to it is sent.
        reason: ResultReason,
        /// Words about it.
        message: Option<String>,
        /// What some operations return nevertheless (Check, to 1.0).
        payload: Option<ResponsePayload>,
    },
    /// The result will be there later.
    Pending {
        /// To ask for it with.
        correlation_value: Vec<u8>,
    },
    /// What was done, and might be told, was undone because another batch item failed.
    Undone(Option<ResponsePayload>),
}

impl Outcome {
    /// A failure with words about it.
    pub fn failed(reason: ResultReason, message: impl Into<String>) -> Self {
        Self::Failed {
            reason,
            message: Some(message.into()),
            payload: None,
        }
    }

    /// The Result Status.
    pub const fn status(&self) -> ResultStatus {
        match self {
            Self::Success(_) => ResultStatus::Success,
            Self::Failed { .. } => ResultStatus::OperationFailed,
            Self::Pending { .. } => ResultStatus::OperationPending,
            Self::Undone(_) => ResultStatus::OperationUndone,
        }
    }
}

impl From<ResponsePayload> for Outcome {
    fn from(payload: ResponsePayload) -> Self {
        Self::Success(Some(payload))
    }
}

impl ResponseMessage {
    /// A response of these items.
    pub const fn new(
        version: Version,
        time_stamp: DateTime,
        items: Vec<ResponseBatchItem>,
    ) -> Self {
        Self {
            header: ResponseHeader::new(version, time_stamp),
            items,
        }
    }

    /// Writes the response, for the version in its header, after what is in `buffer`. A batch item
    /// that the version cannot express is replaced by a failed one.
    ///
    /// # Errors
    /// When the header cannot be expressed or the message exceeds 4 GiB.
    pub fn encode(&self, buffer: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
        let mut out = Encoder::new(buffer, self.header.protocol_version);
        let mark = out.writer.begin(Tag::ResponseMessage);
        let mut header = self.header.clone();
        header.batch_count = i32::try_from(self.items.len()).map_err(|_| EncodeError::TooLong)?;
        header.encode(Tag::ResponseHeader, &mut out)?;
        for item in &self.items {
            let start = out.writer.len();
            if let Err(error) = item.encode(&mut out) {
                out.writer.truncate(start);
                item.instead(ResultReason::GeneralFailure, error.to_string())
                    .encode(&mut out)?;
            }
        }
        out.writer.end(mark);
        out.finish()
    }

    /// Writes the response as [`ResponseMessage::encode`] does. If it exceeds `limit` bytes, every
    /// batch item that succeeded is replaced by one that failed with Response Too Large
    /// (1.4 section 6.3; 2.1 section 9.12). Says whether it is the response as it was.
    ///
    /// # Errors
    /// When even that exceeds the limit, and as for [`ResponseMessage::encode`].
    pub fn encode_within(
        &self,
        buffer: Vec<u8>,
        limit: usize,
    ) -> Result<(Vec<u8>, bool), EncodeError> {
        let start = buffer.len();
        let bytes = self.encode(buffer)?;
        if bytes.len() - start <= limit {
            return Ok((bytes, true));
        }
        let found = bytes.len() - start;
        let message = format!("the response has {found} bytes, the client takes {limit}");
        let items = self.items.iter().map(|item| match item.outcome {
            Outcome::Success(_) => item.instead(ResultReason::ResponseTooLarge, message.clone()),
            _ => item.clone(),
        });
        let small = Self {
            header: self.header.clone(),
            items: items.collect(),
        };
        let mut writer = crate::ttlv::Writer::new(bytes);
        writer.truncate(start);
        let bytes = small.encode(writer.finish().unwrap_or_default())?;
        if bytes.len() - start > limit {
            return Err(EncodeError::TooLarge {
                found: bytes.len() - start,
                limit,
            });
        }
        Ok((bytes, false))
    }

    /// Reads a response from the bytes of one TTLV message. Items that this crate does not know are
    /// skipped: the server may know more.
    ///
    /// # Errors
    /// When the bytes are no response.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let message = check(bytes, limits)?;
        if message.tag != Tag::ResponseMessage {
            return Err(DecodeError::Unexpected {
                structure: message.tag,
                tag: message.tag,
            });
        }
        let mut reader = message.structure()?;
        let missing = |tag| DecodeError::Missing {
            structure: Tag::ResponseMessage,
            tag,
        };
        let header = reader
            .next_item()?
            .filter(|item| item.tag == Tag::ResponseHeader)
            .ok_or(missing(Tag::ResponseHeader))?;
        let context = Context {
            version: version_of(&header)?,
            strict: false,
        };
        let header = ResponseHeader::decode(&header, context)?;
        let mut items = Vec::new();
        while let Some(item) = context.next(&mut reader)? {
            if item.tag == Tag::BatchItem {
                items.push(ResponseBatchItem::decode(&item, context)?);
            }
        }
        if usize::try_from(header.batch_count) != Ok(items.len()) {
            return Err(DecodeError::BatchCount {
                count: header.batch_count,
                items: items.len(),
            });
        }
        Ok(Self { header, items })
    }
}

impl ResponseBatchItem {
    /// The item, failed.
    fn instead(&self, reason: ResultReason, message: String) -> Self {
        Self {
            operation: self.operation,
            unique_batch_item_id: self.unique_batch_item_id.clone(),
            outcome: Outcome::failed(reason, message),
            message_extension: None,
        }
    }

    fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        let version = out.version();
        let mark = out.writer.begin(Tag::BatchItem);
        if let Some(operation) = self.operation {
            // The request's operation is returned even if the version does not have it.
            out.writer.enumeration(Tag::Operation, operation.0);
        }
        out.optional(Tag::UniqueBatchItemID, self.unique_batch_item_id.as_ref())?;
        out.required(Tag::ResultStatus, &self.outcome.status())?;
        let payload = match &self.outcome {
            Outcome::Success(payload) | Outcome::Undone(payload) => payload.as_ref(),
            Outcome::Failed {
                reason,
                message,
                payload,
            } => {
                out.required(Tag::ResultReason, &reason_in(*reason, version))?;
                out.optional(Tag::ResultMessage, message.as_ref())?;
                payload.as_ref()
            }
            Outcome::Pending { correlation_value } => {
                out.required(Tag::AsynchronousCorrelationValue, correlation_value)?;
                None
            }
        };
        if let Some(payload) = payload {
            let operation = payload.operation();
            if !operation.exists_in(version) {
                return Err(EncodeError::OperationNotInVersion { operation, version });
            }
            payload.encode(out)?;
        }
        out.optional(Tag::MessageExtension, self.message_extension.as_ref())?;
        out.writer.end(mark);
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        let mut reader = item.structure()?;
        let (mut operation, mut id, mut status) = (None, None, None);
        let (mut reason, mut message, mut correlation, mut extension) = (None, None, None, None);
        let mut payload: Option<ItemRef<'_>> = None;
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::Operation => context.once(&mut operation, &field)?,
                Tag::UniqueBatchItemID => context.once(&mut id, &field)?,
                Tag::ResultStatus => context.once(&mut status, &field)?,
                Tag::ResultReason => context.once(&mut reason, &field)?,
                Tag::ResultMessage => context.once(&mut message, &field)?,
                Tag::AsynchronousCorrelationValue => context.once(&mut correlation, &field)?,
                Tag::MessageExtension => context.once(&mut extension, &field)?,
                Tag::ResponsePayload => payload = Some(field),
                tag => context.unexpected(item.tag, tag)?,
            }
        }
        let missing = |tag| DecodeError::Missing {
            structure: item.tag,
            tag,
        };
        let payload = match (operation, &payload) {
            (Some(operation), Some(payload)) => {
                ResponsePayload::decode(operation, payload, context)
            }
            _ => Ok(None),
        };
        let outcome = match status.ok_or(missing(Tag::ResultStatus))? {
            ResultStatus::Success => Outcome::Success(payload?),
            ResultStatus::OperationFailed => Outcome::Failed {
                reason: reason.unwrap_or(ResultReason::GeneralFailure),
                message,
                // A server may return anything with a failure; it must not hide the failure.
                payload: payload.unwrap_or(None),
            },
            ResultStatus::OperationPending => Outcome::Pending {
                correlation_value: correlation.ok_or(missing(Tag::AsynchronousCorrelationValue))?,
            },
            ResultStatus::OperationUndone => Outcome::Undone(payload?),
            _ => {
                return Err(DecodeError::InvalidValue {
                    tag: Tag::ResultStatus,
                });
            }
        };
        Ok(Self {
            operation,
            unique_batch_item_id: id,
            outcome,
            message_extension: extension,
        })
    }
}
