//! The configuration file.
#![no_main]

use keybridge_core::settings::ConfigurationFile;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = toml::from_str::<ConfigurationFile>(text);
});
