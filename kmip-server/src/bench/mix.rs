//! What the load generator asks: operations with weights, and the objects that they need.

use std::str::FromStr;

use keybridge_kmip::attributes::{
    AttributeValue, CryptographicDomainParameters, CryptographicParameters, Name, RevocationReason,
    UniqueIdentifier,
};
use keybridge_kmip::client::{ClientError, TlsClient};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask,
    DigitalSignatureAlgorithm, HashingAlgorithm, ObjectType, PaddingMethod, QueryFunction,
    RecommendedCurve, RevocationReasonCode,
};
use keybridge_kmip::operations::{
    ActivateRequest, CreateKeyPairRequest, CreateRequest, DecryptRequest, DestroyRequest,
    EncryptRequest, GetAttributesRequest, GetRequest, HashRequest, LocateRequest, MACRequest,
    QueryRequest, RNGRetrieveRequest, RequestPayload, RevokeRequest, SignRequest,
};

/// An operation of the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Get of an AES-256 key
    Get,
    /// Get Attributes of it
    GetAttributes,
    /// Locate of it by name
    Locate,
    /// Create of an AES-256 key; all of them are destroyed at the end
    Create,
    /// Encrypt with AES-256-CBC
    Encrypt,
    /// Decrypt of the same
    Decrypt,
    /// Encrypt with AES-256-GCM
    EncryptGcm,
    /// Sign with ECDSA on P-256
    Sign,
    /// Sign with RSA-2048, PKCS#1 1.5
    SignRsa,
    /// HMAC-SHA-256
    Mac,
    /// SHA-256
    Hash,
    /// RNG Retrieve
    Random,
    /// Query of the operations
    Query,
}

impl Kind {
    /// The name, as the mix says it.
    #[must_use]
    pub fn name(self) -> String {
        use clap::ValueEnum;
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// Operations with weights: `get=70,encrypt=30`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(Vec<(Kind, u32)>);

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use clap::ValueEnum;
        let one = |part: &str| {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let kind = Kind::from_str(name.trim(), true)
                .map_err(|_| format!("no operation {:?}", name.trim()))?;
            let weight = weight.trim().parse();
            let weight = weight.map_err(|_| format!("no weight in {part:?}"))?;
            Ok::<_, String>((kind, weight))
        };
        let parts: Vec<_> = text.split(',').map(one).collect::<Result<_, _>>()?;
        if parts.iter().all(|(_, weight)| *weight == 0) {
            return Err("a mix needs a weight above 0".into());
        }
        Ok(Self(parts))
    }
}

impl Mix {
    /// The operations in it.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        let wanted = self.0.iter().filter(|(_, weight)| *weight > 0);
        wanted.map(|(kind, _)| *kind)
    }

    fn has(&self, kinds: &[Kind]) -> bool {
        self.kinds().any(|kind| kinds.contains(&kind))
    }

    /// The operation of a random number.
    #[must_use]
    pub fn pick(&self, random: u64) -> Kind {
        let all: u64 = self.0.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = random % all.max(1);
        for (kind, weight) in &self.0 {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return *kind,
            }
        }
        // Not reached: the weights add up to `all`.
        self.0[0].0
    }
}

/// The objects that the operations use, made for this run.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    name: String,
    aes: Option<UniqueIdentifier>,
    hmac: Option<UniqueIdentifier>,
    ecdsa: Option<UniqueIdentifier>,
    rsa: Option<UniqueIdentifier>,
    /// Everything, to be destroyed at the end.
    all: Vec<UniqueIdentifier>,
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

const IV: [u8; 16] = [0x5A; 16];

impl Objects {
    /// Makes what the mix needs; `size` bytes are encrypted, signed and so on.
    pub(super) fn make(
        client: &mut TlsClient,
        mix: &Mix,
        run: &str,
        size: usize,
    ) -> Result<Self, ClientError> {
        let mut made = Self {
            name: format!("keybridge-bench-{run}"),
            plain: vec![0x61; size],
            ..Self::default()
        };
        let result = made.fill(client, mix);
        if result.is_err() {
            made.destroy(client);
        }
        result.map(|()| made)
    }

    fn fill(&mut self, client: &mut TlsClient, mix: &Mix) -> Result<(), ClientError> {
        use Kind as K;
        if mix.has(&[
            K::Get,
            K::GetAttributes,
            K::Locate,
            K::Encrypt,
            K::Decrypt,
            K::EncryptGcm,
        ]) {
            let name = Some(self.name.clone());
            let mask = Mask::Encrypt | Mask::Decrypt;
            self.aes = Some(self.key(client, Algorithm::AES, mask, name)?);
        }
        if mix.has(&[K::Mac]) {
            let mask = Mask::MACGenerate | Mask::MACVerify;
            self.hmac = Some(self.key(client, Algorithm::HMAC_SHA256, mask, None)?);
        }
        if mix.has(&[K::Sign]) {
            let curve =
                AttributeValue::CryptographicDomainParameters(CryptographicDomainParameters {
                    recommended_curve: Some(RecommendedCurve::P_256),
                    ..CryptographicDomainParameters::default()
                });
            self.ecdsa = Some(self.pair(client, Algorithm::ECDSA, 256, Some(curve))?);
        }
        if mix.has(&[K::SignRsa]) {
            self.rsa = Some(self.pair(client, Algorithm::RSA, 2048, None)?);
        }
        if mix.has(&[K::Decrypt]) {
            self.sealed = match self.payload(K::Encrypt) {
                RequestPayload::Encrypt(request) => {
                    let data = client.call(request)?.data;
                    data.map(|data| data.to_vec()).unwrap_or_default()
                }
                _ => Vec::new(),
            };
        }
        Ok(())
    }

    fn key(
        &mut self,
        client: &mut TlsClient,
        algorithm: Algorithm,
        mask: Mask,
        name: Option<String>,
    ) -> Result<UniqueIdentifier, ClientError> {
        let id = client
            .call(create(algorithm, mask, name))?
            .unique_identifier;
        self.activate(client, &id)?;
        Ok(id)
    }

    fn pair(
        &mut self,
        client: &mut TlsClient,
        algorithm: Algorithm,
        length: i32,
        more: Option<AttributeValue>,
    ) -> Result<UniqueIdentifier, ClientError> {
        let values = [
            AttributeValue::CryptographicAlgorithm(algorithm),
            AttributeValue::CryptographicLength(length),
        ];
        let mask = |mask| {
            let values = [AttributeValue::CryptographicUsageMask(mask)];
            Some(values.into_iter().collect())
        };
        let made = client.call(CreateKeyPairRequest {
            common: Some(values.into_iter().chain(more).collect()),
            private_key: mask(Mask::Sign),
            public_key: mask(Mask::Verify),
            ..CreateKeyPairRequest::default()
        })?;
        self.all.push(made.public_key_unique_identifier);
        self.activate(client, &made.private_key_unique_identifier)?;
        Ok(made.private_key_unique_identifier)
    }

    fn activate(
        &mut self,
        client: &mut TlsClient,
        id: &UniqueIdentifier,
    ) -> Result<(), ClientError> {
        self.all.push(id.clone());
        let unique_identifier = Some(id.clone());
        client
            .call(ActivateRequest { unique_identifier })
            .map(|_| ())
    }

    /// A request of that kind.
    pub(super) fn payload(&self, kind: Kind) -> RequestPayload {
        let unique_identifier = self.aes.clone();
        let data = || Some(self.plain.as_slice().into());
        match kind {
            Kind::Get => GetRequest {
                unique_identifier,
                ..GetRequest::default()
            }
            .into(),
            Kind::GetAttributes => GetAttributesRequest {
                unique_identifier,
                ..GetAttributesRequest::default()
            }
            .into(),
            Kind::Locate => LocateRequest {
                attributes: vec![AttributeValue::Name(Name::text(self.name.clone())).into()].into(),
                ..LocateRequest::default()
            }
            .into(),
            Kind::Create => create(Algorithm::AES, Mask::Encrypt | Mask::Decrypt, None).into(),
            Kind::Encrypt => EncryptRequest {
                unique_identifier,
                cryptographic_parameters: Some(cbc()),
                data: data(),
                iv_counter_nonce: Some(IV.to_vec()),
                ..EncryptRequest::default()
            }
            .into(),
            Kind::Decrypt => DecryptRequest {
                unique_identifier,
                cryptographic_parameters: Some(cbc()),
                data: Some(self.sealed.as_slice().into()),
                iv_counter_nonce: Some(IV.to_vec()),
                ..DecryptRequest::default()
            }
            .into(),
            Kind::EncryptGcm => EncryptRequest {
                unique_identifier,
                cryptographic_parameters: Some(CryptographicParameters {
                    block_cipher_mode: Some(BlockCipherMode::GCM),
                    cryptographic_algorithm: Some(Algorithm::AES),
                    random_iv: Some(true),
                    tag_length: Some(16),
                    ..CryptographicParameters::default()
                }),
                data: data(),
                ..EncryptRequest::default()
            }
            .into(),
            Kind::Sign => sign(self.ecdsa.clone(), ecdsa(), data()),
            Kind::SignRsa => sign(self.rsa.clone(), rsa(), data()),
            Kind::Mac => MACRequest {
                unique_identifier: self.hmac.clone(),
                cryptographic_parameters: Some(CryptographicParameters {
                    cryptographic_algorithm: Some(Algorithm::HMAC_SHA256),
                    ..CryptographicParameters::default()
                }),
                data: data(),
                ..MACRequest::default()
            }
            .into(),
            Kind::Hash => HashRequest {
                cryptographic_parameters: CryptographicParameters {
                    hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                    ..CryptographicParameters::default()
                },
                data: data(),
                correlation_value: None,
                init_indicator: None,
                final_indicator: None,
            }
            .into(),
            Kind::Random => RNGRetrieveRequest { data_length: 32 }.into(),
            Kind::Query => QueryRequest {
                query_functions: vec![QueryFunction::QueryOperations],
                ..QueryRequest::default()
            }
            .into(),
        }
    }

    /// Destroys what was made, as well as it can be done.
    pub(super) fn destroy(&mut self, client: &mut TlsClient) {
        for id in self.all.drain(..) {
            remove(client, &id);
        }
    }
}

/// Revokes and destroys an object: some servers destroy no active one, others need no revocation.
pub(super) fn remove(client: &mut TlsClient, id: &UniqueIdentifier) -> bool {
    let _ = client.call(RevokeRequest {
        unique_identifier: Some(id.clone()),
        revocation_reason: RevocationReason {
            code: RevocationReasonCode::CessationOfOperation,
            message: None,
        },
        compromise_occurrence_date: None,
    });
    let unique_identifier = Some(id.clone());
    client.call(DestroyRequest { unique_identifier }).is_ok()
}

fn create(algorithm: Algorithm, mask: Mask, name: Option<String>) -> CreateRequest {
    let values = [
        AttributeValue::CryptographicAlgorithm(algorithm),
        AttributeValue::CryptographicLength(256),
        AttributeValue::CryptographicUsageMask(mask),
    ];
    let name = name.map(|name| AttributeValue::Name(Name::text(name)));
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: values.into_iter().chain(name).collect(),
        protection_storage_masks: None,
    }
}

fn cbc() -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::CBC),
        padding_method: Some(PaddingMethod::PKCS5),
        cryptographic_algorithm: Some(Algorithm::AES),
        ..CryptographicParameters::default()
    }
}

fn ecdsa() -> CryptographicParameters {
    CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        digital_signature_algorithm: Some(DigitalSignatureAlgorithm::ECDSAWithSHA256),
        cryptographic_algorithm: Some(Algorithm::ECDSA),
        ..CryptographicParameters::default()
    }
}

fn rsa() -> CryptographicParameters {
    CryptographicParameters {
        padding_method: Some(PaddingMethod::PKCS1V1_5),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        cryptographic_algorithm: Some(Algorithm::RSA),
        ..CryptographicParameters::default()
    }
}

fn sign(
    unique_identifier: Option<UniqueIdentifier>,
    parameters: CryptographicParameters,
    data: Option<keybridge_kmip::operations::Data>,
) -> RequestPayload {
    SignRequest {
        unique_identifier,
        cryptographic_parameters: Some(parameters),
        data,
        ..SignRequest::default()
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_weighted() {
        let mix: Mix = "get=3, encrypt-gcm=1,locate=0".parse().unwrap();
        let picked: Vec<_> = (0..8).map(|random| mix.pick(random)).collect();
        let gets = picked.iter().filter(|kind| **kind == Kind::Get).count();
        assert_eq!(gets, 6);
        assert_eq!(mix.kinds().count(), 2);
        assert_eq!("sign".parse::<Mix>().unwrap().pick(7), Kind::Sign);
        for wrong in ["", "get=x", "fly=1", "get=0"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong:?}");
        }
    }
}
