//! The operations, one file each: what a request asks and what a response tells.
//!
//! A payload is declared once for all versions; fields that a version does not have are neither
//! written for it nor accepted from it (see [`crate::wire`]).

mod data;

pub use data::{Data, Operations, ProtectionStorageMasks};

use crate::enums::Operation;
use crate::error::{DecodeError, EncodeError};
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, FieldRow, Wire};

/// The items of a structure, in order; a field may stand for several.
pub type Fields = &'static [&'static [FieldRow]];

/// A request's payload, and the one that answers it.
pub trait Request: Into<RequestPayload> {
    /// The payload of the response; the wrong payload is given back.
    type Response: TryFrom<ResponsePayload, Error = ResponsePayload>;
}

macro_rules! operations {
    ($($module:ident: $operation:ident, $request:ident, $response:ident;)*) => {
        $(pub mod $module;)*
        $(pub use $module::{$request, $response};)*

        /// What a request asks.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, non_camel_case_types)]
        pub enum RequestPayload {
            $(
                #[doc = concat!("Request of `", stringify!($operation), "`.")]
                $operation($request),
            )*
        }

        /// What a response tells.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, non_camel_case_types)]
        pub enum ResponsePayload {
            $(
                #[doc = concat!("Response of `", stringify!($operation), "`.")]
                $operation($response),
            )*
        }

        impl RequestPayload {
            /// The operations that this crate can decode and encode.
            pub const OPERATIONS: &'static [Operation] = &[$(Operation::$operation),*];

            /// The operation.
            pub const fn operation(&self) -> Operation {
                match self {
                    $(Self::$operation(_) => Operation::$operation,)*
                }
            }

            /// The items of an operation's payloads, of the request and of the response.
            pub fn fields(operation: Operation) -> Option<(Fields, Fields)> {
                Some(match operation {
                    $(Operation::$operation => ($request::FIELDS, $response::FIELDS),)*
                    _ => return None,
                })
            }

            pub(crate) fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
                match self {
                    $(Self::$operation(payload) => payload.encode(Tag::RequestPayload, out),)*
                }
            }

            /// None when the operation is none of [`RequestPayload::OPERATIONS`].
            pub(crate) fn decode(
                operation: Operation,
                item: &ItemRef<'_>,
                context: Context,
            ) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match operation {
                    $(Operation::$operation => Self::$operation(Wire::decode(item, context)?),)*
                    _ => return Ok(None),
                }))
            }
        }

        impl ResponsePayload {
            /// The operation.
            pub const fn operation(&self) -> Operation {
                match self {
                    $(Self::$operation(_) => Operation::$operation,)*
                }
            }

            pub(crate) fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
                match self {
                    $(Self::$operation(payload) => payload.encode(Tag::ResponsePayload, out),)*
                }
            }

            /// None when the operation is none of [`RequestPayload::OPERATIONS`].
            pub(crate) fn decode(
                operation: Operation,
                item: &ItemRef<'_>,
                context: Context,
            ) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match operation {
                    $(Operation::$operation => Self::$operation(Wire::decode(item, context)?),)*
                    _ => return Ok(None),
                }))
            }
        }

        $(
            impl Request for $request {
                type Response = $response;
            }

            impl TryFrom<ResponsePayload> for $response {
                type Error = ResponsePayload;
                fn try_from(payload: ResponsePayload) -> Result<Self, ResponsePayload> {
                    match payload {
                        ResponsePayload::$operation(payload) => Ok(payload),
                        other => Err(other),
                    }
                }
            }

            impl From<$request> for RequestPayload {
                fn from(payload: $request) -> Self {
                    Self::$operation(payload)
                }
            }

            impl From<$response> for ResponsePayload {
                fn from(payload: $response) -> Self {
                    Self::$operation(payload)
                }
            }
        )*
    };
}

operations! {
    create: Create, CreateRequest, CreateResponse;
    create_key_pair: CreateKeyPair, CreateKeyPairRequest, CreateKeyPairResponse;
    register: Register, RegisterRequest, RegisterResponse;
    rekey: ReKey, ReKeyRequest, ReKeyResponse;
    derive_key: DeriveKey, DeriveKeyRequest, DeriveKeyResponse;
    locate: Locate, LocateRequest, LocateResponse;
    check: Check, CheckRequest, CheckResponse;
    get: Get, GetRequest, GetResponse;
    get_attributes: GetAttributes, GetAttributesRequest, GetAttributesResponse;
    get_attribute_list: GetAttributeList, GetAttributeListRequest, GetAttributeListResponse;
    add_attribute: AddAttribute, AddAttributeRequest, AddAttributeResponse;
    modify_attribute: ModifyAttribute, ModifyAttributeRequest, ModifyAttributeResponse;
    delete_attribute: DeleteAttribute, DeleteAttributeRequest, DeleteAttributeResponse;
    obtain_lease: ObtainLease, ObtainLeaseRequest, ObtainLeaseResponse;
    get_usage_allocation: GetUsageAllocation, GetUsageAllocationRequest,
        GetUsageAllocationResponse;
    activate: Activate, ActivateRequest, ActivateResponse;
    revoke: Revoke, RevokeRequest, RevokeResponse;
    destroy: Destroy, DestroyRequest, DestroyResponse;
    archive: Archive, ArchiveRequest, ArchiveResponse;
    recover: Recover, RecoverRequest, RecoverResponse;
    query: Query, QueryRequest, QueryResponse;
    rekey_key_pair: ReKeyKeyPair, ReKeyKeyPairRequest, ReKeyKeyPairResponse;
    discover_versions: DiscoverVersions, DiscoverVersionsRequest, DiscoverVersionsResponse;
    encrypt: Encrypt, EncryptRequest, EncryptResponse;
    decrypt: Decrypt, DecryptRequest, DecryptResponse;
    sign: Sign, SignRequest, SignResponse;
    signature_verify: SignatureVerify, SignatureVerifyRequest, SignatureVerifyResponse;
    mac: MAC, MACRequest, MACResponse;
    mac_verify: MACVerify, MACVerifyRequest, MACVerifyResponse;
    rng_retrieve: RNGRetrieve, RNGRetrieveRequest, RNGRetrieveResponse;
    rng_seed: RNGSeed, RNGSeedRequest, RNGSeedResponse;
    hash: Hash, HashRequest, HashResponse;
    import: Import, ImportRequest, ImportResponse;
    export: Export, ExportRequest, ExportResponse;
    set_attribute: SetAttribute, SetAttributeRequest, SetAttributeResponse;
    ping: Ping, PingRequest, PingResponse;
    certify: Certify, CertifyRequest, CertifyResponse;
    recertify: ReCertify, ReCertifyRequest, ReCertifyResponse;
    validate: Validate, ValidateRequest, ValidateResponse;
    cancel: Cancel, CancelRequest, CancelResponse;
    poll: Poll, PollRequest, PollResponse;
    create_split_key: CreateSplitKey, CreateSplitKeyRequest, CreateSplitKeyResponse;
    join_split_key: JoinSplitKey, JoinSplitKeyRequest, JoinSplitKeyResponse;
    log: Log, LogRequest, LogResponse;
    login: Login, LoginRequest, LoginResponse;
    logout: Logout, LogoutRequest, LogoutResponse;
    delegated_login: DelegatedLogin, DelegatedLoginRequest, DelegatedLoginResponse;
    adjust_attribute: AdjustAttribute, AdjustAttributeRequest, AdjustAttributeResponse;
    set_endpoint_role: SetEndpointRole, SetEndpointRoleRequest, SetEndpointRoleResponse;
    pkcs11: PKCS_11, PKCS11Request, PKCS11Response;
    interop: Interop, InteropRequest, InteropResponse;
    reprovision: ReProvision, ReProvisionRequest, ReProvisionResponse;
    set_defaults: SetDefaults, SetDefaultsRequest, SetDefaultsResponse;
    set_constraints: SetConstraints, SetConstraintsRequest, SetConstraintsResponse;
    get_constraints: GetConstraints, GetConstraintsRequest, GetConstraintsResponse;
    query_asynchronous_requests: QueryAsynchronousRequests, QueryAsynchronousRequestsRequest,
        QueryAsynchronousRequestsResponse;
    process: Process, ProcessRequest, ProcessResponse;
    notify: Notify, NotifyRequest, NotifyResponse;
    put: Put, PutRequest, PutResponse;
}
