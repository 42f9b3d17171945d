//! Discover Versions (1.4 section 4.26; 2.1 section 6.1.18).

use keybridge_kmip::Version;
use keybridge_kmip::operations::{DiscoverVersionsRequest, DiscoverVersionsResponse};

use crate::failure::Result;
use crate::processor::Context;

/// The server's versions, newest first; of the client's list, if it sent one, those that the server
/// has, in the server's order of preference.
pub(super) fn handle(
    request: DiscoverVersionsRequest,
    _: &mut Context<'_>,
) -> Result<DiscoverVersionsResponse> {
    let asked = request.protocol_versions;
    let common = |version: &Version| asked.is_empty() || asked.contains(version);
    let protocol_versions = Version::SUPPORTED.into_iter().filter(common).collect();
    Ok(DiscoverVersionsResponse { protocol_versions })
}
