//! The two tokens that every PKCS#11 program is run against.

use keybridge_tests::{Bridge, SoftHsm, Token};

/// A token together with what keeps it alive.
pub(crate) struct Subject {
    pub(crate) token: Token,
    bridge: Option<Bridge>,
    hsm: Option<SoftHsm>,
}

impl Subject {
    pub(crate) fn bridge() -> Self {
        Self::of(Bridge::new())
    }

    /// The bridge's token with another line in its `[[token]]`.
    pub(crate) fn bridge_with(line: &str) -> Self {
        let bridge = Bridge::new();
        let config = std::fs::read_to_string(bridge.config()).expect("the configuration");
        let config = config.replacen("[[token]]\n", &format!("[[token]]\n{line}\n"), 1);
        std::fs::write(bridge.config(), config).expect("write the configuration");
        Self::of(bridge)
    }

    fn of(bridge: Bridge) -> Self {
        Self {
            token: bridge.token(),
            bridge: Some(bridge),
            hsm: None,
        }
    }

    pub(crate) fn softhsm2() -> Self {
        let hsm = SoftHsm::new("house");
        Self {
            token: hsm.token(),
            bridge: None,
            hsm: Some(hsm),
        }
    }

    /// A file in a folder that goes away with the token.
    pub(crate) fn file(&self, name: &str) -> String {
        let folder = match (&self.bridge, &self.hsm) {
            (Some(bridge), _) => bridge.scratch(),
            (None, Some(hsm)) => hsm.dir(),
            (None, None) => unreachable!("a subject is one or the other"),
        };
        folder
            .join(name)
            .into_os_string()
            .into_string()
            .expect("a UTF-8 path")
    }

    /// A file with these contents.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.file(name);
        std::fs::write(&path, contents).expect("write a scratch file");
        path
    }

    /// The contents of a file.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.file(name);
        match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => panic!("{path}: {error}"),
        }
    }
}

/// Makes two tests of every function: one on the bridge's token and one on SoftHSM2's.
macro_rules! on_both {
    ($($(#[$doc:meta])* fn $name:ident($subject:ident) $body:block)+) => {
        $(
            $(#[$doc])*
            mod $name {
                #[allow(unused_imports)]
                use super::*;
                use crate::control::Subject;

                fn check($subject: &Subject) $body

                #[test]
                fn keybridge() {
                    check(&Subject::bridge());
                }

                #[test]
                fn softhsm2() {
                    check(&Subject::softhsm2());
                }
            }
        )+
    };
}

pub(crate) use on_both;
