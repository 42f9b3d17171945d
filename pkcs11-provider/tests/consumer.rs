//! A C program, compiled against the header, that loads the module: life, forks, threads, exit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{lasting_folder, make_ready_store};

/// The compiled program and a store for it. `None` without a C compiler.
fn program() -> Option<&'static (&'static Path, PathBuf)> {
    static PROGRAM: OnceLock<Option<(&'static Path, PathBuf)>> = OnceLock::new();
    let made = PROGRAM.get_or_init(|| {
        if Command::new("gcc").arg("--version").output().is_err() {
            eprintln!("no gcc: the C program is left out");
            return None;
        }
        let folder = lasting_folder();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let binary = folder.join("consumer");
        let output = Command::new("gcc")
            .args([
                "-std=gnu11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-g",
                "-pthread",
                "-o",
            ])
            .arg(&binary)
            .arg(source.join("tests/consumer.c"))
            .arg("-I")
            .arg(source.join("../include"))
            .arg("-ldl")
            .output()
            .expect("gcc runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let configuration = make_ready_store(folder);
        Some((folder, configuration))
    });
    made.as_ref()
}

/// The shared object that was built together with this test.
fn module() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    test.parent()
        .expect("a folder")
        .join("libkeybridge_pkcs11.so")
}

#[track_caller]
fn run(case: &str) {
    let Some((folder, configuration)) = program() else {
        return;
    };
    let output = Command::new(folder.join("consumer"))
        .arg(module())
        .arg(case)
        .env("KEYBRIDGE_CONFIG", configuration)
        .output()
        .expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{case}: {} {errors}",
        output.status
    );
    assert!(
        output.stdout.is_empty(),
        "the module writes to standard output"
    );
    assert!(errors.is_empty(), "the module is not quiet: {errors}");
}

#[test]
fn the_usual_life() {
    run("usual");
}

#[test]
fn a_forked_child_starts_anew_and_the_parent_goes_on() {
    run("forks");
}

#[test]
fn forks_while_other_threads_sign() {
    run("forks_among_threads");
}

#[test]
fn finalize_while_other_threads_sign() {
    run("finalize_among_threads");
}

#[test]
fn finalize_wakes_who_waits_for_a_slot() {
    run("finalize_wakes");
}

#[test]
fn calls_from_exit_handlers_without_finalize() {
    run("exit_without_finalize");
}

#[test]
fn unloaded_and_loaded_again() {
    run("unload");
}
