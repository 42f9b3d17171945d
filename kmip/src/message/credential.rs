//! Credentials in a request's header (1.4 section 2.1.2; 2.1 section 9.11).

use crate::enums::{AttestationType, CredentialType, HashingAlgorithm, TicketType};
use crate::error::{DecodeError, EncodeError};
use crate::item::Value;
use crate::secret::{SecretBytes, SecretText};
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, DateTimeExtended, Encoder, Wire, structure};

structure! {
    /// Authentication: all of the credentials must hold (1.4 section 6.6; 2.1 section 9.4).
    Authentication {
        /// The credentials; one to 1.1, one or more later.
        credentials: repeated Credential = Credential,
    }
}

structure! {
    /// User name and password.
    UsernameAndPassword {
        /// User name.
        username: required String = Username,
        /// Password.
        password: optional SecretText = Password,
    }
}

structure! {
    /// What identifies a device, from 1.1.
    #[derive(Default)]
    Device {
        /// Serial number.
        device_serial_number: optional String = DeviceSerialNumber,
        /// Password.
        password: optional SecretText = Password,
        /// Identifier of the device.
        device_identifier: optional String = DeviceIdentifier,
        /// Identifier of its network.
        network_identifier: optional String = NetworkIdentifier,
        /// Identifier of its machine.
        machine_identifier: optional String = MachineIdentifier,
        /// Identifier of its medium.
        media_identifier: optional String = MediaIdentifier,
    }
}

structure! {
    /// A number used once, from 1.2 (1.4 section 2.1.14; 2.1 section 9.14).
    Nonce {
        /// Its identifier.
        nonce_id: required Vec<u8> = NonceID,
        /// The number.
        nonce_value: required Vec<u8> = NonceValue,
    }
}

structure! {
    /// What attests the state of a client, from 1.2.
    Attestation {
        /// The server's nonce.
        nonce: required Nonce = Nonce,
        /// Kind of attestation.
        attestation_type: required AttestationType = AttestationType,
        /// The client's measurement.
        attestation_measurement: optional Vec<u8> = AttestationMeasurement,
        /// A third party's assertion.
        attestation_assertion: optional Vec<u8> = AttestationAssertion,
    }
}

structure! {
    /// A password for one time, from 2.0.
    OneTimePassword {
        /// User name.
        username: required String = Username,
        /// Password.
        password: optional SecretText = Password,
        /// Password for one time.
        one_time_password: required SecretText = OneTimePassword,
    }
}

structure! {
    /// The hash of a password and the time, from 2.0.
    HashedPassword {
        /// User name.
        username: required String = Username,
        /// Time hashed.
        timestamp: required DateTimeExtended = TimeStamp,
        /// The hash; absent, SHA-256.
        hashing_algorithm: optional HashingAlgorithm = HashingAlgorithm,
        /// Hash of hash of user name and password, and time.
        hashed_password: required SecretBytes = HashedPassword,
    }
}

structure! {
    /// What Login returned, from 2.0 (2.1 section 7.39).
    Ticket {
        /// Kind of ticket.
        ticket_type: required TicketType = TicketType,
        /// The ticket.
        ticket_value: required SecretBytes = TicketValue,
    }
}

structure! {
    /// The Credential Value of a ticket.
    TicketCredential {
        /// The ticket.
        ticket: required Ticket = Ticket,
    }
}

/// A Credential: which type, with its value.
#[derive(Clone, Debug, PartialEq)]
pub enum Credential {
    /// Username and Password.
    UsernameAndPassword(UsernameAndPassword),
    /// Device, from 1.1.
    Device(Device),
    /// Attestation, from 1.2.
    Attestation(Attestation),
    /// One Time Password, from 2.0.
    OneTimePassword(OneTimePassword),
    /// Hashed Password, from 2.0.
    HashedPassword(HashedPassword),
    /// Ticket, from 2.0.
    Ticket(TicketCredential),
    /// A vendor's.
    Other(CredentialType, OpaqueValue),
}

/// The value of a vendor's credential; secret, so not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct OpaqueValue(
    /// The value.
    pub Value,
);

impl std::fmt::Debug for OpaqueValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{:?}]", self.0.kind())
    }
}

impl Credential {
    /// The Credential Type.
    pub const fn credential_type(&self) -> CredentialType {
        match self {
            Self::UsernameAndPassword(_) => CredentialType::UsernameAndPassword,
            Self::Device(_) => CredentialType::Device,
            Self::Attestation(_) => CredentialType::Attestation,
            Self::OneTimePassword(_) => CredentialType::OneTimePassword,
            Self::HashedPassword(_) => CredentialType::HashedPassword,
            Self::Ticket(_) => CredentialType::Ticket,
            Self::Other(kind, _) => *kind,
        }
    }

    /// A user name and password.
    pub fn password(username: impl Into<String>, password: impl Into<SecretText>) -> Self {
        Self::UsernameAndPassword(UsernameAndPassword {
            username: username.into(),
            password: Some(password.into()),
        })
    }
}

impl Wire for Credential {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        let mark = out.writer.begin(tag);
        out.required(Tag::CredentialType, &self.credential_type())?;
        let value = Tag::CredentialValue;
        match self {
            Self::UsernameAndPassword(credential) => credential.encode(value, out)?,
            Self::Device(credential) => credential.encode(value, out)?,
            Self::Attestation(credential) => credential.encode(value, out)?,
            Self::OneTimePassword(credential) => credential.encode(value, out)?,
            Self::HashedPassword(credential) => credential.encode(value, out)?,
            Self::Ticket(credential) => credential.encode(value, out)?,
            Self::Other(_, credential) => credential.0.encode(value, out)?,
        }
        out.writer.end(mark);
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        let mut reader = item.structure()?;
        let mut kind = None;
        let mut value: Option<ItemRef<'_>> = None;
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::CredentialType => context.once(&mut kind, &field)?,
                Tag::CredentialValue if value.is_none() => value = Some(field),
                tag @ Tag::CredentialValue => return Err(DecodeError::Repeated { tag }),
                tag => context.unexpected(item.tag, tag)?,
            }
        }
        let missing = |tag| DecodeError::Missing {
            structure: item.tag,
            tag,
        };
        let kind: CredentialType = kind.ok_or(missing(Tag::CredentialType))?;
        let value = &value.ok_or(missing(Tag::CredentialValue))?;
        if context.strict && !kind.exists_in(context.version) {
            return Err(DecodeError::InvalidValue {
                tag: Tag::CredentialType,
            });
        }
        Ok(match kind {
            CredentialType::UsernameAndPassword => {
                Self::UsernameAndPassword(Wire::decode(value, context)?)
            }
            CredentialType::Device => Self::Device(Wire::decode(value, context)?),
            CredentialType::Attestation => Self::Attestation(Wire::decode(value, context)?),
            CredentialType::OneTimePassword => Self::OneTimePassword(Wire::decode(value, context)?),
            CredentialType::HashedPassword => Self::HashedPassword(Wire::decode(value, context)?),
            CredentialType::Ticket => Self::Ticket(Wire::decode(value, context)?),
            other => Self::Other(other, OpaqueValue(Value::read(value)?)),
        })
    }
}
