//! Re-key Key Pair (1.4 section 4.5; 2.1 section 6.1.47).

use keybridge_kmip::enums::UniqueIdentifierEnumeration;
use keybridge_kmip::operations::{ReKeyKeyPairRequest, ReKeyKeyPairResponse};

use super::rekey::{public_half, rotate};
use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: ReKeyKeyPairRequest,
    context: &mut Context<'_>,
) -> Result<ReKeyKeyPairResponse> {
    let id = context.online_object(request.private_key_unique_identifier.as_ref())?;
    let created = rotate(
        context,
        id,
        request.offset,
        [request.common.as_ref(), request.private_key.as_ref()],
        [request.common.as_ref(), request.public_key.as_ref()],
    )?;
    let public = public_half(&created)?;
    context.set_placeholder(Some(created.secret));
    context.made(UniqueIdentifierEnumeration::ReKeyKeyPair, created.secret);
    context.made(
        UniqueIdentifierEnumeration::ReKeyKeyPairPrivateKey,
        created.secret,
    );
    context.made(UniqueIdentifierEnumeration::ReKeyKeyPairPublicKey, public);
    Ok(ReKeyKeyPairResponse {
        private_key_unique_identifier: identifier(created.secret),
        public_key_unique_identifier: identifier(public),
        private_key: None,
        public_key: None,
    })
}
