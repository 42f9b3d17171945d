//! KMIP over loopback TLS, beside an echo of the same sizes on the same TLS library.

pub(crate) fn measure() {}
