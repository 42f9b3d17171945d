//! Where the programs under test are.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The `keybridge` program.
#[must_use]
pub fn keybridge() -> PathBuf {
    products().program.clone()
}

/// The PKCS#11 module, `libkeybridge_pkcs11.so`.
#[must_use]
pub fn module() -> PathBuf {
    products().module.clone()
}

/// The Python interpreter that has the clients of `tests/clients/requirements.txt`.
#[must_use]
#[track_caller]
pub fn python() -> PathBuf {
    let python = std::env::var_os("KEYBRIDGE_TEST_PYTHON").map_or_else(
        || target().join("test-clients/venv/bin/python"),
        PathBuf::from,
    );
    assert!(
        python.exists(),
        "the Python clients are missing ({}): run scripts/test once, it installs them",
        python.display()
    );
    python
}

/// One of the Python drivers in `tests/clients`.
#[must_use]
pub fn driver(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(name)
}

/// The target folder of the workspace.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    )
}

struct Products {
    program: PathBuf,
    module: PathBuf,
}

/// Under nextest a set-up script has built them and says where they are. Under `cargo test` and
/// `cargo bench` they are built here, in the profile of the caller.
fn products() -> &'static Products {
    static PRODUCTS: OnceLock<Products> = OnceLock::new();
    PRODUCTS.get_or_init(|| {
        let told = |name| std::env::var_os(name).map(PathBuf::from);
        if let (Some(program), Some(module)) = (told("KEYBRIDGE_BIN"), told("KEYBRIDGE_MODULE")) {
            return Products { program, module };
        }
        let (profile, folder) = if cfg!(debug_assertions) {
            ("dev", "debug")
        } else {
            ("release", "release")
        };
        let status =
            std::process::Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
                .args(["build", "--quiet", "--profile", profile])
                .args(["-p", "keybridge-server", "-p", "keybridge-pkcs11"])
                .status()
                .expect("start cargo");
        assert!(status.success(), "the programs under test do not build");
        let folder = target()
            .join(folder)
            .canonicalize()
            .expect("the target folder");
        Products {
            program: folder.join("keybridge"),
            module: folder.join("libkeybridge_pkcs11.so"),
        }
    })
}
