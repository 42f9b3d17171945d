//! How a key is wrapped, and how it is asked to be.

use crate::attributes::{AttributeName, CryptographicParameters, UniqueIdentifier};
use crate::enums::{EncodingOption, WrappingMethod};
use crate::error::{DecodeError, EncodeError};
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, FieldRow, Flatten, structure};

structure! {
    /// Encryption Key Information and MAC/Signature Key Information (1.4 section 2.1.5;
    /// 2.1 section 3.3).
    KeyInformation {
        /// The key.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// How it is used.
        cryptographic_parameters: optional CryptographicParameters = CryptographicParameters,
    }
}

structure! {
    /// Key Wrapping Data: how a Key Value was wrapped (1.4 section 2.1.5; 2.1 section 3.3).
    KeyWrappingData {
        /// Encryption, MAC or signature, or both.
        wrapping_method: required WrappingMethod = WrappingMethod,
        /// The key that encrypted.
        encryption_key: optional KeyInformation = EncryptionKeyInformation,
        /// The key that made the MAC or signature.
        mac_signature_key: optional KeyInformation = MACSignatureKeyInformation,
        /// The MAC or signature.
        mac_signature: optional Vec<u8> = MACSignature,
        /// Initialization vector, counter or nonce.
        iv_counter_nonce: optional Vec<u8> = IVCounterNonce,
        /// What was wrapped: the Key Material alone or a TTLV Key Value, the default.
        encoding_option: optional EncodingOption = EncodingOption,
    }
}

structure! {
    /// Key Wrapping Specification: how a key shall be wrapped (1.4 section 2.1.6; 2.1 section
    /// 7.18).
    KeyWrappingSpecification {
        /// Encryption, MAC or signature, or both.
        wrapping_method: required WrappingMethod = WrappingMethod,
        /// The key that shall encrypt.
        encryption_key: optional KeyInformation = EncryptionKeyInformation,
        /// The key that shall make the MAC or signature.
        mac_signature_key: optional KeyInformation = MACSignatureKeyInformation,
        /// Attributes to wrap with the key.
        attribute_names: flattened WrappedAttributeNames,
        /// What to wrap: the Key Material alone or a TTLV Key Value, the default.
        encoding_option: optional EncodingOption = EncodingOption,
    }
}

/// The names of attributes to wrap with a key: Attribute Name texts in every version, for 2.x kept
/// them here.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WrappedAttributeNames(
    /// The names.
    pub Vec<AttributeName>,
);

impl Flatten for WrappedAttributeNames {
    const FIELDS: &'static [FieldRow] = &[FieldRow {
        repeated: true,
        ..FieldRow::optional(Tag::AttributeName)
    }];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        for name in &self.0 {
            name.put_text(Tag::AttributeName, out);
        }
        Ok(())
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        if item.tag != Tag::AttributeName {
            // Some 2.x clients send references, as everywhere else.
            return Flatten::take(&mut self.0, item, context);
        }
        self.0.push(AttributeName::from_text(item.text()?));
        Ok(true)
    }
}
