//! The calls of OpenSSL's provider for PKCS#11 (pkcs11-provider, which Debian 12 does not have),
//! replayed by a C program that is compiled against our header.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use keybridge_tests::{Command, products};

use crate::control::Subject;

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident)+) => {
        $($(#[$doc])*
        #[test]
        fn $name() {
            let on = subject();
            program(&on, stringify!($name)).ok();
        })+
    };
}

cases! {
    /// Signatures with a token's key and with its copy in the session, state probes between.
    signs
    /// A digest's state is copied to another session.
    digests
    /// A forked child starts anew; its parent goes on.
    forks
    /// An exit handler signs, destroys, closes and finalizes.
    exits_before_finalize
    /// An exit handler calls a module that is finalized already, and unloads it.
    exits_after_finalize
    /// The same from a destructor, after every exit handler.
    exits_from_a_destructor
    /// The process ends while its threads sign.
    exits_among_threads
}

/// The copy that the provider keeps is of the same key: when the key is disabled, it signs no more.
#[test]
fn a_cached_copy_does_not_outlive_its_key() {
    let on = subject();
    let mut child = program(&on, "outlives")
        .into_inner()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the program");
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().expect("its output"))
        .read_line(&mut said)
        .expect("read");
    assert_eq!(said, "ready\n");
    Command::new(products::keybridge())
        .envs(&on.token.env)
        .words("key disable tls")
        .ok();
    writeln!(child.stdin.as_mut().expect("its input"), "go").expect("write");
    assert!(child.wait().expect("wait").success());
}

/// A bridge with a P-256 key pair in its token and the compiled program in its folder.
#[track_caller]
fn subject() -> Subject {
    let on = Subject::bridge();
    on.token
        .tool("--keypairgen --key-type EC:prime256v1 --label tls --id 01 --usage-sign")
        .ok();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Command::new("gcc")
        .words("-std=gnu11 -Wall -Wextra -Werror -g -pthread -o")
        .arg(on.file("program"))
        .arg(root.join("clients/openssl_provider.c"))
        .arg("-I")
        .arg(root.join("../include"))
        .arg("-ldl")
        .ok();
    on
}

fn program(on: &Subject, case: &str) -> Command {
    on.token
        .command(&on.file("program"))
        .arg(&on.token.module)
        .args([&on.token.label, &on.token.pin, "tls", case])
}
