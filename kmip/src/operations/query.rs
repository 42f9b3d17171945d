//! Query: what the server can do (1.4 section 4.25; 2.1 section 6.1.40).

use crate::attributes::{RNGParameters, TemplateAttribute};
use crate::enums::{
    AttestationType, ClientRegistrationMethod, DestroyAction, ObjectType, Operation, ProfileName,
    QueryFunction, RNGMode, ShreddingAlgorithm, UnwrapMode, ValidationAuthorityType,
    ValidationType,
};
use crate::error::{DecodeError, EncodeError};
use crate::item::{Item, ItemType};
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, FieldRow, Flatten, Wire, structure};

use super::ProtectionStorageMasks;

structure! {
    /// Request of Query.
    #[derive(Default)]
    QueryRequest {
        /// What is asked.
        query_functions: repeated QueryFunction = QueryFunction,
        /// Groups whose defaults are asked for; from 2.1.
        object_groups: optional ObjectGroups = ObjectGroups,
    }
}

structure! {
    /// Response of Query. What the version of the request does not know is left out on encoding.
    #[derive(Default)]
    QueryResponse {
        /// Operations of the server.
        operations: repeated Operation = Operation,
        /// Object types of the server.
        object_types: repeated ObjectType = ObjectType,
        /// The server's vendor.
        vendor_identification: optional String = VendorIdentification,
        /// More about the server.
        server_information: optional ServerInformation = ServerInformation,
        /// Application name spaces the server makes data for.
        application_namespaces: repeated String = ApplicationNamespace,
        /// Vendor's extensions; from 1.1.
        extension_information: repeated ExtensionInformation = ExtensionInformation,
        /// Kinds of attestation; from 1.2.
        attestation_types: repeated AttestationType = AttestationType,
        /// Random number generators; from 1.3.
        rng_parameters: repeated RNGParameters = RNGParameters,
        /// Profiles; from 1.3.
        profile_information: repeated ProfileInformation = ProfileInformation,
        /// Certifications; from 1.3.
        validation_information: repeated ValidationInformation = ValidationInformation,
        /// Capabilities; from 1.3.
        capability_information: repeated CapabilityInformation = CapabilityInformation,
        /// How clients are registered; from 1.3.
        client_registration_methods: repeated ClientRegistrationMethod =
            ClientRegistrationMethod,
        /// Default attributes of new objects; from 2.0.
        defaults_information: optional DefaultsInformation = DefaultsInformation,
        /// Where objects can be kept; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Server Information (2.1 section 7.37); to 1.4 only a vendor's own items.
    #[derive(Default)]
    ServerInformation {
        /// Name of the server.
        server_name: optional String = ServerName,
        /// Its serial number.
        server_serial_number: optional String = ServerSerialNumber,
        /// Its version.
        server_version: optional String = ServerVersion,
        /// Its load.
        server_load: optional String = ServerLoad,
        /// Name of the product.
        product_name: optional String = ProductName,
        /// Build of the product.
        build_level: optional String = BuildLevel,
        /// When it was built.
        build_date: optional String = BuildDate,
        /// About the cluster.
        cluster_info: optional String = ClusterInfo,
        /// Other servers of the cluster.
        alternate_failover_endpoints: repeated String = AlternateFailoverEndpoints,
        /// Items of the vendor.
        vendor_specific: flattened VendorItems,
    }
}

/// Items of any tag and type, in a place where the standard allows them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct VendorItems(
    /// The items.
    pub Vec<Item>,
);

impl Flatten for VendorItems {
    const FIELDS: &'static [FieldRow] = &[];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        for item in &self.0 {
            if item.tag.exists_in(out.version()) && item.value.representable(out.version()) {
                item.value.write(item.tag, &mut out.writer);
            }
        }
        Ok(())
    }

    fn take(&mut self, item: &ItemRef<'_>, _: Context) -> Result<bool, DecodeError> {
        self.0.push(Item::read(item)?);
        Ok(true)
    }
}

structure! {
    /// Extension Information, from 1.1 (2.1 section 7.13).
    ExtensionInformation {
        /// Name of the extension.
        name: required String = ExtensionName,
        /// Its tag.
        tag: optional i32 = ExtensionTag,
        /// Its type.
        kind: optional ExtensionType = ExtensionType,
        /// Value of an extended enumeration; from 2.0.
        enumeration: optional i32 = ExtensionEnumeration,
        /// Whether it is an attribute; from 2.0.
        attribute: optional bool = ExtensionAttribute,
        /// Tag of the structure it belongs to; from 2.0.
        parent_structure_tag: optional i32 = ExtensionParentStructureTag,
        /// Words about it; from 2.0.
        description: optional String = ExtensionDescription,
    }
}

/// Extension Type: the code of an item type, an Integer to 1.4 and an Enumeration from 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionType(
    /// The code.
    pub i32,
);

impl Wire for ExtensionType {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        if out.version().has_tagged_attributes() {
            out.writer.enumeration(tag, self.0.cast_unsigned());
        } else {
            out.writer.integer(tag, self.0);
        }
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, _: Context) -> Result<Self, DecodeError> {
        if item.kind == ItemType::Enumeration {
            return Ok(Self(item.enumeration()?.cast_signed()));
        }
        item.integer().map(Self)
    }
}

structure! {
    /// Profile Version, from 2.0 (2.1 section 7.32).
    ProfileVersion {
        /// Major number.
        major: required i32 = ProfileVersionMajor,
        /// Minor number.
        minor: required i32 = ProfileVersionMinor,
    }
}

structure! {
    /// Profile Information, from 1.3 (2.1 section 7.31).
    ProfileInformation {
        /// The profile.
        profile_name: required ProfileName = ProfileName,
        /// Its version; from 2.0.
        profile_version: optional ProfileVersion = ProfileVersion,
        /// Where it is offered.
        server_uri: optional String = ServerURI,
        /// Port there.
        server_port: optional i32 = ServerPort,
    }
}

structure! {
    /// Validation Information, from 1.3 (2.1 section 7.41).
    ValidationInformation {
        /// Who certified.
        validation_authority_type: required ValidationAuthorityType = ValidationAuthorityType,
        /// In which country.
        validation_authority_country: optional String = ValidationAuthorityCountry,
        /// Where to read about them.
        validation_authority_uri: optional String = ValidationAuthorityURI,
        /// Version of the criteria.
        validation_version_major: required i32 = ValidationVersionMajor,
        /// Its minor number.
        validation_version_minor: optional i32 = ValidationVersionMinor,
        /// What was certified.
        validation_type: required ValidationType = ValidationType,
        /// To which level.
        validation_level: required i32 = ValidationLevel,
        /// Number of the certificate.
        validation_certificate_identifier: optional String = ValidationCertificateIdentifier,
        /// Where to read it.
        validation_certificate_uri: optional String = ValidationCertificateURI,
        /// Where to read about the vendor.
        validation_vendor_uri: optional String = ValidationVendorURI,
        /// Profiles certified.
        validation_profiles: repeated String = ValidationProfile,
    }
}

structure! {
    /// Capability Information, from 1.3 (2.1 section 7.5).
    #[derive(Default)]
    CapabilityInformation {
        /// Streams of parts.
        streaming_capability: optional bool = StreamingCapability,
        /// Asynchronous operations.
        asynchronous_capability: optional bool = AsynchronousCapability,
        /// Attestation.
        attestation_capability: optional bool = AttestationCapability,
        /// Undoing a batch; from 1.4.
        batch_undo_capability: optional bool = BatchUndoCapability,
        /// Continuing a batch after an error; from 1.4.
        batch_continue_capability: optional bool = BatchContinueCapability,
        /// Whether imported wrapped keys are unwrapped.
        unwrap_mode: optional UnwrapMode = UnwrapMode,
        /// What Destroy does.
        destroy_action: optional DestroyAction = DestroyAction,
        /// How it is done.
        shredding_algorithm: optional ShreddingAlgorithm = ShreddingAlgorithm,
        /// How random numbers are shared among clients.
        rng_mode: optional RNGMode = RNGMode,
        /// Quantum-safe algorithms; from 2.0.
        quantum_safe_capability: optional bool = QuantumSafeCapability,
    }
}

structure! {
    /// Object Groups, from 2.1 (2.1 section 7.23).
    #[derive(Default)]
    ObjectGroups {
        /// The groups.
        object_groups: repeated String = ObjectGroup,
    }
}

structure! {
    /// Object Types, from 2.1 (2.1 section 7.24).
    #[derive(Default)]
    ObjectTypes {
        /// The types.
        object_types: repeated ObjectType = ObjectType,
    }
}

structure! {
    /// Object Defaults, from 2.0 (2.1 section 7.22).
    ObjectDefaults {
        /// The type that the defaults are for.
        object_type: optional ObjectType = ObjectType must [V2_0 ..= V2_0],
        /// The types that the defaults are for; from 2.1.
        object_types: optional ObjectTypes = ObjectTypes,
        /// The defaults.
        attributes: required TemplateAttribute = Attributes,
        /// The groups that the defaults are for; from 2.1.
        object_groups: optional ObjectGroups = ObjectGroups,
    }
}

structure! {
    /// Defaults Information, from 2.0 (2.1 section 7.11).
    #[derive(Default)]
    DefaultsInformation {
        /// Defaults by type.
        object_defaults: repeated ObjectDefaults = ObjectDefaults,
    }
}
