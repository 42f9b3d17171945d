//! The operations, one file each: a payload becomes a call of the core, its result a payload.

mod activate;
mod add_attribute;
mod adjust_attribute;
mod archive;
mod cancel;
mod certify;
mod check;
mod container;
mod create;
mod create_key_pair;
mod create_split_key;
mod decrypt;
mod delegated_login;
mod delete_attribute;
mod derive_key;
mod destroy;
mod discover_versions;
mod encrypt;
mod export;
pub(crate) mod get;
mod get_attribute_list;
mod get_attributes;
mod get_constraints;
mod get_usage_allocation;
mod hash;
mod import;
mod interop;
mod join_split_key;
mod locate;
mod log;
mod login;
mod logout;
mod mac;
mod mac_verify;
mod modify_attribute;
mod object_in;
mod object_out;
mod obtain_lease;
mod ping;
mod pkcs11;
mod poll;
mod process;
mod query;
mod query_asynchronous_requests;
mod recertify;
mod recover;
mod register;
mod rekey;
mod rekey_key_pair;
mod reprovision;
mod revoke;
mod rng_retrieve;
mod rng_seed;
mod set_attribute;
mod set_constraints;
mod set_defaults;
mod set_endpoint_role;
mod sign;
mod signature_verify;
mod split;
mod uses;
mod validate;
mod wrapping;

use keybridge_kmip::enums::{Operation, ResultReason};
use keybridge_kmip::operations::{RequestPayload, ResponsePayload};

use crate::failure::{Failure, Result};
use crate::processor::Context;

/// r ‖ s as the DER of X.509 signatures.
///
/// # Errors
/// For what is no signature.
pub(crate) fn ecdsa_der(raw: &[u8]) -> Result<Vec<u8>> {
    sign::to_der(raw)
}

macro_rules! operations {
    ($($operation:ident => $module:ident,)*) => {
        /// What the server does, for Query.
        const SUPPORTED: &[Operation] = &[$(Operation::$operation),*];

        /// Does one operation.
        ///
        /// # Errors
        /// With the reason for the failed batch item.
        pub(crate) fn perform(
            payload: RequestPayload,
            context: &mut Context<'_>,
        ) -> Result<ResponsePayload> {
            match payload {
                $(RequestPayload::$operation(request) => {
                    $module::handle(request, context).map(ResponsePayload::from)
                })*
                other => {
                    let operation = other.operation();
                    Err(Failure::new(
                        ResultReason::OperationNotSupported,
                        format!("operation {operation} is not supported"),
                    ))
                }
            }
        }
    };
}

operations! {
    Create => create,
    CreateKeyPair => create_key_pair,
    Register => register,
    ReKey => rekey,
    ReKeyKeyPair => rekey_key_pair,
    Locate => locate,
    Check => check,
    Get => get,
    GetAttributes => get_attributes,
    GetAttributeList => get_attribute_list,
    AddAttribute => add_attribute,
    ModifyAttribute => modify_attribute,
    DeleteAttribute => delete_attribute,
    SetAttribute => set_attribute,
    AdjustAttribute => adjust_attribute,
    ObtainLease => obtain_lease,
    GetUsageAllocation => get_usage_allocation,
    DeriveKey => derive_key,
    CreateSplitKey => create_split_key,
    JoinSplitKey => join_split_key,
    Certify => certify,
    ReCertify => recertify,
    Validate => validate,
    Interop => interop,
    Import => import,
    Export => export,
    Archive => archive,
    Recover => recover,
    Activate => activate,
    Revoke => revoke,
    Destroy => destroy,
    Query => query,
    DiscoverVersions => discover_versions,
    Encrypt => encrypt,
    Decrypt => decrypt,
    Sign => sign,
    SignatureVerify => signature_verify,
    MAC => mac,
    MACVerify => mac_verify,
    RNGRetrieve => rng_retrieve,
    RNGSeed => rng_seed,
    Hash => hash,
    PKCS_11 => pkcs11,
    ReProvision => reprovision,
    SetDefaults => set_defaults,
    SetConstraints => set_constraints,
    GetConstraints => get_constraints,
    SetEndpointRole => set_endpoint_role,
    Poll => poll,
    Cancel => cancel,
    Process => process,
    QueryAsynchronousRequests => query_asynchronous_requests,
    Log => log,
    Login => login,
    DelegatedLogin => delegated_login,
    Logout => logout,
    Ping => ping,
}
