//! PKCS#11: a function of Cryptoki on the server, from 2.0 (2.1 section 6.1.37).

use crate::enums::{PKCS_11Function, PKCS_11ReturnCode};
use crate::error::{DecodeError, EncodeError};
use crate::item::ItemType;
use crate::secret::SecretBytes;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, Wire, structure};

/// PKCS#11 Function: an Enumeration for the standard's, an Integer for a vendor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionNumber {
    /// A function of the standard.
    Standard(PKCS_11Function),
    /// A function of a vendor.
    Vendor(i32),
}

impl Wire for FunctionNumber {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::Standard(function) => out.writer.enumeration(tag, function.0),
            Self::Vendor(number) => out.writer.integer(tag, *number),
        }
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, _: Context) -> Result<Self, DecodeError> {
        if item.kind == ItemType::Integer {
            return item.integer().map(Self::Vendor);
        }
        item.enumeration().map(|number| Self::Standard(PKCS_11Function(number)))
    }
}

structure! {
    /// Request of PKCS#11.
    PKCS11Request {
        /// The interface; absent, that of 3.0.
        interface: optional String = PKCS_11Interface,
        /// The function.
        function: required FunctionNumber = PKCS_11Function,
        /// Which client state, when a response named one.
        correlation_value: optional Vec<u8> = CorrelationValue,
        /// Its parameters.
        input_parameters: optional SecretBytes = PKCS_11InputParameters,
    }
}

structure! {
    /// Response of PKCS#11.
    PKCS11Response {
        /// The interface; absent, that of 3.0.
        interface: optional String = PKCS_11Interface,
        /// The function.
        function: required FunctionNumber = PKCS_11Function,
        /// To be returned with the next request.
        correlation_value: optional Vec<u8> = CorrelationValue,
        /// What it returned.
        output_parameters: optional SecretBytes = PKCS_11OutputParameters,
        /// Its return value.
        return_code: required PKCS_11ReturnCode = PKCS_11ReturnCode,
    }
}
