//! The numbers by which the store keeps object classes, in columns and under seals. Part of its format:
//! never reused.

use crate::model::ObjectClass;

macro_rules! codes {
    ($($class:ident = $code:literal,)+) => {
        impl ObjectClass {
            /// The class's number in the store.
            pub(crate) const fn code(self) -> u8 {
                match self { $(Self::$class => $code,)+ }
            }

            /// The class of that number.
            pub(crate) const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$class),)+ _ => None }
            }
        }
    };
}

codes! {
    SecretKey = 1,
    PrivateKey = 2,
    PublicKey = 3,
    Certificate = 4,
    SecretData = 5,
    Opaque = 6,
    Data = 7,
    SplitKey = 8,
    Template = 9,
    PgpKey = 10,
    CertificateRequest = 11,
    Trust = 12,
}
