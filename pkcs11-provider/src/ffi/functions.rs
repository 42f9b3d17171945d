//! The one list of functions: name, arguments, the version that added it, and what answers it.
//!
//! The exports, the three function lists, the names in traces and the C header all come from it.
//! A row without `=>` exists for applications that look the symbol up and answers
//! `CKR_FUNCTION_NOT_SUPPORTED` (PKCS#11 3.2, "Functions": "even an unsupported function MUST have
//! a 'stub' in the library").

/// Calls `$callback!` with the list. What stands in brackets goes before the function's own arguments, so that functions
/// of one shape have one implementation. Arguments carry the names and types of the standard's
/// prototypes, in its order: the order of the rows is the order of the function lists.
macro_rules! for_each_function {
    ($callback:ident) => {
        $callback! {
            V2_40 {
                C_Initialize(pInitArgs: CK_VOID_PTR) => general::initialize;
                C_Finalize(pReserved: CK_VOID_PTR) => general::finalize;
                C_GetInfo(pInfo: CK_INFO_PTR) => general::get_info;
                C_GetFunctionList(
                    ppFunctionList: CK_FUNCTION_LIST_PTR_PTR
                ) => interfaces::get_function_list;
                C_GetSlotList(
                    tokenPresent: CK_BBOOL, pSlotList: CK_SLOT_ID_PTR, pulCount: CK_ULONG_PTR
                ) => slots::get_slot_list;
                C_GetSlotInfo(slotID: CK_SLOT_ID, pInfo: CK_SLOT_INFO_PTR) => slots::get_slot_info;
                C_GetTokenInfo(
                    slotID: CK_SLOT_ID, pInfo: CK_TOKEN_INFO_PTR
                ) => slots::get_token_info;
                C_GetMechanismList(
                    slotID: CK_SLOT_ID, pMechanismList: CK_MECHANISM_TYPE_PTR,
                    pulCount: CK_ULONG_PTR
                ) => slots::get_mechanism_list;
                C_GetMechanismInfo(
                    slotID: CK_SLOT_ID, type_: CK_MECHANISM_TYPE, pInfo: CK_MECHANISM_INFO_PTR
                ) => slots::get_mechanism_info;
                C_InitToken(
                    slotID: CK_SLOT_ID, pPin: CK_UTF8CHAR_PTR, ulPinLen: CK_ULONG,
                    pLabel: CK_UTF8CHAR_PTR
                ) => slots::init_token;
                C_InitPIN(
                    hSession: CK_SESSION_HANDLE, pPin: CK_UTF8CHAR_PTR, ulPinLen: CK_ULONG
                ) => slots::init_pin;
                C_SetPIN(
                    hSession: CK_SESSION_HANDLE, pOldPin: CK_UTF8CHAR_PTR, ulOldLen: CK_ULONG,
                    pNewPin: CK_UTF8CHAR_PTR, ulNewLen: CK_ULONG
                ) => slots::set_pin;
                C_OpenSession(
                    slotID: CK_SLOT_ID, flags: CK_FLAGS, pApplication: CK_VOID_PTR,
                    Notify: CK_NOTIFY, phSession: CK_SESSION_HANDLE_PTR
                ) => sessions::open_session;
                C_CloseSession(hSession: CK_SESSION_HANDLE) => sessions::close_session;
                C_CloseAllSessions(slotID: CK_SLOT_ID) => sessions::close_all_sessions;
                C_GetSessionInfo(
                    hSession: CK_SESSION_HANDLE, pInfo: CK_SESSION_INFO_PTR
                ) => sessions::get_session_info;
                C_GetOperationState(
                    hSession: CK_SESSION_HANDLE, pOperationState: CK_BYTE_PTR,
                    pulOperationStateLen: CK_ULONG_PTR
                ) => sessions::get_operation_state;
                C_SetOperationState(
                    hSession: CK_SESSION_HANDLE, pOperationState: CK_BYTE_PTR,
                    ulOperationStateLen: CK_ULONG, hEncryptionKey: CK_OBJECT_HANDLE,
                    hAuthenticationKey: CK_OBJECT_HANDLE
                ) => sessions::set_operation_state;
                C_Login(
                    hSession: CK_SESSION_HANDLE, userType: CK_USER_TYPE, pPin: CK_UTF8CHAR_PTR,
                    ulPinLen: CK_ULONG
                ) => sessions::login;
                C_Logout(hSession: CK_SESSION_HANDLE) => sessions::logout;
                C_CreateObject(
                    hSession: CK_SESSION_HANDLE, pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG,
                    phObject: CK_OBJECT_HANDLE_PTR
                ) => objects::create_object;
                C_CopyObject(
                    hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG,
                    phNewObject: CK_OBJECT_HANDLE_PTR
                ) => objects::copy_object;
                C_DestroyObject(
                    hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE
                ) => objects::destroy_object;
                C_GetObjectSize(
                    hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE, pulSize: CK_ULONG_PTR
                ) => objects::get_object_size;
                C_GetAttributeValue(
                    hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG
                ) => objects::get_attribute_value;
                C_SetAttributeValue(
                    hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG
                ) => objects::set_attribute_value;
                C_FindObjectsInit(
                    hSession: CK_SESSION_HANDLE, pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG
                ) => objects::find_objects_init;
                C_FindObjects(
                    hSession: CK_SESSION_HANDLE, phObject: CK_OBJECT_HANDLE_PTR,
                    ulMaxObjectCount: CK_ULONG, pulObjectCount: CK_ULONG_PTR
                ) => objects::find_objects;
                C_FindObjectsFinal(hSession: CK_SESSION_HANDLE) => objects::find_objects_final;
                C_EncryptInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => cipher::encrypt_init;
                C_Encrypt(
                    hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pEncryptedData: CK_BYTE_PTR, pulEncryptedDataLen: CK_ULONG_PTR
                ) => cipher::one_part[Kind::Encrypt];
                C_EncryptUpdate(
                    hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG,
                    pEncryptedPart: CK_BYTE_PTR, pulEncryptedPartLen: CK_ULONG_PTR
                ) => cipher::update[Kind::Encrypt];
                C_EncryptFinal(
                    hSession: CK_SESSION_HANDLE, pLastEncryptedPart: CK_BYTE_PTR,
                    pulLastEncryptedPartLen: CK_ULONG_PTR
                ) => cipher::finish[Kind::Encrypt];
                C_DecryptInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => signature::init[Kind::Decrypt];
                C_Decrypt(
                    hSession: CK_SESSION_HANDLE, pEncryptedData: CK_BYTE_PTR,
                    ulEncryptedDataLen: CK_ULONG, pData: CK_BYTE_PTR, pulDataLen: CK_ULONG_PTR
                ) => cipher::one_part[Kind::Decrypt];
                C_DecryptUpdate(
                    hSession: CK_SESSION_HANDLE, pEncryptedPart: CK_BYTE_PTR,
                    ulEncryptedPartLen: CK_ULONG, pPart: CK_BYTE_PTR, pulPartLen: CK_ULONG_PTR
                ) => cipher::update[Kind::Decrypt];
                C_DecryptFinal(
                    hSession: CK_SESSION_HANDLE, pLastPart: CK_BYTE_PTR,
                    pulLastPartLen: CK_ULONG_PTR
                ) => cipher::finish[Kind::Decrypt];
                C_DigestInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR
                ) => digest::digest_init;
                C_Digest(
                    hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pDigest: CK_BYTE_PTR, pulDigestLen: CK_ULONG_PTR
                ) => digest::digest;
                C_DigestUpdate(
                    hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG
                ) => digest::digest_update;
                C_DigestKey(
                    hSession: CK_SESSION_HANDLE, hKey: CK_OBJECT_HANDLE
                ) => digest::digest_key;
                C_DigestFinal(
                    hSession: CK_SESSION_HANDLE, pDigest: CK_BYTE_PTR, pulDigestLen: CK_ULONG_PTR
                ) => digest::digest_final;
                C_SignInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => signature::init[Kind::Sign];
                C_Sign(
                    hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, pulSignatureLen: CK_ULONG_PTR
                ) => cipher::one_part[Kind::Sign];
                C_SignUpdate(
                    hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG
                ) => signature::absorb[Kind::Sign];
                C_SignFinal(
                    hSession: CK_SESSION_HANDLE, pSignature: CK_BYTE_PTR,
                    pulSignatureLen: CK_ULONG_PTR
                ) => cipher::finish[Kind::Sign];
                C_SignRecoverInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => signature::init[Kind::SignRecover];
                C_SignRecover(
                    hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, pulSignatureLen: CK_ULONG_PTR
                ) => cipher::one_part[Kind::SignRecover];
                C_VerifyInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => signature::init[Kind::Verify];
                C_Verify(
                    hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG
                ) => signature::verify;
                C_VerifyUpdate(
                    hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG
                ) => signature::absorb[Kind::Verify];
                C_VerifyFinal(
                    hSession: CK_SESSION_HANDLE, pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG
                ) => signature::verify_final;
                C_VerifyRecoverInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => signature::init[Kind::VerifyRecover];
                C_VerifyRecover(
                    hSession: CK_SESSION_HANDLE, pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG,
                    pData: CK_BYTE_PTR, pulDataLen: CK_ULONG_PTR
                ) => cipher::one_part[Kind::VerifyRecover];
                C_DigestEncryptUpdate(
                    hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG,
                    pEncryptedPart: CK_BYTE_PTR, pulEncryptedPartLen: CK_ULONG_PTR
                ) => cipher::dual_update[Kind::Encrypt, Second::Digest];
                C_DecryptDigestUpdate(
                    hSession: CK_SESSION_HANDLE, pEncryptedPart: CK_BYTE_PTR,
                    ulEncryptedPartLen: CK_ULONG, pPart: CK_BYTE_PTR, pulPartLen: CK_ULONG_PTR
                ) => cipher::dual_update[Kind::Decrypt, Second::Digest];
                C_SignEncryptUpdate(
                    hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG,
                    pEncryptedPart: CK_BYTE_PTR, pulEncryptedPartLen: CK_ULONG_PTR
                ) => cipher::dual_update[Kind::Encrypt, Second::Sign];
                C_DecryptVerifyUpdate(
                    hSession: CK_SESSION_HANDLE, pEncryptedPart: CK_BYTE_PTR,
                    ulEncryptedPartLen: CK_ULONG, pPart: CK_BYTE_PTR, pulPartLen: CK_ULONG_PTR
                ) => cipher::dual_update[Kind::Decrypt, Second::Verify];
                C_GenerateKey(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR
                ) => keys::generate_key;
                C_GenerateKeyPair(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    pPublicKeyTemplate: CK_ATTRIBUTE_PTR, ulPublicKeyAttributeCount: CK_ULONG,
                    pPrivateKeyTemplate: CK_ATTRIBUTE_PTR, ulPrivateKeyAttributeCount: CK_ULONG,
                    phPublicKey: CK_OBJECT_HANDLE_PTR, phPrivateKey: CK_OBJECT_HANDLE_PTR
                ) => keys::generate_key_pair;
                C_WrapKey(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hWrappingKey: CK_OBJECT_HANDLE, hKey: CK_OBJECT_HANDLE,
                    pWrappedKey: CK_BYTE_PTR, pulWrappedKeyLen: CK_ULONG_PTR
                ) => keys::wrap_key;
                C_UnwrapKey(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hUnwrappingKey: CK_OBJECT_HANDLE, pWrappedKey: CK_BYTE_PTR,
                    ulWrappedKeyLen: CK_ULONG, pTemplate: CK_ATTRIBUTE_PTR,
                    ulAttributeCount: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR
                ) => keys::unwrap_key;
                C_DeriveKey(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hBaseKey: CK_OBJECT_HANDLE, pTemplate: CK_ATTRIBUTE_PTR,
                    ulAttributeCount: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR
                ) => keys::derive_key;
                C_SeedRandom(
                    hSession: CK_SESSION_HANDLE, pSeed: CK_BYTE_PTR, ulSeedLen: CK_ULONG
                ) => random::seed_random;
                C_GenerateRandom(
                    hSession: CK_SESSION_HANDLE, RandomData: CK_BYTE_PTR, ulRandomLen: CK_ULONG
                ) => random::generate_random;
                C_GetFunctionStatus(hSession: CK_SESSION_HANDLE) => general::not_parallel;
                C_CancelFunction(hSession: CK_SESSION_HANDLE) => general::not_parallel;
                C_WaitForSlotEvent(
                    flags: CK_FLAGS, pSlot: CK_SLOT_ID_PTR, pReserved: CK_VOID_PTR
                ) => slots::wait_for_slot_event;
            }
            V3_0 {
                C_GetInterfaceList(
                    pInterfacesList: CK_INTERFACE_PTR, pulCount: CK_ULONG_PTR
                ) => interfaces::get_interface_list;
                C_GetInterface(
                    pInterfaceName: CK_UTF8CHAR_PTR, pVersion: CK_VERSION_PTR,
                    ppInterface: CK_INTERFACE_PTR_PTR, flags: CK_FLAGS
                ) => interfaces::get_interface;
                C_LoginUser(
                    hSession: CK_SESSION_HANDLE, userType: CK_USER_TYPE, pPin: CK_UTF8CHAR_PTR,
                    ulPinLen: CK_ULONG, pUsername: CK_UTF8CHAR_PTR, ulUsernameLen: CK_ULONG
                ) => sessions::login_user;
                C_SessionCancel(
                    hSession: CK_SESSION_HANDLE, flags: CK_FLAGS
                ) => sessions::session_cancel;
                C_MessageEncryptInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => messages::message_encrypt_init;
                C_EncryptMessage(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG,
                    pPlaintext: CK_BYTE_PTR, ulPlaintextLen: CK_ULONG, pCiphertext: CK_BYTE_PTR,
                    pulCiphertextLen: CK_ULONG_PTR
                ) => messages::encrypt_message;
                C_EncryptMessageBegin(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG
                ) => messages::encrypt_message_begin;
                C_EncryptMessageNext(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pPlaintextPart: CK_BYTE_PTR, ulPlaintextPartLen: CK_ULONG,
                    pCiphertextPart: CK_BYTE_PTR, pulCiphertextPartLen: CK_ULONG_PTR,
                    flags: CK_FLAGS
                ) => messages::encrypt_message_next;
                C_MessageEncryptFinal(hSession: CK_SESSION_HANDLE) => messages::message_encrypt_final;
                C_MessageDecryptInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => messages::message_decrypt_init;
                C_DecryptMessage(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG,
                    pCiphertext: CK_BYTE_PTR, ulCiphertextLen: CK_ULONG, pPlaintext: CK_BYTE_PTR,
                    pulPlaintextLen: CK_ULONG_PTR
                ) => messages::decrypt_message;
                C_DecryptMessageBegin(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG
                ) => messages::decrypt_message_begin;
                C_DecryptMessageNext(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pCiphertextPart: CK_BYTE_PTR, ulCiphertextPartLen: CK_ULONG,
                    pPlaintextPart: CK_BYTE_PTR, pulPlaintextPartLen: CK_ULONG_PTR,
                    flags: CK_FLAGS
                ) => messages::decrypt_message_next;
                C_MessageDecryptFinal(hSession: CK_SESSION_HANDLE) => messages::message_decrypt_final;
                C_MessageSignInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => message_signatures::message_sign_init;
                C_SignMessage(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pData: CK_BYTE_PTR, ulDataLen: CK_ULONG, pSignature: CK_BYTE_PTR,
                    pulSignatureLen: CK_ULONG_PTR
                ) => message_signatures::sign_message;
                C_SignMessageBegin(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG
                ) => message_signatures::sign_message_begin;
                C_SignMessageNext(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pData: CK_BYTE_PTR, ulDataLen: CK_ULONG, pSignature: CK_BYTE_PTR,
                    pulSignatureLen: CK_ULONG_PTR
                ) => message_signatures::sign_message_next;
                C_MessageSignFinal(hSession: CK_SESSION_HANDLE) => message_signatures::message_sign_final;
                C_MessageVerifyInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE
                ) => message_signatures::message_verify_init;
                C_VerifyMessage(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pData: CK_BYTE_PTR, ulDataLen: CK_ULONG, pSignature: CK_BYTE_PTR,
                    ulSignatureLen: CK_ULONG
                ) => message_signatures::verify_message;
                C_VerifyMessageBegin(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG
                ) => message_signatures::verify_message_begin;
                C_VerifyMessageNext(
                    hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pData: CK_BYTE_PTR, ulDataLen: CK_ULONG, pSignature: CK_BYTE_PTR,
                    ulSignatureLen: CK_ULONG
                ) => message_signatures::verify_message_next;
                C_MessageVerifyFinal(hSession: CK_SESSION_HANDLE) => message_signatures::message_verify_final;
            }
            V3_2 {
                C_EncapsulateKey(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hPublicKey: CK_OBJECT_HANDLE, pTemplate: CK_ATTRIBUTE_PTR,
                    ulAttributeCount: CK_ULONG, pCiphertext: CK_BYTE_PTR,
                    pulCiphertextLen: CK_ULONG_PTR, phKey: CK_OBJECT_HANDLE_PTR
                ) => keys::encapsulate_key;
                C_DecapsulateKey(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hPrivateKey: CK_OBJECT_HANDLE, pTemplate: CK_ATTRIBUTE_PTR,
                    ulAttributeCount: CK_ULONG, pCiphertext: CK_BYTE_PTR,
                    ulCiphertextLen: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR
                ) => keys::decapsulate_key;
                C_VerifySignatureInit(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE, pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG
                ) => signature::verify_signature_init;
                C_VerifySignature(
                    hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG
                ) => signature::verify_signature;
                C_VerifySignatureUpdate(
                    hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG
                ) => signature::absorb[Kind::VerifySignature];
                C_VerifySignatureFinal(hSession: CK_SESSION_HANDLE) => signature::verify_signature_final;
                C_GetSessionValidationFlags(
                    hSession: CK_SESSION_HANDLE, type_: CK_SESSION_VALIDATION_FLAGS_TYPE,
                    pFlags: CK_FLAGS_PTR
                ) => sessions::get_session_validation_flags;
                C_AsyncComplete(
                    hSession: CK_SESSION_HANDLE, pFunctionName: CK_UTF8CHAR_PTR,
                    pResult: CK_ASYNC_DATA_PTR
                );
                C_AsyncGetID(
                    hSession: CK_SESSION_HANDLE, pFunctionName: CK_UTF8CHAR_PTR,
                    pulID: CK_ULONG_PTR
                );
                C_AsyncJoin(
                    hSession: CK_SESSION_HANDLE, pFunctionName: CK_UTF8CHAR_PTR, ulID: CK_ULONG,
                    pData: CK_BYTE_PTR, ulData: CK_ULONG
                );
                C_WrapKeyAuthenticated(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hWrappingKey: CK_OBJECT_HANDLE, hKey: CK_OBJECT_HANDLE,
                    pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG,
                    pWrappedKey: CK_BYTE_PTR, pulWrappedKeyLen: CK_ULONG_PTR
                ) => keys::wrap_key_authenticated;
                C_UnwrapKeyAuthenticated(
                    hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hUnwrappingKey: CK_OBJECT_HANDLE, pWrappedKey: CK_BYTE_PTR,
                    ulWrappedKeyLen: CK_ULONG, pTemplate: CK_ATTRIBUTE_PTR,
                    ulAttributeCount: CK_ULONG, pAssociatedData: CK_BYTE_PTR,
                    ulAssociatedDataLen: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR
                ) => keys::unwrap_key_authenticated;
            }
        }
    };
}

pub(crate) use for_each_function;
