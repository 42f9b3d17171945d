//! Query (1.4 section 4.25; 2.1 section 6.1.37).

use keybridge_core::Protection;
use keybridge_kmip::Version;
use keybridge_kmip::attributes::RNGParameters;
use keybridge_kmip::enums::{
    ClientRegistrationMethod, DRBGAlgorithm, DestroyAction, ObjectType, Operation, ProfileName,
    ProtectionStorageMask, QueryFunction, RNGAlgorithm, RNGMode, UnwrapMode,
};
use keybridge_kmip::operations::query::{
    CapabilityInformation, ProfileInformation, ServerInformation,
};
use keybridge_kmip::operations::{ProtectionStorageMasks, QueryRequest, QueryResponse};

use super::SUPPORTED;
use crate::attributes::conventions::defaults;
use crate::failure::Result;
use crate::processor::Context;

/// Objects that clients may make or register.
const OBJECT_TYPES: &[ObjectType] = &[
    ObjectType::Certificate,
    ObjectType::SymmetricKey,
    ObjectType::PublicKey,
    ObjectType::PrivateKey,
    ObjectType::SplitKey,
    ObjectType::Template,
    ObjectType::SecretData,
    ObjectType::OpaqueObject,
    ObjectType::PGPKey,
    ObjectType::CertificateRequest,
];

/// Operations that the server sends, to clients that Set Endpoint Role has made listen.
const TOLD: &[Operation] = &[Operation::Notify, Operation::Put];

/// Profiles whose cases the bridge passes, by their names of 1.4 and of 2.x.
const PROFILES: &[ProfileName] = &[
    ProfileName::BaselineServerBasicKMIPV1_4,
    ProfileName::SymmetricKeyLifecycleServerKMIPV1_4,
    ProfileName::AsymmetricKeyLifecycleServerKMIPV1_4,
    ProfileName::SymmetricKeyFoundryServerKMIPV1_4,
    ProfileName::OpaqueManagedObjectStoreServerKMIPV1_4,
    ProfileName::TapeLibraryServerKMIPV1_4,
    ProfileName::StorageArrayWithSelfEncryptingDriveServerKMIPV1_4,
    ProfileName::BasicCryptographicServerKMIPV1_4,
    ProfileName::AdvancedCryptographicServerKMIPV1_4,
    ProfileName::RNGCryptographicServerKMIPV1_4,
    ProfileName::HTTPSServerKMIPV1_4,
    ProfileName::JSONServerKMIPV1_4,
    ProfileName::XMLServerKMIPV1_4,
    ProfileName::BaselineServer,
    ProfileName::SymmetricKeyLifecycleServer,
    ProfileName::AsymmetricKeyLifecycleServer,
    ProfileName::SymmetricKeyFoundryServer,
    ProfileName::OpaqueManagedObjectStoreServer,
    ProfileName::TapeLibraryServer,
    ProfileName::StorageArrayWithSelfEncryptingDriveServer,
    ProfileName::BasicCryptographicServer,
    ProfileName::AdvancedCryptographicServer,
    ProfileName::RNGCryptographicServer,
    ProfileName::AESXTSServer,
    ProfileName::QuantumSafeServer,
    ProfileName::HTTPSServer,
    ProfileName::JSONServer,
    ProfileName::XMLServer,
];

pub(super) fn handle(request: QueryRequest, context: &mut Context<'_>) -> Result<QueryResponse> {
    let mut response = QueryResponse::default();
    for function in request.query_functions {
        if function == QueryFunction::QueryDefaultsInformation {
            let groups = request.object_groups.as_ref();
            let groups = groups.map(|groups| groups.object_groups.as_slice());
            response.defaults_information = Some(defaults(context, groups)?)
                .filter(|information| !information.object_defaults.is_empty());
            continue;
        }
        answer(function, &mut response, context);
    }
    Ok(response)
}

fn answer(function: QueryFunction, response: &mut QueryResponse, context: &Context<'_>) {
    let version = context.version;
    match function {
        QueryFunction::QueryOperations => {
            let tested = context.answers.interop;
            let exists = |operation: &Operation| {
                operation.exists_in(version) && (tested || *operation != Operation::Interop)
            };
            let all = SUPPORTED.iter().chain(TOLD).copied();
            response.operations = all.filter(exists).collect();
        }
        QueryFunction::QueryObjects => {
            let exists = |kind: &ObjectType| kind.exists_in(version);
            response.object_types = OBJECT_TYPES.iter().copied().filter(exists).collect();
        }
        QueryFunction::QueryServerInformation => {
            response.vendor_identification = Some("keybridge".into());
            response.server_information = Some(server_information(version));
        }
        QueryFunction::QueryRNGs => {
            response.rng_parameters = vec![RNGParameters {
                rng_algorithm: RNGAlgorithm::DRBG,
                cryptographic_algorithm: None,
                cryptographic_length: None,
                hashing_algorithm: None,
                drbg_algorithm: Some(DRBGAlgorithm::Unspecified),
                recommended_curve: None,
                fips186_variation: None,
                prediction_resistance: None,
            }];
        }
        QueryFunction::QueryCapabilities => {
            response.capability_information = vec![CapabilityInformation {
                streaming_capability: Some(true),
                asynchronous_capability: Some(true),
                attestation_capability: Some(false),
                batch_undo_capability: Some(true),
                batch_continue_capability: Some(true),
                unwrap_mode: Some(UnwrapMode::Processed),
                destroy_action: Some(DestroyAction::KeyMaterialDeleted),
                shredding_algorithm: None,
                rng_mode: Some(RNGMode::SharedInstantiation),
                quantum_safe_capability: Some(true),
            }];
        }
        QueryFunction::QueryStorageProtectionMasks => {
            let mut masks = vec![ProtectionStorageMask::Software];
            if context.inline(|kms, _| kms.pools().next().is_some()) {
                masks.push(ProtectionStorageMask::Hardware);
            }
            response.protection_storage_masks = Some(ProtectionStorageMasks { masks });
        }
        QueryFunction::QueryProfiles => {
            let exists = |name: &ProfileName| name.exists_in(version);
            let names = PROFILES.iter().copied().filter(exists);
            response.profile_information = names
                .map(|profile_name| ProfileInformation {
                    profile_name,
                    profile_version: None,
                    server_uri: None,
                    server_port: None,
                })
                .collect();
        }
        QueryFunction::QueryClientRegistrationMethods => {
            // `client add --certificate`, and Re-Provision with a certificate.
            response.client_registration_methods = vec![ClientRegistrationMethod::ClientRegistered];
        }
        // There are no extensions, name spaces for which the server makes data, attestations that it
        // verifies, or formal validations.
        _ => {}
    }
}

/// Product and version, from 2.0; to 1.4 the structure is a vendor's own, and left empty.
fn server_information(version: Version) -> ServerInformation {
    if version < Version::V2_0 {
        // Clients are seen to fail on fields they do not know.
        return ServerInformation::default();
    }
    ServerInformation {
        product_name: Some("keybridge".into()),
        server_version: Some(env!("CARGO_PKG_VERSION").into()),
        ..ServerInformation::default()
    }
}

/// Where keys of a Protection Storage Mask live: in hardware when the mask allows nothing else.
pub(super) fn protection(
    masks: Option<&ProtectionStorageMasks>,
    context: &Context<'_>,
) -> Result<Protection> {
    let wants_hardware = masks.is_some_and(|masks| {
        !masks.masks.is_empty()
            && masks.masks.iter().all(|mask| {
                mask.contains(ProtectionStorageMask::Hardware)
                    && !mask.contains(ProtectionStorageMask::Software)
            })
    });
    if !wants_hardware {
        return Ok(Protection::Software);
    }
    let pool = context.inline(|kms, _| {
        kms.settings()
            .hsm
            .pool
            .first()
            .map(|pool| Protection::Hsm(pool.name.clone()))
    });
    pool.ok_or_else(|| {
        crate::failure::Failure::by_version(
            keybridge_kmip::enums::ResultReason::FeatureNotSupported,
            keybridge_kmip::enums::ResultReason::ProtectionStorageUnavailable,
            "the bridge has no HSM",
        )
    })
}
